//! The outcome of one replay by client and FlowSchema: waits, rejections, and how long a herd took to drain.

use std::collections::BTreeMap;

use super::queue_set::RejectReason;
use super::replay::{End, Fate, LevelOutcome, Replay};
use super::scenario::Scenario;
use super::{PressureOutcome, Traffic};

/// The outcome of one replay.
#[derive(Clone, Debug, PartialEq)]
pub struct ReplayOutcome {
    /// By client and FlowSchema, in their order.
    pub groups: Vec<GroupOutcome>,
    /// By priority level, in the order of the scenario.
    pub levels: Vec<LevelOutcome>,
    /// LISTs of each FlowSchema that ran at once, at most, in the order of the scenario.
    pub schema_lists: Vec<u32>,
    /// The memory of all LISTs.
    pub pressure: PressureOutcome,
}

/// What became of a client's requests of one FlowSchema. Requests that bypass API Priority and Fairness don't count.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupOutcome {
    /// The client, as [`super::TrafficRequest::client`].
    pub client: u32,
    /// The FlowSchema, by its index in the scenario.
    pub flow_schema: u32,
    /// The priority level, by its index in the scenario.
    pub level: u32,
    /// Requests of the group.
    pub request_count: u64,
    /// Those that ran.
    pub executed_count: u64,
    /// Those that were rejected for good.
    pub rejected: Rejections,
    /// Those that were cut off by the end of the server.
    pub cut_off_count: u64,
    /// 429s that were tried again; 0 outside a closed loop.
    pub retried_count: u64,
    /// Waits of the requests that had to wait until they ran, timed out or were cut off, in seconds. Requests that were
    /// rejected at once don't count.
    pub wait: Quantiles,
    /// Total times of the requests that ran, waits included, in seconds; 0 where none ran.
    pub took: Quantiles,
    /// LISTs of it that ran at once, at most.
    pub most_lists: u32,
    /// The longest time for which at least one of its LISTs waited or ran all the time, in seconds.
    pub drain_secs: f64,
}

/// Rejections by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rejections {
    /// The queue was full.
    pub queue_full: u64,
    /// No seat was free, and the level doesn't queue.
    pub concurrency_limit: u64,
    /// They waited too long.
    pub time_out: u64,
}

/// Half of the values are no more than `p50`, and so on.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Quantiles {
    /// Half of them.
    pub p50: f64,
    /// 99 of 100.
    pub p99: f64,
    /// All.
    pub max: f64,
}

/// Sums a replay up by client and FlowSchema.
pub fn summarize_outcome(traffic: &Traffic, scenario: &Scenario, replay: &Replay) -> ReplayOutcome {
    let mut groups: BTreeMap<(u32, u32), GroupTally> = BTreeMap::new();
    // Requests of one group mostly come one after the other, or at least again soon.
    for (request, fate) in traffic.requests.iter().zip(&replay.fates) {
        let kind = &scenario.kinds[request.kind as usize];
        let Some(level) = kind.level.filter(|_| fate.end != End::Unseen) else {
            continue;
        };
        let tally = groups
            .entry((request.client, kind.flow_schema))
            .or_insert_with(|| GroupTally { level, ..GroupTally::default() });
        tally.take(fate, request.list.is_some());
    }
    let groups = groups.into_iter().map(|((client, flow_schema), tally)| tally.summarize(client, flow_schema));
    ReplayOutcome {
        groups: groups.collect(),
        levels: replay.levels.clone(),
        schema_lists: replay.schema_lists.clone(),
        pressure: replay.pressure,
    }
}

impl Rejections {
    /// All of them.
    pub const fn all(&self) -> u64 {
        self.queue_full + self.concurrency_limit + self.time_out
    }

    fn take(&mut self, reason: RejectReason) {
        match reason {
            RejectReason::QueueFull => self.queue_full += 1,
            RejectReason::ConcurrencyLimit => self.concurrency_limit += 1,
            RejectReason::TimeOut => self.time_out += 1,
        }
    }
}

