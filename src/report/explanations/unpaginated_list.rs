//! Explains `unpaginated-list`.

use super::{Explanation, bytes, secs, whole_bytes};
use crate::findings::Thresholds;

const REASON: &str = "A LIST without a limit returns the whole collection in one response, and without a resourceVersion the \
                      server makes sure that it is the most recent: before 1.31 it reads all of it from etcd. No request is \
                      more expensive, and client libraries send it unless told otherwise.";

pub(super) fn explain(thresholds: &Thresholds) -> Explanation {
    let (limits, in_flight) = (&thresholds.unpaginated_list, &thresholds.in_flight);
    let rule = format!(
        "A client lists a resource of the whole cluster without limit, selector and resourceVersion (or with \
         resourceVersion=0), at least {} times (unpaginated_list.min_lists) with no more than {} between them \
         (unpaginated_list.max_pause_secs); or a single LIST takes {} (unpaginated_list.long_secs). It is a warning when \
         one response has {} (unpaginated_list.warning_response_bytes, low end), when a whole collection took that long, or \
         when {} LISTs were in flight on average (in_flight.warning_mean) for {} (in_flight.min_secs), unless the responses \
         in flight were smaller than {} together (in_flight.small_bytes, high end). Otherwise it stays at info: list-loop, \
         relist-herd and list-pileup judge how often they come and what they hold.",
        limits.min_lists,
        secs(limits.max_pause_secs),
        secs(limits.long_secs),
        whole_bytes(limits.warning_response_bytes),
        in_flight.warning_mean,
        secs(in_flight.min_secs),
        bytes(in_flight.small_bytes)
    );
    let limits = "An informer's first LIST is not counted, though it is as big. Whether LISTs are slow for their size, or \
                  because the server is busy with others, the log does not show.";
    Explanation { reason: REASON, rule, limits: limits.to_owned() }
}
