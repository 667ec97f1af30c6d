//! How the server finds the FlowSchema of a request, as a list of steps with reasons.

use std::borrow::Cow;

use super::config::{Config, FlowSchema, Rule, Subject};
use super::matching::{
    Attributes, Matcher, Miss, Target, find_nearest_miss, matches_subject, path_miss, resource_miss,
};
use crate::kubernetes::resource_with_subresource;

/// One FlowSchema that was tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MatchStep<'c> {
    /// The FlowSchema.
    pub flow_schema: &'c FlowSchema,
    /// Whether it matches.
    pub is_match: bool,
    /// Why it matches or does not, as a sentence fragment.
    pub reason: String,
}

/// Lists the FlowSchemas in the order in which they are tried, up to the first match, including those that are skipped
/// because their priority level does not exist.
pub fn trace_match<'c>(config: &'c Config, request: &Attributes<'_>) -> Vec<MatchStep<'c>> {
    let matcher = Matcher::new(config);
    let mut asked: Vec<(&FlowSchema, bool)> = matcher.schemas().iter().map(|(schema, _)| (*schema, true)).collect();
    asked.extend(matcher.dangling().iter().map(|schema| (*schema, false)));
    asked.sort_by_key(|(schema, _)| (schema.matching_precedence, schema.name.as_str()));
    let mut steps = Vec::new();
    for (flow_schema, has_level) in asked {
        let step = if has_level { step(flow_schema, request) } else { dangling(flow_schema) };
        let is_match = step.is_match;
        steps.push(step);
        if is_match {
            break;
        }
    }
    steps
}

fn dangling(flow_schema: &FlowSchema) -> MatchStep<'_> {
    let reason = format!("skipped: its priority level {} does not exist", flow_schema.priority_level);
    MatchStep { flow_schema, is_match: false, reason }
}

fn step<'c>(flow_schema: &'c FlowSchema, request: &Attributes<'_>) -> MatchStep<'c> {
    let misses: Vec<Option<Miss>> = flow_schema.rules.iter().map(|rule| find_nearest_miss(rule, request)).collect();
    if let Some(at) = misses.iter().position(Option::is_none) {
        let reason = match_reason(&flow_schema.rules[at], at, request);
        return MatchStep { flow_schema, is_match: true, reason };
    }
    let nearest = misses.into_iter().enumerate().max_by_key(|(at, miss)| (*miss, std::cmp::Reverse(*at)));
    let reason = match nearest {
        Some((at, Some(Miss::Subject))) if flow_schema.rules.len() == 1 || at == 0 => {
            format!("applies to {}", subjects(flow_schema))
        }
        Some((at, Some(miss))) => miss_reason(&flow_schema.rules[at], miss, request),
        _ => "has no rules, so it matches nothing".to_owned(),
    };
    MatchStep { flow_schema, is_match: false, reason }
}

fn match_reason(rule: &Rule, at: usize, request: &Attributes<'_>) -> String {
    let subject = rule.subjects.iter().find(|subject| matches_subject(subject, request)).map(describe_subject);
    let subject = subject.unwrap_or_default();
    match request.target {
        Target::Resource { namespace: "", .. } => {
            format!("rule {at} applies to {subject}, and to requests without a namespace (clusterScope)")
        }
        Target::Resource { namespace, .. } => {
            format!("rule {at} applies to {subject}, and to namespace {namespace}")
        }
        Target::Path(_) => format!("rule {at} applies to {subject}, and to this path"),
    }
}

/// Why a rule with a matching subject does not match.
fn miss_reason(rule: &Rule, miss: Miss, request: &Attributes<'_>) -> String {
    let of_resources = rule.resource_rules.iter().find(|one| resource_miss(one, request) == Some(miss));
    let verb = request.verb;
    match (request.target, of_resources) {
        (Target::Resource { api_group, resource, subresource, namespace }, Some(rule)) => match miss {
            Miss::Verb => format!("applies to {}, not to {verb}", list("verb", &rule.verbs)),
            Miss::ApiGroup => {
                format!("applies to {}, not to {}", list("API group", &rule.api_groups), group_name(api_group))
            }
            Miss::Resource => {
                let asked = resource_with_subresource(resource, subresource);
                format!("applies to {}, not to {asked}", list("resource", &rule.resources))
            }
            Miss::Namespace if rule.namespaces.is_empty() => {
                format!("applies only to requests without a namespace, and this one is for {namespace}")
            }
            Miss::Namespace => format!("applies to {}, not to {namespace}", list("namespace", &rule.namespaces)),
            _ => "the request has no namespace, and such requests match only with clusterScope: true".into(),
        },
        (Target::Path(path), _) => {
            let Some(rule) = rule.non_resource_rules.iter().find(|one| path_miss(one, verb, path) == Some(miss)) else {
                return "applies only to requests for resources".to_owned();
            };
            match miss {
                Miss::Verb => format!("applies to {}, not to {verb}", list("verb", &rule.verbs)),
                _ => format!("applies to {}, not to {path}", list("path", &rule.non_resource_urls)),
            }
        }
        _ => "applies only to paths, not to resources".to_owned(),
    }
}

