//! A level that seems meant as a cap but may borrow the whole server.
//!
//! On a real server a level of 12 seats without `borrowingLimitPercent` borrowed up to 169 and 176 seats in a storm of
//! LISTs, and the server took no less memory than without it; with 0 it kept to 12.

use super::super::LevelKind;
use super::context::{Context, seats, speaks_of_limiting};
use super::{FlowSchema, LintFinding, LintRule, LintSeverity, PriorityLevel, Words};

pub(super) const RULE: LintRule = LintRule {
    name: "borrows-without-limit",
    reason: "A level without borrowingLimitPercent may borrow as many seats as the server has (apf_controller.go): its shares \
             say what it surely gets, not the most that it may have. In a storm of LISTs a level of 12 seats was seen to \
             borrow up to 176.",
    check,
};

fn check(context: &Context<'_>) -> Vec<LintFinding> {
    if !context.input.features.lends_seats {
        return Vec::new();
    }
    context.custom_levels().filter_map(|level| finding(context, level)).collect()
}

fn finding(context: &Context<'_>, level: &PriorityLevel) -> Option<LintFinding> {
    let LevelKind::Limited { borrowing_limit_percent: None, nominal_concurrency_shares: 1.., .. } = level.kind else {
        return None;
    };
    let limits = context.after_limits(&level.name)?;
    let users = context.users_of(&level.name);
    let is_cap = speaks_of_limiting(&level.name)
        || users.iter().any(|schema| speaks_of_limiting(&schema.name))
        || !users.is_empty() && users.iter().all(|schema| only_reads(schema));
    let is_small = limits.nominal.saturating_mul(10) <= context.input.server_concurrency;
    if !is_cap && !is_small {
        return None;
    }
    let idle = context.idle_limit(&level.name).filter(|idle| *idle > limits.nominal);
    let idle = idle.map_or(String::new(), |idle| format!("; even while all is idle it has {idle}"));
    let words = Words {
        message: "without borrowingLimitPercent it may borrow as many seats as the whole server has".into(),
        effect: format!("its limit goes from {} up to {}{idle}", limits.nominal, seats(limits.max)),
        fix: "for a cap, write borrowingLimitPercent: 0 in spec.limited".into(),
    };
    let severity = if is_cap { LintSeverity::Warning } else { LintSeverity::Info };
    Some(RULE.finding(severity, level, "spec.limited.borrowingLimitPercent", words))
}

/// Whether all that a FlowSchema matches is reading resources.
fn only_reads(schema: &FlowSchema) -> bool {
    let is_read = |verb: &String| ["get", "list", "watch"].contains(&verb.as_str());
    let mut rules = schema.rules.iter();
    !schema.rules.is_empty()
        && rules.all(|rule| {
            rule.non_resource_rules.is_empty() && rule.resource_rules.iter().all(|rule| rule.verbs.iter().all(is_read))
        })
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{level, lint_text, rules_found_on, schema};
    use super::*;
    use crate::kubernetes::Version;

    fn severity(text: &str) -> Option<LintSeverity> {
        lint_text(text).iter().find(|finding| finding.rule == RULE.name).map(|finding| finding.severity)
    }

    #[test]
    fn a_cap_is_known_by_its_name_by_what_it_is_for_and_by_its_size() {
        let with = |name: &str, shares: u32, what: &str| {
            level(name, &format!("nominalConcurrencyShares: {shares}"))
                + &schema("s", name, "matchingPrecedence: 8000", what)
        };
        assert_eq!(severity(&with("limit-pod-list", 100, "* pods")), Some(LintSeverity::Warning));
        assert_eq!(severity(&with("mine", 100, "list,watch pods")), Some(LintSeverity::Warning));
        assert_eq!(severity(&with("mine", 10, "* pods")), Some(LintSeverity::Info));
        assert_eq!(severity(&with("mine", 100, "* pods")), None);
    }

    #[test]
    fn a_level_that_says_how_much_it_borrows_is_left_alone() {
        let text = level("limit-pod-list", "nominalConcurrencyShares: 5, borrowingLimitPercent: 0");
        assert_eq!(severity(&text), None);
    }

    #[test]
    fn the_numbers_are_those_of_the_server() {
        let text = level("limit-pod-list", "nominalConcurrencyShares: 5");
        let findings = lint_text(&text);
        let finding = findings.iter().find(|finding| finding.rule == RULE.name).unwrap();
        assert_eq!(finding.effect, "its limit goes from 12 up to 612 seats; even while all is idle it has 27");
        assert!(!rules_found_on(Version::new(1, 25), &text).contains(&RULE.name), "nothing was lent before 1.26");
    }
}
