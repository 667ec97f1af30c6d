//! A custom FlowSchema that sends requests to the exempt level.

use super::context::Context;
use super::{LintFinding, LintRule, LintSeverity, Words};

pub(super) const RULE: LintRule = LintRule {
    name: "goes-to-exempt",
    reason: "An Exempt level lets every request through at once: its requests never wait, however many there are, and the seats they occupy are not available to Limited levels.",
    check,
};

fn check(context: &Context<'_>) -> Vec<LintFinding> {
    let custom = context.schemas.iter().filter(|schema| context.own.flow_schema(&schema.name).is_none());
    let is_exempt = |name: &str| context.input.after.priority_level(name).is_some_and(super::PriorityLevel::is_exempt);
    let exempt = custom.filter(|schema| is_exempt(&schema.priority_level));
    let finding = |schema: &&super::FlowSchema| {
        let words = Words {
            message: format!("sends its requests to the exempt level {}", schema.priority_level),
            effect: "they are never limited, not even when the server is overloaded".into(),
            fix: "use a Limited level, with enough shares for clients that must not wait".into(),
        };
        RULE.finding(LintSeverity::Warning, *schema, "spec.priorityLevelConfiguration.name", words)
    };
    exempt.map(finding).collect()
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{rules_found, schema};
    use super::*;

    #[test]
    fn a_schema_with_the_exempt_level_limits_nothing() {
        let to = |level: &str| schema("fast", level, "matchingPrecedence: 8000", "list pods");
        assert!(rules_found(&to("exempt")).contains(&RULE.name));
        assert!(!rules_found(&to("workload-low")).contains(&RULE.name));
    }
}
