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
         (apiserver_restart.min_startup_requests) are marked as served while starting, or, after {} s without any event \
         (apiserver_restart.long_silence_secs), it gets at least {} of the roles, priority classes and APIServices that it \
         sets up (apiserver_restart.min_own_gets) or fails a health check. Another start within {} s \
         (apiserver_restart.slow_start_secs) is one where those resources are listed again, or watches that the first start \
         served have no end and are opened again. The server before was killed if \
         it left at least {} watches (apiserver_restart.min_open_watches) or {} LISTs (apiserver_restart.min_open_lists) \
         without an end; a server that shuts down cleanly ends them first. Where the policy drops system:apiserver, a start \
         is at least {} watches without an end (apiserver_restart.min_reopened), half of all or more, that are opened \
         again within {} s (apiserver_restart.reopening_secs) after a silence, with no request that was received before it \
         and answered after it. The server died between the last event of any kind and the first request after; it was \
         ready when it no longer marked requests as served while starting.",
        limits.min_own_resources,
        limits.min_startup_requests,
        limits.long_silence_secs,
        limits.min_own_gets,
        limits.slow_start_secs,
        limits.min_open_watches,
        limits.min_open_lists,
        limits.min_reopened,
        limits.reopening_secs
    );
    let limits = "The log does not show whether it was the kernel's OOM killer, a failed liveness probe or a person. LISTs in \
                  flight at the end are in the log only where RequestReceived is logged.";
    Explanation { reason: REASON, rule, limits: limits.to_owned() }
}
