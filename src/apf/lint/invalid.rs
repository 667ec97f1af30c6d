//! Problems for which the server rejects an object, as findings.

use super::super::manifest::TEMPLATE;
use super::super::validate::is_there_twice;
use super::context::Context;
use super::{LintFinding, LintRule, LintSeverity, Problem};

pub(super) const RULE: LintRule = LintRule {
    name: "invalid",
    reason: "The server rejects an object with an invalid field and applies nothing of it. Of two objects with the same name, the later one wins.",
    check,
};

fn check(context: &Context<'_>) -> Vec<LintFinding> {
    context.input.problems.iter().map(finding).collect()
}

fn finding(problem: &Problem) -> LintFinding {
    let (severity, effect, fix) = if is_there_twice(problem) {
        let effect = "kubectl applies both in turn and the later one wins: only that one is checked here";
        (LintSeverity::Warning, effect, "remove or rename one of them")
    } else if problem.message == TEMPLATE {
        (LintSeverity::Error, UNREAD, "render it first, for example with helm template, and check the output")
    } else if problem.object.is_empty() && problem.field.is_empty() {
        (LintSeverity::Error, UNREAD, "fix the syntax at that line")
    } else {
        (LintSeverity::Error, "the server rejects the object", "correct the field as described")
    };
    LintFinding {
        rule: RULE.name,
        severity,
        object: problem.object.clone(),
        field: problem.field.clone(),
        file: problem.file.as_deref().map(str::to_owned),
        line: problem.line,
        message: problem.message.clone(),
        effect: effect.into(),
        fix: fix.into(),
    }
}

/// The effect of text that can't be parsed.
const UNREAD: &str = "it can't be applied, and no other rule checks it";

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

    #[test]
    fn of_two_objects_of_one_name_the_later_is_looked_at() {
        let twice = level("small", "nominalConcurrencyShares: 5") + &level("small", "nominalConcurrencyShares: 7");
        let findings = lint_text(&twice);
        let finding = findings.iter().find(|finding| finding.rule == RULE.name).unwrap();
        assert_eq!((finding.severity, finding.line), (LintSeverity::Warning, Some(11)));
        assert!(finding.effect.contains("the later one wins"), "{}", finding.effect);
        let shares: Vec<_> = findings.iter().filter(|finding| finding.rule == "shares-read-as-calls").collect();
        assert_eq!(shares.len(), 1);
        assert!(shares[0].message.starts_with("7 shares are 17 seats"), "{}", shares[0].message);
    }

    #[test]
    fn a_template_is_to_be_rendered_first() {
        let finding = &lint_text("kind: FlowSchema\nmetadata:\n  name: {{ .Values.name }}\n")[0];
        assert_eq!((finding.severity, finding.line), (LintSeverity::Error, Some(3)));
        assert!(finding.fix.contains("helm template"), "{}", finding.fix);
        assert_eq!(lint_text("a: [")[0].fix, "fix the syntax at that line");
    }
}
