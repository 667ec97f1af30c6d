//! A FlowSchema whose requests all form one flow, so that a heavy client is not isolated from the others.

use super::super::{DistinguisherMethod, FlowSchema};
use super::context::{Context, has_verb};
use super::squashes_light_flows::has_several_users;
use super::{LintFinding, LintRule, LintSeverity, Words};

pub(super) const RULE: LintRule = LintRule {
    name: "one-flow-for-all",
    reason: "Flows are distinguished by user or by the namespace of the request. Requests across all namespaces have none: by namespace they are one flow, whoever sends them (computeFlowDistinguisher in apf_controller.go).",
    check,
};

fn check(context: &Context<'_>) -> Vec<LintFinding> {
    let has_hands = |schema: &FlowSchema| {
        let level = context.input.after.priority_level(&schema.priority_level);
        let level = level.filter(|level| !context.is_meant_to_isolate(level));
        level.and_then(super::PriorityLevel::queuing).is_some_and(|queuing| queuing.queues > 1)
    };
    let contended = context.schemas.iter().filter(|schema| has_several_users(schema) && has_hands(schema));
    contended.filter_map(|schema| finding(schema)).collect()
}

fn finding(schema: &FlowSchema) -> Option<LintFinding> {
    let (severity, field, message) = match schema.distinguisher_method {
        Some(DistinguisherMethod::ByNamespace) if lists_across(schema) => (
            LintSeverity::Warning,
            "spec.distinguisherMethod.type",
            "with ByNamespace, all LISTs and watches across namespaces are one flow, whoever sends them",
        ),
        None => (
            LintSeverity::Info,
            "spec.distinguisherMethod",
            "has no distinguisherMethod, so all its requests are one flow, whoever sends them",
        ),
        Some(_) => return None,
    };
    let words = Words {
        message: message.into(),
        effect: "they share the same queues: a heavy client fills them, and the others wait behind it or get a 429"
            .into(),
        fix: "set distinguisherMethod: {type: ByUser}".into(),
    };
    Some(RULE.finding(severity, schema, field, words))
}

/// Whether a FlowSchema matches lists or watches without a namespace.
fn lists_across(schema: &FlowSchema) -> bool {
    let mut rules = schema.rules.iter().flat_map(|rule| &rule.resource_rules);
    rules.any(|rule| rule.cluster_scope && has_verb(&rule.verbs, &["list", "watch"]))
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{lint_text, schema};
    use super::*;

    #[test]
    fn several_users_need_flows_of_their_own() {
        let of = |fields: &str, what: &str| {
            let text = schema("s", "workload-low", fields, what);
            lint_text(&text).iter().find(|finding| finding.rule == RULE.name).map(|finding| finding.severity)
        };
        let by = |method: &str| format!("matchingPrecedence: 8000\n  distinguisherMethod: {{type: {method}}}");
        assert_eq!(of(&by("ByNamespace"), "list pods"), Some(LintSeverity::Warning));
        assert_eq!(of(&by("ByNamespace"), "get pods"), None);
        assert_eq!(of(&by("ByUser"), "list pods"), None);
        assert_eq!(of("matchingPrecedence: 8000", "list pods"), Some(LintSeverity::Info));
    }
}
