//! A priority level that no FlowSchema uses, which has its seats all the same.

use super::context::{Context, seats};
use super::{LintFinding, LintRule, LintSeverity, PriorityLevel, Words};

pub(super) const RULE: LintRule = LintRule {
    name: "unused-level",
    reason: "A level gets its part of the server's seats whether or not a FlowSchema sends requests to it; the other \
             levels have as much less.",
    check,
};

fn check(context: &Context<'_>) -> Vec<LintFinding> {
    // A FlowSchema that couldn't be read may well be the one that uses it.
    if context.has_unread_schema() {
        return Vec::new();
    }
    let unused = context.custom_levels().filter(|level| context.users_of(&level.name).is_empty());
    unused.filter_map(|level| finding(context, level)).collect()
}

fn finding(context: &Context<'_>, level: &PriorityLevel) -> Option<LintFinding> {
    let limits = context.after_limits(&level.name)?;
    let is_much = limits.min.saturating_mul(20) > context.input.server_concurrency;
    let of = format!("{} of {} by its shares", seats(limits.nominal), context.input.server_concurrency);
    let words = Words {
        message: "no FlowSchema sends requests to it".into(),
        effect: match (limits.nominal, limits.min) {
            (0, _) => "it has no seats of its own, and nothing comes of it".into(),
            (_, 0) => format!("it has {of}, all of which the other levels can only borrow"),
            (nominal, min) if min == nominal => format!("it has {of}, which nobody can use"),
            (_, min) => format!("it has {of}: {min} that nobody can use, and others that can only be borrowed"),
        },
        fix: "leave it out, or name it in a FlowSchema".into(),
    };
    let severity = if is_much { LintSeverity::Warning } else { LintSeverity::Info };
    Some(RULE.finding(severity, level, "", words))
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{level, lint_text, rules_found, schema};
    use super::*;

    #[test]
    fn a_level_nobody_uses_is_told_of_and_a_large_one_warned_of() {
        for (shares, expected) in [(5, LintSeverity::Info), (100, LintSeverity::Warning)] {
            let findings = lint_text(&level("idle", &format!("nominalConcurrencyShares: {shares}")));
            let finding = findings.iter().find(|finding| finding.rule == RULE.name).unwrap();
            assert_eq!(finding.severity, expected, "{shares}");
        }
    }

    #[test]
    fn seats_that_are_lent_are_not_lost() {
        for (lendable, expected, effect) in [
            (0, LintSeverity::Warning, "it has 102 seats of 600 by its shares, which nobody can use"),
            (
                50,
                LintSeverity::Warning,
                "it has 102 seats of 600 by its shares: 51 that nobody can use, and others that can only be borrowed",
            ),
            (
                100,
                LintSeverity::Info,
                "it has 102 seats of 600 by its shares, all of which the other levels can only borrow",
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
