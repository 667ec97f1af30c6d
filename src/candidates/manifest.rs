//! FlowSchemas and priority levels as YAML that an API server accepts as it is: what `kubectl apply` takes, under
//! strict field validation, with the evidence as comments on top.
//!
//! It is written by hand because of the comments, and because the names in it come from logs, where anybody who may
//! send a request chooses some of them. All that isn't a plain word is put in double quotes and in ASCII, with
//! escapes that every YAML parser knows; so nothing is taken for a number or a line of its own, and two names that
//! look alike don't.
//!
//! Defaults are written out, so that an object is the same for every server. There are never annotations: an object
//! that has `apf.kubernetes.io/autoupdate-spec: "true"` and a name that the server doesn't know is deleted by the
//! server (`pkg/registry/flowcontrol/ensurer/strategy.go`, `RemoveUnwantedObjects`). There is no status, which is the
//! server's.

use sha2::{Digest, Sha256};

use crate::apf::{
    FlowSchema, LevelKind, LimitResponse, NonResourceRule, PriorityLevel, Queuing, ResourceRule, Rule, Subject,
};

/// Group and version of what is written: served since 1.29, and the one that stays.
const API_VERSION: &str = "flowcontrol.apiserver.k8s.io/v1";
/// How many characters a line of comments has at most.
const COMMENT_WIDTH: usize = 110;
/// How long a name may be, as a DNS label; the server allows 253, but 63 fit everywhere, labels included.
const NAME_LENGTH: usize = 63;
/// What YAML 1.1 or 1.2, or a careless parser of either, reads as something else than a text, in any case.
const RESERVED: [&str; 12] = ["y", "n", "yes", "no", "on", "off", "true", "false", "null", "inf", "infinity", "nan"];

