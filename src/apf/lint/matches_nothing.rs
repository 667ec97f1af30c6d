//! Names that the server accepts but that no request ever has.
//!
//! The server compares resources, as `resource` or `resource/subresource`, users and groups as plain strings, without
//! patterns (`apiserver/pkg/util/flowcontrol/rule.go`).

use super::super::{FlowSchema, NonResourceRule, ResourceRule, Subject, describe_subject};
use super::context::{Context, listed};
use super::{LintFinding, LintRule, LintSeverity, Words};
use crate::kubernetes::{
    NODE_USER_PREFIX, SERVICE_ACCOUNT_GROUP_PREFIX, SERVICE_ACCOUNT_USER_PREFIX, SYSTEM_ANONYMOUS,
    SYSTEM_AUTHENTICATED, SYSTEM_KUBE_CONTROLLER_MANAGER, SYSTEM_KUBE_SCHEDULER, SYSTEM_MASTERS, SYSTEM_NODES,
    SYSTEM_SERVICE_ACCOUNTS, SYSTEM_UNAUTHENTICATED, is_cluster_scoped,
};

pub(super) const RULE: LintRule = LintRule {
    name: "matches-nothing",
    reason: "Subjects, API groups and resources are compared as plain strings, and the server accepts any name. There are no patterns such as pods/* or a user name with a trailing star, and the path of a resource is never matched by nonResourceRules.",
    check,
};

/// A field that can't match, and why.
struct Dead {
    field: String,
    message: String,
    fix: String,
}

fn check(context: &Context<'_>) -> Vec<LintFinding> {
    let mut findings = Vec::new();
    for schema in &context.schemas {
        for dead in dead(schema) {
            let words = Words { message: dead.message, effect: "no request ever matches it".into(), fix: dead.fix };
            findings.push(RULE.finding(LintSeverity::Warning, *schema, dead.field, words));
        }
    }
    findings
}

fn dead(schema: &FlowSchema) -> Vec<Dead> {
    if schema.rules.is_empty() {
        let message = "has no rules".to_owned();
        return vec![Dead { field: "spec.rules".into(), message, fix: "add a rule, or remove the FlowSchema".into() }];
    }
    let mut all = Vec::new();
    for (index, rule) in schema.rules.iter().enumerate() {
        for (inner, subject) in rule.subjects.iter().enumerate() {
            all.extend(dead_subject(subject, format!("spec.rules[{index}].subjects[{inner}]")));
        }
        for (inner, resources) in rule.resource_rules.iter().enumerate() {
            all.extend(dead_resources(resources, &format!("spec.rules[{index}].resourceRules[{inner}]")));
        }
        for (inner, paths) in rule.non_resource_rules.iter().enumerate() {
            all.extend(dead_paths(paths, &format!("spec.rules[{index}].nonResourceRules[{inner}]")));
        }
    }
    all
}

/// The groups that the server itself adds to users.
const SERVER_GROUPS: [&str; 5] =
    [SYSTEM_SERVICE_ACCOUNTS, SYSTEM_AUTHENTICATED, SYSTEM_MASTERS, SYSTEM_NODES, SYSTEM_UNAUTHENTICATED];

