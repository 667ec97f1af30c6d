//! Reads one FlowSchema or PriorityLevelConfiguration from the tree into our types.
//!
//! Fields and their types are those of `k8s.io/api/flowcontrol/*/types.go`, the defaults those of
//! `pkg/apis/flowcontrol/*/defaults.go`. It reports what a server can't decode and what our types can't represent, such
//! as a type without its stanza, with the field names of the server's own validation
//! (`pkg/apis/flowcontrol/validation/validation.go`).

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::{
    ApiVersion, DistinguisherMethod, FlowSchema, LevelKind, LimitResponse, NonResourceRule, ObjectLocation,
    PriorityLevel, Queuing, ResourceRule, Rule, Subject,
};
use super::node::{Node, Value};
use super::{Kind, Problem};

/// Whether the server maintains the object (`pkg/registry/flowcontrol/ensurer/strategy.go`).
const AUTOUPDATE: &str = "apf.kubernetes.io/autoupdate-spec";
/// With this annotation, whatever its value, 0 shares mean 0 in v1beta3 too
/// (`pkg/apis/flowcontrol/v1beta3/defaults.go`).
pub(in super::super) const PRESERVE_ZERO: &str = "flowcontrol.k8s.io/v1beta3-preserve-zero-concurrency-shares";

/// The fields of `ObjectMeta`, including `clusterName`, which existed up to 1.23.
const METADATA: [&str; 16] = [
    "name",
    "generateName",
    "namespace",
    "selfLink",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "labels",
    "annotations",
    "ownerReferences",
    "finalizers",
    "managedFields",
    "clusterName",
];

/// The result of reading an object.
pub(super) struct Read {
    /// Kind and name.
    pub(super) object: String,
    /// The FlowSchema, if it could be built.
    pub(super) flow_schema: Option<FlowSchema>,
    /// The priority level, if it could be built.
    pub(super) priority_level: Option<PriorityLevel>,
    /// What is wrong.
    pub(super) problems: Vec<Problem>,
    /// Further notes.
    pub(super) notes: Vec<String>,
}

/// Reads an object.
pub(super) fn read(node: Node, kind: Kind, version: ApiVersion, file: Option<Arc<str>>) -> Read {
    let name = node.field("metadata").and_then(|metadata| metadata.text("name"));
    let object = name.map_or_else(|| kind.name().to_owned(), |name| format!("{} {name}", kind.name()));
    let location = ObjectLocation { file, api_version: version, lines: lines(&node), has_zero_for_default: false };
    let mut reader =
        ObjectReader { object, version, location, problems: Vec::new(), notes: Vec::new(), is_broken: false };
    let (flow_schema, priority_level) = match kind {
        Kind::FlowSchema => (Some(reader.flow_schema(node)), None),
        Kind::PriorityLevelConfiguration => (None, reader.priority_level(node)),
    };
    let is_whole = !reader.is_broken;
    let ObjectReader { object, location, problems, notes, .. } = reader;
    Read {
        object,
        flow_schema: flow_schema.filter(|_| is_whole).map(|schema| FlowSchema { location: location.clone(), ..schema }),
        priority_level: priority_level.filter(|_| is_whole).map(|level| PriorityLevel { location, ..level }),
        problems,
        notes,
    }
}

/// The field name of a Limited level's shares in a version.
pub(in super::super) const fn shares_field(version: ApiVersion) -> &'static str {
    match version {
        ApiVersion::V1Alpha1 | ApiVersion::V1Beta1 | ApiVersion::V1Beta2 => "assuredConcurrencyShares",
        ApiVersion::V1Beta3 | ApiVersion::V1 => "nominalConcurrencyShares",
    }
}

/// Whether a level has the annotation that makes 0 shares mean 0 in v1beta3, and which v1 does not allow.
pub(in super::super) fn preserves_zero(location: &ObjectLocation) -> bool {
    location.has(&child("metadata.annotations", PRESERVE_ZERO))
}

/// The line of every field by its path, without those that only the server writes.
fn lines(node: &Node) -> BTreeMap<String, u64> {
    let mut lines = BTreeMap::from([(String::new(), node.line)]);
    collect_lines(node, "", &mut lines);
    lines
}

