//! `list-pileup`: more lists in flight at once than the server bears: what an OOM looks like from the log.

use super::context::Context;
use super::culprit::Culprit;
use super::episode::{Episode, EpisodeClient, Pattern};
use super::finding::{Bytes, Finding, Kind, Share, resource_name};
use super::impact::Impact;
use super::severity::{Severity, SeverityReason};

/// Judges lists that overlap.
pub(super) fn judge(episode: &Episode, clients: &[EpisodeClient], context: &Context<'_>) -> Option<Finding> {
    let thresholds = &context.thresholds.list_pileup;
    if episode.pattern != Pattern::Pileup {
        return None;
    }
    let lists = episode.peak_concurrency.unwrap_or_default();
    let own = clients_of(episode, clients);
    // The most LISTs of one client and a whole collection whose size doesn't rule out that they do harm.
    let may_harm = |row: &&&EpisodeClient| {
        row.peak_low_bytes.is_none()
            || row.peak_high_bytes.is_none_or(|high| high >= context.thresholds.held.warning_bytes)
    };
    let unknown = own.iter().filter(may_harm).map(|row| row.peak_whole_count).max().unwrap_or_default();
    let judgement = match context.impact(episode) {
        Impact::Critical(reason) => (Severity::Critical, reason),
        Impact::Warning(reason) => (Severity::Warning, reason),
        Impact::Unknown | Impact::Little(_) if unknown >= thresholds.warning_unknown_concurrency => {
            (Severity::Warning, SeverityReason::InFlightOfUnknownSize { lists, unknown })
        }
        _ => (Severity::Info, SeverityReason::InFlight { lists }),
    };
    if judgement.0 == Severity::Info && lists < thresholds.min_concurrency {
        return None;
    }
    let mut finding = Finding::from_episode(Kind::ListPileup, judgement, episode, context);
    finding.query = "pileups";
    finding.clients = shares(&own);
    finding.resource = own.first().and_then(|row| row.resource.clone());
    finding.api_group = own.first().and_then(|row| row.api_group.clone());
    if let Some(first) = own.iter().find(|row| is_at_least_half(row, &own)) {
        attribute_to(&mut finding, first, &own);
    }
    finding.remedies = context.remedies(episode);
    Some(finding)
}

/// Names the client, and the resource, that has most of it.
fn attribute_to(finding: &mut Finding, first: &EpisodeClient, all: &[&EpisodeClient]) {
    finding.culprit = Culprit::one(&first.client_type, &first.client);
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
    let named = |row: &EpisodeClient| Some(resource_name(row.resource.as_ref()?, row.api_group.as_deref()));
    finding.other_resources = others.copied().filter_map(named).take(5).collect();
}

/// Whether a client has half or more of it: of what is held at the peak, or, where that is unknown of most lists, of the
/// time that lists were in flight. Who holds memory while the others still wait in a queue is no culprit for that: a third
/// of the time must be its own in any case.
fn is_at_least_half(row: &EpisodeClient, all: &[&EpisodeClient]) -> bool {
    let own_and_all = |part: &dyn Fn(&EpisodeClient) -> f64| {
        let own: f64 = all.iter().filter(|other| other.client == row.client).map(|other| part(other)).sum();
        (own, all.iter().map(|other| part(other)).sum::<f64>())
    };
    let (own_secs, all_secs) = own_and_all(&|row| row.list_secs);
    let (own, sum) =
        if is_mostly_known(all) { own_and_all(&|row| held_high(row) as f64) } else { (own_secs, all_secs) };
    2.0 * own >= sum && sum > 0.0 && 3.0 * own_secs >= all_secs
}

/// Whether nothing tells what a client's lists of a resource held at the peak.
fn is_unknown(row: &EpisodeClient) -> bool {
    row.peak_low_bytes.is_none_or(|low| Bytes { low, high: row.peak_high_bytes }.is_unknown())
}

/// Whether the sizes of most lists at the peak are known.
fn is_mostly_known(rows: &[&EpisodeClient]) -> bool {
    let known: u64 = rows.iter().filter(|row| !is_unknown(row)).map(|row| row.peak_count).sum();
    let all: u64 = rows.iter().map(|row| row.peak_count).sum();
    2 * known >= all && known > 0
}

fn held_high(row: &EpisodeClient) -> u64 {
    row.peak_high_bytes.or(row.peak_low_bytes).unwrap_or_default()
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
        list_secs: row.list_secs,
    };
    rows.iter().take(10).map(share).collect()
}

/// The rows of an episode's clients: those that hold most first, or, where that is unknown of most lists, those whose lists
/// were in flight for longest.
pub(super) fn clients_of<'e>(episode: &Episode, clients: &'e [EpisodeClient]) -> Vec<&'e EpisodeClient> {
    let is_own = |row: &&EpisodeClient| row.episode == episode.episode && row.pattern == episode.pattern;
    let mut rows: Vec<&EpisodeClient> = clients.iter().filter(is_own).collect();
    let held = |row: &EpisodeClient, by_bytes: bool| if by_bytes { held_high(row) } else { 0 };
    let by_bytes = is_mostly_known(&rows);
    rows.sort_by(|one, other| {
        held(other, by_bytes).cmp(&held(one, by_bytes)).then(other.list_secs.total_cmp(&one.list_secs))
    });
    rows
}
