//! Explains `relist-herd`.

use super::{Explanation, secs, whole_bytes};
use crate::findings::Thresholds;
use crate::units;

const REASON: &str = "An agent that runs on every node lists its resources whenever it starts or loses its resourceVersion. \
                      One such LIST costs little; when all instances list at once, the server holds all the responses at \
                      once. It happens when the agents are rolled out or restarted together, when a configuration \
                      change restarts them, or when the connections to one apiserver break.";

pub(super) fn explain(thresholds: &Thresholds) -> Explanation {
    let (burst, limits, held) = (&thresholds.burst, &thresholds.relist_herd, &thresholds.held);
    let rule = format!(
        "LISTs (or watch-lists) of one resource by one client come in a burst: within {} (burst.window_secs) at least {} \
         (burst.min_reads), at least {} times the client's own median window (burst.min_factor), and at least {} median \
         absolute deviations above it (burst.min_deviations). At least {} instances (relist_herd.min_instances) take part. \
         Bursts of several resources at the same time are one finding. LISTs that follow watches that ended within {} \
         (relist_herd.at_once_secs) of instances that had no watch for {} or more (relist_herd.cut_off_secs) are a herd too, \
         though they are spread over up to {} (relist_herd.max_expired_secs): the instances had been cut off, and their \
         resourceVersion was too old (410). It is a warning when the memory held reaches {} \
         (held.warning_bytes, high end), when the server rejected or failed {} % of it (relist_herd.failed_share), or when \
         at least {} whole collections of unknown size were listed (relist_herd.unknown_warning_lists) and were in flight for \
         {} in all (relist_herd.unknown_warning_list_secs); critical when the \
         memory held reaches {} (held.critical_bytes, low end), or an apiserver died during it. LISTs of one node's objects, \
         and of small collections, stay at info.",
        secs(burst.window_secs),
        burst.min_reads,
        burst.min_factor,
        burst.min_deviations,
        limits.min_instances,
        secs(limits.at_once_secs),
        secs(limits.cut_off_secs),
        secs(limits.max_expired_secs),
        whole_bytes(held.warning_bytes),
        units::number(limits.failed_share * 100.0),
        limits.unknown_warning_lists,
        secs(limits.unknown_warning_list_secs),
        whole_bytes(held.critical_bytes)
    );
    let limits = "Unless watches had expired, the log does not show why the instances listed together. Watch-lists hold little memory, but the log does \
                  not show when their initial events were sent. The memory held is an estimate. Behind a proxy, instances \
                  without pod-bound tokens look like one.";
    Explanation { reason: REASON, rule, limits: limits.to_owned() }
}
