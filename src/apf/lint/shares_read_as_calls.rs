//! Shares of a small level that may be taken for a number of calls.

use super::super::manifest::shares_field;
use super::super::{LevelKind, LimitResponse};
use super::context::{Context, seats, speaks_of_limiting};
use super::{LintFinding, LintRule, LintSeverity, PriorityLevel, Words};
use crate::kubernetes::Version;

/// Shares up to this look like a number of calls.
const FEW_SHARES: i32 = 20;
/// Since this Kubernetes version a level may have no shares (feature gate `ZeroLimitedNominalConcurrencyShares`).
const NO_SHARES_SINCE: Version = Version::new(1, 30);

pub(super) const RULE: LintRule = LintRule {
    name: "shares-read-as-calls",
    reason: "Shares are relative to those of all levels: they make seats, on each kube-apiserver anew, and a request may \
             take several seats or, in a level with queues, never more than a cap. Up to v1beta3 0 shares are the default of 30.",
    check,
};

fn check(context: &Context<'_>) -> Vec<LintFinding> {
    let look_so = |level: &PriorityLevel| {
        let shares = level.nominal_concurrency_shares();
        !level.is_exempt() && shares > 0 && (shares <= FEW_SHARES || speaks_of_limiting(&level.name))
    };
    let finding = |level: &PriorityLevel| match level {
        level if level.place.has_zero_for_default => none_written(context, level),
        level if look_so(level) => finding(context, level),
        _ => None,
    };
    context.custom_levels().filter_map(finding).collect()
}

/// Shares that are written as none, and aren't.
fn none_written(context: &Context<'_>, level: &PriorityLevel) -> Option<LintFinding> {
    let limits = context.after_limits(&level.name)?;
    let (version, shares) = (level.place.api_version.name(), level.nominal_concurrency_shares());
    let words = Words {
        message: format!("the line says 0 shares, which {version} takes for the default of {shares}"),
        effect: format!(
            "it shuts nothing out: it has {} of {} on each kube-apiserver",
            seats(limits.nominal),
            context.input.server_concurrency
        ),
        fix: if context.input.version.is_none_or(|server| server >= NO_SHARES_SINCE) {
            format!("write {shares}, if that is meant; for no shares at all write v1, where 0 is none")
        } else {
            format!("write {shares}, if that is meant, or 1 for the fewest there are on this server")
        },
    };
    Some(RULE.finding(LintSeverity::Warning, level, shares_path(level), words))
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
    format!("spec.limited.{}", shares_field(level.place.api_version))
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
    use super::super::fixtures::{level, lint_on, lint_text, rules_found};
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

    #[test]
    fn no_shares_of_a_beta_version_are_told_for_what_they_are() {
        let beta = |shares: &str| level("jail", shares).replace("k8s.io/v1", "k8s.io/v1beta3");
        let found = |server: Version, text: &str| {
            let findings = lint_on(Some(server), text).into_iter();
            findings.filter(|finding| finding.rule == RULE.name).collect::<Vec<_>>()
        };
        let findings = found(Version::new(1, 30), &beta("nominalConcurrencyShares: 0"));
        let finding = &findings[0];
        assert_eq!((findings.len(), finding.severity, finding.line), (1, LintSeverity::Warning, Some(7)));
        assert_eq!(finding.message, "the line says 0 shares, which v1beta3 takes for the default of 30");
        assert_eq!(finding.effect, "it shuts nothing out: it has 66 seats of 600 on each kube-apiserver");
        assert!(finding.fix.contains("write v1, where 0 is none"), "{}", finding.fix);
        assert!(
            found(Version::new(1, 28), &beta("nominalConcurrencyShares: 0"))[0].fix.contains("or 1 for the fewest")
        );
        let thirty = &found(Version::new(1, 30), &beta("nominalConcurrencyShares: 30"))[0];
        assert!(thirty.message.starts_with("30 shares are 66 seats"), "{}", thirty.message);
        assert!(found(Version::new(1, 30), &level("jail", "nominalConcurrencyShares: 0")).is_empty());
    }
}
