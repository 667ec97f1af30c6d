//! How large a priority level must be to let a given number of LISTs run at once: from seats back to shares.
//!
//! With S seats of the server and ΣN shares of all other levels, a level of n shares has N = ⌈S · n / (ΣN + n)⌉ seats, so
//! that not every number of seats can be had. A LIST takes as many of them as it is estimated to, but no more than the
//! level allows for one request, which is little in a small level (`apf::level_max_seats`). So the number of LISTs at
//! once is N divided by what remains of the estimate, and it is surest where that is one seat, whatever the estimate.
//! A level without queues has no such limit: there a LIST takes its whole width, and in a level that is narrower than it
//! exactly one runs at a time.
//!
//! `borrowingLimitPercent: 0` makes it a limit: without it the level takes whatever others don't need.

use serde::Serialize;

use super::select::build_schema;
use super::{Candidate, Draft, ProposalInput};
use crate::apf::{
    Config, DistinguisherMethod, FlowSchema, LevelKind, LimitResponse, ObjectLocation, PriorityLevel, Queuing,
    compute_limits, is_valid_dealer,
};

/// The size of a priority level: how many LISTs it lets run at once.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Plan {
    /// LISTs at once, at least and at most, by the range of a LIST's seats.
    pub lists_at_once: (u32, u32),
    /// `nominalConcurrencyShares`.
    pub nominal_concurrency_shares: i32,
    /// The nominal limit that these shares give, in seats.
    pub nominal_seats: u32,
    /// Seats that a LIST takes, at least and at most.
    pub seats_per_list: (u32, u32),
    /// Whether LISTs wait in queues; else they are rejected at once.
    pub queues: bool,
    /// LISTs of one flow that may wait.
    pub waiting: u32,
}

/// A priority level whose nominal limit a candidate changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SeatChange {
    /// Its name.
    pub priority_level: String,
    /// Its nominal limit today, in seats.
    pub before: u32,
    /// Its nominal limit with the candidate.
    pub after: u32,
}

/// More shares than this don't limit any more.
const MOST_SHARES: i32 = 100;
/// A candidate takes at most one in this many of the server's seats, since it is meant to throttle.
const SHARE_OF_SEATS: u32 = 10;
/// Queues and hands. The larger the hand, the longer a LIST takes only one seat: 64 queues are as many as a new cluster's
/// levels for nodes have, and 15 of 16 is the largest hand that can be dealt.
const DEALERS: [(i32, i32); 4] = [(64, 8), (64, 6), (64, 4), (16, 15)];
/// Fewer than this shouldn't wait in one queue: a herd comes at once, and what finds no room is rejected.
const SHORTEST_QUEUE: i32 = 5;
/// The server's default, for where nothing is known of how long LISTs take.
const DEFAULT_QUEUE: i32 = 50;
/// Longer queues only time out.
const LONGEST_QUEUE: i32 = 1_000;
/// No request waits longer, in seconds: a quarter of the 60 s of `--request-timeout`.
const LONGEST_WAIT_SECS: f64 = 15.0;

/// Plans all sizes of a draft that differ in the number of LISTs at once, from few to many, up to `most`. `list_secs` gives
/// the duration of a LIST in seconds where that many run at once; `None` where it is unknown.
pub fn plan_sizes(
    draft: &Draft,
    input: &ProposalInput<'_>,
    most: u32,
    list_secs: impl Fn(u32) -> Option<f64>,
) -> Vec<Candidate> {
    let mut found: Vec<Candidate> = Vec::new();
    for shares in 1..=MOST_SHARES {
        let mut of_shares: Vec<Candidate> = Vec::new();
        for response in limit_responses(draft.flow_count) {
            let candidate = build_candidate(draft, input, shares, response, &list_secs);
            of_shares.extend(candidate);
        }
        for candidate in of_shares {
            let at_once = candidate.plan.lists_at_once.1;
            let same = found.iter().position(|known| known.plan.lists_at_once.1 == at_once);
            match same {
                Some(known) if is_better(&candidate.plan, &found[known].plan) => found[known] = candidate,
                None if at_once <= most => found.push(candidate),
                _ => {}
            }
        }
    }
    found.sort_by_key(|candidate| candidate.plan.lists_at_once.1);
    // More seats that let no more LISTs run for sure only take from others.
    let mut surely = 0;
    found.retain(|candidate| {
        let plan = &candidate.plan;
        let is_more = plan.lists_at_once.0 > surely || !plan.queues;
        surely = surely.max(if plan.queues { plan.lists_at_once.0 } else { surely });
        is_more
    });
    found
}

/// Of two plans for as many LISTs, the one that queues, then the surer one, then the smaller one.
fn is_better(plan: &Plan, known: &Plan) -> bool {
    let order = |plan: &Plan| (!plan.queues, plan.lists_at_once.1 - plan.lists_at_once.0, plan.nominal_seats);
    order(plan) < order(known)
}

