//! What would have become of the logged requests under another configuration: a replay through an exact model of API
//! Priority and Fairness.
//!
//! ```text
//! logged requests ─▶ Traffic ──┐  estimate_capacity, work
//! Config, what each is to it ─▶ Scenario ─▶ replay (by Chance) ─▶ Replay ─▶ outcome
//! ```
//!
//! It goes from event to event in simulated time: a request comes, runs, is done, lets go of its seats; one that waited
//! too long gives up; every 10 seconds the priority levels lend each other seats. Each priority level is a [`QueueSet`]
//! of its own, which follows upstream's to the nanosecond; how seats are divided is [`crate::apf`]'s. There is no clock:
//! what the log can't tell, such as when within the 10 seconds a server divides its seats, is drawn from a seed ([`Chance`]).
//!
//! What is only modelled: a LIST takes longer where others run beside it, by the law that stands in `service`; other
//! requests take as long as they took. A watch holds its seats until it has begun; as its wait is in no log, none is taken
//! to need longer for that than the quicker ones. Clients come when they came in the log, or, in a closed loop, when their
//! last request of the same kind has ended, after the same pause; then they also try again what was rejected, as client-go
//! does.
//!
//! Each API server does all this on its own: one replay is of one server.

mod chance;
mod compare;
mod doubt;
mod levels;
mod lists;
mod logged;
mod outcome;
mod pressure;
mod queue;
mod queue_set;
mod replay;
mod retry_after;
mod scenario;
mod service;
mod side;
mod verify;
mod work;
#[cfg(test)]
mod cases;

pub use compare::{Catch, Comparison, Effect, Hurt, Relieved, compare};
pub use doubt::doubt;
pub use lists::Lists;
pub use logged::{Logged, logged};
pub use outcome::{GroupOutcome, Outcome, Quantiles, Rejections, outcome};
pub use pressure::{Memory, Pressure, PressureOutcome};
pub use queue_set::{QueueSet, RejectReason, Started};
pub use replay::{End, Fate, LevelOutcome, Replay, replay};
pub use scenario::{Kind, Level, Placed, Scenario};
pub use service::{Capacity, CapacityBasis, Executed, estimate_capacity, work};
pub use side::{GroupSide, LevelSide, Side, Spread, side};
pub use verify::{Agreement, Check, Facts, checks, facts};

use crate::memory::Held;

/// Requests of one API server, to be replayed.
#[derive(Clone, Debug, Default)]
pub struct Traffic {
    /// The requests, in the order in which they came.
    pub requests: Vec<Request>,
    /// What a LIST holds of memory while it runs, by [`Request::list`]; `None` where nothing is known of its size.
    pub lists: Vec<Option<Held>>,
    /// When the server started anew, in nanoseconds: whatever ran or waited was cut off.
    pub restarts_ns: Vec<u64>,
    /// Which requests come only after another has ended, by their places, in a closed loop; empty where all come when
    /// they came in the log.
    pub follows: Vec<Option<Follows>>,
}

/// A request as it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// When it was received, in nanoseconds from the beginning of the replay.
    pub received_ns: u64,
    /// How long it takes.
    pub service: Service,
    /// What it is to API Priority and Fairness: its place in [`Scenario::kinds`].
    pub kind: u32,
    /// Whose it is.
    pub client: u32,
    /// What it holds of memory: its place in [`Traffic::lists`]; `None` where it is no LIST.
    pub list: Option<u32>,
}

/// How long a request takes once it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// So many nanoseconds, whatever else runs.
    Fixed(u64),
    /// By the work that stands at this place, and what else runs.
    Shared(u32),
}

/// A request that comes after another one of its client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Follows {
    /// The place of the other one.
    pub request: u32,
    /// How long after that one's end, in nanoseconds.
    pub pause_ns: u64,
}

/// What no log tells, as one replay assumes it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Chance {
    /// When seats are divided for the first time, in nanoseconds from the beginning and from each start of the server; at
    /// most 10 seconds.
    pub first_adjustment_ns: u64,
    /// How many LISTs get on at full speed side by side.
    pub capacity: f64,
    /// Whether requests whose seats aren't known take the most that they may; else the least.
    pub takes_most_seats: bool,
}
