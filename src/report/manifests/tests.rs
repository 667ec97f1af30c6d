//! Manifests are read back as they were written, whatever the names in them.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::comments::{COMMENT_WIDTH, is_hidden, write_comment};
use super::objects::{flow_schema_yaml, kustomization_yaml, priority_level_yaml};
use super::yaml::{is_plain, quoted};
use crate::apf::{
    Config, DistinguisherMethod, FlowSchema, LevelKind, LimitResponse, Manifest, NonResourceRule, ObjectLocation,
    PriorityLevel, Queuing, ResourceRule, Rule, Subject, validate,
};

fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn schema(name: &str, rules: Vec<Rule>) -> FlowSchema {
    FlowSchema {
        name: name.to_owned(),
        priority_level: "limit-pod-list".to_owned(),
        matching_precedence: 100,
        distinguisher_method: Some(DistinguisherMethod::ByUser),
        rules,
        is_autoupdated: None,
        location: ObjectLocation::default(),
    }
}

fn level(name: &str, kind: LevelKind) -> PriorityLevel {
    PriorityLevel { name: name.to_owned(), kind, is_autoupdated: None, location: ObjectLocation::default() }
}

/// What a text is read as, after a check that nobody finds anything wrong with it.
fn read(text: &str) -> Config {
    let Manifest { mut config, problems, notes } = Manifest::read(text, None);
    assert_eq!((problems, notes, validate(&config)), (vec![], vec![], vec![]), "{text}");
    config.flow_schemas.iter_mut().for_each(|schema| schema.location = ObjectLocation::default());
    config.priority_levels.iter_mut().for_each(|level| level.location = ObjectLocation::default());
    config
}

