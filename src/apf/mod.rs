//! API Priority and Fairness as a kube-apiserver implements it: which FlowSchema a request matches, how many seats it
//! takes, and how many seats each priority level has.
//!
//! It is the shared vocabulary of all stages that deal with limiting traffic, computed from plain values. Its rules are
//! those of `k8s.io/apiserver/pkg/util/flowcontrol`; each file cites the part it follows.
//!
//! ```text
//! text ─▶ Manifest ─▶ Config ─┬─▶ Matcher ─▶ Classification ─▶ flow_hash, deal
//!   (validate, live_config)   ├─▶ compute_limits ─▶ compute_current_limits
//!                             └─▶ lint
//! method, URI ─▶ RequestInfo ─▶ RequestDigest ─▶ Attributes, Work ─▶ estimate_work (by Features)
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
    ApiVersion, Config, DistinguisherMethod, FlowSchema, LevelKind, LimitResponse, NonResourceRule, ObjectLocation,
    PriorityLevel, Queuing, ResourceRule, Rule, Subject,
};
pub use dealing::{collision_probability, deal, flow_hash, is_valid_dealer};
pub use defaults::{
    Distribution, KnownByName, NEWEST_KNOWN, OLDEST_KNOWN, default_config, distribution_config, is_mandatory,
    is_suggested, known_by_name,
};
pub use digest::RequestDigest;
pub use features::{Features, UnknownGate};
pub use httplog::ApiserverDecision;
pub use limits::{
    ADJUSTMENT_SECS, CurrentLimits, DEFAULT_SERVER_CONCURRENCY, Demand, DemandStats, LevelLimits, LevelRole,
    compute_current_limits, compute_idle_limits, compute_limits,
};
pub use live::{ConfigOrigin, live_config};
pub use manifest::{Manifest, ManifestNote, Problem};
pub use matching::{
    Attributes, Classification, Matcher, Miss, Target, compute_flow_distinguisher, find_nearest_miss,
    matches_flow_schema, matches_subject,
};
pub use seats::{
    Circumstances, ListQuery, MINIMUM_SEATS, ObjectStats, RequestedVersion, VersionMatch, Work, WorkEstimate,
    estimate_work, level_max_seats,
};
pub use steps::{MatchStep, describe_subject, trace_match};
pub use validate::validate;
