//! Clients that no candidate limits, since a cluster depends on them, and clients that are limited only on request.

use std::collections::BTreeSet;

use super::{CandidateRejection, ClientRef, ProposalInput, RequestGroup};
use crate::apf::Subject;
use crate::kubernetes::SYSTEM_MASTERS;

/// Types of clients that no cluster can do without for a moment.
const CONTROL_PLANE: [&str; 4] = ["apiserver", "controller-manager", "scheduler", "cloud-controller"];
/// Types of clients that belong to the cluster itself, wherever they run.
const SYSTEM: [&str; 6] = ["kubelet", "kube-proxy", "cni", "csi", "dns", "autoscaler"];
/// Namespaces of the cluster itself begin like this.
const SYSTEM_NAMESPACES: [&str; 2] = ["kube-", "openshift-"];

/// Whether requests come with credentials that pass by every limit.
pub(super) fn is_master(requests: &RequestGroup<'_>) -> bool {
    requests.digest.groups.iter().any(|group| group == SYSTEM_MASTERS)
}

/// Fails where those subjects, or the clients of these requests, must not be limited.
pub(super) fn check(
    input: &ProposalInput<'_>,
    subjects: &BTreeSet<Subject>,
    requests: &[&RequestGroup<'_>],
) -> Result<(), CandidateRejection> {
    let client_of = |types: &[&str]| {
        let of_type = requests.iter().find(|requests| types.contains(&requests.client_type))?;
        Some(ClientRef { client: of_type.client.to_owned(), client_type: of_type.client_type.to_owned() })
    };
    if let Some(client) = client_of(&CONTROL_PLANE) {
        return Err(CandidateRejection::ControlPlane(client));
    }
    if input.includes_system {
        return Ok(());
    }
    let is_system = |subject: &&Subject| match subject {
        Subject::Group(name) | Subject::User(name) => name.starts_with("system:"),
        Subject::ServiceAccount { namespace, .. } => {
            SYSTEM_NAMESPACES.iter().any(|prefix| namespace.starts_with(prefix))
        }
    };
    if let Some(subject) = subjects.iter().find(is_system) {
        return Err(CandidateRejection::SystemSubject { subject: subject.clone() });
    }
    client_of(&SYSTEM).map_or(Ok(()), |client| Err(CandidateRejection::SystemClient(client)))
}
