//! What an API server rejects, besides text that can't be read: the rules of
//! `pkg/apis/flowcontrol/validation/validation.go`, with its field names.
//!
//! Errors that our types can't represent, such as a type without its stanza, are found while reading. A missing
//! priority level is not an error: the server accepts the FlowSchema and ignores it until the level exists.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::defaults::{NEWEST_KNOWN, default_config};
use super::{
    Config, FlowSchema, LevelKind, LimitResponse, NonResourceRule, ObjectLocation, PriorityLevel, Problem, Queuing,
    ResourceRule, Rule, Subject,
};
use crate::kubernetes::{is_dns_label, is_dns_subdomain};

/// The highest allowed precedence (`FlowSchemaMaxMatchingPrecedence`).
const MAX_MATCHING_PRECEDENCE: i32 = 10_000;
/// The most queues of a level (`priorityLevelConfigurationQueuingMaxQueues`).
const MAX_QUEUES: i32 = 10_000_000;
/// How many bits of a flow's hash can be used to deal queues (`pkg/util/shufflesharding`, `MaxHashBits`).
const MAX_HASH_BITS: f64 = 60.0;
/// The verbs that can be named; others match only `*`.
const VERBS: [&str; 9] = ["create", "delete", "deletecollection", "get", "list", "patch", "proxy", "update", "watch"];

/// The objects that can't be changed.
static MANDATORY: LazyLock<Config> = LazyLock::new(|| default_config(NEWEST_KNOWN));

/// Finds everything for which a server would reject an object, in the order of the objects. Objects with the same kind
/// and name are reported too: applied in turn, only the last one remains.
pub fn validate(config: &Config) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut seen = BTreeMap::new();
    for schema in &config.flow_schemas {
        let mut check = Check::of("FlowSchema", &schema.name, &schema.location, &mut problems);
        check.flow_schema(schema);
        check.only(seen.insert(&schema.name, &schema.location));
    }
    seen.clear();
    for level in &config.priority_levels {
        let mut check = Check::of("PriorityLevelConfiguration", &level.name, &level.location, &mut problems);
        check.priority_level(level);
        check.only(seen.insert(&level.name, &level.location));
    }
    problems
}

/// Whether a problem is a repeated object, which a server does not reject: applied in turn, the later one wins.
pub(super) fn is_there_twice(problem: &Problem) -> bool {
    problem.field == "metadata.name" && problem.message.starts_with(TWICE)
}

/// How the message of a repeated object starts.
const TWICE: &str = "is used twice";

/// How many bits of the hash dealing a hand needs: `RequiredEntropyBits` of `pkg/util/shufflesharding`.
fn required_entropy_bits(queues: i32, hand_size: i32) -> f64 {
    (f64::from(queues).log2() * f64::from(hand_size)).ceil()
}

/// The checks of one object.
struct Check<'c> {
    object: String,
    location: &'c ObjectLocation,
    problems: &'c mut Vec<Problem>,
}

impl<'c> Check<'c> {
    fn of(kind: &str, name: &str, location: &'c ObjectLocation, problems: &'c mut Vec<Problem>) -> Self {
        Self { object: format!("{kind} {name}"), location, problems }
    }

    fn flow_schema(&mut self, schema: &FlowSchema) {
        self.subdomain("metadata.name", &schema.name);
        self.matching_precedence(schema);
        match schema.priority_level.as_str() {
            "" => self.problem("spec.priorityLevelConfiguration.name", "must name a priority level"),
            name => self.subdomain("spec.priorityLevelConfiguration.name", name),
        }
        for (index, rule) in schema.rules.iter().enumerate() {
            self.rule(&format!("spec.rules[{index}]"), rule);
        }
        let fixed = MANDATORY.flow_schema(&schema.name).filter(|fixed| super::is_mandatory(&fixed.name));
        if fixed.is_some_and(|fixed| !has_same_spec(fixed, schema)) {
            self.problem("spec", format!("of {} can't be changed: it must stay as the server creates it", schema.name));
        }
    }

