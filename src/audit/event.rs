//! One audit event, borrowed from the line it was read from.

use super::text::{Text, TextList};
use super::time::Micros;

/// How much of a request the audit policy recorded (`level`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Nothing but the fact; upstream never writes it.
    None,
    /// Who, what and when, without bodies.
    Metadata,
    /// Metadata and the request's body.
    Request,
    /// Metadata and both bodies.
    RequestResponse,
}

impl Level {
    /// Every level, in order.
    pub const ALL: [Self; 4] = [Self::None, Self::Metadata, Self::Request, Self::RequestResponse];

    /// Reads the name that upstream writes.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.name() == name)
    }

    /// The name that upstream writes.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "None",
            Self::Metadata => "Metadata",
            Self::Request => "Request",
            Self::RequestResponse => "RequestResponse",
        }
    }
}

/// The point in a request's life at which the event was written (`stage`), in the order in which they happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// The request came in; most policies omit it.
    RequestReceived,
    /// The status line of a long-running request was written; also all that is logged of a failed authentication.
    ResponseStarted,
    /// The response is finished.
    ResponseComplete,
    /// The handler panicked; no ResponseComplete follows.
    Panic,
}

impl Stage {
    /// Every stage, in order.
    pub const ALL: [Self; 4] = [Self::RequestReceived, Self::ResponseStarted, Self::ResponseComplete, Self::Panic];

    /// Reads the name that upstream writes.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|stage| stage.name() == name)
    }

    /// The name that upstream writes.
    pub const fn name(self) -> &'static str {
        match self {
            Self::RequestReceived => "RequestReceived",
            Self::ResponseStarted => "ResponseStarted",
            Self::ResponseComplete => "ResponseComplete",
            Self::Panic => "Panic",
        }
    }
}

/// A user as authentication saw it (`user`, `impersonatedUser`).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct User<'a> {
    /// `username`; absent for requests that failed authentication.
    pub name: Option<Text<'a>>,
    /// `uid`.
    pub uid: Option<Text<'a>>,
    /// `groups`.
    pub groups: Option<TextList<'a>>,
    /// `extra["authentication.kubernetes.io/pod-name"]`: the pod a bound service account token belongs to.
    pub pod_name: Option<Text<'a>>,
    /// `extra["authentication.kubernetes.io/node-name"]`: the node of that pod.
    pub node_name: Option<Text<'a>>,
}

impl<'a> User<'a> {
    /// Takes note of one entry of `extra`; a later one of the same key wins.
    pub(super) fn note_extra(&mut self, key: &str, values: TextList<'a>) {
        match key {
            "authentication.kubernetes.io/pod-name" => self.pod_name = values.iter().next(),
            "authentication.kubernetes.io/node-name" => self.node_name = values.iter().next(),
            _ => {}
        }
    }
}

/// What the request was about (`objectRef`); absent for non-resource requests.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ObjectRef<'a> {
    /// `resource`, the plural.
    pub resource: Option<Text<'a>>,
    /// `namespace`; absent for cluster scope.
    pub namespace: Option<Text<'a>>,
    /// `name`; for lists only with a `metadata.name` field selector.
    pub name: Option<Text<'a>>,
    /// `apiGroup`; absent for the core group.
    pub api_group: Option<Text<'a>>,
    /// `apiVersion`.
    pub api_version: Option<Text<'a>>,
    /// `subresource`.
    pub subresource: Option<Text<'a>>,
}

/// The parts of a request's time that the server reports in `apiserver.latency.k8s.io/…` annotations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Latency {
    /// `total`: the whole request.
    Total,
    /// `etcd`: in etcd client calls, summed.
    Etcd,
    /// `decode-response-object`: decoding etcd values, summed.
    Decode,
    /// `transform-response-object`: conversion, tables, summed.
    Transform,
    /// `serialize-response-object`: encoding, interleaved with writing, summed.
    Serialize,
    /// `response-write`: writes to the client, summed.
    ResponseWrite,
    /// `apf-queue-wait`: in an APF queue, the longest.
    ApfQueueWait,
    /// `authentication`.
    Authentication,
    /// `authorization`.
    Authorization,
    /// `impersonation`.
    Impersonation,
    /// `mutating-webhook`: summed.
    MutatingWebhook,
    /// `validating-webhook`: the longest.
    ValidatingWebhook,
}

