//! What the log itself says became of its requests, in the form of a replay, to compare with one.

use super::pressure::{MemoryPressure, ServerMemory};
use super::queue_set::RejectReason;
use super::replay::{AtOnce, End, Fate, LevelOutcome, Replay};
use super::scenario::Scenario;
use super::{Traffic, TrafficRequest};

/// What the log says of a request's time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoggedTimes {
    /// Its wait in nanoseconds, as logged, or, for a watch, as far as it can be inferred; else 0.
    pub wait_ns: u64,
    /// When it ended, in nanoseconds from the begin of the replay; `None` where the log doesn't say.
    pub ended_ns: Option<u64>,
    /// Whether it was rejected.
    pub is_rejected: bool,
}

/// A request that waited for at least this part of what it may was rejected because of it.
const TIMED_OUT_PART: f64 = 0.9;

/// Shorter waits are in no log, in nanoseconds (`apiserver/pkg/endpoints/filters/audit.go`: latencies are noted for
/// requests of half a second and more).
const UNLOGGED_NS: u64 = 500_000_000;

/// Reconstructs what became of the requests, in two readings: the first counts as running only what surely ran, the second
/// all that may have. A request under half a second may have waited most of it; one without an end may have run until the server's.
/// The limits of priority levels, and how many requests waited, are in no log.
pub fn reconstruct_logged(
    traffic: &Traffic,
    times: &[LoggedTimes],
    scenario: &Scenario,
    memory: ServerMemory,
) -> [Replay; 2] {
    let fates: Vec<Fate> =
        traffic.requests.iter().zip(times).map(|(request, times)| fate(request, times, scenario)).collect();
    [false, true].map(|takes_all| reading(traffic, &fates, scenario, memory, takes_all))
}

fn reading(traffic: &Traffic, fates: &[Fate], scenario: &Scenario, memory: ServerMemory, takes_all: bool) -> Replay {
    let mut levels = vec![AtOnce::default(); scenario.levels.len()];
    let (mut lists, mut schema_lists) = (levels.clone(), vec![AtOnce::default(); scenario.flow_schemas.len()]);
    let mut pressure = MemoryPressure::new(&traffic.lists, memory);
    for (at_ns, is_start, index) in edges(traffic, fates, takes_all) {
        let request = &traffic.requests[index];
        let kind = &scenario.kinds[request.kind as usize];
        let Some(level) = kind.level else {
            continue;
        };
        let step = |counted: &mut AtOnce| if is_start { counted.begin() } else { counted.end() };
        step(&mut levels[level as usize]);
        if let Some(list) = request.list {
            step(&mut lists[level as usize]);
            step(&mut schema_lists[kind.flow_schema as usize]);
            if is_start { pressure.begin(at_ns, list) } else { pressure.end(at_ns, list) }
        }
    }
    let outcome = |(all, lists): (&AtOnce, &AtOnce)| LevelOutcome {
        most_executing: all.most,
        most_lists: lists.most,
        ..LevelOutcome::default()
    };
    Replay {
        fates: fates.to_vec(),
        levels: levels.iter().zip(&lists).map(outcome).collect(),
        schema_lists: schema_lists.iter().map(|lists| lists.most).collect(),
        pressure: pressure.outcome(),
        above_ns: pressure.above_ns().to_vec(),
    }
}

fn fate(request: &TrafficRequest, times: &LoggedTimes, scenario: &Scenario) -> Fate {
    let kind = &scenario.kinds[request.kind as usize];
    let took_ns = times.ended_ns.map_or(times.wait_ns, |ended| ended.saturating_sub(request.received_ns));
    #[expect(clippy::cast_precision_loss, reason = "a minute in nanoseconds is exact")]
    let is_time_out = took_ns as f64 >= TIMED_OUT_PART * kind.wait_limit_ns as f64;
    let queues = kind.level.is_some_and(|level| scenario.levels[level as usize].queuing.is_some());
    let end = match (times.is_rejected, times.ended_ns) {
        _ if kind.level.is_none() => End::PassedBy,
        (true, _) if is_time_out => End::Rejected(RejectReason::TimeOut),
        (true, _) if queues => End::Rejected(RejectReason::QueueFull),
        (true, _) => End::Rejected(RejectReason::ConcurrencyLimit),
        (false, Some(_)) => End::Executed,
        (false, None) => End::CutOff,
    };
    let wait_ns = if times.is_rejected { took_ns } else { times.wait_ns.min(took_ns) };
    Fate { end, arrived_ns: request.received_ns, wait_ns, took_ns, retries: 0 }
}

