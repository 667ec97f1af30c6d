//! The replays of one configuration under all seeds, summarized: each number with its spread.

use std::collections::BTreeMap;

use serde::Serialize;

use super::outcome::{GroupOutcome, ReplayOutcome};
use super::scenario::Scenario;

/// A number over all seeds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Spread {
    /// The lowest value.
    pub low: f64,
    /// The median.
    pub mid: f64,
    /// The highest value.
    pub high: f64,
}

/// The replays of one configuration.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ReplaySummary {
    /// The lower bound of the memory that LISTs hold at the peak, in bytes.
    pub peak_low_bytes: Spread,
    /// The upper bound; `None` where some LIST has none.
    pub peak_high_bytes: Option<Spread>,
    /// The upper bound of LISTs of known size.
    pub known_peak_high_bytes: Spread,
    /// How long the lower bound was above the memory limit, in seconds; 0 without a limit.
    pub surely_above_secs: Spread,
    /// How long the upper bound was above the memory limit, in seconds; 0 without a limit.
    pub possibly_above_secs: Spread,
    /// LISTs that ran at once, at most.
    pub most_lists: Spread,
    /// LISTs without an upper bound of their memory.
    pub unbounded_lists: u64,
    /// Requests that were rejected, by reason.
    pub rejected: RejectionSummary,
    /// By client and FlowSchema.
    pub groups: Vec<GroupSummary>,
    /// By priority level.
    pub levels: Vec<LevelSummary>,
    /// LISTs that ran at once, at most, by FlowSchema.
    pub schema_lists: BTreeMap<String, Spread>,
    /// Requests that were cut off by a restart.
    pub cut_off: Spread,
    /// 429s that were retried; 0 outside a closed loop.
    pub retried: Spread,
}

/// Rejections by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct RejectionSummary {
    /// All of them.
    pub all: Spread,
    /// The queue was full.
    pub queue_full: Spread,
    /// No seat was free, and the level doesn't queue.
    pub concurrency_limit: Spread,
    /// They waited too long.
    pub time_out: Spread,
}

/// A client's requests that match one FlowSchema.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GroupSummary {
    /// The client, by its index.
    #[serde(skip)]
    pub client_index: u32,
    /// The client's type.
    pub client_type: String,
    /// The client.
    pub client: String,
    /// The FlowSchema.
    pub flow_schema: String,
    /// The priority level.
    pub priority_level: String,
    /// Its requests.
    pub request_count: u64,
    /// Those that were rejected.
    pub rejected: RejectionSummary,
    /// The median wait of the requests that had to wait, in seconds. Requests that were rejected at once don't count.
    pub wait_p50_secs: Spread,
    /// The 99th percentile of these waits.
    pub wait_p99_secs: Spread,
    /// The longest of these waits.
    pub wait_max_secs: Spread,
    /// The median total time of the requests that ran, waits included, in seconds.
    pub took_p50_secs: Spread,
    /// The longest total time.
    pub took_max_secs: Spread,
    /// LISTs of it that ran at once, at most.
    pub most_lists: Spread,
    /// The drain time: the longest span during which at least one of its LISTs waited or ran, in seconds.
    pub drain_secs: Spread,
}

/// A priority level over all seeds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LevelSummary {
    /// Its name.
    pub priority_level: String,
    /// Whether nothing limits it.
    pub is_exempt: bool,
    /// Its nominal limit, in seats.
    pub nominal_seats: u32,
    /// The most seats that it may have.
    pub max_seats: u32,
    /// The most seats that it had.
    pub most_limit: Spread,
    /// Requests that ran at once, at most.
    pub most_executing: Spread,
    /// LISTs that ran at once, at most.
    pub most_lists: Spread,
    /// Requests that waited at once, at most.
    pub most_waiting: Spread,
}

/// Summarizes the outcomes of one configuration under several seeds; `clients` are (type, name).
pub fn summarize_replay(
    outcomes: &[ReplayOutcome],
    scenario: &Scenario,
    clients: &[(String, String)],
) -> ReplaySummary {
    let spread = |of: &dyn Fn(&ReplayOutcome) -> f64| Spread::of(outcomes.iter().map(of));
    let secs = |nanos: u64| float(nanos) / 1e9;
    let is_bounded = outcomes.iter().all(|outcome| outcome.pressure.peak.high.is_some());
    let rejected = |of: &dyn Fn(&GroupOutcome) -> u64| spread(&|outcome| float(outcome.groups.iter().map(of).sum()));
    let groups = outcomes.first().map(|first| first.groups.len()).unwrap_or_default();
    let levels = (0..scenario.levels.len()).map(|at| summarize_level(outcomes, scenario, at));
    ReplaySummary {
        peak_low_bytes: spread(&|outcome| float(outcome.pressure.peak.low)),
        peak_high_bytes: is_bounded.then(|| spread(&|outcome| float(outcome.pressure.peak.high.unwrap_or_default()))),
        known_peak_high_bytes: spread(&|outcome| float(outcome.pressure.known_peak_high)),
        surely_above_secs: spread(&|outcome| secs(outcome.pressure.surely_above_ns)),
        possibly_above_secs: spread(&|outcome| secs(outcome.pressure.possibly_above_ns)),
        most_lists: spread(&|outcome| f64::from(outcome.pressure.most_lists)),
        unbounded_lists: outcomes.iter().map(|outcome| outcome.pressure.unbounded_lists).max().unwrap_or_default(),
        rejected: RejectionSummary {
            all: rejected(&|group| group.rejected.all()),
            queue_full: rejected(&|group| group.rejected.queue_full),
            concurrency_limit: rejected(&|group| group.rejected.concurrency_limit),
            time_out: rejected(&|group| group.rejected.time_out),
        },
        groups: (0..groups).filter_map(|at| summarize_group(outcomes, scenario, clients, at)).collect(),
        levels: levels.collect(),
        schema_lists: scenario
            .flow_schemas
            .iter()
            .enumerate()
            .map(|(at, name)| (name.clone(), spread(&|outcome| f64::from(outcome.schema_lists[at]))))
            .collect(),
        cut_off: rejected(&|group| group.cut_off_count),
        retried: rejected(&|group| group.retried_count),
    }
}

