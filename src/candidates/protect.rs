//! What a cluster lives by, and no candidate limits, or only if that is asked for.

use std::collections::BTreeSet;

use super::select::subject_words;
use super::{Requests, Situation};
use crate::apf::Subject;
use crate::kubernetes::SYSTEM_MASTERS;

/// Types of clients that no cluster can do without for a moment.
const CONTROL_PLANE: [&str; 4] = ["apiserver", "controller-manager", "scheduler", "cloud-controller"];
/// Types of clients that belong to the cluster itself, wherever they run.
const SYSTEM: [&str; 6] = ["kubelet", "kube-proxy", "cni", "csi", "dns", "autoscaler"];
/// Namespaces of the cluster itself begin like this.
const SYSTEM_NAMESPACES: [&str; 2] = ["kube-", "openshift-"];

/// Whether requests come with credentials that pass by every limit.
pub(super) fn is_master(requests: &Requests<'_>) -> bool {
    requests.digest.groups.iter().any(|group| group == SYSTEM_MASTERS)
}

/// Fails where those subjects, or whose requests these are, must not be limited.
pub(super) fn check(
    situation: &Situation<'_>,
    subjects: &BTreeSet<Subject>,
    requests: &[&Requests<'_>],
) -> Result<(), String> {
    if let Some(requests) = requests.iter().find(|requests| CONTROL_PLANE.contains(&requests.client_type)) {
        return Err(format!(
            "it is of {} ({}), which a cluster can't do without",
            requests.client, requests.client_type
        ));
    }
    if situation.includes_system {
        return Ok(());
    }
    let is_system = |subject: &&Subject| match subject {
        Subject::Group(name) | Subject::User(name) => name.starts_with("system:"),
        Subject::ServiceAccount { namespace, .. } => {
            SYSTEM_NAMESPACES.iter().any(|prefix| namespace.starts_with(prefix))
        }
    };
    if let Some(subject) = subjects.iter().find(is_system) {
        return Err(format!(
            "it is of {}, which belongs to the cluster itself: only --include-system limits that",
            subject_words(subject)
        ));
    }
    match requests.iter().find(|requests| SYSTEM.contains(&requests.client_type)) {
        None => Ok(()),
        Some(requests) => Err(format!(
            "it is of {} ({}), which belongs to the cluster itself: only --include-system limits that",
            requests.client, requests.client_type
        )),
    }
}
