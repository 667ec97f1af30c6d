//! So few queues, or such small hands, that heavy flows occupy all queues of a light one.

use super::super::{DistinguisherMethod, FlowSchema, collision_probability};
use super::context::Context;
use super::coverage::is_one_user;
use super::{LintFinding, LintRule, LintSeverity, PriorityLevel, Words};

/// Tolerated probability that one heavy flow occupies all queues of a light one.
const TOLERATED_OF_ONE: f64 = 0.01;
/// The same for four heavy flows.
const TOLERATED_OF_FOUR: f64 = 0.1;

pub(super) const RULE: LintRule = LintRule {
    name: "squashes-light-flows",
    reason: "Each flow is assigned handSize of the queues, and its requests wait in the shortest of them. If heavy flows are assigned all of these queues too, its requests wait behind theirs (pkg/util/shufflesharding).",
    check,
};

fn check(context: &Context<'_>) -> Vec<LintFinding> {
    let levels = context.levels.iter().copied().filter(|level| !context.is_meant_to_isolate(level));
    levels.filter(|level| has_several_flows(&context.users_of(&level.name))).filter_map(finding).collect()
}

fn finding(level: &PriorityLevel) -> Option<LintFinding> {
    let queuing = level.queuing()?;
    let (queues, hand_size) = (u32::try_from(queuing.queues).ok()?, u32::try_from(queuing.hand_size).ok()?);
    let [one, four, sixteen] = [1, 4, 16].map(|heavy| collision_probability(queues, hand_size, heavy));
    if one < TOLERATED_OF_ONE && four < TOLERATED_OF_FOUR {
        return None;
    }
    let message = match queues {
        1 => "with one queue, the requests of all flows wait in the same queue".to_owned(),
        _ if hand_size == queues => {
            format!("with {queues} queues and handSize {hand_size}, every flow uses the same queues")
        }
        _ => format!(
            "with {queues} queues and handSize {hand_size}, heavy flows are likely to occupy all queues that a light flow may use"
        ),
    };
    let odds = [(one, "1 heavy flow"), (four, "4"), (sixteen, "16")];
    let words = Words {
        message,
        effect: if hand_size == queues {
            "requests of a light flow wait behind those of every heavy flow".into()
        } else {
            let odds = odds.map(|(odds, heavy)| format!("{} for {heavy}", percent(odds))).join(", ");
            format!("requests of a light flow wait behind those of heavy flows with a probability of {odds}")
        },
        fix: "set queues: 64 and handSize: 6, or queues: 128 and handSize: 6; a larger handSize reduces the seats of each LIST"
            .into(),
    };
    Some(RULE.finding(LintSeverity::Warning, level, "spec.limited.limitResponse.queuing", words))
}

fn percent(probability: f64) -> String {
    match probability * 100.0 {
        percent if percent < 0.01 => "less than 0.01 %".into(),
        percent if percent < 1.0 => format!("{percent:.2} %"),
        percent => format!("{percent:.0} %"),
    }
}

/// Whether several flows may use a level with these FlowSchemas.
fn has_several_flows(users: &[&FlowSchema]) -> bool {
    let is_split = |schema: &FlowSchema| match schema.distinguisher_method {
        None => false,
        Some(DistinguisherMethod::ByNamespace) => true,
        Some(DistinguisherMethod::ByUser) => has_several_users(schema),
    };
    users.len() > 1 || users.iter().any(|schema| is_split(schema))
}

/// Whether more than one user may match.
pub(super) fn has_several_users(schema: &FlowSchema) -> bool {
    let mut subjects = schema.rules.iter().flat_map(|rule| &rule.subjects);
    let first = subjects.next();
    first.is_some_and(|first| !is_one_user(first)) || subjects.any(|subject| Some(subject) != first)
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{level_with_queues, lint_text, schema_for};
    use super::*;

    fn effect(queues: u32, hand_size: u32, subject: &str) -> Option<String> {
        let text = level_with_queues("small", queues, hand_size) + &schema_for("s", "small", subject);
        lint_text(&text).into_iter().find(|finding| finding.rule == RULE.name).map(|finding| finding.effect)
    }

    const MANY: &str = "{kind: Group, group: {name: developers}}";

    #[test]
    fn few_queues_and_small_hands_are_warned_of_with_their_odds() {
        let of_few = effect(5, 1, MANY).unwrap();
        assert!(of_few.contains("20 % for 1 heavy flow, 59 % for 4, 97 % for 16"), "{of_few}");
        for queues in [1, 2] {
            assert_eq!(
                effect(queues, queues, MANY).unwrap(),
                "requests of a light flow wait behind those of every heavy flow"
            );
        }
        for (queues, hand_size) in [(64, 6), (128, 6), (64, 8)] {
            assert_eq!(effect(queues, hand_size, MANY), None, "{queues} {hand_size}");
        }
    }

    #[test]
    fn one_flow_alone_squashes_none() {
        assert_eq!(effect(5, 1, "{kind: User, user: {name: alice}}"), None);
    }
}
