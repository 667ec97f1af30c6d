//! Who sends the requests: from user, groups and user agent to a client and its type.
//!
//! The apiserver vouches for the user; the user agent is whatever the client wrote into a header. So the identity
//! decides, the user agent confirms it or fills its gaps, and where the two contradict each other the identity stays
//! and the contradiction is reported. What is known about clients is data, in the [`Catalogue`]; how evidence is
//! weighed is in [`classify`](Catalogue::classify).

mod agent;
mod catalogue;
mod classify;
mod shared_program;

use std::fmt;

use serde::{Deserialize, Deserializer};

pub use agent::Agent;
pub use catalogue::{Catalogue, CatalogueError, Origin, Problem, Rule, Runs};
pub use shared_program::name_shared_programs;

/// What kind of client sends a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ClientType {
    /// The kubelet of a node, also while it gets its first certificate.
    Kubelet,
    /// kube-proxy on a node.
    KubeProxy,
    /// Pod networks: their agents on nodes and their controllers.
    Cni,
    /// Prometheus servers.
    Prometheus,
    /// The rest of monitoring: exporters, collectors, adapters.
    Monitoring,
    /// kube-apiserver to itself, and aggregated API servers.
    Apiserver,
    /// kube-controller-manager: as a whole, or one of its controllers by its service account.
    ControllerManager,
    /// kube-scheduler and other schedulers.
    Scheduler,
    /// Cloud providers' controllers, and what a managed control plane runs for itself.
    CloudController,
    /// Autoscalers of nodes and pods.
    Autoscaler,
    /// DNS servers in the cluster, and what publishes to those outside.
    Dns,
    /// Storage drivers and their sidecars.
    Csi,
    /// Ingress controllers and gateways.
    Ingress,
    /// Service meshes.
    Mesh,
    /// Policy engines and security scanners.
    PolicyEngine,
    /// What brings a cluster to the state in a repository.
    Gitops,
    /// Backup.
    Backup,
    /// Log shippers.
    Logging,
    /// Operators and controllers of custom resources.
    Operator,
    /// People at their tools: kubectl, dashboards.
    Kubectl,
    /// CI, deployment tools, tests.
    Automation,
    /// A program that is known only by the library it uses.
    Sdk,
    /// Health checks.
    Probe,
    /// None of these, as far as is known.
    Unknown,
}

impl ClientType {
    /// Every type, in the order in which people read them.
    pub const ALL: [Self; 24] = [
        Self::Kubelet,
        Self::KubeProxy,
        Self::Cni,
        Self::Prometheus,
        Self::Monitoring,
        Self::Apiserver,
        Self::ControllerManager,
        Self::Scheduler,
        Self::CloudController,
        Self::Autoscaler,
        Self::Dns,
        Self::Csi,
        Self::Ingress,
        Self::Mesh,
        Self::PolicyEngine,
        Self::Gitops,
        Self::Backup,
        Self::Logging,
        Self::Operator,
        Self::Kubectl,
        Self::Automation,
        Self::Sdk,
        Self::Probe,
        Self::Unknown,
    ];

    /// The type's name, in the catalogue and in the `client_type` column.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Kubelet => "kubelet",
            Self::KubeProxy => "kube-proxy",
            Self::Cni => "cni",
            Self::Prometheus => "prometheus",
            Self::Monitoring => "monitoring",
            Self::Apiserver => "apiserver",
            Self::ControllerManager => "controller-manager",
            Self::Scheduler => "scheduler",
            Self::CloudController => "cloud-controller",
            Self::Autoscaler => "autoscaler",
            Self::Dns => "dns",
            Self::Csi => "csi",
            Self::Ingress => "ingress",
            Self::Mesh => "mesh",
            Self::PolicyEngine => "policy-engine",
            Self::Gitops => "gitops",
            Self::Backup => "backup",
            Self::Logging => "logging",
            Self::Operator => "operator",
            Self::Kubectl => "kubectl",
            Self::Automation => "automation",
            Self::Sdk => "sdk",
            Self::Probe => "probe",
            Self::Unknown => "unknown",
        }
    }

    /// Whether a cluster can do without such a client for an hour: nodes, pods and their network stay as they are. Of what isn't
    /// known nobody can tell, so it can't.
    pub const fn can_be_spared(self) -> bool {
        matches!(
            self,
            Self::Prometheus
                | Self::Monitoring
                | Self::Autoscaler
                | Self::PolicyEngine
                | Self::Gitops
                | Self::Backup
                | Self::Logging
                | Self::Operator
                | Self::Kubectl
                | Self::Automation
                | Self::Sdk
        )
    }

    /// The type of a name; `None` when there is no such type.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|client_type| client_type.name() == name)
    }
}

