//! API Priority and Fairness as a kube-apiserver does it: which FlowSchema a request matches, what it costs in seats, and
//! how many seats each priority level has.
//!
//! This is the vocabulary of all that speaks of limiting traffic. It is computed from plain values and names no other
//! stage. Its rules are those of `k8s.io/apiserver/pkg/util/flowcontrol`; each file says which part it follows.
//!
//! ```text
//! text ─▶ Manifest ─▶ Config ─┬─▶ Matcher ─▶ Classification ─▶ flow_hash, deal
//!   (validate, live_config)   ├─▶ limits ─▶ current_limits
//!                             └─▶ lint
//! method, URI ─▶ RequestInfo ─▶ RequestDigest ─▶ Attributes, Work ─▶ work_estimate (by Features)
//! ```
//!
//! The types are our own and not those of `k8s-openapi`: a finding has to name the line of a field, an unknown field has
//! to be an error as it is for the server, and versions that differ in their fields have to be read side by side.

mod allocation;
mod config;
mod dealing;
mod defaults;
mod digest;
mod features;
mod httplog;
mod limits;
pub mod lint;
mod live;
mod manifest;
mod matching;
mod seats;
mod steps;
mod validate;

pub use allocation::{Allocation, AllocationError, Class, allocate};
pub use config::{
    ApiVersion, Config, DistinguisherMethod, FlowSchema, LevelKind, LimitResponse, NonResourceRule, Place,
    PriorityLevel, Queuing, ResourceRule, Rule, Subject,
};
pub use dealing::{collision_probability, deal, flow_hash, is_valid_dealer};
pub use defaults::{
    Distribution, KnownByName, NEWEST_KNOWN, OLDEST_KNOWN, default_config, distribution_config, is_mandatory,
    is_suggested, known_by_name,
};
pub use digest::RequestDigest;
pub use features::{Features, UnknownGate};
pub use httplog::Verdict;
pub use limits::{
    ADJUSTMENT_SECS, CurrentLimits, DEFAULT_SERVER_CONCURRENCY, Demand, DemandStats, LevelLimits, LevelRole,
    current_limits, idle_limits, limits,
};
pub use live::{Origin, live_config};
pub use manifest::{Manifest, Note, Problem};
pub use matching::{
    Attributes, Classification, Matcher, Miss, Target, distinguisher, is_subject, matches, nearest_miss,
};
pub use seats::{
    AskedVersion, Circumstances, ListQuery, MINIMUM_SEATS, ObjectStats, VersionMatch, Work, WorkEstimate,
    level_max_seats, work_estimate,
};
pub use steps::{Step, steps, subject_name};
pub use validate::validate;
