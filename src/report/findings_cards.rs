//! Findings on a page: all in a table, and those at warning or above with all there is to say of them.

use super::findings::span;
use super::or_dash;
use super::page::{Card, Part, Table, Tone};
use super::size_words::size_cell;
use super::storms::{details, title};
use crate::findings::{Finding, Severity};
use crate::units::{self, Zone};

/// All findings in a table.
pub(super) fn findings_table(findings: &[Finding], zone: &Zone) -> Table {
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
    let rows = findings.iter().map(|finding| {
        let more = finding.other_resources.len();
        let resource = finding
            .resource
            .as_ref()
            .map(|resource| if more > 0 { format!("{resource} +{more}") } else { resource.clone() });
        let has_requests = finding.requests > 0;
        vec![
            finding.severity.name().to_owned(),
            finding.kind.name().to_owned(),
            finding.culprit.names().1.to_owned(),
            or_dash(resource),
            zone.second(finding.started_at),
            span(finding.ended_at - finding.started_at),
            or_dash(has_requests.then(|| units::count(finding.requests))),
            or_dash(has_requests.then(|| units::count(finding.instances))),
            or_dash(finding.peak_concurrency.map(units::count)),
            or_dash(finding.estimated_bytes.map(size_cell)),
        ]
    });
    Table {
        rows: rows.collect(),
        ..Table::of("What was found, the worst first", "episodes", &columns.map(|name| (name, false)))
    }
}

/// A card for each finding at warning or above.
pub(super) fn cards(findings: &[Finding], zone: &Zone) -> impl Iterator<Item = Part> {
    let loud = findings.iter().filter(|finding| finding.severity >= Severity::Warning);
    loud.enumerate().map(|(place, finding)| Part::Card(card(place + 1, finding, zone)))
}

fn card(number: usize, finding: &Finding, zone: &Zone) -> Card {
    let details = details(finding).into_iter().map(|(topic, detail)| {
        let is_ours = matches!(topic, "when" | "severity");
        (topic.to_owned(), if is_ours { zone.in_sentence(&detail) } else { detail })
    });
    let tone = match finding.severity {
        Severity::Critical => Tone::Critical,
        Severity::Warning => Tone::Warning,
        Severity::Info => Tone::Plain,
    };
    Card { tone, title: title(number, finding), details: details.collect() }
}
