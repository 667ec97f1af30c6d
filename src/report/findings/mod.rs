//! Findings in words: a summary, what makes each as severe as it is, what to do; and their JSON, with words beside codes.

mod coverage;
mod remedy;
mod severity;
mod summary;
mod verdict;
pub(super) mod visibility;
#[cfg(test)]
mod cases;

use serde::Serialize;

pub use coverage::{CoverageJson, coverage_json};
pub(super) use remedy::{first_remedy, first_step};
pub use remedy::{remedy, unknown};
pub use severity::severity_reason;
pub(super) use summary::summary;
pub use verdict::blind_spot;
pub(super) use verdict::verdict;

use crate::findings::Finding;
use crate::units;

/// A finding's JSON: its data, and the words for what is a code in it.
#[derive(Debug, Serialize)]
pub struct FindingJson<'f> {
    #[serde(flatten)]
    finding: &'f Finding,
    summary: String,
    severity_reason: String,
    unknowns: Vec<String>,
    remedies: Vec<String>,
}

impl<'f> From<&'f Finding> for FindingJson<'f> {
    fn from(finding: &'f Finding) -> Self {
        Self {
            finding,
            summary: summary(finding),
            severity_reason: severity_reason(&finding.severity_reason),
            unknowns: finding.unknowns.iter().map(unknown).collect(),
            remedies: finding.remedies.iter().map(remedy).collect(),
        }
    }
}

/// The JSON of findings, in their order.
pub fn findings_json(findings: &[Finding]) -> Vec<FindingJson<'_>> {
    findings.iter().map(FindingJson::from).collect()
}

/// A number of things: `1 watch`, `1,421 watches`.
fn count(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", units::count(number), if number == 1 { one } else { many })
}

/// A rate, to a tenth where it is low.
fn rate(per_sec: f64) -> String {
    let digits = if per_sec < 10.0 { 10.0 } else { 1.0 };
    units::number(if per_sec < 0.1 { per_sec } else { (per_sec * digits).round() / digits })
}

/// A span of time for people: to the second, and below ten seconds to a tenth.
pub(super) fn span(micros: i64) -> String {
    const SECOND: i64 = 1_000_000;
    let step = if micros < 10 * SECOND { SECOND / 10 } else { SECOND };
    units::span((micros + step / 2) / step * step)
}

/// Seconds as microseconds, for [`units::span`]; to the second.
#[expect(clippy::cast_possible_truncation, reason = "a span of a log has far fewer seconds than 2^53")]
fn whole_secs(secs: f64) -> i64 {
    (secs.round() as i64) * 1_000_000
}

/// Time in flight, all LISTs together.
fn list_seconds(secs: f64) -> String {
    format!("{} list-seconds", units::number(secs.round()))
}