#[test]
fn a_schema_has_its_fields_in_the_order_of_kubectl() {
    let pods = ResourceRule {
        verbs: strings(&["list"]),
        api_groups: strings(&[""]),
        resources: strings(&["pods"]),
        namespaces: strings(&["*"]),
        cluster_scope: true,
    };
    let metrics = NonResourceRule { verbs: strings(&["get"]), non_resource_urls: strings(&["/metrics"]) };
    let account = Subject::ServiceAccount { namespace: "monitoring".to_owned(), name: "prometheus".to_owned() };
    let everybody = Subject::Group("system:authenticated".to_owned());
    let rules = vec![
        Rule { subjects: vec![account, everybody], resource_rules: vec![pods], non_resource_rules: vec![] },
        Rule {
            subjects: vec![Subject::User("*".to_owned())],
            resource_rules: vec![],
            non_resource_rules: vec![metrics],
        },
    ];
    let schema = schema("restrict-pod-list", rules);
    let text = flow_schema_yaml(&schema, &strings(&["4,120 LISTs", "by one client"]));
    insta::assert_snapshot!(text, @r#"
    # 4,120 LISTs
    # by one client
    apiVersion: flowcontrol.apiserver.k8s.io/v1
    kind: FlowSchema
    metadata:
      name: restrict-pod-list
    spec:
      priorityLevelConfiguration:
        name: limit-pod-list
      matchingPrecedence: 100
      distinguisherMethod:
        type: ByUser
      rules:
      - subjects:
        - kind: ServiceAccount
          serviceAccount:
            namespace: monitoring
            name: prometheus
        - kind: Group
          group:
            name: "system:authenticated"
        resourceRules:
        - verbs:
          - list
          apiGroups:
          - ""
          resources:
          - pods
          clusterScope: true
          namespaces:
          - "*"
      - subjects:
        - kind: User
          user:
            name: "*"
        nonResourceRules:
        - verbs:
          - get
          nonResourceURLs:
          - "/metrics"
    "#);
    assert_eq!(read(&text).flow_schemas, [schema]);
}

#[test]
fn a_level_has_what_goes_with_its_type_only() {
    let limited = |borrowing_limit_percent, limit_response| LevelKind::Limited {
        nominal_concurrency_shares: 0,
        lendable_percent: 50,
        borrowing_limit_percent,
        limit_response,
    };
    let queuing = Queuing { queues: 5, hand_size: 1, queue_length_limit: 50 };
    let exempt = LevelKind::Exempt { nominal_concurrency_shares: 5, lendable_percent: 0 };
    let levels = [
        level("limit-pod-list", limited(Some(0), LimitResponse::Queue(queuing))),
        level("refuse", limited(None, LimitResponse::Reject)),
        level("exempt", exempt),
    ];
    let text = levels.each_ref().map(|level| priority_level_yaml(level, &[])).join("---\n");
    insta::assert_snapshot!(text, @r#"
    apiVersion: flowcontrol.apiserver.k8s.io/v1
    kind: PriorityLevelConfiguration
    metadata:
      name: limit-pod-list
    spec:
      type: Limited
      limited:
        nominalConcurrencyShares: 0
        lendablePercent: 50
        borrowingLimitPercent: 0
        limitResponse:
          type: Queue
          queuing:
            queues: 5
            handSize: 1
            queueLengthLimit: 50
    ---
    apiVersion: flowcontrol.apiserver.k8s.io/v1
    kind: PriorityLevelConfiguration
    metadata:
      name: refuse
    spec:
      type: Limited
      limited:
        nominalConcurrencyShares: 0
        lendablePercent: 50
        limitResponse:
          type: Reject
    ---
    apiVersion: flowcontrol.apiserver.k8s.io/v1
    kind: PriorityLevelConfiguration
    metadata:
      name: exempt
    spec:
      type: Exempt
      exempt:
        nominalConcurrencyShares: 5
        lendablePercent: 0
    "#);
    assert_eq!(read(&text).priority_levels, levels);
}

#[test]
fn a_kustomization_lists_its_files() {
    let text = kustomization_yaml(&strings(&["flowschema.yaml", "1.yaml", "a b.yaml"]), &strings(&["Two files."]));
    insta::assert_snapshot!(text, @r#"
    # Two files.
    apiVersion: kustomize.config.k8s.io/v1beta1
    kind: Kustomization
    resources:
    - flowschema.yaml
    - "1.yaml"
    - "a b.yaml"
    "#);
}

#[test]
fn what_could_be_read_as_something_else_is_quoted() {
    for plain in ["list", "pods/log", "apps", "Group", "a-1.b", "node", "e3", "x0"] {
        assert!(is_plain(plain), "{plain}");
    }
    let other = "* 1e3 0x10 0o7 007 1_000 1:30 2026-07-23 .5 .inf -1 - ? ~ = << y N Yes off TRUE null Inf nan a:b \
        system:nodes /metrics @a `a` &a !a %a #a a# {} [] {{.x}} , > | ' a_b ... ---";
    for quoted in other.split(' ').chain(["", " ", "a b", "a ", "é", "a\nb"]) {
        assert!(!is_plain(quoted), "{quoted}");
    }
    for (text, expected) in [
        ("*", r#""*""#),
        ("a\"b\\c", r#""a\"b\\c""#),
        ("a\r\n\tb\0", r#""a\u000d\u000a\u0009b\u0000""#),
        ("é\u{2028}\u{202e}😀", r#""\u00e9\u2028\u202e\U0001f600""#),
    ] {
        assert_eq!(quoted(text), expected);
    }
}

/// Names that would end the comment, the text or the document.
#[test]
fn evidence_stays_within_its_comments() {
    let comment = |evidence: &str| {
        let mut out = String::new();
        write_comment(evidence, &mut out);
        out
    };
    assert_eq!(comment("peak: 3–4 GiB → 1 GiB"), "# peak: 3–4 GiB → 1 GiB\n");
    assert_eq!(comment("  12  x"), "#   12  x\n");
    assert_eq!(comment(""), "#\n");
    assert_eq!(comment("a\nkind: Pod\r\u{85}\u{2028}\u{202e}"), "# a\\nkind: Pod\\r\\u{85}\\u{2028}\\u{202e}\n");
    let words = comment(&"word ".repeat(30));
    assert_eq!(words, format!("# {}\n#   {}\n", "word ".repeat(21).trim(), "word ".repeat(9).trim()));
    assert_eq!(comment(&"x".repeat(109)), format!("# {}\n#   x\n", "x".repeat(108)));
    assert_eq!(comment(&"x".repeat(108)), format!("# {}\n", "x".repeat(108)));
}

/// Any text, mostly of characters that are trouble.
fn any_text() -> impl Strategy<Value = String> {
    let trouble = "\0\t\n\r \"'#:-\\{}[]*&!|>%@`,?~\u{7f}\u{85}\u{ad}\u{2028}\u{202e}\u{feff}\u{ffff}é😀";
    let character = prop_oneof![select(trouble.chars().collect::<Vec<_>>()), any::<char>()];
    let any = vec(character, 1..30).prop_map(String::from_iter);
    prop_oneof![any, words().prop_map(str::to_owned), "[a-z0-9.:/_+-]{1,12}"]
}

/// Words that YAML might read as something else.
fn words() -> impl Strategy<Value = &'static str> {
    select(vec!["y", "no", "True", "null", "1e3", "0x1f", "007", "1_0", "~", ".inf", "2026-07-23", "---", "..."])
}

/// A name as `metadata.name` may be one; such as are no text without quotes too.
fn names() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?(\\.[a-z0-9]{1,5})?", select(strings(&["y", "1e3", "null", "0"]))]
}

fn labels() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?", select(strings(&["no", "007", "true", "1e3"]))]
}

/// `*` alone, or others without it.
fn or_star(others: impl Strategy<Value = Vec<String>>) -> impl Strategy<Value = Vec<String>> {
    let others = others.prop_map(|mut others| {
        others.retain(|one| one != "*");
        others
    });
    prop_oneof![Just(strings(&["*"])), others.prop_filter("one has to be there", |others| !others.is_empty())]
}

fn verbs() -> impl Strategy<Value = Vec<String>> {
    or_star(subsequence(strings(&["get", "list", "watch", "create", "deletecollection", "proxy"]), 1..4))
}

fn subjects() -> impl Strategy<Value = Subject> {
    let account_names = prop_oneof![Just("*".to_owned()), names()];
    prop_oneof![
        any_text().prop_map(Subject::User),
        any_text().prop_map(Subject::Group),
        (labels(), account_names).prop_map(|(namespace, name)| Subject::ServiceAccount { namespace, name }),
    ]
}

fn resource_rules() -> impl Strategy<Value = ResourceRule> {
    let groups = || or_star(vec(prop_oneof![Just(String::new()), any_text()], 1..4));
    let namespaces = prop_oneof![Just(vec![]), or_star(vec(labels(), 1..4))];
    (verbs(), groups(), groups(), namespaces, any::<bool>()).prop_map(
        |(verbs, api_groups, resources, namespaces, is_cluster_wide)| ResourceRule {
            verbs,
            api_groups,
            resources,
            cluster_scope: is_cluster_wide || namespaces.is_empty(),
            namespaces,
        },
    )
}

fn non_resource_rules() -> impl Strategy<Value = NonResourceRule> {
    let paths = (any_text(), any::<bool>()).prop_map(|(path, is_open)| {
        let path = path.replace(['/', '*', ' '], "");
        if is_open && !path.is_empty() { format!("/{path}/*") } else { format!("/{path}") }
    });
    let rule = (verbs(), or_star(vec(paths, 1..4)));
    rule.prop_map(|(verbs, non_resource_urls)| NonResourceRule { verbs, non_resource_urls })
}

fn rules() -> impl Strategy<Value = Rule> {
    let non_resource_rules = vec(non_resource_rules(), 0..3);
    (vec(subjects(), 1..4), vec(resource_rules(), 0..3), non_resource_rules)
        .prop_map(|(subjects, resource_rules, non_resource_rules)| Rule {
            subjects,
            resource_rules,
            non_resource_rules,
        })
        .prop_filter("a rule is about something", |rule| {
            !rule.resource_rules.is_empty() || !rule.non_resource_rules.is_empty()
        })
}

fn schemas() -> impl Strategy<Value = FlowSchema> {
    let methods = [None, Some(DistinguisherMethod::ByUser), Some(DistinguisherMethod::ByNamespace)];
    (names(), names(), 2..=10_000, select(methods.to_vec()), vec(rules(), 0..4)).prop_map(
        |(name, priority_level, matching_precedence, distinguisher_method, rules)| FlowSchema {
            priority_level,
            matching_precedence,
            distinguisher_method,
            ..schema(&name, rules)
        },
    )
}

fn levels() -> impl Strategy<Value = PriorityLevel> {
    let queuing = (1..=64_i32, 1..=100).prop_flat_map(|(queues, queue_length_limit)| {
        (1..=queues.min(10)).prop_map(move |hand_size| Queuing { queues, hand_size, queue_length_limit })
    });
    let responses = prop_oneof![Just(LimitResponse::Reject), queuing.prop_map(LimitResponse::Queue)];
    let borrowing = proptest::option::of(0..=i32::MAX);
    let limited = (names(), 0..=i32::MAX, 0..=100, borrowing, responses).prop_map(
        |(name, nominal_concurrency_shares, lendable_percent, borrowing_limit_percent, limit_response)| {
            let kind = LevelKind::Limited {
                nominal_concurrency_shares,
                lendable_percent,
                borrowing_limit_percent,
                limit_response,
            };
            level(&name, kind)
        },
    );
    let exempt = (0..=i32::MAX, 0..=100).prop_map(|(nominal_concurrency_shares, lendable_percent)| {
        level("exempt", LevelKind::Exempt { nominal_concurrency_shares, lendable_percent })
    });
    prop_oneof![4 => limited, 1 => exempt]
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(schema in schemas(), level in levels(), evidence in vec(any_text(), 0..3)) {
        let schema_text = flow_schema_yaml(&schema, &evidence);
        let level_text = priority_level_yaml(&level, &evidence);
        prop_assert_eq!(read(&schema_text).flow_schemas, std::slice::from_ref(&schema));
        prop_assert_eq!(read(&level_text).priority_levels, std::slice::from_ref(&level));
        let both = read(&format!("{schema_text}---\n{level_text}"));
        prop_assert_eq!((both.flow_schemas, both.priority_levels), (vec![schema], vec![level]));
    }

    #[test]
    fn comments_are_no_wider_than_their_lines(evidence in any_text(), times in 1_usize..20) {
        let mut out = String::new();
        write_comment(&evidence.repeat(times), &mut out);
        prop_assert!(out.lines().all(|line| line.starts_with('#') && line.chars().count() <= COMMENT_WIDTH));
        prop_assert!(!out.contains(|character| character != '\n' && is_hidden(character)));
    }
}