fn dead_subject(subject: &Subject, field: String) -> Option<Dead> {
    const USERS: [&str; 5] = [
        SERVICE_ACCOUNT_USER_PREFIX,
        NODE_USER_PREFIX,
        SYSTEM_ANONYMOUS,
        SYSTEM_KUBE_SCHEDULER,
        SYSTEM_KUBE_CONTROLLER_MANAGER,
    ];
    let (message, fix) = match subject {
        Subject::User(name) | Subject::Group(name) if name.contains('*') && name != "*" => (
            format!("{} contains *, which is not a wildcard here", describe_subject(subject)),
            "name each user, or a group they share, such as system:nodes or system:serviceaccounts:<namespace>",
        ),
        Subject::User(name)
            if SERVER_GROUPS.contains(&name.as_str()) || name.starts_with(SERVICE_ACCOUNT_GROUP_PREFIX) =>
        {
            (format!("{name} is a group, not a user"), "use kind: Group")
        }
        Subject::Group(name) if USERS.iter().any(|user| name.starts_with(user)) => {
            (format!("{name} is a user, not a group"), "use kind: User, or kind: ServiceAccount for a service account")
        }
        Subject::Group(name) => {
            let meant = near_miss(name)?;
            return Some(Dead {
                field,
                message: format!("the server never assigns the group {name}"),
                fix: format!("write {meant}, if that is what you mean"),
            });
        }
        _ => return None,
    };
    Some(Dead { field, message, fix: fix.into() })
}

/// The server's own group that a name was probably meant to be: up to two letters differ, or a word was added. Other
/// names that start with `system:` may be real groups.
fn near_miss(name: &str) -> Option<String> {
    let system = name.get(..7).filter(|system| system.eq_ignore_ascii_case("system:"))?;
    // What follows, such as the namespace of service accounts, is kept.
    let end = name[system.len()..].find(':').map_or(name.len(), |colon| system.len() + colon);
    let (head, rest) = name.split_at(end);
    if SERVER_GROUPS.contains(&head) {
        return (rest == ":").then(|| head.to_owned());
    }
    let lower = head.to_lowercase();
    let has_word_added = |own: &&str| lower.strip_prefix(own).is_some_and(|added| added.starts_with(['-', '_', ' ']));
    let nearest =
        SERVER_GROUPS.into_iter().min_by_key(|own| distance(own, &lower)).filter(|own| distance(own, &lower) <= 2);
    let meant = nearest.or_else(|| SERVER_GROUPS.into_iter().find(has_word_added))?;
    Some(format!("{meant}{rest}"))
}

/// The edit distance of two names: how many letters must be added, removed or changed.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (index, letter) in one.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], index + 1);
        for (inner, theirs) in other.iter().enumerate() {
            let changed = diagonal + usize::from(letter != *theirs);
            diagonal = row[inner + 1];
            row[inner + 1] = changed.min(diagonal + 1).min(row[inner] + 1);
        }
    }
    row[other.len()]
}

fn dead_resources(rule: &ResourceRule, field: &str) -> Vec<Dead> {
    let mut all = Vec::new();
    for (index, resource) in rule.resources.iter().enumerate() {
        let found = dead_resource(resource).or_else(|| foreign_group(resource, &rule.api_groups));
        let dead = |(message, fix)| Dead { field: format!("{field}.resources[{index}]"), message, fix };
        all.extend(found.map(dead));
    }
    for (index, group) in rule.api_groups.iter().enumerate().filter(|(_, group)| is_no_group(group)) {
        all.push(Dead {
            field: format!("{field}.apiGroups[{index}]"),
            message: format!("\"{group}\" is not an API group"),
            fix: "write the group without a version; the core group is \"\"".into(),
        });
    }
    let all_without_namespace = || rule.resources.iter().all(|name| is_cluster_scoped(name) && name != "namespaces");
    if !rule.cluster_scope && !rule.resources.is_empty() && all_without_namespace() {
        all.push(Dead {
            field: format!("{field}.clusterScope"),
            message: format!(
                "doesn't match {}: they are cluster-scoped, and clusterScope is not true",
                listed(&rule.resources)
            ),
            fix: "set clusterScope: true".into(),
        });
    }
    all
}

