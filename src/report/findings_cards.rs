//! Findings on a page: all in a table, and those at warning or above with all there is to say of them.

use super::page::{Card, Part, Table, Tone};
use super::storms::{details, findings_table as text_table, title};
use crate::findings::{Finding, Severity};
use crate::tables::Cell;
use crate::units::{self, Zone};

/// All findings in a table.
pub(super) fn findings_table(findings: &[Finding], zone: &Zone) -> Table {
    /// Its column of instants.
    const FROM: &str = "from";
    let table = text_table(findings);
    let text = |name: &str, cell: &Cell| match cell {
        Cell::Null => "–".to_owned(),
        Cell::Number(number) => units::number(*number),
        Cell::Text(text) if name == FROM => zone.in_sentence(text),
        Cell::Text(text) => text.clone(),
    };
    let row = |row: &Vec<Cell>| row.iter().zip(&table.columns).map(|(cell, (name, _))| text(name, cell)).collect();
    Table {
        caption: "What was found, the worst first".to_owned(),
        query: "episodes".to_owned(),
        rows: table.rows.iter().map(row).collect(),
        columns: table.columns,
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
