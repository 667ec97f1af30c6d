//! Short manifests for the tests of rules, linted as on a fresh server.

use super::super::{Config, Features, Manifest, NEWEST_KNOWN, RequestDigest, default_config, validate};
use super::{LevelDemand, LintFinding, LintInput, Traffic, lint};
use crate::kubernetes::{Version, implied_groups};

/// A Limited level that queues as the server does by default, with the fields of `limited` in flow style.
pub(super) fn level(name: &str, fields: &str) -> String {
    level_with(name, fields, "type: Queue, queuing: {}")
}

/// A Limited level that rejects.
pub(super) fn level_that_rejects(name: &str, fields: &str) -> String {
    level_with(name, fields, "type: Reject")
}

/// A Limited level of 30 shares with such queues.
pub(super) fn level_with_queues(name: &str, queues: u32, hand_size: u32) -> String {
    let response = format!("type: Queue, queuing: {{queues: {queues}, handSize: {hand_size}}}");
    level_with(name, "nominalConcurrencyShares: 30", &response)
}

fn level_with(name: &str, fields: &str, response: &str) -> String {
    format!(
        "---\napiVersion: flowcontrol.apiserver.k8s.io/v1\nkind: PriorityLevelConfiguration\nmetadata: {{name: {name}}}\n\
         spec:\n  type: Limited\n  limited: {{{fields}, limitResponse: {{{response}}}}}\n"
    )
}

/// A FlowSchema for all that is authenticated, with more fields of the spec; `what` is verbs and a resource.
pub(super) fn schema(name: &str, level: &str, fields: &str, what: &str) -> String {
    let (verbs, resource) = what.split_once(' ').unwrap();
    let verbs = verbs.replace('*', "'*'");
    let rule = format!(
        "{{verbs: [{verbs}], apiGroups: [''], resources: ['{resource}'], namespaces: ['*'], clusterScope: true}}"
    );
    schema_with(name, level, fields, &rule)
}

/// A FlowSchema for all that is authenticated, with such resource rules.
pub(super) fn schema_with(name: &str, level: &str, fields: &str, rules: &str) -> String {
    let everybody = "{kind: Group, group: {name: 'system:authenticated'}}";
    whole_schema(name, level, fields, everybody, &format!("resourceRules: [{rules}]"))
}

/// A FlowSchema for LISTs of pods by such subjects.
pub(super) fn schema_for(name: &str, level: &str, subjects: &str) -> String {
    whole_schema(name, level, "matchingPrecedence: 8000\n  distinguisherMethod: {type: ByUser}", subjects, LIST_PODS)
}

/// A FlowSchema of such a precedence for LISTs of pods by such subjects.
pub(super) fn schema_of(name: &str, precedence: i32, subjects: &str) -> String {
    whole_schema(name, "workload-low", &format!("matchingPrecedence: {precedence}"), subjects, LIST_PODS)
}

/// A FlowSchema for all that is authenticated, with such rules for paths.
pub(super) fn schema_for_paths(name: &str, rules: &str) -> String {
    let everybody = "{kind: Group, group: {name: 'system:authenticated'}}";
    whole_schema(name, "workload-low", "matchingPrecedence: 8000", everybody, &format!("nonResourceRules: [{rules}]"))
}

const LIST_PODS: &str = "resourceRules: [{verbs: [list, watch], apiGroups: [''], resources: [pods], namespaces: ['*'], \
                         clusterScope: true}]";

fn whole_schema(name: &str, level: &str, fields: &str, subjects: &str, rules: &str) -> String {
    format!(
        "---\napiVersion: flowcontrol.apiserver.k8s.io/v1\nkind: FlowSchema\nmetadata: {{name: {name}}}\nspec:\n  \
         priorityLevelConfiguration: {{name: {level}}}\n  {fields}\n  rules:\n  - subjects: [{subjects}]\n    {rules}\n"
    )
}

/// Some LISTs of pods; of all namespaces where none is given.
pub(super) fn list_pods(user: &str, namespace: &str, request_count: u64) -> Traffic {
    let digest = RequestDigest {
        user: user.to_owned(),
        groups: implied_groups(user),
        verb: "list".into(),
        api_group: Some(String::new()),
        resource: "pods".into(),
        namespace: namespace.to_owned(),
        ..RequestDigest::default()
    };
    Traffic { digest, request_count, seats: (1, 1) }
}

/// What is found in a text on a fresh server of the newest version.
pub(super) fn lint_text(text: &str) -> Vec<LintFinding> {
    lint_on(Some(NEWEST_KNOWN), text)
}

/// The rules that find something in a text.
pub(super) fn rules_found(text: &str) -> Vec<&'static str> {
    rules_found_on(NEWEST_KNOWN, text)
}

/// The rules that find something in a text, on a fresh server of a version.
pub(super) fn rules_found_on(version: Version, text: &str) -> Vec<&'static str> {
    lint_on(Some(version), text).iter().map(|finding| finding.rule).collect()
}

/// What is found in a text on a fresh server.
pub(super) fn lint_on(version: Option<Version>, text: &str) -> Vec<LintFinding> {
    lint_all(version, &Manifest::read(text, Some("change.yaml")), None, &[])
}

/// What is found in a text, given logs.
pub(super) fn lint_with_traffic(text: &str, traffic: &[Traffic]) -> Vec<LintFinding> {
    lint_all(Some(NEWEST_KNOWN), &Manifest::read(text, Some("change.yaml")), Some(traffic), &[])
}

/// What is found in a text, given what levels were seen to need.
pub(super) fn lint_with_demand(text: &str, demand: &[LevelDemand]) -> Vec<LintFinding> {
    lint_all(Some(NEWEST_KNOWN), &Manifest::read(text, Some("change.yaml")), None, demand)
}

/// What is found in a configuration that isn't from a file.
pub(super) fn lint_config(version: Option<Version>, config: &Config) -> Vec<LintFinding> {
    lint_all(version, &Manifest { config: config.clone(), ..Manifest::default() }, None, &[])
}

fn lint_all(
    version: Option<Version>,
    change: &Manifest,
    traffic: Option<&[Traffic]>,
    demand: &[LevelDemand],
) -> Vec<LintFinding> {
    let of = version.unwrap_or(NEWEST_KNOWN);
    let before: Config = default_config(of);
    let after = before.clone().with(&change.config);
    let problems = [change.problems.clone(), validate(&change.config)].concat();
    lint(&LintInput {
        change: &change.config,
        problems: &problems,
        before: &before,
        after: &after,
        version,
        features: Features::for_version(of),
        server_concurrency: 600,
        traffic,
        demand,
    })
}
