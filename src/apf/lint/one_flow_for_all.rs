//! A FlowSchema whose requests are all one flow, so that a heavy client isn't kept apart from the others.

use super::super::{DistinguisherMethod, FlowSchema};
use super::context::{Context, has_verb};
use super::squashes_light_flows::has_several_users;
use super::{LintFinding, LintRule, LintSeverity, Words};

pub(super) const RULE: LintRule = LintRule {
    name: "one-flow-for-all",
    reason: "Flows are told apart by user or by the namespace of what is asked for. What is asked for across all namespaces \
             has none: by namespace it is all one flow, whoever asks (computeFlowDistinguisher of apf_controller.go).",
    check,
};

fn check(context: &Context<'_>) -> Vec<LintFinding> {
    let has_hands = |schema: &FlowSchema| {
        let level = context.input.after.priority_level(&schema.priority_level);
        let level = level.filter(|level| !context.is_meant_as_jail(level));
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
            "by namespace, all LISTs and watches across namespaces are one flow, whoever sends them",
        ),
        None => (
            LintSeverity::Info,
            "spec.distinguisherMethod",
            "without distinguisherMethod all its requests are one flow, whoever sends them",
        ),
        Some(_) => return None,
    };
    let words = Words {
        message: message.into(),
        effect: "they share one hand of queues: a heavy client fills it, and the others wait behind or get a 429"
            .into(),
        fix: "write distinguisherMethod: {type: ByUser}".into(),
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
    fn several_users_need_to_be_told_apart() {
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