/// kubectl's short names of common resources (`kubectl api-resources`).
const SHORT_NAMES: [(&str, &str); 22] = [
    ("cj", "cronjobs"),
    ("cm", "configmaps"),
    ("crd", "customresourcedefinitions"),
    ("csr", "certificatesigningrequests"),
    ("deploy", "deployments"),
    ("ds", "daemonsets"),
    ("ep", "endpoints"),
    ("ev", "events"),
    ("hpa", "horizontalpodautoscalers"),
    ("ing", "ingresses"),
    ("netpol", "networkpolicies"),
    ("no", "nodes"),
    ("ns", "namespaces"),
    ("pdb", "poddisruptionbudgets"),
    ("po", "pods"),
    ("pv", "persistentvolumes"),
    ("pvc", "persistentvolumeclaims"),
    ("rc", "replicationcontrollers"),
    ("rs", "replicasets"),
    ("sa", "serviceaccounts"),
    ("sts", "statefulsets"),
    ("svc", "services"),
];

/// Why no request has this resource, and what to write instead.
fn dead_resource(resource: &str) -> Option<(String, String)> {
    const SINGULARS: [&str; 16] = [
        "pod",
        "node",
        "service",
        "configmap",
        "secret",
        "event",
        "namespace",
        "deployment",
        "replicaset",
        "daemonset",
        "statefulset",
        "job",
        "cronjob",
        "lease",
        "endpointslice",
        "serviceaccount",
    ];
    const OUTSIDE: [&str; 8] = [
        "pods/attach",
        "pods/exec",
        "pods/log",
        "pods/portforward",
        "pods/proxy",
        "nodes/proxy",
        "services/proxy",
        "pods/logs",
    ];
    if resource == "*" {
        None
    } else if resource.contains('*') {
        let fix = "name each subresource, such as pods/status; \"*\" alone matches all resources and subresources";
        Some((format!("\"{resource}\" contains *, which is not a wildcard here"), fix.into()))
    } else if resource.contains(|letter: char| letter.is_ascii_uppercase()) {
        Some((
            format!("\"{resource}\" is not a resource: resource names are in lower case"),
            "write it in lower case and in the plural".into(),
        ))
    } else if let Some((_, whole)) = SHORT_NAMES.iter().find(|(short, _)| *short == resource) {
        Some((
            format!("\"{resource}\" is a kubectl short name for {whole}, which the server does not know"),
            format!("write {whole}"),
        ))
    } else if SINGULARS.contains(&resource) {
        Some((
            format!("\"{resource}\" is not a resource: resource names are in the plural"),
            format!("write {resource}s"),
        ))
    } else if resource.contains('.') {
        let fix = "write only the resource here, and its group in apiGroups";
        Some((format!("\"{resource}\" is not a resource: the group belongs in apiGroups"), fix.into()))
    } else if OUTSIDE.contains(&resource) {
        let fix = "remove it: such requests are long-running and can't be limited";
        Some((format!("requests for {resource} bypass API Priority and Fairness"), fix.into()))
    } else {
        None
    }
}

/// Built-in API groups and their common resources.
const GROUPS: [(&str, &[&str]); 9] = [
    (
        "",
        &[
            "pods",
            "nodes",
            "services",
            "endpoints",
            "configmaps",
            "secrets",
            "events",
            "namespaces",
            "persistentvolumes",
            "persistentvolumeclaims",
            "serviceaccounts",
            "replicationcontrollers",
        ],
    ),
    ("apps", &["deployments", "replicasets", "daemonsets", "statefulsets", "controllerrevisions"]),
    ("batch", &["jobs", "cronjobs"]),
    ("coordination.k8s.io", &["leases"]),
    ("discovery.k8s.io", &["endpointslices"]),
    ("events.k8s.io", &["events"]),
    ("networking.k8s.io", &["ingresses", "ingressclasses", "networkpolicies"]),
    ("policy", &["poddisruptionbudgets"]),
    ("storage.k8s.io", &["storageclasses", "volumeattachments", "csinodes", "csidrivers"]),
];