/// A FlowSchema. Its place and whether it is autoupdated aren't written.
pub fn flow_schema_yaml(schema: &FlowSchema, evidence: &[String]) -> String {
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
pub fn priority_level_yaml(level: &PriorityLevel, evidence: &[String]) -> String {
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
pub fn kustomization_yaml(files: &[String], evidence: &[String]) -> String {
    let kustomization = map([
        ("apiVersion", text("kustomize.config.k8s.io/v1beta1")),
        ("kind", text("Kustomization")),
        ("resources", texts(files)),
    ]);
    document(&kustomization, evidence)
}

/// Sentences as comments, to stand above a manifest.
pub fn comments(evidence: &[String]) -> String {
    let mut out = String::new();
    evidence.iter().for_each(|sentence| write_comment(sentence, &mut out));
    out
}

/// A name for an object: the parts joined by `-`, as a DNS label.
///
/// Where that is not the joined text itself, because it was cut or has characters that a name can't have, it ends in
/// six hexadecimal digits of SHA-256 over the joined text. So what reads alike without those characters
/// (`system:node` and `system-node`) has different names, and the same parts always have the same one. The first part
/// should be one of our own: it keeps the name off those of the server's objects, which would be replaced.
pub fn object_name(parts: &[&str]) -> String {
    let joined = parts.join("-");
    let mut name = String::new();
    for character in joined.chars() {
        if character.is_ascii_alphanumeric() {
            name.push(character.to_ascii_lowercase());
        } else if !name.is_empty() && !name.ends_with('-') {
            name.push('-');
        }
    }
    if name == joined && !name.is_empty() && !name.ends_with('-') && name.len() <= NAME_LENGTH {
        return name;
    }
    let [a, b, c, ..]: [u8; 32] = Sha256::digest(&joined).into();
    let hash = format!("{a:02x}{b:02x}{c:02x}");
    name.truncate(NAME_LENGTH - 1 - hash.len());
    match name.trim_end_matches('-') {
        "" => hash,
        stem => format!("{stem}-{hash}"),
    }
}

/// A value as it is written.
enum Node {
    /// On the line of its field, quoted where it has to be.
    Scalar(String),
    /// In lines of their own, each with a dash.
    List(Vec<Node>),
    /// In lines of their own, in this order; without those that have nothing.
    Map(Vec<(&'static str, Node)>),
}

/// What is left out of a map, which is the same to the server as an empty list.
const NOTHING: Node = Node::List(Vec::new());

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

fn map<const N: usize>(fields: [(&'static str, Node); N]) -> Node {
    Node::Map(fields.into_iter().filter(|(_, value)| !value.is_empty()).collect())
}

fn texts(texts: &[String]) -> Node {
    Node::List(texts.iter().map(|one| text(one)).collect())
}

fn number(number: i32) -> Node {
    Node::Scalar(number.to_string())
}

fn text(text: &str) -> Node {
    Node::Scalar(if is_plain(text) { text.to_owned() } else { quoted(text) })
}

/// Whether a text is one without quotes too, for every parser.
fn is_plain(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.chars().all(|character| character.is_ascii_alphanumeric() || "-./".contains(character))
        && !RESERVED.iter().any(|reserved| reserved.eq_ignore_ascii_case(text))
}

/// A text in double quotes and in ASCII. Characters of more than 16 bits are escaped as YAML does it, because not every
/// YAML parser takes the two halves that JSON has for them.
fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            ' '..='~' => quoted.push(character),
            '\0'..='\u{ffff}' => quoted.push_str(&format!("\\u{:04x}", u32::from(character))),
            _ => quoted.push_str(&format!("\\U{:08x}", u32::from(character))),
        }
    }
    quoted.push('"');
    quoted
}

/// Comments, and what they are about.
fn document(node: &Node, evidence: &[String]) -> String {
    let mut out = String::new();
    for line in evidence {
        write_comment(line, &mut out);
    }
    node.write(0, &mut out);
    out
}

impl Node {
    const fn is_empty(&self) -> bool {
        match self {
            Self::Scalar(_) => false,
            Self::List(items) => items.is_empty(),
            Self::Map(fields) => fields.is_empty(),
        }
    }

    /// Writes whole lines, indented so far. A list is no deeper than the field that has it, as kubectl writes it.
    fn write(&self, indent: usize, out: &mut String) {
        let margin = " ".repeat(indent);
        match self {
            Self::Scalar(scalar) => out.push_str(&format!("{margin}{scalar}\n")),
            Self::Map(fields) if fields.is_empty() => out.push_str(&format!("{margin}{{}}\n")),
            Self::Map(fields) => {
                for (name, value) in fields {
                    match value {
                        Self::Scalar(scalar) => out.push_str(&format!("{margin}{name}: {scalar}\n")),
                        Self::List(_) => {
                            out.push_str(&format!("{margin}{name}:\n"));
                            value.write(indent, out);
                        }
                        Self::Map(_) => {
                            out.push_str(&format!("{margin}{name}:\n"));
                            value.write(indent + 2, out);
                        }
                    }
                }
            }
            Self::List(items) => {
                for item in items {
                    // The dash takes the place of the first line's indentation.
                    let dash = out.len() + indent;
                    item.write(indent + 2, out);
                    out.replace_range(dash..dash + 2, "- ");
                }
            }
        }
    }
}

/// Writes one line of evidence as a comment, in as many lines as it takes; the further ones are indented.
fn write_comment(evidence: &str, out: &mut String) {
    let shown = shown(evidence);
    let (mut rest, mut margin) = (shown.trim_end(), "# ");
    while let Some(end) = line_end(rest, COMMENT_WIDTH - margin.len()) {
        out.push_str(&format!("{margin}{}\n", rest[..end].trim_end()));
        (rest, margin) = (rest[end..].trim_start(), "#   ");
    }
    out.push_str(format!("{margin}{rest}").trim_end());
    out.push('\n');
}

/// Where to break a text that is too long for a line: at the last blank that leaves something before it, and else in
/// the middle of a word. `None` where it fits.
fn line_end(text: &str, width: usize) -> Option<usize> {
    let (limit, after) = text.char_indices().nth(width)?;
    let blank = if after == ' ' { Some(limit) } else { text[..limit].rfind(' ') };
    Some(blank.filter(|blank| !text[..*blank].trim().is_empty()).unwrap_or(limit))
}

/// A text with escapes for all that would break a line or isn't seen.
fn shown(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if is_hidden(character) {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown
}

/// Controls, what YAML takes for a line break or doesn't allow, and what has no width or turns the direction of the
/// text (the category `Cf` of Unicode, as far as it isn't part of a script).
fn is_hidden(character: char) -> bool {
    let is_format = matches!(character,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{feff}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}');
    let is_no_character = u32::from(character) & 0xfffe == 0xfffe;
    character.is_control() || is_format || is_no_character
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::{select, subsequence};

    use super::*;
    use crate::apf::{Config, DistinguisherMethod, Manifest, ObjectLocation, validate};

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

    #[test]
    fn names_that_lost_something_end_in_a_hash() {
        for (parts, expected) in [
            (&["limit", "prometheus-k8s", "list", "pods"][..], "limit-prometheus-k8s-list-pods"),
            (&["limit", "system:node"], "limit-system-node-fe6f89"),
            (&["limit", "system-node"], "limit-system-node"),
            (&["limit", "System:Node"], "limit-system-node-2c0b58"),
            (&["limit", "a--b"], "limit-a-b-62e16f"),
            (&["limit", ""], "limit-b5127f"),
            (&["日本"], "cf2abf"),
            (&[], "e3b0c4"),
        ] {
            assert_eq!(object_name(parts), expected, "{parts:?}");
        }
        let long = "x".repeat(57);
        assert_eq!(object_name(&["limit", &long]), format!("limit-{long}"));
        let [one, other] = ["a", "b"].map(|end| object_name(&["limit", &long, end]));
        assert!(one.len() == 63 && other.len() == 63 && one != other, "{one} {other}");
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
        prop_oneof![
            "[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?(\\.[a-z0-9]{1,5})?",
            select(strings(&["y", "1e3", "null", "0"]))
        ]
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

        #[test]
        fn any_parts_make_a_name(parts in vec(any_text(), 0..5)) {
            let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
            let name = object_name(&parts);
            prop_assert!(name.len() <= NAME_LENGTH && !name.contains("--"), "{name}");
            prop_assert_eq!(read(&flow_schema_yaml(&schema(&name, vec![]), &[])).flow_schemas, [schema(&name, vec![])]);
        }
    }
}
