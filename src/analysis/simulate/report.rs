//! What `simulate` answers: each apiserver's replay under the current configuration and under each candidate.

use serde::Serialize;

use crate::analysis::{ReplayNote, ServerFacts};
use crate::simulation::{BaselineMismatch, CandidateMatch, Comparison, ListCapacity, ReplaySummary, Spread};

/// The answer of [`simulate`](super::simulate).
#[derive(Clone, Debug)]
pub struct SimulateReport {
    /// [`SCHEMA_VERSION`](crate::analysis::SCHEMA_VERSION).
    pub schema_version: u32,
    /// What the server was taken to be.
    pub server: ServerFacts,
    /// How often each configuration was replayed; numbers are the median with the least and the most.
    pub seeds: u64,
    /// The memory limit, in bytes; `None` where none was given.
    pub memory_limit_bytes: Option<u64>,
    /// The memory of the server without LISTs, in bytes, which is added to all sizes here; `None` where none was given, and
    /// sizes are of the LISTs alone.
    pub memory_base_bytes: Option<u64>,
    /// One replay for each apiserver.
    pub apiservers: Vec<ApiserverReplay>,
    /// The candidate with other shares; `None` unless asked for.
    pub sweep: Option<Swept>,
    /// What to know of these numbers.
    pub notes: Vec<ReplayNote>,
}

/// One apiserver's requests, replayed.
#[derive(Clone, Debug)]
pub struct ApiserverReplay {
    /// Its label; `None` where the log has none.
    pub apiserver: Option<String>,
    /// Requests that were replayed.
    pub request_count: u64,
    /// LISTs among them, and watches that begin with one.
    pub list_count: u64,
    /// When the first request came.
    pub first_at: String,
    /// The time from the first request to the last, in seconds.
    pub span_secs: f64,
    /// What the baseline replay does not reproduce; `None` where it reproduces the log.
    pub mismatch: Option<BaselineMismatch>,
    /// LISTs that run at full speed at once.
    pub capacity: ListCapacity,
    /// When LISTs of the log may have held more than the memory limit; empty without a limit.
    pub moments_above: Vec<MomentAbove>,
    /// By the log itself; it has no limits and no waits under half a second.
    pub logged: ReplaySummary,
    /// Under the current configuration.
    pub current: ReplaySummary,
    /// Under each candidate.
    pub candidates: Vec<CandidateReplay>,
}

/// A span of time in which LISTs may have held more than the memory limit, in RFC 3339.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MomentAbove {
    /// Its begin.
    pub from: String,
    /// Its end.
    pub to: String,
}

/// A candidate's replay.
#[derive(Clone, Debug)]
pub struct CandidateReplay {
    /// The name of its folder or file.
    pub name: String,
    /// The requests that it matches on this apiserver.
    pub matched: CandidateMatch,
    /// The candidate beside the current configuration.
    pub comparison: Comparison,
    /// Its numbers.
    pub replay: ReplaySummary,
}

/// A candidate with other shares.
#[derive(Clone, Debug, Serialize)]
pub struct Swept {
    /// The apiserver that was replayed: the one with the most LISTs.
    pub apiserver: Option<String>,
    /// One for each number of seats.
    pub rows: Vec<SweepRow>,
    /// The least harmful shares that keep LISTs within the memory limit; `None` where none do, or no limit is given.
    pub chosen: Option<i32>,
}

/// A candidate with one number of shares.
#[derive(Clone, Debug, Serialize)]
pub struct SweepRow {
    /// `nominalConcurrencyShares`.
    pub nominal_concurrency_shares: i32,
    /// The seats that they come to.
    pub nominal_seats: u32,
    /// LISTs that ran at once, at most.
    pub most_lists: Spread,
    /// The lower bound of the memory of all LISTs at the peak.
    pub peak_low_bytes: Spread,
    /// The upper bound, of LISTs of known size.
    pub known_peak_high_bytes: Spread,
    /// How long LISTs of known size may have held more than the limit.
    pub possibly_above_secs: Spread,
    /// LISTs without an upper bound of their memory.
    pub unbounded_lists: u64,
    /// Matched requests that are rejected.
    pub caught_rejected: f64,
    /// The 99th percentile of the waits of matched requests.
    pub caught_wait_p99_secs: f64,
    /// The longest time until a herd of matched LISTs was served.
    pub caught_drain_secs: f64,
    /// Clients that are worse off and aren't targets.
    pub regressed: Vec<String>,
}