impl Latency {
    /// Every part, in the order of its index.
    pub const ALL: [Self; 12] = [
        Self::Total,
        Self::Etcd,
        Self::Decode,
        Self::Transform,
        Self::Serialize,
        Self::ResponseWrite,
        Self::ApfQueueWait,
        Self::Authentication,
        Self::Authorization,
        Self::Impersonation,
        Self::MutatingWebhook,
        Self::ValidatingWebhook,
    ];

    /// The annotation's name after `apiserver.latency.k8s.io/`.
    pub const fn annotation(self) -> &'static str {
        match self {
            Self::Total => "total",
            Self::Etcd => "etcd",
            Self::Decode => "decode-response-object",
            Self::Transform => "transform-response-object",
            Self::Serialize => "serialize-response-object",
            Self::ResponseWrite => "response-write",
            Self::ApfQueueWait => "apf-queue-wait",
            Self::Authentication => "authentication",
            Self::Authorization => "authorization",
            Self::Impersonation => "impersonation",
            Self::MutatingWebhook => "mutating-webhook",
            Self::ValidatingWebhook => "validating-webhook",
        }
    }

    fn from_annotation(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|part| part.annotation() == name)
    }
}

/// The annotations that analyses read; all others are passed over.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Annotations<'a> {
    /// `authorization.k8s.io/decision`: `allow` or `forbid`; absent when the request never came that far.
    pub authorization_decision: Option<Text<'a>>,
    /// Whether `audit.k8s.io/truncated` says that bodies were cut away.
    pub is_truncated: bool,
    /// Whether `apiserver.k8s.io/startup` marks a request served while the server was starting.
    pub is_startup: bool,
    /// By the index of [`Latency`]; only slow requests have any.
    latencies: Option<Box<[Option<Text<'a>>; Latency::ALL.len()]>>,
}

impl<'a> Annotations<'a> {
    /// The Go duration logged for `part`; the server writes one only where a request took over 0.5 s, never for watches.
    pub fn latency(&self, part: Latency) -> Option<Text<'a>> {
        self.latencies.as_ref()?[part as usize]
    }

    /// Whether any latency annotation is there.
    pub fn has_latency(&self) -> bool {
        self.latencies.is_some()
    }

    /// Takes note of one annotation; a later one of the same key wins.
    pub(super) fn note(&mut self, key: &str, value: Text<'a>) {
        match key {
            "authorization.k8s.io/decision" => self.authorization_decision = Some(value),
            "authorization.k8s.io/reason" => {}
            "audit.k8s.io/truncated" => self.is_truncated = value == *"true",
            "apiserver.k8s.io/startup" => self.is_startup = true,
            _ => {
                if let Some(part) = key.strip_prefix("apiserver.latency.k8s.io/").and_then(Latency::from_annotation) {
                    self.latencies.get_or_insert_default()[part as usize] = Some(value);
                }
            }
        }
    }
}

/// Something wrong in a line that could be read all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Remark {
    /// Half of a surrogate pair in a string; read as U+FFFD.
    LoneSurrogate,
    /// `responseStatus.code` was no number that a code can be; read as absent.
    BadCode,
    /// A timestamp that can't be read; taken as absent.
    BadTimestamp,
    /// `level` is none of upstream's; taken as absent.
    UnknownLevel,
    /// A field of another type than upstream's; taken as absent.
    WrongType,
    /// The same key twice in the event itself; the last one counts.
    DuplicateKey,
    /// No `auditID`: the event can't be joined with others.
    NoAuditId,
}