    fn matching_precedence(&mut self, schema: &FlowSchema) {
        let field = "spec.matchingPrecedence";
        let precedence = schema.matching_precedence;
        if precedence <= 0 {
            self.problem(field, format!("must be positive, not {precedence}"));
        }
        if precedence > MAX_MATCHING_PRECEDENCE {
            self.problem(field, format!("must not be greater than {MAX_MATCHING_PRECEDENCE}, but is {precedence}"));
        }
        if precedence == 1 && schema.name != "exempt" {
            self.problem(field, "must not be 1, which is reserved for the FlowSchema exempt");
        }
    }

    fn rule(&mut self, field: &str, rule: &Rule) {
        if rule.subjects.is_empty() {
            self.problem(&format!("{field}.subjects"), "must have at least one subject");
        }
        for (index, subject) in rule.subjects.iter().enumerate() {
            self.subject(&format!("{field}.subjects[{index}]"), subject);
        }
        if rule.resource_rules.is_empty() && rule.non_resource_rules.is_empty() {
            self.problem(field, "must have resourceRules or nonResourceRules");
        }
        for (index, resource_rule) in rule.resource_rules.iter().enumerate() {
            self.resource_rule(&format!("{field}.resourceRules[{index}]"), resource_rule);
        }
        for (index, non_resource_rule) in rule.non_resource_rules.iter().enumerate() {
            self.non_resource_rule(&format!("{field}.nonResourceRules[{index}]"), non_resource_rule);
        }
    }

    fn subject(&mut self, field: &str, subject: &Subject) {
        match subject {
            Subject::User(name) if name.is_empty() => self.problem(&format!("{field}.user.name"), "must be given"),
            Subject::Group(name) if name.is_empty() => self.problem(&format!("{field}.group.name"), "must be given"),
            Subject::User(_) | Subject::Group(_) => {}
            Subject::ServiceAccount { namespace, name } => {
                let field = format!("{field}.serviceAccount");
                match name.as_str() {
                    "" => self.problem(&format!("{field}.name"), "must be given; * matches any account"),
                    "*" => {}
                    name => self.subdomain(&format!("{field}.name"), name),
                }
                match namespace.as_str() {
                    "" => self.problem(&format!("{field}.namespace"), "must be given"),
                    namespace => self.label(&format!("{field}.namespace"), namespace, "must be"),
                }
            }
        }
    }

    fn resource_rule(&mut self, field: &str, rule: &ResourceRule) {
        self.verbs(field, &rule.verbs);
        self.names(&format!("{field}.apiGroups"), &rule.api_groups, "API group");
        self.names(&format!("{field}.resources"), &rule.resources, "resource");
        let field = format!("{field}.namespaces");
        if rule.namespaces.is_empty() && !rule.cluster_scope {
            self.problem(&field, "must have at least one namespace unless clusterScope is true");
        } else if !self.lone_star(&field, &rule.namespaces) {
            for (index, namespace) in rule.namespaces.iter().enumerate() {
                self.label(&format!("{field}[{index}]"), namespace, "must be * or");
            }
        }
    }

    fn non_resource_rule(&mut self, field: &str, rule: &NonResourceRule) {
        self.verbs(field, &rule.verbs);
        let field = format!("{field}.nonResourceURLs");
        if rule.non_resource_urls.is_empty() {
            self.problem(&field, "must have at least one path");
        } else if !self.lone_star(&field, &rule.non_resource_urls) {
            for (index, url) in rule.non_resource_urls.iter().enumerate() {
                if let Some(problem) = url_problem(url) {
                    self.problem(&format!("{field}[{index}]"), format!("{problem}, not \"{url}\""));
                }
            }
        }
    }

