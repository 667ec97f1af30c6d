//! What the server refuses, as a finding among the others.

use super::super::manifest::TEMPLATE;
use super::super::validate::is_there_twice;
use super::context::Context;
use super::{LintFinding, LintRule, LintSeverity, Problem};

pub(super) const RULE: LintRule = LintRule {
    name: "invalid",
    reason: "The server validates fields and refuses an object that breaks a rule; nothing of it is applied. Of two objects of \
             one name the later one stays.",
    check,
};

fn check(context: &Context<'_>) -> Vec<LintFinding> {
    context.input.problems.iter().map(finding).collect()
}

fn finding(problem: &Problem) -> LintFinding {
    let (severity, effect, fix) = if is_there_twice(problem) {
        let effect = "kubectl applies both in turn, and the later one stays: it alone is looked at here";
        (LintSeverity::Warning, effect, "leave one of them out, or give it a name of its own")
    } else if problem.message == TEMPLATE {
        (LintSeverity::Error, UNREAD, "look at what comes out when it is rendered, as with helm template")
    } else if problem.object.is_empty() && problem.field.is_empty() {
        (LintSeverity::Error, UNREAD, "mend the text at that line")
    } else {
        (LintSeverity::Error, "the server refuses it", "write the field as the message says")
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

/// What comes of a text that is no object.
const UNREAD: &str = "it can't be applied, and no other rule looks at what is in it";

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
        assert!(finding.effect.contains("the later one stays"), "{}", finding.effect);
        let shares: Vec<_> = findings.iter().filter(|finding| finding.rule == "shares-read-as-calls").collect();
        assert_eq!(shares.len(), 1);
        assert!(shares[0].message.starts_with("7 shares are 17 seats"), "{}", shares[0].message);
    }

    #[test]
    fn a_template_is_to_be_rendered_first() {
        let finding = &lint_text("kind: FlowSchema\nmetadata:\n  name: {{ .Values.name }}\n")[0];
        assert_eq!((finding.severity, finding.line), (LintSeverity::Error, Some(3)));
        assert!(finding.fix.contains("helm template"), "{}", finding.fix);
        assert_eq!(lint_text("a: [")[0].fix, "mend the text at that line");
    }
}
