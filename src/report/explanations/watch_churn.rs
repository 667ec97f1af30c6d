//! Explains `watch-churn`.

use super::{Explanation, secs};
use crate::findings::Thresholds;
use crate::units;

const REASON: &str = "A watch is made to last 5 to 10 minutes. When connections are cut, all of them are opened again at once, \
                      and those whose resourceVersion has become too old list first. A client that asks for watches of a \
                      few seconds causes the same load all day.";

pub(super) fn explain(thresholds: &Thresholds) -> Explanation {
    let limits = &thresholds.watch_churn;
    let rule = format!(
        "Either watches that follow a cut one come in a burst (as for relist-herd), at least {} (watch_churn.min_reopened) by \
         {} instances (watch_churn.min_instances); or a client's watches live less than {} (watch_churn.short_secs) and no \
         longer than {} % of what they asked for (watch_churn.short_share), at least {} in all (watch_churn.min_watches) and \
         {} of each instance (watch_churn.min_instance_watches). It is a warning from {} opened at once \
         (watch_churn.warning_reopened), from {} per second that go on (watch_churn.warning_rps), or when {} are followed by \
         a LIST within {} (watch_churn.warning_before_list, watch_churn.relist_secs), or when the client's own `timeout` cuts \
         them {} times earlier than they asked for (watch_churn.warning_cut_ratio); such watches count however long they live. A burst that comes with LISTs of the \
         same client is part of that relist-herd, and not reported twice.",
        limits.min_reopened,
        limits.min_instances,
        secs(limits.short_secs),
        units::number(limits.short_share * 100.0),
        limits.min_watches,
        limits.min_instance_watches,
        limits.warning_reopened,
        limits.warning_rps,
        limits.warning_before_list,
        secs(limits.relist_secs),
        units::number(limits.warning_cut_ratio)
    );
    let limits = "The log does not show what cut a watch: the client, the server or something between them. It ends with \
                  code 200 in any case. Only a life as long as the `timeout` in the URI tells: client-go puts \
                  rest.Config.Timeout there, which cuts watches too.";
    Explanation { reason: REASON, rule, limits: limits.to_owned() }
}
