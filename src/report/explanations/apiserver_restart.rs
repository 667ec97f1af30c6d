//! Explains `apiserver-restart`.

use super::Explanation;
use crate::findings::Thresholds;

const REASON: &str = "A server that is killed takes all requests in flight with it, and every client comes back at once. \
                      No line in the log says so: the new process goes on writing to the same file.";

pub(super) fn explain(thresholds: &Thresholds) -> Explanation {
    let limits = &thresholds.apiserver_restart;
    let rule = format!(
        "A start shows in the server's requests to itself: system:apiserver lists at least {} resources \
         (apiserver_restart.min_own_resources) within seconds, or at least {} requests \
         (apiserver_restart.min_startup_requests) are marked as served while starting. The server before was killed if \
         it left at least {} watches (apiserver_restart.min_open_watches) or {} LISTs (apiserver_restart.min_open_lists) \
         without an end; a server that shuts down cleanly ends them first. Where the policy drops system:apiserver, a \
         silence of the log counts as a restart if the watches from before it never end.",
        limits.min_own_resources, limits.min_startup_requests, limits.min_open_watches, limits.min_open_lists
    );
    let limits = "The log does not show whether it was the kernel's OOM killer, a failed liveness probe or a person. LISTs in \
                  flight at the end are in the log only where RequestReceived is logged.";
    Explanation { reason: REASON, rule, limits: limits.to_owned() }
}
