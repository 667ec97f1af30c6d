//! Explains `unpaginated-list`.

use super::{Explanation, secs, whole_bytes};
use crate::findings::Thresholds;

const REASON: &str = "A LIST without a limit returns the whole collection in one response, and without a resourceVersion the \
                      server makes sure that it is the most recent: before 1.31 it reads all of it from etcd. No request is \
                      more expensive, and client libraries send it unless told otherwise.";

pub(super) fn explain(thresholds: &Thresholds) -> Explanation {
    let limits = &thresholds.unpaginated_list;
    let rule = format!(
        "A client lists a resource of the whole cluster without limit, selector and resourceVersion (or with \
         resourceVersion=0), at least {} times (unpaginated_list.min_lists) with no more than {} between them \
         (unpaginated_list.max_pause_secs). It is a warning when one response has {} \
         (unpaginated_list.warning_response_bytes, low end), otherwise info: list-loop, relist-herd and list-pileup judge \
         how often such LISTs come.",
        limits.min_lists,
        secs(limits.max_pause_secs),
        whole_bytes(limits.warning_response_bytes)
    );
    let limits = "Where the size is unknown, the finding stays at info. An informer's first LIST is not counted, though it is as \
                  big.";
    Explanation { reason: REASON, rule, limits: limits.to_owned() }
}
