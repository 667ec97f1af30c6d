//! The priority levels of one server while it is replayed: each a queue set, with the demand that decides its next limit.

use super::queue_set::QueueSet;
use super::retry_after::RetryAfter;
use super::scenario::{Scenario, ScenarioLevel};
use crate::apf::{ADJUSTMENT_SECS, Demand, DemandStats, LevelLimits, compute_current_limits, compute_idle_limits};

/// How long one adjustment lasts, in nanoseconds.
pub(super) const ADJUSTMENT_NANOS: u64 = ADJUSTMENT_SECS * 1_000_000_000;

/// The priority levels.
#[derive(Debug)]
pub(super) struct Levels {
    pub(super) levels: Vec<LevelState>,
    limits: Vec<LevelLimits>,
}

/// One priority level.
#[derive(Debug)]
pub(super) struct LevelState {
    pub(super) queue_set: QueueSet,
    pub(super) retry_after: RetryAfter,
    is_exempt: bool,
    demand: Demand,
    period: DemandStats,
    /// What is asked for since when.
    asked: u32,
    asked_since_ns: u64,
}

impl Levels {
    /// A server that has just started.
    pub(super) fn started(scenario: &Scenario, now_ns: u64) -> Self {
        let limits: Vec<LevelLimits> = scenario.levels.iter().map(|level| level.limits).collect();
        let idle = compute_idle_limits(&limits).map(|idle| idle.seats).unwrap_or_default();
        let seats = idle.into_iter().map(Some).chain(std::iter::repeat(None));
        let levels = scenario.levels.iter().zip(seats).map(|(level, idle)| LevelState {
            queue_set: queue_set(level, idle.unwrap_or(level.limits.initial())),
            retry_after: RetryAfter::new(scenario.retry_after_grows),
            is_exempt: level.is_exempt,
            demand: Demand::default(),
            period: DemandStats::starting_at(0),
            asked: 0,
            asked_since_ns: now_ns,
        });
        Self { levels: levels.collect(), limits }
    }

    /// The levels lend each other seats anew. Where the seats can't be divided, all keep what they have, as upstream does.
    pub(super) fn adjust(&mut self, now_ns: u64) {
        for level in &mut self.levels {
            level.note_demand(now_ns);
            level.demand = level.demand.after(&level.period);
            level.period = DemandStats::starting_at(level.asked);
        }
        let demands: Vec<Demand> = self.levels.iter().map(|level| level.demand).collect();
        if let Ok(current) = compute_current_limits(&self.limits, &demands) {
            for (level, seats) in self.levels.iter_mut().zip(current.seats) {
                if !level.is_exempt {
                    level.queue_set.set_limit(now_ns, seats);
                }
            }
        }
    }
}

impl LevelState {
    /// Takes note of what is asked for now; to be called after each event of the level.
    pub(super) fn note_demand(&mut self, now_ns: u64) {
        let asked = self.queue_set.seat_demand();
        if asked == self.asked && now_ns == self.asked_since_ns {
            return;
        }
        self.period = self.period.with(self.asked, secs(now_ns - self.asked_since_ns)).with(asked, 0.0);
        (self.asked, self.asked_since_ns) = (asked, now_ns);
    }
}

fn queue_set(level: &ScenarioLevel, seats: u32) -> QueueSet {
    match level.queuing {
        _ if level.is_exempt => QueueSet::exempt(),
        None => QueueSet::rejecting(seats),
        Some(queuing) => {
            let whole = |value: i32| u32::try_from(value).unwrap_or_default();
            QueueSet::queuing(whole(queuing.queues), whole(queuing.queue_length_limit), seats)
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "within one period it is exact")]
fn secs(nanos: u64) -> f64 {
    nanos as f64 / 1e9
}