/// When requests started to run, and when they ended, in order; of one moment the ends come first.
fn edges(traffic: &Traffic, fates: &[Fate], takes_all: bool) -> Vec<(u64, bool, usize)> {
    let last_ns = traffic.requests.last().map_or(0, |request| request.received_ns);
    let end_of_server = |at_ns: u64| {
        let next = traffic.restarts_ns.iter().find(|restart| **restart >= at_ns);
        next.copied().unwrap_or(last_ns)
    };
    let mut edges = Vec::new();
    for (index, fate) in fates.iter().enumerate() {
        let started_ns = fate.arrived_ns + fate.wait_ns;
        let span = match fate.end {
            End::Executed if takes_all || fate.took_ns >= UNLOGGED_NS => {
                Some((started_ns, fate.arrived_ns + fate.took_ns))
            }
            End::CutOff if takes_all => Some((started_ns, end_of_server(started_ns))),
            _ => None,
        };
        if let Some((start, end)) = span.filter(|(start, end)| end > start) {
            edges.extend([(start, true, index), (end, false, index)]);
        }
    }
    edges.sort_unstable();
    edges
}

#[cfg(test)]
mod tests {
    use super::super::{RequestKind, ScenarioLevel, Service};
    use super::*;
    use crate::apf::{Features, LevelLimits, LevelRole, WorkEstimate};
    use crate::kubernetes::Version;

    fn scenario() -> Scenario {
        let limits = LevelLimits {
            role: LevelRole::Limited,
            nominal: 10,
            lendable: 0,
            borrowing: 0,
            min: 10,
            max: 10,
            max_seats_per_request: None,
        };
        let work = WorkEstimate { initial_seats: 1, final_seats: 0, additional_latency_nanos: 0 };
        Scenario {
            levels: vec![ScenarioLevel { name: "only".into(), limits, is_exempt: false, queuing: None }],
            kinds: vec![RequestKind {
                level: Some(0),
                flow_schema: 0,
                hand: 0,
                works: [work; 2],
                wait_limit_ns: 15_000_000_000,
            }],
            flow_schemas: vec!["all".into()],
            hands: vec![Vec::new()],
            retry_after_grows: Features::for_version(Version::new(1, 34)).retry_after_grows,
        }
    }

    /// What the log can't tell makes a range: short ones may have waited, and those without an end may have run.
    #[test]
    fn what_may_have_run_is_told_from_what_surely_did() {
        const SECOND: u64 = 1_000_000_000;
        let request =
            |received_ns| TrafficRequest { received_ns, service: Service::Fixed(0), kind: 0, client: 0, list: Some(0) };
        let traffic = Traffic {
            requests: [0, 0, 0, 0, 10 * SECOND].map(request).to_vec(),
            lists: vec![None],
            ..Traffic::default()
        };
        let ended = |ended_ns, is_rejected| LoggedTimes { wait_ns: 0, ended_ns, is_rejected };
        let times = [
            ended(Some(2 * SECOND), false),
            ended(Some(SECOND / 4), false),
            ended(None, false),
            ended(Some(SECOND), true),
            ended(Some(11 * SECOND), false),
        ];
        let [surely, all] = reconstruct_logged(&traffic, &times, &scenario(), ServerMemory::default());
        assert_eq!((surely.levels[0].most_lists, all.levels[0].most_lists), (1, 3));
        assert_eq!(all.fates[2].end, End::CutOff);
        assert_eq!(all.fates[3].end, End::Rejected(RejectReason::ConcurrencyLimit));
    }
}
