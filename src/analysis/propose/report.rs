//! What `propose` answers: candidates, each tried in a replay, and the storms without one.

use serde::Serialize;

use crate::analysis::{ReplayNote, ServerFacts};
use crate::apf::lint::LintFinding;
use crate::candidates::{Candidate, CandidateRejection, Draft, Plan, SeatChange};
use crate::findings::Finding;
use crate::simulation::{BaselineMismatch, Comparison};

/// The answer of [`propose`](super::propose).
#[derive(Clone, Debug)]
pub struct ProposeReport {
    /// [`SCHEMA_VERSION`](crate::analysis::SCHEMA_VERSION).
    pub schema_version: u32,
    /// What the server was taken to be.
    pub server: ServerFacts,
    /// The memory that LISTs may hold at once, in bytes.
    pub memory_budget_bytes: u64,
    /// How long clients without a storm may wait because of a candidate, in seconds.
    pub max_wait_secs: f64,
    /// How often each candidate was replayed.
    pub seeds: u64,
    /// What the baseline replays do not reproduce, of each apiserver where there is such a thing.
    pub mismatches: Vec<BaselineMismatch>,
    /// The candidates, the worst storm's first.
    pub proposals: Vec<Proposal>,
    /// Storms without a candidate.
    pub rejected: Vec<RejectedProposal>,
    /// All candidates at once, over the whole log; `None` without any.
    pub joint: Option<JointReplay>,
    /// What to know of these numbers.
    pub notes: Vec<ReplayNote>,
}

/// A candidate that helps.
#[derive(Clone, Debug)]
pub struct Proposal {
    /// Which requests it selects.
    pub draft: Draft,
    /// The findings that it is for, the worst first.
    pub findings: Vec<Finding>,
    /// Its objects.
    pub candidate: Candidate,
    /// The seats of one apiserver.
    pub server_concurrency: u32,
    /// Other priority levels whose nominal limit it changes.
    pub seat_changes: Vec<SeatChange>,
    /// The time that was replayed, from and to, in microseconds since 1970.
    pub replayed_micros: (i64, i64),
    /// How often it was replayed.
    pub seeds: u64,
    /// The candidate beside the current configuration.
    pub comparison: ServerComparison,
    /// The requests that it matches, in the replay.
    pub matched: MatchedReplay,
    /// The memory of all LISTs against the budget.
    pub budget: BudgetCheck,
    /// The storm without the candidate, and the sizes that were tried.
    pub tried: Vec<TriedSize>,
    /// LISTs of all clients that ran at once before.
    pub lists_at_once_before: f64,
    /// LISTs of all clients that run at once with it.
    pub lists_at_once: f64,
    /// Clients without a storm that wait longer than they may.
    pub slow: Vec<SlowClient>,
    /// How far it can be trusted.
    pub confidence: Confidence,
    /// Lint findings of its objects.
    pub lint: Vec<LintFinding>,
}

/// A comparison on one apiserver.
#[derive(Clone, Debug, PartialEq)]
pub struct ServerComparison {
    /// The apiserver with most matched LISTs; `None` where there is only one.
    pub apiserver: Option<String>,
    /// The comparison there. Clients that are worse off on other apiservers are added.
    pub comparison: Comparison,
}

/// The requests that a candidate matches, in its replay: the median over all seeds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MatchedReplay {
    /// Requests.
    pub request_count: u64,
    /// Requests that are rejected.
    pub rejected: f64,
    /// The 99th percentile of the waits of those that wait, in seconds.
    pub wait_p99_secs: f64,
    /// LISTs that run at once on one apiserver.
    pub lists_at_once: f64,
}

/// The memory that LISTs of all clients held at the peak, against the budget.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BudgetCheck {
    /// The highest lower bound over all seeds, in bytes.
    pub peak_low_bytes: f64,
    /// The highest upper bound of LISTs of known size, in bytes.
    pub peak_high_bytes: f64,
    /// The budget, with the memory that the server holds without LISTs, in bytes.
    pub budget_bytes: f64,
    /// Whether the upper bound stayed within the budget; `None` where no size of a matched LIST is known.
    pub is_kept: Option<bool>,
    /// LISTs of all clients without an upper bound.
    pub unbounded_lists: u64,
}

/// How far a candidate can be trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confidence {
    /// In one word.
    pub level: ConfidenceLevel,
    /// Why it isn't higher.
    pub doubts: Vec<Doubt>,
}

/// How far a candidate can be trusted, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConfidenceLevel {
    /// Nothing speaks against it.
    High,
    /// A few things are uncertain.
    Medium,
    /// Many things are uncertain, or it rejects most of what it matches.
    Low,
}

/// Why a candidate can't be trusted further.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Doubt {
    /// It matches requests that a cluster depends on.
    MatchesVitalTraffic,
    /// LISTs may hold more than the budget.
    MayExceedBudget,
    /// The size of its LISTs is unknown.
    UnknownSizes,
    /// The size of some of its LISTs is unknown.
    SomeUnknownSizes,
    /// The size of some LISTs of other clients is unknown.
    OthersUnknownSizes,
    /// All LISTs together hold more with it.
    HoldsMore,
    /// It matches other clients too.
    MatchesOthers,
    /// Most of what it matches is rejected.
    MostlyRejected,
    /// More than a tenth of what it matches is rejected.
    OftenRejected,
    /// Some of what it matches waits longer than clients without a storm may.
    LongWaits,
    /// The seats of its LISTs are a range.
    UncertainSeats,
    /// The server's configuration was not given.
    DefaultConfiguration,
    /// The server's version is unknown.
    UnknownVersion,
    /// A server restarted, and the log lacks the LISTs that ran at that moment.
    UnloggedRestart,
    /// The baseline replay does not reproduce the log.
    BaselineMismatch,
}

/// A storm without a candidate.
#[derive(Clone, Debug, PartialEq)]
pub struct RejectedProposal {
    /// The storm.
    pub finding: Finding,
    /// Why there is no candidate.
    pub reason: CandidateRejection,
    /// What the best size of a limit would have changed; `None` unless sizes were replayed.
    pub best: Option<Box<ServerComparison>>,
}

/// A size of a candidate's priority level.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TriedSize {
    /// The numbers behind the size; `None` for the storm without a candidate.
    pub plan: Option<Plan>,
    /// The highest lower bound of the memory that LISTs of all clients held, in bytes.
    pub peak_low_bytes: f64,
    /// The highest upper bound, in bytes.
    pub peak_high_bytes: f64,
    /// Matched requests that are rejected; `None` for the storm without a candidate.
    pub caught_rejected: Option<f64>,
    /// The 99th percentile of the waits of matched requests, in seconds; `None` for the storm without a candidate.
    pub caught_wait_p99_secs: Option<f64>,
    /// Clients without a storm that wait longer than they may.
    pub slow: usize,
    /// Clients that are worse off and aren't targets.
    pub regressed: Vec<String>,
    /// Whether it is the size that is proposed.
    pub is_chosen: bool,
}

/// A client without a storm that a candidate lets wait too long.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SlowClient {
    /// Its name.
    pub client: String,
    /// The longest wait of its requests before, in seconds.
    pub wait_max_before_secs: f64,
    /// The longest wait with the candidate, in seconds.
    pub wait_max_secs: f64,
}

/// All candidates at once, over the whole log.
#[derive(Clone, Debug)]
pub struct JointReplay {
    /// The candidates beside the current configuration.
    pub comparison: ServerComparison,
    /// The memory of all LISTs against the budget.
    pub budget: BudgetCheck,
    /// Clients without a storm that wait longer than they may.
    pub slow: Vec<SlowClient>,
}
