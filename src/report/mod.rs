//! Looks: one plain report becomes one [`Page`](page::Page), which each renderer writes in its own way; JSON is the report
//! itself. Nothing is judged here.

mod agreement;
mod capacity;
mod doctor;
mod explain;
mod findings_cards;
mod html;
mod incident;
mod lint;
mod logs;
mod markdown;
pub mod page;
mod pressure;
mod propose;
mod request;
mod seats;
mod simulate;
mod storms;
mod terminal;
mod verify;

use serde::Serialize;

use self::page::{Part, Section, Table};
use crate::units;

pub use agreement::{Agreement, Difference, VerdictCheck, agreement};
pub use capacity::CapacityReport;
pub use doctor::{ApiserverLogs, DoctorReport, FileFacts, GapFacts, SkippedFile, UnreadableLines};
pub use explain::{ClientUse, ExplainReport, LevelLoad, LevelPeak, LevelUse, SchemaUse, ServerFacts, summary};
pub use html::html;
pub use incident::{IncidentReport, MemoryFacts};
pub use lint::{LintReport, SchemaCatch, rule_page, rules_page};
pub use logs::{LogFacts, Window};
pub use markdown::markdown;
pub use propose::{ManifestFile, Proposal, ProposeReport, SlowClient, Together, TriedSize, limit_words};
pub use request::{RequestReport, RequestStep, outcome, request_words};
pub use seats::{LevelSeats, SeatsReport};
pub use simulate::{ApiserverReplay, CandidateReplay, MomentAbove, SimulateReport, SweepRow, Swept, capacity_words};
pub use storms::{StormReport, Suspect, explanation_page, ndjson};
pub use terminal::{TerminalPage, terminal};
pub use verify::{ApiserverCheck, VerifyReport, verdict_words};

/// The version of all JSON objects. A field that goes, or changes its meaning, raises it; a new one doesn't.
pub const SCHEMA_VERSION: u32 = 1;

/// A report as one JSON object.
///
/// # Errors
/// When serde_json refuses, which is a bug.
pub fn json<T: Serialize>(report: &T) -> serde_json::Result<String> {
    serde_json::to_string_pretty(report)
}

/// A section that is one table.
fn table_section(heading: &str, query: &str, columns: &[(&str, bool)], rows: Vec<Vec<String>>) -> Section {
    Section::of(heading, vec![Part::Table(Table::under_heading(query, columns, rows))])
}

/// A section of sentences.
fn bullets_section(heading: &str, sentences: &[String]) -> Section {
    Section::of(heading, vec![Part::Bullets(sentences.to_vec())])
}

/// A number that lies between two others: `3`, or `3–10`.
fn between(low: u64, high: u64) -> String {
    if low == high { units::count(low) } else { format!("{}–{}", units::count(low), units::count(high)) }
}

/// The same of numbers with fractions, rounded for reading.
fn about(low: f64, high: f64) -> String {
    let (low, high) = (rounded(low), rounded(high));
    if low == high { low } else { format!("{low}–{high}") }
}

/// Three digits say as much as an estimate knows.
fn rounded(value: f64) -> String {
    match value {
        value if value.abs() < 100.0 => units::number((value * 10.0).round() / 10.0),
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a positive number below 2^63")]
        value => units::count(value.round().max(0.0) as u64),
    }
}

/// The length of buckets in microseconds.
#[expect(clippy::cast_possible_truncation, reason = "seconds of a bucket")]
fn bucket_micros(secs: f64) -> i64 {
    ((secs * 1e6).round() as i64).max(1)
}

#[expect(clippy::cast_precision_loss, reason = "counts, and sizes of which three digits are known")]
fn float(value: u64) -> f64 {
    value as f64
}

/// What isn't there.
fn or_dash(text: Option<String>) -> String {
    text.unwrap_or_else(|| "–".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_rounded_for_reading() {
        for (value, expected) in
            [(0.0, "0"), (0.04, "0"), (4.92, "4.9"), (99.94, "99.9"), (100.4, "100"), (12_345.6, "12,346")]
        {
            assert_eq!(rounded(value), expected, "{value}");
        }
        assert_eq!((about(4.91, 4.94), about(1.0, 2.0)), ("4.9".to_owned(), "1–2".to_owned()));
        assert_eq!((between(3, 3), between(3, 1_000)), ("3".to_owned(), "3–1,000".to_owned()));
    }
}
