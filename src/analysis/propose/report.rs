//! What `propose` answers: candidates with their manifests, and the storms without one.

use serde::Serialize;

use crate::analysis::ServerFacts;
use crate::apf::lint::LintFinding;
use crate::candidates::{Caught, Declined, Plan};
use crate::simulation::{Effect, Hurt};

/// The answer of [`propose`](super::propose).
#[derive(Clone, Debug, Serialize)]
pub struct ProposeReport {
    /// [`SCHEMA_VERSION`](crate::analysis::SCHEMA_VERSION).
    pub schema_version: u32,
    /// What the server was taken to be.
    pub server: ServerFacts,
    /// What LISTs may hold at once.
    pub memory_budget_bytes: u64,
    /// How long a request may wait, in seconds.
    pub max_wait_secs: f64,
    /// How often each candidate was replayed.
    pub seeds: u64,
    /// Where the replay of the server as it is is far from the log; `None` where it isn't.
    pub doubt: Option<String>,
    /// The candidates, the worst storm's first.
    pub proposals: Vec<Proposal>,
    /// Storms without one, and why.
    pub declined: Vec<Declined>,
    /// All candidates at once, over all of the log; `None` without any.
    pub together: Option<Together>,
    /// What to know of these numbers.
    pub notes: Vec<String>,
}

/// A candidate.
#[derive(Clone, Debug, Serialize)]
pub struct Proposal {
    /// What both objects are called.
    pub name: String,
    /// Whose storm it is for.
    pub clients: Vec<String>,
    /// What was found, in sentences.
    pub storms: Vec<String>,
    /// How its size came about.
    pub plan: Plan,
    /// `matchingPrecedence` of the FlowSchema.
    pub matching_precedence: i32,
    /// Whom it catches.
    pub caught: Vec<Caught>,
    /// How it did in the replay.
    pub effect: Effect,
    /// That in a sentence.
    pub sentence: String,
    /// Who is worse off.
    pub hurt: Vec<Hurt>,
    /// Whether LISTs stayed within the budget under all seeds, by the upper bound of those whose size is known; `None` where
    /// nothing is known of what those hold that it catches.
    pub keeps_within_budget: Option<bool>,
    /// The highest lower bound of what they held, in bytes.
    pub peak_low_bytes: f64,
    /// The highest upper bound of what they held, in bytes.
    pub peak_high_bytes: f64,
    /// LISTs of which nothing bounds what they hold, of all clients.
    pub unbounded_lists: u64,
    /// What it is without the candidate, and the sizes that were tried.
    pub tried: Vec<TriedSize>,
    /// LISTs that ran at once before, of all clients.
    pub lists_at_once_before: f64,
    /// LISTs that run at once with it, of all clients.
    pub lists_at_once: f64,
    /// LISTs that it catches and that run at once with it, on one apiserver.
    pub caught_lists_at_once: f64,
    /// Clients without a storm that wait longer than they may.
    pub slow: Vec<SlowClient>,
    /// How far it can be trusted, and why not further.
    pub confidence: String,
    /// What to do at the client besides.
    pub remedies: Vec<String>,
    /// What lint says of it.
    pub lint: Vec<LintFinding>,
    /// All of that in sentences, as it stands in the manifests.
    pub evidence: Vec<String>,
    /// The manifests.
    pub manifests: Vec<ManifestFile>,
}

/// A size of a candidate's priority level.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TriedSize {
    /// How many LISTs it lets run at once, and by which numbers; `None` for how it is without.
    pub plan: Option<Plan>,
    /// The highest lower bound of what LISTs of all clients held, in bytes.
    pub peak_low_bytes: f64,
    /// The highest upper bound.
    pub peak_high_bytes: f64,
    /// Requests that it catches and that are rejected; `None` for how it is without.
    pub caught_rejected: Option<f64>,
    /// How long 99 of 100 requests wait at most that it catches, in seconds; `None` for how it is without.
    pub caught_wait_p99_secs: Option<f64>,
    /// Clients without a storm that wait longer than they may.
    pub slow: usize,
    /// Who is hurt that isn't meant.
    pub hurt: Vec<String>,
    /// Whether it is the one that is proposed.
    pub is_chosen: bool,
}

/// A client without a storm that a candidate lets wait too long.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SlowClient {
    /// The client.
    pub client: String,
    /// How long its requests waited at most before, in seconds.
    pub wait_max_before_secs: f64,
    /// How long they wait now.
    pub wait_max_secs: f64,
}

/// A manifest.
#[derive(Clone, Debug, Serialize)]
pub struct ManifestFile {
    /// The name of its file.
    pub file: String,
    /// The file.
    pub text: String,
}

/// What all candidates come to at once.
#[derive(Clone, Debug, Serialize)]
pub struct Together {
    /// How they do.
    pub effect: Effect,
    /// That in a sentence.
    pub sentence: String,
    /// Who is worse off.
    pub hurt: Vec<Hurt>,
    /// Whether LISTs stayed within the budget over all of the log, by the upper bound of those whose size is known.
    pub keeps_within_budget: bool,
    /// That in a sentence.
    pub limit: String,
    /// The highest upper bound of what they held, in bytes.
    pub peak_high_bytes: f64,
    /// Clients without a storm that wait longer than they may.
    pub slow: Vec<SlowClient>,
}
