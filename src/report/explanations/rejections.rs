//! Explains `rejections`.

use super::{Explanation, secs};
use crate::findings::Thresholds;
use crate::units;

const REASON: &str = "An apiserver rejects a request with 429 when the queue of its flow is full, when it waited too long, or \
                      when the server has too many requests in flight. All clients of a priority level share its seats: one \
                      that lists big collections without end can keep everybody else of the level from being served.";

pub(super) fn explain(thresholds: &Thresholds) -> Explanation {
    let limits = &thresholds.rejections;
    let rule = format!(
        "An apiserver rejects {} requests (rejections.min_rejected) without a pause of a minute, over {} or more \
         (rejections.min_secs), or {} however fast (rejections.warning_rejected), and not just after it started. It is a \
         warning from {} rejections on (rejections.warning_rejected), or from {} of clients that had next to no LIST in \
         flight (rejections.warning_bystander_rejected). A client is named if it had {} of the time of all LISTs in flight \
         (rejections.busiest_share) and was rejected too.",
        limits.min_rejected,
        secs(limits.min_secs),
        limits.warning_rejected,
        limits.warning_rejected,
        limits.warning_bystander_rejected,
        units::number(limits.busiest_share),
    );
    let limits = "The log gives only the code: neither the priority level nor whether it was API Priority and Fairness or \
                  --max-requests-inflight. 429s with a reason, as of evictions, are not counted.";
    Explanation { reason: REASON, rule, limits: limits.to_owned() }
}
