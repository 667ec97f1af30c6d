//! Whether one rule matches everything that another one could match.
//!
//! Group membership follows the server's authenticators (`apiserver/pkg/authentication/user/user.go`,
//! `serviceaccount/util.go`): all service accounts, nodes and other users except `system:anonymous` are in
//! `system:authenticated`; service accounts are in `system:serviceaccounts` and in the group of their namespace. Of
//! other groups nothing else is known.

use super::super::matching::{ALL, covers_path, includes};
use super::super::{NonResourceRule, ResourceRule, Rule, Subject};
use crate::kubernetes::{
    NODE_USER_PREFIX, SERVICE_ACCOUNT_GROUP_PREFIX, SYSTEM_ANONYMOUS, SYSTEM_APISERVER, SYSTEM_AUTHENTICATED,
    SYSTEM_MASTERS, SYSTEM_NODES, SYSTEM_SERVICE_ACCOUNTS, SYSTEM_UNAUTHENTICATED, ServiceAccount,
};

/// The smallest unit of what a rule matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Piece<'r> {
    /// The sender.
    pub(super) subject: &'r Subject,
    /// The request.
    pub(super) what: What<'r>,
}

/// The request of a piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What<'r> {
    /// A request for a resource.
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
    /// A request for a path.
    Path {
        /// The verb, or `*`.
        verb: &'r str,
        /// The path, or `*`.
        url: &'r str,
    },
}

/// Splits a rule into pieces, subject by subject.
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

/// Splits a resource rule into pieces.
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
            includes(&wide.verbs, verb)
                && includes(&wide.api_groups, api_group)
                && includes(&wide.resources, resource)
                && namespace.map_or(wide.cluster_scope, |namespace| includes(&wide.namespaces, namespace))
        }),
        What::Path { verb, url } => rule.non_resource_rules.iter().any(|wide| {
            includes(&wide.verbs, verb) && wide.non_resource_urls.iter().any(|wide| covers_path(wide, url))
        }),
    }
}

/// Whether the first subject includes everybody who is the second.
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
        (Subject::Group(group), Subject::User(name)) if group == SYSTEM_AUTHENTICATED => name != SYSTEM_ANONYMOUS,
        (Subject::Group(group), Subject::Group(name)) if group == SYSTEM_AUTHENTICATED => {
            name != SYSTEM_UNAUTHENTICATED
        }
        (Subject::Group(group), Subject::ServiceAccount { .. }) => {
            group == SYSTEM_AUTHENTICATED || group == SYSTEM_SERVICE_ACCOUNTS
        }
        (Subject::Group(group), _) if group == SYSTEM_SERVICE_ACCOUNTS => account.is_some(),
        (Subject::Group(group), Subject::User(name)) => match group.as_str() {
            SYSTEM_UNAUTHENTICATED => name == SYSTEM_ANONYMOUS,
            SYSTEM_NODES => name.starts_with(NODE_USER_PREFIX),
            SYSTEM_MASTERS => name == SYSTEM_APISERVER,
            _ => false,
        },
        _ => false,
    }
}

/// Whether a request may match both rules, as far as is known.
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
    let has_common_url = |url: &String| {
        other.non_resource_urls.iter().any(|theirs| covers_path(url, theirs) || covers_path(theirs, url))
    };
    meet(&one.verbs, &other.verbs) && one.non_resource_urls.iter().any(has_common_url)
}

/// Whether two lists of names have one in common.
fn meet(one: &[String], other: &[String]) -> bool {
    one.iter().any(|name| includes(other, name)) || other.iter().any(|name| includes(one, name))
}

/// Whether a user may be both subjects, as far as is known.
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

/// How much is known about the members of a subject.
enum Class {
    /// Fully known: [`covers`] decides about others.
    Known,
    /// A person or a certificate, whose groups are unknown.
    User,
    /// A group whose members are unknown.
    Anybody,
}

