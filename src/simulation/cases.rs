//! What holds for every replay, and what a server of a few seats does with a few requests.

use proptest::prelude::*;

use super::*;
use crate::apf::{
    Config, Features, LevelKind, LimitResponse, ObjectLocation, PriorityLevel, Queuing, WorkEstimate, compute_limits,
    default_config,
};
use crate::kubernetes::Version;
use crate::memory::Range;

const VERSION: Version = Version::new(1, 34);
const SECOND: u64 = 1_000_000_000;
/// Assumptions under which the first adjustment comes after all that happens.
const ASSUMPTIONS: ReplayAssumptions =
    ReplayAssumptions { first_adjustment_ns: 1_000 * SECOND, capacity: f64::INFINITY, takes_most_seats: false };

/// A level that gets all seats of a server but those of `exempt`, and lends and borrows none.
fn level(limit_response: LimitResponse) -> PriorityLevel {
    let kind = LevelKind::Limited {
        nominal_concurrency_shares: 100,
        lendable_percent: 0,
        borrowing_limit_percent: Some(0),
        limit_response,
    };
    PriorityLevel { name: "only".into(), kind, is_autoupdated: None, location: ObjectLocation::default() }
}

fn queue(queue_length_limit: i32) -> LimitResponse {
    LimitResponse::Queue(Queuing { queues: 1, hand_size: 1, queue_length_limit })
}

/// A server of so many seats with one level, and one kind of requests that take one seat each.
fn scenario(seats: u32, limit_response: LimitResponse) -> Scenario {
    let config = Config { priority_levels: vec![level(limit_response)], ..Config::default() };
    let features = Features::for_version(VERSION);
    let limits = compute_limits(&config.priority_levels, seats, &features);
    Scenario::new(&config, &limits, [classified("only", 1)], &features)
}

fn classified(priority_level: &str, seats: u32) -> ClassifiedFlow<'_> {
    let work = WorkEstimate { initial_seats: seats, final_seats: 0, additional_latency_nanos: 0 };
    ClassifiedFlow {
        flow_schema: "all",
        priority_level,
        flow_distinguisher: None,
        passes_by: false,
        works: [work; 2],
        timeout_secs: None,
    }
}

/// Requests that come at these seconds and take so many.
fn traffic(requests: &[(u64, u64)]) -> Traffic {
    let request = |(at, takes): &(u64, u64)| TrafficRequest {
        received_ns: at * SECOND,
        service: Service::Fixed(takes * SECOND),
        kind: 0,
        client: 0,
        list: None,
    };
    Traffic { requests: requests.iter().map(request).collect(), ..Traffic::default() }
}

/// How each ended, after how many seconds.
fn fates(traffic: &Traffic, scenario: &Scenario) -> Vec<(End, u64)> {
    let run = replay(traffic, &[], scenario, &ASSUMPTIONS, ServerMemory::default());
    run.fates.iter().map(|fate| (fate.end, fate.took_ns / SECOND)).collect()
}

#[test]
fn those_for_whom_there_is_no_seat_wait_for_a_quarter_of_their_time() {
    let scenario = scenario(2, queue(10));
    let found = fates(&traffic(&[(0, 10), (0, 20), (1, 10), (2, 10), (3, 1)]), &scenario);
    let time_out = (End::Rejected(RejectReason::TimeOut), 15);
    let done = |secs| (End::Executed, secs);
    assert_eq!(found, [done(10), done(20), done(19), time_out, time_out]);
}

#[test]
fn a_full_queue_and_a_level_without_one_reject_at_once() {
    let requests = traffic(&[(0, 10), (0, 10), (0, 10)]);
    let found = fates(&requests, &scenario(1, queue(1)));
    let full = (End::Rejected(RejectReason::QueueFull), 0);
    assert_eq!(found, [(End::Executed, 10), (End::Executed, 20), full]);
    let found = fates(&requests, &scenario(2, LimitResponse::Reject));
    assert_eq!(found[2], (End::Rejected(RejectReason::ConcurrencyLimit), 0));
}

#[test]
fn a_start_of_the_server_cuts_off_what_runs_and_waits() {
    let mut requests = traffic(&[(0, 10), (1, 10), (6, 2)]);
    requests.restarts_ns = vec![5 * SECOND];
    let found = fates(&requests, &scenario(1, queue(10)));
    assert_eq!(found, [(End::CutOff, 5), (End::CutOff, 4), (End::Executed, 2)]);
}

/// Two LISTs on a server for one take twice as long, and hold their memory for as long.
#[test]
fn lists_share_the_server_and_its_memory() {
    let mut requests = traffic(&[(0, 0), (0, 0)]);
    for (index, request) in (0..).zip(&mut requests.requests) {
        (request.service, request.list) = (Service::Shared(index), Some(0));
    }
    requests.lists = vec![Some(MemoryCost { per_list: Range::exactly(100), shared_garbage: Range::ZERO })];
    let run = |seats| {
        let assumptions = ReplayAssumptions { capacity: 1.0, ..ASSUMPTIONS };
        let works = [4 * SECOND, 4 * SECOND];
        let memory = ServerMemory { base: 0, limit: Some(150) };
        replay(&requests, &works, &scenario(seats, queue(10)), &assumptions, memory)
    };
    let (beside, one_by_one) = (run(2), run(1));
    assert_eq!(beside.fates.iter().map(|fate| fate.took_ns / SECOND).collect::<Vec<_>>(), [8, 8]);
    assert_eq!(one_by_one.fates.iter().map(|fate| fate.took_ns / SECOND).collect::<Vec<_>>(), [4, 8]);
    assert_eq!((beside.pressure.most_lists, beside.pressure.surely_above_ns / SECOND), (2, 8));
    assert_eq!((one_by_one.pressure.most_lists, one_by_one.pressure.surely_above_ns), (1, 0));
}

