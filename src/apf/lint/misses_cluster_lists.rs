//! A resource rule for LISTs and watches without `clusterScope`, which does not match those across all namespaces.
//!
//! A request without a namespace matches only if `clusterScope` is true, whatever `namespaces` says
//! (`matchesResourcePolicyRule` of `apiserver/pkg/util/flowcontrol/rule.go`). On a real server, 0 of 50 LISTs of all
//! pods matched a rule with namespaces `*`.

use std::collections::BTreeMap;

use super::super::{FlowSchema, Miss, ResourceRule, Rule, find_nearest_miss};
use super::context::{Context, has_verb, listed, requests};
use super::coverage::{Piece, resource_whats, takes};
use super::{LintFinding, LintRule, LintSeverity, Words};
use crate::kubernetes::is_cluster_scoped;

pub(super) const RULE: LintRule = LintRule {
    name: "misses-cluster-lists",
    reason: "A LIST or watch across all namespaces has no namespace, so only a rule with clusterScope: true matches it, whatever its namespaces are. These are the largest LISTs of all.",
    check,
};

fn check(context: &Context<'_>) -> Vec<LintFinding> {
    let mut findings = Vec::new();
    for schema in &context.schemas {
        for (index, rule) in schema.rules.iter().enumerate() {
            for (inner, resources) in rule.resource_rules.iter().enumerate() {
                let field = format!("spec.rules[{index}].resourceRules[{inner}]");
                let is_missing = can_list_across(resources) && !is_taken_elsewhere(context, schema, rule, resources);
                findings.extend(is_missing.then(|| finding(context, schema, rule, resources, &field)));
            }
        }
    }
    findings
}

/// Whether a rule is for LISTs or watches of a namespaced resource, but not across namespaces.
fn can_list_across(resources: &ResourceRule) -> bool {
    let has_lists = resources.resources.iter().any(|name| !name.contains('/') && !is_cluster_scoped(name));
    !resources.cluster_scope && has_lists && has_verb(&resources.verbs, &["list", "watch"])
}

/// Whether another rule of the FlowSchema, or of one with the same priority level, matches the LISTs across all
/// namespaces. The server's own FlowSchemas don't count: others may match before them.
fn is_taken_elsewhere(context: &Context<'_>, schema: &FlowSchema, rule: &Rule, resources: &ResourceRule) -> bool {
    let across = across_namespaces(resources);
    let mut same_level = context.users_of(&schema.priority_level);
    same_level.retain(|other| other.name == schema.name || context.own.flow_schema(&other.name).is_none());
    let rules = || same_level.iter().flat_map(|schema| &schema.rules);
    let whats = resource_whats(&across);
    let mut pieces = rule.subjects.iter().flat_map(|subject| whats.iter().map(move |&what| Piece { subject, what }));
    pieces.all(|piece| rules().any(|rule| takes(rule, &piece)))
}

/// The LISTs and watches of a rule, but across all namespaces.
fn across_namespaces(resources: &ResourceRule) -> ResourceRule {
    let verbs = match resources.verbs.as_slice() {
        [all] if all == "*" => vec!["list".to_owned(), "watch".to_owned()],
        verbs => verbs.iter().filter(|verb| ["list", "watch"].contains(&verb.as_str())).cloned().collect(),
    };
    ResourceRule { verbs, namespaces: Vec::new(), cluster_scope: true, ..resources.clone() }
}

fn finding(
    context: &Context<'_>,
    schema: &FlowSchema,
    rule: &Rule,
    resources: &ResourceRule,
    field: &str,
) -> LintFinding {
    let is_everywhere = resources.namespaces.iter().any(|namespace| namespace == "*");
    let is_about_lists = resources.verbs.iter().any(|verb| verb == "list" || verb == "watch");
    let severity = if is_everywhere || is_about_lists { LintSeverity::Warning } else { LintSeverity::Info };
    let message = if is_everywhere {
        "doesn't match LISTs and watches across all namespaces: namespaces: [\"*\"] does not include them, only clusterScope: true does"
            .into()
    } else {
        format!(
            "matches LISTs and watches within {}, but not those across all namespaces, because clusterScope is not true",
            listed(&resources.namespaces)
        )
    };
    let fix = if is_everywhere {
        "add clusterScope: true, and keep namespaces: [\"*\"] for LISTs within a namespace"
    } else {
        "add clusterScope: true, and namespaces: [\"*\"] if all LISTs of these clients are meant"
    };
    let effect = passed_by(context, schema, rule, resources).unwrap_or_else(|| {
        "the largest LISTs go to a later FlowSchema: a cluster-wide LIST by the same client is not limited".into()
    });
    let words = Words { message, effect, fix: fix.into() };
    RULE.finding(severity, schema, format!("{field}.clusterScope"), words)
}