    fn verbs(&mut self, rule: &str, verbs: &[String]) {
        let field = format!("{rule}.verbs");
        self.names(&field, verbs, "verb");
        let unknown = verbs.iter().find(|verb| !VERBS.contains(&verb.as_str()));
        if let Some(unknown) = unknown.filter(|_| !has_star(verbs)) {
            self.problem(&field, format!("must be * or one of {}, not \"{unknown}\"", VERBS.join(", ")));
        }
    }

    /// Checks a list that must not be empty and may contain `*` only alone.
    fn names(&mut self, field: &str, names: &[String], what: &str) {
        if names.is_empty() {
            self.problem(field, format!("must have at least one {what}"));
        }
        self.lone_star(field, names);
    }

    /// Whether a list contains `*`, which must be alone.
    fn lone_star(&mut self, field: &str, names: &[String]) -> bool {
        if has_star(names) && names.len() > 1 {
            self.problem(field, "must not list anything else if it lists *");
        }
        has_star(names)
    }

    fn priority_level(&mut self, level: &PriorityLevel) {
        self.subdomain("metadata.name", &level.name);
        if level.is_exempt() != (level.name == "exempt") {
            self.problem("spec.type", "must be Exempt if and only if the name is exempt");
        }
        match level.kind {
            LevelKind::Exempt { .. } => self.shares("spec.exempt", "nominalConcurrencyShares", level),
            LevelKind::Limited { borrowing_limit_percent, limit_response, .. } => {
                self.shares("spec.limited", self.limited_shares(), level);
                if borrowing_limit_percent.is_some_and(|percent| percent < 0) {
                    self.problem("spec.limited.borrowingLimitPercent", "must not be negative");
                }
                if let LimitResponse::Queue(queuing) = limit_response {
                    self.queuing(queuing);
                }
            }
        }
        let fixed = MANDATORY.priority_level(&level.name).filter(|fixed| super::is_mandatory(&fixed.name));
        if fixed.is_some_and(|fixed| !(fixed.is_exempt() && level.is_exempt()) && fixed.kind != level.kind) {
            let but = if level.name == "exempt" { " except for spec.exempt" } else { "" };
            let message = format!("of {} can't be changed{but}: it must stay as the server creates it", level.name);
            self.problem("spec", message);
        }
    }

    /// The field name of a Limited level's shares in this API version.
    fn limited_shares(&self) -> &'static str {
        super::manifest::shares_field(self.location.api_version)
    }

    fn shares(&mut self, stanza: &str, shares: &str, level: &PriorityLevel) {
        if level.nominal_concurrency_shares() < 0 {
            self.problem(&format!("{stanza}.{shares}"), "must not be negative");
        }
        if !(0..=100).contains(&level.lendable_percent()) {
            self.problem(&format!("{stanza}.lendablePercent"), "must be between 0 and 100");
        }
    }

    fn queuing(&mut self, queuing: Queuing) {
        let Queuing { queues, hand_size, queue_length_limit } = queuing;
        let field = |name| format!("spec.limited.limitResponse.queuing.{name}");
        if queue_length_limit <= 0 {
            self.problem(&field("queueLengthLimit"), "must be positive");
        }
        if queues <= 0 {
            self.problem(&field("queues"), "must be positive");
        } else if queues > MAX_QUEUES {
            self.problem(&field("queues"), format!("must not be greater than {MAX_QUEUES}"));
        }
        if hand_size <= 0 {
            self.problem(&field("handSize"), "must be positive");
        } else if hand_size > queues {
            self.problem(&field("handSize"), format!("must not be greater than queues, {queues}"));
        } else if required_entropy_bits(queues, hand_size) > MAX_HASH_BITS {
            let bits = required_entropy_bits(queues, hand_size);
            let cost = format!("dealing {hand_size} of {queues} queues takes {bits} bits of a hash");
            self.problem(&field("handSize"), format!("is too large: {cost}, of {MAX_HASH_BITS} available"));
        }
    }

    fn only(&mut self, earlier: Option<&ObjectLocation>) {
        let Some(earlier) = earlier else { return };
        let line = earlier.line("metadata.name").map(|line| format!(" on line {line}")).unwrap_or_default();
        let file = earlier.file.as_ref().map(|file| format!(" of {file}")).unwrap_or_default();
        self.problem("metadata.name", format!("{TWICE}, first{line}{file}"));
    }

    fn subdomain(&mut self, field: &str, name: &str) {
        if !is_dns_subdomain(name) {
            let message = "lower case letters, digits, - and ., starting and ending with a letter or digit, at most 253 characters";
            self.problem(field, format!("must be a DNS subdomain ({message}), not \"{name}\""));
        }
    }

    fn label(&mut self, field: &str, name: &str, must: &str) {
        if !is_dns_label(name) {
            let message =
                "lower case letters, digits and -, starting and ending with a letter or digit, at most 63 characters";
            self.problem(field, format!("{must} a DNS label ({message}), not \"{name}\""));
        }
    }

    fn problem(&mut self, field: &str, message: impl Into<String>) {
        let (object, file) = (self.object.clone(), self.location.file.clone());
        let (field, line) = (field.to_owned(), self.location.line(field));
        self.problems.push(Problem { object, field, file, line, message: message.into() });
    }
}

