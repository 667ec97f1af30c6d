//! FlowSchemas and PriorityLevelConfigurations as plain values, after the server's defaulting
//! (`k8s.io/api/flowcontrol/v1/types.go`, `pkg/apis/flowcontrol/v1/defaults.go`).

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::kubernetes::Version;

/// The API Priority and Fairness objects of one API server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// The FlowSchemas, in no particular order.
    pub flow_schemas: Vec<FlowSchema>,
    /// The priority levels, in no particular order.
    pub priority_levels: Vec<PriorityLevel>,
}

/// Which requests a rule set matches, and the priority level they go to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlowSchema {
    /// `metadata.name`.
    pub name: String,
    /// `spec.priorityLevelConfiguration.name`; the level may not exist.
    pub priority_level: String,
    /// `spec.matchingPrecedence`: the lowest number is tried first; 1000 if unset.
    pub matching_precedence: i32,
    /// `spec.distinguisherMethod`; `None` puts all requests into one flow.
    pub distinguisher_method: Option<DistinguisherMethod>,
    /// `spec.rules`: a request matches if any rule does. Without rules nothing matches.
    pub rules: Vec<Rule>,
    /// The annotation `apf.kubernetes.io/autoupdate-spec`: whether the server restores the object to its own version,
    /// or deletes it if it does not know the name. `None` if the annotation is missing.
    pub is_autoupdated: Option<bool>,
    /// Where the object was read from.
    pub location: ObjectLocation,
}

/// How the requests of one FlowSchema are divided into flows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DistinguisherMethod {
    /// By the user name.
    ByUser,
    /// By the namespace of the request; requests without one form a single flow.
    ByNamespace,
}

/// Which subjects' requests match, and which of their requests (`PolicyRulesWithSubjects`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rule {
    /// The senders; one must match.
    pub subjects: Vec<Subject>,
    /// Requests for resources; one of these or of `non_resource_rules` must match.
    pub resource_rules: Vec<ResourceRule>,
    /// Requests for other paths.
    pub non_resource_rules: Vec<NonResourceRule>,
}

/// A sender of requests.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// A user by name; `*` matches every user.
    User(String),
    /// A group by name; `*` matches every group.
    Group(String),
    /// A service account; the name `*` matches all of the namespace.
    ServiceAccount {
        /// Its namespace; `*` is not allowed.
        namespace: String,
        /// Its name, or `*`.
        name: String,
    },
}

/// Requests for resources (`ResourcePolicyRule`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResourceRule {
    /// Kubernetes verbs, or only `*`.
    pub verbs: Vec<String>,
    /// API groups, with "" for the core group, or only `*`.
    pub api_groups: Vec<String>,
    /// `resource` or `resource/subresource`, or only `*`.
    pub resources: Vec<String>,
    /// Namespaces, or only `*`; for requests that have a namespace.
    pub namespaces: Vec<String>,
    /// Whether requests without a namespace match: for cluster-scoped resources, and across all namespaces.
    pub cluster_scope: bool,
}

/// Requests for paths that are not resources (`NonResourcePolicyRule`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NonResourceRule {
    /// HTTP methods in lower case, or only `*`.
    pub verbs: Vec<String>,
    /// Paths, each including everything below it, or only `*`.
    pub non_resource_urls: Vec<String>,
}

/// The share of the server that some FlowSchemas use together (`PriorityLevelConfiguration`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriorityLevel {
    /// `metadata.name`.
    pub name: String,
    /// `spec.type` and the fields that belong to it.
    pub kind: LevelKind,
    /// As [`FlowSchema::is_autoupdated`].
    pub is_autoupdated: Option<bool>,
    /// Where the object was read from.
    pub location: ObjectLocation,
}

/// Whether a priority level limits anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LevelKind {
    /// Requests run at once; their seats are counted nevertheless.
    Exempt {
        /// Share of the server's seats, relative to the shares of all levels. They can be lent.
        nominal_concurrency_shares: i32,
        /// Part of its seats that may be lent, in percent.
        lendable_percent: i32,
    },
    /// Requests wait for seats or are rejected when none is free.
    Limited {
        /// Share of the server's seats, relative to the shares of all levels: not a number of requests.
        nominal_concurrency_shares: i32,
        /// Part of its seats that may be lent, in percent.
        lendable_percent: i32,
        /// How much it may borrow, in percent of its own seats; `None` is unlimited.
        borrowing_limit_percent: Option<i32>,
        /// What happens to a request for which no seat is free.
        limit_response: LimitResponse,
    },
}

/// What happens to a request for which no seat is free.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitResponse {
    /// It is rejected with 429 at once.
    Reject,
    /// It waits in a queue.
    Queue(Queuing),
}

/// How a priority level queues.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Queuing {
    /// The number of queues; 1 disables shuffle sharding.
    pub queues: i32,
    /// The number of queues assigned to each flow.
    pub hand_size: i32,
    /// How many requests may wait in one queue.
    pub queue_length_limit: i32,
}