/// The LISTs in the logs that the rule misses because it lacks `clusterScope`, in words; `None` if there are none.
fn passed_by(context: &Context<'_>, schema: &FlowSchema, rule: &Rule, resources: &ResourceRule) -> Option<String> {
    let alone = Rule {
        subjects: rule.subjects.clone(),
        resource_rules: vec![ResourceRule { verbs: across_namespaces(resources).verbs, ..resources.clone() }],
        non_resource_rules: Vec::new(),
    };
    let mut elsewhere: BTreeMap<&str, u64> = BTreeMap::new();
    let order = |schema: &FlowSchema| (schema.matching_precedence, schema.name.clone());
    let later = |other: &FlowSchema| order(other) > order(schema);
    for route in context.routes.iter().filter(|route| later(route.flow_schema)) {
        let miss = find_nearest_miss(&alone, &route.traffic.digest.attributes());
        if miss == Some(Miss::ClusterScope) && !is_cluster_scoped(&route.traffic.digest.resource) {
            *elsewhere.entry(&route.flow_schema.name).or_default() += route.traffic.request_count;
        }
    }
    let counts: Vec<String> = elsewhere.iter().map(|(name, count)| format!("{} to {name}", requests(*count))).collect();
    (!counts.is_empty())
        .then(|| format!("in the logs, such LISTs and watches go to other FlowSchemas: {}", listed(&counts)))
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{lint_text, lint_with_traffic, list_pods, rules_found, schema_with};
    use super::*;

    fn rule(verbs: &str, resources: &str, scope: &str) -> String {
        let rule = format!("{{verbs: [{verbs}], apiGroups: ['*'], resources: [{resources}], {scope}}}");
        schema_with("s", "workload-low", "matchingPrecedence: 8000", &rule)
    }

    #[test]
    fn only_rules_for_lists_across_namespaces_need_cluster_scope() {
        for (verbs, resources, scope, expected) in [
            ("list", "pods", "namespaces: ['*']", true),
            ("watch", "pods", "namespaces: ['*']", true),
            ("'*'", "'*'", "namespaces: ['*']", true),
            ("list", "pods", "namespaces: [default]", true),
            ("list", "pods", "namespaces: ['*'], clusterScope: true", false),
            ("get, update", "leases", "namespaces: ['*']", false),
            ("'*'", "pods/status", "namespaces: ['*']", false),
            ("list", "nodes", "namespaces: ['*']", false),
        ] {
            let found = rules_found(&rule(verbs, resources, scope));
            assert_eq!(found.contains(&RULE.name), expected, "{verbs} {resources} {scope}");
        }
    }

    #[test]
    fn a_rule_for_all_that_is_done_in_some_namespaces_may_be_meant_so() {
        let findings = lint_text(&rule("'*'", "'*'", "namespaces: [apps]"));
        let finding = findings.iter().find(|finding| finding.rule == RULE.name).unwrap();
        assert_eq!(finding.severity, LintSeverity::Info);
    }

    #[test]
    fn two_rules_may_share_the_work() {
        let one = "{verbs: [list], apiGroups: [''], resources: [pods], namespaces: ['*']}";
        let other = "{verbs: [list], apiGroups: [''], resources: [pods], clusterScope: true}";
        let both = schema_with("s", "workload-low", "matchingPrecedence: 8000", &format!("{one}, {other}"));
        assert!(!rules_found(&both).contains(&RULE.name));
    }

    #[test]
    fn the_logs_tell_where_the_lists_go_instead() {
        let traffic = [list_pods("system:serviceaccount:apps:agent", "", 50), list_pods("someone-else", "", 7)];
        let findings = lint_with_traffic(&rule("list", "pods", "namespaces: ['*']"), &traffic);
        let finding = findings.iter().find(|finding| finding.rule == RULE.name).unwrap();
        assert_eq!(
            finding.effect,
            "in the logs, such LISTs and watches go to other FlowSchemas: 7 requests to global-default and 50 requests to service-accounts"
        );
        assert!(finding.line.is_some() && finding.fix.contains("clusterScope: true"), "{finding:?}");
    }
}
