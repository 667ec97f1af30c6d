//! What would have become of the logged requests under another configuration: a replay through an exact model of API
//! Priority and Fairness.
//!
//! ```text
//! logged requests ─▶ Traffic ─────────────┐  estimate_capacity, infer_works
//! Config, classified flows ─▶ Scenario ─▶ replay (by ReplayAssumptions) ─▶ Replay ─▶ summarize_outcome ─▶ summarize_replay
//!                                                                                       compare, check_baseline ◀──┘
//! ```
//!
//! It goes from event to event in simulated time: a request arrives, runs, finishes, releases its seats; one that waited
//! too long gives up; every 10 seconds the priority levels lend each other seats. Each priority level is a [`QueueSet`],
//! which follows upstream's to the nanosecond; [`crate::apf`] divides the seats. There is no clock: what the log doesn't
//! say, such as when within the 10 seconds a server divides its seats, is drawn from a seed ([`ReplayAssumptions`]).
//!
//! What is only modelled: a LIST takes longer while others run, as `service` describes; other requests take as long as in
//! the log. A watch holds its seats until it has started; its wait is in no log, so none takes longer for that than the
//! quickest quarter. Requests arrive when they did in the log, or, in a closed loop, when the client's last request of the
//! same kind has ended, after the same pause; then clients also retry rejected requests, as client-go does.
//!
//! Each API server does all this by itself: one replay is of one server.

mod assumptions;
mod baseline;
mod compare;
mod events;
mod impact;
mod levels;
mod lists;
mod logged;
mod no_effect;
mod outcome;
mod pressure;
mod queue;
mod queue_set;
mod replay;
mod retry_after;
mod scenario;
mod service;
mod summary;
mod verify;
mod work;
#[cfg(test)]
mod cases;

pub use baseline::{BaselineMismatch, Mismatch, check_baseline};
pub use compare::{CandidateMatch, Comparison, ComparisonRemark, Effect, ListLoad, MatchFailure, compare};
pub use impact::{Improved, Regressed};
pub use lists::SharedLists;
pub use logged::{LoggedTimes, reconstruct_logged};
pub use no_effect::{Borrowing, NoEffect};
pub use outcome::{GroupOutcome, Quantiles, Rejections, ReplayOutcome, summarize_outcome};
pub use pressure::{MemoryPressure, PressureOutcome, ServerMemory};
pub use queue_set::{QueueSet, RejectReason, Started};
pub use replay::{End, Fate, LevelOutcome, Replay, replay};
pub use scenario::{ClassifiedFlow, RequestKind, Scenario, ScenarioLevel};
pub use service::{ExecutedList, ListCapacity, ListCapacityBasis, estimate_capacity, infer_works};
pub use summary::{GroupSummary, LevelSummary, RejectionSummary, ReplaySummary, Spread, summarize_replay};
pub use verify::{
    Agreement, CheckedQuantity, MatchedFacts, PredictionCheck, VerifyVerdict, check_predictions, collect_facts,
    judge_checks,
};

use crate::memory::MemoryCost;

/// Requests of one API server, to be replayed.
#[derive(Clone, Debug, Default)]
pub struct Traffic {
    /// The requests, in the order of their receipt.
    pub requests: Vec<TrafficRequest>,
    /// The memory that a LIST holds while it runs, by [`TrafficRequest::list`]; `None` where its size is unknown.
    pub lists: Vec<Option<MemoryCost>>,
    /// When the server restarted, in nanoseconds: all requests that ran or waited were cut off.
    pub restarts_ns: Vec<u64>,
    /// The request that each one waits for, in a closed loop; empty where all arrive when they did in the log.
    pub follows: Vec<Option<Follows>>,
}

/// A request as it was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrafficRequest {
    /// When it was received, in nanoseconds from the beginning of the replay.
    pub received_ns: u64,
    /// How long it takes.
    pub service: Service,
    /// What it is to API Priority and Fairness: its index in [`Scenario::kinds`].
    pub kind: u32,
    /// Its client, by an index of the caller's.
    pub client: u32,
    /// Its memory: its index in [`Traffic::lists`]; `None` where it is not a LIST.
    pub list: Option<u32>,
}

/// How long a request takes once it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// This many nanoseconds, whatever else runs.
    Fixed(u64),
    /// By the work at this index, and by how many LISTs run at once.
    Shared(u32),
}

/// A request that arrives after another one of its client has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Follows {
    /// The index of the other request.
    pub request: u32,
    /// The pause after that one's end, in nanoseconds.
    pub pause_ns: u64,
}

/// What no log says, as one replay assumes it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ReplayAssumptions {
    /// When seats are divided for the first time, in nanoseconds from the begin of the replay and from each restart; at most
    /// 10 seconds.
    pub first_adjustment_ns: u64,
    /// LISTs that run at full speed at once.
    pub capacity: f64,
    /// Whether requests with a range of seats take the most; else they take the least.
    pub takes_most_seats: bool,
}
