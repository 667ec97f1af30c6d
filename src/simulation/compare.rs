//! What a candidate would change: it helps, it helps but slows down others, it does nothing and why, or it makes the
//! server hold more.

use std::collections::BTreeMap;

use serde::Serialize;

use super::impact::{Improved, Regressed, find_improved, find_regressed};
use super::no_effect::{Borrowing, NoEffect, explain_no_effect, find_borrowing};
use super::summary::{ReplaySummary, Spread};

/// The part of the traffic that a candidate's FlowSchemas match.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct CandidateMatch {
    /// The FlowSchemas of the candidate, and those whose priority level it changes.
    pub flow_schemas: Vec<String>,
    /// The priority levels of these FlowSchemas.
    pub priority_levels: Vec<String>,
    /// Requests that they match.
    pub request_count: u64,
    /// LISTs among them.
    pub list_count: u64,
    /// LISTs that they match, by client.
    pub lists_by_client: BTreeMap<String, u64>,
    /// The clients that the candidate is meant to throttle. Empty where nobody said so: then it is every client with a
    /// fifth of the matched LISTs.
    pub target_clients: Vec<String>,
    /// Why no LIST is matched, as far as lint can tell; empty where some are.
    pub reasons: Vec<MatchFailure>,
}

/// A lint finding that explains why a FlowSchema matches no LIST.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MatchFailure {
    /// The lint rule.
    pub rule: &'static str,
    /// Its message.
    pub message: String,
}

/// How a candidate does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// The server holds less, or other clients are served better, and only target clients wait longer.
    Helps,
    /// The same, but clients that aren't targets wait longer or are rejected.
    HelpsButHurts,
    /// Next to nothing changes.
    DoesNothing,
    /// Nothing is better, and some client is worse off.
    OnlyHurts,
    /// The server holds more.
    Burdens,
}

/// A candidate beside the current configuration.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// The verdict.
    pub effect: Effect,
    /// Why nothing changes; `None` unless the effect is [`Effect::DoesNothing`].
    pub no_effect: Option<NoEffect>,
    /// LISTs and their memory under the current configuration.
    pub before: ListLoad,
    /// LISTs and their memory with the candidate.
    pub after: ListLoad,
    /// Matched LISTs that run at once with the candidate.
    pub matched_lists: Spread,
    /// What to know of the verdict.
    pub remarks: Vec<ComparisonRemark>,
    /// Clients that are worse off, those that aren't targets first.
    pub regressed: Vec<Regressed>,
    /// Clients that are better off, without the target clients.
    pub improved: Vec<Improved>,
}

/// The LISTs of all clients under one configuration.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ListLoad {
    /// LISTs that ran at once, at most.
    pub most_lists: Spread,
    /// The lower bound of the memory they held at the peak, in bytes: the median over all seeds.
    pub peak_low_bytes: f64,
    /// The upper bound, of LISTs of known size; 0 where no size is known.
    pub peak_high_bytes: f64,
    /// LISTs of unknown size, which the upper bound leaves out.
    pub unbounded_lists: u64,
}

/// What to know of a verdict besides its numbers.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum ComparisonRemark {
    /// The candidate matches no request: its shares alone change the other levels.
    MatchesNothing,
    /// LISTs hold more at the peak in most replays, since others finish sooner.
    MoreMemoryAtPeak,
    /// A priority level of the candidate borrows seats.
    Borrows(Borrowing),
}

/// A value has dropped if it is below this part of what it was.
const LESS: f64 = 0.9;
/// Where no target client is given, a client is one with at least this part of the matched LISTs.
const TARGET_SHARE: f64 = 0.2;

/// Compares a candidate with the current configuration. A client is worse off if its requests wait longer by more than
/// `tolerated_secs`, or are rejected more often, beyond what other seeds give without any change.
pub fn compare(
    current: &ReplaySummary,
    candidate: &ReplaySummary,
    matched: &CandidateMatch,
    tolerated_secs: f64,
) -> Comparison {
    let regressed = find_regressed(current, candidate, matched, tolerated_secs);
    let improved = find_improved(current, candidate, matched, tolerated_secs);
    let is_better = is_less(current, candidate) || holds_back(current, candidate, matched) || !improved.is_empty();
    let effect = match (is_better, regressed.iter().any(|client| !client.is_target)) {
        _ if has_grown(current, candidate) => Effect::Burdens,
        (true, false) => Effect::Helps,
        (true, true) => Effect::HelpsButHurts,
        (false, _) if regressed.is_empty() => Effect::DoesNothing,
        (false, _) => Effect::OnlyHurts,
    };
    let schema_lists = matched.flow_schemas.iter().filter_map(|schema| candidate.schema_lists.get(schema)).copied();
    Comparison {
        effect,
        no_effect: (effect == Effect::DoesNothing).then(|| explain_no_effect(current, candidate, matched)),
        before: ListLoad::from(current),
        after: ListLoad::from(candidate),
        matched_lists: schema_lists
            .fold(Spread::default(), |most, lists| if lists.mid > most.mid { lists } else { most }),
        remarks: find_remarks(effect, current, candidate, matched),
        regressed,
        improved,
    }
}

