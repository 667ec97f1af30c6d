//! A FlowSchema whose priority level doesn't exist.

use super::context::{Context, listed};
use super::{FlowSchema, LintFinding, LintRule, LintSeverity, Words};

pub(super) const RULE: LintRule = LintRule {
    name: "dangling-priority-level",
    reason: "The server accepts a FlowSchema whose priority level does not exist, but marks it as dangling and ignores it (apf_controller.go).",
    check,
};

fn check(context: &Context<'_>) -> Vec<LintFinding> {
    let after = context.input.after;
    // A level that exists but could not be read is reported already.
    let is_missing = |level: &str| after.priority_level(level).is_none() && !context.may_have_unread_level(level);
    let dangling = context.schemas.iter().filter(|schema| is_missing(&schema.priority_level));
    let mut names: Vec<&str> = after.priority_levels.iter().map(|level| level.name.as_str()).collect();
    names.sort_unstable();
    let finding = |schema: &&FlowSchema| {
        let level = &schema.priority_level;
        let words = Words {
            message: format!("the priority level {level} exists neither in the change nor on the server"),
            effect: "the server accepts the FlowSchema but ignores it: its requests go to a later FlowSchema".into(),
            fix: format!("add the PriorityLevelConfiguration {level}, or use an existing level: {}", listed(&names)),
        };
        RULE.finding(LintSeverity::Error, *schema, "spec.priorityLevelConfiguration.name", words)
    };
    dangling.map(finding).collect()
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{level, rules_found, schema};
    use super::*;

    #[test]
    fn a_level_may_come_along_or_be_there_already() {
        let to = |level: &str| schema("s", level, "matchingPrecedence: 8000", "list pods");
        assert!(rules_found(&to("small")).contains(&RULE.name));
        let both = to("small") + &level("small", "nominalConcurrencyShares: 10");
        assert!(!rules_found(&both).contains(&RULE.name));
        assert!(!rules_found(&to("workload-low")).contains(&RULE.name));
    }

    #[test]
    fn a_level_with_a_typo_is_there_all_the_same() {
        let level = level("small", "nominalConcurrencyShares: 10").replace("queuing:", "queing:");
        let found = rules_found(&(schema("s", "small", "matchingPrecedence: 8000", "list pods") + &level));
        assert!(found.contains(&"invalid") && !found.contains(&RULE.name), "{found:?}");
    }

    #[test]
    fn a_level_may_be_in_what_cant_be_parsed_but_not_in_another_object() {
        let schema = schema("s", "small", "matchingPrecedence: 8000", "list pods");
        assert!(!rules_found(&(schema.clone() + "---\nspec: [\n")).contains(&RULE.name));
        let other = level("other", "nominalConcurrencyShares: 10").replace("queuing:", "queing:");
        assert!(rules_found(&(schema + &other)).contains(&RULE.name));
    }
}
