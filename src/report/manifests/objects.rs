//! FlowSchemas and priority levels as YAML that an API server accepts as it is: what `kubectl apply` takes, under
//! strict field validation, with the evidence as comments on top.
//!
//! Defaults are written out, so that an object is the same for every server. There are never annotations: an object
//! that has `apf.kubernetes.io/autoupdate-spec: "true"` and a name that the server doesn't know is deleted by the
//! server (`pkg/registry/flowcontrol/ensurer/strategy.go`, `RemoveUnwantedObjects`). There is no status, which is the
//! server's.

use super::comments::comments;
use super::yaml::{NOTHING, Node, map, number, text, texts};
use crate::apf::{
    FlowSchema, LevelKind, LimitResponse, NonResourceRule, PriorityLevel, Queuing, ResourceRule, Rule, Subject,
};

/// Group and version of what is written: served since 1.29, and the one that stays.
const API_VERSION: &str = "flowcontrol.apiserver.k8s.io/v1";

/// A FlowSchema. Its place and whether it is autoupdated aren't written.
pub(super) fn flow_schema_yaml(schema: &FlowSchema, evidence: &[String]) -> String {
    let method = schema.distinguisher_method.map(|method| map([("type", text(method.name()))]));
    let spec = map([
        ("priorityLevelConfiguration", map([("name", text(&schema.priority_level))])),
        ("matchingPrecedence", number(schema.matching_precedence)),
        ("distinguisherMethod", method.unwrap_or(NOTHING)),
        ("rules", Node::List(schema.rules.iter().map(rule).collect())),
    ]);
    object("FlowSchema", &schema.name, spec, evidence)
}

/// A priority level. Its place and whether it is autoupdated aren't written.
pub(super) fn priority_level_yaml(level: &PriorityLevel, evidence: &[String]) -> String {
    let (stanza, borrowing, limit_response) = match level.kind {
        LevelKind::Exempt { .. } => ("exempt", NOTHING, NOTHING),
        LevelKind::Limited { borrowing_limit_percent, limit_response, .. } => {
            ("limited", borrowing_limit_percent.map_or(NOTHING, number), response(limit_response))
        }
    };
    let fields = map([
        ("nominalConcurrencyShares", number(level.nominal_concurrency_shares())),
        ("lendablePercent", number(level.lendable_percent())),
        ("borrowingLimitPercent", borrowing),
        ("limitResponse", limit_response),
    ]);
    let kind = if level.is_exempt() { "Exempt" } else { "Limited" };
    object("PriorityLevelConfiguration", &level.name, map([("type", text(kind)), (stanza, fields)]), evidence)
}

/// The `kustomization.yaml` of a folder with these files, whose names are relative to it.
pub(super) fn kustomization_yaml(files: &[String], evidence: &[String]) -> String {
    let kustomization = map([
        ("apiVersion", text("kustomize.config.k8s.io/v1beta1")),
        ("kind", text("Kustomization")),
        ("resources", texts(files)),
    ]);
    document(&kustomization, evidence)
}

fn object(kind: &str, name: &str, spec: Node, evidence: &[String]) -> String {
    let object = map([
        ("apiVersion", text(API_VERSION)),
        ("kind", text(kind)),
        ("metadata", map([("name", text(name))])),
        ("spec", spec),
    ]);
    document(&object, evidence)
}

fn rule(rule: &Rule) -> Node {
    map([
        ("subjects", Node::List(rule.subjects.iter().map(subject).collect())),
        ("resourceRules", Node::List(rule.resource_rules.iter().map(resource_rule).collect())),
        ("nonResourceRules", Node::List(rule.non_resource_rules.iter().map(non_resource_rule).collect())),
    ])
}

fn subject(subject: &Subject) -> Node {
    let (stanza, fields) = match subject {
        Subject::User(name) => ("user", map([("name", text(name))])),
        Subject::Group(name) => ("group", map([("name", text(name))])),
        Subject::ServiceAccount { namespace, name } => {
            ("serviceAccount", map([("namespace", text(namespace)), ("name", text(name))]))
        }
    };
    map([("kind", text(subject.kind())), (stanza, fields)])
}

fn resource_rule(rule: &ResourceRule) -> Node {
    map([
        ("verbs", texts(&rule.verbs)),
        ("apiGroups", texts(&rule.api_groups)),
        ("resources", texts(&rule.resources)),
        ("clusterScope", if rule.cluster_scope { Node::Scalar("true".to_owned()) } else { NOTHING }),
        ("namespaces", texts(&rule.namespaces)),
    ])
}

fn non_resource_rule(rule: &NonResourceRule) -> Node {
    map([("verbs", texts(&rule.verbs)), ("nonResourceURLs", texts(&rule.non_resource_urls))])
}

fn response(limit_response: LimitResponse) -> Node {
    match limit_response {
        LimitResponse::Reject => map([("type", text("Reject"))]),
        LimitResponse::Queue(Queuing { queues, hand_size, queue_length_limit }) => {
            let queuing = map([
                ("queues", number(queues)),
                ("handSize", number(hand_size)),
                ("queueLengthLimit", number(queue_length_limit)),
            ]);
            map([("type", text("Queue")), ("queuing", queuing)])
        }
    }
}

/// The evidence as comments, and below it the object.
fn document(node: &Node, evidence: &[String]) -> String {
    let mut out = comments(evidence);
    node.write(0, &mut out);
    out
}