impl fmt::Display for ClientType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl<'de> Deserialize<'de> for ClientType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Self::named(&name).ok_or_else(|| serde::de::Error::custom(format!("no client type is named {name}")))
    }
}

/// How far a classification can be trusted; the better one is the greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Confidence {
    /// It rests on the user agent's claim alone, or on nothing.
    Low,
    /// It rests on the identity alone; a user agent that names only a library takes nothing away from that.
    Medium,
    /// Identity and user agent agree.
    High,
}

impl Confidence {
    /// The name in the `confidence` column.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

impl fmt::Display for Confidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// One (user, user agent) pair, and the shape of its requests: a row of the query that feeds the classification.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Identity {
    /// The authenticated user; `None` when authentication failed or the log leaves it out.
    pub user_name: Option<String>,
    /// The user's groups. Empty when the log leaves them out, since every request that was authenticated has one.
    #[serde(deserialize_with = "null_as_empty")]
    pub user_groups: Vec<String>,
    /// The user agent; `None` when the client sent none or the log leaves it out.
    pub user_agent: Option<String>,
    /// One of the pods whose tokens were used; `None` for users without pods and tokens that name none.
    pub pod_name: Option<String>,
    /// Distinct pods, else nodes, else addresses, that the requests came from.
    pub instance_count: i64,
    /// LISTs.
    pub list_count: i64,
    /// Watches.
    pub watch_count: i64,
    /// All requests.
    pub request_count: i64,
    /// LISTs and watches whose field selector names one node (`spec.nodeName=`).
    pub node_scoped_count: i64,
    /// Watches with both `timeout` and `timeoutSeconds`, as client-go's generated informers send them.
    pub typed_informer_count: i64,
    /// Watches with `allowWatchBookmarks=true`, as every reflector sends them.
    pub reflector_count: i64,
    /// LISTs of a whole collection without limit and version.
    pub full_list_count: i64,
}

/// Reads a list that may be null.
fn null_as_empty<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    Ok(Option::<Vec<String>>::deserialize(deserializer)?.unwrap_or_default())
}

/// Who an [`Identity`] is taken to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Classification {
    /// The kind of client.
    pub client_type: ClientType,
    /// The client within its type, such as `calico-node`. Never empty: what has no known name goes by its service
    /// account, user or binary, and a request without a user as `(unauthenticated)`.
    pub client: String,
    /// How far this can be trusted.
    pub confidence: Confidence,
    /// What it rests on, in a sentence.
    pub evidence: String,
    /// The rule that decided, such as `calico-node (built-in line 120)`; `None` when none did.
    pub rule: Option<String>,
    /// The client that the user agent claims to be, when the identity contradicts that; `None` when nothing does.
    pub claimed: Option<String>,
    /// A remedy of the client's own against LIST storms; `None` when none is known.
    pub advice: Option<String>,
    /// How many instances to expect.
    pub runs: Runs,
}

impl Classification {
    /// Whether the user agent claims to be somebody that the identity says it isn't: either a client that lies, or two
    /// clients behind one identity, which APF can't tell apart.
    pub const fn is_mismatch(&self) -> bool {
        self.claimed.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_is_found_by_its_name_and_sorts_as_listed() {
        for client_type in ClientType::ALL {
            assert_eq!(ClientType::named(client_type.name()), Some(client_type));
        }
        assert!(ClientType::ALL.is_sorted());
        assert_eq!(ClientType::named("Kubelet"), None);
        assert!(Confidence::High > Confidence::Medium && Confidence::Medium > Confidence::Low);
    }

    #[test]
    fn a_row_may_have_nulls_and_gaps() {
        let yaml = "{user_name: null, user_groups: null, list_count: 3}";
        let identity: Identity = serde_saphyr::from_str(yaml).unwrap();
        assert_eq!(identity, Identity { list_count: 3, ..Identity::default() });
    }
}
