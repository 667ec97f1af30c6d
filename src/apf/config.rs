//! FlowSchemas and PriorityLevelConfigurations as plain values, after the server's defaulting
//! (`k8s.io/api/flowcontrol/v1/types.go`, `pkg/apis/flowcontrol/v1/defaults.go`).

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::kubernetes::Version;

/// The objects of one API server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// The FlowSchemas, in no particular order.
    pub flow_schemas: Vec<FlowSchema>,
    /// The priority levels, in no particular order.
    pub priority_levels: Vec<PriorityLevel>,
}

/// Which requests belong together, and to which priority level they go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlowSchema {
    /// `metadata.name`.
    pub name: String,
    /// `spec.priorityLevelConfiguration.name`; the level need not exist.
    pub priority_level: String,
    /// `spec.matchingPrecedence`: the lowest number is asked first; 1000 where it isn't given.
    pub matching_precedence: i32,
    /// `spec.distinguisherMethod`; `None` makes one flow of all requests.
    pub distinguisher_method: Option<DistinguisherMethod>,
    /// `spec.rules`: a request that any of them fits matches. Without rules nothing does.
    pub rules: Vec<Rule>,
    /// The annotation `apf.kubernetes.io/autoupdate-spec`: whether the server keeps the object as it thinks right, and
    /// deletes it when it doesn't know its name. `None` where the annotation is missing.
    pub is_autoupdated: Option<bool>,
    /// Where it was read from.
    pub place: Place,
}

/// By what the requests of one FlowSchema are told apart into flows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DistinguisherMethod {
    /// By the user name.
    ByUser,
    /// By the namespace of what is asked for; requests without one make one flow together.
    ByNamespace,
}

/// Some subjects doing some things (`PolicyRulesWithSubjects`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rule {
    /// Who; any of them.
    pub subjects: Vec<Subject>,
    /// What, of requests for resources; any of them.
    pub resource_rules: Vec<ResourceRule>,
    /// What, of other requests; any of them.
    pub non_resource_rules: Vec<NonResourceRule>,
}

/// Who sends a request.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// A user by name; `*` is any.
    User(String),
    /// A group by name; `*` is any.
    Group(String),
    /// A service account; the name `*` is any of the namespace.
    ServiceAccount {
        /// Its namespace; never `*`.
        namespace: String,
        /// Its name.
        name: String,
    },
}

/// What is done to which resources, where (`ResourcePolicyRule`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResourceRule {
    /// Kubernetes verbs, or `*` alone.
    pub verbs: Vec<String>,
    /// API groups, empty for the core group, or `*` alone.
    pub api_groups: Vec<String>,
    /// `resource` or `resource/subresource`, or `*` alone.
    pub resources: Vec<String>,
    /// Namespaces, or `*` alone; for requests that have a namespace.
    pub namespaces: Vec<String>,
    /// Whether requests without a namespace match: of cluster-scoped resources, and across all namespaces.
    pub cluster_scope: bool,
}

/// What is done to which paths (`NonResourcePolicyRule`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NonResourceRule {
    /// HTTP methods in lower case, or `*` alone.
    pub verbs: Vec<String>,
    /// Paths, each with all that is below it, or `*` alone.
    pub non_resource_urls: Vec<String>,
}

/// How much of the server some FlowSchemas get between them (`PriorityLevelConfiguration`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriorityLevel {
    /// `metadata.name`.
    pub name: String,
    /// `spec.type`, with what goes with it.
    pub kind: LevelKind,
    /// As [`FlowSchema::is_autoupdated`].
    pub is_autoupdated: Option<bool>,
    /// Where it was read from.
    pub place: Place,
}

/// Whether a priority level limits anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LevelKind {
    /// Requests are let through at once; their seats are counted all the same.
    Exempt {
        /// Share in the server's seats, relative to all others' shares; they can be lent.
        nominal_concurrency_shares: i32,
        /// How much of them may be lent, in percent.
        lendable_percent: i32,
    },
    /// Requests wait for seats, or are rejected for want of them.
    Limited {
        /// Share in the server's seats, relative to all others' shares: no number of requests.
        nominal_concurrency_shares: i32,
        /// How much of its seats may be lent, in percent.
        lendable_percent: i32,
        /// How much may be borrowed, in percent of its own seats; `None` is without limit.
        borrowing_limit_percent: Option<i32>,
        /// What becomes of a request for which there is no seat.
        limit_response: LimitResponse,
    },
}

/// What becomes of a request for which there is no seat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitResponse {
    /// It gets a 429 at once.
    Reject,
    /// It waits in a queue.
    Queue(Queuing),
}

/// How a priority level queues.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Queuing {
    /// How many queues there are; 1 does without shuffle sharding.
    pub queues: i32,
    /// How many of the queues are dealt to each flow.
    pub hand_size: i32,
    /// How many requests may wait in a queue while no seat is free.
    pub queue_length_limit: i32,
}

/// The versions of `flowcontrol.apiserver.k8s.io`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum ApiVersion {
    /// Since 1.18, served up to 1.20.
    V1Alpha1,
    /// Since 1.20, served up to 1.25.
    V1Beta1,
    /// Since 1.23, served up to 1.28; `assuredConcurrencyShares` is what later is `nominalConcurrencyShares`.
    V1Beta2,
    /// Since 1.26, served up to 1.31.
    V1Beta3,
    /// Since 1.29.
    #[default]
    V1,
}

/// Where an object was read from, down to the line of each field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The file; `None` for what comes along with the program.
    pub file: Option<Arc<str>>,
    /// The API version that it was written in.
    pub api_version: ApiVersion,
    /// The line of each field that is written, from 1, by its path, as in `spec.rules[0].subjects[1].kind`; the object
    /// itself is the empty path.
    pub lines: BTreeMap<String, u64>,
    /// Whether a level's shares are written as 0, which its version takes for the default of 30.
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

    /// This configuration with the objects of another put into it, as `kubectl apply` does: those of the same name are
    /// replaced.
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

    /// Whether the level lets everything through.
    pub const fn is_exempt(&self) -> bool {
        matches!(self.kind, LevelKind::Exempt { .. })
    }

    /// How it queues; `None` where it doesn't.
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

    /// The first Kubernetes version that doesn't serve it any more; `None` for the one that stays.
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

impl Place {
    /// The line of a field, or of the nearest one around it that is written; `None` for what isn't from a file.
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

    /// Whether a field is written in the object, rather than left to its default.
    pub fn has(&self, path: &str) -> bool {
        self.lines.contains_key(path)
    }
}
