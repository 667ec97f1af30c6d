//! `list-pileup`: more lists in flight at once than the server bears: what an OOM looks like from the log.

use super::context::{Context, Worth};
use super::episode::{Episode, EpisodeClient};
use super::explain::Explanation;
use super::finding::{Bytes, Finding, Kind, Severity, Share};
use crate::kubernetes::resource_name;
use crate::units;

pub(super) const EXPLANATION: Explanation = Explanation {
    reason: "The server holds a list's response, and on its way there several times as much, until the client has read it. \
             What kills it is the sum over all lists in flight, not their number in a day. Slow clients, and a server that \
             is out of CPU, make each list last longer, so that more of them overlap.",
    rule: "Lists of one server that can hold a megabyte or more overlap: list_pileup.min_concurrency of them, or so many that \
           they hold 500 MB (low end). It is a warning from held.warning_bytes (high end), or from \
           list_pileup.warning_unknown_concurrency lists of one client and resource of unknown size, critical from held.critical_bytes (low end) or when \
           a server died meanwhile. It is told of the client that holds at least half of it at the peak, else of many.",
    limits: "Lists that were in flight when a server was killed are missing where the policy omits RequestReceived, so the \
             real peak was higher. What is held is an estimate, from sizes that `stormglass resources` shows.",
};

/// Judges lists that overlap.
pub(super) fn judge(episode: &Episode, clients: &[EpisodeClient], context: &Context<'_>) -> Option<Finding> {
    let thresholds = &context.thresholds.list_pileup;
    if episode.pattern != "pileup" {
        return None;
    }
    let concurrency = episode.peak_concurrency.unwrap_or_default();
    let at_once = format!("{} lists in flight at once", units::count(concurrency));
    let own = clients_of(episode, clients);
    // The most lists of one client and resource, none of whose sizes is known.
    let unknown =
        own.iter().filter(|row| row.peak_low_bytes.is_none()).map(|row| row.peak_count).max().unwrap_or_default();
    let (severity, reason) = match context.worth(episode) {
        Worth::Critical(reason) => (Severity::Critical, reason),
        Worth::Warning(reason) => (Severity::Warning, reason),
        Worth::Unknown if unknown >= thresholds.warning_unknown_concurrency => {
            (Severity::Warning, format!("{at_once}, {unknown} of them of one resource whose size nothing tells"))
        }
        _ => (Severity::Info, at_once),
    };
    if severity == Severity::Info && concurrency < thresholds.min_concurrency {
        return None;
    }
    let mut finding = Finding::of(Kind::ListPileup, episode).judged(severity, reason);
    finding.query = "pileups".to_owned();
    finding.clients = shares(&own);
    finding.resource = own.first().and_then(|row| row.resource.clone());
    finding.api_group = own.first().and_then(|row| row.api_group.clone());
    if let Some(first) = own.iter().find(|row| is_at_least_half(row, &own)) {
        name(&mut finding, first, &own);
    }
    finding.remedies = context.remedies(episode);
    Some(finding)
}

/// Names the client, and the resource, that has most of it.
fn name(finding: &mut Finding, first: &EpisodeClient, all: &[&EpisodeClient]) {
    finding.client_type.clone_from(&first.client_type);
    finding.client.clone_from(&first.client);
    finding.user_names.clone_from(&first.user_names);
    finding.user_name_count = first.user_names.len() as u64;
    finding.user_agents.clone_from(&first.user_agents);
    finding.instances = first.instance_count;
    finding.resource.clone_from(&first.resource);
    finding.api_group.clone_from(&first.api_group);
    finding.list_kinds.clone_from(&first.list_kinds);
    finding.worst_instances.clear();
    let others =
        all.iter().filter(|row| row.client == first.client && row.resource != first.resource && row.list_count > 0);
    let named =
        |row: &EpisodeClient| row.resource.as_ref().map(|resource| resource_name(resource, row.api_group.as_deref()));
    finding.other_resources = others.copied().filter_map(named).take(5).collect();
}

/// Whether a client holds half or more of what is held at the peak; where that is unknown of most lists, has half of them.
fn is_at_least_half(row: &EpisodeClient, all: &[&EpisodeClient]) -> bool {
    let of_client = |part: fn(&EpisodeClient) -> u64| {
        let own: u64 = all.iter().filter(|other| other.client == row.client).map(|other| part(other)).sum();
        let sum: u64 = all.iter().map(|other| part(other)).sum();
        (2 * own >= sum, sum > 0)
    };
    let by_bytes = of_client(|row| row.peak_high_bytes.or(row.peak_low_bytes).unwrap_or_default());
    let by_count = of_client(|row| row.peak_count);
    let known: u64 = all.iter().filter(|row| row.peak_low_bytes.is_some()).map(|row| row.peak_count).sum();
    let most_are_known = 2 * known >= all.iter().map(|row| row.peak_count).sum();
    if by_bytes.1 && most_are_known { by_bytes.0 } else { by_count.0 && by_count.1 }
}

/// The clients of an episode, those that hold most first.
pub(super) fn shares(rows: &[&EpisodeClient]) -> Vec<Share> {
    let share = |row: &&EpisodeClient| Share {
        client_type: row.client_type.clone(),
        client: row.client.clone(),
        resource: row.resource.clone(),
        instances: row.instance_count,
        requests: row.request_count,
        peak_concurrency: row.peak_count,
        estimated_bytes: row.peak_low_bytes.map(|low| Bytes { low, high: row.peak_high_bytes }),
    };
    rows.iter().take(10).map(share).collect()
}

/// The rows of an episode's clients, those that hold most first.
pub(super) fn clients_of<'e>(episode: &Episode, clients: &'e [EpisodeClient]) -> Vec<&'e EpisodeClient> {
    clients.iter().filter(|row| row.episode == episode.episode && row.pattern == episode.pattern).collect()
}
