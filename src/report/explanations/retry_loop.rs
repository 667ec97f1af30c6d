//! Explains `retry-loop`.

use super::{Explanation, secs};
use crate::findings::Thresholds;

const REASON: &str = "A LIST that takes longer than the server's request timeout is cut off, and the client sends it again at \
                      once: the server repeats all the work, again for nothing. The more clients do this, the slower \
                      each LIST gets, so that none ever succeeds. The audit log shows such LISTs with code 200.";

pub(super) fn explain(thresholds: &Thresholds) -> Explanation {
    let (limits, list_loop, server) = (&thresholds.retry_loop, &thresholds.list_loop, &thresholds.server);
    let rule = format!(
        "The same instance sends the same LIST within {} of its failure (list_loop.max_period_secs): 429, 5xx, another \
         error, or the request timeout of {} (server.request_timeout_secs). It does so at least {} times in a row \
         (retry_loop.min_run_tries), with {} tries in all (retry_loop.min_tries). It is a warning from {} tries after 429, \
         5xx or timeouts (retry_loop.warning_tries), or {} timeouts (retry_loop.warning_timed_out); critical when half of \
         the tries time out and whole collections are listed, or an apiserver died during it. Tries after a 403 or 404 are \
         info: they cost little.",
        secs(list_loop.max_period_secs),
        secs(server.request_timeout_secs),
        limits.min_run_tries,
        limits.min_tries,
        limits.warning_tries,
        limits.warning_timed_out
    );
    let limits = "The client's own timeout may be shorter than the server's; LISTs that the client gave up look like any other. \
                  The log does not show whether the client library or the program retried.";
    Explanation { reason: REASON, rule, limits: limits.to_owned() }
}