/// Names with their noun: `verb list`, `verbs get, list`.
fn list(noun: &str, names: &[String]) -> String {
    /// More names would not be read.
    const SHOWN: usize = 4;
    let shown: Vec<Cow<'_, str>> = names.iter().take(SHOWN).map(|name| group_name(name)).collect();
    let plural = if names.len() == 1 { "" } else { "s" };
    let more = if names.len() > SHOWN { format!(" and {} more", names.len() - SHOWN) } else { String::new() };
    format!("{noun}{plural} {}{more}", shown.join(", "))
}

/// The core group has no name.
fn group_name(name: &str) -> Cow<'_, str> {
    Cow::Borrowed(if name.is_empty() { "\"\" (core)" } else { name })
}

fn subjects(schema: &FlowSchema) -> String {
    /// More subjects would not be read.
    const SHOWN: usize = 3;
    let all: Vec<String> = schema.rules.iter().flat_map(|rule| &rule.subjects).map(describe_subject).collect();
    let more = if all.len() > SHOWN { format!(" and {} more", all.len() - SHOWN) } else { String::new() };
    format!("{}{more}", all[..all.len().min(SHOWN)].join(", "))
}

/// Describes a subject, for example `group system:nodes`.
pub fn describe_subject(subject: &Subject) -> String {
    match subject {
        Subject::User(name) if name == "*" => "any user".to_owned(),
        Subject::User(name) => format!("user {name}"),
        Subject::Group(name) => format!("group {name}"),
        Subject::ServiceAccount { namespace, name } if name == "*" => {
            format!("the service accounts of namespace {namespace}")
        }
        Subject::ServiceAccount { namespace, name } => format!("service account {namespace}/{name}"),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use super::*;
    use crate::apf::{Manifest, default_config};
    use crate::kubernetes::Version;

    /// The reason of each step, by FlowSchema.
    fn reasons(config: &Config, request: &Attributes<'_>) -> Vec<(String, String)> {
        let steps = trace_match(config, request).into_iter();
        steps.map(|step| (step.flow_schema.name.clone(), step.reason)).collect()
    }

    fn pods<'a>(verb: &'a str, namespace: &'a str) -> Attributes<'a> {
        let target = Target::Resource { api_group: "", resource: "pods", subresource: "", namespace };
        static GROUPS: LazyLock<Vec<String>> = LazyLock::new(|| vec!["system:authenticated".to_owned()]);
        Attributes { user: "alice", groups: &GROUPS, verb, target }
    }

    fn with(spec: &str) -> Config {
        let text = format!(
            "{{apiVersion: flowcontrol.apiserver.k8s.io/v1, kind: FlowSchema, metadata: {{name: own}}, spec: {{\
             matchingPrecedence: 50, priorityLevelConfiguration: {{name: {spec}}}}}"
        );
        let read = Manifest::read(&text, None);
        assert_eq!(read.problems, []);
        default_config(Version::new(1, 36)).with(&read.config)
    }

    #[test]
    fn the_first_mismatch_is_given_as_the_reason() {
        let rule = |rule: &str| {
            with(&format!(
                "workload-low}}, rules: [{{subjects: [{{kind: User, user: {{name: alice}}}}], resourceRules: [{rule}]}}]"
            ))
        };
        for (resources, request, expected) in [
            (
                "{verbs: [get, watch], apiGroups: [''], resources: [pods], namespaces: ['*']}",
                pods("list", "a"),
                "applies to verbs get, watch, not to list",
            ),
            (
                "{verbs: ['*'], apiGroups: [apps], resources: [pods], namespaces: ['*']}",
                pods("list", "a"),
                "applies to API group apps, not to \"\" (core)",
            ),
            (
                "{verbs: ['*'], apiGroups: [''], resources: [pods/log], namespaces: ['*']}",
                pods("list", "a"),
                "applies to resource pods/log, not to pods",
            ),
            (
                "{verbs: ['*'], apiGroups: [''], resources: [pods], namespaces: [b]}",
                pods("list", "a"),
                "applies to namespace b, not to a",
            ),
            (
                "{verbs: ['*'], apiGroups: [''], resources: [pods], namespaces: ['*']}",
                pods("list", ""),
                "the request has no namespace, and such requests match only with clusterScope: true",
            ),
            (
                "{verbs: ['*'], apiGroups: [''], resources: [pods], clusterScope: true}",
                pods("list", "a"),
                "applies only to requests without a namespace, and this one is for a",
            ),
        ] {
            let reasons = reasons(&rule(resources), &request);
            let own = reasons.iter().find(|(name, _)| name == "own").unwrap();
            assert_eq!(own.1, expected, "{resources}");
            assert_eq!(reasons.last().unwrap().0, "global-default");
        }
    }

    #[test]
    fn a_schema_without_a_level_is_listed_as_skipped() {
        let config = with("gone}, rules: []");
        let reasons = reasons(&config, &pods("list", "a"));
        assert_eq!(reasons[2].1, "skipped: its priority level gone does not exist");
        let without_rules = with("workload-low}, rules: []");
        let step =
            trace_match(&without_rules, &pods("list", "a")).into_iter().find(|step| step.flow_schema.name == "own");
        assert_eq!(step.unwrap().reason, "has no rules, so it matches nothing");
    }
}
