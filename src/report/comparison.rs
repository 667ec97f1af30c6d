//! Replays in words: the verdict on a candidate, how far the baseline can be trusted, and how LISTs share the server.

use super::{counted, listed, rounded};
use crate::simulation::{
    BaselineMismatch, Borrowing, Comparison, ComparisonRemark, Effect, Improved, ListCapacity, ListCapacityBasis,
    ListLoad, MatchFailure, Mismatch, NoEffect, Regressed, Spread,
};
use crate::units;

/// The verdict on a candidate in one sentence; it starts with a verb, for the candidate is its subject.
pub fn comparison_sentence(comparison: &Comparison) -> String {
    let (targets, others): (Vec<&Regressed>, Vec<&Regressed>) =
        comparison.regressed.iter().partition(|client| client.is_target);
    let numbers = numbers(comparison);
    let improved =
        (!comparison.improved.is_empty()).then(|| format!("better off: {}", improved_words(&comparison.improved)));
    let mut parts = vec![match comparison.effect {
        Effect::Helps => format!("helps: {numbers}"),
        Effect::HelpsButHurts => format!("helps, but slows down {}: {numbers}", names(&others)),
        Effect::DoesNothing => match &comparison.no_effect {
            Some(reason) => format!("does nothing: {}; {numbers}", no_effect_words(reason)),
            None => format!("does nothing: {numbers}"),
        },
        Effect::OnlyHurts => {
            let all: Vec<&Regressed> = comparison.regressed.iter().collect();
            format!("slows down {} and helps no client: {numbers}", names(&all))
        }
        Effect::Burdens => format!("makes the server hold more: {numbers}"),
    }];
    parts.extend(comparison.remarks.iter().map(remark_words));
    if !targets.is_empty() {
        parts.push(format!("it throttles {}", regressed_words(&targets)));
    }
    if !others.is_empty() {
        parts.push(format!("also worse off: {}", regressed_words(&others)));
    }
    parts.extend(improved);
    parts.join("; ")
}

/// How many LISTs run at once and what they hold, with what makes the candidate help first: more LISTs than before don't.
fn numbers(comparison: &Comparison) -> String {
    let Comparison { effect, before, after, matched_lists, .. } = comparison;
    let (now, then) = (spread_words(after.most_lists), spread_words(before.most_lists));
    let matched = if matched_lists.mid > 0.0 && matched_lists.mid < after.most_lists.mid {
        format!(", {} of them matched by the candidate", spread_words(*matched_lists))
    } else {
        String::new()
    };
    let lists = list_count(after.most_lists);
    let instead = instead_words(&now, &then);
    if before.peak_high_bytes <= 0.0 {
        return format!("{lists} at once{instead}{matched}");
    }
    let (held, held_before) = (peak_words(after), peak_words(before));
    let memory = format!("peak memory {held}{}", instead_words(&held, &held_before));
    let helps = matches!(effect, Effect::Helps | Effect::HelpsButHurts);
    let holds_less = after.peak_high_bytes < before.peak_high_bytes || after.peak_low_bytes < before.peak_low_bytes;
    if helps && holds_less && after.most_lists.mid > before.most_lists.mid {
        return format!("{memory}, although {lists} run at once{instead}{matched}");
    }
    format!("{lists} at once{instead}{matched}; {memory}")
}

/// What a value was before, to follow the value.
fn instead_words(now: &str, before: &str) -> String {
    if now == before { ", as before".to_owned() } else { format!(" instead of {before}") }
}

fn peak_words(load: &ListLoad) -> String {
    let more = if load.unbounded_lists > 0 { " or more" } else { "" };
    format!("{} to {}{more}", byte_words(load.peak_low_bytes), byte_words(load.peak_high_bytes))
}

fn no_effect_words(reason: &NoEffect) -> String {
    match reason {
        NoEffect::NoFlowSchema => {
            "the candidate has no FlowSchema, and no FlowSchema uses its priority levels".to_owned()
        }
        NoEffect::NoRequestMatched { flow_schemas, reasons } => {
            format!("{} no request{}", matches(flow_schemas), failure_words(reasons))
        }
        NoEffect::NoListMatched { flow_schemas, reasons } => {
            format!("{} no LIST{}", matches(flow_schemas), failure_words(reasons))
        }
        NoEffect::ExemptLevel { priority_level } => {
            format!("{priority_level} is exempt: requests in it are never limited")
        }
        NoEffect::Borrows(borrowing) => borrowing_words(borrowing),
        NoEffect::NothingWaits { priority_level, seats } => {
            format!("no request ever waits in {priority_level}: its limit of {} seats is above the load", whole(*seats))
        }
        NoEffect::NoConcurrentLists => "LISTs don't run at the same time in the baseline replay".to_owned(),
        NoEffect::NotThePeak => "the LISTs that it holds back are not those of the server's peak".to_owned(),
    }
}

