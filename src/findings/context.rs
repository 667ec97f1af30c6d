//! What the judges of all kinds need to know beside the episode: thresholds, the ends of servers, remedies.

use std::collections::BTreeMap;

use super::ClientProfile;
use super::ends::End;
use super::episode::Episode;
use super::remedy::Remedy;
use super::thresholds::Thresholds;
use crate::audit::Micros;
use crate::kubernetes::ListKind;

/// What is known beside an episode.
pub(super) struct Context<'c> {
    pub(super) thresholds: &'c Thresholds,
    /// Starts of servers, and the ends before them, by time.
    pub(super) ends: Vec<End>,
    /// Times of which a server's log has nothing, long enough to be missing.
    pub(super) gaps: Vec<(Option<String>, (Micros, Micros))>,
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
    /// LISTs after watches that had expired.
    pub(super) expired_lists: Vec<&'c Episode>,
    /// Whether the log shows how any request ends: else none is known to be open.
    pub(super) has_request_ends: bool,
}

impl Context<'_> {
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