/// How LISTs may be held back: in queues, by several hands, or by rejecting them.
fn limit_responses(flow_count: usize) -> Vec<LimitResponse> {
    let queuing =
        |queues, hand_size| LimitResponse::Queue(Queuing { queues, hand_size, queue_length_limit: DEFAULT_QUEUE });
    let one_flow = (flow_count <= 1).then(|| queuing(1, 1));
    let dealers = DEALERS.into_iter().filter(|(queues, hand)| is_valid_dealer(*queues, *hand));
    let dealt = dealers.map(|(queues, hand)| queuing(queues, hand));
    one_flow.into_iter().chain(dealt).chain([LimitResponse::Reject]).collect()
}

/// The objects of these shares; `None` where they take too much from others.
fn build_candidate(
    draft: &Draft,
    input: &ProposalInput<'_>,
    shares: i32,
    response: LimitResponse,
    list_secs: &impl Fn(u32) -> Option<f64>,
) -> Option<Candidate> {
    let mut priority_level = build_level(draft, shares, response);
    let mut levels: Vec<PriorityLevel> =
        input.config.priority_levels.iter().filter(|level| level.name != draft.name).cloned().collect();
    levels.push(priority_level.clone());
    let limits = compute_limits(&levels, input.server_concurrency, input.features);
    let limits = limits.last()?;
    if limits.nominal > input.server_concurrency.div_ceil(SHARE_OF_SEATS) {
        return None;
    }
    let cap = limits.max_seats_per_request.unwrap_or(u32::MAX).min(input.features.most_list_seats());
    let (low, high) = draft.list_seats;
    let seats = (low.clamp(1, cap), high.clamp(1, cap));
    // What is wider than the level runs alone.
    let at_once = |seats: u32| (limits.nominal / seats).max(1);
    let lists_at_once = (at_once(seats.1), at_once(seats.0));
    let mut waiting = 0;
    let queues = if let LimitResponse::Queue(queuing) = response {
        let length = choose_queue_length(list_secs(lists_at_once.1), lists_at_once.1, queuing.hand_size);
        priority_level =
            build_level(draft, shares, LimitResponse::Queue(Queuing { queue_length_limit: length, ..queuing }));
        waiting = u32::try_from(length.saturating_mul(queuing.hand_size)).unwrap_or_default();
        true
    } else {
        false
    };
    let plan = Plan {
        lists_at_once,
        nominal_concurrency_shares: shares,
        nominal_seats: limits.nominal,
        seats_per_list: seats,
        queues,
        waiting,
    };
    Some(Candidate { flow_schema: build_flow_schema(draft), priority_level, plan })
}

/// How many may wait in one queue: as many as are served before they have waited too long.
fn choose_queue_length(list_secs: Option<f64>, at_once: u32, hand_size: i32) -> i32 {
    let Some(list_secs) = list_secs.filter(|secs| *secs > 0.0) else {
        return DEFAULT_QUEUE;
    };
    let served = f64::from(at_once) * LONGEST_WAIT_SECS / list_secs;
    #[expect(clippy::cast_possible_truncation, reason = "the cast saturates, and a queue is bounded")]
    let length = (served / f64::from(hand_size.max(1))).ceil() as i32;
    length.clamp(SHORTEST_QUEUE, LONGEST_QUEUE)
}

fn build_level(draft: &Draft, shares: i32, limit_response: LimitResponse) -> PriorityLevel {
    PriorityLevel {
        name: draft.name.clone(),
        kind: LevelKind::Limited {
            nominal_concurrency_shares: shares,
            lendable_percent: 0,
            borrowing_limit_percent: Some(0),
            limit_response,
        },
        is_autoupdated: None,
        location: ObjectLocation::default(),
    }
}

fn build_flow_schema(draft: &Draft) -> FlowSchema {
    let schema = build_schema(&draft.name, draft.matching_precedence, draft.subjects.clone(), draft.rules.clone());
    FlowSchema { distinguisher_method: (draft.flow_count > 1).then_some(DistinguisherMethod::ByUser), ..schema }
}

impl Candidate {
    /// The priority levels whose nominal limit changes because of the candidate's shares.
    pub fn seat_changes(&self, input: &ProposalInput<'_>) -> Vec<SeatChange> {
        let after = input.config.clone().with(&self.config());
        let seats = |config: &Config| -> Vec<(String, u32)> {
            let limits = compute_limits(&config.priority_levels, input.server_concurrency, input.features);
            config
                .priority_levels
                .iter()
                .map(|level| level.name.clone())
                .zip(limits.iter().map(|l| l.nominal))
                .collect()
        };
        let now = seats(&after);
        let changed = seats(input.config).into_iter().filter_map(|(priority_level, before)| {
            let (_, after) = now.iter().find(|(other, _)| *other == priority_level)?;
            (*after != before).then_some(SeatChange { priority_level, before, after: *after })
        });
        changed.collect()
    }
}
