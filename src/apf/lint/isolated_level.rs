//! A level with so few seats that it serves almost no requests.

use super::super::{LevelKind, LimitResponse};
use super::context::{Context, seats};
use super::shares_read_as_calls::shares_path;
use super::{LintFinding, LintRule, LintSeverity, PriorityLevel, Words};

/// A level with this many seats or fewer is tiny.
const TINY: u32 = 2;

pub(super) const RULE: LintRule = LintRule {
    name: "isolated-level",
    reason: "A level with queues and a limit of 0 seats never dispatches a request: each waits a quarter of its timeout, 15 seconds by default, and gets a 429. A level that rejects still serves one request at a time (fairqueuing/queueset.go).",
    check,
};

fn check(context: &Context<'_>) -> Vec<LintFinding> {
    context.custom_levels().filter_map(|level| finding(context, level)).collect()
}

fn finding(context: &Context<'_>, level: &PriorityLevel) -> Option<LintFinding> {
    let LevelKind::Limited { limit_response, .. } = level.kind else { return None };
    let limits = context.after_limits(&level.name)?;
    let (severity, effect) = match (limits.nominal, limits.max, limit_response) {
        (0, 0, LimitResponse::Queue(_)) => (
            LintSeverity::Warning,
            "no request is ever dispatched: each waits 15 seconds, a quarter of the default timeout, and gets a 429"
                .to_owned(),
        ),
        (0, 0, LimitResponse::Reject) => {
            (LintSeverity::Warning, "one request is served at a time, and all others get a 429".to_owned())
        }
        (0, most, _) => {
            (LintSeverity::Warning, format!("it has no seats of its own and can only borrow, up to {most}"))
        }
        (1..=TINY, most, _) if most <= TINY => {
            (LintSeverity::Info, format!("it never has more than {} on each kube-apiserver", seats(most)))
        }
        (1..=TINY, ..) => (
            LintSeverity::Info,
            "while other levels use their own seats, its requests run nearly one after another".to_owned(),
        ),
        _ => return None,
    };
    let is_meant = context.is_meant_to_isolate(level);
    let words = Words {
        message: format!("its shares amount to {} of {}", seats(limits.nominal), context.input.server_concurrency),
        effect,
        fix: match (is_meant, limits.nominal, limits.max) {
            (true, 0, 1..) => {
                "set borrowingLimitPercent: 0 in spec.limited, so that it can't borrow seats either".into()
            }
            (true, ..) => "none, if its FlowSchemas match only the clients you mean to block".into(),
            (false, ..) => "give it more shares, unless it is meant to block its requests".into(),
        },
    };
    let severity = if is_meant { LintSeverity::Info } else { severity };
    Some(RULE.finding(severity, level, shares_path(level), words))
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{level, level_that_rejects, level_with_queues, lint_text, schema};
    use super::*;

    fn found(text: &str) -> Option<(LintSeverity, String)> {
        let finding = lint_text(text).into_iter().find(|finding| finding.rule == RULE.name)?;
        Some((finding.severity, finding.effect))
    }

    #[test]
    fn what_a_level_without_seats_does_depends_on_its_response() {
        let (severity, effect) = found(&level("j", "nominalConcurrencyShares: 0, borrowingLimitPercent: 0")).unwrap();
        assert_eq!(severity, LintSeverity::Warning);
        assert!(effect.starts_with("no request is ever dispatched"), "{effect}");
        let (_, effect) =
            found(&level_that_rejects("j", "nominalConcurrencyShares: 0, borrowingLimitPercent: 0")).unwrap();
        assert!(effect.starts_with("one request is served at a time"), "{effect}");
        let (_, effect) = found(&level("j", "nominalConcurrencyShares: 0")).unwrap();
        assert!(effect.ends_with("up to 600"), "{effect}");
        assert_eq!(found(&level("j", "nominalConcurrencyShares: 10")), None);
    }

    #[test]
    fn a_level_named_for_blocking_is_only_info() {
        let (severity, _) =
            found(&level("noisy-jail", "nominalConcurrencyShares: 0, borrowingLimitPercent: 0")).unwrap();
        assert_eq!(severity, LintSeverity::Info);
        let of_schema = level("zero", "nominalConcurrencyShares: 0, borrowingLimitPercent: 0")
            + &schema("ban-mallory", "zero", "matchingPrecedence: 8000", "list pods");
        assert_eq!(found(&of_schema).unwrap().0, LintSeverity::Info, "the FlowSchema says it");
    }

    #[test]
    fn a_blocking_level_must_not_borrow() {
        let fix = |fields: &str| {
            let findings = lint_text(&level("jail", fields));
            findings.into_iter().find(|finding| finding.rule == RULE.name).unwrap().fix
        };
        assert!(fix("nominalConcurrencyShares: 0").starts_with("set borrowingLimitPercent: 0"));
        assert!(fix("nominalConcurrencyShares: 0, borrowingLimitPercent: 0").starts_with("none"));
    }

    /// A level that is meant to block its requests is reported only by this rule.
    #[test]
    fn a_level_named_for_blocking_has_no_other_finding() {
        let rule = "matchingPrecedence: 8000";
        for level in [
            level("jail", "nominalConcurrencyShares: 0, borrowingLimitPercent: 0"),
            level_that_rejects("jail", "nominalConcurrencyShares: 0, borrowingLimitPercent: 0"),
            level("jail", "nominalConcurrencyShares: 0"),
            level_with_queues("jail", 2, 2).replace("30", "0"),
        ] {
            let findings = lint_text(&(level + &schema("jail-all", "jail", rule, "list,watch pods")));
            let rules: Vec<&str> = findings.iter().map(|finding| finding.rule).collect();
            assert_eq!(rules, [RULE.name], "{findings:?}");
        }
    }
}
