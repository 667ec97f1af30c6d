//! What a JSON value of the log is: an event, a list of them, or something else that deserves its name.
//!
//! Webhook `EventList`s, JSON arrays and `hostname {json}` lines are opened here. The wrappings that cloud providers and
//! log shippers add are recognised and named, not opened; one that is to be opened gets its arm in [`open`].

use serde_json::value::RawValue;

use super::general::{self, Fields, Missing};
use super::{Item, Reason, decode_alone};

/// Opens one JSON value and hands over the events in it, and what isn't one.
pub(super) fn open<'a>(value: &'a RawValue, is_item: bool, host: Option<&'a str>, sink: &mut impl FnMut(Item<'a, '_>)) {
    let text = value.get();
    // A list is opened once: the events of a list of lists are nobody's log.
    if text.starts_with('[') && !is_item {
        general::each_element(value, |element| match element.get().starts_with('[') {
            true => sink(Item::Unreadable { text: element.get(), at: 0, reason: Reason::NotAnEvent(Looks::OtherJson) }),
            false => open(element, false, host, sink),
        });
        return;
    }
    let Some(fields) = Fields::of(value) else {
        sink(Item::Unreadable { text, at: 0, reason: Reason::NotAnEvent(Looks::OtherJson) });
        return;
    };
    match what_is(text, &fields, is_item) {
        What::Event => match general::event(&fields) {
            Ok(event) => sink(Item::Event { event: &event, text, host }),
            Err(missing) => sink(Item::Unreadable { text, at: 0, reason: missing.into() }),
        },
        What::EventList(items) => {
            general::each_element(items, |item| open_item(item, host, sink));
        }
        What::Other(looks) => sink(Item::Unreadable { text, at: 0, reason: Reason::NotAnEvent(looks) }),
    }
}

/// Opens an item of an EventList.
fn open_item<'a>(item: &'a RawValue, host: Option<&'a str>, sink: &mut impl FnMut(Item<'a, '_>)) {
    let text = item.get();
    match decode_alone(text, true) {
        Some(event) => sink(Item::Event { event: &event, text, host }),
        None => open(item, true, host, sink),
    }
}

impl From<Missing> for Reason {
    fn from(missing: Missing) -> Self {
        match missing {
            Missing::Stage => Self::NoStage,
            Missing::KnownStage => Self::UnknownStage,
        }
    }
}

enum What<'a> {
    Event,
    EventList(&'a RawValue),
    Other(Looks),
}

/// An object is an event when it says so, or when it is an item of an EventList, which says so for it, or when it
/// doesn't say of what API it is and has an event's two own fields, as some shippers leave it.
fn what_is<'a>(text: &str, fields: &Fields<'a>, is_item: bool) -> What<'a> {
    let kind = general::string_value(fields.kind);
    let api_version = general::string_value(fields.api_version);
    let is_audit = api_version.as_deref().is_some_and(|version| version.starts_with("audit.k8s.io/"));
    match (kind.as_deref(), fields.items) {
        (Some("Event"), _) if is_audit => What::Event,
        (Some("EventList"), Some(items)) if is_audit => What::EventList(items),
        (Some("EventList"), None) if is_audit => What::Other(Looks::EmptyEventList),
        (None, _) if is_item && fields.kind.is_none() => What::Event,
        (None | Some("Event"), _) if fields.api_version.is_none() && fields.has_id_and_stage() => What::Event,
        (kind, _) => What::Other(Looks::of_object(text, kind, fields)),
    }
}

/// What a line that holds no audit event looks like instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Looks {
    /// The audit log's own text format, `--audit-log-format=legacy`: it has no durations.
    LegacyText,
    /// The server's own log.
    Klog,
    /// An AKS diagnostic record with the event in `properties.log` or `log_s`.
    AksDiagnostic,
    /// A Google Cloud LogEntry with a `protoPayload`.
    GkeLogEntry,
    /// A CloudWatch Logs envelope, as EKS delivers.
    CloudWatch,
    /// OpenTelemetry `resourceLogs`.
    Otlp,
    /// A record of a log collector with the line in `message` or `log`.
    CollectorRecord,
    /// A line of Linux's auditd.
    Auditd,
    /// An admission webhook's review.
    AdmissionReview,
    /// An EventList with nothing in it.
    EmptyEventList,
    /// Some other Kubernetes object.
    KubernetesObject,
    /// Comma-separated values.
    Csv,
    /// Other JSON.
    OtherJson,
    /// Other text.
    OtherText,
    /// No text at all.
    Binary,
}

impl Looks {
    /// What it looks like, to follow "looks like".
    pub const fn words(self) -> &'static str {
        match self {
            Self::LegacyText => "the legacy audit text format (--audit-log-format=legacy), which has no durations",
            Self::Klog => "a Kubernetes component's own log (klog)",
            Self::AksDiagnostic => "AKS diagnostic records",
            Self::GkeLogEntry => "Google Cloud audit LogEntries",
            Self::CloudWatch => "a CloudWatch Logs envelope",
            Self::Otlp => "OpenTelemetry log records",
            Self::CollectorRecord => "a log collector's records",
            Self::Auditd => "a Linux auditd log",
            Self::AdmissionReview => "AdmissionReviews of a webhook",
            Self::EmptyEventList => "an EventList without items",
            Self::KubernetesObject => "other Kubernetes objects",
            Self::Csv => "comma-separated values",
            Self::OtherJson => "JSON that is no audit event",
            Self::OtherText => "text that is no JSON",
            Self::Binary => "binary data",
        }
    }

    fn of_object(text: &str, kind: Option<&str>, fields: &Fields<'_>) -> Self {
        let has = |key: &str| fields.other_keys.iter().any(|other| other == key);
        if has("protoPayload") {
            Self::GkeLogEntry
        } else if has("records") || text.contains("\"log_s\":") || has("operationName") && has("category") {
            Self::AksDiagnostic
        } else if has("logEvents") || has("events") || has("messageType") {
            Self::CloudWatch
        } else if has("resourceLogs") {
            Self::Otlp
        } else if kind == Some("AdmissionReview") {
            Self::AdmissionReview
        } else if kind.is_some() && fields.api_version.is_some() {
            Self::KubernetesObject
        } else if has("message") || has("log") || has("line") {
            Self::CollectorRecord
        } else {
            Self::OtherJson
        }
    }

    /// What a line without JSON looks like.
    pub(super) fn of_text(line: &str) -> Self {
        let starts_klog = |line: &str| {
            let bytes = line.as_bytes();
            bytes.len() > 5 && b"IWEF".contains(&bytes[0]) && bytes[1..5].iter().all(u8::is_ascii_digit)
        };
        let controls = line.bytes().take(256).filter(|byte| *byte < b' ' && *byte != b'\t').count();
        if controls > 0 {
            Self::Binary
        } else if line.contains(" AUDIT: id=") {
            Self::LegacyText
        } else if starts_klog(line) {
            Self::Klog
        } else if line.starts_with("type=") && line.contains(" msg=audit(") {
            Self::Auditd
        } else if line.bytes().filter(|byte| *byte == b',').count() >= 5 {
            Self::Csv
        } else {
            Self::OtherText
        }
    }
}
