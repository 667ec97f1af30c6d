//! Finds mistakes in FlowSchemas and priority levels that a server would accept silently.
//!
//! Each rule is a file, named for the bad pattern. It checks the objects of a change, the configuration before and
//! after it, and the traffic if there are logs. Unchanged objects of the server itself are skipped.

mod context;
mod coverage;

mod api_version;
mod autoupdate_annotation;
mod borrows_without_limit;
mod catches_vital_traffic;
mod dangling_priority_level;
mod goes_to_exempt;
mod invalid;
mod isolated_level;
mod matches_nothing;
mod meant_for_masters;
mod misses_cluster_lists;
mod misses_streaming_lists;
mod narrower_than_a_list;
mod one_flow_for_all;
mod precedence;
mod shadowed;
mod shares_read_as_calls;
mod single_service_account;
mod squashes_light_flows;
mod starves_others;
mod subject_not_in_logs;
mod unused_level;

use serde::Serialize;

use super::{Config, Features, FlowSchema, ObjectLocation, PriorityLevel, Problem, RequestDigest};
use crate::kubernetes::Version;
use context::Context;

/// Checks a change against all rules. Findings are sorted by severity, worst first, then by file, line, object and
/// rule.
pub fn lint(input: &LintInput<'_>) -> Vec<LintFinding> {
    let (change, after) = (last_of_each(input.change), last_of_each(input.after));
    let input = LintInput { change: &change, after: &after, ..*input };
    let context = Context::new(&input);
    let mut findings: Vec<LintFinding> = RULES.iter().flat_map(|rule| (rule.check)(&context)).collect();
    findings.sort_by(|a, b| b.severity.cmp(&a.severity).then_with(|| a.order().cmp(&b.order())));
    findings
}

/// Keeps only the last object of each name: what remains when all are applied in turn.
fn last_of_each(config: &Config) -> Config {
    let mut last = Config::default();
    for schema in &config.flow_schemas {
        last.flow_schemas.retain(|earlier| earlier.name != schema.name);
        last.flow_schemas.push(schema.clone());
    }
    for level in &config.priority_levels {
        last.priority_levels.retain(|earlier| earlier.name != level.name);
        last.priority_levels.push(level.clone());
    }
    last
}

/// All rules, by name.
pub const RULES: [LintRule; 24] = [
    api_version::TOO_NEW,
    autoupdate_annotation::RULE,
    borrows_without_limit::RULE,
    catches_vital_traffic::RULE,
    dangling_priority_level::RULE,
    goes_to_exempt::RULE,
    invalid::RULE,
    isolated_level::RULE,
    matches_nothing::RULE,
    meant_for_masters::RULE,
    misses_cluster_lists::RULE,
    misses_streaming_lists::RULE,
    narrower_than_a_list::RULE,
    one_flow_for_all::RULE,
    precedence::COLLISION,
    precedence::NOT_GIVEN,
    api_version::REMOVED,
    shadowed::RULE,
    shares_read_as_calls::RULE,
    single_service_account::RULE,
    squashes_light_flows::RULE,
    starves_others::RULE,
    subject_not_in_logs::RULE,
    unused_level::RULE,
];

/// Finds a rule by name.
pub fn explain(name: &str) -> Option<&'static LintRule> {
    RULES.iter().find(|rule| rule.name == name)
}

/// A lint rule.
#[derive(Clone, Copy, Debug)]
pub struct LintRule {
    /// Its name in kebab case, for the bad pattern.
    pub name: &'static str,
    /// Why the pattern is bad: what the server does that one might not expect.
    pub reason: &'static str,
    check: fn(&Context<'_>) -> Vec<LintFinding>,
}

/// What the rules check.
#[derive(Clone, Copy, Debug)]
pub struct LintInput<'i> {
    /// The objects to be applied.
    pub change: &'i Config,
    /// Problems found while reading and validating them.
    pub problems: &'i [Problem],
    /// The server's configuration before the change, with the mandatory objects.
    pub before: &'i Config,
    /// The server's configuration after the change.
    pub after: &'i Config,
    /// The server's version; `None` if unknown.
    pub version: Option<Version>,
    /// The features of that version.
    pub features: Features,
    /// The seats of one apiserver: `--max-requests-inflight` + `--max-mutating-requests-inflight`.
    pub server_concurrency: u32,
    /// The traffic in the logs; `None` without logs.
    pub traffic: Option<&'i [Traffic]>,
    /// The measured peak demand of each priority level on one apiserver before the change; empty without logs.
    pub demand: &'i [LevelDemand],
}

