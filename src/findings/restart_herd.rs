//! `restart-herd`: everybody lists and watches at once, right after an apiserver has started.

use super::context::{Context, End, Worth};
use super::episode::{Episode, EpisodeClient, secs};
use super::explain::Explanation;
use super::finding::{Finding, Kind, Severity};
use super::list_pileup::{clients_of, shares};
use crate::units;

pub(super) const EXPLANATION: Explanation = Explanation {
    reason: "When a server comes back, all of its clients open their watches again. Those whose place is lost list first, and \
             while the watch caches fill, lists wait or are refused. It is what turns one OOM into a loop of them.",
    rule: "The lists and watches of all clients together come in a burst (as for relist-herd) that begins within \
           restart_herd.within_secs of a start, the first that does, by restart_herd.min_instances instances. Herds and pile-ups of single clients \
           that begin within it are part of it, and not told apart again; it is as bad as its worst part.",
    limits: "Of several apiservers, clients of one that died go to another: there it looks like relist-herd or watch-churn. How \
             long the watch caches took to fill is not in the log.",
};

/// Judges a burst of all clients that follows a start.
pub(super) fn judge<'c>(
    episode: &Episode,
    clients: &[EpisodeClient],
    context: &'c Context<'_>,
) -> Option<(Finding, &'c End)> {
    let thresholds = &context.thresholds.restart_herd;
    if episode.pattern != "burst-of-all" || episode.instance_count < thresholds.min_instances {
        return None;
    }
    let end = context.ends.iter().rfind(|end| follows(episode, end, thresholds.within_secs))?;
    let is_first = !context
        .bursts_of_all
        .iter()
        .any(|other| other.started_at < episode.started_at && follows(other, end, thresholds.within_secs));
    if !is_first {
        return None;
    }
    let failed = episode.failed_count;
    let (severity, reason) = match context.worth(episode) {
        Worth::Critical(reason) => (Severity::Critical, reason),
        Worth::Warning(reason) => (Severity::Warning, reason),
        _ if failed > 0 => {
            (Severity::Warning, format!("{} requests were refused, failed or timed out", units::count(failed)))
        }
        Worth::Little(reason) => (Severity::Info, reason),
        Worth::Unknown => (Severity::Info, "what the lists held is unknown".to_owned()),
    };
    let mut finding = Finding::of(Kind::RestartHerd, episode).judged(severity, reason);
    let own = clients_of(episode, clients);
    finding.clients = shares(&own);
    finding.resource = own.first().and_then(|row| row.resource.clone());
    finding.api_group = own.first().and_then(|row| row.api_group.clone());
    finding.worst_instances.clear();
    finding.query = "bursts".to_owned();
    finding.apiserver = finding.apiserver.or_else(|| end.apiserver.clone());
    finding.remedies = vec![
        "let informers begin from the watch cache (resourceVersion=0) or with watch-lists, and resume from their last \
         resourceVersion"
            .to_owned(),
        "limit the heaviest of these clients by API Priority and Fairness, so that they come back one after the other"
            .to_owned(),
    ];
    Some((finding, end))
}

/// Whether an episode begins after a start, and soon.
pub(super) fn follows(episode: &Episode, end: &End, within_secs: f64) -> bool {
    /// Requests of clients may be received a moment before the server's own.
    const BEFORE_SECS: f64 = 5.0;
    let after = secs(episode.started_at - end.started_at);
    let is_same = episode.apiserver.is_none() || end.apiserver.is_none() || episode.apiserver == end.apiserver;
    is_same && (-BEFORE_SECS..=within_secs).contains(&after)
}
