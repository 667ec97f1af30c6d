//! Explains `write-loop`.

use super::{Explanation, secs};
use crate::findings::Thresholds;
use crate::units;

const REASON: &str = "A controller that creates what is there already gets 409, and one that sends an object that isn't valid \
                      gets 422. Sent again without a change, it fails again: each try goes through admission with all of its \
                      webhooks, and some to etcd.";

pub(super) fn explain(thresholds: &Thresholds) -> Explanation {
    let limits = &thresholds.write_loop;
    let rule = format!(
        "{} or more writes of an instance in a minute fail with 409 or 422 (write_loop.min_minute_failures), for {} \
         (write_loop.min_secs). Counted are writes of a resource, by verb, of which {} % fail in that minute \
         (write_loop.failing_share), and {} at least (repeats.min_minute_requests); of updates and patches, all must fail: a \
         conflict that is followed by a success is how optimistic locking works. It is a warning from {} per second \
         (write_loop.warning_rps). Leases are left out.",
        limits.min_minute_failures,
        secs(limits.min_secs),
        units::number(limits.failing_share * 100.0),
        thresholds.repeats.min_minute_requests,
        units::number(limits.warning_rps)
    );
    let limits = "Which field isn't valid is in the response's message, which is logged, but not counted here. Slower loops are \
                  in the query codes_by_client.";
    Explanation { reason: REASON, rule, limits: limits.to_owned() }
}
