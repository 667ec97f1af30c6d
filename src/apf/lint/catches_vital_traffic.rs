//! A FlowSchema that captures requests which the cluster depends on, and which were safe before.
//!
//! Each vital request is classified before and after the change. A rule for all authenticated users matches kubelets,
//! controllers and agents in `kube-system` too, as soon as its precedence is lower than theirs.

use super::super::{Attributes, Matcher, PriorityLevel, RequestDigest, Subject, Target};
use super::context::{Context, listed, requests, suggests_limit};
use super::shadowed::is_reached_at;
use super::{FlowSchema, LintFinding, LintRule, LintSeverity, Words};
use crate::kubernetes::{
    KUBE_NODE_LEASE, KUBE_SYSTEM, NODE_USER_PREFIX, SYSTEM_ANONYMOUS, SYSTEM_KUBE_CONTROLLER_MANAGER,
    SYSTEM_KUBE_SCHEDULER, ServiceAccount, implied_groups,
};

pub(super) const RULE: LintRule = LintRule {
    name: "catches-vital-traffic",
    reason: "Nodes become NotReady when kubelets can't renew their leases, controllers stop when they lose theirs, and logins, autoscaling and webhooks fail when access reviews do. The default FlowSchemas protect these requests.",
    check,
};

/// A request that must not be delayed.
struct Vital {
    what: &'static str,
    who: Who,
    verb: &'static str,
    target: Target<'static>,
    /// Whether a cluster can do without it for a while.
    is_plain: bool,
}