fn collect_lines(node: &Node, path: &str, lines: &mut BTreeMap<String, u64>) {
    match &node.value {
        Value::Map(entries) => {
            for entry in entries {
                let path = child(path, &entry.key);
                if !matches!(entry.node.value, Value::Null) && !["status", "metadata.managedFields"].contains(&&*path) {
                    collect_lines(&entry.node, &path, lines);
                    lines.insert(path, entry.line);
                }
            }
        }
        Value::List(items) => {
            for (index, item) in items.iter().enumerate() {
                let path = format!("{path}[{index}]");
                collect_lines(item, &path, lines);
                lines.insert(path, item.line);
            }
        }
        _ => {}
    }
}

/// The path of a field in another one, as the server writes it.
fn child(path: &str, key: &str) -> String {
    match path {
        "" => key.to_owned(),
        "metadata.labels" | "metadata.annotations" => format!("{path}[{key}]"),
        _ => format!("{path}.{key}"),
    }
}

/// A value and its path.
struct Field {
    path: String,
    node: Node,
}

/// The fields of an object that are present and not null.
struct Fields {
    path: String,
    entries: BTreeMap<String, Node>,
}

impl Fields {
    fn take(&mut self, key: &str) -> Option<Field> {
        Some(Field { path: self.path_of(key), node: self.entries.remove(key)? })
    }

    fn has(&self, key: &str) -> bool {
        self.entries.contains_key(key)
    }

    fn path_of(&self, key: &str) -> String {
        child(&self.path, key)
    }
}

struct ObjectReader {
    object: String,
    version: ApiVersion,
    location: ObjectLocation,
    problems: Vec<Problem>,
    notes: Vec<String>,
    /// Whether the object can't be built.
    is_broken: bool,
}

/// The fields that both kinds have.
struct Meta {
    name: String,
    is_autoupdated: Option<bool>,
    preserves_zero: bool,
}

impl ObjectReader {
    fn flow_schema(&mut self, node: Node) -> FlowSchema {
        let (meta, spec) = self.meta_and_spec(node);
        let known = ["priorityLevelConfiguration", "matchingPrecedence", "distinguisherMethod", "rules"];
        let mut spec = self.fields(spec, "spec", &known);
        let level_path = spec.path_of("priorityLevelConfiguration");
        let mut level = self.fields(spec.take("priorityLevelConfiguration"), &level_path, &["name"]);
        let priority_level = self.required_text(&mut level, "name", "must name a priority level");
        let precedence = self.whole(spec.take("matchingPrecedence")).filter(|precedence| *precedence != 0);
        let method = spec.take("distinguisherMethod");
        let rules = self.items(spec.take("rules"));
        FlowSchema {
            name: meta.name,
            priority_level,
            matching_precedence: precedence.unwrap_or(1000),
            distinguisher_method: method.and_then(|method| self.distinguisher_method(method)),
            rules: rules.into_iter().map(|rule| self.rule(rule)).collect(),
            is_autoupdated: meta.is_autoupdated,
            location: ObjectLocation::default(),
        }
    }

    fn distinguisher_method(&mut self, field: Field) -> Option<DistinguisherMethod> {
        let path = field.path.clone();
        let mut method = self.fields(Some(field), &path, &["type"]);
        let (given, path) = (method.take("type"), method.path_of("type"));
        self.named(
            given,
            &path,
            &[
                (DistinguisherMethod::ByUser.name(), DistinguisherMethod::ByUser),
                (DistinguisherMethod::ByNamespace.name(), DistinguisherMethod::ByNamespace),
            ],
        )
    }

    fn rule(&mut self, field: Field) -> Rule {
        let mut rule = self.fields_of(field, &["subjects", "resourceRules", "nonResourceRules"]);
        let subjects = self.items(rule.take("subjects"));
        let resource_rules = self.items(rule.take("resourceRules"));
        let non_resource_rules = self.items(rule.take("nonResourceRules"));
        Rule {
            subjects: subjects.into_iter().filter_map(|subject| self.subject(subject)).collect(),
            resource_rules: resource_rules.into_iter().map(|rule| self.resource_rule(rule)).collect(),
            non_resource_rules: non_resource_rules.into_iter().map(|rule| self.non_resource_rule(rule)).collect(),
        }
    }