/// Requests of a log that API Priority and Fairness treats alike.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Traffic {
    /// Their common digest.
    pub digest: RequestDigest,
    /// How many such requests there are.
    pub request_count: u64,
    /// Seats of each, as (fewest, most).
    pub seats: (u32, u32),
}

/// The measured peak demand of a priority level.
#[derive(Clone, Debug, PartialEq)]
pub struct LevelDemand {
    /// The level's name.
    pub priority_level: String,
    /// The most seats in use at once on one apiserver, as (fewest, most) given the uncertainty of the estimates.
    pub peak_seats: (u32, u32),
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LintSeverity {
    /// Worth knowing, and possibly intended.
    Info,
    /// The object does not do what it seems meant for, or harms others.
    Warning,
    /// The server rejects, ignores or deletes the object.
    Error,
}

/// One mistake.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LintFinding {
    /// The rule's name.
    pub rule: &'static str,
    /// How bad a finding is.
    pub severity: LintSeverity,
    /// Kind and name, such as `FlowSchema restrict-pod-list`.
    pub object: String,
    /// The field path, such as `spec.rules[0].resourceRules[0].clusterScope`; empty for the whole object.
    pub field: String,
    /// The file; `None` if the object is not from one.
    pub file: Option<String>,
    /// The line of the field or of what encloses it; `None` if the object is not from a file.
    pub line: Option<u64>,
    /// What is wrong.
    pub message: String,
    /// What the server does instead of what seems intended.
    pub effect: String,
    /// How to fix it.
    pub fix: String,
}

/// The object of a finding.
#[derive(Clone, Copy)]
enum Object<'o> {
    Schema(&'o FlowSchema),
    Level(&'o PriorityLevel),
}

/// The texts of a finding: sentence fragments about the object.
struct Words {
    message: String,
    effect: String,
    fix: String,
}

impl LintRule {
    /// Makes a finding of this rule.
    fn finding<'o>(
        &self,
        severity: LintSeverity,
        object: impl Into<Object<'o>>,
        field: impl Into<String>,
        words: Words,
    ) -> LintFinding {
        let (object, field) = (object.into(), field.into());
        let location = object.location();
        LintFinding {
            rule: self.name,
            severity,
            object: object.title(),
            file: location.file.as_deref().map(str::to_owned),
            line: location.line(&field),
            field,
            message: words.message,
            effect: words.effect,
            fix: words.fix,
        }
    }
}

impl LintFinding {
    fn order(&self) -> (&Option<String>, Option<u64>, &str, &str, &str) {
        (&self.file, self.line, &self.object, self.rule, &self.field)
    }
}

impl<'o> From<&'o FlowSchema> for Object<'o> {
    fn from(schema: &'o FlowSchema) -> Self {
        Self::Schema(schema)
    }
}

impl<'o> From<&'o PriorityLevel> for Object<'o> {
    fn from(level: &'o PriorityLevel) -> Self {
        Self::Level(level)
    }
}

impl<'o> Object<'o> {
    const fn location(self) -> &'o ObjectLocation {
        match self {
            Self::Schema(schema) => &schema.location,
            Self::Level(level) => &level.location,
        }
    }

    fn name(self) -> &'o str {
        match self {
            Self::Schema(schema) => &schema.name,
            Self::Level(level) => &level.name,
        }
    }

    const fn is_autoupdated(self) -> Option<bool> {
        match self {
            Self::Schema(schema) => schema.is_autoupdated,
            Self::Level(level) => level.is_autoupdated,
        }
    }

    /// The kind and name.
    fn title(self) -> String {
        match self {
            Self::Schema(schema) => format!("FlowSchema {}", schema.name),
            Self::Level(level) => format!("PriorityLevelConfiguration {}", level.name),
        }
    }
}

