//! What `simulate` answers: each apiserver's replay under the current configuration and under each candidate.

use serde::Serialize;

use crate::analysis::ServerFacts;
use crate::simulation::{Catch, Effect, Hurt, Relieved, Side, Spread};

/// The answer of [`simulate`](super::simulate).
#[derive(Clone, Debug, Serialize)]
pub struct SimulateReport {
    /// [`SCHEMA_VERSION`](crate::analysis::SCHEMA_VERSION).
    pub schema_version: u32,
    /// What the server was taken to be.
    pub server: ServerFacts,
    /// How often each configuration was replayed; numbers are the median with the least and the most.
    pub seeds: u64,
    /// The memory that LISTs shouldn't hold more of; `None` where none was given.
    pub memory_limit_bytes: Option<u64>,
    /// What the server holds without LISTs, which is in all sizes here; `None` where none was given, and the sizes are of
    /// what LISTs hold.
    pub memory_base_bytes: Option<u64>,
    /// One replay for each apiserver.
    pub apiservers: Vec<ApiserverReplay>,
    /// What other shares would do; `None` unless asked for.
    pub sweep: Option<Swept>,
    /// What to know of these numbers, and what a replay can't know.
    pub notes: Vec<String>,
}

/// One apiserver's requests, replayed.
#[derive(Clone, Debug, Serialize)]
pub struct ApiserverReplay {
    /// Its label; `None` where the log has none.
    pub apiserver: Option<String>,
    /// Requests that were replayed.
    pub request_count: u64,
    /// LISTs among them, and watches that begin with one.
    pub list_count: u64,
    /// When the first came.
    pub first_at: String,
    /// For how long they came, in seconds.
    pub span_secs: f64,
    /// Where the replay of the current configuration is far from the log, so that its version, configuration or sizes aren't
    /// those of the server; `None` where it isn't.
    pub doubt: Option<String>,
    /// By which law LISTs share the server, in words.
    pub capacity: String,
    /// LISTs that run side by side at full speed: at least; `None` where they don't share it.
    pub capacity_low: Option<f64>,
    /// What is reckoned with.
    pub capacity_likely: Option<f64>,
    /// At most.
    pub capacity_high: Option<f64>,
    /// When LISTs of the log may have held more than the memory limit; empty without a limit.
    pub moments_above: Vec<MomentAbove>,
    /// What the log itself says; it has no limits and no waits under half a second.
    pub logged: Side,
    /// The current configuration.
    pub current: Side,
    /// The candidates.
    pub candidates: Vec<CandidateReplay>,
}

/// A span of time in which LISTs may have held more than the memory limit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MomentAbove {
    /// Since when.
    pub from: String,
    /// Until when.
    pub to: String,
}

/// What a candidate came to.
#[derive(Clone, Debug, Serialize)]
pub struct CandidateReplay {
    /// What it is called: its folder or file.
    pub name: String,
    /// How it does.
    pub effect: Effect,
    /// That in a sentence.
    pub sentence: String,
    /// What it catches on this apiserver.
    pub catch: Catch,
    /// Who is worse off.
    pub hurt: Vec<Hurt>,
    /// Who is better off, besides those who are meant.
    pub relieved: Vec<Relieved>,
    /// Its numbers.
    pub side: Side,
}

/// A candidate with other shares.
#[derive(Clone, Debug, Serialize)]
pub struct Swept {
    /// The apiserver that it was tried on: the one with the most LISTs.
    pub apiserver: Option<String>,
    /// One for each number of seats.
    pub rows: Vec<SweepRow>,
    /// The shares that keep LISTs within the memory limit and harm least; `None` where none do, or no limit is given.
    pub chosen: Option<i32>,
}

/// What one number of shares does.
#[derive(Clone, Debug, Serialize)]
pub struct SweepRow {
    /// The shares.
    pub nominal_concurrency_shares: i32,
    /// The seats that they come to.
    pub nominal_seats: u32,
    /// LISTs that ran at once, at most.
    pub most_lists: Spread,
    /// What LISTs held at the peak, at least.
    pub peak_low_bytes: Spread,
    /// The same, at most, without LISTs of which nothing bounds what they hold.
    pub known_peak_high_bytes: Spread,
    /// For how long they may have held more than the limit, without those LISTs.
    pub possibly_above_secs: Spread,
    /// LISTs of which nothing bounds what they hold.
    pub unbounded_lists: u64,
    /// Requests that it catches and that are rejected.
    pub caught_rejected: f64,
    /// How long 99 of 100 requests wait at most that it catches.
    pub caught_wait_p99_secs: f64,
    /// The longest time until a herd of them was served.
    pub caught_drain_secs: f64,
    /// Who is hurt that isn't meant.
    pub hurt: Vec<String>,
}
