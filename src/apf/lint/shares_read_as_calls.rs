//! Shares of a small level that may be taken for a number of calls.

use super::super::{LevelKind, LimitResponse};
use super::context::{Context, seats, speaks_of_limiting};
use super::{LintFinding, LintRule, LintSeverity, PriorityLevel, Words};

/// Shares up to this look like a number of calls.
const FEW_SHARES: i32 = 20;

pub(super) const RULE: LintRule = LintRule {
    name: "shares-read-as-calls",
    reason: "Shares are relative to those of all levels: they make seats, on each kube-apiserver anew, and a request may \
             take several seats or, in a level with queues, never more than a cap.",
    check,
};

fn check(context: &Context<'_>) -> Vec<LintFinding> {
    let looks_so = |level: &PriorityLevel| {
        let shares = level.nominal_concurrency_shares();
        !level.is_exempt() && shares > 0 && (shares <= FEW_SHARES || speaks_of_limiting(&level.name))
    };
    context.custom_levels().filter(|level| looks_so(level)).filter_map(|level| finding(context, level)).collect()
}

fn finding(context: &Context<'_>, level: &PriorityLevel) -> Option<LintFinding> {
    let limits = context.after_limits(&level.name)?;
    let most = most_for_a_list(context, level)?;
    let words = Words {
        message: format!(
            "{} shares are {} of {} on each kube-apiserver, not {0} calls",
            level.nominal_concurrency_shares(),
            seats(limits.nominal),
            context.input.server_concurrency
        ),
        effect: format!(
            "a LIST takes up to {} of them, most others 1; with several servers it is as many again on each",
            most.min(limits.max)
        ),
        fix: "choose the shares by seats: shares / all shares x the server's seats, rounded up".into(),
    };
    Some(RULE.finding(LintSeverity::Info, level, shares_path(level), words))
}

/// The path of a Limited level's shares, as its version calls them.
pub(super) fn shares_path(level: &PriorityLevel) -> String {
    format!("spec.limited.{}", super::super::manifest::shares_field(level.place.api_version))
}

/// The most seats that a LIST may take in a level; `None` for an exempt one.
pub(super) fn most_for_a_list(context: &Context<'_>, level: &PriorityLevel) -> Option<u32> {
    let LevelKind::Limited { limit_response, .. } = level.kind else { return None };
    let features = &context.input.features;
    let of_server = match (features.charges_lists, features.size_based_list_cost) {
        (false, _) => 1,
        (true, false) => 10,
        (true, true) => 100,
    };
    let cap = match limit_response {
        LimitResponse::Reject => None,
        LimitResponse::Queue(_) => context.after_limits(&level.name)?.max_seats_per_request,
    };
    Some(cap.map_or(of_server, |cap| cap.min(of_server)))
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{level, lint_text, rules_found};
    use super::*;

    #[test]
    fn few_shares_are_explained_as_seats() {
        let findings = lint_text(&level("limit-pod-list", "nominalConcurrencyShares: 5"));
        let finding = findings.iter().find(|finding| finding.rule == RULE.name).unwrap();
        assert_eq!(finding.message, "5 shares are 12 seats of 600 on each kube-apiserver, not 5 calls");
        assert!(finding.effect.starts_with("a LIST takes up to 1 of them"), "hands of 8: {}", finding.effect);
        assert_eq!(finding.field, "spec.limited.nominalConcurrencyShares");
        assert!(!rules_found(&level("mine", "nominalConcurrencyShares: 50")).contains(&RULE.name));
        assert!(rules_found(&level("limit-mine", "nominalConcurrencyShares: 50")).contains(&RULE.name));
    }
}