fn find_remarks(
    effect: Effect,
    current: &ReplaySummary,
    candidate: &ReplaySummary,
    matched: &CandidateMatch,
) -> Vec<ComparisonRemark> {
    let mut remarks = Vec::new();
    if matched.request_count == 0 && effect != Effect::DoesNothing {
        remarks.push(ComparisonRemark::MatchesNothing);
    }
    if matches!(effect, Effect::Helps | Effect::HelpsButHurts)
        && current.known_peak_high_bytes.mid < LESS * candidate.known_peak_high_bytes.mid
    {
        remarks.push(ComparisonRemark::MoreMemoryAtPeak);
    }
    if matches!(effect, Effect::Burdens | Effect::OnlyHurts) {
        remarks.extend(find_borrowing(candidate, matched).map(ComparisonRemark::Borrows));
    }
    remarks
}

impl From<&ReplaySummary> for ListLoad {
    fn from(summary: &ReplaySummary) -> Self {
        Self {
            most_lists: summary.most_lists,
            peak_low_bytes: summary.peak_low_bytes.mid,
            peak_high_bytes: summary.known_peak_high_bytes.mid,
            unbounded_lists: summary.unbounded_lists,
        }
    }
}

/// What a candidate should lower.
const MEASURES: [fn(&ReplaySummary) -> Spread; 4] = [
    |summary| summary.peak_low_bytes,
    |summary| summary.known_peak_high_bytes,
    |summary| summary.possibly_above_secs,
    |summary| summary.most_lists,
];

/// Whether the server holds less, is above its limit for less time, or runs fewer LISTs at once.
fn is_less(current: &ReplaySummary, candidate: &ReplaySummary) -> bool {
    MEASURES.iter().any(|of| of(candidate).mid < LESS * of(current).mid)
}

/// Whether the server holds more, or is above its limit for longer, under all seeds; where no size is known, whether it runs
/// more LISTs at once.
fn has_grown(current: &ReplaySummary, candidate: &ReplaySummary) -> bool {
    if is_less(current, candidate) {
        return false;
    }
    let has_grown = |of: &fn(&ReplaySummary) -> Spread| {
        let (before, after) = (of(current), of(candidate));
        before.mid < LESS * after.mid && after.low > before.high
    };
    if current.known_peak_high_bytes.mid > 0.0 {
        MEASURES[..3].iter().any(has_grown)
    } else {
        MEASURES[3..].iter().any(has_grown)
    }
}

/// Whether fewer LISTs of the target clients run at once because they have to wait or are rejected.
fn holds_back(current: &ReplaySummary, candidate: &ReplaySummary, matched: &CandidateMatch) -> bool {
    let lists = |summary: &ReplaySummary| {
        let targets = summary.groups.iter().filter(|group| is_target(matched, &group.client));
        targets.map(|group| group.most_lists.mid).sum::<f64>()
    };
    matched.list_count > 0 && acts(candidate, matched) && lists(candidate) < LESS * lists(current)
}

/// Whether any matched request waits or is rejected.
pub(super) fn acts(candidate: &ReplaySummary, matched: &CandidateMatch) -> bool {
    let mut groups = candidate.groups.iter().filter(|group| matched.flow_schemas.contains(&group.flow_schema));
    groups.any(|group| group.rejected.all.high > 0.0 || group.wait_max_secs.high > 0.0)
}

/// Whether a candidate is meant to throttle that client.
pub(super) fn is_target(matched: &CandidateMatch, client: &str) -> bool {
    if !matched.target_clients.is_empty() {
        return matched.target_clients.iter().any(|target| target == client);
    }
    let all: u64 = matched.lists_by_client.values().sum();
    ratio(matched.lists_by_client.get(client).copied().unwrap_or_default(), all.max(1)) >= TARGET_SHARE
}

#[expect(clippy::cast_precision_loss, reason = "counts")]
fn ratio(part: u64, whole: u64) -> f64 {
    part as f64 / whole as f64
}

#[cfg(test)]
mod tests {
    use super::super::summary::{GroupSummary, LevelSummary, RejectionSummary};
    use super::*;

    fn exactly(value: f64) -> Spread {
        Spread { low: value, mid: value, high: value }
    }

    fn summarize_replay(lists: f64, groups: &[(&str, f64, f64)]) -> ReplaySummary {
        let groups = groups.iter().map(|(client, rejected, wait_p99)| GroupSummary {
            client_index: 0,
            client_type: "operator".into(),
            client: (*client).into(),
            flow_schema: "service-accounts".into(),
            priority_level: "workload-low".into(),
            request_count: 100,
            rejected: RejectionSummary { all: exactly(*rejected), ..RejectionSummary::default() },
            wait_p50_secs: exactly(0.0),
            wait_p99_secs: exactly(*wait_p99),
            wait_max_secs: exactly(*wait_p99),
            took_p50_secs: exactly(0.0),
            took_max_secs: exactly(0.0),
            most_lists: exactly(lists),
            drain_secs: exactly(0.0),
        });
        ReplaySummary {
            peak_low_bytes: exactly(lists * 1e8),
            peak_high_bytes: Some(exactly(lists * 2e8)),
            known_peak_high_bytes: exactly(lists * 2e8),
            surely_above_secs: exactly(0.0),
            possibly_above_secs: exactly(0.0),
            most_lists: exactly(lists),
            unbounded_lists: 0,
            rejected: RejectionSummary::default(),
            groups: groups.collect(),
            levels: Vec::new(),
            schema_lists: BTreeMap::from([("limit-pods".to_owned(), exactly(lists))]),
            cut_off: exactly(0.0),
            retried: exactly(0.0),
        }
    }

