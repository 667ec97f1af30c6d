//! `restart-herd`: everybody lists and watches at once, right after an apiserver has started.

use super::context::Context;
use super::ends::End;
use super::episode::{Episode, EpisodeClient, Pattern, secs};
use super::finding::{Finding, Kind};
use super::impact::Impact;
use super::list_pileup::{clients_of, shares};
use super::remedy::Remedy;
use super::severity::{Severity, SeverityReason};
use super::thresholds::RestartHerd;

/// Judges a burst of all clients that follows a start.
pub(super) fn judge<'c>(
    episode: &Episode,
    clients: &[EpisodeClient],
    context: &'c Context<'_>,
) -> Option<(Finding, &'c End)> {
    let thresholds = &context.thresholds.restart_herd;
    if episode.pattern != Pattern::BurstOfAll || episode.instance_count < thresholds.min_instances {
        return None;
    }
    let end = context.ends.iter().rfind(|end| follows(episode, end, thresholds))?;
    let is_first = !context
        .bursts_of_all
        .iter()
        .any(|other| other.started_at < episode.started_at && follows(other, end, thresholds));
    if !is_first {
        return None;
    }
    let failed = episode.failed_count;
    let judgement = match context.impact(episode) {
        Impact::Critical(reason) => (Severity::Critical, reason),
        Impact::Warning(reason) => (Severity::Warning, reason),
        _ if failed > 0 => (Severity::Warning, SeverityReason::Refused { failed }),
        Impact::Little(reason) => (Severity::Info, reason),
        Impact::Unknown => (Severity::Info, SeverityReason::UnknownSize),
    };
    let mut finding = Finding::from_episode(Kind::RestartHerd, judgement, episode, context);
    let own = clients_of(episode, clients);
    finding.clients = shares(&own);
    finding.resource = own.first().and_then(|row| row.resource.clone());
    finding.api_group = own.first().and_then(|row| row.api_group.clone());
    finding.worst_instances.clear();
    finding.query = "bursts";
    finding.apiserver = finding.apiserver.or_else(|| end.apiserver.clone());
    finding.remedies = vec![Remedy::ResumeFromCache, Remedy::LimitHeaviestClients];
    Some((finding, end))
}

/// Whether an episode begins after a start, and soon.
pub(super) fn follows(episode: &Episode, end: &End, thresholds: &RestartHerd) -> bool {
    let after = secs(episode.started_at - end.started_at);
    end.is_of(episode.apiserver.as_deref()) && (-thresholds.before_secs..=thresholds.within_secs).contains(&after)
}