/// A client that asks again when it has its answer asks less often where that takes longer.
#[test]
fn in_a_closed_loop_the_next_comes_after_the_last() {
    let mut requests = traffic(&[(0, 2), (3, 2), (0, 8)]);
    requests.requests.sort_by_key(|request| request.received_ns);
    // The LIST that comes at 3 s follows the one that came at 0 s and took 2 s.
    requests.follows = vec![None, None, Some(Follows { request: 0, pause_ns: SECOND })];
    let run = replay(&requests, &[], &scenario(1, queue(10)), &ASSUMPTIONS, ServerMemory::default());
    let arrived: Vec<u64> = run.fates.iter().map(|fate| fate.arrived_ns / SECOND).collect();
    assert_eq!(arrived, [0, 0, 3]);
    let mut late = requests.clone();
    late.follows[2] = Some(Follows { request: 1, pause_ns: SECOND });
    let run = replay(&late, &[], &scenario(1, queue(10)), &ASSUMPTIONS, ServerMemory::default());
    assert_eq!(run.fates[2].arrived_ns / SECOND, 11, "the second is done after ten seconds");
}

/// A level that has few seats while idle gets more with the first adjustment after its load has come.
#[test]
fn seats_are_borrowed_at_the_next_adjustment() {
    let config = default_config(VERSION);
    let features = Features::for_version(VERSION);
    let limits = compute_limits(&config.priority_levels, 600, &features);
    let scenario = Scenario::new(&config, &limits, [classified("workload-low", 1)], &features);
    let requests = traffic(&[(0, 30); 200]);
    let assumptions = ReplayAssumptions { first_adjustment_ns: 4 * SECOND, ..ASSUMPTIONS };
    let run = replay(&requests, &[], &scenario, &assumptions, ServerMemory::default());
    let at_once = run.fates.iter().filter(|fate| fate.wait_ns == 0).count();
    let later = run.fates.iter().filter(|fate| fate.wait_ns == 4 * SECOND).count();
    assert_eq!((at_once, at_once + later), (56, 200), "56 seats while idle, and all that is asked for after");
}

/// When a request comes and how long it takes, in milliseconds, its kind, and whether it shares the server.
type AnyRequest = (u64, u64, u32, bool);

/// Requests, the server's seats, and a seed.
fn some_traffic() -> impl Strategy<Value = (Vec<AnyRequest>, u32, u64)> {
    let request = (0_u64..60_000, 0_u64..20_000, 0_u32..4, any::<bool>());
    (prop::collection::vec(request, 1..200), 1_u32..40, any::<u64>())
}

proptest! {
    /// Every request has one fate, none is lost or told twice, nothing ends before it came, and the same assumptions give the
    /// same.
    #[test]
    fn every_request_has_its_fate((mut requests, seats, seed) in some_traffic(), is_closed_loop: bool, has_restart: bool) {
        requests.sort_unstable();
        let config = default_config(VERSION);
        let features = Features::for_version(VERSION);
        let limits = compute_limits(&config.priority_levels, seats, &features);
        let kinds = ["workload-low", "global-default", "catch-all", "exempt"].map(|level| classified(level, 1 + seats % 5));
        let scenario = Scenario::new(&config, &limits, kinds, &features);
        let request = |(index, (at, takes, kind, is_shared)): (u32, &AnyRequest)| TrafficRequest {
            received_ns: at * 1_000_000,
            service: if *is_shared { Service::Shared(index) } else { Service::Fixed(takes * 1_000_000) },
            kind: *kind,
            client: index % 3,
            list: is_shared.then_some(index % 2),
        };
        let works: Vec<u64> = requests.iter().map(|(_, takes, ..)| takes * 1_000_000).collect();
        let traffic = Traffic {
            requests: (0..).zip(&requests).map(request).collect(),
            lists: vec![None, Some(MemoryCost { per_list: Range::between(1, 2), shared_garbage: Range::between(3, 4) })],
            restarts_ns: if has_restart { vec![20 * SECOND, 40 * SECOND] } else { Vec::new() },
            follows: if is_closed_loop {
                let follows = |index: u32| (index % 2 == 1).then(|| Follows { request: index - 1, pause_ns: SECOND });
                (0..u32::try_from(requests.len()).unwrap()).map(follows).collect()
            } else {
                Vec::new()
            },
        };
        let assumptions = ReplayAssumptions::draw(seed, &ListCapacity::given(2.0));
        let run = replay(&traffic, &works, &scenario, &assumptions, ServerMemory { base: 10, limit: Some(20) });
        prop_assert_eq!(&replay(&traffic, &works, &scenario, &assumptions, ServerMemory { base: 10, limit: Some(20) }), &run);
        for (request, fate) in traffic.requests.iter().zip(&run.fates) {
            prop_assert!(!matches!(fate.end, End::Unseen | End::Waiting | End::Running), "{fate:?}");
            prop_assert!(fate.took_ns >= fate.wait_ns);
            if !is_closed_loop {
                prop_assert_eq!(fate.arrived_ns, request.received_ns);
            }
            if let (End::Executed, Service::Fixed(service_ns), 0) = (fate.end, request.service, fate.retries) {
                prop_assert_eq!(fate.took_ns, fate.wait_ns + service_ns);
            }
            if request.kind == 3 && !has_restart {
                prop_assert_eq!((fate.end, fate.wait_ns), (End::Executed, 0), "nothing limits what is exempt");
            }
        }
        let summed = summarize_outcome(&traffic, &scenario, &run);
        let counted: u64 = summed.groups.iter().map(|group| group.executed_count + group.rejected.all() + group.cut_off_count).sum();
        prop_assert_eq!(counted, traffic.requests.len() as u64);
    }
}
