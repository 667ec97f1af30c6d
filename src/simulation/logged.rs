//! What the log itself says became of its requests, in the words of a replay, to be put beside one.

use super::pressure::{Memory, Pressure};
use super::queue_set::RejectReason;
use super::replay::{End, Fate, LevelOutcome, Replay};
use super::scenario::Scenario;
use super::{Request, Traffic};

/// What the log says of a request's time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Logged {
    /// How long it waited, in nanoseconds, as far as the log says so; else 0.
    pub wait_ns: u64,
    /// When it ended, in nanoseconds from the beginning; `None` where the log doesn't say.
    pub ended_ns: Option<u64>,
    /// Whether it was rejected.
    pub is_rejected: bool,
}

/// A request that waited for at least this part of what it may was rejected because of it.
const TIMED_OUT_PART: f64 = 0.9;

/// What became of the requests. Waits under half a second are in no log and count as none; the limits of priority levels
/// are in none either.
pub fn logged(traffic: &Traffic, times: &[Logged], scenario: &Scenario, memory: Memory) -> Replay {
    let fates: Vec<Fate> =
        traffic.requests.iter().zip(times).map(|(request, times)| fate(request, times, scenario)).collect();
    let mut levels = vec![LevelOutcome::default(); scenario.levels.len()];
    let mut pressure = Pressure::new(&traffic.lists, memory);
    let mut lists = vec![0_u32; scenario.levels.len()];
    let mut executing = lists.clone();
    for (at_ns, is_start, place) in edges(&fates) {
        let request = &traffic.requests[place];
        let Some(level) = scenario.kinds[request.kind as usize].level else {
            continue;
        };
        let (level, list) = (level as usize, request.list);
        let step = |count: &mut u32| *count = if is_start { *count + 1 } else { *count - 1 };
        step(&mut executing[level]);
        match list {
            Some(list) if is_start => pressure.begin(at_ns, list),
            Some(list) => pressure.end(at_ns, list),
            None => {}
        }
        if list.is_some() {
            step(&mut lists[level]);
        }
        levels[level].most_executing = levels[level].most_executing.max(executing[level]);
        levels[level].most_lists = levels[level].most_lists.max(lists[level]);
    }
    Replay { fates, levels, pressure: pressure.outcome() }
}

fn fate(request: &Request, times: &Logged, scenario: &Scenario) -> Fate {
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
    let wait_ns = if times.is_rejected { took_ns } else { times.wait_ns };
    Fate { end, arrived_ns: request.received_ns, wait_ns, took_ns, retries: 0 }
}

/// When requests started to run, and when they ended, in order; of one moment the ends come first.
fn edges(fates: &[Fate]) -> Vec<(u64, bool, usize)> {
    let ran = fates.iter().enumerate().filter(|(_, fate)| fate.end == End::Executed && fate.took_ns > fate.wait_ns);
    let mut edges: Vec<_> = ran
        .flat_map(|(place, fate)| {
            [(fate.arrived_ns + fate.wait_ns, true, place), (fate.arrived_ns + fate.took_ns, false, place)]
        })
        .collect();
    edges.sort_unstable();
    edges
}
