//! `discovery-loop`: a client reads the API's own description again and again.

use super::context::Context;
use super::episode::{Episode, Pattern};
use super::finding::{Finding, Kind};
use super::remedy::Remedy;
use super::severity::{Severity, SeverityReason};

/// Judges repeated discovery.
pub(super) fn judge(episode: &Episode, context: &Context<'_>) -> Option<Finding> {
    let thresholds = &context.thresholds.discovery_loop;
    if episode.pattern != Pattern::Discovery || episode.request_count < thresholds.min_reads {
        return None;
    }
    let reason = SeverityReason::DiscoveryPerSec { reads_per_sec: context.rps(episode), paths: episode.path_count };
    let severity = if context.rps(episode) >= thresholds.warning_rps { Severity::Warning } else { Severity::Info };
    let mut finding = Finding::from_episode(Kind::DiscoveryLoop, (severity, reason), episode, context);
    finding.query = "discovery_loops";
    finding.remedies = vec![Remedy::KeepDiscoveryCache, Remedy::ReuseClient];
    Some(finding)
}