/// A built-in resource listed under API groups that don't have it.
fn foreign_group(resource: &str, groups: &[String]) -> Option<(String, String)> {
    let base = resource.split('/').next()?;
    let homes: Vec<&str> = GROUPS.iter().filter(|(_, has)| has.contains(&base)).map(|(group, _)| *group).collect();
    let is_known = |group: &String| GROUPS.iter().any(|(known, _)| known == group);
    let is_foreign = !homes.is_empty() && !groups.is_empty() && groups.iter().all(is_known);
    if !is_foreign || groups.iter().any(|group| homes.contains(&group.as_str())) {
        return None;
    }
    let homes: Vec<String> = homes.iter().map(|group| format!("\"{group}\"")).collect();
    let message = format!("{base} are not in the API group {}", listed(&quoted(groups)));
    Some((message, format!("write apiGroups: [{}]", homes.join(", "))))
}

fn quoted(names: &[String]) -> Vec<String> {
    names.iter().map(|name| format!("\"{name}\"")).collect()
}

fn is_no_group(group: &str) -> bool {
    group.contains('/') || ["core", "v1", "api"].contains(&group)
}

fn dead_paths(rule: &NonResourceRule, field: &str) -> Vec<Dead> {
    const OF_RESOURCES: [&str; 6] = ["list", "watch", "create", "update", "deletecollection", "proxy"];
    let mut all = Vec::new();
    if !rule.verbs.is_empty() && rule.verbs.iter().all(|verb| OF_RESOURCES.contains(&verb.as_str())) {
        all.push(Dead {
            field: format!("{field}.verbs"),
            message: format!(
                "no request for a path has the verb {}: here the verbs are HTTP methods in lower case",
                listed(&rule.verbs)
            ),
            fix: "write get, patch or delete, or \"*\" for other methods".into(),
        });
    }
    for (index, url) in rule.non_resource_urls.iter().enumerate().filter(|(_, url)| url.contains('?')) {
        all.push(Dead {
            field: format!("{field}.nonResourceURLs[{index}]"),
            message: format!("{url} has a query, but only the path of a request is compared"),
            fix: format!("write {}", url.split('?').next().unwrap_or_default()),
        });
    }
    for (index, url) in rule.non_resource_urls.iter().enumerate().filter(|(_, url)| is_path_of_resource(url)) {
        all.push(Dead {
            field: format!("{field}.nonResourceURLs[{index}]"),
            message: format!("{url} is the path of a resource, and only resourceRules match such requests"),
            fix: "add a resource rule with its verbs, API group and resource".into(),
        });
    }
    all
}

