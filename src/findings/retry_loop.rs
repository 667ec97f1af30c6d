//! `retry-loop`: lists fail and are tried again at once.

use super::context::Context;
use super::episode::{Episode, Pattern};
use super::finding::{Finding, Kind};
use super::impact::Impact;
use super::remedy::Remedy;
use super::severity::{Severity, SeverityReason};

/// Judges tries that follow failures.
pub(super) fn judge(episode: &Episode, context: &Context<'_>) -> Option<Finding> {
    let thresholds = &context.thresholds.retry_loop;
    if episode.pattern != Pattern::Retry || episode.request_count < thresholds.min_tries {
        return None;
    }
    let failed = episode.failed_count;
    let is_doomed = episode.timed_out_count >= thresholds.warning_timed_out
        && 2 * episode.timed_out_count >= episode.request_count
        && episode.is_of_whole_collections();
    let judgement = match context.impact(episode) {
        Impact::Critical(reason) if failed > 0 => (Severity::Critical, reason),
        _ if is_doomed => (
            Severity::Critical,
            SeverityReason::RanIntoTimeout {
                timed_out: episode.timed_out_count,
                timeout_secs: context.thresholds.server.request_timeout_secs,
            },
        ),
        _ if episode.timed_out_count >= thresholds.warning_timed_out || failed >= thresholds.warning_tries => (
            Severity::Warning,
            SeverityReason::FailedTries {
                rejected: episode.rejected_count,
                errors: episode.error_count,
                timed_out: episode.timed_out_count,
            },
        ),
        _ => (Severity::Info, SeverityReason::FewOrCheapTries),
    };
    let mut finding = Finding::from_episode(Kind::RetryLoop, judgement, episode, context);
    finding.query = "loops";
    finding.remedies = context.remedies(episode);
    finding.remedies.push(Remedy::BackOff);
    if episode.timed_out_count > 0 {
        finding.remedies.insert(0, Remedy::MakeListSmaller);
    }
    Some(finding)
}
