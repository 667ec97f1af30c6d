//! Explains `watch-pileup`.

use super::{Explanation, secs};
use crate::findings::Thresholds;
use crate::units;

const REASON: &str = "Each open watch takes memory of the apiserver, and every change of the resource is encoded and sent to it. A \
                      client that opens a watch in each of its cycles and never stops one holds thousands after an hour. Where \
                      it asked for no timeoutSeconds, the server ends each after 30 to 60 minutes only.";

pub(super) fn explain(thresholds: &Thresholds) -> Explanation {
    let limits = &thresholds.watch_pileup;
    let rule = format!(
        "One watch is needed for each namespace, name or selector of each instance, and for each user that it impersonates. \
         An instance is found when it holds {} or more besides (watch_pileup.min_surplus_watches), and {} for each that is \
         needed (watch_pileup.min_watches_per_target), and opened more of them than ended in {} different minutes \
         (watch_pileup.min_growth_minutes); one pod that holds ten times as many, however fast. It is a warning from {} \
         open at once (watch_pileup.warning_open_watches).",
        limits.min_surplus_watches,
        units::number(limits.min_watches_per_target),
        limits.min_growth_minutes,
        limits.warning_open_watches
    );
    let limits = format!(
        "Watches that were opened before the log begins and don't end in it are not in the log. Where no watch ends in it, \
         it must be longer than {} (watch_pileup.min_log_secs), and where those that should have ended didn't, the audit \
         policy leaves out how watches end, and nothing is found. That the log ends while watches are open is no sign \
         of a crash.",
        secs(limits.min_log_secs)
    );
    Explanation { reason: REASON, rule, limits }
}