impl Remark {
    /// Every remark, in the order of its index.
    pub const ALL: [Self; 7] = [
        Self::LoneSurrogate,
        Self::BadCode,
        Self::BadTimestamp,
        Self::UnknownLevel,
        Self::WrongType,
        Self::DuplicateKey,
        Self::NoAuditId,
    ];

    /// The remark in words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::LoneSurrogate => "a lone surrogate in a string, read as U+FFFD",
            Self::BadCode => "a response code that is no such number, taken as absent",
            Self::BadTimestamp => "a timestamp that can't be read, taken as absent",
            Self::UnknownLevel => "an unknown level, taken as absent",
            Self::WrongType => "a field of an unexpected type, taken as absent",
            Self::DuplicateKey => "a key given twice, the last one taken",
            Self::NoAuditId => "no auditID, so not joined with other stages of its request",
        }
    }
}

/// The remarks on one event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Remarks(u8);

impl Remarks {
    /// Adds one.
    pub const fn add(&mut self, remark: Remark) {
        self.0 |= 1 << remark as u8;
    }

    /// Whether there is none, as on nearly every line.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The remarks made.
    pub fn iter(self) -> impl Iterator<Item = Remark> {
        Remark::ALL.into_iter().filter(move |remark| self.0 & (1 << *remark as u8) != 0)
    }
}

/// What a `metav1.Status` says.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ResponseStatus<'a> {
    pub(super) reason: Option<Text<'a>>,
    pub(super) code: Option<i32>,
    pub(super) is_impersonation_denied: bool,
}

impl<'a> ResponseStatus<'a> {
    /// Takes in `message`, as upstream words a refusal (`staging/src/k8s.io/apiserver/pkg/endpoints/handlers/responsewriters/errors.go`,
    /// `forbiddenMessage`): User "system:…" cannot impersonate resource "users" in API group "" at the cluster scope.
    pub(super) fn note_message(&mut self, message: Text<'a>) {
        self.is_impersonation_denied = message.decode().contains(" cannot impersonate resource ");
    }
}

/// One `audit.k8s.io` Event. A field is `None` where the line doesn't say.
#[derive(Clone, Debug, PartialEq)]
pub struct Event<'a> {
    /// `level`.
    pub level: Option<Level>,
    /// `auditID`: shared by the stages of one request, and by servers that pass a request on; clients may choose it.
    pub audit_id: Option<Text<'a>>,
    /// `stage`.
    pub stage: Stage,
    /// `requestURI`: path and raw query.
    pub request_uri: Option<Text<'a>>,
    /// `verb`: Kubernetes' verb, or the HTTP method in lower case for non-resource requests.
    pub verb: Option<Text<'a>>,
    /// `user`.
    pub user: User<'a>,
    /// `impersonatedUser`, from the stage after RequestReceived on.
    pub impersonated_user: Option<Box<User<'a>>>,
    /// `sourceIPs`: only the last one can be trusted.
    pub source_ips: Option<TextList<'a>>,
    /// `userAgent`: what the client says of itself.
    pub user_agent: Option<Text<'a>>,
    /// `objectRef`.
    pub object_ref: Option<ObjectRef<'a>>,
    /// `responseStatus.code`.
    pub code: Option<i32>,
    /// `responseStatus.reason`.
    pub reason: Option<Text<'a>>,
    /// Whether `responseStatus.message` says that the impersonation was denied: such a request never came
    /// as far as API Priority and Fairness.
    pub is_impersonation_denied: bool,
    /// Length in bytes of `requestObject` as written; absent below level Request.
    pub request_bytes: Option<u64>,
    /// Length in bytes of `responseObject` as written; absent below level RequestResponse.
    pub response_bytes: Option<u64>,
    /// `requestReceivedTimestamp` (v1alpha1: `timestamp`), the same in all stages of a request.
    pub request_received_at: Option<Micros>,
    /// `stageTimestamp`; absent in v1alpha1.
    pub stage_at: Option<Micros>,
    /// `annotations`.
    pub annotations: Annotations<'a>,
    /// What was wrong with the line, if anything.
    pub remarks: Remarks,
}
