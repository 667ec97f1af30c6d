//! What the judges of all kinds need to know beside the episode: thresholds, the ends of servers, remedies.

use std::collections::BTreeMap;

use super::ClientProfile;
use super::ends::End;
use super::episode::{Episode, secs};
use super::finding::held_bytes;
use super::remedy::Remedy;
use super::severity::SeverityReason;
use super::thresholds::Thresholds;
use crate::kubernetes::ListKind;

/// What is known beside an episode.
pub(super) struct Context<'c> {
    pub(super) thresholds: &'c Thresholds,
    /// Starts of servers, and the ends before them, by time.
    pub(super) ends: Vec<End>,
    /// What is known of each client, by its name.
    pub(super) profiles: &'c BTreeMap<String, ClientProfile>,
    /// Whether the policy omits RequestReceived.
    pub(super) omits_received: bool,
    /// Whether the policy omits ResponseStarted.
    pub(super) omits_started: bool,
    /// Whether the policy leaves the ends of requests out, of all or of some.
    pub(super) omits_ends: bool,
    /// Bursts of lists, next to which a burst of watches tells nothing new.
    pub(super) list_bursts: Vec<&'c Episode>,
    /// Bursts of all clients together.
    pub(super) bursts_of_all: Vec<&'c Episode>,
}

/// How hard an episode was on the server's memory, and what shows it.
pub(super) enum Impact {
    /// Enough to take a server down, or it did.
    Critical(SeverityReason),
    /// A load worth taking away.
    Warning(SeverityReason),
    /// Little.
    Little(SeverityReason),
    /// The sizes are unknown.
    Unknown,
}

impl Context<'_> {
    /// How hard an episode's LISTs were on the server's memory at their peak.
    pub(super) fn impact(&self, episode: &Episode) -> Impact {
        let thresholds = &self.thresholds.held;
        // What was in flight together is unknown; the size of the responses isn't.
        if episode.unknown_end_count > 0
            && 2 * episode.unknown_end_count >= episode.list_count
            && episode.response_low_bytes.is_some()
        {
            return Impact::Little(SeverityReason::InFlightNotLogged);
        }
        let Some(bytes) = held_bytes(episode).filter(|_| episode.list_count > 0) else {
            return Impact::Unknown;
        };
        let reason = SeverityReason::Held { bytes };
        // Of lists that are narrowed by a namespace or a selector, the high end is the whole collection.
        let high = if episode.is_of_whole_collections() { bytes.high } else { Some(bytes.low) };
        let middle = bytes.low / 2 + high.unwrap_or(bytes.low) / 2;
        if let Some(end) = self.end_within(episode)
            && middle >= thresholds.warning_bytes / 2
        {
            let died_at = end.died_at.unwrap_or(end.started_at);
            return Impact::Critical(SeverityReason::DiedMeanwhile { died_at, bytes });
        }
        if bytes.low >= thresholds.critical_bytes {
            Impact::Critical(reason)
        } else if bytes.low >= thresholds.warning_bytes || high.is_some_and(|high| high >= thresholds.warning_bytes) {
            Impact::Warning(reason)
        } else if bytes.high.is_none() {
            Impact::Unknown
        } else {
            Impact::Little(reason)
        }
    }

    /// The end of a server while an episode went on, or soon after, and not long after its peak: a peak on the server that
    /// came next killed nobody.
    fn end_within(&self, episode: &Episode) -> Option<&End> {
        self.ends.iter().filter(|end| end.was_killed).find(|end| {
            let died_at = end.died_at.unwrap_or(end.started_at);
            let is_same = episode.apiserver.is_none() || end.apiserver.is_none() || episode.apiserver == end.apiserver;
            let after = secs(died_at - episode.ended_at);
            let since_peak = episode.peak_at.map_or(0.0, |peak_at| secs(died_at - peak_at));
            is_same
                && episode.started_at <= died_at
                && after <= self.thresholds.server_end.before_secs
                && (0.0..=self.thresholds.server_end.after_peak_secs).contains(&since_peak)
        })
    }

    /// Whether a burst of watches comes with lists of the same client.
    pub(super) fn is_beside_lists(&self, watches: &Episode) -> bool {
        let gap_secs = self.thresholds.grouping.watches_apart_secs;
        let of_client = self.list_bursts.iter().filter(|lists| lists.client == watches.client);
        let mut with_many = of_client.filter(|lists| 2 * lists.instance_count >= watches.instance_count);
        with_many.any(|lists| lists.touches(watches, gap_secs))
    }

    /// What to do at the client, by the kinds of its LISTs and by what is known of the client.
    pub(super) fn remedies(&self, episode: &Episode) -> Vec<Remedy> {
        let has = |kind: ListKind| episode.list_kinds.iter().any(|other| other == kind.name());
        let advice = episode.client.as_ref().and_then(|client| {
            let advice = self.profiles.get(client)?.advice.clone()?;
            Some(Remedy::ClientAdvice { client: client.clone(), advice })
        });
        let mut remedies: Vec<Remedy> = advice.into_iter().collect();
        if has(ListKind::Full) {
            remedies.push(Remedy::ListFromCacheOrInPages);
        }
        if has(ListKind::Cached) || has(ListKind::Reflector) {
            remedies.push(Remedy::NarrowBySelector);
        }
        if episode.instance_count >= self.thresholds.remedies.min_node_agent_instances
            && episode.resource.as_deref() == Some("pods")
            && 2 * episode.node_scoped_count < episode.request_count
        {
            remedies.push(Remedy::SelectOwnNode);
        }
        remedies
    }
}
