//! Shares of a small level that may be mistaken for a number of calls.

use super::super::manifest::shares_field;
use super::super::{LevelKind, LimitResponse};
use super::context::{Context, seats, suggests_limit};
use super::{LintFinding, LintRule, LintSeverity, PriorityLevel, Words};
use crate::kubernetes::Version;

/// Shares up to this look like a number of calls.
const FEW_SHARES: i32 = 20;
/// The first Kubernetes version in which a level may have no shares (feature gate
/// `ZeroLimitedNominalConcurrencyShares`).
const NO_SHARES_SINCE: Version = Version::new(1, 30);

pub(super) const RULE: LintRule = LintRule {
    name: "shares-read-as-calls",
    reason: "Shares are relative to the shares of all levels. They determine seats, separately on each kube-apiserver, and a request may take several seats; a level with queues caps them. In v1beta3 and older, 0 shares mean the default of 30.",
    check,
};

fn check(context: &Context<'_>) -> Vec<LintFinding> {
    let look_so = |level: &PriorityLevel| {
        let shares = level.nominal_concurrency_shares();
        !level.is_exempt() && shares > 0 && (shares <= FEW_SHARES || suggests_limit(&level.name))
    };
    let finding = |level: &PriorityLevel| match level {
        level if level.location.has_zero_for_default => none_written(context, level),
        level if look_so(level) => finding(context, level),
        _ => None,
    };
    context.custom_levels().filter_map(finding).collect()
}

/// Reports shares written as 0 that do not mean 0.
fn none_written(context: &Context<'_>, level: &PriorityLevel) -> Option<LintFinding> {
    let limits = context.after_limits(&level.name)?;
    let (version, shares) = (level.location.api_version.name(), level.nominal_concurrency_shares());
    let words = Words {
        message: format!("0 shares are written, which {version} reads as the default of {shares}"),
        effect: format!(
            "it does not block anything: it has {} of {} on each kube-apiserver",
            seats(limits.nominal),
            context.input.server_concurrency
        ),
        fix: if context.input.version.is_none_or(|server| server >= NO_SHARES_SINCE) {
            format!("write {shares}, if that is what you mean; for no shares at all use v1, where 0 means none")
        } else {
            format!("write {shares}, if that is what you mean, or 1, the smallest share on this server")
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
            "a LIST takes up to {} of them, most other requests take 1; each kube-apiserver has as many",
            most.min(limits.max)
        ),
        fix: "choose shares by the seats they give: shares / all shares x the server's seats, rounded up".into(),
    };
    Some(RULE.finding(LintSeverity::Info, level, shares_path(level), words))
}

/// The field path of a Limited level's shares in its version.
pub(super) fn shares_path(level: &PriorityLevel) -> String {
    format!("spec.limited.{}", shares_field(level.location.api_version))
}

/// The most seats of a LIST in a level; `None` for an exempt one.
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
    fn zero_shares_in_a_beta_version_are_reported_as_the_default() {
        let beta = |shares: &str| level("jail", shares).replace("k8s.io/v1", "k8s.io/v1beta3");
        let found = |server: Version, text: &str| {
            let findings = lint_on(Some(server), text).into_iter();
            findings.filter(|finding| finding.rule == RULE.name).collect::<Vec<_>>()
        };
        let findings = found(Version::new(1, 30), &beta("nominalConcurrencyShares: 0"));
        let finding = &findings[0];
        assert_eq!((findings.len(), finding.severity, finding.line), (1, LintSeverity::Warning, Some(7)));
        assert_eq!(finding.message, "0 shares are written, which v1beta3 reads as the default of 30");
        assert_eq!(finding.effect, "it does not block anything: it has 66 seats of 600 on each kube-apiserver");
        assert!(finding.fix.contains("use v1, where 0 means none"), "{}", finding.fix);
        assert!(found(Version::new(1, 28), &beta("nominalConcurrencyShares: 0"))[0].fix.contains("or 1, the smallest"));
        let thirty = &found(Version::new(1, 30), &beta("nominalConcurrencyShares: 30"))[0];
        assert!(thirty.message.starts_with("30 shares are 66 seats"), "{}", thirty.message);
        assert!(found(Version::new(1, 30), &level("jail", "nominalConcurrencyShares: 0")).is_empty());
    }
}