/// The versions of `flowcontrol.apiserver.k8s.io`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum ApiVersion {
    /// Since 1.18, served up to 1.20.
    V1Alpha1,
    /// Since 1.20, served up to 1.25.
    V1Beta1,
    /// Since 1.23, served up to 1.28; `assuredConcurrencyShares` is the later `nominalConcurrencyShares`.
    V1Beta2,
    /// Since 1.26, served up to 1.31.
    V1Beta3,
    /// Since 1.29.
    #[default]
    V1,
}

/// Where an object was read from, with the line of each field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ObjectLocation {
    /// The file; `None` for built-in objects.
    pub file: Option<Arc<str>>,
    /// The API version it was written in.
    pub api_version: ApiVersion,
    /// The line, from 1, of each field that is written, by its path, such as `spec.rules[0].subjects[1].kind`; the
    /// empty path is the object itself.
    pub lines: BTreeMap<String, u64>,
    /// Whether a level's shares are written as 0 in a version that reads 0 as the default of 30.
    pub has_zero_for_default: bool,
}

impl Config {
    /// The FlowSchema of that name.
    pub fn flow_schema(&self, name: &str) -> Option<&FlowSchema> {
        self.flow_schemas.iter().find(|schema| schema.name == name)
    }

    /// The priority level of that name.
    pub fn priority_level(&self, name: &str) -> Option<&PriorityLevel> {
        self.priority_levels.iter().find(|level| level.name == name)
    }

    /// This configuration with another one applied to it as by `kubectl apply`: objects of the same name are replaced.
    #[must_use]
    pub fn with(mut self, other: &Self) -> Self {
        self.flow_schemas.retain(|schema| other.flow_schema(&schema.name).is_none());
        self.priority_levels.retain(|level| other.priority_level(&level.name).is_none());
        self.flow_schemas.extend(other.flow_schemas.iter().cloned());
        self.priority_levels.extend(other.priority_levels.iter().cloned());
        self
    }
}

impl PriorityLevel {
    /// `nominalConcurrencyShares`.
    pub const fn nominal_concurrency_shares(&self) -> i32 {
        match self.kind {
            LevelKind::Exempt { nominal_concurrency_shares, .. }
            | LevelKind::Limited { nominal_concurrency_shares, .. } => nominal_concurrency_shares,
        }
    }

    /// `lendablePercent`.
    pub const fn lendable_percent(&self) -> i32 {
        match self.kind {
            LevelKind::Exempt { lendable_percent, .. } | LevelKind::Limited { lendable_percent, .. } => {
                lendable_percent
            }
        }
    }

    /// Whether the level never limits requests.
    pub const fn is_exempt(&self) -> bool {
        matches!(self.kind, LevelKind::Exempt { .. })
    }

    /// Its queues; `None` if it does not queue.
    pub const fn queuing(&self) -> Option<Queuing> {
        match self.kind {
            LevelKind::Limited { limit_response: LimitResponse::Queue(queuing), .. } => Some(queuing),
            _ => None,
        }
    }
}

impl DistinguisherMethod {
    /// The method's `type`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ByUser => "ByUser",
            Self::ByNamespace => "ByNamespace",
        }
    }
}

impl Subject {
    /// The subject's `kind`.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::User(_) => "User",
            Self::Group(_) => "Group",
            Self::ServiceAccount { .. } => "ServiceAccount",
        }
    }
}

impl ApiVersion {
    /// All versions, oldest first.
    pub const ALL: [Self; 5] = [Self::V1Alpha1, Self::V1Beta1, Self::V1Beta2, Self::V1Beta3, Self::V1];

    /// The version's name within its group.
    pub const fn name(self) -> &'static str {
        match self {
            Self::V1Alpha1 => "v1alpha1",
            Self::V1Beta1 => "v1beta1",
            Self::V1Beta2 => "v1beta2",
            Self::V1Beta3 => "v1beta3",
            Self::V1 => "v1",
        }
    }

    /// The Kubernetes version that removed it; `None` if it is still served.
    pub const fn removed_in(self) -> Option<Version> {
        match self {
            Self::V1Alpha1 => Some(Version::new(1, 21)),
            Self::V1Beta1 => Some(Version::new(1, 26)),
            Self::V1Beta2 => Some(Version::new(1, 29)),
            Self::V1Beta3 => Some(Version::new(1, 32)),
            Self::V1 => None,
        }
    }
}

impl ObjectLocation {
    /// The line of a field, or of the nearest enclosing one that is written; `None` if the object is not from a file.
    pub fn line(&self, path: &str) -> Option<u64> {
        let mut path = path;
        loop {
            if let Some(line) = self.lines.get(path) {
                return Some(*line);
            }
            if path.is_empty() {
                return None;
            }
            path = &path[..path.rfind(['.', '[']).unwrap_or(0)];
        }
    }

    /// Whether a field is written in the object, not defaulted.
    pub fn has(&self, path: &str) -> bool {
        self.lines.contains_key(path)
    }
}