/// A group while its requests are gone through.
#[derive(Default)]
struct GroupTally {
    level: u32,
    request_count: u64,
    cut_off_count: u64,
    retried_count: u64,
    rejected: Rejections,
    waits_ns: Vec<u64>,
    tooks_ns: Vec<u64>,
    /// When its LISTs came, and when they ended.
    lists: Vec<(u64, u64)>,
    /// When LISTs started to run, and when they ended.
    ran: Vec<(u64, u64)>,
}

impl GroupTally {
    fn take(&mut self, fate: &Fate, is_list: bool) {
        self.request_count += 1;
        match fate.end {
            End::Executed => self.tooks_ns.push(fate.took_ns),
            End::Rejected(reason) => self.rejected.take(reason),
            _ => self.cut_off_count += 1,
        }
        self.retried_count += u64::from(fate.retries);
        let is_at_once = matches!(fate.end, End::Rejected(RejectReason::QueueFull | RejectReason::ConcurrencyLimit));
        if !is_at_once || fate.retries > 0 {
            self.waits_ns.push(fate.wait_ns);
        }
        if is_list {
            let ended_ns = fate.arrived_ns + fate.took_ns;
            self.lists.push((fate.arrived_ns, ended_ns));
            if fate.end == End::Executed {
                self.ran.push((fate.arrived_ns + fate.wait_ns, ended_ns));
            }
        }
    }

    fn summarize(mut self, client: u32, flow_schema: u32) -> GroupOutcome {
        GroupOutcome {
            client,
            flow_schema,
            level: self.level,
            request_count: self.request_count,
            executed_count: self.tooks_ns.len() as u64,
            rejected: self.rejected,
            cut_off_count: self.cut_off_count,
            retried_count: self.retried_count,
            wait: quantiles(&mut self.waits_ns),
            took: quantiles(&mut self.tooks_ns),
            most_lists: most_at_once(&self.ran),
            drain_secs: secs(longest_busy(&mut self.lists)),
        }
    }
}

fn quantiles(values_ns: &mut [u64]) -> Quantiles {
    values_ns.sort_unstable();
    let at = |percent: usize| {
        let last = values_ns.len().saturating_sub(1);
        values_ns.get((last * percent).div_ceil(100)).copied().map_or(0.0, secs)
    };
    Quantiles { p50: at(50), p99: at(99), max: at(100) }
}

/// The longest span of time that intervals cover without a gap.
fn longest_busy(intervals: &mut [(u64, u64)]) -> u64 {
    intervals.sort_unstable();
    let (mut longest, mut since, mut until) = (0, 0, 0);
    for (start, end) in intervals {
        if *start > until {
            since = *start;
        }
        until = until.max(*end);
        longest = longest.max(until - since);
    }
    longest
}

/// How many intervals hold the same moment, at most.
fn most_at_once(intervals: &[(u64, u64)]) -> u32 {
    let mut edges: Vec<(u64, bool)> =
        intervals.iter().flat_map(|(start, end)| [(*start, true), (*end, false)]).collect();
    edges.sort_unstable();
    let mut now = 0_u32;
    let counts = edges.into_iter().map(|(_, is_start)| {
        now = if is_start { now + 1 } else { now.saturating_sub(1) };
        now
    });
    counts.max().unwrap_or_default()
}

#[expect(clippy::cast_precision_loss, reason = "microseconds of a span of years are exact")]
fn secs(nanos: u64) -> f64 {
    nanos as f64 / 1e9
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_herd_is_served_when_nothing_of_it_is_left() {
        assert_eq!(longest_busy(&mut [(10, 20), (0, 5), (18, 30), (31, 33)]), 20);
        assert_eq!(longest_busy(&mut []), 0);
        assert_eq!(most_at_once(&[(10, 20), (0, 5), (18, 30), (20, 33)]), 2);
    }

    #[test]
    fn quantiles_are_values_that_came() {
        let mut waits: Vec<u64> = (1..=200).map(|at| at * 1_000_000_000).collect();
        assert_eq!(quantiles(&mut waits), Quantiles { p50: 101.0, p99: 199.0, max: 200.0 });
        assert_eq!(quantiles(&mut [5_000_000_000]), Quantiles { p50: 5.0, p99: 5.0, max: 5.0 });
        assert_eq!(quantiles(&mut []), Quantiles::default());
    }
}
