//! What the judges of all kinds need to know beside the episode: thresholds, the ends of servers, remedies.

use std::collections::BTreeMap;

use super::ClientProfile;
use super::episode::{Episode, Restart, secs};
use super::remedy::Remedy;
use super::thresholds::Thresholds;
use crate::audit::Micros;
use crate::kubernetes::ListKind;
use crate::requests::{ServerTally, Tally};

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
    /// Bursts of lists, next to which a burst of watches tells nothing new.
    pub(super) list_bursts: Vec<&'c Episode>,
    /// Bursts of all clients together.
    pub(super) bursts_of_all: Vec<&'c Episode>,
    /// LISTs after watches that had expired.
    pub(super) expired_lists: Vec<&'c Episode>,
    /// Whether nothing shows how requests end: then none is known to be open.
    pub(super) omits_complete: bool,
}

/// A start of an apiserver, and the end of the one before.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct End {
    pub(super) apiserver: Option<String>,
    pub(super) started_at: Micros,
    /// The last event before; `None` if the log begins with the start.
    pub(super) died_at: Option<Micros>,
    pub(super) was_killed: bool,
    /// Whether the log was silent before it for 5 s or more.
    pub(super) was_silent: bool,
    /// Whether the server's own requests show the start; else it is only told by watches without an end.
    pub(super) is_seen: bool,
    pub(super) open_watches: u64,
    pub(super) open_lists: u64,
    pub(super) evidence_audit_ids: Vec<String>,
    pub(super) evidence_places: Vec<String>,
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

/// Puts starts and the silences before them together.
pub(super) fn ends(restarts: &[Restart], tally: &Tally, thresholds: &Thresholds) -> Vec<End> {
    let mut ends: Vec<End> = Vec::new();
    let none = ServerTally::default();
    // Reads without an end that were received in the course of a start were cut off by the next one.
    let mut carried = (0, 0);
    let limits = &thresholds.apiserver_restart;
    let mut of_server = None;
    for restart in restarts {
        if of_server != Some(&restart.apiserver) {
            (of_server, carried) = (Some(&restart.apiserver), (0, 0));
        }
        let server = tally.servers.iter().find(|(name, _)| name.as_deref() == restart.apiserver.as_deref());
        let server = server.map_or(&none, |(_, server)| server);
        let silence = silence_before(restart, server, limits.first_end_secs);
        let begins = server.first_at.is_some_and(|first| secs(restart.started_at - first) <= limits.log_begins_secs);
        let (open_watches, open_lists) = (carried.0 + restart.open_watch_count, carried.1 + restart.open_list_count);
        let has_open = open_watches >= limits.min_open_watches || open_lists >= limits.min_open_lists;
        let died_at = silence.or(restart.last_read_at).filter(|_| !begins || silence.is_some() && has_open);
        // What is still open when the log ends has no end either; what its clients opened again was cut off.
        let was_cut = silence.is_some() || restart.reopened_count >= limits.min_open_watches;
        let was_killed = died_at.is_some() && was_cut && has_open;
        // A slow start looks like several; and watches that are opened again without a silence before tell of no start.
        let is_same_start = ends.last().is_some_and(|before| {
            before.apiserver == restart.apiserver
                && secs(restart.started_at - before.started_at) < limits.slow_start_secs
        });
        let is_seen =
            restart.startup_count >= limits.min_startup_requests || restart.resource_count >= limits.min_own_resources;
        if (is_same_start || !is_seen) && silence.is_none() {
            carried = (open_watches, open_lists);
            continue;
        }
        carried = (0, 0);
        ends.push(End {
            apiserver: restart.apiserver.clone(),
            started_at: restart.started_at,
            died_at,
            was_killed,
            was_silent: silence.is_some(),
            is_seen,
            open_watches,
            open_lists,
            evidence_audit_ids: restart.evidence_audit_id.iter().cloned().collect(),
            evidence_places: restart.evidence_place.iter().cloned().collect(),
        });
    }
    ends.sort_by_key(|end| end.started_at);
    ends
}

/// When the silence that a start ended had begun; `None` if there was none.
fn silence_before(restart: &Restart, server: &ServerTally, first_end_secs: f64) -> Option<Micros> {
    let gaps = server.gaps.iter();
    let ended_by_it = |to: Micros| secs(to - restart.started_at).abs() <= first_end_secs;
    gaps.filter(|gap| ended_by_it(gap.to)).map(|gap| gap.from).max()
}
