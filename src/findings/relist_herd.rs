//! `relist-herd`: many instances of one client list one resource within a short time.

use super::context::Context;
use super::episode::{Episode, Pattern, ReadKind};
use super::finding::{Finding, Kind};
use super::impact::Impact;
use super::remedy::{Remedy, Unknown};
use super::severity::{Severity, SeverityReason};

/// Judges a burst of lists.
pub(super) fn judge(episode: &Episode, context: &Context<'_>) -> Option<Finding> {
    let thresholds = &context.thresholds.relist_herd;
    let is_herd = episode.pattern == Pattern::Burst
        && episode.read_kind == Some(ReadKind::List)
        && episode.instance_count >= thresholds.min_instances;
    if !is_herd {
        return None;
    }
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
    finding.query = "bursts";
    finding.remedies = context.remedies(episode);
    finding.remedies.push(Remedy::StaggerRestarts);
    finding.unknowns.push(Unknown::CommonCause);
    Some(finding)
}
