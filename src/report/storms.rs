//! The report of `storms`: a verdict of one screen, the findings, what the log could not show.

use serde::Serialize;

use super::findings_cards::{cards, findings_table};
use super::or_dash;
use super::page::{Item, Page, Part, Section, Table};
use crate::findings::{Bytes, Explanation, Finding, Kind};
use crate::units::{self, Zone};

/// All there is to say.
#[derive(Clone, Debug, Serialize)]
pub struct StormReport {
    /// [`SCHEMA_VERSION`](super::SCHEMA_VERSION).
    pub schema_version: u32,
    /// What happened, who did it, how sure that is.
    pub verdict: String,
    /// The moment asked about; `None` if none was.
    pub at: Option<String>,
    /// Who had lists in flight at that moment, those that held most first; empty if no moment was asked about.
    pub suspects: Vec<Suspect>,
    /// What was found, the worst first.
    pub findings: Vec<Finding>,
    /// Findings left out, being more than asked for or not severe enough.
    pub omitted_findings: usize,
    /// What the log could not show.
    pub blind_spots: Vec<String>,
}

/// A client with lists in flight at a moment, or just before.
#[derive(Clone, Debug, Serialize)]
pub struct Suspect {
    /// The server; `None` where the log names none.
    pub apiserver: Option<String>,
    /// The client's type.
    pub client_type: String,
    /// The client.
    pub client: String,
    /// The resource.
    pub resource: Option<String>,
    /// The resource's API group.
    pub api_group: Option<String>,
    /// Lists in flight.
    pub inflight: u64,
    /// Those of them that have no end in the log.
    pub without_end: u64,
    /// What they held; `None` where unknown.
    pub estimated_bytes: Option<Bytes>,
    /// Lists received in the last minute before.
    pub recent_requests: u64,
    /// Instances that sent those.
    pub recent_instances: u64,
    /// Bytes that those returned; `None` where unknown.
    pub recent_bytes: Option<Bytes>,
}

impl StormReport {
    /// The report as a page.
    pub fn page(&self, zone: &Zone) -> Page {
        let mut sections = Vec::new();
        if let Some(at) = &self.at {
            let part = match self.suspects.as_slice() {
                [] => Part::Text("none, and none in the minute before".to_owned()),
                suspects => Part::Table(suspects_table(suspects)),
            };
            sections.push(Section::of(zone.in_sentence(&format!("Lists in flight at {at}")), vec![part]));
        }
        sections.push(Section::of("Findings", self.findings_parts(zone)));
        let spots: Vec<String> = self.blind_spots.iter().map(|spot| zone.in_sentence(spot)).collect();
        let spots =
            if spots.is_empty() { Part::Text("nothing that is known".to_owned()) } else { Part::Bullets(spots) };
        sections.push(Section::of("What the log could not show", vec![spots]));
        Page {
            verdict: self.verdict.lines().map(|sentence| zone.in_sentence(sentence)).collect(),
            ..Page::of("Storms", Vec::new(), sections)
        }
    }

    fn findings_parts(&self, zone: &Zone) -> Vec<Part> {
        let mut parts = Vec::new();
        if self.findings.is_empty() {
            parts.push(Part::Text("none".to_owned()));
        } else {
            parts.push(Part::Table(Table { caption: String::new(), ..findings_table(&self.findings, zone) }));
        }
        if self.omitted_findings > 0 {
            let count = self.omitted_findings;
            parts.push(Part::Text(format!("{count} more are not shown; see --top and --min-severity")));
        }
        parts.extend(cards(&self.findings, zone));
        parts
    }
}

/// Why a kind of finding matters, how it is found, and what it can't see.
pub fn explanation_page(kind: Kind, explanation: &Explanation) -> Page {
    let items = vec![
        Item::of("reason", "why it matters", explanation.reason),
        Item::of("rule", "how it is found", explanation.rule),
        Item::of("limits", "what it can't see", explanation.limits),
    ];
    let thresholds = "stormglass storms --show-thresholds prints the thresholds, with their units and reasons";
    let sections = vec![
        Section::of(kind.name(), vec![Part::Items(items)]),
        Section::of("", vec![Part::Text(thresholds.to_owned())]),
    ];
    Page::of("Kind of finding", Vec::new(), sections)
}

/// The findings as JSON, one a line.
///
/// # Errors
/// When serde_json refuses, which is a bug.
pub fn ndjson(report: &StormReport) -> serde_json::Result<String> {
    let lines: Result<Vec<_>, _> = report.findings.iter().map(serde_json::to_string).collect();
    Ok(lines?.join("\n"))
}

