//! Looks: a plain report becomes one [`Page`](page::Page), which each renderer writes in its own way; JSON is the report
//! itself, with the sentences beside its codes. Nothing is judged here, and only here are there sentences.

mod agreement;
mod candidate;
mod capacity;
mod comparison;
mod doctor;
mod explain;
mod explanations;
mod findings;
mod findings_cards;
mod html;
mod incident;
mod lint;
mod logs;
mod manifests;
mod markdown;
pub mod page;
mod pressure;
mod propose;
mod propose_json;
mod replay_json;
mod replay_note;
mod request;
mod seats;
mod simulate;
mod size_words;
mod storms;
mod terminal;
mod verify;

use serde::Serialize;

use crate::analysis::capacity::{CapacityNote, CapacityReport, NotCompared};
use crate::analysis::incident::{IncidentNote, IncidentReport, MemoryFacts};
use crate::analysis::propose::{
    BudgetCheck, Confidence, ConfidenceLevel, Doubt, JointReplay, Proposal, ProposeReport, RejectedProposal,
    ServerComparison, SlowClient, TriedSize,
};
use crate::analysis::simulate::{ApiserverReplay, CandidateReplay, MomentAbove, SimulateReport, Swept};
use crate::analysis::storms::{StormReport, Suspect};
use crate::analysis::verify::{ApiserverCheck, VerifyReport};
use crate::analysis::{ReplayNote, ServerFacts};
use crate::units;
use page::{Part, Section, Table};

pub use candidate::rejection_words;
pub use comparison::{capacity_words, comparison_sentence, mismatch_words};
pub use explanations::{Explanation, explain};
pub use findings::{
    CoverageJson, FindingJson, blind_spot, coverage_json, findings_json, remedy, severity_reason, unknown,
};
pub use html::html;
pub use lint::{rule_page, rules_page};
pub use manifests::{ManifestFile, kustomization, manifest_files};
pub use markdown::markdown;
pub use storms::{StormJson, explanation_page, ndjson};
pub use terminal::{TerminalPage, terminal};

/// A report's data with the sentences that go with it in JSON.
#[derive(Serialize)]
struct WithWords<'r, R, W> {
    #[serde(flatten)]
    report: &'r R,
    #[serde(flatten)]
    words: W,
}

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

/// The first three of some things in words, and how many more there are.
fn listed<T>(things: &[T], word: impl Fn(&T) -> String) -> String {
    const NAMED: usize = 3;
    let words: Vec<String> = things.iter().take(NAMED).map(word).collect();
    match things.len().saturating_sub(NAMED) {
        0 => words.join(", "),
        more => format!("{} and {more} more", words.join(", ")),
    }
}

/// That a table leaves some rows out.
fn more_in_json(count: usize) -> String {
    match count {
        1 => "1 more is in the JSON.".to_owned(),
        count => format!("{count} more are in the JSON."),
    }
}

/// A sentence that begins with a capital.
fn capitalized(sentence: &str) -> String {
    let mut letters = sentence.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// A count with its noun, which takes an s in the plural: `1 request`, `1,203 requests`.
fn counted(count: u64, noun: &str) -> String {
    format!("{} {noun}{}", units::count(count), if count == 1 { "" } else { "s" })
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
