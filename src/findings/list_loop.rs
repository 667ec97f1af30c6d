//! `list-loop`: one instance asks for the same list again and again.

use super::context::{Context, Impact};
use super::episode::{Episode, Pattern};
use super::finding::{Finding, Kind};
use super::remedy::Remedy;
use super::severity::{Severity, SeverityReason};

/// Judges lists that follow each other.
pub(super) fn judge(episode: &Episode, context: &Context<'_>) -> Option<Finding> {
    let thresholds = &context.thresholds.list_loop;
    let is_loop = episode.pattern == Pattern::Loop
        && episode.request_count >= thresholds.min_lists
        && episode.median_instance_reads.is_some_and(|reads| reads >= thresholds.min_instance_lists - 1.0);
    if !is_loop {
        return None;
    }
    let per_sec = if episode.is_of_whole_collections() { episode.bytes_per_sec() } else { None };
    let low_per_sec = episode.response_low_bytes.map(|bytes| bytes as f64 / episode.secs());
    let rate = |per_sec: f64| SeverityReason::ReturnedPerSec { bytes_per_sec: whole(per_sec) };
    let judgement = match (context.impact(episode), per_sec) {
        (Impact::Critical(reason), _) => (Severity::Critical, reason),
        (_, Some(_)) if low_per_sec.is_some_and(|rate| rate >= thresholds.critical_bytes_per_sec) => {
            (Severity::Critical, rate(low_per_sec.unwrap_or_default()))
        }
        (Impact::Warning(reason), Some(_)) => (Severity::Warning, reason),
        (_, Some(per_sec)) if per_sec >= thresholds.warning_bytes_per_sec => (Severity::Warning, rate(per_sec)),
        (_, Some(per_sec)) => (Severity::Info, rate(per_sec)),
        (_, None) if episode.is_of_whole_collections() && episode.rps() >= thresholds.unknown_warning_rps => {
            (Severity::Warning, SeverityReason::UnknownSizeAtThisRate { requests_per_sec: episode.rps() })
        }
        (_, None) => (Severity::Info, SeverityReason::SlowOrNarrow),
    };
    let mut finding = Finding::from_episode(Kind::ListLoop, judgement, episode, context);
    finding.query = "loops";
    finding.remedies = context.remedies(episode);
    finding.remedies.insert(0, Remedy::WatchInsteadOfListing);
    finding.remedies.push(Remedy::ListLessOften);
    Some(finding)
}

/// A rate in whole bytes.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a rate of bytes is positive and below 2^64"
)]
pub(super) fn whole(bytes_per_sec: f64) -> u64 {
    bytes_per_sec as u64
}
