//! A rule that misses watches which replace a LIST (`sendInitialEvents`, gate `WatchList`).
//!
//! Newer clients use such a watch instead of a LIST, and fall back to LISTs only on an error.

use super::super::{FlowSchema, ResourceRule, Rule, find_nearest_miss};
use super::context::{Context, requests};
use super::{LintFinding, LintRule, LintSeverity, Words};

pub(super) const RULE: LintRule = LintRule {
    name: "misses-streaming-lists",
    reason: "With the feature gate WatchList on, newer clients read a whole resource with a watch that has sendInitialEvents=true. Its verb is watch, so a rule for the verb list alone does not match it, although it costs as much.",
    check,
};

fn check(context: &Context<'_>) -> Vec<LintFinding> {
    if !context.input.features.watch_list || !context.input.features.charges_watch_list {
        return Vec::new();
    }
    let mut findings = Vec::new();
    for schema in &context.schemas {
        for (index, rule) in schema.rules.iter().enumerate() {
            for (inner, resources) in rule.resource_rules.iter().enumerate() {
                let is_list_only = |verb: &str| resources.verbs.iter().any(|one| one == verb);
                if is_list_only("list") && !is_list_only("watch") {
                    let field = format!("spec.rules[{index}].resourceRules[{inner}].verbs");
                    findings.extend(finding(context, schema, rule, resources, &field));
                }
            }
        }
    }
    findings
}

/// Makes a finding, unless there are logs without such a watch.
fn finding(
    context: &Context<'_>,
    schema: &FlowSchema,
    rule: &Rule,
    resources: &ResourceRule,
    field: &str,
) -> Option<LintFinding> {
    let watches = Rule {
        subjects: rule.subjects.clone(),
        resource_rules: vec![ResourceRule { verbs: vec!["watch".into()], ..resources.clone() }],
        non_resource_rules: Vec::new(),
    };
    let is_costly = |traffic: &super::Traffic| {
        traffic.seats.1 > 1 && find_nearest_miss(&watches, &traffic.digest.attributes()).is_none()
    };
    let elsewhere = context.routes.iter().filter(|route| route.flow_schema.name != schema.name);
    let costly = elsewhere.filter(|route| is_costly(route.traffic));
    let count: u64 = costly.map(|route| route.traffic.request_count).sum();
    let (severity, effect) = match (context.input.traffic, count) {
        (Some(_), 0) => return None,
        (Some(_), _) => {
            let watches = requests(count);
            (
                LintSeverity::Warning,
                format!("in the logs, {watches} of these clients to watch cost more than 1 seat each"),
            )
        }
        (None, _) => (
            LintSeverity::Info,
            "clients that start with such a watch are not limited; older clients, which LIST, are".to_owned(),
        ),
    };
    let words = Words {
        message: "doesn't match watches that start by sending all objects: their verb is watch".into(),
        effect,
        fix: "write verbs: [\"list\", \"watch\"]; a watch holds its seats only while it starts".into(),
    };
    Some(RULE.finding(severity, schema, field, words))
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{lint_text, lint_with_traffic, list_pods, rules_found_on, schema};
    use super::*;
    use crate::kubernetes::Version;

    #[test]
    fn a_rule_for_lists_alone_is_reported_if_watches_can_replace_lists() {
        let of = |what: &str| schema("s", "workload-low", "matchingPrecedence: 8000", what);
        let severity = |text: &str| {
            lint_text(text).iter().find(|finding| finding.rule == RULE.name).map(|finding| finding.severity)
        };
        assert_eq!(severity(&of("list pods")), Some(LintSeverity::Info));
        assert_eq!(severity(&of("list,watch pods")), None);
        assert_eq!(severity(&of("* pods")), None);
        assert!(!rules_found_on(Version::new(1, 30), &of("list pods")).contains(&RULE.name));
    }

    #[test]
    fn the_logs_settle_whether_it_matters() {
        let text = schema("s", "workload-low", "matchingPrecedence: 8000", "list pods");
        let list = list_pods("system:serviceaccount:apps:agent", "", 5);
        let mut watch = list.clone();
        watch.digest.verb = "watch".into();
        watch.seats = (10, 10);
        let severity = |traffic: &[super::super::Traffic]| {
            let findings = lint_with_traffic(&text, traffic);
            findings.iter().find(|finding| finding.rule == RULE.name).map(|finding| finding.severity)
        };
        assert_eq!(severity(std::slice::from_ref(&list)), None);
        assert_eq!(severity(&[list, watch]), Some(LintSeverity::Warning));
    }
}
