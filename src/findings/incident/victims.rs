//! Who suffered, without being to blame: late, refused or cut off, more than it usually is.

use serde::Serialize;

use super::suspects::part;
use super::{HarmedClient, Moment, Role, Scene, Suspect, is_at};
use crate::audit::Micros;
use crate::findings::{Finding, Severity};
use crate::units;

/// A client that suffered.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Victim {
    /// The client's type.
    pub client_type: String,
    /// The client.
    pub client: String,
    /// Its requests in the span.
    pub requests: u64,
    /// Those of them that were late, refused, failed or had no end.
    pub harmed: u64,
    /// The share of its requests that fare so at other times, from 0 to 1; `None` where it made none.
    pub usual_share: Option<f64>,
    /// What happened to it, in words.
    pub words: String,
}

/// Since when whoever suffers may suffer from what the moment is about: when the storms that were going on at it began, a minute
/// before at least, and ten at most.
pub fn harm_began(findings: &[Finding], moment: &Moment) -> Micros {
    const LEAST: Micros = 60_000_000;
    const MOST: Micros = 600_000_000;
    let is_storm = |finding: &&Finding| finding.severity >= Severity::Warning && finding.peak_concurrency.is_some();
    let going_on = findings.iter().filter(is_storm).filter(|finding| is_at(finding, moment, LEAST));
    let began = going_on.map(|finding| finding.started_at).min();
    began.unwrap_or(moment.at).clamp(moment.at - MOST, moment.at - LEAST)
}

/// Fewer harmed requests are a coincidence; and to be harmed is to fare so many times worse than usual.
const LEAST_HARMED: u64 = 3;
const TIMES_USUAL: f64 = 2.0;

/// All that are no culprits, those with most harmed requests first.
pub(super) fn victims(scene: &Scene<'_>, suspects: &[Suspect]) -> Vec<Victim> {
    let is_culprit = |row: &&HarmedClient| {
        suspects.iter().any(|suspect| suspect.role == Role::Culprit && suspect.client == row.client)
    };
    let mut victims: Vec<Victim> = scene.harmed.iter().filter(|row| !is_culprit(row)).filter_map(victim).collect();
    victims.sort_by_key(|victim| std::cmp::Reverse(victim.harmed));
    victims
}

fn victim(row: &HarmedClient) -> Option<Victim> {
    let harmed = row.late_count + row.rejected_count + row.error_count + row.open_count;
    let usual =
        (row.otherwise_request_count > 0).then(|| part(row.otherwise_harmed_count, row.otherwise_request_count));
    let is_usual = usual.is_some_and(|usual| part(harmed, row.request_count) < TIMES_USUAL * usual);
    if harmed < LEAST_HARMED || is_usual {
        return None;
    }
    let count = |count: u64, what: &str| (count > 0).then(|| format!("{} {what}", units::count(count)));
    let longest = row.longest_secs.filter(|_| row.late_count > 0);
    let late = match longest {
        Some(secs) => count(row.late_count, &format!("late, up to {} s", units::number((secs * 10.0).round() / 10.0))),
        None => count(row.late_count, "late"),
    };
    let parts = [
        late,
        count(row.rejected_count, "refused with 429"),
        count(row.error_count, "failed with 5xx"),
        count(row.open_count, "without an end"),
    ];
    Some(Victim {
        client_type: row.client_type.clone(),
        client: row.client.clone(),
        requests: row.request_count,
        harmed,
        usual_share: usual,
        words: parts.into_iter().flatten().collect::<Vec<_>>().join("; "),
    })
}
