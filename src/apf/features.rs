//! How Kubernetes versions differ in counting seats: the feature gates of
//! `k8s.io/apiserver/pkg/features/kube_features.go`, and changes without a gate
//! (`k8s.io/apiserver/pkg/util/flowcontrol`, by release branch).

use thiserror::Error;

use crate::kubernetes::Version;

/// How an API server counts seats.
///
/// [`Features::for_version`] gives the defaults of a version, [`Features::with`] sets a gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Features {
    /// Gate `SizeBasedListCostEstimate`, on since 1.34: a list costs by bytes, up to 100 seats, rather than by objects, up
    /// to 10.
    pub size_based_list_cost: bool,
    /// Gate `WatchList`, on in 1.32 and since 1.34: watches that start with a list cost as one.
    pub watch_list: bool,
    /// Gate `ConsistentListFromCache`, on since 1.31: a list of the most recent state is served from the watch cache.
    /// It needs an etcd that reports progress (3.4.31, 3.5.13 and later).
    pub consistent_list_from_cache: bool,
    /// Since 1.23 a list costs more than one seat.
    pub charges_lists: bool,
    /// Since 1.24 a write costs seats for the watches it notifies.
    pub charges_watched_writes: bool,
    /// Since 1.25 a level with queues caps the seats of one request.
    pub caps_by_level: bool,
    /// Since 1.26 levels lend and borrow seats; before, each has exactly its nominal limit.
    pub lends_seats: bool,
    /// Since 1.26 `POST serviceaccounts/token` costs no seats for watches.
    pub spares_token_requests: bool,
    /// Since 1.28 the exempt level has a share and a demand that reduce the other levels.
    pub exempt_takes_part: bool,
    /// Since 1.28 a watch with `sendInitialEvents=true` costs as a list, given [`Features::watch_list`].
    pub charges_watch_list: bool,
    /// Since 1.28 the maximum wait in a queue depends on the client's deadline.
    pub waits_by_deadline: bool,
    /// Since 1.28 the `Retry-After` of rejections grows with their number; before, it is 1 second.
    pub retry_after_grows: bool,
    /// Since 1.31 a list with a limit is read from etcd only if it asks for a version other than 0; before, every list
    /// with a limit was, unless it asked for version 0.
    pub limit_alone_stays_in_cache: bool,
    /// Since 1.34 a list of one name costs like any other list of one object; before, it always cost 1 seat.
    pub charges_single: bool,
    /// Since 1.35 a watch from version 0 or without a version costs as a list, given [`Features::watch_list`].
    pub charges_watch_from_start: bool,
}

/// A feature gate that does not affect seats, or does not exist.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("feature gate \"{0}\" does not affect seats; these do: {known}", known = Features::GATES.join(", "))]
pub struct UnknownGate(pub String);

impl Features {
    /// The gates that [`Features::with`] knows.
    pub const GATES: [&str; 3] = ["SizeBasedListCostEstimate", "WatchList", "ConsistentListFromCache"];

    /// The defaults of a version: of the emulated one if the server emulates. Versions newer than the last known one
    /// count as that.
    pub fn for_version(version: Version) -> Self {
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

    /// The most seats of a list in any priority level (`config.go`, `maximumListSeatsLimit`).
    pub const fn most_list_seats(&self) -> u32 {
        match (self.charges_lists, self.size_based_list_cost) {
            (false, _) => 1,
            (true, false) => 10,
            (true, true) => 100,
        }
    }

    /// Sets a feature gate, by its upstream name.
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
            let features = Features::for_version(Version::new(1, minor));
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
                assert_eq!(
                    has(&Features::for_version(Version::new(1, version))),
                    version >= *minor,
                    "{index} in 1.{version}"
                );
            }
        }
    }

    #[test]
    fn gates_are_set_by_name_and_unknown_ones_are_errors() {
        for gate in Features::GATES {
            let off = Features::for_version(Version::new(1, 36)).with(gate, false).unwrap();
            assert_ne!(off, Features::for_version(Version::new(1, 36)), "{gate}");
            assert_eq!(off.with(gate, true), Ok(Features::for_version(Version::new(1, 36))), "{gate}");
        }
        let message = Features::for_version(Version::new(1, 36)).with("watchlist", true).unwrap_err().to_string();
        assert_eq!(
            message,
            "feature gate \"watchlist\" does not affect seats; these do: SizeBasedListCostEstimate, WatchList, \
             ConsistentListFromCache"
        );
    }
}