pub(super) fn title(number: usize, finding: &Finding) -> String {
    let resource = finding.resource.as_ref().map(|resource| format!(" on {resource}")).unwrap_or_default();
    let who = if finding.client == "many" { "many clients".to_owned() } else { finding.client.clone() };
    format!("{number}. {}: {} by {who}{resource}", finding.severity.name(), finding.kind.name())
}

/// What is to say of a finding beside its line in the table, each with its topic.
pub(super) fn details(finding: &Finding) -> Vec<(&'static str, String)> {
    let span = units::span(finding.ended_at - finding.started_at);
    let mut details = vec![
        ("what", finding.summary.clone()),
        ("when", format!("{} to {} ({span})", units::instant(finding.started_at), units::instant(finding.ended_at))),
        ("severity", format!("{}: {}", finding.severity.name(), finding.severity_reason)),
        ("who", who(finding)),
    ];
    if let Some(apiserver) = &finding.apiserver {
        details.push(("apiserver", apiserver.clone()));
    }
    if finding.requests > 0 && finding.rate_rps > 0.0 {
        let usual = finding.baseline_rps.map(|rate| format!(", usually {}", units::number(rate)));
        let kinds =
            if finding.list_kinds.is_empty() { String::new() } else { format!(" ({})", finding.list_kinds.join(", ")) };
        details.push((
            "rate",
            format!("{} a second{}{kinds}", units::number(finding.rate_rps), usual.unwrap_or_default()),
        ));
    }
    if !finding.other_resources.is_empty() {
        details.push(("also", finding.other_resources.join(", ")));
    }
    if !finding.clients.is_empty() {
        let shares = finding.clients.iter().take(5).map(|share| {
            let held = share.estimated_bytes.map(|bytes| format!(", holding {}", bytes.words())).unwrap_or_default();
            let resource = share.resource.as_deref().unwrap_or("discovery");
            format!(
                "{} ({resource}: {} requests, {} at the peak{held})",
                share.client, share.requests, share.peak_concurrency
            )
        });
        details.push(("made of", shares.collect::<Vec<_>>().join("; ")));
    }
    let evidence = finding.evidence.iter().map(|one| format!("{} at {}:{}", one.audit_id, one.file, one.line));
    details.extend(evidence.map(|one| ("evidence", one)));
    details.push(("query", format!("stormglass query {} LOGS", finding.query)));
    details.extend(finding.unknowns.iter().map(|unknown| ("can't tell", unknown.clone())));
    details.extend(finding.remedies.iter().map(|remedy| ("remedy", remedy.clone())));
    details
}

fn who(finding: &Finding) -> String {
    let confidence =
        finding.client_confidence.map(|confidence| format!(", {confidence} confidence")).unwrap_or_default();
    let mut who = format!("{} ({}{confidence})", finding.client, finding.client_type);
    if !finding.user_names.is_empty() {
        let more = finding.user_name_count.saturating_sub(finding.user_names.len() as u64);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        who += &format!("; user {}{more}", finding.user_names.join(", "));
    }
    if !finding.user_agents.is_empty() {
        let agents = finding.user_agents.iter().map(|agent| shortened(agent));
        who += &format!("; user agent {}", agents.collect::<Vec<_>>().join(" | "));
    }
    if !finding.worst_instances.is_empty() {
        let worst = finding.worst_instances.iter().map(|one| format!("{} ({})", one.name, one.requests));
        let instances = if finding.instances == 1 { "instance" } else { "instances" };
        let worst = worst.collect::<Vec<_>>().join(", ");
        who += &format!("; {} {instances}, most requests by {worst}", units::count(finding.instances));
    }
    who
}

/// A user agent may be of any length.
fn shortened(text: &str) -> String {
    const LONGEST: usize = 120;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

fn suspects_table(suspects: &[Suspect]) -> Table {
    let columns = [
        "client",
        "type",
        "resource",
        "in flight",
        "without end",
        "held (estimated)",
        "in the minute before",
        "by instances",
        "returned (estimated)",
    ];
    let rows = suspects.iter().map(|suspect| {
        vec![
            suspect.client.clone(),
            suspect.client_type.clone(),
            or_dash(suspect.resource.clone()),
            units::count(suspect.inflight),
            units::count(suspect.without_end),
            or_dash(suspect.estimated_bytes.map(|bytes| bytes.words())),
            units::count(suspect.recent_requests),
            units::count(suspect.recent_instances),
            or_dash(suspect.recent_bytes.map(|bytes| bytes.words())),
        ]
    });
    Table::under_heading("pressure_at", &columns.map(|name| (name, false)), rows.collect())
}
