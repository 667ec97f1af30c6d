//! Ends of apiservers, judged by what starts again: a start shows in what the server asks of itself and in what it marks as
//! served while starting; an end in what was cut off and opened again. How long the log was silent decides nothing by itself:
//! a server may be back in two seconds, and a piece of the log may be missing for an hour.

use super::episode::{Restart, secs};
use super::thresholds::{ApiserverRestart, Thresholds};
use super::verdict::Death;
use crate::audit::Micros;
use crate::requests::Tally;

/// A start of an apiserver, and the end of the one before.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct End {
    pub(super) apiserver: Option<String>,
    /// The first request that the new process is seen to serve.
    pub(super) started_at: Micros,
    /// The last request that it marked as served while starting; `None` where it marked none.
    pub(super) ready_at: Option<Micros>,
    /// The last event before, of any kind: the server died between it and the start. `None` if the log begins with the start.
    pub(super) died_at: Option<Micros>,
    /// Whether it left requests without an end.
    pub(super) was_killed: bool,
    /// Whether it is sure that it did: the log has ends of such requests, and the start is seen.
    pub(super) is_sure: bool,
    /// Whether the log was silent before it for 5 s or more.
    pub(super) was_silent: bool,
    /// Whether the server before ended its watches, or far more of them than it left open.
    pub(super) ended_in_order: bool,
    pub(super) open_watches: u64,
    pub(super) open_lists: u64,
    pub(super) evidence_audit_ids: Vec<String>,
    pub(super) evidence_places: Vec<String>,
}

impl End {
    /// Whether it may be of that server: a log that names none may be of any.
    pub(super) fn is_of(&self, apiserver: Option<&str>) -> bool {
        apiserver.is_none() || self.apiserver.is_none() || self.apiserver.as_deref() == apiserver
    }
}

/// The starts among what looks like one, by time. Reads that the tally counts as without a logged end tell nothing.
pub(super) fn find_ends(restarts: &[Restart], tally: &Tally, thresholds: &Thresholds) -> Vec<End> {
    let limits = &thresholds.apiserver_restart;
    let mut ends: Vec<End> = Vec::new();
    let mut row = 0;
    while row < restarts.len() {
        let apiserver = &restarts[row].apiserver;
        let own = restarts[row..].iter().take_while(|restart| restart.apiserver == *apiserver).count();
        ends.extend(ends_of(&restarts[row..row + own], tally, limits));
        row += own;
    }
    ends.sort_by_key(|end| end.started_at);
    ends
}

/// The ends of servers by time, those of which it is not sure that they were killed too: what people look for when they give a
/// time.
pub fn find_server_ends(restarts: &[Restart], tally: &Tally, thresholds: &Thresholds) -> Vec<Death> {
    let ends = find_ends(restarts, tally, thresholds).into_iter();
    ends.filter_map(|end| {
        Some(Death {
            at: end.died_at?,
            back_at: Some(end.started_at),
            ready_at: end.ready_at,
            apiserver: end.apiserver,
        })
    })
    .collect()
}

/// The starts of one server.
fn ends_of(restarts: &[Restart], tally: &Tally, limits: &ApiserverRestart) -> Vec<End> {
    let mut ends: Vec<End> = Vec::new();
    // What was cut off, and is counted in rows that turned out to be no start of their own.
    let mut carried = Carried::default();
    for restart in restarts {
        let sign = Sign { restart, carried, limits, begins: log_begins_with(restart, tally, limits) };
        let is_same_start = ends.last().is_some_and(|before| sign.is_of_the_start(before));
        if is_same_start && let Some(before) = ends.last_mut() {
            before.ready_at = before.ready_at.max(restart.starting_until_at);
        }
        if is_same_start || !sign.is_start() {
            carried = sign.cut_off();
            continue;
        }
        carried = Carried::default();
        ends.push(sign.end());
    }
    ends
}

