//! Whether one rule takes all that another one could match.
//!
//! Who is in which group follows what the server's authenticators give (`apiserver/pkg/authentication/user/user.go`,
//! `serviceaccount/util.go`): all service accounts, nodes and other users but `system:anonymous` are in
//! `system:authenticated`; service accounts are in `system:serviceaccounts` and in the group of their namespace. Of groups
//! that someone else gives nothing is known but that.

use super::super::{NonResourceRule, ResourceRule, Rule, Subject};

/// The group of all whose identity is known.
pub(super) const AUTHENTICATED: &str = "system:authenticated";
/// The group of all others.
pub(super) const UNAUTHENTICATED: &str = "system:unauthenticated";
/// The group of those that the server obeys in everything.
pub(super) const MASTERS: &str = "system:masters";
/// The group of kubelets.
pub(super) const NODES: &str = "system:nodes";
/// The group of all service accounts.
pub(super) const ACCOUNTS: &str = "system:serviceaccounts";

const ANONYMOUS: &str = "system:anonymous";
const ALL: &str = "*";

/// The least that is told apart of what a rule matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Piece<'r> {
    /// Who.
    pub(super) subject: &'r Subject,
    /// What.
    pub(super) what: What<'r>,
}

/// What a piece does to what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What<'r> {
    /// Something with a resource.
    Resource {
        /// The verb, or `*`.
        verb: &'r str,
        /// The API group, or `*`.
        api_group: &'r str,
        /// The resource with its subresource, or `*`.
        resource: &'r str,
        /// The namespace, or `*`; `None` is cluster scope.
        namespace: Option<&'r str>,
    },
    /// Something with a path.
    Path {
        /// The verb, or `*`.
        verb: &'r str,
        /// The path, or `*`.
        url: &'r str,
    },
}

/// The pieces of a rule, subject by subject.
pub(super) fn pieces(rule: &Rule) -> Vec<Piece<'_>> {
    let mut whats = Vec::new();
    for resources in &rule.resource_rules {
        whats.extend(resource_whats(resources));
    }
    for paths in &rule.non_resource_rules {
        whats.extend(path_whats(paths));
    }
    let of_subject = |subject| whats.iter().map(move |&what| Piece { subject, what });
    rule.subjects.iter().flat_map(of_subject).collect()
}

/// What a resource rule matches, piece by piece.
pub(super) fn resource_whats(rule: &ResourceRule) -> Vec<What<'_>> {
    let scopes: Vec<Option<&str>> =
        rule.namespaces.iter().map(|name| Some(name.as_str())).chain(rule.cluster_scope.then_some(None)).collect();
    let mut whats = Vec::new();
    for verb in &rule.verbs {
        for api_group in &rule.api_groups {
            for resource in &rule.resources {
                let what = |&namespace: &Option<_>| What::Resource { verb, api_group, resource, namespace };
                whats.extend(scopes.iter().map(what));
            }
        }
    }
    whats
}

fn path_whats(rule: &NonResourceRule) -> Vec<What<'_>> {
    let mut whats = Vec::new();
    for verb in &rule.verbs {
        whats.extend(rule.non_resource_urls.iter().map(|url| What::Path { verb, url }));
    }
    whats
}

/// Whether a rule matches all of a piece.
pub(super) fn takes(rule: &Rule, piece: &Piece<'_>) -> bool {
    rule.subjects.iter().any(|subject| covers(subject, piece.subject)) && does(rule, piece.what)
}

fn does(rule: &Rule, what: What<'_>) -> bool {
    match what {
        What::Resource { verb, api_group, resource, namespace } => rule.resource_rules.iter().any(|wide| {
            holds(&wide.verbs, verb)
                && holds(&wide.api_groups, api_group)
                && holds(&wide.resources, resource)
                && namespace.map_or(wide.cluster_scope, |namespace| holds(&wide.namespaces, namespace))
        }),
        What::Path { verb, url } => rule
            .non_resource_rules
            .iter()
            .any(|wide| holds(&wide.verbs, verb) && wide.non_resource_urls.iter().any(|wide| is_below(wide, url))),
    }
}

