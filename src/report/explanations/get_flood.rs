//! Explains `get-flood`.

use super::{Explanation, secs};
use crate::findings::Thresholds;
use crate::units;

const REASON: &str = "A program that reads each object by its name, in a loop, sends thousands of requests a minute for what one \
                      LIST and a watch would tell it. Each GET is authenticated, authorized, queued and read from etcd.";

pub(super) fn explain(thresholds: &Thresholds) -> Explanation {
    let limits = &thresholds.get_flood;
    let rule = format!(
        "An instance gets objects of one resource {} times or more in a minute (get_flood.min_minute_gets), and that goes on for \
         {} (get_flood.min_secs). It is a warning from {} per second of the client (get_flood.warning_rps). Leases are left out, \
         and so are clients of many instances that each send few.",
        limits.min_minute_gets,
        secs(limits.min_secs),
        units::number(limits.warning_rps)
    );
    let limits = "Policies often drop GETs. Whether they are answered from the watch cache (resourceVersion=0) or from etcd makes \
                  a difference that is not judged.";
    Explanation { reason: REASON, rule, limits: limits.to_owned() }
}
