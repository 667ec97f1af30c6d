//! Explains `list-loop`.

use super::{Explanation, bytes, secs, whole_bytes};
use crate::findings::Thresholds;

const REASON: &str = "A program that wants to know the state of a collection can watch it. One that lists it in a loop makes \
                      the server return everything each time, changed or not. The load grows with the collection and with \
                      the number of instances, and nobody notices until both have grown.";

pub(super) fn explain(thresholds: &Thresholds) -> Explanation {
    let (limits, held, in_flight) = (&thresholds.list_loop, &thresholds.held, &thresholds.in_flight);
    let rule = format!(
        "An instance sends the same LIST (same resource, namespace and selectors) at least {} times in a row \
         (list_loop.min_run_lists), each within {} of the one before (list_loop.max_period_secs) or {} of its end \
         (list_loop.max_pause_secs), and the one before had been answered. What instances of one client do to one resource \
         at the same time is one finding, across restarts of the client of up to {} (grouping.episode_gap_secs), if \
         instances with at least {} LISTs each (list_loop.min_instance_lists) have {} after their first (list_loop.min_lists). It \
         counts all LISTs of the client and resource, and lasts from where more of them are in flight, or come, than on a \
         quiet day to where that is over (a third of the peak: busy.ratio). It is a warning from {} per second returned \
         (list_loop.warning_bytes_per_sec, low end), from {} held (held.warning_bytes), or from {} LISTs of a whole \
         collection in flight on average (in_flight.warning_mean) for {} (in_flight.min_secs); critical from {} per second \
         (list_loop.critical_bytes_per_sec) or {} held (held.critical_bytes, low ends), or when an apiserver died during it. Of \
         unknown size, {} whole collections per second (list_loop.unknown_warning_rps) with {} in flight on average \
         (list_loop.unknown_warning_mean) are a warning.",
        limits.min_run_lists,
        secs(limits.max_period_secs),
        secs(limits.max_pause_secs),
        secs(thresholds.grouping.episode_gap_secs),
        limits.min_instance_lists,
        limits.min_lists,
        bytes(limits.warning_bytes_per_sec),
        whole_bytes(held.warning_bytes),
        in_flight.warning_mean,
        secs(in_flight.min_secs),
        bytes(limits.critical_bytes_per_sec),
        whole_bytes(held.critical_bytes),
        limits.unknown_warning_rps,
        limits.unknown_warning_mean
    );
    let limits = format!(
        "Polls slower than one in {} are not found; the query polls shows them. How much a LIST of one namespace, or \
         one with a selector, returns is unknown, so the low end of its range is zero. LISTs in flight when a server was killed are missing where \
         the policy omits RequestReceived.",
        secs(limits.max_period_secs)
    );
    Explanation { reason: REASON, rule, limits }
}
