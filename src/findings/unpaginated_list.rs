//! `unpaginated-list`: a big collection is returned whole to a client that is no informer.

use super::context::Context;
use super::episode::{Episode, Pattern};
use super::finding::{Finding, Kind};
use super::list_loop::whole;
use super::severity::{Severity, SeverityReason};

/// Judges lists of whole collections.
pub(super) fn judge(episode: &Episode, context: &Context<'_>) -> Option<Finding> {
    let thresholds = &context.thresholds.unpaginated_list;
    if episode.pattern != Pattern::Full || episode.request_count < thresholds.min_lists {
        return None;
    }
    let bytes_per_sec = whole(episode.bytes_per_sec().unwrap_or_default());
    let low_bytes = episode.largest_low_bytes.unwrap_or_default();
    let judgement = if low_bytes >= thresholds.warning_response_bytes {
        (Severity::Warning, SeverityReason::LargestResponse { low_bytes })
    } else if episode.response_low_bytes.is_none() {
        (Severity::Info, SeverityReason::UnknownSize)
    } else {
        (Severity::Info, SeverityReason::ReturnedPerSec { bytes_per_sec })
    };
    let mut finding = Finding::from_episode(Kind::UnpaginatedList, judgement, episode, context);
    finding.query = "full_lists";
    finding.remedies = context.remedies(episode);
    Some(finding)
}