    fn subject(&mut self, field: Field) -> Option<Subject> {
        let mut subject = self.fields_of(field, &["kind", "user", "group", "serviceAccount"]);
        let (given, kind_path) = (subject.take("kind"), subject.path_of("kind"));
        let kinds = [("User", "user"), ("Group", "group"), ("ServiceAccount", "serviceAccount")];
        let own = self.named(given, &kind_path, &kinds.map(|kind| (kind.0, kind)));
        for (kind, other) in kinds {
            if subject.has(other) && own.is_some_and(|(_, own)| own != other) {
                self.problem(&subject.path_of(other), format!("must be given only if the kind is {kind}"));
            }
        }
        let (kind, own) = own?;
        let path = subject.path_of(own);
        let Some(field) = subject.take(own) else {
            self.broken(&path, &format!("must be given if the kind is {kind}"));
            return None;
        };
        let known: &[&str] = if kind == "ServiceAccount" { &["namespace", "name"] } else { &["name"] };
        let mut fields = self.fields_of(field, known);
        let name = self.text(fields.take("name")).unwrap_or_default();
        Some(match kind {
            "User" => Subject::User(name),
            "Group" => Subject::Group(name),
            _ => Subject::ServiceAccount { namespace: self.text(fields.take("namespace")).unwrap_or_default(), name },
        })
    }

    fn resource_rule(&mut self, field: Field) -> ResourceRule {
        let known = ["verbs", "apiGroups", "resources", "clusterScope", "namespaces"];
        let mut rule = self.fields_of(field, &known);
        ResourceRule {
            verbs: self.texts(rule.take("verbs")),
            api_groups: self.texts(rule.take("apiGroups")),
            resources: self.texts(rule.take("resources")),
            namespaces: self.texts(rule.take("namespaces")),
            cluster_scope: self.flag(rule.take("clusterScope")),
        }
    }

    fn non_resource_rule(&mut self, field: Field) -> NonResourceRule {
        let mut rule = self.fields_of(field, &["verbs", "nonResourceURLs"]);
        NonResourceRule {
            verbs: self.texts(rule.take("verbs")),
            non_resource_urls: self.texts(rule.take("nonResourceURLs")),
        }
    }

    fn priority_level(&mut self, node: Node) -> Option<PriorityLevel> {
        let (meta, spec) = self.meta_and_spec(node);
        let mut spec = self.fields(spec, "spec", &["type", "limited", "exempt"]);
        let given = spec.take("type");
        let (limited, exempt) = (spec.take("limited"), spec.take("exempt"));
        let is_exempt = self.named(given, "spec.type", &[("Exempt", true), ("Limited", false)]);
        if is_exempt == Some(true) && limited.is_some() {
            self.problem("spec.limited", "must be given only if the type is Limited".to_owned());
        }
        if is_exempt == Some(false) && exempt.is_some() {
            self.problem("spec.exempt", "must be given only if the type is Exempt".to_owned());
        }
        if is_exempt == Some(false) && limited.is_none() {
            self.broken("spec.limited", "must be given if the type is Limited");
        }
        let limited = limited.map(|limited| self.limited(limited, &meta));
        let exempt = self.exempt(exempt);
        let kind = if is_exempt? { Some(exempt) } else { limited? };
        Some(PriorityLevel {
            name: meta.name,
            kind: kind?,
            is_autoupdated: meta.is_autoupdated,
            location: ObjectLocation::default(),
        })
    }

    fn exempt(&mut self, field: Option<Field>) -> LevelKind {
        let mut exempt = self.fields(field, "spec.exempt", &["nominalConcurrencyShares", "lendablePercent"]);
        LevelKind::Exempt {
            nominal_concurrency_shares: self.whole(exempt.take("nominalConcurrencyShares")).unwrap_or(0),
            lendable_percent: self.whole(exempt.take("lendablePercent")).unwrap_or(0),
        }
    }

    fn limited(&mut self, field: Field, meta: &Meta) -> Option<LevelKind> {
        let shares = shares_field(self.version);
        let known = [shares, "lendablePercent", "borrowingLimitPercent", "limitResponse"];
        let mut limited = self.fields_of(field, &known);
        let shares = self.whole(limited.take(shares));
        let shares = match (self.version, shares) {
            (ApiVersion::V1, shares) => shares.unwrap_or(30),
            (ApiVersion::V1Beta3, shares) if meta.preserves_zero => shares.unwrap_or(0),
            (_, Some(0)) => {
                self.location.has_zero_for_default = true;
                30
            }
            (_, shares) => shares.unwrap_or(30),
        };
        let lendable_percent = self.whole(limited.take("lendablePercent")).unwrap_or(0);
        let borrowing_limit_percent = self.whole(limited.take("borrowingLimitPercent"));
        Some(LevelKind::Limited {
            nominal_concurrency_shares: shares,
            lendable_percent,
            borrowing_limit_percent,
            limit_response: self.limit_response(limited.take("limitResponse"))?,
        })
    }

