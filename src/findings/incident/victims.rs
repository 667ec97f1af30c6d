//! Who suffered without being to blame: clients that were late, rejected or cut off more often than usual.

use serde::Serialize;

use super::shares::ratio;
use super::thresholds::micros;
use super::{HarmedClient, IncidentInput, IncidentSuspect, IncidentThresholds, Moment, Role, is_at};
use crate::audit::Micros;
use crate::findings::{Finding, Severity};

/// A client that suffered.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Victim {
    /// What kind of client it is, such as `kubelet`.
    pub client_type: String,
    /// Its name.
    pub client: String,
    /// Its requests in the span.
    pub requests: u64,
    /// Its requests that were late, rejected, failed or cut off: the sum of the four counts.
    pub harmed: u64,
    /// Requests that took longer than their latency objective.
    pub late: u64,
    /// Requests rejected with 429.
    pub rejected: u64,
    /// Requests failed with 5xx.
    pub failed: u64,
    /// Requests without an end in the log.
    pub cut_off: u64,
    /// Its longest request, in seconds; `None` where none was late.
    pub longest_late_secs: Option<f64>,
    /// The share of its requests that are harmed at other times, from 0 to 1; `None` where it made none.
    pub usual_share: Option<f64>,
}

/// The time in which harm may be due to a moment, and from when on the time after it is a usual one again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HarmSpan {
    /// With the storms that were going on at the moment, within the bounds of `min_harm_secs` and `max_harm_secs` before it.
    pub from: Micros,
    /// The moment of an end: what happens after it is due to the end. Where nobody died, the end of those storms.
    pub to: Micros,
    /// When clients have recovered.
    pub calm_at: Micros,
}

/// When harm that may be due to a moment begins and ends.
pub fn harm_span(findings: &[Finding], moment: &Moment, thresholds: &IncidentThresholds) -> HarmSpan {
    let (least, most) = (micros(thresholds.min_harm_secs), micros(thresholds.max_harm_secs));
    let is_storm = |finding: &&Finding| finding.severity >= Severity::Warning && finding.peak_concurrency.is_some();
    let going_on = findings.iter().filter(is_storm).filter(|finding| is_at(finding, moment, least));
    let started = going_on.clone().map(|finding| finding.started_at).min();
    let from = started.unwrap_or(moment.at).clamp(moment.at - most, moment.at - least);
    let ended = going_on.map(|finding| finding.ended_at).max().unwrap_or(moment.at);
    let to = if moment.is_end() { moment.at } else { ended.clamp(moment.at, moment.at + most) };
    let over = moment.back_at.unwrap_or(to).max(to);
    HarmSpan { from, to, calm_at: over + micros(thresholds.recovery_secs) }
}

/// All victims that are no culprits, those with most harmed requests first.
pub(super) fn find_victims(input: &IncidentInput<'_>, suspects: &[IncidentSuspect]) -> Vec<Victim> {
    let thresholds = &input.thresholds.incident;
    let is_culprit = |row: &&HarmedClient| {
        suspects.iter().any(|suspect| suspect.role == Role::Culprit && suspect.client == row.client)
    };
    let others = input.harmed.iter().filter(|row| !is_culprit(row));
    let is_end = input.moment.is_end();
    let mut victims: Vec<Victim> = others.filter_map(|row| judge_harm(row, is_end, thresholds)).collect();
    victims.sort_by_key(|victim| std::cmp::Reverse(victim.harmed));
    victims
}

/// `None` where a client fared no worse than usual. What has no end in the log was cut off only if its server ended.
fn judge_harm(row: &HarmedClient, is_end: bool, thresholds: &IncidentThresholds) -> Option<Victim> {
    let cut_off = if is_end { row.open_count } else { 0 };
    let harmed = row.late_count + row.rejected_count + row.error_count + cut_off;
    let usual =
        (row.otherwise_request_count > 0).then(|| ratio(row.otherwise_harmed_count, row.otherwise_request_count));
    let is_usual = usual.is_some_and(|usual| ratio(harmed, row.request_count) < thresholds.harmed_ratio * usual);
    // What the server asks of itself is no client's.
    if harmed < thresholds.min_harmed || is_usual || row.client_type == "apiserver" {
        return None;
    }
    Some(Victim {
        client_type: row.client_type.clone(),
        client: row.client.clone(),
        requests: row.request_count,
        harmed,
        late: row.late_count,
        rejected: row.rejected_count,
        failed: row.error_count,
        cut_off,
        longest_late_secs: row.longest_secs.filter(|_| row.late_count > 0),
        usual_share: usual,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::{MomentKind, Thresholds};

    #[test]
    fn a_client_that_always_fares_so_is_no_victim() {
        let harmed = |late_count, otherwise_harmed_count| {
            let row = HarmedClient {
                request_count: 10,
                late_count,
                otherwise_request_count: 100,
                otherwise_harmed_count,
                longest_secs: Some(2.5),
                ..HarmedClient::default()
            };
            judge_harm(&row, true, &Thresholds::embedded().incident)
        };
        assert_eq!(harmed(4, 5).unwrap().longest_late_secs, Some(2.5));
        assert_eq!(harmed(4, 30), None, "late as usual");
        assert_eq!(harmed(2, 0), None, "too few");
    }

    #[test]
    fn what_is_open_when_the_log_ends_was_not_cut_off() {
        let row = HarmedClient { request_count: 10, open_count: 8, ..HarmedClient::default() };
        let judge = |is_end| judge_harm(&row, is_end, &Thresholds::embedded().incident);
        assert_eq!(judge(true).unwrap().cut_off, 8);
        assert_eq!(judge(false), None);
    }

    #[test]
    fn harm_ends_with_the_server_or_with_the_storm() {
        const SECOND: Micros = 1_000_000;
        let thresholds = Thresholds::embedded().incident;
        let peak = Moment::without_end(MomentKind::Peak, 1_000 * SECOND);
        let died = Moment { back_at: Some(1_010 * SECOND), ..Moment::without_end(MomentKind::Death, 1_000 * SECOND) };
        let span = |moment| {
            let span = harm_span(&[], moment, &thresholds);
            [span.from, span.to, span.calm_at].map(|at| at / SECOND)
        };
        assert_eq!(span(&peak), [940, 1_000, 1_300]);
        assert_eq!(span(&died), [940, 1_000, 1_310]);
    }
}
