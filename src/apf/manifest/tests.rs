//! Manifests as people write them, and what is reported for each.

use proptest::prelude::*;
use serde_json::{Map, json};

use super::super::{
    DistinguisherMethod, FlowSchema, LevelKind, LimitResponse, NonResourceRule, ObjectLocation, PriorityLevel, Queuing,
    ResourceRule, Rule, Subject,
};
use super::*;

const SCHEMA: &str = "\
apiVersion: flowcontrol.apiserver.k8s.io/v1
kind: FlowSchema
metadata:
  name: restrict-pod-list
  annotations:
    apf.kubernetes.io/autoupdate-spec: \"false\"
spec:
  priorityLevelConfiguration:
    name: limit-pod-list
  distinguisherMethod: {type: ByUser}
  rules:
  - subjects:
    - kind: ServiceAccount
      serviceAccount:
        namespace: monitoring
        name: \"*\"
    - kind: Group
      group:
        name: system:nodes
    resourceRules:
    - verbs: [list]
      apiGroups: [\"\"]
      resources:
      - pods
      namespaces: null
      clusterScope: true
    nonResourceRules:
    - verbs: [get]
      nonResourceURLs: [/metrics]
";

const LEVEL: &str = "\
apiVersion: flowcontrol.apiserver.k8s.io/v1
kind: PriorityLevelConfiguration
metadata:
  name: limit-pod-list
spec:
  type: Limited
  limited:
    nominalConcurrencyShares: 5
    borrowingLimitPercent: 0
    limitResponse:
      type: Queue
      queuing: {queues: 5, handSize: 1}
";

fn read(text: &str) -> Manifest {
    Manifest::read(text, Some("limits.yaml"))
}

/// Reads a text that has nothing wrong.
fn config(text: &str) -> Config {
    let manifest = read(text);
    assert_eq!(manifest.problems, [], "{text}");
    manifest.config
}

/// The problems' lines and fields.
fn problems(text: &str) -> Vec<(u64, String)> {
    let problems = read(text).problems.into_iter();
    problems.map(|problem| (problem.line.unwrap_or_default(), problem.field)).collect()
}

fn schema_with(from: &str, to: &str) -> String {
    assert_eq!(SCHEMA.matches(from).count(), 1, "{from}");
    SCHEMA.replace(from, to)
}

fn level_with(from: &str, to: &str) -> String {
    assert_eq!(LEVEL.matches(from).count(), 1, "{from}");
    LEVEL.replace(from, to)
}

fn level_kind(text: &str) -> LevelKind {
    config(text).priority_levels[0].kind
}

fn shares(text: &str) -> i32 {
    config(text).priority_levels[0].nominal_concurrency_shares()
}

#[test]
fn a_schema_is_read_whole() {
    let config = config(SCHEMA);
    let schema = &config.flow_schemas[0];
    assert_eq!((schema.name.as_str(), schema.priority_level.as_str()), ("restrict-pod-list", "limit-pod-list"));
    assert_eq!(schema.matching_precedence, 1000);
    assert_eq!(schema.distinguisher_method, Some(DistinguisherMethod::ByUser));
    assert_eq!(schema.is_autoupdated, Some(false));
    let text = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    let expected = Rule {
        subjects: vec![
            Subject::ServiceAccount { namespace: "monitoring".to_owned(), name: "*".to_owned() },
            Subject::Group("system:nodes".to_owned()),
        ],
        resource_rules: vec![ResourceRule {
            verbs: text(&["list"]),
            api_groups: text(&[""]),
            resources: text(&["pods"]),
            namespaces: Vec::new(),
            cluster_scope: true,
        }],
        non_resource_rules: vec![NonResourceRule { verbs: text(&["get"]), non_resource_urls: text(&["/metrics"]) }],
    };
    assert_eq!(schema.rules, [expected]);
}

#[test]
fn a_level_is_read_whole_and_defaulted() {
    let queuing = Queuing { queues: 5, hand_size: 1, queue_length_limit: 50 };
    let expected = LevelKind::Limited {
        nominal_concurrency_shares: 5,
        lendable_percent: 0,
        borrowing_limit_percent: Some(0),
        limit_response: LimitResponse::Queue(queuing),
    };
    assert_eq!(level_kind(LEVEL), expected);
    let text = level_with("{queues: 5, handSize: 1}", "{queues: 0, queueLengthLimit: 0}");
    let queuing = config(&text).priority_levels[0].queuing();
    assert_eq!(queuing, Some(Queuing { queues: 64, hand_size: 8, queue_length_limit: 50 }));
    let text = level_with("{queues: 5, handSize: 1}", "{}").replace("    borrowingLimitPercent: 0\n", "");
    assert!(matches!(level_kind(&text), LevelKind::Limited { borrowing_limit_percent: None, .. }));
    let precedence = schema_with("\nspec:", "\nspec:\n  matchingPrecedence: 0");
    assert_eq!(config(&precedence).flow_schemas[0].matching_precedence, 1000);
    let exempt = "{apiVersion: flowcontrol.apiserver.k8s.io/v1, kind: PriorityLevelConfiguration, \
            metadata: {name: exempt}, spec: {type: Exempt}}";
    assert_eq!(level_kind(exempt), LevelKind::Exempt { nominal_concurrency_shares: 0, lendable_percent: 0 });
}

/// A finding has to show the line that is to be changed.
#[test]
fn every_written_field_has_its_line() {
    let text = format!("# policy\n{LEVEL}---\n{SCHEMA}");
    let config = config(&text);
    let (schema, level) = (&config.flow_schemas[0].location, &config.priority_levels[0].location);
    let lines: Vec<&str> = text.lines().collect();
    for (location, field, part) in [
        (schema, "", "apiVersion"),
        (schema, "metadata.name", "  name: restrict-pod-list"),
        (schema, "metadata.annotations[apf.kubernetes.io/autoupdate-spec]", "    apf.kubernetes.io"),
        (schema, "spec.rules[0]", "  - subjects:"),
        (schema, "spec.rules[0].subjects[1].kind", "    - kind: Group"),
        (schema, "spec.rules[0].subjects[1].group.name", "        name: system:nodes"),
        (schema, "spec.rules[0].resourceRules[0].resources[0]", "      - pods"),
        (schema, "spec.rules[0].resourceRules[0].clusterScope", "      clusterScope"),
        (level, "spec.limited.limitResponse.queuing.handSize", "      queuing"),
        (level, "spec.limited.nominalConcurrencyShares", "    nominalConcurrencyShares"),
    ] {
        let line = location.lines.get(field).map(|line| lines[usize::try_from(*line).unwrap() - 1]);
        assert!(line.is_some_and(|line| line.starts_with(part)), "{field}: {line:?}");
    }
    assert!(!schema.has("spec.rules[0].resourceRules[0].namespaces"), "null is as if it weren't written");
    assert!(!level.has("spec.limited.lendablePercent"));
    assert_eq!(schema.file.as_deref(), Some("limits.yaml"));
    let json = "{\n\t\"apiVersion\": \"flowcontrol.apiserver.k8s.io/v1\",\n\t\"kind\": \"FlowSchema\",\n\t\
            \"metadata\": {\"name\": \"x\"},\n\t\"spec\": {\n\t\t\"priorityLevelConfiguration\": {\n\t\t\t\"name\": \"y\"\n\t\t}\n\t}\n}";
    let location = &read(json).config.flow_schemas[0].location;
    assert_eq!(location.lines["spec.priorityLevelConfiguration.name"], 7);
}

#[test]
fn objects_are_found_in_whatever_holds_them() {
    let schema = "{\"kind\": \"FlowSchema\", \"apiVersion\": \"flowcontrol.apiserver.k8s.io/v1\", \
            \"metadata\": {\"name\": \"a\"}, \"spec\": {\"priorityLevelConfiguration\": {\"name\": \"b\"}}}";
    let bare = "{\"metadata\": {\"name\": \"a\"}, \"spec\": {\"priorityLevelConfiguration\": {\"name\": \"b\"}}}";
    let list_of = |kind: &str, version: &str, item: &str| {
        format!("{{\"kind\": \"{kind}\", \"apiVersion\": \"{version}\", \"items\": [{item}, {item}]}}")
    };
    for (text, count) in [
        (format!("[{schema}, {schema}]"), 2),
        (format!("{schema}\n{schema}{schema}"), 3),
        (format!("{schema}\n---\n{schema}"), 2),
        (format!("- {schema}\n- {schema}\n"), 2),
        (list_of("List", "v1", schema), 2),
        (list_of("FlowSchemaList", "flowcontrol.apiserver.k8s.io/v1", bare), 2),
        (list_of("FlowSchemaList", "flowcontrol.apiserver.k8s.io/v1", schema), 2),
        (format!("[{}]", list_of("List", "v1", schema)), 2),
        ("{\"kind\": \"List\", \"apiVersion\": \"v1\", \"items\": null}".to_owned(), 0),
        ("# nothing\n---\n".to_owned(), 0),
    ] {
        assert_eq!(config(&text).flow_schemas.len(), count, "{text}");
    }
}

#[test]
fn dumps_are_read_without_complaint() {
    let dump = level_with(
        "metadata:\n",
        "metadata:\n  uid: 1c\n  generation: 1\n  resourceVersion: \"55\"\n  \
             creationTimestamp: \"2024-01-01T00:00:00Z\"\n  managedFields:\n  \
             - {manager: kubectl, fieldsV1: {\"f:spec\": {\".\": {}}}}\n  labels: {a: b}\n",
    );
    let dump = format!("{dump}status:\n  conditions: [{{type: Dangling, anything: 1}}]\n");
    let location = &config(&dump).priority_levels[0].location;
    assert!(!location.has("status") && !location.has("metadata.managedFields"));
    assert_eq!(read(&dump).notes, []);
}

#[test]
fn other_objects_are_passed_over_with_a_note() {
    let text = format!("kind: Pod\napiVersion: v1\nmetadata: {{name: web}}\n---\n{LEVEL}");
    let manifest = read(&text);
    assert_eq!(manifest.notes[0].to_string(), "limits.yaml:1: Pod web (v1) is ignored");
    assert_eq!((manifest.notes.len(), manifest.config.priority_levels.len()), (1, 1));
    assert_eq!(read("kind: FlowSchema\napiVersion: apiserver.config.k8s.io/v1beta1\n").notes.len(), 1);
}

#[test]
fn older_versions_are_read_as_v1_and_noted() {
    let old = level_with("/v1\n", "/v1beta2\n").replace("nominalConcurrencyShares", "assuredConcurrencyShares");
    let manifest = read(&old);
    assert_eq!(manifest.config.priority_levels[0].nominal_concurrency_shares(), 5);
    assert_eq!(manifest.config.priority_levels[0].location.api_version, ApiVersion::V1Beta2);
    assert_eq!(
        manifest.notes[0].to_string(),
        "limits.yaml:1: PriorityLevelConfiguration limit-pod-list: flowcontrol.apiserver.k8s.io/v1beta2 was removed \
             in Kubernetes 1.29; assuredConcurrencyShares is read as nominalConcurrencyShares"
    );
    let newer = read(&level_with("/v1\n", "/v1beta3\n"));
    assert!(
        newer.problems.is_empty() && newer.notes[0].message.ends_with("was removed in Kubernetes 1.32"),
        "{newer:?}"
    );
    for (version, expected) in [("v1alpha1", 1), ("v1beta1", 1), ("v1beta3", 0), ("v1", 0)] {
        let text = old.replace("v1beta2", version);
        assert_eq!(read(&text).problems.is_empty(), expected == 1, "{version}");
    }
    assert_eq!(problems(&old.replace("v1beta2", "v2")), [(1, "apiVersion".to_owned())]);
}

#[test]
fn no_shares_are_none_in_v1_and_the_default_before() {
    let zero = level_with("Shares: 5", "Shares: 0");
    let absent = level_with("    nominalConcurrencyShares: 5\n", "");
    let beta = |text: &str| text.replace("/v1\n", "/v1beta3\n");
    let preserving = |text: &str| {
        let annotation = "flowcontrol.k8s.io/v1beta3-preserve-zero-concurrency-shares: \"\"";
        text.replace("metadata:\n", &format!("metadata:\n  annotations:\n    {annotation}\n"))
    };
    assert_eq!((shares(&zero), shares(&absent)), (0, 30));
    assert_eq!((shares(&beta(&zero)), shares(&beta(&absent))), (30, 30));
    assert_eq!((shares(&preserving(&beta(&zero))), shares(&preserving(&beta(&absent)))), (0, 0));
    assert_eq!(problems(&preserving(&zero)), [(4, "metadata.annotations".to_owned())]);
    let assured = zero.replace("/v1\n", "/v1beta2\n").replace("nominal", "assured");
    assert_eq!(shares(&assured), 30);
    for (text, expected) in [
        (beta(&zero), true),
        (assured, true),
        (beta(&absent), false),
        (beta(&LEVEL.replace("Shares: 5", "Shares: 30")), false),
        (preserving(&beta(&zero)), false),
    ] {
        let manifest = read(&text);
        assert_eq!(manifest.config.priority_levels[0].location.has_zero_for_default, expected, "{text}");
        assert_eq!(manifest.notes[0].message.contains("0 shares mean the default of 30"), expected, "{text}");
    }
}

#[test]
fn what_is_wrong_with_a_schema_has_the_servers_field() {
    let subject = "    - kind: Group\n      group:\n        name: system:nodes\n";
    for (from, to, line, field) in [
        ("\nspec:", "\nspec:\n  bogus: 1", 8, "spec.bogus"),
        ("clusterScope", "clusterscope", 26, "spec.rules[0].resourceRules[0].clusterscope"),
        ("clusterScope: true", "clusterScope: \"true\"", 26, "spec.rules[0].resourceRules[0].clusterScope"),
        ("verbs: [list]", "verbs: list", 21, "spec.rules[0].resourceRules[0].verbs"),
        ("verbs: [list]", "verbs: [1]", 21, "spec.rules[0].resourceRules[0].verbs[0]"),
        ("ByUser", "byUser", 10, "spec.distinguisherMethod.type"),
        ("{type: ByUser}", "{}", 10, "spec.distinguisherMethod.type"),
        ("{type: ByUser}", "ByUser", 10, "spec.distinguisherMethod"),
        ("kind: Group", "kind: Groups", 17, "spec.rules[0].subjects[1].kind"),
        ("    - kind: Group", "    - ", 18, "spec.rules[0].subjects[1].kind"),
        ("    - kind: Group", "    - kind: User", 18, "spec.rules[0].subjects[1].group"),
        ("      group:\n        name: system:nodes\n", "", 17, "spec.rules[0].subjects[1].group"),
        (subject, &format!("{subject}      user: {{name: x}}\n"), 20, "spec.rules[0].subjects[1].user"),
        ("  name: restrict-pod-list\n", "", 3, "metadata.name"),
        ("    name: limit-pod-list\n", "", 7, "spec.priorityLevelConfiguration.name"),
        ("\nspec:", "\nspec:\n  matchingPrecedence: 3000000000", 8, "spec.matchingPrecedence"),
        ("\nspec:", "\nspec:\n  matchingPrecedence: 1.5", 8, "spec.matchingPrecedence"),
        ("metadata:", "metadata:\n  nmae: x", 4, "metadata.nmae"),
        ("\"false\"", "false", 6, "metadata.annotations[apf.kubernetes.io/autoupdate-spec]"),
        ("kind: FlowSchema", "kind: FlowSchemas", 1, "kind"),
        ("kind: FlowSchema\n", "", 1, "kind"),
        ("apiVersion: flowcontrol.apiserver.k8s.io/v1\n", "", 1, "apiVersion"),
    ] {
        let found = problems(&schema_with(from, to));
        assert_eq!(found.first(), Some(&(line, field.to_owned())), "{from} {to}");
    }
    let no_spec = SCHEMA.split("spec:\n").next().unwrap();
    assert_eq!(problems(no_spec), [(1, "spec.priorityLevelConfiguration.name".to_owned())]);
}

#[test]
fn what_is_wrong_with_a_level_has_the_servers_field() {
    for (from, to, line, field) in [
        ("type: Limited", "type: limited", 6, "spec.type"),
        ("  type: Limited\n", "", 5, "spec.type"),
        ("type: Limited", "type: Exempt", 7, "spec.limited"),
        ("spec:", "spec:\n  exempt: {}", 6, "spec.exempt"),
        ("type: Queue", "type: Reject", 12, "spec.limited.limitResponse.queuing"),
        ("      queuing: {queues: 5, handSize: 1}\n", "", 10, "spec.limited.limitResponse.queuing"),
        ("      type: Queue\n", "", 10, "spec.limited.limitResponse.type"),
        ("Queue", "Wait", 11, "spec.limited.limitResponse.type"),
        ("handSize: 1", "handSize: one", 12, "spec.limited.limitResponse.queuing.handSize"),
        ("handSize: 1", "handSize: 1, handSize: 2", 12, "spec.limited.limitResponse.queuing.handSize"),
        ("nominalConcurrencyShares", "assuredConcurrencyShares", 8, "spec.limited.assuredConcurrencyShares"),
    ] {
        let found = problems(&level_with(from, to));
        assert_eq!(found, [(line, field.to_owned())], "{from} {to}");
    }
    let limited = LEVEL.split("  limited:").next().unwrap();
    assert_eq!(problems(limited), [(1, "spec.limited".to_owned())].map(|(_, field)| (5, field)));
    let manifest = read(&level_with("nominal", "assured"));
    assert_eq!(
        manifest.problems[0].to_string(),
        "limits.yaml:8: PriorityLevelConfiguration limit-pod-list: spec.limited.assuredConcurrencyShares: unknown \
             field; v1 calls it nominalConcurrencyShares"
    );
}

#[test]
fn what_cant_be_built_is_left_out_and_hides_nothing() {
    let broken = schema_with("kind: Group", "kind: Groups");
    let manifest = read(&format!("{broken}---\n{LEVEL}---\nspec: [\n---\n{SCHEMA}"));
    let counts = (manifest.config.flow_schemas.len(), manifest.config.priority_levels.len());
    assert_eq!((counts, manifest.problems.len()), ((1, 1), 2));
    let syntax = &manifest.problems[1];
    assert!(syntax.object.is_empty() && syntax.line.is_some() && !syntax.message.contains("line"), "{syntax}");
    let unknown = read(&schema_with("\nspec:", "\nspec:\n  bogus: 1"));
    assert_eq!(unknown.config.flow_schemas.len(), 1, "the server can be told to ignore unknown fields");
}

#[test]
fn what_is_no_object_is_a_problem() {
    for text in ["hello", "42", "- a\n- b\n", "[[1]]"] {
        assert!(!problems(text).is_empty(), "{text}");
    }
    assert_eq!(problems("{kind: List, items: 1}"), [(1, "items".to_owned())]);
}

#[test]
fn a_namespace_does_nothing() {
    let manifest = read(&level_with("metadata:", "metadata:\n  namespace: default"));
    assert!(manifest.problems.is_empty() && manifest.notes[0].message.contains("cluster-scoped"), "{manifest:?}");
}

#[test]
fn whether_the_server_keeps_it_is_read_as_go_reads_booleans() {
    for (value, expected) in [("true", Some(true)), ("T", Some(true)), ("0", Some(false)), ("yes", None), ("", None)] {
        let text = schema_with("\"false\"", &format!("\"{value}\""));
        assert_eq!(config(&text).flow_schemas[0].is_autoupdated, expected, "{value}");
    }
    assert_eq!(config(LEVEL).priority_levels[0].is_autoupdated, None);
}

fn schema_json(schema: &FlowSchema) -> serde_json::Value {
    let subject = |subject: &Subject| match subject {
        Subject::User(name) => json!({"kind": "User", "user": {"name": name}}),
        Subject::Group(name) => json!({"kind": "Group", "group": {"name": name}}),
        Subject::ServiceAccount { namespace, name } => {
            json!({"kind": "ServiceAccount", "serviceAccount": {"namespace": namespace, "name": name}})
        }
    };
    let resource_rule = |rule: &ResourceRule| {
        json!({
            "verbs": rule.verbs, "apiGroups": rule.api_groups, "resources": rule.resources,
            "namespaces": rule.namespaces, "clusterScope": rule.cluster_scope,
        })
    };
    let other_rule = |rule: &NonResourceRule| json!({"verbs": rule.verbs, "nonResourceURLs": rule.non_resource_urls});
    let rule = |rule: &Rule| {
        json!({
            "subjects": rule.subjects.iter().map(subject).collect::<Vec<_>>(),
            "resourceRules": rule.resource_rules.iter().map(resource_rule).collect::<Vec<_>>(),
            "nonResourceRules": rule.non_resource_rules.iter().map(other_rule).collect::<Vec<_>>(),
        })
    };
    let method = schema.distinguisher_method.map(|method| json!({"type": method.name()}));
    json!({
        "apiVersion": "flowcontrol.apiserver.k8s.io/v1", "kind": "FlowSchema",
        "metadata": metadata_json(&schema.name, schema.is_autoupdated),
        "spec": {
            "priorityLevelConfiguration": {"name": schema.priority_level},
            "matchingPrecedence": schema.matching_precedence,
            "distinguisherMethod": method,
            "rules": schema.rules.iter().map(rule).collect::<Vec<_>>(),
        },
    })
}

fn metadata_json(name: &str, is_autoupdated: Option<bool>) -> serde_json::Value {
    let annotation = |value: bool| ("apf.kubernetes.io/autoupdate-spec".to_owned(), json!(value.to_string()));
    let annotations: Map<_, _> = is_autoupdated.map(annotation).into_iter().collect();
    json!({"name": name, "annotations": annotations})
}

fn level_json(level: &PriorityLevel) -> serde_json::Value {
    let spec = match level.kind {
        LevelKind::Exempt { nominal_concurrency_shares, lendable_percent } => json!({
            "type": "Exempt",
            "exempt": {"nominalConcurrencyShares": nominal_concurrency_shares, "lendablePercent": lendable_percent},
        }),
        LevelKind::Limited { nominal_concurrency_shares, lendable_percent, borrowing_limit_percent, .. } => json!({
            "type": "Limited",
            "limited": {
                "nominalConcurrencyShares": nominal_concurrency_shares,
                "lendablePercent": lendable_percent,
                "borrowingLimitPercent": borrowing_limit_percent,
                "limitResponse": level.queuing().map_or_else(|| json!({"type": "Reject"}), |queuing| json!({
                    "type": "Queue",
                    "queuing": {
                        "queues": queuing.queues, "handSize": queuing.hand_size,
                        "queueLengthLimit": queuing.queue_length_limit,
                    },
                })),
            },
        }),
    };
    json!({
        "apiVersion": "flowcontrol.apiserver.k8s.io/v1", "kind": "PriorityLevelConfiguration",
        "metadata": metadata_json(&level.name, level.is_autoupdated), "spec": spec,
    })
}

fn texts() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(any::<String>(), 0..3)
}