/// Whether a start is that with which the log begins.
fn log_begins_with(restart: &Restart, tally: &Tally, limits: &ApiserverRestart) -> bool {
    let server = tally.servers.iter().find(|(name, _)| name.as_deref() == restart.apiserver.as_deref());
    let first_at = server.and_then(|(_, server)| server.first_at);
    first_at.is_some_and(|first| secs(restart.back_at - first) <= limits.log_begins_secs)
}

/// Reads without an end.
#[derive(Clone, Copy, Debug, Default)]
struct Carried {
    watches: u64,
    lists: u64,
    /// The same of kinds of requests of which none has an end in the log.
    unsure_watches: u64,
    unsure_lists: u64,
    /// Watches without an end that were opened again.
    cut_watches: u64,
}

impl Carried {
    fn all(self) -> (u64, u64) {
        (self.watches + self.unsure_watches, self.lists + self.unsure_lists)
    }
}

/// What looks like a start, and what was cut off since the last one.
struct Sign<'r> {
    restart: &'r Restart,
    carried: Carried,
    limits: &'r ApiserverRestart,
    begins: bool,
}

impl Sign<'_> {
    fn cut_off(&self) -> Carried {
        Carried {
            watches: self.carried.watches + self.restart.open_watch_count,
            lists: self.carried.lists + self.restart.open_list_count,
            unsure_watches: self.carried.unsure_watches + self.restart.unsure_watch_count,
            unsure_lists: self.carried.unsure_lists + self.restart.unsure_list_count,
            cut_watches: self.carried.cut_watches + self.restart.cut_watch_count,
        }
    }

    /// Seconds without any event before it; `None` if there was no event before.
    fn silence_secs(&self) -> Option<f64> {
        Some(secs(self.restart.back_at - self.restart.last_event_at?))
    }

    /// A small server is seldom silent for so long while it runs.
    fn was_silent(&self) -> bool {
        self.silence_secs().is_some_and(|silence| silence >= self.limits.long_silence_secs)
    }

    /// Whether the server itself shows that it started. Its own reads alone may also be those of a server that lost its
    /// connection to etcd: then requests that were received before are answered after.
    fn is_seen(&self) -> bool {
        let Restart { startup_count, resource_count, own_get_count, spanning_count, reopened_count, .. } =
            *self.restart;
        startup_count >= self.limits.min_startup_requests
            || resource_count >= self.limits.min_own_resources
                && (spanning_count == 0 || reopened_count >= self.limits.min_reopened)
            || own_get_count >= self.limits.min_own_gets && self.ends_a_silence()
    }

    /// Whether nothing was logged for long before it, and nothing that was received before was answered after.
    fn ends_a_silence(&self) -> bool {
        self.was_silent() && self.restart.spanning_count == 0
    }

    /// Whether the first health checks after a silence failed. The server may have been unready for another reason.
    fn is_told_by_checks(&self) -> bool {
        self.restart.failed_check_count > 0 && self.ends_a_silence()
    }

    /// Whether clients alone show a start, on a server whose own requests are not logged: many of them open watches again
    /// that have no end, together and after a silence, and nothing shows that the server went on.
    fn is_told_by_clients(&self) -> bool {
        let restart = self.restart;
        let is_silent = self.silence_secs().is_some_and(|silence| silence >= self.limits.min_silence_secs);
        // What was received in a hole of the log is known by its end alone, if that comes after the hole.
        let is_logged = restart
            .next_event_at
            .is_some_and(|next_at| secs(next_at - restart.started_at) <= self.limits.first_end_secs);
        is_silent
            && is_logged
            && restart.own_before_count == 0
            && restart.spanning_count == 0
            && restart.reopened_count >= self.limits.min_reopened
            && restart.reopening_client_count >= self.limits.min_reopening_clients
            && 2 * restart.reopened_soon_count >= restart.open_watch_count + restart.unsure_watch_count
    }

    fn is_start(&self) -> bool {
        self.is_seen() || self.is_told_by_clients() || self.is_told_by_checks()
    }

    /// Whether it is a further sign of the start before. A new process lists again what the server had listed, and its
    /// clients open again what it cut off; where the log can't show that, a long silence parts two starts.
    fn is_of_the_start(&self, before: &End) -> bool {
        let restart = self.restart;
        let begins_anew = restart.own_again_count >= self.limits.min_own_resources
            || restart.cut_watch_count >= self.limits.min_open_watches
            || self.was_silent() && restart.own_before_count == 0;
        secs(restart.back_at - before.started_at) < self.limits.slow_start_secs && !begins_anew
    }

    fn end(&self) -> End {
        let (restart, cut) = (self.restart, self.cut_off());
        let is_enough = |(watches, lists): (u64, u64)| {
            watches >= self.limits.min_open_watches || lists >= self.limits.min_open_lists
        };
        // What is still open when the log ends has no end either; what its clients opened again was cut off.
        let was_cut = self.was_silent() || restart.reopened_count.max(cut.cut_watches) >= self.limits.min_open_watches;
        let (open_watches, open_lists) = cut.all();
        let ended = restart.ended_watch_count;
        let ended_in_order =
            ended >= self.limits.min_open_watches.max(open_watches) && 2 * ended >= restart.opened_watch_count;
        let has_open = is_enough(cut.all());
        let died_at = restart.last_event_at.filter(|_| !self.begins || was_cut && has_open);
        End {
            apiserver: restart.apiserver.clone(),
            started_at: restart.back_at,
            ready_at: restart.starting_until_at,
            died_at,
            was_killed: died_at.is_some() && was_cut && has_open && !(ended_in_order && open_lists == 0),
            is_sure: self.is_seen() && is_enough((cut.watches, cut.lists)),
            was_silent: self.was_silent(),
            ended_in_order,
            open_watches,
            open_lists,
            evidence_audit_ids: restart.evidence_audit_id.iter().cloned().collect(),
            evidence_places: restart.evidence_place.iter().cloned().collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Micros = 1_000_000;

    /// A start after a process that was killed, as the server itself shows it.
    fn start(at_secs: i64) -> Restart {
        Restart {
            started_at: at_secs * SECOND,
            back_at: at_secs * SECOND,
            last_event_at: Some((at_secs - 2) * SECOND),
            next_event_at: Some(at_secs * SECOND),
            resource_count: 20,
            own_again_count: 20,
            own_before_count: 40,
            reopened_count: 50,
            reopening_client_count: 3,
            reopened_soon_count: 50,
            open_watch_count: 50,
            cut_watch_count: 50,
            ..Restart::default()
        }
    }

    /// The same where the server's own requests are not logged.
    fn told_by_clients(at_secs: i64) -> Restart {
        Restart { resource_count: 0, own_again_count: 0, own_before_count: 0, ..start(at_secs) }
    }

    fn ends(restarts: &[Restart]) -> Vec<End> {
        find_ends(restarts, &Tally::default(), &Thresholds::embedded())
    }

    fn is_found(restart: Restart) -> bool {
        !ends(&[restart]).is_empty()
    }

    #[test]
    fn each_process_of_a_crash_loop_ends_though_none_is_away_for_long() {
        let found = ends(&[start(100), start(140), start(180)]);
        assert_eq!(found.iter().map(|end| (end.was_killed, end.is_sure)).collect::<Vec<_>>(), [(true, true); 3]);
    }

    #[test]
    fn further_signs_of_a_slow_start_are_no_start() {
        let later = Restart {
            own_again_count: 0,
            cut_watch_count: 0,
            open_watch_count: 0,
            starting_until_at: Some(163 * SECOND),
            ..start(160)
        };
        let found = ends(&[start(100), later.clone()]);
        assert_eq!((found.len(), found[0].ready_at), (1, Some(163 * SECOND)));
        let much_later = Restart { started_at: 400 * SECOND, back_at: 400 * SECOND, ..later };
        assert_eq!(ends(&[start(100), much_later]).len(), 2);
    }

    /// A server that lost etcd lists its own resources again, while requests go on.
    #[test]
    fn a_server_whose_requests_go_on_did_not_start() {
        assert!(!is_found(Restart { spanning_count: 3, reopened_count: 0, ..start(100) }));
        assert!(is_found(Restart { spanning_count: 3, reopened_count: 0, startup_count: 5, ..start(100) }));
    }

    #[test]
    fn clients_alone_tell_a_start_only_where_all_speaks_for_it() {
        let end = &ends(&[told_by_clients(100)])[0];
        assert!(end.was_killed && !end.is_sure);
        for look_alike in [
            Restart { own_before_count: 1, ..told_by_clients(100) },
            Restart { spanning_count: 1, ..told_by_clients(100) },
            Restart { reopening_client_count: 1, ..told_by_clients(100) },
            Restart { reopened_soon_count: 10, ..told_by_clients(100) },
            Restart { last_event_at: Some(100 * SECOND - 1), ..told_by_clients(100) },
            Restart { next_event_at: Some(120 * SECOND), ..told_by_clients(100) },
        ] {
            assert!(!is_found(look_alike.clone()), "{look_alike:?}");
        }
    }

    /// Neither lists of its own nor watches: what a server sets up, and its health checks, are told by a silence alone.
    #[test]
    fn what_a_starting_server_gets_and_fails_after_a_silence_shows_its_start() {
        let silent = Restart {
            last_event_at: Some(80 * SECOND),
            open_list_count: 26,
            ..Restart { started_at: 100 * SECOND, back_at: 100 * SECOND, ..Restart::default() }
        };
        let (gets, checks) =
            (Restart { own_get_count: 20, ..silent.clone() }, Restart { failed_check_count: 1, ..silent.clone() });
        let judged = |restart: &Restart| {
            let found = ends(std::slice::from_ref(restart));
            found.first().map(|end| (end.died_at, end.was_killed, end.is_sure))
        };
        assert_eq!(judged(&gets), Some((Some(80 * SECOND), true, true)));
        assert_eq!(judged(&checks), Some((Some(80 * SECOND), true, false)));
        for restart in [gets, checks] {
            assert_eq!(judged(&Restart { spanning_count: 1, ..restart.clone() }), None, "requests went on");
            assert_eq!(judged(&Restart { last_event_at: Some(98 * SECOND), ..restart }), None, "no silence");
        }
        assert_eq!(judged(&silent), None, "a hole in the log");
    }

    #[test]
    fn a_server_that_ended_its_watches_stopped_in_good_order() {
        let in_order = Restart { ended_watch_count: 50, open_watch_count: 6, opened_watch_count: 40, ..start(100) };
        assert!(!ends(std::slice::from_ref(&in_order))[0].was_killed);
        assert!(ends(&[Restart { open_list_count: 1, ..in_order }])[0].was_killed, "a LIST was cut off");
        let few = Restart { ended_watch_count: 6, opened_watch_count: 40, ..start(100) };
        assert!(ends(&[few])[0].was_killed, "some watches always end");
    }

    /// Of kinds of requests that never have an end in the log, the policy may leave the ends out.
    #[test]
    fn requests_whose_kind_has_no_end_anywhere_are_no_sure_sign() {
        let unsure = Restart { open_watch_count: 0, unsure_watch_count: 50, ..start(100) };
        let end = &ends(&[unsure])[0];
        assert!(end.was_killed && !end.is_sure);
    }

    #[test]
    fn nothing_died_where_the_log_begins() {
        let first = Restart { last_event_at: None, open_watch_count: 0, reopened_count: 0, ..start(100) };
        assert_eq!(
            (ends(&[first])[0].died_at, find_server_ends(&[], &Tally::default(), &Thresholds::embedded())),
            (None, vec![])
        );
    }
}
