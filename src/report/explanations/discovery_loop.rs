//! Explains `discovery-loop`.

use super::{Explanation, secs};
use crate::findings::Thresholds;

const REASON: &str = "A client that starts asks which resources there are: one request for each API group and version, a \
                      hundred in a cluster with many. kubectl keeps the answer on disk for hours; in a container without a \
                      home directory it asks again at every call, and so does a program that creates a new client for each \
                      of its tasks.";

pub(super) fn explain(thresholds: &Thresholds) -> Explanation {
    let limits = &thresholds.discovery_loop;
    let rule = format!(
        "An instance reads a discovery path that it had read less than {} before (discovery_loop.max_period_secs), {} times \
         in all (discovery_loop.min_reads). It is a warning from {} such reads per second (discovery_loop.warning_rps). The \
         controller manager is left out.",
        secs(limits.max_period_secs),
        limits.min_reads,
        limits.warning_rps
    );
    let limits = "Discovery is cheap in memory; it costs CPU and, with API Priority and Fairness, seats. Policies often drop it.";
    Explanation { reason: REASON, rule, limits: limits.to_owned() }
}
