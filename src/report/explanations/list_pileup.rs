//! Explains `list-pileup`.

use super::{Explanation, secs, whole_bytes};
use crate::findings::Thresholds;

const REASON: &str = "The server holds a LIST's response until the client has read it, and several times as much while it \
                      encodes and sends it. What kills it is the sum over all LISTs in flight, not their number in a day. Slow \
                      clients, and a server that is out of CPU, make each LIST last longer, so that more of them overlap.";

pub(super) fn explain(thresholds: &Thresholds) -> Explanation {
    let (limits, held) = (&thresholds.list_pileup, &thresholds.held);
    let rule = format!(
        "LISTs of one server that can hold {} (list_pileup.min_list_bytes) or more overlap: at least {} of them \
         (list_pileup.min_concurrency), or so many that they hold {} (list_pileup.min_bytes, low end). It is a warning \
         from {} (held.warning_bytes, high end), from {} LISTs of one client and one resource of unknown size \
         (list_pileup.warning_unknown_concurrency), or from {} LISTs of whole collections in flight on average \
         (in_flight.warning_mean) for {} (in_flight.min_secs); critical from {} (held.critical_bytes, low end), or when an \
         apiserver died during it. It is attributed to the client that holds at least half of it at the peak, or, where most \
         sizes are unknown, has half of the time in flight; else to several clients. LISTs that wait in a queue of API \
         Priority and Fairness count as in flight, but hold nothing.",
        whole_bytes(limits.min_list_bytes),
        limits.min_concurrency,
        whole_bytes(limits.min_bytes),
        whole_bytes(held.warning_bytes),
        limits.warning_unknown_concurrency,
        thresholds.in_flight.warning_mean,
        secs(thresholds.in_flight.min_secs),
        whole_bytes(held.critical_bytes)
    );
    let limits = "LISTs in flight when a server was killed are missing where the policy omits RequestReceived, so the real \
                  peak was higher. The memory held is an estimate, based on the sizes that `stormglass resources` shows.";
    Explanation { reason: REASON, rule, limits: limits.to_owned() }
}
