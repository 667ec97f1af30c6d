//! Explains `restart-herd`.

use super::{Explanation, secs};
use crate::findings::Thresholds;

const REASON: &str = "When a server comes back, all of its clients open their watches again. Those whose resourceVersion is \
                      too old list first, and while the watch caches fill, LISTs wait or are rejected. This is what turns one \
                      OOM kill into a series of them.";

pub(super) fn explain(thresholds: &Thresholds) -> Explanation {
    let limits = &thresholds.restart_herd;
    let rule = format!(
        "The LISTs and watches of all clients together come in a burst (as for relist-herd) by at least {} instances \
         (restart_herd.min_instances). It is the first burst that begins within {} of a start (restart_herd.within_secs). \
         Herds and pile-ups of single clients that begin within the burst are part of it and not reported again; it is as \
         severe as its worst part.",
        limits.min_instances,
        secs(limits.within_secs)
    );
    let limits = "With several apiservers, clients of one that died go to another: there it looks like relist-herd or \
                  watch-churn. The log does not show how long the watch caches took to fill.";
    Explanation { reason: REASON, rule, limits: limits.to_owned() }
}