/// The kind of sender.
#[derive(Clone, Copy)]
enum Who {
    /// Any kubelet.
    Kubelet,
    /// A user by that name.
    User(&'static str),
    /// A service account of that namespace.
    Account(&'static str),
    /// A service account of another namespace, as those of aggregated API servers are.
    OtherAccount,
    /// An anonymous user.
    Anonymous,
}

const KCM: Who = Who::User(SYSTEM_KUBE_CONTROLLER_MANAGER);
const SCHEDULER: Who = Who::User(SYSTEM_KUBE_SCHEDULER);
const SYSTEM: Who = Who::Account(KUBE_SYSTEM);
const LEASES: &str = "coordination.k8s.io";
const REVIEWS: &str = "authorization.k8s.io";
const TOKENS: &str = "authentication.k8s.io";

const VITAL: [Vital; 27] = [
    vital("kubelets' lease renewals", Who::Kubelet, "update", of(LEASES, "leases", KUBE_NODE_LEASE)),
    vital("node status", Who::Kubelet, "patch", sub("", "nodes", "status", "")),
    vital("pod status", Who::Kubelet, "patch", sub("", "pods", "status", "default")),
    vital("kubelets' LISTs of pods", Who::Kubelet, "list", of("", "pods", "")),
    vital("kubelets' watches of pods", Who::Kubelet, "watch", of("", "pods", "")),
    vital("kubelets' reads of their node", Who::Kubelet, "get", of("", "nodes", "")),
    vital("kubelets' reads of Secrets", Who::Kubelet, "get", of("", "secrets", "default")),
    vital("kubelets' access reviews", Who::Kubelet, "create", of(REVIEWS, "subjectaccessreviews", "")),
    vital("kubelets' token reviews", Who::Kubelet, "create", of(TOKENS, "tokenreviews", "")),
    vital("the controller manager's lease", KCM, "update", of(LEASES, "leases", KUBE_SYSTEM)),
    vital("the controller manager's LISTs of pods", KCM, "list", of("", "pods", "")),
    vital("the controller manager's LISTs of pods of a namespace", KCM, "list", of("", "pods", "default")),
    vital("the controller manager's watches of pods", KCM, "watch", of("", "pods", "")),
    vital("the controller manager's writes", KCM, "update", sub("apps", "deployments", "status", "default")),
    vital("the scheduler's lease", SCHEDULER, "update", of(LEASES, "leases", KUBE_SYSTEM)),
    vital("the scheduler's bindings", SCHEDULER, "create", sub("", "pods", "binding", "default")),
    vital("the scheduler's LISTs of pods", SCHEDULER, "list", of("", "pods", "")),
    vital("the scheduler's watches of pods", SCHEDULER, "watch", of("", "pods", "")),
    vital("leases of kube-system's controllers", SYSTEM, "update", of(LEASES, "leases", KUBE_SYSTEM)),
    vital("access reviews from kube-system", SYSTEM, "create", of(REVIEWS, "subjectaccessreviews", "")),
    vital("token reviews from kube-system", SYSTEM, "create", of(TOKENS, "tokenreviews", "")),
    vital("access reviews of aggregated servers", Who::OtherAccount, "create", of(REVIEWS, "subjectaccessreviews", "")),
    vital("token reviews of aggregated servers", Who::OtherAccount, "create", of(TOKENS, "tokenreviews", "")),
    vital("health probes", Who::Anonymous, "get", Target::Path("/readyz")),
    vital("health probes", Who::Anonymous, "get", Target::Path("/livez")),
    plain("kube-system agents' LISTs of pods", SYSTEM, "list", of("", "pods", "")),
    plain("kube-system agents' LISTs of pods of a namespace", SYSTEM, "list", of("", "pods", "default")),
];

const fn vital(what: &'static str, who: Who, verb: &'static str, target: Target<'static>) -> Vital {
    Vital { what, who, verb, target, is_plain: false }
}

const fn plain(what: &'static str, who: Who, verb: &'static str, target: Target<'static>) -> Vital {
    Vital { what, who, verb, target, is_plain: true }
}

const fn of(api_group: &'static str, resource: &'static str, namespace: &'static str) -> Target<'static> {
    sub(api_group, resource, "", namespace)
}

const fn sub(
    api_group: &'static str,
    resource: &'static str,
    subresource: &'static str,
    namespace: &'static str,
) -> Target<'static> {
    Target::Resource { api_group, resource, subresource, namespace }
}

fn check(context: &Context<'_>) -> Vec<LintFinding> {
    let by_default = Matcher::new(&context.own);
    let mut findings = Vec::new();
    for schema in &context.schemas {
        let caught: Vec<(&Vital, String, i32)> =
            VITAL.iter().filter_map(|vital| caught_from(context, &by_default, schema, vital)).collect();
        if !caught.is_empty() {
            findings.push(finding(context, schema, &caught));
        }
    }
    findings
}

/// The vital request, with the FlowSchema that matched it before and its precedence, if this one sends it to another
/// level.
fn caught_from<'v>(
    context: &Context<'_>,
    by_default: &Matcher<'_>,
    schema: &FlowSchema,
    vital: &'v Vital,
) -> Option<(&'v Vital, String, i32)> {
    let user = vital.who.example();
    let groups = implied_groups(&user);
    let request = Attributes { user: &user, groups: &groups, verb: vital.verb, target: vital.target };
    let after = context.after.classify(&request)?;
    if after.flow_schema.name != schema.name || after.priority_level.is_exempt() {
        return None;
    }
    let before = context.before.classify(&request).filter(|before| before.flow_schema.name != schema.name);
    // If it matched before too, it is compared with a fresh server.
    let before = before.or_else(|| by_default.classify(&request))?;
    let is_elsewhere = before.flow_schema.name != schema.name && before.priority_level.name != schema.priority_level;
    is_elsewhere.then(|| (vital, before.flow_schema.name.clone(), before.flow_schema.matching_precedence))
}

fn finding(context: &Context<'_>, schema: &FlowSchema, caught: &[(&Vital, String, i32)]) -> LintFinding {
    let mut descriptions: Vec<String> = Vec::new();
    for (vital, from, _) in caught {
        let count = seen(context, schema, vital);
        let count = if count == 0 { String::new() } else { format!(", {} in the logs", requests(count)) };
        let text = format!("{} (from {from}{count})", vital.what);
        if !descriptions.contains(&text) {
            descriptions.push(text);
        }
    }
    let last = caught.iter().map(|(_, _, precedence)| *precedence).max().unwrap_or_default();
    let (level, is_meant) = (&schema.priority_level, is_meant(schema));
    let response = response(context.input.after.priority_level(level));
    let words = Words {
        message: format!("matches requests that the cluster depends on: {}", listed_all(&descriptions)),
        effect: if is_meant {
            format!("they are sent to {level}{response}")
        } else {
            format!("they share {level} with the traffic it is meant for{response}")
        },
        fix: if is_meant {
            "none, if the level is meant for these requests".into()
        } else {
            fix(context, schema, last)
        },
    };
    let is_vital = caught.iter().any(|(vital, ..)| !vital.is_plain);
    let severity = if is_vital && !is_meant { LintSeverity::Warning } else { LintSeverity::Info };
    RULE.finding(severity, schema, "spec.matchingPrecedence", words)
}

/// How to leave the captured requests alone. A later precedence helps only if the FlowSchema would still match
/// something there.
fn fix(context: &Context<'_>, schema: &FlowSchema, last: i32) -> String {
    let narrow = if are_named(schema) {
        "only the verbs and resources you mean to limit"
    } else {
        "the clients you mean to limit instead of a large group"
    };
    let behind = context.free_precedence(last, false).filter(|_| last < 9_000);
    match behind.filter(|behind| is_reached_at(context, schema, *behind)) {
        Some(behind) => format!("set a matchingPrecedence above {last}, such as {behind}, or name {narrow}"),
        None => format!("name {narrow}"),
    }
}

/// Whether a FlowSchema names its clients and does not seem meant to limit them, so that what it matches is intended.
fn is_meant(schema: &FlowSchema) -> bool {
    are_named(schema) && ![&schema.name, &schema.priority_level].into_iter().any(|name| suggests_limit(name))
}

/// Whether a FlowSchema names its clients one by one.
fn are_named(schema: &FlowSchema) -> bool {
    let mut subjects = schema.rules.iter().flat_map(|rule| &rule.subjects);
    subjects.all(|subject| match subject {
        Subject::Group(_) => false,
        Subject::User(name) | Subject::ServiceAccount { name, .. } => name != "*",
    })
}

fn listed_all(names: &[String]) -> String {
    if names.len() > 6 { format!("{} ({} in total)", listed(names), names.len()) } else { listed(names) }
}

/// What happens to requests when a level has no free seats.
fn response(level: Option<&PriorityLevel>) -> &'static str {
    match level.and_then(PriorityLevel::queuing) {
        Some(_) => ", and wait or get a 429 when it is full",
        None => ", and get a 429 when it is full",
    }
}

