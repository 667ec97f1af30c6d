//! `relist-herd`: many instances of one client list one resource within a short time.

use super::context::Context;
use super::episode::{Episode, Pattern, ReadKind};
use super::finding::{Cause, Finding, Kind};
use super::impact::Impact;
use super::remedy::{Remedy, Unknown};
use super::severity::{Severity, SeverityReason};

/// Judges a burst of lists, or lists after watches that had expired.
pub(super) fn judge(episode: &Episode, context: &Context<'_>) -> Option<Finding> {
    let thresholds = &context.thresholds.relist_herd;
    let is_herd = match episode.pattern {
        Pattern::Burst => episode.read_kind == Some(ReadKind::List),
        Pattern::Expired => {
            context.covered_secs(episode) <= thresholds.max_expired_secs
                && episode.median_instance_reads.is_none_or(|reads| reads <= thresholds.max_expired_lists)
        }
        _ => false,
    };
    if !is_herd || episode.instance_count < thresholds.min_instances {
        return None;
    }
    let cause = cause(episode, context)?;
    let failed = episode.failed_count;
    let has_failed = failed as f64 >= thresholds.failed_share * episode.request_count as f64 && failed > 0;
    let is_many_for_long = episode.is_of_whole_collections()
        && episode.request_count >= thresholds.unknown_warning_lists
        && episode.list_secs >= thresholds.unknown_warning_list_secs;
    let judgement = match context.impact(episode) {
        Impact::Critical(reason) => (Severity::Critical, reason),
        Impact::Warning(reason) => (Severity::Warning, reason),
        _ if has_failed => (Severity::Warning, SeverityReason::RefusedShare { failed, all: episode.request_count }),
        Impact::Unknown if is_many_for_long => (Severity::Warning, SeverityReason::WholeCollectionsOfUnknownSize),
        Impact::Little(reason) => (Severity::Info, reason),
        Impact::Unknown => (Severity::Info, SeverityReason::FewOrNarrowOfUnknownSize),
    };
    let mut finding = Finding::from_episode(Kind::RelistHerd, judgement, episode, context);
    finding.query = if episode.pattern == Pattern::Burst { "bursts" } else { "expired_lists" };
    finding.remedies = context.remedies(episode);
    finding.cause = cause;
    if cause == Some(Cause::WatchesExpired) {
        finding.remedies.extend([Remedy::ResumeFromCache, Remedy::UseBookmarks]);
    } else {
        finding.remedies.push(Remedy::StaggerRestarts);
        finding.unknowns.push(Unknown::CommonCause);
    }
    Some(finding)
}

/// What brought a herd about, `Some(None)` where that isn't known. `None` where the same herd shows in an episode of the
/// other pattern, and more of it: it is told once.
fn cause(episode: &Episode, context: &Context<'_>) -> Option<Option<Cause>> {
    let gap_secs = context.thresholds.grouping.resources_apart_secs;
    let min_instances = context.thresholds.relist_herd.min_instances;
    let twin = |others: &[&Episode]| {
        let is_twin = |other: &&&Episode| {
            (&other.client, &other.resource, &other.api_group)
                == (&episode.client, &episode.resource, &episode.api_group)
                && other.instance_count >= min_instances
                && other.touches(episode, gap_secs)
        };
        others.iter().filter(is_twin).map(|other| other.request_count).max().unwrap_or(0)
    };
    if episode.pattern == Pattern::Expired {
        let in_burst = twin(&context.list_bursts);
        return (in_burst < episode.request_count).then_some(Some(Cause::WatchesExpired));
    }
    // Of a burst, most must have come so: some of its instances may have restarted meanwhile.
    match twin(&context.expired_lists) {
        expired if expired > episode.request_count => None,
        expired if 2 * expired > episode.request_count => Some(Some(Cause::WatchesExpired)),
        _ => Some(None),
    }
}

#[cfg(test)]
mod tests {
    use super::super::shape_cases::{found_in, requests};
    use super::*;

    fn lists(pattern: Pattern, count: u64, secs: i64) -> Episode {
        Episode {
            read_kind: Some(ReadKind::List),
            instance_count: 80,
            list_count: count,
            cluster_list_count: count,
            median_instance_reads: Some(1.0),
            ..requests(pattern, count, secs)
        }
    }

    fn herds(episodes: &[Episode]) -> Vec<(u64, Option<Cause>)> {
        let found = found_in(episodes);
        let herds = found.iter().filter(|finding| finding.kind == Kind::RelistHerd);
        herds.map(|finding| (finding.requests, finding.cause)).collect()
    }

    /// Lists spread over a minute are no burst; that their watches had expired makes them one herd.
    #[test]
    fn a_fleet_that_was_cut_off_is_a_herd_with_that_cause() {
        let expired = Some(Cause::WatchesExpired);
        assert_eq!(herds(&[lists(Pattern::Expired, 80, 60)]), [(80, expired)]);
        assert_eq!(herds(&[lists(Pattern::Burst, 80, 10)]), [(80, None)]);
        let found = &found_in(&[lists(Pattern::Expired, 80, 60)])[0];
        assert!(found.remedies.contains(&Remedy::UseBookmarks), "{:?}", found.remedies);
        assert!(!found.unknowns.contains(&Unknown::CommonCause));
    }

    #[test]
    fn a_herd_of_both_patterns_is_told_once() {
        let expired = Some(Cause::WatchesExpired);
        let both = |in_burst, after_expired| {
            herds(&[lists(Pattern::Burst, in_burst, 10), lists(Pattern::Expired, after_expired, 60)])
        };
        assert_eq!(both(80, 70), [(80, expired)]);
        assert_eq!(both(60, 80), [(80, expired)]);
        assert_eq!(both(80, 20), [(80, None)], "most of it is something else");
    }

    /// Watches of a quiet resource expire one by one all day long; and who lists again and again has another fault.
    #[test]
    fn what_goes_on_is_no_herd_of_expired_watches() {
        assert_eq!(herds(&[lists(Pattern::Expired, 800, 3_600)]), []);
        let again = Episode { median_instance_reads: Some(9.0), ..lists(Pattern::Expired, 800, 60) };
        assert_eq!(herds(&[again]), []);
        let few = Episode { instance_count: 9, ..lists(Pattern::Expired, 9, 60) };
        assert_eq!(herds(&[few]), []);
    }
}