fn matches(flow_schemas: &[String]) -> String {
    let verb = if flow_schemas.len() == 1 { "matches" } else { "match" };
    format!("{} {verb}", flow_schemas.join(", "))
}

fn failure_words(reasons: &[MatchFailure]) -> String {
    let words: Vec<String> = reasons.iter().map(|reason| format!("{} ({})", reason.message, reason.rule)).collect();
    if words.is_empty() { String::new() } else { format!(": {}", words.join("; ")) }
}

fn remark_words(remark: &ComparisonRemark) -> String {
    match remark {
        ComparisonRemark::MatchesNothing => "it matches no request: all of this comes from its shares".to_owned(),
        ComparisonRemark::MoreMemoryAtPeak => {
            "but LISTs hold more at the peak in most replays, since others finish sooner".to_owned()
        }
        ComparisonRemark::Borrows(borrowing) => borrowing_words(borrowing),
    }
}

fn borrowing_words(borrowing: &Borrowing) -> String {
    format!(
        "{} borrows: it has {} nominal seats, but had up to {}, and {} ran in it at once; only borrowingLimitPercent: 0 \
         makes the nominal seats a limit",
        borrowing.priority_level,
        borrowing.nominal_seats,
        whole(borrowing.most_seats),
        list_count(borrowing.most_lists)
    )
}

fn names(clients: &[&Regressed]) -> String {
    listed(clients, |client| client.client.clone())
}

fn regressed_words(clients: &[&Regressed]) -> String {
    listed(clients, |client| {
        let rejected = (client.more_rejected >= 1.0).then(|| {
            let (more, all) = (to_count(client.more_rejected), client.request_count);
            format!("{} more of its {} rejected", units::count(more), counted(all, "request"))
        });
        let (before, after) = (client.wait_p50_before_secs, client.wait_p50_after_secs);
        let p50 = (after >= before + 0.1).then(|| wait_words("p50", before, after));
        let (before, after) = (client.wait_p99_before_secs, client.wait_p99_after_secs);
        let p99 = (after >= before + 0.1).then(|| wait_words("p99", before, after));
        let parts: Vec<String> = [rejected, p50, p99].into_iter().flatten().collect();
        format!("{} ({})", client.client, parts.join(", "))
    })
}

fn improved_words(clients: &[Improved]) -> String {
    listed(clients, |client| {
        let fewer = to_count(client.fewer_rejected);
        let rejected = (client.fewer_rejected >= 1.0).then(|| {
            let noun = if fewer == 1 { "request" } else { "requests" };
            format!("{} fewer {noun} rejected", units::count(fewer))
        });
        let (before, after) = (client.wait_p99_before_secs, client.wait_p99_after_secs);
        let p99 = (after + 0.1 <= before).then(|| wait_words("p99", before, after));
        let parts: Vec<String> = [rejected, p99].into_iter().flatten().collect();
        format!("{} ({})", client.client, parts.join(", "))
    })
}

fn wait_words(which: &str, before_secs: f64, after_secs: f64) -> String {
    format!("{which} wait {} instead of {}", secs(after_secs), secs(before_secs))
}

/// Seconds for reading: `8 s`, `5.4 s`.
pub(super) fn secs(secs: f64) -> String {
    format!("{} s", rounded(secs))
}

/// What the baseline replay does not reproduce.
pub fn mismatch_words(mismatch: &BaselineMismatch) -> String {
    let of = |what: &str, Mismatch { logged, replayed }: Mismatch| {
        format!("the replay has {} {what}, the log {}", range_words(replayed), range_words(logged))
    };
    let lists = mismatch.most_lists.map(|mismatch| of("LISTs at once", mismatch));
    let rejected = mismatch.rejected.map(|mismatch| of("rejected requests", mismatch));
    lists.into_iter().chain(rejected).collect::<Vec<_>>().join("; ")
}

/// How LISTs share the server.
pub fn capacity_words(capacity: &ListCapacity) -> String {
    let (low, likely, high) = (rounded(capacity.low), rounded(capacity.likely), rounded(capacity.high));
    let range = if capacity.high - capacity.low < 0.05 { likely } else { format!("{likely} ({low} to {high})") };
    match capacity.basis {
        ListCapacityBasis::Unlimited => "LISTs take as long as in the log".to_owned(),
        ListCapacityBasis::Given => format!("The server runs {range} LISTs at full speed at once, as given"),
        ListCapacityBasis::Fitted { list_count, most_at_once } => format!(
            "The server runs {range} LISTs at full speed at once, estimated from {} equal LISTs, of which up to {} ran at once",
            units::count(list_count as u64),
            units::count(most_at_once as u64)
        ),
        ListCapacityBasis::Unknown { most_at_once } => format!(
            "The server runs {range} LISTs at full speed at once: any of these values fits the log, as too few equal LISTs \
             ran at once (at most {})",
            units::count(most_at_once as u64)
        ),
    }
}