/// How many such requests in the logs the FlowSchema matches.
fn seen(context: &Context<'_>, schema: &FlowSchema, vital: &Vital) -> u64 {
    let taken = context.routes.iter().filter(|route| route.flow_schema.name == schema.name);
    taken.filter(|route| is_like(&route.traffic.digest, vital)).map(|route| route.traffic.request_count).sum()
}

fn is_like(digest: &RequestDigest, vital: &Vital) -> bool {
    let is_target = match vital.target {
        Target::Path(path) => digest.api_group.is_none() && digest.path == path,
        Target::Resource { api_group, resource, subresource, namespace } => {
            digest.api_group.as_deref() == Some(api_group)
                && (digest.resource.as_str(), digest.subresource.as_str()) == (resource, subresource)
                && digest.namespace.is_empty() == namespace.is_empty()
        }
    };
    is_target && digest.verb == vital.verb && vital.who.is(&digest.user)
}

impl Who {
    /// The name of one such user.
    fn example(self) -> String {
        match self {
            Self::Kubelet => format!("{NODE_USER_PREFIX}any-node"),
            Self::User(name) => name.to_owned(),
            Self::Account(namespace) => ServiceAccount { namespace, name: "any-agent" }.to_string(),
            Self::OtherAccount => ServiceAccount { namespace: "any-namespace", name: "any-apiserver" }.to_string(),
            Self::Anonymous => SYSTEM_ANONYMOUS.to_owned(),
        }
    }