impl Spread {
    /// The sum of two numbers, bound by bound.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self { low: self.low + other.low, mid: self.mid + other.mid, high: self.high + other.high }
    }

    /// The larger of two numbers.
    #[must_use]
    pub fn or_more(self, other: Self) -> Self {
        Self { low: self.low.max(other.low), mid: self.mid.max(other.mid), high: self.high.max(other.high) }
    }

    /// The spread of some numbers; of none it is 0.
    pub fn of(values: impl Iterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.collect();
        values.sort_by(f64::total_cmp);
        let (Some(low), Some(high)) = (values.first(), values.last()) else {
            return Self::default();
        };
        let (one, other) = (values[(values.len() - 1) / 2], values[values.len() / 2]);
        Self { low: *low, mid: f64::midpoint(one, other), high: *high }
    }
}

/// The same groups are in all replays of one configuration, in the same order, as each has the same requests.
fn summarize_group(
    outcomes: &[ReplayOutcome],
    scenario: &Scenario,
    clients: &[(String, String)],
    at: usize,
) -> Option<GroupSummary> {
    let first = outcomes.first()?.groups.get(at)?;
    let same: Vec<&GroupOutcome> = outcomes
        .iter()
        .filter_map(|outcome| {
            let is_same =
                |group: &&GroupOutcome| (group.client, group.flow_schema) == (first.client, first.flow_schema);
            outcome.groups.get(at).filter(is_same).or_else(|| outcome.groups.iter().find(is_same))
        })
        .collect();
    let spread = |of: &dyn Fn(&GroupOutcome) -> f64| Spread::of(same.iter().map(|group| of(group)));
    let (client_type, client) = clients.get(first.client as usize).cloned().unwrap_or_default();
    Some(GroupSummary {
        client_index: first.client,
        client_type,
        client,
        flow_schema: scenario.flow_schemas.get(first.flow_schema as usize).cloned().unwrap_or_default(),
        priority_level: scenario.levels.get(first.level as usize).map(|level| level.name.clone()).unwrap_or_default(),
        request_count: first.request_count,
        rejected: RejectionSummary {
            all: spread(&|group| float(group.rejected.all())),
            queue_full: spread(&|group| float(group.rejected.queue_full)),
            concurrency_limit: spread(&|group| float(group.rejected.concurrency_limit)),
            time_out: spread(&|group| float(group.rejected.time_out)),
        },
        wait_p50_secs: spread(&|group| group.wait.p50),
        wait_p99_secs: spread(&|group| group.wait.p99),
        wait_max_secs: spread(&|group| group.wait.max),
        took_p50_secs: spread(&|group| group.took.p50),
        took_max_secs: spread(&|group| group.took.max),
        most_lists: spread(&|group| f64::from(group.most_lists)),
        drain_secs: spread(&|group| group.drain_secs),
    })
}

fn summarize_level(outcomes: &[ReplayOutcome], scenario: &Scenario, at: usize) -> LevelSummary {
    let level = &scenario.levels[at];
    let spread = |of: &dyn Fn(&super::LevelOutcome) -> u32| {
        Spread::of(outcomes.iter().map(|outcome| f64::from(of(&outcome.levels[at]))))
    };
    LevelSummary {
        priority_level: level.name.clone(),
        is_exempt: level.is_exempt,
        nominal_seats: level.limits.nominal,
        max_seats: level.limits.max,
        most_limit: spread(&|level| level.most_limit),
        most_executing: spread(&|level| level.most_executing),
        most_lists: spread(&|level| level.most_lists),
        most_waiting: spread(&|level| level.most_waiting),
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts, and bytes of which three digits are known")]
fn float(value: u64) -> f64 {
    value as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_an_even_number_lies_between_two() {
        let spread = Spread::of([4.0, 1.0, 3.0, 9.0].into_iter());
        assert_eq!(spread, Spread { low: 1.0, mid: 3.5, high: 9.0 });
        assert_eq!(Spread::of(std::iter::empty()), Spread::default());
    }
}
