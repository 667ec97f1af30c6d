//! In what ways the versions of Kubernetes differ when they count seats: the feature gates of
//! `k8s.io/apiserver/pkg/features/kube_features.go`, and what changed without one
//! (`k8s.io/apiserver/pkg/util/flowcontrol`, by its release branches).

use thiserror::Error;

use crate::kubernetes::Version;

/// How an API server counts seats.
///
/// [`Features::of`] gives what a version does by default, [`Features::with`] turns a gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Features {
    /// Gate `SizeBasedListCostEstimate`, on since 1.34: a list costs by bytes, up to 100 seats, rather than by objects, up
    /// to 10.
    pub size_based_list_cost: bool,
    /// Gate `WatchList`, on in 1.32 and since 1.34: the watches that begin with a list cost as one.
    pub watch_list: bool,
    /// Gate `ConsistentListFromCache`, on since 1.31: a list that asks for the most recent state is served from the watch
    /// cache. It takes an etcd that reports its progress (3.4.31, 3.5.13 and later).
    pub consistent_list_from_cache: bool,
    /// Since 1.23 a list costs more than one seat.
    pub charges_lists: bool,
    /// Since 1.24 a write costs seats for the watches that it wakes.
    pub charges_watched_writes: bool,
    /// Since 1.25 a level that queues sets the most seats that one request may take.
    pub caps_by_level: bool,
    /// Since 1.26 levels lend and borrow seats; before, each has its nominal limit.
    pub lends_seats: bool,
    /// Since 1.26 `POST serviceaccounts/token` costs nothing for watches.
    pub spares_token_requests: bool,
    /// Since 1.28 the exempt level has a share and a demand that others feel.
    pub exempt_takes_part: bool,
    /// Since 1.28 a watch with `sendInitialEvents=true` costs as a list, given [`Features::watch_list`].
    pub charges_watch_list: bool,
    /// Since 1.28 a request waits the less in a queue, the less time its client gives the server.
    pub waits_by_deadline: bool,
    /// Since 1.28 the `Retry-After` of a rejection grows where there are many; before, it is 1 second.
    pub retry_after_grows: bool,
    /// Since 1.31 a limit sends a list to etcd only along with a version other than 0; before, only the version 0 kept a
    /// list with a limit out of etcd.
    pub limit_alone_stays_in_cache: bool,
    /// Since 1.34 a list of one name is costed like any other, of one object; before, it was 1 seat at once.
    pub charges_single: bool,
    /// Since 1.35 a watch from the version 0 or none costs as a list, given [`Features::watch_list`].
    pub charges_watch_from_start: bool,
}

/// A feature gate that has no part in counting seats, or is none.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("no feature gate that decides seats is called \"{0}\": there are {known}", known = Features::GATES.join(", "))]
pub struct UnknownGate(pub String);

impl Features {
    /// The gates that [`Features::with`] knows.
    pub const GATES: [&str; 3] = ["SizeBasedListCostEstimate", "WatchList", "ConsistentListFromCache"];

    /// What a version does by default. `version` is the emulated one where the server emulates; versions
    /// that are yet to come are taken to do as the last one known.
    pub fn of(version: Version) -> Self {
        let since = |minor| version >= Version::new(1, minor);
        Self {
            size_based_list_cost: since(34),
            watch_list: since(34) || version == Version::new(1, 32),
            consistent_list_from_cache: since(31),
            charges_lists: since(23),
            charges_watched_writes: since(24),
            caps_by_level: since(25),
            lends_seats: since(26),
            spares_token_requests: since(26),
            exempt_takes_part: since(28),
            charges_watch_list: since(28),
            waits_by_deadline: since(28),
            retry_after_grows: since(28),
            limit_alone_stays_in_cache: since(31),
            charges_single: since(34),
            charges_watch_from_start: since(35),
        }
    }

    /// The most seats that a list may take, whatever the priority level (`config.go`, `maximumListSeatsLimit`).
    pub const fn most_list_seats(&self) -> u32 {
        match (self.charges_lists, self.size_based_list_cost) {
            (false, _) => 1,
            (true, false) => 10,
            (true, true) => 100,
        }
    }

    /// The same with a gate on or off, by its upstream name.
    ///
    /// # Errors
    ///
    /// When the gate doesn't decide seats.
    pub fn with(mut self, gate: &str, is_on: bool) -> Result<Self, UnknownGate> {
        let switch = match gate {
            "SizeBasedListCostEstimate" => &mut self.size_based_list_cost,
            "WatchList" => &mut self.watch_list,
            "ConsistentListFromCache" => &mut self.consistent_list_from_cache,
            _ => return Err(UnknownGate(gate.to_owned())),
        };
        *switch = is_on;
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_gate_is_on_in_the_versions_that_turned_it_on() {
        for (minor, size_based, watch_list, consistent) in [
            (30, false, false, false),
            (31, false, false, true),
            (32, false, true, true),
            (33, false, false, true),
            (34, true, true, true),
            (37, true, true, true),
        ] {
            let features = Features::of(Version::new(1, minor));
            let gates = (features.size_based_list_cost, features.watch_list, features.consistent_list_from_cache);
            assert_eq!(gates, (size_based, watch_list, consistent), "1.{minor}");
        }
    }

    #[test]
    fn what_a_version_began_it_goes_on_with() {
        type Has = fn(&Features) -> bool;
        let began: [(u32, Has); 10] = [
            (23, |features| features.charges_lists),
            (24, |features| features.charges_watched_writes),
            (25, |features| features.caps_by_level),
            (26, |features| features.lends_seats),
            (26, |features| features.spares_token_requests),
            (28, |features| features.exempt_takes_part),
            (28, |features| features.charges_watch_list),
            (31, |features| features.limit_alone_stays_in_cache),
            (34, |features| features.charges_single),
            (35, |features| features.charges_watch_from_start),
        ];
        for (index, (minor, has)) in began.iter().enumerate() {
            for version in 20..40 {
                assert_eq!(has(&Features::of(Version::new(1, version))), version >= *minor, "{index} in 1.{version}");
            }
        }
    }

    #[test]
    fn gates_are_turned_by_their_names_and_others_are_told_of() {
        for gate in Features::GATES {
            let off = Features::of(Version::new(1, 36)).with(gate, false).unwrap();
            assert_ne!(off, Features::of(Version::new(1, 36)), "{gate}");
            assert_eq!(off.with(gate, true), Ok(Features::of(Version::new(1, 36))), "{gate}");
        }
        let message = Features::of(Version::new(1, 36)).with("watchlist", true).unwrap_err().to_string();
        assert_eq!(
            message,
            "no feature gate that decides seats is called \"watchlist\": there are SizeBasedListCostEstimate, WatchList, \
             ConsistentListFromCache"
        );
    }
}
