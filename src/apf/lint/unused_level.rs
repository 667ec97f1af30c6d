//! A priority level that no FlowSchema uses, which has its seats all the same.

use super::context::{Context, seats};
use super::{LintFinding, LintRule, LintSeverity, Words};

pub(super) const RULE: LintRule = LintRule {
    name: "unused-level",
    reason: "A level gets its part of the server's seats whether or not a FlowSchema sends requests to it; the other \
             levels have as much less.",
    check,
};

fn check(context: &Context<'_>) -> Vec<LintFinding> {
    let mut findings = Vec::new();
    for level in context.custom_levels().filter(|level| context.users_of(&level.name).is_empty()) {
        let nominal = context.after_limits(&level.name).map_or(0, |limits| limits.nominal);
        let is_much = nominal.saturating_mul(20) > context.input.server_concurrency;
        let words = Words {
            message: "no FlowSchema sends requests to it".into(),
            effect: format!(
                "it has {} of {} by its shares, and the other levels as much less; what it may lend they can borrow",
                seats(nominal),
                context.input.server_concurrency
            ),
            fix: "leave it out, or name it in a FlowSchema".into(),
        };
        let severity = if is_much { LintSeverity::Warning } else { LintSeverity::Info };
        findings.push(RULE.finding(severity, level, "", words));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{level, lint_text};
    use super::*;

    #[test]
    fn a_level_nobody_uses_is_told_of_and_a_large_one_warned_of() {
        for (shares, expected) in [(5, LintSeverity::Info), (100, LintSeverity::Warning)] {
            let findings = lint_text(&level("idle", &format!("nominalConcurrencyShares: {shares}")));
            let finding = findings.iter().find(|finding| finding.rule == RULE.name).unwrap();
            assert_eq!(finding.severity, expected, "{shares}");
        }
    }
}
