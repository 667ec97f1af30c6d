//! `list-loop`: one instance asks for the same list again and again.

use super::context::{Context, Worth};
use super::episode::Episode;
use super::explain::Explanation;
use super::finding::{Finding, Kind, Severity};
use crate::units;

pub(super) const EXPLANATION: Explanation = Explanation {
    reason: "A program that wants to know the state of a collection can watch it. One that lists it in a loop makes the \
             server return everything each time, changed or not. The load grows with the collection and with the number \
             of instances, and nobody notices until both have grown.",
    rule: "An instance asks for the same list (same resource, namespace and selectors) at least 3 times, each within 35 s of \
           the one before, or 5 s of its end, which had been answered. What instances of one client \
           do to one resource at the same time is one \
           finding, over the pauses of a restart, if it has list_loop.min_lists lists and list_loop.min_instance_lists of \
           each instance. It is a warning from list_loop.warning_bytes_per_sec returned (middle of the range) or \
           held.warning_bytes held, critical from list_loop.critical_bytes_per_sec or held.critical_bytes (low ends), or \
           when a server died meanwhile. Of unknown size, the rate of whole lists decides.",
    limits: "Slower polls than one in 35 s are not found; the query polls shows them. How much of a namespace or a selector's \
             choice is returned is unknown, so its low end is zero. Lists that were in flight when a server was killed are \
             missing where the policy omits RequestReceived.",
};

/// Judges lists that follow each other.
pub(super) fn judge(episode: &Episode, context: &Context<'_>) -> Option<Finding> {
    let thresholds = &context.thresholds.list_loop;
    let is_loop = episode.pattern == "loop"
        && episode.request_count >= thresholds.min_lists
        && episode.median_instance_reads.is_some_and(|reads| reads >= thresholds.min_instance_lists - 1.0);
    if !is_loop {
        return None;
    }
    let per_sec = if episode.is_of_whole_collections() { episode.bytes_per_sec() } else { None };
    let low_per_sec = episode.response_low_bytes.map(|bytes| bytes as f64 / episode.secs());
    let rate = |per_sec: f64| format!("it is returned about {}/s", bytes(per_sec));
    let (severity, reason) = match (context.worth(episode), per_sec) {
        (Worth::Critical(reason), _) => (Severity::Critical, reason),
        (_, Some(_)) if low_per_sec.is_some_and(|rate| rate >= thresholds.critical_bytes_per_sec) => {
            (Severity::Critical, rate(low_per_sec.unwrap_or_default()))
        }
        (Worth::Warning(reason), Some(_)) => (Severity::Warning, reason),
        (_, Some(per_sec)) if per_sec >= thresholds.warning_bytes_per_sec => (Severity::Warning, rate(per_sec)),
        (_, Some(per_sec)) => (Severity::Info, rate(per_sec)),
        (_, None) if episode.is_of_whole_collections() && episode.rps() >= thresholds.unknown_warning_rps => {
            (Severity::Warning, "a whole collection is listed at this rate, of a size that nothing tells".to_owned())
        }
        (_, None) => (Severity::Info, "it is slow, or narrowed by namespace or selector".to_owned()),
    };
    let mut finding = Finding::of(Kind::ListLoop, episode).judged(severity, reason);
    finding.query = "loops".to_owned();
    finding.remedies = context.remedies(episode);
    finding.remedies.insert(
        0,
        "watch instead of listing: an informer (shared, with a lister) holds the collection in memory".to_owned(),
    );
    finding.remedies.push("or list far less often: minutes apart, with jitter".to_owned());
    Some(finding)
}

/// A rate in bytes, rounded.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a rate of bytes is positive and below 2^64"
)]
pub(super) fn bytes(per_sec: f64) -> String {
    units::bytes(per_sec as u64)
}
