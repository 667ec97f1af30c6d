//! Whether the ends of requests are logged at all: an audit policy may leave out the stage ResponseComplete, for all
//! requests or for some, and then a request without an end was not in flight when the log ended.
//!
//! Requests are sorted into classes by what policy rules match on: server, verb, resource, and what sort of user sent them. A
//! class of which some request has an end is logged. Of a class without any, the absence is a fact only where an end would
//! have had to be there: the request is older than it may run, and no start of the server came in between. What such
//! requests of a whole server or class show holds for all of them; what is open otherwise was in flight.

use std::collections::{BTreeSet, HashSet};
use std::hash::{BuildHasher, Hash, Hasher};

use foldhash::fast::FixedState;

use super::tally::{ServerTally, Tally};
use crate::audit::{Event, Micros};
use crate::kubernetes::ListOptions;

/// Seconds that the server gives an ordinary request (`--request-timeout`), and half of that to spare.
const ORDINARY_SECS: i64 = 60 + 30;
/// Seconds that a watch without `timeoutSeconds` lasts at most: twice the default of `--min-request-timeout`.
const WATCH_SECS: i64 = 3_600;
/// Requests of a class that must be older than they can be.
const MIN_OVERDUE: usize = 5;
/// Distinct minutes in which those were received: those that a dying server cut off came together.
const MIN_OVERDUE_MINUTES: usize = 3;
/// Ordinary requests of a server that all have no end, however old: so many at once don't hang.
const MIN_WITHOUT_END: usize = 20;

/// The classes of requests that have an end in the log.
pub(super) type EndedClasses = HashSet<u64, FixedState>;

/// What decides whether a policy logs a request's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Class {
    /// Of all requests of its server.
    server: u64,
    /// Of the requests of its server that a policy treats alike.
    key: u64,
}

impl Class {
    pub(super) fn of(apiserver: Option<&str>, event: &Event<'_>) -> Self {
        let mut hasher = FixedState::default().build_hasher();
        apiserver.hash(&mut hasher);
        let server = hasher.finish();
        for text in [event.verb, resource(event), subresource(event)] {
            text.map(|text| text.decode()).hash(&mut hasher);
        }
        sort_of_user(event).hash(&mut hasher);
        Self { server, key: hasher.finish() }
    }

    /// Takes note that a request of the class has an end.
    pub(super) fn note_end(self, ended: &mut EndedClasses) {
        ended.insert(self.server);
        ended.insert(self.key);
    }
}

fn resource<'a>(event: &Event<'a>) -> Option<crate::audit::Text<'a>> {
    event.object_ref.and_then(|object| object.resource)
}

fn subresource<'a>(event: &Event<'a>) -> Option<crate::audit::Text<'a>> {
    event.object_ref.and_then(|object| object.subresource)
}

/// Policies often treat nodes, service accounts and the control plane apart.
fn sort_of_user(event: &Event<'_>) -> u8 {
    let Some(name) = event.user.name else { return 0 };
    let begins = |prefix: &str| name.strip_prefix(prefix).is_some();
    match () {
        () if begins("system:node:") => 1,
        () if begins("system:serviceaccount:") => 2,
        () if begins("system:") => 3,
        () => 4,
    }
}

/// A request without an end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unended {
    class: Class,
    received_at: Option<Micros>,
    /// Seconds after which it must have ended; `None` where there is no such limit.
    limit_secs: Option<i64>,
    is_ordinary: bool,
}

impl Unended {
    pub(super) fn of(apiserver: Option<&str>, event: &Event<'_>) -> Self {
        let is_watch = event.verb.is_some_and(|verb| verb == *"watch");
        let is_ordinary = !is_watch && !is_long_running(event);
        let limit_secs = match (is_watch, is_ordinary) {
            (true, _) => Some(watch_secs(event)),
            (_, true) => Some(ORDINARY_SECS),
            _ => None,
        };
        Self { class: Class::of(apiserver, event), received_at: event.request_received_at, limit_secs, is_ordinary }
    }

    /// The minute it was received in, if it is older than it can be and the server is not known to have started meanwhile.
    fn overdue_minute(&self, server: &ServerTally) -> Option<Micros> {
        let (received_at, limit_secs) = (self.received_at?, self.limit_secs?);
        let latest = received_at.saturating_add(limit_secs.saturating_mul(1_000_000));
        let is_overdue = server.last_at.is_some_and(|last| last > latest);
        (is_overdue && !server.may_have_started_within(received_at, latest, self.is_ordinary))
            .then_some(received_at.div_euclid(60_000_000))
    }
}

fn watch_secs(event: &Event<'_>) -> i64 {
    let uri = event.request_uri.map(|uri| uri.decode());
    let asked = uri.and_then(|uri| ListOptions::from_uri(&uri).timeout_secs).filter(|secs| *secs > 0);
    asked.unwrap_or(WATCH_SECS).saturating_add(ORDINARY_SECS)
}

fn is_long_running(event: &Event<'_>) -> bool {
    let is_one_of = |text: Option<crate::audit::Text<'_>>, names: &[&str]| {
        text.is_some_and(|text| names.contains(&text.decode().as_ref()))
    };
    is_one_of(event.verb, &["proxy"])
        || is_one_of(subresource(event), &["attach", "exec", "log", "portforward", "proxy"])
        || event.request_uri.is_some_and(|uri| uri.strip_prefix("/debug/pprof/").is_some())
}

/// The classes among requests without an end whose ends are not logged.
pub(super) fn classes_without_ends(unended: &[Unended], ended: &EndedClasses, tally: &Tally) -> EndedClasses {
    let mut without = EndedClasses::default();
    let mut seen = EndedClasses::default();
    let servers: Vec<u64> = unended.iter().map(|one| one.class.server).filter(|key| seen.insert(*key)).collect();
    for (name, server) in &tally.servers {
        let key = FixedState::default().hash_one(name.as_deref());
        if !servers.contains(&key) {
            continue;
        }
        let own = || unended.iter().filter(|one| one.class.server == key);
        let ordinary = own().filter(|one| one.is_ordinary).count();
        let has_no_end = !ended.contains(&key);
        if has_no_end && (ordinary >= MIN_WITHOUT_END || are_overdue(own(), server)) {
            without.insert(key);
            continue;
        }
        let mut judged = EndedClasses::default();
        for class in own().map(|one| one.class.key).filter(|class| !ended.contains(class)) {
            if judged.insert(class) && are_overdue(own().filter(|one| one.class.key == class), server) {
                without.insert(class);
            }
        }
    }
    without
}

/// Whether enough requests are older than they can be.
fn are_overdue<'u>(unended: impl Iterator<Item = &'u Unended>, server: &ServerTally) -> bool {
    let minutes: Vec<Micros> = unended.filter_map(|one| one.overdue_minute(server)).collect();
    let distinct: BTreeSet<Micros> = minutes.iter().copied().collect();
    minutes.len() >= MIN_OVERDUE && distinct.len() >= MIN_OVERDUE_MINUTES
}

impl Unended {
    /// Whether its class is one of those whose ends are not logged.
    pub(super) fn is_of(&self, without: &EndedClasses) -> bool {
        without.contains(&self.class.server) || without.contains(&self.class.key)
    }
}