fn rules() -> impl Strategy<Value = Vec<Rule>> {
    let subject = prop_oneof![
        any::<String>().prop_map(Subject::User),
        any::<String>().prop_map(Subject::Group),
        any::<(String, String)>().prop_map(|(namespace, name)| Subject::ServiceAccount { namespace, name }),
    ];
    let resource_rule = (texts(), texts(), texts(), texts(), any::<bool>()).prop_map(
        |(verbs, api_groups, resources, namespaces, cluster_scope)| ResourceRule {
            verbs,
            api_groups,
            resources,
            namespaces,
            cluster_scope,
        },
    );
    let other_rule =
        (texts(), texts()).prop_map(|(verbs, non_resource_urls)| NonResourceRule { verbs, non_resource_urls });
    let subjects = prop::collection::vec(subject, 0..3);
    let rule = (subjects, prop::collection::vec(resource_rule, 0..3), prop::collection::vec(other_rule, 0..3));
    let rule = rule.prop_map(|(subjects, resource_rules, non_resource_rules)| Rule {
        subjects,
        resource_rules,
        non_resource_rules,
    });
    prop::collection::vec(rule, 0..3)
}

fn schemas() -> impl Strategy<Value = FlowSchema> {
    let method =
        prop::sample::select(vec![None, Some(DistinguisherMethod::ByUser), Some(DistinguisherMethod::ByNamespace)]);
    (".+", ".+", 1.., method, rules(), any::<Option<bool>>()).prop_map(
        |(name, priority_level, matching_precedence, distinguisher_method, rules, is_autoupdated)| FlowSchema {
            name,
            priority_level,
            matching_precedence,
            distinguisher_method,
            rules,
            is_autoupdated,
            location: ObjectLocation::default(),
        },
    )
}

