//! `list-loop`: one instance asks for the same list again and again.

use super::context::Context;
use super::episode::{Episode, Pattern};
use super::finding::{Finding, Kind};
use super::impact::Impact;
use super::remedy::Remedy;
use super::severity::{Severity, SeverityReason};

/// Judges lists that follow each other.
pub(super) fn judge(episode: &Episode, context: &Context<'_>) -> Option<Finding> {
    let thresholds = &context.thresholds.list_loop;
    let is_loop = episode.pattern == Pattern::Loop && episode.repeat_count >= thresholds.min_lists;
    if !is_loop {
        return None;
    }
    let judgement = match context.impact(episode) {
        Impact::Critical(reason) => (Severity::Critical, reason),
        quieter => match (rate_of(episode, context), quieter) {
            (Some(critical @ (Severity::Critical, _)), _) => critical,
            (_, Impact::Warning(reason)) => (Severity::Warning, reason),
            (Some(judgement), _) => judgement,
            (None, _) => (Severity::Info, SeverityReason::SlowOrNarrow),
        },
    };
    let mut finding = Finding::from_episode(Kind::ListLoop, judgement, episode, context);
    finding.query = "loops";
    finding.remedies = context.remedies(episode);
    finding.remedies.insert(0, Remedy::WatchInsteadOfListing);
    finding.remedies.push(Remedy::ListLessOften);
    Some(finding)
}

/// Judges the rate at which whole collections are returned; `None` where they are narrowed, or come slowly at an unknown
/// size. The low end accuses. A high end under the bar acquits; between the two, the size is as good as unknown, and then
/// how often a LIST comes accuses, if one is in flight much of the time.
fn rate_of(episode: &Episode, context: &Context<'_>) -> Option<(Severity, SeverityReason)> {
    let thresholds = &context.thresholds.list_loop;
    if !episode.is_of_whole_collections() {
        return None;
    }
    let secs = context.covered_secs(episode);
    let per_sec = |bytes: Option<u64>| bytes.map(|bytes| bytes as f64 / secs);
    let (low, high) = (per_sec(episode.response_low_bytes), per_sec(episode.response_high_bytes));
    let reason = SeverityReason::ReturnedPerSec {
        bytes_per_sec: whole(low.unwrap_or_default()),
        high_bytes_per_sec: high.map(whole),
    };
    let reaches = |rate: Option<f64>, bar: f64| rate.is_some_and(|rate| rate >= bar);
    let requests_per_sec = context.rps(episode);
    if reaches(low, thresholds.critical_bytes_per_sec) {
        Some((Severity::Critical, reason))
    } else if reaches(low, thresholds.warning_bytes_per_sec) {
        Some((Severity::Warning, reason))
    } else if high.is_some_and(|high| high < thresholds.warning_bytes_per_sec) {
        Some((Severity::Info, reason))
    } else if requests_per_sec >= thresholds.unknown_warning_rps
        && episode.list_secs / secs >= thresholds.unknown_warning_mean
    {
        Some((Severity::Warning, SeverityReason::UnknownSizeAtThisRate { requests_per_sec }))
    } else {
        low.is_some_and(|low| low > 0.0).then_some((Severity::Info, reason))
    }
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
