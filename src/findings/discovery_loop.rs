//! `discovery-loop`: a client reads the API's own description again and again.

use super::context::Context;
use super::episode::Episode;
use super::explain::Explanation;
use super::finding::{Finding, Kind, Severity};
use crate::units;

pub(super) const EXPLANATION: Explanation = Explanation {
    reason: "A client that starts asks which resources there are: one request for each API group and version, a hundred in \
             a cluster with many. kubectl keeps the answer on disk for hours; in a container without a home directory it \
             asks anew at every call, and so does a program that makes a new client for each of its tasks.",
    rule: "An instance reads a path of the discovery that it had read less than 60 s before, discovery_loop.min_reads times in \
           all. It is a warning from discovery_loop.warning_rps such reads per second. The controller manager is left out.",
    limits: "Discovery is cheap in memory; it costs CPU and, under APF, seats. Policies often drop it.",
};

/// Judges repeated discovery.
pub(super) fn judge(episode: &Episode, context: &Context<'_>) -> Option<Finding> {
    let thresholds = &context.thresholds.discovery_loop;
    if episode.pattern != "discovery" || episode.request_count < thresholds.min_reads {
        return None;
    }
    let rate = format!("{} reads a second of {} paths", units::number(episode.rps()), episode.path_count);
    let severity = if episode.rps() >= thresholds.warning_rps { Severity::Warning } else { Severity::Info };
    let mut finding = Finding::of(Kind::DiscoveryLoop, episode).judged(severity, rate);
    finding.query = "discovery_loops".to_owned();
    finding.remedies = vec![
        "keep the discovery cache: give kubectl a writable --cache-dir that outlives the call".to_owned(),
        "in programs, make one client and use it again".to_owned(),
    ];
    Some(finding)
}