    fn limit_response(&mut self, field: Option<Field>) -> Option<LimitResponse> {
        let mut response = self.fields(field, "spec.limited.limitResponse", &["type", "queuing"]);
        let (given, path) = (response.take("type"), response.path_of("type"));
        let queues = self.named(given, &path, &[("Queue", true), ("Reject", false)]);
        let (queuing, path) = (response.take("queuing"), response.path_of("queuing"));
        if queues == Some(false) && queuing.is_some() {
            self.problem(&path, "must be given only if the type is Queue".to_owned());
        }
        if queues == Some(true) && queuing.is_none() {
            self.broken(&path, "must be given if the type is Queue");
        }
        let queuing = queuing.map(|queuing| self.queuing(queuing));
        if queues? { queuing.map(LimitResponse::Queue) } else { Some(LimitResponse::Reject) }
    }

    fn queuing(&mut self, field: Field) -> Queuing {
        let mut queuing = self.fields_of(field, &["queues", "handSize", "queueLengthLimit"]);
        let mut or_default = |key, default| match self.whole(queuing.take(key)) {
            None | Some(0) => default,
            Some(number) => number,
        };
        Queuing {
            queues: or_default("queues", 64),
            hand_size: or_default("handSize", 8),
            queue_length_limit: or_default("queueLengthLimit", 50),
        }
    }

    fn meta_and_spec(&mut self, node: Node) -> (Meta, Option<Field>) {
        let object = Field { path: String::new(), node };
        let mut fields = self.fields_of(object, &["apiVersion", "kind", "metadata", "spec", "status"]);
        let mut metadata = self.fields(fields.take("metadata"), "metadata", &METADATA);
        let name = self.required_text(&mut metadata, "name", "must be given");
        let namespace = self.text(metadata.take("namespace")).filter(|namespace| !namespace.is_empty());
        if namespace.is_some() {
            self.notes.push(format!("{}: metadata.namespace has no effect: the kind is cluster-scoped", self.object));
        }
        let annotations = self.string_map(metadata.take("annotations"));
        self.string_map(metadata.take("labels"));
        let preserves_zero = annotations.contains_key(PRESERVE_ZERO);
        if preserves_zero && self.version != ApiVersion::V1Beta3 && self.object.starts_with("PriorityLevel") {
            self.problem("metadata.annotations", format!("must not include {PRESERVE_ZERO}, which only v1beta3 has"));
        }
        let is_autoupdated = annotations.get(AUTOUPDATE).and_then(|value| parse_bool(value));
        (Meta { name, is_autoupdated, preserves_zero }, fields.take("spec"))
    }

    fn string_map(&mut self, field: Option<Field>) -> BTreeMap<String, String> {
        let Some(field) = field else { return BTreeMap::new() };
        let keys: Vec<String> = match &field.node.value {
            Value::Map(entries) => entries.iter().map(|entry| entry.key.clone()).collect(),
            _ => Vec::new(),
        };
        let mut fields = self.fields_of(field, &keys.iter().map(String::as_str).collect::<Vec<_>>());
        let texts = keys.into_iter().filter_map(|key| Some((self.text(fields.take(&key))?, key)));
        texts.map(|(text, key)| (key, text)).collect()
    }

    /// The fields of an object; none if it is absent.
    fn fields(&mut self, field: Option<Field>, path: &str, known: &[&str]) -> Fields {
        match field {
            Some(field) => self.fields_of(field, known),
            None => Fields { path: path.to_owned(), entries: BTreeMap::new() },
        }
    }

    fn fields_of(&mut self, field: Field, known: &[&str]) -> Fields {
        let Field { path, node } = field;
        let mut fields = Fields { path, entries: BTreeMap::new() };
        // A null item of a list counts as an object without fields.
        let written = match node.value {
            Value::Map(written) => written,
            Value::Null => return fields,
            _ => {
                self.wrong_type(&fields.path, "an object", &node);
                return fields;
            }
        };
        let mut seen = BTreeMap::new();
        for entry in written {
            let path = fields.path_of(&entry.key);
            if let Some(first) = seen.insert(entry.key.clone(), entry.line) {
                self.problem_at(entry.line, &path, format!("is written twice, first on line {first}"));
            } else if !known.contains(&&*entry.key) {
                self.problem_at(entry.line, &path, self.unknown(&entry.key, known));
            }
            if !matches!(entry.node.value, Value::Null) {
                fields.entries.insert(entry.key, entry.node);
            }
        }
        fields
    }