/// Whether a list of names holds one, or is for all.
pub(super) fn holds(list: &[String], name: &str) -> bool {
    matches!(list, [only] if only == ALL) || list.iter().any(|held| held == name)
}

/// Whether a path of a rule takes all that another one does.
fn is_below(wide: &str, narrow: &str) -> bool {
    if wide == ALL || wide == narrow {
        return true;
    }
    let folder = wide.strip_suffix('*').unwrap_or(wide);
    narrow.strip_prefix(folder).is_some_and(|rest| folder.ends_with('/') || rest.starts_with('/'))
}

/// Whether all who are the second subject are the first one too.
pub(super) fn covers(wide: &Subject, narrow: &Subject) -> bool {
    if wide == narrow || is_everybody(wide) {
        return true;
    }
    if is_everybody(narrow) {
        return false;
    }
    let account = account(narrow);
    if let (Some((wide, name)), Some((namespace, narrow))) = (self::account(wide), account) {
        return wide == namespace && (name.is_none() || name == narrow);
    }
    match (wide, narrow) {
        (Subject::Group(group), Subject::User(name)) if group == AUTHENTICATED => name != ANONYMOUS,
        (Subject::Group(group), Subject::Group(name)) if group == AUTHENTICATED => name != UNAUTHENTICATED,
        (Subject::Group(group), Subject::ServiceAccount { .. }) => group == AUTHENTICATED || group == ACCOUNTS,
        (Subject::Group(group), _) if group == ACCOUNTS => account.is_some(),
        (Subject::Group(group), Subject::User(name)) => match group.as_str() {
            UNAUTHENTICATED => name == ANONYMOUS,
            NODES => name.starts_with(NODE),
            MASTERS => name == "system:apiserver",
            _ => false,
        },
        _ => false,
    }
}

const NODE: &str = "system:node:";

/// Whether a request may match both rules, as far as can be known.
pub(super) fn may_share_requests(one: &Rule, other: &Rule) -> bool {
    let has_common_user =
        one.subjects.iter().any(|subject| other.subjects.iter().any(|theirs| may_overlap(subject, theirs)));
    let has_common_resource = || {
        let theirs = &other.resource_rules;
        one.resource_rules.iter().any(|rule| theirs.iter().any(|theirs| have_common_resource(rule, theirs)))
    };
    let has_common_path = || {
        let theirs = &other.non_resource_rules;
        one.non_resource_rules.iter().any(|rule| theirs.iter().any(|theirs| have_common_path(rule, theirs)))
    };
    has_common_user && (has_common_resource() || has_common_path())
}

fn have_common_resource(one: &ResourceRule, other: &ResourceRule) -> bool {
    let is_scope_common = one.cluster_scope && other.cluster_scope || meet(&one.namespaces, &other.namespaces);
    is_scope_common
        && meet(&one.verbs, &other.verbs)
        && meet(&one.api_groups, &other.api_groups)
        && meet(&one.resources, &other.resources)
}

fn have_common_path(one: &NonResourceRule, other: &NonResourceRule) -> bool {
    let has_common_url =
        |url: &String| other.non_resource_urls.iter().any(|theirs| is_below(url, theirs) || is_below(theirs, url));
    meet(&one.verbs, &other.verbs) && one.non_resource_urls.iter().any(has_common_url)
}

/// Whether two lists of names have one in common.
fn meet(one: &[String], other: &[String]) -> bool {
    one.iter().any(|name| holds(other, name)) || other.iter().any(|name| holds(one, name))
}

/// Whether someone may be both subjects, as far as can be known.
fn may_overlap(one: &Subject, other: &Subject) -> bool {
    if covers(one, other) || covers(other, one) {
        return true;
    }
    match (class(one), class(other)) {
        (Class::Known, _) | (_, Class::Known) => false,
        (Class::Anybody, Class::User) | (Class::User, Class::Anybody) | (Class::Anybody, Class::Anybody) => true,
        _ => false,
    }
}

