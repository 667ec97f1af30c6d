//! The report of `storms`: a verdict of one screen, the findings, what the log could not show.

use serde::Serialize;

use super::findings::{
    FindingJson, blind_spot, findings_json, remedy, severity_reason, span, summary, unknown, verdict,
};
use super::markdown::{escaped, markdown_table};
use super::{Block, StormReport, Suspect};
use crate::findings::{BlindSpot, Culprit, Finding, Severity, Verdict};
use crate::tables::{Cell, TextTable};
use crate::units::{self, legible};

/// The JSON of [`StormReport`]: its data, and the words for what is a code in it.
#[derive(Debug, Serialize)]
pub struct StormJson<'r> {
    schema_version: u32,
    verdict: String,
    verdict_codes: &'r Verdict,
    at: Option<&'r str>,
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
            verdict: verdict(&report.verdict).join("\n"),
            verdict_codes: &report.verdict,
            at: report.at.as_deref(),
            suspects: &report.suspects,
            findings: findings_json(&report.findings),
            omitted_findings: report.omitted_findings,
            blind_spots: report.blind_spots.iter().map(blind_spot).collect(),
            blind_spot_codes: &report.blind_spots,
        }
    }
}

/// The report for a terminal.
pub fn blocks(report: &StormReport) -> Vec<Block> {
    let mut blocks = vec![Block::Heading("Verdict".to_owned()), Block::Line(verdict(&report.verdict).join("\n"))];
    if let Some(at) = &report.at {
        blocks.push(Block::Line(String::new()));
        blocks.push(Block::Heading(format!("Lists in flight at {at}")));
        blocks.push(match report.suspects.as_slice() {
            [] => Block::Line("none, and none in the minute before".to_owned()),
            suspects => Block::Table(suspects_table(suspects)),
        });
    }
    blocks.push(Block::Line(String::new()));
    blocks.push(Block::Heading("Findings".to_owned()));
    if report.findings.is_empty() {
        blocks.push(Block::Line("none".to_owned()));
    } else {
        blocks.push(Block::Table(findings_table(&report.findings)));
    }
    if report.omitted_findings > 0 {
        blocks
            .push(Block::Line(format!("{} more are not shown; see --top and --min-severity", report.omitted_findings)));
    }
    let loud = report.findings.iter().filter(|finding| finding.severity >= Severity::Warning);
    for (number, finding) in loud.enumerate() {
        blocks.push(Block::Line(String::new()));
        blocks.push(Block::Heading(title(number + 1, finding)));
        blocks.push(Block::Line(indented(&details(finding))));
    }
    blocks.push(Block::Line(String::new()));
    blocks.push(Block::Heading("What the log could not show".to_owned()));
    let spots = report.blind_spots.iter().map(|spot| ("-", blind_spot(spot))).collect::<Vec<_>>();
    blocks.push(Block::Line(if spots.is_empty() { "nothing that is known".to_owned() } else { indented(&spots) }));
    blocks
}

/// The report as Markdown, for tickets and chat.
pub fn markdown(report: &StormReport) -> String {
    let sentences: Vec<String> = verdict(&report.verdict).iter().map(|sentence| escaped(sentence)).collect();
    let mut text = format!("## Verdict\n\n{}\n", sentences.join("\n\n"));
    if let Some(at) = &report.at {
        text += &format!("\n## Lists in flight at {at}\n\n{}", markdown_table(&suspects_table(&report.suspects)));
    }
    text += "\n## Findings\n\n";
    if report.findings.is_empty() {
        text += "none\n";
    } else {
        text += &markdown_table(&findings_table(&report.findings));
    }
    if report.omitted_findings > 0 {
        text += &format!("\n{} more are not shown.\n", report.omitted_findings);
    }
    let loud = report.findings.iter().filter(|finding| finding.severity >= Severity::Warning);
    for (number, finding) in loud.enumerate() {
        text += &format!("\n### {}\n\n", escaped(&title(number + 1, finding)));
        for (what, detail) in details(finding) {
            text += &format!("- **{what}**: {}\n", escaped(&detail));
        }
    }
    text += "\n## What the log could not show\n\n";
    for spot in &report.blind_spots {
        text += &format!("- {}\n", escaped(&blind_spot(spot)));
    }
    text
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
    legible(&format!("{number}. {}: {} by {who}{resource}", finding.severity.name(), finding.kind.name()))
}

/// What is to say of a finding beside its line in the table, each with its topic.
pub(super) fn details(finding: &Finding) -> Vec<(&'static str, String)> {
    let span = span(finding.ended_at - finding.started_at);
    let mut details = vec![
        ("what", summary(finding)),
        ("when", format!("{} to {} ({span})", units::instant(finding.started_at), units::instant(finding.ended_at))),
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

fn indented(details: &[(&str, String)]) -> String {
    let lines = details.iter().map(|(what, detail)| format!("  {what}: {}", legible(detail)));
    lines.map(|line| line.replace("  -: ", "  - ")).collect::<Vec<_>>().join("\n")
}

pub(super) fn findings_table(findings: &[Finding]) -> TextTable {
    let columns = [
        "severity",
        "kind",
        "client",
        "resource",
        "from",
        "lasted",
        "requests",
        "instances",
        "at once",
        "held (estimated)",
    ];
    let text = |text: &str| Cell::Text(legible(text));
    let rows = findings.iter().map(|finding| {
        let more = finding.other_resources.len();
        let resource = finding
            .resource
            .as_ref()
            .map(|resource| if more > 0 { format!("{resource} +{more}") } else { resource.clone() });
        vec![
            text(finding.severity.name()),
            text(finding.kind.name()),
            text(finding.culprit.names().1),
            resource.map_or(Cell::Null, |resource| text(&resource)),
            text(&units::second(finding.started_at)),
            text(&units::span((finding.ended_at - finding.started_at) / 1_000_000 * 1_000_000)),
            if finding.requests == 0 { Cell::Null } else { text(&units::count(finding.requests)) },
            if finding.requests == 0 { Cell::Null } else { text(&units::count(finding.instances)) },
            finding.peak_concurrency.map_or(Cell::Null, |peak| text(&units::count(peak))),
            finding.estimated_bytes.map_or(Cell::Null, |bytes| text(&bytes.words())),
        ]
    });
    TextTable { columns: columns.map(|name| (name.to_owned(), false)).to_vec(), rows: rows.collect() }
}

fn suspects_table(suspects: &[Suspect]) -> TextTable {
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
    let text = |text: &str| Cell::Text(legible(text));
    let rows = suspects.iter().map(|suspect| {
        vec![
            text(&suspect.client),
            text(&suspect.client_type),
            suspect.resource.as_deref().map_or(Cell::Null, text),
            text(&units::count(suspect.inflight)),
            text(&units::count(suspect.without_end)),
            suspect.estimated_bytes.map_or(Cell::Null, |bytes| text(&bytes.words())),
            text(&units::count(suspect.recent_requests)),
            text(&units::count(suspect.recent_instances)),
            suspect.recent_bytes.map_or(Cell::Null, |bytes| text(&bytes.words())),
        ]
    });
    TextTable { columns: columns.map(|name| (name.to_owned(), false)).to_vec(), rows: rows.collect() }
}