fn levels() -> impl Strategy<Value = PriorityLevel> {
    let queuing = (1.., 1.., 1..).prop_map(|(queues, hand_size, queue_length_limit)| {
        LimitResponse::Queue(Queuing { queues, hand_size, queue_length_limit })
    });
    let limit_response = prop_oneof![Just(LimitResponse::Reject), queuing];
    let limited = (any::<i32>(), any::<i32>(), any::<Option<i32>>(), limit_response).prop_map(
        |(nominal_concurrency_shares, lendable_percent, borrowing_limit_percent, limit_response)| LevelKind::Limited {
            nominal_concurrency_shares,
            lendable_percent,
            borrowing_limit_percent,
            limit_response,
        },
    );
    let exempt = any::<(i32, i32)>().prop_map(|(nominal_concurrency_shares, lendable_percent)| LevelKind::Exempt {
        nominal_concurrency_shares,
        lendable_percent,
    });
    let level = (".+", prop_oneof![limited, exempt], any::<Option<bool>>());
    level.prop_map(|(name, kind, is_autoupdated)| PriorityLevel {
        name,
        kind,
        is_autoupdated,
        location: ObjectLocation::default(),
    })
}

/// A configuration without places, which no writer keeps.
fn without_places(mut config: Config) -> Config {
    config.flow_schemas.iter_mut().for_each(|schema| schema.location = ObjectLocation::default());
    config.priority_levels.iter_mut().for_each(|level| level.location = ObjectLocation::default());
    config
}

