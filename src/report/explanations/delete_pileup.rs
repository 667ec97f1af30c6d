//! Explains `delete-pileup`.

use super::{Explanation, secs, whole_bytes};
use crate::findings::Thresholds;

const REASON: &str = "A deletecollection lists the whole collection, holds it while it deletes one object after the other, and \
                      returns it. It costs one seat of API Priority and Fairness, whatever its size. After the request timeout \
                      its client gets a 504, but the server goes on; a client that sends it again has two of them running.";

pub(super) fn explain(thresholds: &Thresholds) -> Explanation {
    let limits = &thresholds.delete_pileup;
    let rule = format!(
        "A client has {} or more in flight at once (delete_pileup.min_concurrency), the longest for {} or more \
         (delete_pileup.min_secs); or one that takes {} (delete_pileup.long_secs). It is a warning when both hold, when one takes \
         {} (delete_pileup.warning_secs), or when they hold {} of memory (held.warning_bytes, high end). Those of a namespace \
         that is deleted are done in milliseconds.",
        limits.min_concurrency,
        secs(limits.min_secs),
        secs(limits.long_secs),
        secs(limits.warning_secs),
        whole_bytes(thresholds.held.warning_bytes)
    );
    let limits = "How many objects there were is not in the log. One without an end in the log ran at least until its server \
                  was last heard of.";
    Explanation { reason: REASON, rule, limits: limits.to_owned() }
}
