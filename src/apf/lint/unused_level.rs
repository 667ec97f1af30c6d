//! A priority level that no FlowSchema uses, but that still gets its seats.

use super::context::{Context, seats};
use super::{LintFinding, LintRule, LintSeverity, PriorityLevel, Words};

pub(super) const RULE: LintRule = LintRule {
    name: "unused-level",
    reason: "A level gets its share of the server's seats even if no FlowSchema sends requests to it, and the other levels have that many fewer.",
    check,
};

fn check(context: &Context<'_>) -> Vec<LintFinding> {
    // A FlowSchema that could not be read may be the one that uses it.
    if context.has_unread_schema() {
        return Vec::new();
    }
    let unused = context.custom_levels().filter(|level| context.users_of(&level.name).is_empty());
    unused.filter_map(|level| finding(context, level)).collect()
}

fn finding(context: &Context<'_>, level: &PriorityLevel) -> Option<LintFinding> {
    let limits = context.after_limits(&level.name)?;
    let is_much = limits.min.saturating_mul(20) > context.input.server_concurrency;
    let of = format!("{} of {}", seats(limits.nominal), context.input.server_concurrency);
    let words = Words {
        message: "no FlowSchema sends requests to it".into(),
        effect: match (limits.nominal, limits.min) {
            (0, _) => "none: it has no seats of its own".into(),
            (_, 0) => format!("its shares give it {of}, which other levels can use only by borrowing"),
            (nominal, min) if min == nominal => format!("its shares give it {of}, which no request can use"),
            (_, min) => {
                format!("its shares give it {of}: {min} that no request can use, and others that can only be borrowed")
            }
        },
        fix: "remove it, or use it in a FlowSchema".into(),
    };
    let severity = if is_much { LintSeverity::Warning } else { LintSeverity::Info };
    Some(RULE.finding(severity, level, "", words))
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{level, lint_text, rules_found, schema};
    use super::*;

    #[test]
    fn an_unused_level_is_reported_and_a_large_one_is_a_warning() {
        for (shares, expected) in [(5, LintSeverity::Info), (100, LintSeverity::Warning)] {
            let findings = lint_text(&level("idle", &format!("nominalConcurrencyShares: {shares}")));
            let finding = findings.iter().find(|finding| finding.rule == RULE.name).unwrap();
            assert_eq!(finding.severity, expected, "{shares}");
        }
    }

    #[test]
    fn seats_that_are_lent_are_not_lost() {
        for (lendable, expected, effect) in [
            (0, LintSeverity::Warning, "its shares give it 102 seats of 600, which no request can use"),
            (
                50,
                LintSeverity::Warning,
                "its shares give it 102 seats of 600: 51 that no request can use, and others that can only be borrowed",
            ),
            (
                100,
                LintSeverity::Info,
                "its shares give it 102 seats of 600, which other levels can use only by borrowing",
            ),
        ] {
            let findings =
                lint_text(&level("idle", &format!("nominalConcurrencyShares: 50, lendablePercent: {lendable}")));
            let finding = findings.iter().find(|finding| finding.rule == RULE.name).unwrap();
            assert_eq!((finding.severity, finding.effect.as_str()), (expected, effect));
        }
    }

    #[test]
    fn a_schema_with_a_typo_may_be_the_one_that_uses_it() {
        let level = level("small", "nominalConcurrencyShares: 10");
        let broken =
            schema("s", "small", "matchingPrecedence: 8000", "list pods").replace("kind: Group", "kind: group");
        assert!(!rules_found(&(level.clone() + &broken)).contains(&RULE.name));
        let refused = schema("s", "workload-low", "matchingPrecedence: 20000", "list pods");
        assert!(rules_found(&(level + &refused)).contains(&RULE.name), "it was read, and names another");
    }
}
