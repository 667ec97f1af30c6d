//! From storms to changes of API Priority and Fairness that can be applied: for each storm that is worth limiting, a
//! FlowSchema that selects just its LISTs, and a priority level that lets only so many of them run at once.
//!
//! ```text
//! Finding, RequestGroup ─▶ draft_candidates ─▶ Draft (which requests) ─▶ plan_sizes ─▶ Candidate (how many at once)
//!                                   └──▶ RejectedCandidate (why a limit would not help)
//! ```
//!
//! API Priority and Fairness can tell requests by user, group, service account, verb, resource and namespace, and by
//! nothing else. So a candidate takes the narrowest subjects that cover a storm and only its own verbs and resources, and
//! lists the other clients that it matches. Candidates limit only LISTs, and watches that begin with one; those of nodes and
//! of kube-system only if that is asked for.
//!
//! How many LISTs may run at once follows from the memory that they may hold. Whether that works is found by replaying the
//! log, in a later stage. A storm that APF can't limit is rejected, with the reason.

mod name;
mod plan;
mod protect;
mod rejection;
mod select;
mod subjects;
#[cfg(test)]
mod cases;

pub use plan::{Plan, SeatChange, plan_sizes};
pub use rejection::{CandidateRejection, RejectedCandidate};
pub use select::draft_candidates;

use std::collections::BTreeSet;

use serde::Serialize;

use crate::apf::{Config, Features, FlowSchema, PriorityLevel, RequestDigest, ResourceRule, Subject};
use crate::findings::Finding;
use crate::memory::MemoryCost;

/// What candidates are made from.
#[derive(Clone, Copy, Debug)]
pub struct ProposalInput<'s> {
    /// The server's configuration.
    pub config: &'s Config,
    /// The features of the server's version.
    pub features: &'s Features,
    /// The seats of one apiserver.
    pub server_concurrency: u32,
    /// The requests of the log, grouped by what API Priority and Fairness sees of them.
    pub requests: &'s [RequestGroup<'s>],
    /// The findings in the log.
    pub findings: &'s [Finding],
    /// Whether candidates may limit nodes and kube-system.
    pub includes_system: bool,
}

/// Requests of one client that are alike to API Priority and Fairness.
#[derive(Clone, Debug)]
pub struct RequestGroup<'s> {
    /// A number for what the requests are, the same for all clients.
    pub kind: u32,
    /// The findings of this client in whose time some of the requests came, by their index, with the number of these
    /// requests.
    pub storms: Vec<(usize, u64)>,
    /// What the requests have in common.
    pub digest: &'s RequestDigest,
    /// The FlowSchema that matches them today.
    pub flow_schema: &'s str,
    /// The client's type.
    pub client_type: &'s str,
    /// The client's name.
    pub client: &'s str,
    /// Number of requests.
    pub count: u64,
    /// Whether they read a collection: LISTs, and watches that begin with one.
    pub is_list: bool,
    /// Seats that one of them takes, at least and at most, without the cap of a priority level.
    pub seats: (u32, u32),
    /// Memory that one of them holds; `None` where its size is unknown.
    pub memory: Option<MemoryCost>,
}

/// A candidate without a size: which requests it selects, but not how many of them run at once.
#[derive(Clone, Debug)]
pub struct Draft {
    /// The name of both objects.
    pub name: String,
    /// The findings that it is for, by their index, the worst first.
    pub findings: Vec<usize>,
    /// The clients of these findings, which it is meant to throttle.
    pub clients: Vec<String>,
    /// Whose requests it selects.
    pub subjects: Vec<Subject>,
    /// Which of their requests it selects.
    pub rules: Vec<ResourceRule>,
    /// The FlowSchemas that match these requests today, by precedence; without the one that this candidate replaces.
    pub matched_today: Vec<PrecededSchema>,
    /// Whether it replaces an earlier candidate of the same name on the server.
    pub replaces: bool,
    /// `matchingPrecedence` of its FlowSchema.
    pub matching_precedence: i32,
    /// Flows that it distinguishes, by user.
    pub flow_count: usize,
    /// The clients that its FlowSchema matches.
    pub matched: Vec<MatchedClient>,
    /// The kinds of LISTs that it is for, as [`RequestGroup::kind`].
    pub kinds: BTreeSet<u32>,
    /// Seats that such a LIST takes, at least and at most.
    pub list_seats: (u32, u32),
    /// The most memory that such a LIST holds, of those of known size; `None` where no size is known.
    pub list_memory: Option<MemoryCost>,
    /// Whether some of these LISTs have no upper bound of their memory.
    pub has_unbounded: bool,
    /// What to know of the requests that it selects.
    pub notes: Vec<DraftNote>,
}

/// A FlowSchema that comes after a candidate's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PrecededSchema {
    /// Its name.
    pub name: String,
    /// Its `matchingPrecedence`.
    pub matching_precedence: i32,
}

/// A client of which a candidate's FlowSchema matches requests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MatchedClient {
    /// The client's type.
    pub client_type: String,
    /// The client's name.
    pub client: String,
    /// Users of the matched requests.
    pub users: usize,
    /// Matched requests.
    pub request_count: u64,
    /// All requests of that client in the log.
    pub of_requests: u64,
    /// Whether the candidate is meant to throttle it.
    pub is_target: bool,
}

/// What to know of the requests that a candidate selects.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum DraftNote {
    /// It selects a group since there are too many users to name; members that aren't in the log are matched too.
    SelectsGroup {
        /// The group.
        group: String,
        /// Users in the log.
        user_count: usize,
    },
    /// Requests of the same client with credentials of `system:masters` are never limited.
    MastersAreExempt,
    /// Other clients use the same identity.
    SharedIdentity {
        /// These clients.
        clients: Vec<ClientRef>,
    },
    /// It also matches watches that start from a resource version.
    MatchesPlainWatches {
        /// Watches.
        request_count: u64,
    },
}

/// A client by type and name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct ClientRef {
    /// The client's name.
    pub client: String,
    /// The client's type.
    pub client_type: String,
}

/// Objects that can be applied.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// The FlowSchema.
    pub flow_schema: FlowSchema,
    /// The priority level.
    pub priority_level: PriorityLevel,
    /// The numbers behind the size of the priority level.
    pub plan: Plan,
}

impl Candidate {
    /// Both objects, as a configuration.
    pub fn config(&self) -> Config {
        Config { flow_schemas: vec![self.flow_schema.clone()], priority_levels: vec![self.priority_level.clone()] }
    }
}