fn has_same_spec(one: &FlowSchema, other: &FlowSchema) -> bool {
    let spec = |schema: &FlowSchema| (schema.matching_precedence, schema.distinguisher_method);
    spec(one) == spec(other) && one.priority_level == other.priority_level && one.rules == other.rules
}

fn has_star(names: &[String]) -> bool {
    names.iter().any(|name| name == "*")
}

/// What is wrong with a path: `ValidateNonResourceURLPath`.
fn url_problem(url: &str) -> Option<&'static str> {
    let is_star_misplaced = match url.matches('*').count() {
        0 => false,
        1 => !url.ends_with("/*"),
        _ => true,
    };
    if url.is_empty() {
        Some("must not be empty")
    } else if !url.starts_with('/') {
        Some("must begin with /")
    } else if url.contains(' ') {
        Some("must not contain a space")
    } else if url.contains("//") {
        Some("must not contain //")
    } else if is_star_misplaced {
        Some("may have * only at the end, as /*")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Distribution, OLDEST_KNOWN};
    use super::super::{Manifest, default_config, distribution_config};
    use super::*;

    const SCHEMA: &str = "\
apiVersion: flowcontrol.apiserver.k8s.io/v1
kind: FlowSchema
metadata:
  name: x
spec:
  priorityLevelConfiguration: {name: limit-pod-list}
  matchingPrecedence: 100
  distinguisherMethod: {type: ByUser}
  rules:
  - subjects:
    - {kind: Group, group: {name: \"system:authenticated\"}}
    - {kind: ServiceAccount, serviceAccount: {namespace: monitoring, name: prometheus}}
    resourceRules:
    - {verbs: [list], apiGroups: [\"\"], resources: [pods], namespaces: [\"*\"]}
    nonResourceRules:
    - {verbs: [get], nonResourceURLs: [/metrics, /healthz/*]}
";

    const LEVEL: &str = "\
apiVersion: flowcontrol.apiserver.k8s.io/v1
kind: PriorityLevelConfiguration
metadata:
  name: x
spec:
  type: Limited
  limited:
    nominalConcurrencyShares: 5
    lendablePercent: 0
    borrowingLimitPercent: 0
    limitResponse: {type: Queue, queuing: {queues: 5, handSize: 1, queueLengthLimit: 50}}
";

    /// All that a server would say: what can't be read, and what isn't valid.
    fn refused(text: &str) -> Vec<String> {
        let manifest = Manifest::read(text, Some("limits.yaml"));
        let problems = manifest.problems.into_iter().chain(validate(&manifest.config));
        problems.map(|problem| problem.field).collect()
    }

    fn changed(text: &str, from: &str, to: &str) -> String {
        assert_eq!(text.matches(from).count(), 1, "{from}");
        text.replace(from, to)
    }

    /// The verdicts of a server of 1.36 (`dryRun=All`, `fieldValidation=Strict`).
    #[test]
    fn a_server_says_the_same() {
        let level = |from: &str, to: &str| changed(LEVEL, from, to);
        let schema = |from: &str, to: &str| changed(SCHEMA, from, to);
        let queuing = "queues: 5, handSize: 1, queueLengthLimit: 50";
        for (case, text, expected) in [
            ("valid level", LEVEL.to_owned(), ""),
            ("valid schema", SCHEMA.to_owned(), ""),
            ("dangling-pl", schema("limit-pod-list", "no-such-level"), ""),
            ("hand>queues", level("handSize: 1", "handSize: 6"), "spec.limited.limitResponse.queuing.handSize"),
            ("shares=-1", level("Shares: 5", "Shares: -1"), "spec.limited.nominalConcurrencyShares"),
            ("shares=0", level("Shares: 5", "Shares: 0"), ""),
            ("borrow=101", level("LimitPercent: 0", "LimitPercent: 101"), ""),
            ("borrow=-1", level("LimitPercent: 0", "LimitPercent: -1"), "spec.limited.borrowingLimitPercent"),
            ("lend=101", level("lendablePercent: 0", "lendablePercent: 101"), "spec.limited.lendablePercent"),
            ("queues=0", level("queues: 5", "queues: 0"), ""),
            (
                "hand-entropy",
                level(queuing, "queues: 100000, handSize: 50"),
                "spec.limited.limitResponse.queuing.handSize",
            ),
            ("prec=0", schema("edence: 100", "edence: 0"), ""),
            ("prec=10001", schema("edence: 100", "edence: 10001"), "spec.matchingPrecedence"),
            ("no-ns-no-clusterScope", schema(", namespaces: [\"*\"]", ""), "spec.rules[0].resourceRules[0].namespaces"),
            ("empty-apiGroups", schema("[\"\"]", "[]"), "spec.rules[0].resourceRules[0].apiGroups"),
            ("star-and-verb", schema("[list]", "[list, \"*\"]"), "spec.rules[0].resourceRules[0].verbs"),
            ("unknown-field", schema("spec:", "spec:\n  bogus: 1"), "spec.bogus"),
            ("name=exempt", level("name: x", "name: exempt"), "spec.type spec"),
            ("restrict-pod-list", schema("namespaces: [\"*\"]", "clusterScope: true, namespaces: [\"*\"]"), ""),
            ("limit-pod-list", level("name: x", "name: limit-pod-list"), ""),
        ] {
            assert_eq!(refused(&text).join(" "), expected, "{case}");
        }
    }

    #[test]
    fn every_rule_for_schemas_holds() {
        let long = "a".repeat(64);
        let label = format!("namespace: {long}");
        for (from, to, expected) in [
            ("name: x", "name: X", "metadata.name"),
            ("name: x", "name: x.y-1", ""),
            ("name: x", "name: -x", "metadata.name"),
            ("name: x", "name: x..y", "metadata.name"),
            ("limit-pod-list", "limit_pods", "spec.priorityLevelConfiguration.name"),
            ("edence: 100", "edence: 1", "spec.matchingPrecedence"),
            ("edence: 100", "edence: -1", "spec.matchingPrecedence"),
            ("edence: 100", "edence: 10000", ""),
            ("  distinguisherMethod: {type: ByUser}\n", "", ""),
            ("name: \"system:authenticated\"", "name: \"\"", "spec.rules[0].subjects[0].group.name"),
            ("group: {name: \"system:authenticated\"}", "group: {}", "spec.rules[0].subjects[0].group.name"),
            ("name: prometheus", "name: \"*\"", ""),
            ("name: prometheus", "name: \"prometheus-*\"", "spec.rules[0].subjects[1].serviceAccount.name"),
            (", name: prometheus", "", "spec.rules[0].subjects[1].serviceAccount.name"),
            ("namespace: monitoring, ", "", "spec.rules[0].subjects[1].serviceAccount.namespace"),
            ("namespace: monitoring", "namespace: \"*\"", "spec.rules[0].subjects[1].serviceAccount.namespace"),
            ("namespace: monitoring", "namespace: a.b", "spec.rules[0].subjects[1].serviceAccount.namespace"),
            ("namespace: monitoring", &label, "spec.rules[0].subjects[1].serviceAccount.namespace"),
            ("[list]", "[]", "spec.rules[0].resourceRules[0].verbs"),
            ("[list]", "[get, post]", "spec.rules[0].resourceRules[0].verbs"),
            ("[list]", "[\"*\"]", ""),
            ("[list]", "[get, list, watch, create, update, patch, delete, deletecollection, proxy]", ""),
            ("[\"\"]", "[\"\", \"*\"]", "spec.rules[0].resourceRules[0].apiGroups"),
            ("[pods]", "[]", "spec.rules[0].resourceRules[0].resources"),
            ("[pods]", "[pods, \"*\"]", "spec.rules[0].resourceRules[0].resources"),
            ("[pods]", "[\"pods/*\", PODS]", ""),
            ("namespaces: [\"*\"]", "namespaces: [a, \"*\"]", "spec.rules[0].resourceRules[0].namespaces"),
            ("namespaces: [\"*\"]", "namespaces: [a, \"b*\"]", "spec.rules[0].resourceRules[0].namespaces[1]"),
            ("namespaces: [\"*\"]", "namespaces: [a], clusterScope: false", ""),
            ("namespaces: [\"*\"]", "clusterScope: true", ""),
            ("[get]", "[post]", "spec.rules[0].nonResourceRules[0].verbs"),
            ("[/metrics, /healthz/*]", "[]", "spec.rules[0].nonResourceRules[0].nonResourceURLs"),
            ("[/metrics, /healthz/*]", "[\"*\"]", ""),
            ("[/metrics, /healthz/*]", "[/]", ""),
            ("[/metrics, /healthz/*]", "[\"*\", /x]", "spec.rules[0].nonResourceRules[0].nonResourceURLs"),
        ] {
            assert_eq!(refused(&changed(SCHEMA, from, to)).join(" "), expected, "{from} {to}");
        }
        for url in ["", "x", "/a b", "/a//b", "/a*", "/a/*/b", "/*/*", "/a/**"] {
            let text = changed(SCHEMA, "[/metrics, /healthz/*]", &format!("[/x, \"{url}\"]"));
            assert_eq!(refused(&text), ["spec.rules[0].nonResourceRules[0].nonResourceURLs[1]"], "{url}");
        }
    }

    #[test]
    fn a_rule_needs_a_subject_and_something_that_it_does() {
        let rule = SCHEMA.find("  rules:").unwrap();
        let with = |rules: &str| refused(&format!("{}{rules}", &SCHEMA[..rule]));
        assert_eq!(with(""), [""; 0], "no rule matches nothing, and is allowed");
        assert_eq!(with("  rules: [{}]"), ["spec.rules[0].subjects", "spec.rules[0]"]);
        let both = "  rules: [{subjects: [{kind: User, user: {name: \"*\"}}], resourceRules: []}]";
        assert_eq!(with(both), ["spec.rules[0]"]);
    }

    #[test]
    fn every_rule_for_levels_holds() {
        let queuing = "queues: 5, handSize: 1, queueLengthLimit: 50";
        let field = |name: &str| format!("spec.limited.limitResponse.queuing.{name}");
        for (from, to, expected) in [
            ("name: x", "name: a_b", "metadata.name".to_owned()),
            ("lendablePercent: 0", "lendablePercent: -1", "spec.limited.lendablePercent".to_owned()),
            ("lendablePercent: 0", "lendablePercent: 100", String::new()),
            (queuing, "queueLengthLimit: -1", field("queueLengthLimit")),
            (queuing, "queues: 10000001, handSize: 1", field("queues")),
            (queuing, "queues: 10000000, handSize: 1", String::new()),
            (queuing, "queues: 181", String::new()),
            (queuing, "queues: 182", field("handSize")),
            (queuing, "queues: -1", format!("{} {}", field("queues"), field("handSize"))),
            (queuing, "handSize: -1", field("handSize")),
        ] {
            assert_eq!(refused(&changed(LEVEL, from, to)).join(" "), expected, "{from} {to}");
        }
        let exempt = "{apiVersion: flowcontrol.apiserver.k8s.io/v1, kind: PriorityLevelConfiguration, \
            metadata: {name: exempt}, \
            spec: {type: Exempt, exempt: {nominalConcurrencyShares: 5, lendablePercent: 50}}}";
        assert_eq!(refused(exempt), [""; 0]);
        let worse = exempt.replace("Shares: 5", "Shares: -5").replace("Percent: 50", "Percent: 101");
        assert_eq!(refused(&worse), ["spec.exempt.nominalConcurrencyShares", "spec.exempt.lendablePercent"]);
        assert_eq!(refused(&exempt.replace("name: exempt", "name: vip")), ["spec.type"]);
    }

    /// The largest hands that `pkg/util/shufflesharding` deals.
    #[test]
    fn a_hand_is_as_large_as_its_hash_lets_it_be() {
        let hands =
            [(8, 20), (16, 15), (32, 12), (64, 10), (128, 8), (256, 7), (512, 6), (1024, 6), (2048, 5), (4096, 5)];
        for (queues, largest) in hands {
            assert!(required_entropy_bits(queues, largest) <= MAX_HASH_BITS, "{queues}");
            assert!(required_entropy_bits(queues, largest + 1) > MAX_HASH_BITS, "{queues}");
        }
        assert!(required_entropy_bits(1, 1) <= 0.0);
    }

    #[test]
    fn what_the_server_makes_is_valid_and_whats_mandatory_cant_be_changed() {
        assert_eq!(validate(&default_config(OLDEST_KNOWN)), []);
        assert_eq!(validate(&default_config(NEWEST_KNOWN)), []);
        for distribution in Distribution::ALL {
            assert_eq!(validate(&distribution_config(distribution)), []);
        }
        let mut config = default_config(NEWEST_KNOWN);
        for schema in &mut config.flow_schemas {
            schema.distinguisher_method = None;
            schema.rules.truncate(1);
        }
        for level in &mut config.priority_levels {
            if let LevelKind::Limited { nominal_concurrency_shares, .. } = &mut level.kind {
                *nominal_concurrency_shares = 7;
            }
        }
        let problems = validate(&config).into_iter().map(|problem| (problem.object, problem.field));
        let expected = ["FlowSchema catch-all", "PriorityLevelConfiguration catch-all"];
        assert_eq!(problems.collect::<Vec<_>>(), expected.map(|object| (object.to_owned(), "spec".to_owned())));
    }

    #[test]
    fn the_same_object_twice_is_a_problem() {
        let text = format!("{SCHEMA}---\n{LEVEL}---\n{SCHEMA}");
        let manifest = Manifest::read(&text, Some("limits.yaml"));
        let problems = validate(&manifest.config);
        assert_eq!(problems.len(), 1, "a schema and a level may have the same name");
        assert!(is_there_twice(&problems[0]));
        assert_eq!(
            problems[0].to_string(),
            "limits.yaml:33: FlowSchema x: metadata.name: is used twice, first on line 4 of limits.yaml"
        );
    }

    #[test]
    fn a_problem_names_the_field_as_it_is_written() {
        let text = changed(LEVEL, "/v1\n", "/v1beta2\n")
            .replace("nominalConcurrencyShares: 5", "assuredConcurrencyShares: -5");
        let problems = validate(&Manifest::read(&text, None).config);
        assert_eq!((problems[0].field.as_str(), problems[0].line), ("spec.limited.assuredConcurrencyShares", Some(8)));
    }
}
