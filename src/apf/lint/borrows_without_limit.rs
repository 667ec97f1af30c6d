//! A level that seems meant as a cap but may borrow all seats of the server.
//!
//! On a real server, a level of 12 seats without `borrowingLimitPercent` borrowed up to 169 and 176 seats in LIST
//! storms, and the server used as much memory as without the level; with 0 it stayed at 12.

use super::super::LevelKind;
use super::context::{Context, seats, suggests_limit};
use super::{FlowSchema, LintFinding, LintRule, LintSeverity, PriorityLevel, Words};

pub(super) const RULE: LintRule = LintRule {
    name: "borrows-without-limit",
    reason: "A level without borrowingLimitPercent may borrow all seats of the server (apf_controller.go): its shares are a guaranteed minimum, not a maximum. In a measured LIST storm, a level of 12 seats borrowed up to 176.",
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
    let is_cap = suggests_limit(&level.name)
        || users.iter().any(|schema| suggests_limit(&schema.name))
        || !users.is_empty() && users.iter().all(|schema| only_reads(schema));
    let is_small = limits.nominal.saturating_mul(10) <= context.input.server_concurrency;
    if !is_cap && !is_small {
        return None;
    }
    let idle = context.idle_limit(&level.name).filter(|idle| *idle > limits.nominal);
    let idle = idle.map_or(String::new(), |idle| format!("; on an idle server it already has {idle}"));
    let words = Words {
        message: "may borrow all seats of the server, because borrowingLimitPercent is not set".into(),
        effect: format!("its limit ranges from {} to {}{idle}", limits.nominal, seats(limits.max)),
        fix: "to cap the level, set borrowingLimitPercent: 0 in spec.limited".into(),
    };
    let severity = if is_cap { LintSeverity::Warning } else { LintSeverity::Info };
    Some(RULE.finding(severity, level, "spec.limited.borrowingLimitPercent", words))
}

/// Whether a FlowSchema matches only reads of resources.
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
        assert_eq!(finding.effect, "its limit ranges from 12 to 612 seats; on an idle server it already has 27");
        assert!(!rules_found_on(Version::new(1, 25), &text).contains(&RULE.name), "nothing was lent before 1.26");
    }
}