    fn unknown(&self, key: &str, known: &[&str]) -> String {
        let version = self.version.name();
        let is_shares = ["assuredConcurrencyShares", "nominalConcurrencyShares"].contains(&key);
        let meant = known
            .iter()
            .find(|name| name.eq_ignore_ascii_case(key) || is_shares && **name == shares_field(self.version));
        match meant {
            Some(meant) => format!("unknown field; {version} calls it {meant}"),
            None => format!("unknown field; {version} has {} here", known.join(", ")),
        }
    }

    fn items(&mut self, field: Option<Field>) -> Vec<Field> {
        let Some(Field { path, node }) = field else { return Vec::new() };
        let Value::List(items) = node.value else {
            self.wrong_type(&path, "a list", &node);
            return Vec::new();
        };
        let with_path = |(index, node)| Field { path: format!("{path}[{index}]"), node };
        items.into_iter().enumerate().map(with_path).collect()
    }

    fn texts(&mut self, field: Option<Field>) -> Vec<String> {
        let items = self.items(field);
        // A null in a list of strings counts as the empty string.
        items.into_iter().map(|item| self.text(Some(item)).unwrap_or_default()).collect()
    }

    fn text(&mut self, field: Option<Field>) -> Option<String> {
        let Field { path, node } = field?;
        match node.value {
            Value::Text(text) => Some(text),
            Value::Null => None,
            _ => {
                self.wrong_type(&path, "a text", &node);
                None
            }
        }
    }

    fn required_text(&mut self, fields: &mut Fields, key: &str, message: &str) -> String {
        let path = fields.path_of(key);
        let text = if fields.has(key) { self.text(fields.take(key)) } else { Some(String::new()) };
        if text.as_deref() == Some("") {
            self.broken(&path, message);
        }
        text.unwrap_or_default()
    }

    fn flag(&mut self, field: Option<Field>) -> bool {
        let Some(Field { path, node }) = field else { return false };
        if let Value::Flag(flag) = node.value {
            return flag;
        }
        self.wrong_type(&path, "true or false", &node);
        false
    }

    fn whole(&mut self, field: Option<Field>) -> Option<i32> {
        let Field { path, node } = field?;
        let number = match node.value {
            Value::Whole(number) => number,
            Value::Number => {
                self.broken(&path, "must be a 32-bit integer");
                return None;
            }
            _ => {
                self.wrong_type(&path, "a whole number", &node);
                return None;
            }
        };
        let whole = i32::try_from(number).ok();
        if whole.is_none() {
            self.broken(&path, &format!("must be a 32-bit integer, not {number}"));
        }
        whole
    }

    /// One of a set of names; `None` if absent or unknown.
    fn named<T: Copy>(&mut self, given: Option<Field>, path: &str, all: &[(&str, T)]) -> Option<T> {
        let given = if given.is_some() { self.text(given)? } else { String::new() };
        let found = all.iter().find(|(name, _)| *name == given).map(|(_, one)| *one);
        if found.is_none() {
            let names = all.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(" or ");
            self.broken(path, &format!("must be {names}, not \"{given}\""));
        }
        found
    }

    fn wrong_type(&mut self, path: &str, expected: &str, node: &Node) {
        self.broken(path, &format!("must be {expected}, not {}", node.name()));
    }

    fn broken(&mut self, path: &str, message: &str) {
        self.is_broken = true;
        self.problem(path, message.to_owned());
    }

    fn problem(&mut self, path: &str, message: String) {
        let line = self.location.line(path).unwrap_or_default();
        self.problem_at(line, path, message);
    }

    fn problem_at(&mut self, line: u64, path: &str, message: String) {
        let (object, field, file) = (self.object.clone(), path.to_owned(), self.location.file.clone());
        self.problems.push(Problem { object, field, file, line: Some(line), message });
    }
}

/// Parses like Go's `strconv.ParseBool`; anything else counts as absent.
fn parse_bool(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}