/// How much is known of who is a subject.
enum Class {
    /// Whether others are among them is settled by [`covers`].
    Known,
    /// A person or a certificate, in groups that aren't known.
    User,
    /// A group whose members aren't known.
    Anybody,
}

fn class(subject: &Subject) -> Class {
    match subject {
        _ if account(subject).is_some() => Class::Known,
        Subject::User(name) if name.starts_with(NODE) || name == ANONYMOUS => Class::Known,
        Subject::Group(group) if [ACCOUNTS, NODES, UNAUTHENTICATED].contains(&group.as_str()) => Class::Known,
        Subject::User(_) => Class::User,
        _ => Class::Anybody,
    }
}

/// The resources of Kubernetes that have no namespace (`kubectl api-resources --namespaced=false`).
const CLUSTER_SCOPED: [&str; 22] = [
    "apiservices",
    "certificatesigningrequests",
    "clusterrolebindings",
    "clusterroles",
    "componentstatuses",
    "csidrivers",
    "csinodes",
    "customresourcedefinitions",
    "flowschemas",
    "ingressclasses",
    "mutatingwebhookconfigurations",
    "namespaces",
    "nodes",
    "persistentvolumes",
    "priorityclasses",
    "prioritylevelconfigurations",
    "runtimeclasses",
    "storageclasses",
    "subjectaccessreviews",
    "tokenreviews",
    "validatingwebhookconfigurations",
    "volumeattachments",
];

/// Whether a resource has no namespace, as far as it is one of Kubernetes' own.
pub(super) fn is_cluster_scoped(resource: &str) -> bool {
    CLUSTER_SCOPED.contains(&resource)
}

/// Whether a subject is all users there are.
pub(super) fn is_everybody(subject: &Subject) -> bool {
    matches!(subject, Subject::User(name) | Subject::Group(name) if name == ALL)
}

/// The namespace of the service accounts that a subject is, and the name if it is one alone.
pub(super) fn account(subject: &Subject) -> Option<(&str, Option<&str>)> {
    match subject {
        Subject::ServiceAccount { namespace, name } => Some((namespace, (name != ALL).then_some(name.as_str()))),
        Subject::Group(group) => group.strip_prefix("system:serviceaccounts:").map(|namespace| (namespace, None)),
        Subject::User(user) => {
            let (namespace, name) = user.strip_prefix("system:serviceaccount:")?.split_once(':')?;
            Some((namespace, Some(name)))
        }
    }
}

