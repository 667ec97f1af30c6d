//! A FlowSchema for cluster administrators, who are never limited.

use super::super::Subject;
use super::context::Context;
use super::{LintFinding, LintRule, LintSeverity, Words};
use crate::kubernetes::SYSTEM_MASTERS;

pub(super) const RULE: LintRule = LintRule {
    name: "meant-for-masters",
    reason: "The mandatory FlowSchema exempt, with precedence 1, matches all requests of the group system:masters first, and no other FlowSchema may have that precedence (bootstrap/default.go, validation.go).",
    check,
};

fn check(context: &Context<'_>) -> Vec<LintFinding> {
    let mut findings = Vec::new();
    for schema in context.schemas.iter().filter(|schema| schema.name != "exempt") {
        for (index, rule) in schema.rules.iter().enumerate() {
            let is_masters = |subject: &Subject| matches!(subject, Subject::Group(group) if group == SYSTEM_MASTERS);
            let Some(subject) = rule.subjects.iter().position(is_masters) else { continue };
            let words = Words {
                message: format!(
                    "the group {SYSTEM_MASTERS} can't be matched: the FlowSchema exempt always matches it first"
                ),
                effect: "administrators and everybody else in that group are never limited".into(),
                fix: "give the client an identity outside that group, and match that".into(),
            };
            let field = format!("spec.rules[{index}].subjects[{subject}]");
            findings.push(RULE.finding(LintSeverity::Warning, *schema, field, words));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{rules_found, schema_for};
    use super::*;

    #[test]
    fn masters_cannot_be_limited() {
        let of = |group: &str| schema_for("s", "workload-low", &format!("{{kind: Group, group: {{name: '{group}'}}}}"));
        let found = rules_found(&of(SYSTEM_MASTERS));
        assert!(found.contains(&RULE.name));
        assert!(!found.contains(&"shadowed"), "one finding is enough");
        assert!(!rules_found(&of("developers")).contains(&RULE.name));
    }
}
