//! `relist-herd`: many instances of one client list one resource within a short time.

use super::context::{Context, Worth};
use super::episode::Episode;
use super::explain::Explanation;
use super::finding::{Finding, Kind, Severity};
use crate::units;

pub(super) const EXPLANATION: Explanation = Explanation {
    reason: "An agent that runs on every node lists its resources whenever it starts or loses its place. One such list is \
             nothing; when all instances do it at once, the server holds all the responses at once. It happens when the \
             agents are rolled out or restarted together, when a change of their configuration restarts them, or when the \
             connections to one apiserver break.",
    rule: "Lists (or watch-lists) of one resource by one client come in a burst: within 10 s at least 20, 4 times the \
           client's own median window, and 6 median absolute deviations above it. At least relist_herd.min_instances \
           instances take part. Bursts of several resources at the same time are one finding. It is a warning when what is \
           held reaches held.warning_bytes (high end), when the server refused or failed a part of it, or when whole \
           collections of unknown size were listed; critical when it reaches held.critical_bytes (low end), or a server \
           died meanwhile. Lists of one node's objects, and of small collections, stay information.",
    limits: "Why the instances began together is not in the log. Watch-lists hold little memory, but when their initial \
             events were through is not logged. What is held is an estimate. Behind a proxy, instances without pod-bound \
             tokens look like one.",
};

/// Judges a burst of lists.
pub(super) fn judge(episode: &Episode, context: &Context<'_>) -> Option<Finding> {
    let thresholds = &context.thresholds.relist_herd;
    let is_herd = episode.pattern == "burst"
        && episode.read_kind.as_deref() == Some("list")
        && episode.instance_count >= thresholds.min_instances;
    if !is_herd {
        return None;
    }
    let failed = episode.failed_count;
    let has_failed = failed as f64 >= thresholds.failed_share * episode.request_count as f64 && failed > 0;
    let is_unknown = episode.held_low_bytes.is_none()
        && episode.is_of_whole_collections()
        && episode.request_count >= thresholds.unknown_warning_lists;
    let (severity, reason) = match context.worth(episode) {
        Worth::Critical(reason) => (Severity::Critical, reason),
        Worth::Warning(reason) => (Severity::Warning, reason),
        _ if has_failed => {
            let share = units::percent(failed, episode.request_count);
            (Severity::Warning, format!("{share} of the lists were refused, failed or timed out"))
        }
        Worth::Unknown if is_unknown => {
            (Severity::Warning, "whole collections were listed, of a size that nothing tells".to_owned())
        }
        Worth::Little(reason) => (Severity::Info, reason),
        Worth::Unknown => (Severity::Info, "the lists' size is unknown, but they are few or narrow".to_owned()),
    };
    let mut finding = Finding::of(Kind::RelistHerd, episode).judged(severity, reason);
    finding.query = "bursts".to_owned();
    finding.remedies = context.remedies(episode);
    finding.remedies.push(
        "restart the instances a few at a time (maxUnavailable), with a random delay before the first list".to_owned(),
    );
    finding
        .unknowns
        .push("why they began together: look for a rollout, a change of configuration, or a lost server".to_owned());
    Some(finding)
}
