//! From storms to changes of API Priority and Fairness that can be applied: for each storm that is worth limiting, a
//! FlowSchema that selects just its LISTs, and a priority level that lets only so many of them run at once.
//!
//! ```text
//! Finding, Requests ─▶ draft ─▶ Draft (whom it selects, and whom else) ─▶ Draft::candidate(how many at once) ─▶ Candidate
//!                          └──▶ Declined (why a limit would be no help, and what would)       flow_schema_yaml, …
//! ```
//!
//! API Priority and Fairness can tell requests by user, group, service account, verb, resource and namespace, and by
//! nothing else. So a candidate takes the narrowest subjects that cover a storm and only its own verbs and resources, and
//! says whom it catches besides. What a cluster lives by is not limited: no candidate is for anything but LISTs, and the
//! watches that begin with one, and those of nodes and of kube-system only if that is asked for.
//!
//! How many LISTs may run at once follows from the memory that they may hold; whether that does what it should is found
//! by replaying the log, which is not for this stage. What APF can't cure is declined, with what the client can do.

mod manifest;
mod plan;
mod protect;
mod select;
mod words;
#[cfg(test)]
mod cases;

pub use manifest::{comments, flow_schema_yaml, kustomization_yaml, object_name, priority_level_yaml};
pub use plan::{Plan, reachable};
pub use select::draft;
pub use words::{candidate_evidence, catch_words};

use std::collections::BTreeSet;

use serde::Serialize;

use crate::apf::{Config, Features, FlowSchema, PriorityLevel, RequestDigest, ResourceRule, Subject};
use crate::findings::{Finding, WordFinding};
use crate::memory::Held;

/// What a candidate is made from.
#[derive(Clone, Copy, Debug)]
pub struct Situation<'s> {
    /// The server's configuration.
    pub config: &'s Config,
    /// What its version does.
    pub features: &'s Features,
    /// The seats of one apiserver.
    pub server_concurrency: u32,
    /// What the log's requests are to API Priority and Fairness.
    pub requests: &'s [Requests<'s>],
    /// What was found in the log.
    pub findings: &'s [Finding],
    /// How a finding is worded.
    pub words: WordFinding,
    /// Whether nodes and kube-system may be limited.
    pub includes_system: bool,
}

/// Requests of one client that are alike to API Priority and Fairness.
#[derive(Clone, Debug)]
pub struct Requests<'s> {
    /// A number for what they are, the same for all clients.
    pub kind: u32,
    /// The findings of this client in whose span some of them came, by their places, and how many did.
    pub storms: Vec<(usize, u64)>,
    /// What they have in common.
    pub digest: &'s RequestDigest,
    /// Where they go today.
    pub flow_schema: &'s str,
    /// The client's type.
    pub client_type: &'s str,
    /// The client.
    pub client: &'s str,
    /// How many there are.
    pub count: u64,
    /// Whether they read a collection: LISTs, and watches that begin with one.
    pub is_list: bool,
    /// What one of them takes, in seats, at least and at most, as far as no priority level limits it.
    pub seats: (u32, u32),
    /// What one of them holds of memory; `None` where that isn't known.
    pub held: Option<Held>,
}

/// A candidate but for how much it lets through.
#[derive(Clone, Debug)]
pub struct Draft {
    /// What both objects are called.
    pub name: String,
    /// The findings that it is for, by their places, the worst first.
    pub findings: Vec<usize>,
    /// The clients whose storms these are.
    pub clients: Vec<String>,
    /// Whom it selects.
    pub subjects: Vec<Subject>,
    /// What of theirs.
    pub rules: Vec<ResourceRule>,
    /// Where those requests go today, with the precedence of that FlowSchema; without the one that this replaces.
    pub from: Vec<(String, i32)>,
    /// Whether it takes the place of an earlier candidate of the same name.
    pub replaces: bool,
    /// Where it stands among all FlowSchemas.
    pub matching_precedence: i32,
    /// Flows that it makes: users.
    pub flow_count: usize,
    /// Whom it catches.
    pub caught: Vec<Caught>,
    /// The kinds of LISTs that it is for, as [`Requests::kind`].
    pub kinds: BTreeSet<u32>,
    /// What such a LIST takes, in seats, at least and at most.
    pub list_seats: (u32, u32),
    /// The most that such a LIST holds, of those whose size is known; `None` where it is of none.
    pub held: Option<Held>,
    /// Whether there are LISTs among them of which nothing bounds what they hold.
    pub has_unbounded: bool,
    /// What to know of it.
    pub notes: Vec<String>,
}

/// Whom a candidate catches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Caught {
    /// The client's type.
    pub client_type: String,
    /// The client.
    pub client: String,
    /// Its users.
    pub users: usize,
    /// Requests.
    pub request_count: u64,
    /// All requests of that client in the log.
    pub of_requests: u64,
    /// Whether it is one of those whose storm it is.
    pub is_meant: bool,
}

/// Objects that can be applied.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// The FlowSchema.
    pub flow_schema: FlowSchema,
    /// The priority level.
    pub priority_level: PriorityLevel,
    /// How its size came about.
    pub plan: Plan,
}

/// A storm for which a limit is no help.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Declined {
    /// The finding, by its place.
    #[serde(skip)]
    pub finding: usize,
    /// What was found, in a few words.
    pub storm: String,
    /// Why there is no candidate.
    pub reason: String,
    /// What to do at the client instead.
    pub remedies: Vec<String>,
}

impl Candidate {
    /// Both objects, as a configuration.
    pub fn config(&self) -> Config {
        Config { flow_schemas: vec![self.flow_schema.clone()], priority_levels: vec![self.priority_level.clone()] }
    }
}
