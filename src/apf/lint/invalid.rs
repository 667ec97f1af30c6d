//! What the server refuses, as a finding among the others.

use super::context::Context;
use super::{LintFinding, LintRule, LintSeverity};

pub(super) const RULE: LintRule = LintRule {
    name: "invalid",
    reason: "The server validates fields and refuses an object that breaks a rule; nothing of it is applied.",
    check,
};

fn check(context: &Context<'_>) -> Vec<LintFinding> {
    let finding = |problem: &super::Problem| LintFinding {
        rule: RULE.name,
        severity: LintSeverity::Error,
        object: problem.object.clone(),
        field: problem.field.clone(),
        file: problem.file.as_deref().map(str::to_owned),
        line: problem.line,
        message: problem.message.clone(),
        effect: "the server refuses it".into(),
        fix: "write the field as the message says".into(),
    };
    context.input.problems.iter().map(finding).collect()
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{level, lint_text};
    use super::*;

    #[test]
    fn what_the_server_refuses_is_an_error_with_its_line() {
        let text = level("small", "nominalConcurrencyShares: -1");
        let findings = lint_text(&text);
        let finding = findings.iter().find(|finding| finding.rule == RULE.name).unwrap();
        assert_eq!(finding.severity, LintSeverity::Error);
        assert_eq!(finding.field, "spec.limited.nominalConcurrencyShares");
        assert!(finding.line.is_some(), "{finding:?}");
    }
}
