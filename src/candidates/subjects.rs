//! The narrowest subjects that select the users of a storm.

use std::collections::BTreeSet;

use super::{CandidateRejection, DraftNote, ProposalInput, RequestGroup};
use crate::apf::Subject;

/// The group of all kubelets.
const NODES: &str = "system:nodes";
const NODE_USER: &str = "system:node:";
const SERVICE_ACCOUNT: &str = "system:serviceaccount:";
/// Groups that everybody is in.
const EVERYBODY: [&str; 3] = ["system:authenticated", "system:unauthenticated", "system:serviceaccounts"];
/// More users than this are selected by a group.
const MOST_SUBJECTS: usize = 20;
/// The narrowest subjects of these requests' users.
pub(super) fn find_subjects(
    input: &ProposalInput<'_>,
    requests: &[&RequestGroup<'_>],
    notes: &mut BTreeSet<DraftNote>,
) -> Result<BTreeSet<Subject>, CandidateRejection> {
    let users: BTreeSet<&str> = requests.iter().map(|requests| requests.digest.user.as_str()).collect();
    if users.contains("") {
        return Err(CandidateRejection::UnknownUser);
    }
    if users.contains("*") {
        return Err(CandidateRejection::WildcardUser);
    }
    let subjects: BTreeSet<Subject> = users.iter().map(|user| subject_of(user)).collect();
    if subjects.len() <= MOST_SUBJECTS {
        return Ok(subjects);
    }
    let user_count = users.len();
    let group = find_common_group(input, requests).ok_or(CandidateRejection::NoCommonGroup { user_count })?;
    notes.insert(DraftNote::SelectsGroup { group: group.clone(), user_count });
    Ok(BTreeSet::from([Subject::Group(group)]))
}

/// The narrowest subject of a user. A name that no service account can have is taken for that of another user.
fn subject_of(user: &str) -> Subject {
    let account = user.strip_prefix(SERVICE_ACCOUNT).and_then(|account| account.split_once(':'));
    match account {
        Some((namespace, name))
            if is_dns_label(namespace) && name.split('.').all(is_dns_label) && name.len() <= 253 =>
        {
            Subject::ServiceAccount { namespace: namespace.to_owned(), name: name.to_owned() }
        }
        None if user.starts_with(NODE_USER) => Subject::Group(NODES.to_owned()),
        _ => Subject::User(user.to_owned()),
    }
}

/// Whether a text is a DNS-1123 label (`apimachinery/pkg/util/validation`, `IsDNS1123Label`).
fn is_dns_label(text: &str) -> bool {
    let is_inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    (1..=63).contains(&text.len()) && text.chars().all(is_inner) && !text.starts_with('-') && !text.ends_with('-')
}

/// Of the groups that all these users are in, and not everybody, the one with the fewest users of the log.
fn find_common_group(input: &ProposalInput<'_>, requests: &[&RequestGroup<'_>]) -> Option<String> {
    let first = requests.first()?;
    let has_all = |group: &&String| requests.iter().all(|requests| requests.digest.groups.contains(group));
    let members = |group: &String| -> usize {
        let of_group = input.requests.iter().filter(|requests| requests.digest.groups.contains(group));
        of_group.map(|requests| requests.digest.user.as_str()).collect::<BTreeSet<_>>().len()
    };
    let shared = first.digest.groups.iter().filter(has_all).filter(|group| !EVERYBODY.contains(&group.as_str()));
    shared.min_by_key(|group| (members(group), (*group).clone())).cloned()
}