/// So many LISTs.
fn list_count(count: Spread) -> String {
    let words = spread_words(count);
    let noun = if words == "1" { "LIST" } else { "LISTs" };
    format!("{words} {noun}")
}

/// A count with its least and its most, where they differ: `6`, or `33 (19–46)`.
fn spread_words(spread: Spread) -> String {
    let (low, mid, high) = (whole(spread.low), whole(spread.mid), whole(spread.high));
    if low == high { mid } else { format!("{mid} ({low}–{high})") }
}

fn range_words(spread: Spread) -> String {
    let (low, high) = (whole(spread.low), whole(spread.high));
    if low == high { low } else { format!("{low} to {high}") }
}

fn whole(value: f64) -> String {
    units::count(to_count(value))
}

/// A size in bytes that is known as a float.
pub(super) fn byte_words(value: f64) -> String {
    units::bytes(to_count(value))
}

/// The nearest whole number.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates")]
pub(super) fn to_count(value: f64) -> u64 {
    value.round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exactly(value: f64) -> Spread {
        Spread { low: value, mid: value, high: value }
    }

    fn load(lists: f64) -> ListLoad {
        let (peak_low_bytes, peak_high_bytes) = (lists * 1e8, lists * 2e8);
        ListLoad { most_lists: exactly(lists), peak_low_bytes, peak_high_bytes, unbounded_lists: 0 }
    }

    fn comparison() -> Comparison {
        Comparison {
            effect: Effect::Helps,
            no_effect: None,
            before: load(40.0),
            after: load(6.0),
            matched_lists: exactly(6.0),
            remarks: Vec::new(),
            regressed: Vec::new(),
            improved: Vec::new(),
        }
    }

    fn storm(is_target: bool) -> Regressed {
        Regressed {
            client_type: "sdk".into(),
            client: "storm".into(),
            is_target,
            request_count: 100,
            more_rejected: 9.0,
            wait_p50_before_secs: 0.0,
            wait_p50_after_secs: 0.0,
            wait_p99_before_secs: 0.0,
            wait_p99_after_secs: 12.0,
        }
    }

    #[test]
    fn the_numbers_come_first_and_then_who_pays() {
        let helps = Comparison { regressed: vec![storm(true)], ..comparison() };
        assert_eq!(
            comparison_sentence(&helps),
            "helps: 6 LISTs at once instead of 40; peak memory 572 MiB to 1.1 GiB instead of 3.7 GiB to 7.5 GiB; it throttles \
             storm (9 more of its 100 requests rejected, p99 wait 12 s instead of 0 s)"
        );
        let hurts = Comparison { effect: Effect::HelpsButHurts, regressed: vec![storm(false)], ..comparison() };
        assert!(
            comparison_sentence(&hurts).starts_with("helps, but slows down storm: 6 LISTs at once instead of 40; ")
        );
        let improved = Improved {
            client: "good".into(),
            fewer_rejected: 20.0,
            wait_p99_before_secs: 9.0,
            wait_p99_after_secs: 0.0,
        };
        let helps = comparison_sentence(&Comparison { improved: vec![improved], ..comparison() });
        assert!(
            helps.ends_with("better off: good (20 fewer requests rejected, p99 wait 0 s instead of 9 s)"),
            "{helps}"
        );
    }

    #[test]
    fn what_helps_comes_before_more_lists() {
        let more = ListLoad { most_lists: exactly(58.0), ..load(20.0) };
        assert_eq!(
            comparison_sentence(&Comparison { after: more, ..comparison() }),
            "helps: peak memory 1.9 GiB to 3.7 GiB instead of 3.7 GiB to 7.5 GiB, although 58 LISTs run at once instead of 40, 6 of \
             them matched by the candidate"
        );
        let same = comparison_sentence(&Comparison { after: load(40.0), ..comparison() });
        assert!(same.starts_with("helps: 40 LISTs at once, as before, 6 of them matched"), "{same}");
    }

    #[test]
    fn nothing_has_its_reason() {
        let borrowing =
            Borrowing { priority_level: "low".into(), nominal_seats: 12, most_seats: 169.0, most_lists: exactly(40.0) };
        let nothing = Comparison {
            effect: Effect::DoesNothing,
            no_effect: Some(NoEffect::Borrows(borrowing)),
            after: load(40.0),
            ..comparison()
        };
        let words = comparison_sentence(&nothing);
        assert!(words.starts_with("does nothing: low borrows: it has 12 nominal seats, but had up to 169"), "{words}");
        let mismatch =
            Mismatch { logged: exactly(299.0), replayed: Spread { low: 1_370.0, mid: 2_000.0, high: 2_464.0 } };
        let words = mismatch_words(&BaselineMismatch { most_lists: Some(mismatch), rejected: None });
        assert_eq!(words, "the replay has 1,370 to 2,464 LISTs at once, the log 299");
    }
}
