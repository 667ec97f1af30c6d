//! A level with fewer seats than a LIST needs, or one in which all LISTs cost the same.
//!
//! A level without queues does not cap the seats of a request: a LIST takes as many as the server's cap allows, and one
//! that needs more than the level has runs only while nothing else does (`canAccommodateSeatsLocked` of
//! `fairqueuing/queueset`). On a real server, of 30 LISTs of 10 seats each sent at once to such a level of 12 seats,
//! one was served.

use super::super::{LevelKind, LimitResponse};
use super::context::{Context, seats, takes_lists};
use super::shares_read_as_calls::{most_for_a_list, shares_path};
use super::{LintFinding, LintRule, LintSeverity, PriorityLevel, Words};

/// Seats of a large LIST from the watch cache, and of any LIST counted by objects (`flowcontrol/request/config.go`).
const LARGE_LIST: u32 = 10;

pub(super) const RULE: LintRule = LintRule {
    name: "narrower-than-a-list",
    reason: "A level that rejects runs a LIST that needs more seats than its limit only while it is otherwise idle, and LISTs that don't fit in twice one at a time. A level that queues instead caps the seats of each request to a part of its own: in a small level all LISTs cost the same, whatever their size.",
    check,
};

fn check(context: &Context<'_>) -> Vec<LintFinding> {
    let with_lists =
        context.custom_levels().filter(|level| context.users_of(&level.name).iter().any(|schema| takes_lists(schema)));
    with_lists.filter_map(|level| finding(context, level)).collect()
}

fn finding(context: &Context<'_>, level: &PriorityLevel) -> Option<LintFinding> {
    let LevelKind::Limited { limit_response, .. } = level.kind else { return None };
    let limits = context.after_limits(&level.name)?;
    if limits.nominal == 0 || context.is_meant_to_isolate(level) {
        return None;
    }
    match limit_response {
        LimitResponse::Reject => rejected(context, level, limits.max),
        LimitResponse::Queue(_) => {
            (limits.max_seats_per_request == Some(1) && limits.max > 1).then(|| narrowed(level, limits.nominal))
        }
    }
}

fn rejected(context: &Context<'_>, level: &PriorityLevel, limit: u32) -> Option<LintFinding> {
    let most = most_for_a_list(context, level)?;
    let large = most.min(LARGE_LIST);
    let seen = context.input.traffic.map(|_| widest_seen(context, level));
    let is_alone = |width: u32| width > 1 && limit < width.saturating_mul(2);
    let (severity, width, list) = match seen {
        Some(seen) if is_alone(seen) => (LintSeverity::Warning, seen, "a LIST in the logs takes"),
        Some(_) => return None,
        None if is_alone(large) => (LintSeverity::Warning, large, "a large LIST takes"),
        None if limit < most => (LintSeverity::Info, most, "a LIST from etcd may take"),
        None => return None,
    };
    let effect = if limit < width {
        "such a LIST runs only while nothing else does, and all other requests meanwhile get a 429"
    } else {
        "only one such LIST runs at a time; a second one gets a 429"
    };
    let words = Words {
        message: format!("has at most {}, but {list} {width}", seats(limit)),
        effect: effect.into(),
        fix: "let it queue (limitResponse.type: Queue), which caps the seats of each request; or give it more shares"
            .into(),
    };
    Some(RULE.finding(severity, level, "spec.limited.limitResponse.type", words))
}

/// The most seats that a LIST in the logs takes in a level.
fn widest_seen(context: &Context<'_>, level: &PriorityLevel) -> u32 {
    let routes = context.routes.iter().filter(|route| route.flow_schema.priority_level == level.name);
    let lists = routes.filter(|route| ["list", "watch"].contains(&route.traffic.digest.verb.as_str()));
    lists.map(|route| route.traffic.seats.1).max().unwrap_or_default()
}

fn narrowed(level: &PriorityLevel, nominal: u32) -> LintFinding {
    let is_least_hand = level.queuing().is_some_and(|queuing| queuing.hand_size <= 1);
    let words = Words {
        message: "is so small that no request takes more than 1 seat".into(),
        effect: format!("every LIST costs 1 seat, whatever its size: {nominal} run at once on each kube-apiserver"),
        fix: if is_least_hand {
            "to run fewer large LISTs at once, reduce the shares"
        } else {
            "to run fewer large LISTs at once, reduce the shares; a smaller handSize lets a LIST take more seats"
        }
        .into(),
    };
    RULE.finding(LintSeverity::Info, level, shares_path(level), words)
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{
        level, level_that_rejects, level_with_queues, lint_text, lint_with_traffic, list_pods, schema,
    };
    use super::*;

    fn severity(level: &str) -> Option<LintSeverity> {
        let text = level.to_owned() + &schema("s", "small", "matchingPrecedence: 8000", "list pods");
        lint_text(&text).iter().find(|finding| finding.rule == RULE.name).map(|finding| finding.severity)
    }

    #[test]
    fn a_level_that_rejects_has_to_hold_the_widest_list() {
        let of = |fields: &str| severity(&level_that_rejects("small", fields));
        assert_eq!(of("nominalConcurrencyShares: 3, borrowingLimitPercent: 0"), Some(LintSeverity::Warning));
        assert_eq!(of("nominalConcurrencyShares: 5, borrowingLimitPercent: 0"), Some(LintSeverity::Warning));
        assert_eq!(of("nominalConcurrencyShares: 10, borrowingLimitPercent: 0"), Some(LintSeverity::Info));
        assert_eq!(of("nominalConcurrencyShares: 100, borrowingLimitPercent: 0"), None);
        assert_eq!(of("nominalConcurrencyShares: 3"), None, "it borrows");
    }

    #[test]
    fn a_level_that_queues_narrows_lists() {
        let of = |fields: &str| severity(&level("small", fields));
        assert_eq!(of("nominalConcurrencyShares: 5, borrowingLimitPercent: 0"), Some(LintSeverity::Info));
        assert_eq!(of("nominalConcurrencyShares: 20, borrowingLimitPercent: 0"), None);
    }

    #[test]
    fn a_blocking_level_may_be_small_and_a_hand_of_1_cant_be_smaller() {
        let blocking = level_that_rejects("small", "nominalConcurrencyShares: 3, borrowingLimitPercent: 0")
            .replace("name: small", "name: quarantine")
            + &schema("s", "quarantine", "matchingPrecedence: 8000", "list pods");
        assert!(!lint_text(&blocking).iter().any(|finding| finding.rule == RULE.name));
        for (hand_size, expected) in [(8, true), (1, false)] {
            let text = level_with_queues("small", 64, hand_size).replace("Shares: 30", "Shares: 2")
                + &schema("s", "small", "matchingPrecedence: 8000", "list pods");
            let finding = lint_text(&text).into_iter().find(|finding| finding.rule == RULE.name).unwrap();
            assert_eq!(finding.fix.contains("smaller handSize"), expected, "{}", finding.fix);
        }
    }

    #[test]
    fn the_logs_tell_how_wide_the_lists_are() {
        let text = level_that_rejects("small", "nominalConcurrencyShares: 3, borrowingLimitPercent: 0")
            + &schema("s", "small", "matchingPrecedence: 8000", "list pods");
        for (seats, expected) in [(40, true), (2, false)] {
            let traffic =
                super::super::Traffic { seats: (1, seats), ..list_pods("system:serviceaccount:apps:agent", "apps", 3) };
            let findings = lint_with_traffic(&text, &[traffic]);
            assert_eq!(findings.iter().any(|finding| finding.rule == RULE.name), expected, "{seats}");
        }
    }
}
