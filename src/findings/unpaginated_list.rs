//! `unpaginated-list`: a big collection is returned whole to a client that is no informer.

use super::context::Context;
use super::episode::Episode;
use super::explain::Explanation;
use super::finding::{Finding, Kind, Severity};
use super::list_loop::bytes;
use crate::units;

pub(super) const EXPLANATION: Explanation = Explanation {
    reason: "A list without a limit returns the whole collection in one response, and without a resourceVersion the server \
             makes sure that it is the most recent: before 1.31 it reads all of it from etcd. It is the dearest request \
             there is, and easily written: it is what client libraries do unless told otherwise.",
    rule: "A client lists a resource of the whole cluster without limit, selector and resourceVersion (or with \
           resourceVersion=0), at least unpaginated_list.min_lists times with no more than 15 min between. It is a warning \
           when one response has unpaginated_list.warning_response_bytes (low end), else information: how thick they come \
           is told by list-loop, relist-herd and list-pileup.",
    limits: "Where the size is unknown, it is only information. An informer's first list is not counted, though it is as big.",
};

/// Judges lists of whole collections.
pub(super) fn judge(episode: &Episode, context: &Context<'_>) -> Option<Finding> {
    let thresholds = &context.thresholds.unpaginated_list;
    if episode.pattern != "full" || episode.request_count < thresholds.min_lists {
        return None;
    }
    let per_sec = episode.bytes_per_sec().unwrap_or_default();
    let largest = episode.largest_low_bytes.unwrap_or_default();
    let rate = || format!("about {}/s are returned, over all of its span", bytes(per_sec));
    let (severity, reason) = match largest {
        largest if largest >= thresholds.warning_response_bytes => {
            (Severity::Warning, format!("each returns {} or more", units::bytes(largest)))
        }
        _ if episode.response_low_bytes.is_none() => (Severity::Info, "the collection's size is unknown".to_owned()),
        _ => (Severity::Info, rate()),
    };
    let mut finding = Finding::of(Kind::UnpaginatedList, episode).judged(severity, reason);
    finding.query = "full_lists".to_owned();
    finding.remedies = context.remedies(episode);
    Some(finding)
}
