//! The report of `storms`: a verdict of one screen, the findings, what the log can't show.

use serde::Serialize;

use super::findings::{
    FindingJson, blind_spot, findings_json, remedy, severity_reason, span, summary, unknown, verdict,
};
use super::findings_cards::{cards, findings_table};
use super::page::{Item, Page, Part, Section, Table};
use super::size_words::{size_cell, size_words};
use super::{Explanation, StormReport, Suspect, counted, or_dash};
use crate::findings::{BlindSpot, Culprit, Death, Finding, Kind, Verdict};
use crate::units::{self, Zone};

/// The JSON of [`StormReport`]: its data, and the words for what is a code in it.
#[derive(Debug, Serialize)]
pub struct StormJson<'r> {
    schema_version: u32,
    verdict: String,
    verdict_codes: &'r Verdict,
    at: Option<&'r str>,
    nearest_end: Option<&'r Death>,
    suspects: &'r [Suspect],
    findings: Vec<FindingJson<'r>>,
    omitted_findings: usize,
    blind_spots: Vec<String>,
    blind_spot_codes: &'r [BlindSpot],
}

impl<'r> From<&'r StormReport> for StormJson<'r> {
    fn from(report: &'r StormReport) -> Self {
        Self {
            schema_version: report.schema_version,
            verdict: verdict_text(&report.verdict),
            verdict_codes: &report.verdict,
            at: report.at.as_deref(),
            nearest_end: report.nearest_end.as_ref(),
            suspects: &report.suspects,
            findings: findings_json(&report.findings),
            omitted_findings: report.omitted_findings,
            blind_spots: report.blind_spots.iter().map(blind_spot).collect(),
            blind_spot_codes: &report.blind_spots,
        }
    }
}

/// The verdict, a sentence a line, whatever line ends a name from a log has.
fn verdict_text(codes: &Verdict) -> String {
    let sentences = verdict(codes).into_iter().map(|sentence| sentence.replace(['\n', '\r'], " "));
    sentences.collect::<Vec<_>>().join("\n")
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
            sections.push(Section::of(zone.in_sentence(&format!("LISTs in flight at {at}")), vec![part]));
        }
        sections.push(Section::of("Findings", self.findings_parts(zone)));
        let spots: Vec<String> = self.blind_spots.iter().map(|spot| zone.in_sentence(&blind_spot(spot))).collect();
        let spots =
            if spots.is_empty() { Part::Text("nothing known is missing".to_owned()) } else { Part::Bullets(spots) };
        sections.push(Section::of("What the log can't show", vec![spots]));
        Page {
            verdict: verdict(&self.verdict).iter().map(|sentence| zone.in_sentence(sentence)).collect(),
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
            parts.push(Part::Text(match count {
                1 => "1 more is not shown; see --top and --min-severity".to_owned(),
                count => format!("{count} more are not shown; see --top and --min-severity"),
            }));
        }
        parts.extend(cards(&self.findings, zone));
        parts
    }
}

/// Why a kind of finding matters, how it is found, and what it can't see.
pub fn explanation_page(kind: Kind, explanation: &Explanation) -> Page {
    let items = vec![
        Item::of("reason", "why it matters", explanation.reason),
        Item::of("rule", "how it is found", &explanation.rule),
        Item::of("limits", "what it can't see", &explanation.limits),
    ];
    let thresholds = "Print the thresholds, with their units and reasons: stormglass storms --show-thresholds";
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
    let lines: Result<Vec<_>, _> = findings_json(&report.findings).iter().map(serde_json::to_string).collect();
    Ok(lines?.join("\n"))
}

pub(super) fn title(number: usize, finding: &Finding) -> String {
    let resource = finding.resource.as_ref().map(|resource| format!(" on {resource}")).unwrap_or_default();
    let who = finding.culprit.client().unwrap_or("several clients");
    format!("{number}. {}: {} by {who}{resource}", finding.severity.name(), finding.kind.name())
}

/// What is to say of a finding beside its line in the table, each with its topic.
pub(super) fn details(finding: &Finding) -> Vec<(&'static str, String)> {
    let span = span(finding.ended_at - finding.started_at);
    let mut details = vec![
        ("what", summary(finding)),
        ("when", format!("{} to {} ({span})", units::second(finding.started_at), units::second(finding.ended_at))),
        ("severity", format!("{}: {}", finding.severity.name(), severity_reason(&finding.severity_reason))),
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
            format!("{} per second{}{kinds}", units::number(finding.rate_rps), usual.unwrap_or_default()),
        ));
    }
    if !finding.other_resources.is_empty() {
        details.push(("also", finding.other_resources.join(", ")));
    }
    // The sentence on rejections names their clients already.
    if !finding.clients.is_empty() && finding.kind != Kind::Rejections {
        let shares = finding.clients.iter().take(5).map(|share| {
            let held =
                share.estimated_bytes.map(|bytes| format!(", holding {}", size_words(bytes))).unwrap_or_default();
            let resource = share.resource.as_deref().unwrap_or("discovery");
            format!(
                "{} ({resource}: {}, {} in flight at the memory peak{held})",
                share.client,
                counted(share.requests, "request"),
                share.peak_concurrency
            )
        });
        details.push(("made of", shares.collect::<Vec<_>>().join("; ")));
    }
    let evidence = finding.evidence.iter().map(|one| format!("{} at {}:{}", one.audit_id, one.file, one.line));
    details.extend(evidence.map(|one| ("evidence", one)));
    details.push(("query", format!("stormglass query {} LOGS", finding.query)));
    details.extend(finding.unknowns.iter().map(|one| ("not known", unknown(one))));
    details.extend(finding.remedies.iter().map(|one| ("remedy", remedy(one))));
    details
}

fn who(finding: &Finding) -> String {
    let confidence =
        finding.client_confidence.map(|confidence| format!(", {confidence} confidence")).unwrap_or_default();
    let mut who = match &finding.culprit {
        Culprit::One { client_type, client } => format!("{client} ({client_type}{confidence})"),
        Culprit::Many => "several clients".to_owned(),
    };
    if !finding.user_names.is_empty() {
        let more = finding.user_name_count.saturating_sub(finding.user_names.len() as u64);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        who += &format!("; user {}{more}", finding.user_names.join(", "));
    }
    if !finding.impersonated_user_names.is_empty() {
        who += &format!("; acting for {}", finding.impersonated_user_names.join(", "));
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
            or_dash(suspect.resource.as_ref().map(|resource| match suspect.verb.as_str() {
                "list" => resource.clone(),
                verb => format!("{resource} ({verb})"),
            })),
            units::count(suspect.inflight),
            units::count(suspect.without_end),
            or_dash(suspect.estimated_bytes.map(size_cell)),
            units::count(suspect.recent_requests),
            units::count(suspect.recent_instances),
            or_dash(suspect.recent_bytes.map(size_cell)),
        ]
    });
    Table::under_heading("pressure_at", &columns.map(|name| (name, false)), rows.collect())
}