#[cfg(test)]
mod fixtures;

#[cfg(test)]
mod tests {
    use super::super::{Distribution, NEWEST_KNOWN, distribution_config};
    use super::fixtures::{lint_config, lint_on, lint_text};
    use super::*;

    /// Rule and line of each finding at least as bad.
    fn found(findings: &[LintFinding], at_least: LintSeverity) -> Vec<(&'static str, Option<u64>)> {
        let bad = findings.iter().filter(|finding| finding.severity >= at_least);
        bad.map(|finding| (finding.rule, finding.line)).collect()
    }

    #[test]
    fn the_servers_own_configuration_is_without_findings_in_every_version() {
        for minor in 24..=37 {
            let own = crate::apf::default_config(Version::new(1, minor));
            for version in [Some(Version::new(1, minor)), None] {
                assert_eq!(lint_config(version, &own), [], "1.{minor} as {version:?}");
            }
        }
        assert_eq!(lint_config(Some(NEWEST_KNOWN), &distribution_config(Distribution::OpenShift)), []);
    }

    #[test]
    fn a_limiter_without_cluster_scope_is_found_out() {
        let findings = lint_text(include_str!("../../../tests/manifests/pod-list-limiter-without-cluster-scope.json"));
        assert_eq!(
            found(&findings, LintSeverity::Warning),
            [
                ("catches-vital-traffic", Some(10)),
                ("misses-cluster-lists", Some(16)),
                ("borrows-without-limit", Some(37)),
                ("squashes-light-flows", Some(41)),
            ]
        );
        assert!(found(&findings, LintSeverity::Info).contains(&("shares-read-as-calls", Some(38))));
        assert!(findings.iter().all(|finding| !finding.fix.is_empty() && !finding.effect.is_empty()));
    }

    #[test]
    fn five_shares_for_one_user_are_neither_five_calls_nor_a_cap() {
        let findings =
            lint_on(Some(Version::new(1, 36)), include_str!("../../../tests/manifests/one-user-five-shares.yaml"));
        assert_eq!(
            found(&findings, LintSeverity::Info),
            [
                ("removed-api-version", Some(2)),
                ("removed-api-version", Some(17)),
                ("borrows-without-limit", Some(8)),
                ("misses-cluster-lists", Some(32)),
                ("shares-read-as-calls", Some(9)),
                ("precedence-not-given", Some(21)),
                ("misses-streaming-lists", Some(34)),
            ]
        );
    }

    #[test]
    fn one_account_is_not_all_of_a_namespace() {
        let findings = lint_text(include_str!("../../../tests/manifests/list-events-of-one-account.yaml"));
        assert_eq!(
            found(&findings, LintSeverity::Warning),
            [("single-service-account", Some(17)), ("misses-cluster-lists", Some(19))]
        );
    }

    #[test]
    fn a_good_limiter_has_nothing_but_what_is_worth_knowing() {
        let findings = lint_text(include_str!("../../../tests/manifests/good-limiter.yaml"));
        assert_eq!(found(&findings, LintSeverity::Warning), []);
    }

    #[test]
    fn each_rule_has_its_own_name_in_kebab_case_and_a_reason() {
        assert!(RULES.is_sorted_by(|one, next| one.name < next.name), "in order, and no name twice");
        for rule in RULES {
            assert!(rule.name.chars().all(|letter| letter.is_ascii_lowercase() || letter == '-'), "{}", rule.name);
            assert!(rule.reason.ends_with('.') && !rule.reason.contains("  "), "{}: {}", rule.name, rule.reason);
            assert_eq!(explain(rule.name).map(|rule| rule.name), Some(rule.name));
        }
        assert!(explain("unheard-of").is_none());
    }
}
