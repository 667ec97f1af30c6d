//! `unpaginated-list`: a big collection is returned whole to a client that is no informer.

use super::context::Context;
use super::episode::{Episode, Pattern};
use super::finding::{Finding, Kind};
use super::list_loop::whole;
use super::severity::{Severity, SeverityReason};

/// Judges lists of whole collections, and single ones that take very long.
pub(super) fn judge(episode: &Episode, context: &Context<'_>) -> Option<Finding> {
    let thresholds = &context.thresholds.unpaginated_list;
    let longest = episode.max_duration_secs.filter(|secs| *secs >= thresholds.long_secs);
    if episode.pattern != Pattern::Full || (episode.request_count < thresholds.min_lists && longest.is_none()) {
        return None;
    }
    let low_bytes = episode.largest_low_bytes.unwrap_or_default();
    let is_small = episode.largest_high_bytes.is_some_and(|high| high < context.thresholds.list_pileup.min_list_bytes);
    let per_sec = |bytes: u64| whole(bytes as f64 / context.covered_secs(episode));
    let judgement = if low_bytes >= thresholds.warning_response_bytes {
        (Severity::Warning, SeverityReason::LargestResponse { low_bytes })
    } else if let Some(reason) = context.time_impact(episode) {
        (Severity::Warning, reason)
    } else if let Some(secs) = longest {
        let is_harm = episode.is_of_whole_collections() && !is_small;
        (if is_harm { Severity::Warning } else { Severity::Info }, SeverityReason::LongestList { secs })
    } else if let Some(low) = episode.response_low_bytes {
        let (bytes_per_sec, high_bytes_per_sec) = (per_sec(low), episode.response_high_bytes.map(per_sec));
        (Severity::Info, SeverityReason::ReturnedPerSec { bytes_per_sec, high_bytes_per_sec })
    } else {
        (Severity::Info, SeverityReason::UnknownSize)
    };
    let mut finding = Finding::from_episode(Kind::UnpaginatedList, judgement, episode, context);
    finding.query = "full_lists";
    finding.remedies = context.remedies(episode);
    Some(finding)
}