proptest! {
    #[test]
    fn reading_never_panics(text in any::<String>()) {
        Manifest::read(&text, None);
    }

    /// Near misses get further than noise does.
    #[test]
    fn reading_never_panics_on_a_damaged_manifest(cut in any::<prop::sample::Index>(), text in ".{0,8}") {
        let whole = format!("{SCHEMA}---\n{LEVEL}");
        let place = cut.index(whole.len());
        let damaged = format!("{}{text}{}", &whole[..place], &whole[place..]);
        Manifest::read(&damaged, None);
        Manifest::read(&whole[..place], None);
    }

    #[test]
    fn what_is_written_as_json_is_read_as_it_was(
        flow_schemas in prop::collection::vec(schemas(), 0..3),
        priority_levels in prop::collection::vec(levels(), 0..3),
        is_pretty in any::<bool>(),
    ) {
        let config = Config { flow_schemas, priority_levels };
        let schemas = config.flow_schemas.iter().map(schema_json);
        let items: Vec<_> = schemas.chain(config.priority_levels.iter().map(level_json)).collect();
        let list = json!({"apiVersion": "v1", "kind": "List", "items": items});
        let text = if is_pretty { format!("{list:#}") } else { list.to_string() };
        let manifest = Manifest::read(&text, None);
        prop_assert_eq!(manifest.problems, []);
        prop_assert_eq!(without_places(manifest.config), config);
    }
}