    fn is(self, user: &str) -> bool {
        let account = ServiceAccount::parse(user);
        match self {
            Self::Kubelet => user.starts_with(NODE_USER_PREFIX),
            Self::User(name) => user == name,
            Self::Account(namespace) => account.is_some_and(|account| account.namespace == namespace),
            Self::OtherAccount => account.is_some_and(|account| account.namespace != KUBE_SYSTEM),
            Self::Anonymous => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{level, lint_text, lint_with_traffic, list_pods, schema, schema_for, schema_of};
    use super::*;

    const EVERYBODY: &str = "{kind: Group, group: {name: 'system:authenticated'}}";

    fn found(text: &str) -> Option<LintFinding> {
        lint_text(text).into_iter().find(|finding| finding.rule == RULE.name)
    }

    #[test]
    fn a_rule_for_everybody_that_stands_first_is_for_kubelets_and_controllers_too() {
        let finding = found(&schema_of("s", 101, EVERYBODY)).unwrap();
        assert_eq!(finding.severity, LintSeverity::Warning);
        for expected in ["kubelets' LISTs of pods (from system-nodes)", "the controller manager's LISTs of pods (from"]
        {
            assert!(finding.message.contains(expected), "{}", finding.message);
        }
        assert!(finding.fix.contains("above 900, such as 901"), "{}", finding.fix);
    }

    #[test]
    fn behind_the_schemas_of_kube_system_and_on_the_exempt_level_nothing_is_caught() {
        assert!(found(&schema_for("s", "workload-low", EVERYBODY)).is_none());
        assert!(found(&schema("s", "exempt", "matchingPrecedence: 101", "list pods")).is_none());
    }

    /// A level for one controller is for its traffic.
    #[test]
    fn clients_that_are_named_are_meant() {
        let controller = "{kind: User, user: {name: 'system:kube-controller-manager'}}";
        assert_eq!(found(&schema_of("kcm-high", 700, controller)).unwrap().severity, LintSeverity::Info);
        for name in ["limit-kcm", "ban-kcm"] {
            assert_eq!(found(&schema_of(name, 700, controller)).unwrap().severity, LintSeverity::Warning);
        }
    }

    /// Behind the FlowSchema that had the requests there may be nothing left of it.
    #[test]
    fn a_precedence_is_suggested_only_if_requests_would_reach_it() {
        let fix =
            |name: &str, precedence: i32, subject: &str| found(&schema_of(name, precedence, subject)).unwrap().fix;
        let nodes = "{kind: Group, group: {name: 'system:nodes'}}";
        let agents = "{kind: ServiceAccount, serviceAccount: {namespace: kube-system, name: '*'}}";
        let controller = "{kind: User, user: {name: 'system:kube-controller-manager'}}";
        for (name, precedence, subject) in [("s", 300, nodes), ("s", 850, agents), ("limit-kcm", 700, controller)] {
            let fix = fix(name, precedence, subject);
            assert!(!fix.contains("precedence") && fix.starts_with("name "), "{subject}: {fix}");
        }
        assert!(fix("s", 850, &format!("{agents}, {EVERYBODY}")).contains("such as 901"));
    }

    #[test]
    fn reads_of_kube_systems_agents_alone_are_only_worth_knowing() {
        let agents = "{kind: ServiceAccount, serviceAccount: {namespace: kube-system, name: '*'}}";
        assert_eq!(found(&schema_of("s", 850, agents)).unwrap().severity, LintSeverity::Info);
        let one = "{kind: ServiceAccount, serviceAccount: {namespace: kube-system, name: calico-node}}";
        assert!(found(&schema_of("s", 850, one)).is_none(), "one that is named is meant");
    }

    #[test]
    fn access_reviews_are_vital_even_for_service_accounts_of_others() {
        let text =
            level("small", "nominalConcurrencyShares: 30") + &schema("s", "small", "matchingPrecedence: 8000", "* *");
        assert!(found(&text).is_none(), "the core group alone has no access reviews");
        let all = text.replace("apiGroups: ['']", "apiGroups: ['*']");
        assert!(found(&all).unwrap().message.contains("access reviews of aggregated servers (from service-accounts)"));
    }

    #[test]
    fn the_logs_tell_how_many_there_are() {
        let traffic = [list_pods("system:node:n1", "", 40)];
        let findings = lint_with_traffic(&schema_of("s", 101, EVERYBODY), &traffic);
        let finding = findings.iter().find(|finding| finding.rule == RULE.name).unwrap();
        assert!(
            finding.message.contains("kubelets' LISTs of pods (from system-nodes, 40 requests in the logs)"),
            "{}",
            finding.message
        );
    }
}
