//! Why a storm has no candidate.

use serde::Serialize;

use super::ClientRef;
use crate::apf::Subject;

/// A storm without a candidate.
#[derive(Clone, Debug, PartialEq)]
pub struct RejectedCandidate {
    /// The finding, by its index.
    pub finding: usize,
    /// Why there is no candidate.
    pub reason: CandidateRejection,
}

/// Why a storm has no candidate.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum CandidateRejection {
    /// Many clients take part: a limit for all of them would be one for the whole cluster.
    ManyClients,
    /// It only reads the API's own description, which costs little.
    DiscoveryOnly,
    /// It has no LIST: a watch from a resource version costs one seat for a moment.
    NoLists,
    /// None of its requests reached API Priority and Fairness.
    NeverReachedApf,
    /// All its users are in `system:masters`, which is never limited.
    ExemptCredentials {
        /// The users, at most three.
        users: Vec<String>,
    },
    /// The log doesn't name its user.
    UnknownUser,
    /// Its user is called `*`, which as a subject selects everybody.
    WildcardUser,
    /// It has too many users to name, and no group has all of them.
    NoCommonGroup {
        /// Users in the log.
        user_count: usize,
    },
    /// Its client belongs to the control plane, which is never limited.
    ControlPlane(ClientRef),
    /// Its user belongs to the cluster itself, which is limited only on request.
    SystemSubject {
        /// The user, group or service account.
        #[serde(serialize_with = "subject_name")]
        subject: Subject,
    },
    /// Its client belongs to the cluster itself, which is limited only on request.
    SystemClient(ClientRef),
    /// There is no free `matchingPrecedence` before the FlowSchemas that match it today.
    NoFreePrecedence {
        /// These FlowSchemas.
        flow_schemas: Vec<String>,
    },
    /// One LIST alone holds more than the budget.
    ListExceedsBudget {
        /// Memory that one LIST holds, at least, in bytes.
        list_low_bytes: u64,
        /// The budget, in bytes.
        budget_bytes: u64,
    },
    /// The server would accept no priority level that lets one of its LISTs run.
    NoValidLevel,
    /// No size of a limit helps in the replay.
    NoSizeHelps {
        /// Sizes that were tried.
        tried: usize,
    },
}

/// `namespace/name` of a service account, else the name.
fn subject_name<S: serde::Serializer>(subject: &Subject, serializer: S) -> Result<S::Ok, S::Error> {
    match subject {
        Subject::User(name) | Subject::Group(name) => serializer.serialize_str(name),
        Subject::ServiceAccount { namespace, name } => serializer.collect_str(&format_args!("{namespace}/{name}")),
    }
}