    fn matching(lists: &[(&str, u64)]) -> CandidateMatch {
        CandidateMatch {
            flow_schemas: vec!["limit-pods".into()],
            request_count: lists.iter().map(|(_, count)| count).sum(),
            list_count: lists.iter().map(|(_, count)| count).sum(),
            lists_by_client: lists.iter().map(|(client, count)| ((*client).to_owned(), *count)).collect(),
            ..CandidateMatch::default()
        }
    }

    fn verdict(current: &ReplaySummary, candidate: &ReplaySummary, matched: &CandidateMatch) -> Comparison {
        compare(current, candidate, matched, 1.0)
    }

    #[test]
    fn it_helps_if_only_those_wait_who_are_meant() {
        let (before, after) = (
            summarize_replay(40.0, &[("storm", 0.0, 0.0), ("good", 0.0, 0.0)]),
            summarize_replay(6.0, &[("storm", 9.0, 12.0), ("good", 0.0, 0.0)]),
        );
        let found = verdict(&before, &after, &matching(&[("storm", 50)]));
        assert_eq!(found.effect, Effect::Helps);
        assert_eq!((found.before.most_lists, found.after.most_lists), (exactly(40.0), exactly(6.0)));
        let [storm] = found.regressed.as_slice() else { panic!("only the storm waits: {:?}", found.regressed) };
        assert!(storm.is_target && storm.more_rejected > 8.9 && storm.wait_p99_after_secs > 11.9, "{storm:?}");
    }

    #[test]
    fn who_is_caught_with_few_lists_is_not_meant() {
        let (before, after) = (
            summarize_replay(40.0, &[("storm", 0.0, 0.0), ("good", 0.0, 0.0)]),
            summarize_replay(6.0, &[("storm", 0.0, 0.5), ("good", 0.0, 3.0)]),
        );
        let found = verdict(&before, &after, &matching(&[("storm", 50), ("good", 2)]));
        assert_eq!(found.effect, Effect::HelpsButHurts);
        assert!(!found.regressed[0].is_target && found.regressed[0].client == "good", "{:?}", found.regressed);
    }

    #[test]
    fn others_who_are_served_better_count_as_help() {
        let (before, after) = (
            summarize_replay(40.0, &[("storm", 0.0, 0.0), ("good", 20.0, 9.0)]),
            summarize_replay(40.0, &[("storm", 5.0, 14.0), ("good", 0.0, 0.0)]),
        );
        let found = verdict(&before, &after, &matching(&[("storm", 50)]));
        assert_eq!(found.effect, Effect::Helps);
        let [good] = found.improved.as_slice() else { panic!("one client is better off: {:?}", found.improved) };
        assert!(good.client == "good" && good.fewer_rejected > 19.9, "{good:?}");
    }

    #[test]
    fn more_memory_is_no_help_whoever_is_served_better() {
        let (before, after) =
            (summarize_replay(40.0, &[("storm", 20.0, 9.0)]), summarize_replay(60.0, &[("storm", 0.0, 0.0)]));
        let found = verdict(&before, &after, &matching(&[("storm", 50)]));
        assert_eq!(found.effect, Effect::Burdens);
    }

    #[test]
    fn nothing_has_its_reason() {
        let before = summarize_replay(40.0, &[("storm", 0.0, 0.0)]);
        let found = verdict(&before, &before.clone(), &matching(&[]));
        assert_eq!(found.effect, Effect::DoesNothing);
        let flow_schemas = vec!["limit-pods".to_owned()];
        assert_eq!(found.no_effect, Some(NoEffect::NoRequestMatched { flow_schemas, reasons: Vec::new() }));
        let mut borrowing = before.clone();
        borrowing.levels.push(LevelSummary {
            priority_level: "low".into(),
            is_exempt: false,
            nominal_seats: 12,
            max_seats: 612,
            most_limit: exactly(169.0),
            most_executing: exactly(40.0),
            most_lists: exactly(40.0),
            most_waiting: exactly(10.0),
        });
        let matched = CandidateMatch { priority_levels: vec!["low".into()], ..matching(&[("storm", 50)]) };
        let found = verdict(&before, &borrowing, &matched);
        let borrowing =
            Borrowing { priority_level: "low".into(), nominal_seats: 12, most_seats: 169.0, most_lists: exactly(40.0) };
        assert_eq!(found.no_effect, Some(NoEffect::Borrows(borrowing)));
    }
}
