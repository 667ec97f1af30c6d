//! `watch-churn`: watches that end long before their time and are opened again.

use super::context::Context;
use super::episode::{Episode, Pattern, ReadKind};
use super::finding::{Finding, Kind};
use super::impact::Impact;
use super::remedy::{Remedy, Unknown};
use super::severity::{Severity, SeverityReason};

/// Judges watches that were cut, in a burst or on end.
pub(super) fn judge(episode: &Episode, context: &Context<'_>) -> Option<Finding> {
    let thresholds = &context.thresholds.watch_churn;
    let is_burst = episode.pattern == Pattern::Burst
        && episode.read_kind == Some(ReadKind::Watch)
        && episode.instance_count >= thresholds.min_instances
        && episode.request_count >= thresholds.min_reopened
        && !context.is_beside_lists(episode);
    let goes_on = episode.pattern == Pattern::ShortWatches
        && episode.request_count >= thresholds.min_watches
        && episode.median_instance_reads.is_some_and(|reads| reads >= thresholds.min_instance_watches);
    if !is_burst && !goes_on {
        return None;
    }
    let lists = episode.before_list_count;
    let judgement = match context.impact(episode) {
        _ if goes_on && lists >= thresholds.warning_before_list => {
            (Severity::Warning, SeverityReason::ListedAfterwards { watches: lists })
        }
        _ if goes_on && context.rps(episode) >= thresholds.warning_rps => {
            (Severity::Warning, SeverityReason::WatchesPerSec { watches_per_sec: context.rps(episode) })
        }
        Impact::Critical(reason) | Impact::Warning(reason) => (Severity::Warning, reason),
        _ if is_burst && episode.request_count >= thresholds.warning_reopened => {
            (Severity::Warning, SeverityReason::ReopenedAtOnce { watches: episode.request_count })
        }
        _ => (Severity::Info, SeverityReason::WatchesWithoutLists),
    };
    let mut finding = Finding::from_episode(Kind::WatchChurn, judgement, episode, context);
    finding.query = if is_burst { "bursts" } else { "short_watches" };
    finding.remedies =
        if goes_on { vec![Remedy::LetWatchesLast, Remedy::UseBookmarks] } else { vec![Remedy::FindWhatCutConnections] };
    finding.unknowns.push(Unknown::WhoCutWatches);
    Some(finding)
}