fn class(subject: &Subject) -> Class {
    match subject {
        _ if account(subject).is_some() => Class::Known,
        Subject::User(name) if name.starts_with(NODE_USER_PREFIX) || name == SYSTEM_ANONYMOUS => Class::Known,
        Subject::Group(group)
            if [SYSTEM_SERVICE_ACCOUNTS, SYSTEM_NODES, SYSTEM_UNAUTHENTICATED].contains(&group.as_str()) =>
        {
            Class::Known
        }
        Subject::User(_) => Class::User,
        _ => Class::Anybody,
    }
}

/// Whether a subject is everybody.
pub(super) fn is_everybody(subject: &Subject) -> bool {
    matches!(subject, Subject::User(name) | Subject::Group(name) if name == ALL)
}

/// The namespace of the service accounts that a subject includes, and the name if it is a single one.
pub(super) fn account(subject: &Subject) -> Option<(&str, Option<&str>)> {
    match subject {
        Subject::ServiceAccount { namespace, name } => Some((namespace, (name != ALL).then_some(name.as_str()))),
        Subject::Group(group) => group.strip_prefix(SERVICE_ACCOUNT_GROUP_PREFIX).map(|namespace| (namespace, None)),
        Subject::User(user) => {
            let ServiceAccount { namespace, name } = ServiceAccount::parse(user)?;
            Some((namespace, Some(name)))
        }
    }
}

/// Whether a subject is exactly one user.
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
            (group(SYSTEM_AUTHENTICATED), x(), true),
            (group(SYSTEM_AUTHENTICATED), user("system:node:n1"), true),
            (group(SYSTEM_AUTHENTICATED), user("alice"), true),
            (group(SYSTEM_AUTHENTICATED), user(SYSTEM_ANONYMOUS), false),
            (group(SYSTEM_AUTHENTICATED), user("*"), false),
            (group(SYSTEM_AUTHENTICATED), group("developers"), true),
            (group(SYSTEM_AUTHENTICATED), group(SYSTEM_SERVICE_ACCOUNTS), true),
            (group(SYSTEM_AUTHENTICATED), group(SYSTEM_UNAUTHENTICATED), false),
            (group(SYSTEM_AUTHENTICATED), group("*"), false),
            (group(SYSTEM_UNAUTHENTICATED), user(SYSTEM_ANONYMOUS), true),
            (group(SYSTEM_UNAUTHENTICATED), user("alice"), false),
            (group(SYSTEM_SERVICE_ACCOUNTS), x(), true),
            (group(SYSTEM_SERVICE_ACCOUNTS), group("system:serviceaccounts:ns"), true),
            (group(SYSTEM_SERVICE_ACCOUNTS), user("system:serviceaccount:ns:x"), true),
            (group(SYSTEM_SERVICE_ACCOUNTS), user("alice"), false),
            (group(SYSTEM_SERVICE_ACCOUNTS), group(SYSTEM_AUTHENTICATED), false),
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
            (group(SYSTEM_NODES), user("system:node:n1"), true),
            (group(SYSTEM_NODES), user("alice"), false),
            (group("developers"), user("alice"), false),
            (user("*"), group(SYSTEM_MASTERS), true),
            (group("*"), user(SYSTEM_ANONYMOUS), true),
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
            (x(), group(SYSTEM_NODES), false),
            (group(SYSTEM_SERVICE_ACCOUNTS), group(SYSTEM_NODES), false),
            (group(SYSTEM_AUTHENTICATED), group(SYSTEM_UNAUTHENTICATED), false),
            (x(), group(SYSTEM_AUTHENTICATED), true),
            (x(), group(SYSTEM_SERVICE_ACCOUNTS), true),
            (user("system:node:n1"), group(SYSTEM_NODES), true),
        ] {
            assert_eq!(may_overlap(&one, &other), expected, "{one:?} {other:?}");
            assert_eq!(may_overlap(&other, &one), expected, "{other:?} {one:?}");
        }
    }

    #[test]
    fn a_rule_takes_a_piece_by_verb_group_resource_and_scope() {
        let texts = |list: &[&str]| list.iter().map(|&text| text.to_owned()).collect::<Vec<_>>();
        let rule = Rule {
            subjects: vec![group(SYSTEM_AUTHENTICATED)],
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