/// Whether everything below a path is a resource (`apiserver/pkg/endpoints/request/requestinfo.go`).
fn is_path_of_resource(url: &str) -> bool {
    let parts: Vec<&str> = url.split('/').filter(|part| !part.is_empty()).collect();
    match parts.first() {
        Some(&"api") => parts.len() >= 3,
        Some(&"apis") => parts.len() >= 4,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{lint_text, schema_for, schema_for_paths, schema_with};
    use super::*;

    fn fields(text: &str) -> Vec<String> {
        lint_text(text).into_iter().filter(|finding| finding.rule == RULE.name).map(|finding| finding.field).collect()
    }

    #[test]
    fn misspelled_groups_are_reported() {
        let of = |group: &str| {
            fields(&schema_for("s", "workload-low", &format!("{{kind: Group, group: {{name: '{group}'}}}}"))).len()
        };
        for group in [
            "system:node",
            "system:master",
            "System:Masters",
            "system:serviceaccount",
            "system:service-accounts",
            "system:serviceaccounts:",
            "system:serviceacounts:monitoring",
            "system:authenicated",
            "system:authenticated-users",
        ] {
            assert_eq!(of(group), 1, "{group}");
        }
        for group in [
            "system:nodes",
            "system:unauthenticated",
            "system:serviceaccounts:x",
            "system:authenticated:oauth",
            "system:node-proxier",
            "system:monitoring",
            "system:bootstrappers",
            "nodes",
        ] {
            assert_eq!(of(group), 0, "{group}");
        }
    }

    #[test]
    fn a_schema_without_rules_matches_nothing() {
        let text = "apiVersion: flowcontrol.apiserver.k8s.io/v1\nkind: FlowSchema\nmetadata: {name: s}\n\
                    spec: {matchingPrecedence: 8000, priorityLevelConfiguration: {name: workload-low}}";
        assert_eq!(fields(text), ["spec.rules"]);
    }

    #[test]
    fn resources_that_no_request_has_are_reported() {
        for (groups, resource, expected) in [
            ("''", "pods", None),
            ("''", "pods/status", None),
            ("''", "po", Some("resources[0]")),
            ("''", "sa", Some("resources[0]")),
            ("apps", "sts", Some("resources[0]")),
            ("'*'", "'*'", None),
            ("'*'", "pods/*", Some("resources[0]")),
            ("'*'", "'*/scale'", Some("resources[0]")),
            ("'*'", "Pods", Some("resources[0]")),
            ("'*'", "pod", Some("resources[0]")),
            ("'*'", "pods/exec", Some("resources[0]")),
            ("'*'", "deployments.apps", Some("resources[0]")),
            ("''", "deployments", Some("resources[0]")),
            ("apps", "deployments", None),
            ("'', apps", "deployments", None),
            ("events.k8s.io", "events", None),
            ("serving.knative.dev", "services", None),
            ("apps/v1", "deployments", Some("apiGroups[0]")),
            ("core", "pods", Some("apiGroups[0]")),
        ] {
            let rule = format!(
                "{{verbs: [list, watch], apiGroups: [{groups}], resources: [{resource}], namespaces: ['*'], clusterScope: true}}"
            );
            let found = fields(&schema_with("s", "workload-low", "matchingPrecedence: 8000", &rule));
            let expected: Vec<String> =
                expected.map(|field| format!("spec.rules[0].resourceRules[0].{field}")).into_iter().collect();
            assert_eq!(found, expected, "{groups} {resource}");
        }
    }

    #[test]
    fn what_has_no_namespace_needs_cluster_scope() {
        let rule = "{verbs: [get], apiGroups: [''], resources: [nodes], namespaces: ['*']}";
        let found = fields(&schema_with("s", "workload-low", "matchingPrecedence: 8000", rule));
        assert_eq!(found, ["spec.rules[0].resourceRules[0].clusterScope"]);
    }

    #[test]
    fn a_star_within_a_name_is_not_a_pattern_and_a_group_is_not_a_user() {
        for (subject, expected) in [
            ("{kind: User, user: {name: 'system:node:*'}}", 1),
            ("{kind: User, user: {name: 'system:nodes'}}", 1),
            ("{kind: Group, group: {name: 'system:serviceaccount:apps:agent'}}", 1),
            ("{kind: Group, group: {name: 'system:serviceaccounts:apps'}}", 0),
            ("{kind: User, user: {name: '*'}}", 0),
        ] {
            assert_eq!(fields(&schema_for("s", "workload-low", subject)).len(), expected, "{subject}");
        }
    }

    #[test]
    fn paths_of_resources_and_verbs_of_resources_match_no_path() {
        for (verbs, url, expected) in [
            ("get", "/api/v1/pods", Some("nonResourceURLs[0]")),
            ("get", "/apis/apps/v1/*", Some("nonResourceURLs[0]")),
            ("get", "/apis/*", None),
            ("get", "/metrics", None),
            ("list", "/metrics", Some("verbs")),
            ("get, list", "/metrics", None),
        ] {
            let found = fields(&schema_for_paths("s", &format!("{{verbs: [{verbs}], nonResourceURLs: ['{url}']}}")));
            let expected: Vec<String> =
                expected.map(|field| format!("spec.rules[0].nonResourceRules[0].{field}")).into_iter().collect();
            assert_eq!(found, expected, "{verbs} {url}");
        }
    }
}