/// Whether a subject is one user and no more.
pub(super) fn is_one_user(subject: &Subject) -> bool {
    match subject {
        Subject::User(name) | Subject::ServiceAccount { name, .. } => name != ALL,
        Subject::Group(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(name: &str) -> Subject {
        Subject::User(name.into())
    }

    fn group(name: &str) -> Subject {
        Subject::Group(name.into())
    }

    fn service_account(namespace: &str, name: &str) -> Subject {
        Subject::ServiceAccount { namespace: namespace.into(), name: name.into() }
    }

    #[test]
    fn a_subject_covers_those_who_are_surely_among_it() {
        let x = || service_account("ns", "x");
        for (wide, narrow, expected) in [
            (group(AUTHENTICATED), x(), true),
            (group(AUTHENTICATED), user("system:node:n1"), true),
            (group(AUTHENTICATED), user("alice"), true),
            (group(AUTHENTICATED), user(ANONYMOUS), false),
            (group(AUTHENTICATED), user("*"), false),
            (group(AUTHENTICATED), group("developers"), true),
            (group(AUTHENTICATED), group(ACCOUNTS), true),
            (group(AUTHENTICATED), group(UNAUTHENTICATED), false),
            (group(AUTHENTICATED), group("*"), false),
            (group(UNAUTHENTICATED), user(ANONYMOUS), true),
            (group(UNAUTHENTICATED), user("alice"), false),
            (group(ACCOUNTS), x(), true),
            (group(ACCOUNTS), group("system:serviceaccounts:ns"), true),
            (group(ACCOUNTS), user("system:serviceaccount:ns:x"), true),
            (group(ACCOUNTS), user("alice"), false),
            (group(ACCOUNTS), group(AUTHENTICATED), false),
            (group("system:serviceaccounts:ns"), x(), true),
            (group("system:serviceaccounts:ns"), service_account("ns", "*"), true),
            (group("system:serviceaccounts:ns"), service_account("other", "x"), false),
            (service_account("ns", "*"), x(), true),
            (service_account("ns", "*"), user("system:serviceaccount:ns:x"), true),
            (service_account("ns", "*"), group("system:serviceaccounts:ns"), true),
            (service_account("ns", "*"), service_account("ns2", "x"), false),
            (x(), user("system:serviceaccount:ns:x"), true),
            (x(), service_account("ns", "*"), false),
            (user("system:serviceaccount:ns:x"), x(), true),
            (group(NODES), user("system:node:n1"), true),
            (group(NODES), user("alice"), false),
            (group("developers"), user("alice"), false),
            (user("*"), group(MASTERS), true),
            (group("*"), user(ANONYMOUS), true),
            (user("alice"), user("bob"), false),
        ] {
            assert_eq!(covers(&wide, &narrow), expected, "{wide:?} {narrow:?}");
        }
    }

    #[test]
    fn subjects_overlap_unless_it_is_known_that_they_do_not() {
        let x = || service_account("ns", "x");
        for (one, other, expected) in [
            (user("alice"), user("bob"), false),
            (user("alice"), group("developers"), true),
            (group("operators"), group("developers"), true),
            (x(), group("developers"), false),
            (x(), service_account("ns", "y"), false),
            (x(), group(NODES), false),
            (group(ACCOUNTS), group(NODES), false),
            (group(AUTHENTICATED), group(UNAUTHENTICATED), false),
            (x(), group(AUTHENTICATED), true),
            (x(), group(ACCOUNTS), true),
            (user("system:node:n1"), group(NODES), true),
        ] {
            assert_eq!(may_overlap(&one, &other), expected, "{one:?} {other:?}");
            assert_eq!(may_overlap(&other, &one), expected, "{other:?} {one:?}");
        }
    }

    #[test]
    fn a_rule_takes_a_piece_by_verb_group_resource_and_scope() {
        let texts = |list: &[&str]| list.iter().map(|&text| text.to_owned()).collect::<Vec<_>>();
        let rule = Rule {
            subjects: vec![group(AUTHENTICATED)],
            resource_rules: vec![ResourceRule {
                verbs: texts(&["list", "watch"]),
                api_groups: texts(&[""]),
                resources: texts(&["pods"]),
                namespaces: texts(&["*"]),
                cluster_scope: false,
            }],
            non_resource_rules: vec![NonResourceRule {
                verbs: texts(&["get"]),
                non_resource_urls: texts(&["/healthz", "/apis/*"]),
            }],
        };
        let alice = user("alice");
        let resource = |verb, resource, namespace| Piece {
            subject: &alice,
            what: What::Resource { verb, api_group: "", resource, namespace },
        };
        let path = |url| Piece { subject: &alice, what: What::Path { verb: "get", url } };
        for (piece, expected) in [
            (resource("list", "pods", Some("default")), true),
            (resource("list", "pods", Some("*")), true),
            (resource("list", "pods", None), false),
            (resource("*", "pods", Some("default")), false),
            (resource("list", "*", Some("default")), false),
            (resource("get", "pods", Some("default")), false),
            (path("/healthz"), true),
            (path("/healthz/*"), true),
            (path("/apis"), false),
            (path("/apis/apps"), true),
            (path("*"), false),
        ] {
            assert_eq!(takes(&rule, &piece), expected, "{piece:?}");
        }
        assert_eq!(pieces(&rule).len(), 4);
        assert!(pieces(&rule).iter().all(|piece| takes(&rule, piece)), "a rule takes its own pieces");
    }
}
