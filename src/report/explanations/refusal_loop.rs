//! Explains `refusal-loop`.

use super::{Explanation, secs};
use crate::findings::Thresholds;
use crate::units;

const REASON: &str = "A client that is refused what it asks for, with 401 or 403, and asks again every few seconds, costs \
                      authentication, authorization and a seat for a moment each time. Programs that many people run, \
                      such as dashboards on their desktops, add up to thousands of requests a minute.";

pub(super) fn explain(thresholds: &Thresholds) -> Explanation {
    let limits = &thresholds.refusal_loop;
    let rule = format!(
        "Instances of a client are refused {} times or more in a minute each (refusal_loop.min_minute_refusals), {} times \
         in all (refusal_loop.min_refusals), over {} (refusal_loop.min_secs). It is a warning from {} per second \
         (refusal_loop.warning_rps). Counted is what is refused for one resource, by verb, {} times in that minute at least \
         (repeats.min_minute_requests). LISTs that are retried after it are part of it.",
        limits.min_minute_refusals,
        limits.min_refusals,
        secs(limits.min_secs),
        units::number(limits.warning_rps),
        thresholds.repeats.min_minute_requests
    );
    let limits = "Of a 401 the log has no user: clients are told apart by their user agents only. Many policies log a 401 only \
                  with the stage ResponseStarted.";
    Explanation { reason: REASON, rule, limits: limits.to_owned() }
}
