//! How many seats a request takes: the server's estimate of its work, made before it runs
//! (`k8s.io/apiserver/pkg/util/flowcontrol/request`).
//!
//! A list, or a watch that starts with one, is estimated by how much of its resource is read; a write by how many
//! watches it notifies; everything else is 1 seat. The estimate knows only totals of the whole cluster: a list of one
//! namespace costs as much as one of all.

use super::features::Features;
use crate::kubernetes::{QueryParameters, RequestInfo};

/// The fewest seats of a request (`config.go`, `minimumSeats`).
pub const MINIMUM_SEATS: u32 = 1;
/// The most seats for a write's watches (`config.go`).
const MAXIMUM_SEATS: u32 = 10;
/// Objects read for each seat of a list costed by objects (`config.go`, `objectsPerSeat`).
const OBJECTS_PER_SEAT: u64 = 100;
/// Bytes held for each seat of a list costed by bytes (`list_work_estimator.go`, `bytesPerSeat`).
const BYTES_PER_SEAT: u64 = 100_000;
/// The most bytes that a streamed list from the watch cache holds (`cacheWithStreamingMaxMemoryUsage`).
const STREAMED_BYTES: u64 = 1_000_000;
/// The assumed size of an object if unknown: the largest that etcd accepts (`maxObjectSize`).
const MAXIMUM_OBJECT_BYTES: u64 = 1_500_000;
/// The assumed count if the known one is too old (`infiniteObjectCount`).
const INFINITE_OBJECT_COUNT: u64 = 1_000_000_000;
/// Watches per seat after a write (`config.go`, `watchesPerSeat`).
const WATCHES_PER_SEAT: u32 = 10;
/// How long a write holds seats for its watches, in nanoseconds (`config.go`, `eventAdditionalDuration`).
const EVENT_ADDITIONAL_NANOS: u64 = 5_000_000;

/// The seats of a request. [`WorkEstimate::max_seats`] are held during both phases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorkEstimate {
    /// Seats while the request runs; at least 1.
    pub initial_seats: u32,
    /// Seats after the response, while watches are notified.
    pub final_seats: u32,
    /// How long those are held, in nanoseconds.
    pub additional_latency_nanos: u64,
}

/// The part of a request that determines its seats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Work<'r> {
    /// The Kubernetes verb, as in [`RequestInfo::verb`].
    pub verb: &'r str,
    /// Whether it is a `create` of `serviceaccounts/token`, which notifies no watch.
    pub is_token_request: bool,
    /// Whether it names one object; a list does so in its field selector.
    pub is_single: bool,
    /// The options of a list or watch, ignored for other verbs; `None` if they can't be decoded.
    pub list: Option<ListQuery>,
}

/// The options of a list or watch that determine its seats.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ListQuery {
    /// `limit`: objects per page; no limit if 0 or less.
    pub limit: i64,
    /// Whether it has a `continue` token.
    pub has_continue: bool,
    /// `resourceVersion`.
    pub resource_version: RequestedVersion,
    /// `resourceVersionMatch`.
    pub resource_version_match: VersionMatch,
    /// Whether it has a label selector or a field selector.
    pub has_selector: bool,
    /// Whether `sendInitialEvents` is true; for watches.
    pub sends_initial_events: bool,
}

/// The `resourceVersion` of a list or watch, as far as it matters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RequestedVersion {
    /// Absent or empty: the most recent state.
    #[default]
    Unset,
    /// `0`: any state.
    Zero,
    /// Any other.
    Other,
}

/// The `resourceVersionMatch` of a list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum VersionMatch {
    /// Absent or empty.
    #[default]
    Unset,
    /// `Exact`.
    Exact,
    /// `NotOlderThan`.
    NotOlderThan,
    /// Anything else, which the server rejects after admitting the request.
    Other,
}

/// What the server knows when a request arrives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Circumstances {
    /// The statistics of the listed resource.
    pub objects: ObjectStats,
    /// Watches that a write notifies: on the resource in the whole cluster, in its namespace and on its name. All
    /// watches of this server count, whatever their selectors, except watches on the pods of one node.
    pub watcher_count: u32,
    /// The most seats of one request in the priority level; `None` if the level sets no such limit.
    pub level_max_seats: Option<u32>,
}

/// What the server knows of a resource; updated about once a minute (`storage_object_count_tracker.go`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ObjectStats {
    /// It was counted recently.
    Known {
        /// Objects in the whole cluster.
        count: u64,
        /// Mean size of an object in etcd, in bytes; `None` or 0 if unknown, which counts as the maximum.
        object_bytes: Option<u64>,
    },
    /// This server does not store it: an aggregated API, a custom resource that was deleted, a typo.
    #[default]
    NotFound,
    /// It was counted more than 3 minutes ago, which counts as the maximum.
    Stale,
}

/// Estimates a request's work. Applies to requests that API Priority and Fairness handles: all but long-running ones,
/// and watches.
pub fn estimate_work(work: &Work<'_>, circumstances: &Circumstances, features: &Features) -> WorkEstimate {
    let initial = |initial_seats| WorkEstimate { initial_seats, final_seats: 0, additional_latency_nanos: 0 };
    match work.verb {
        "list" if features.charges_lists => initial(list_seats(work, circumstances, features)),
        "watch" if features.charges_watch_list && features.watch_list => {
            initial(list_seats(work, circumstances, features))
        }
        "create" | "update" | "patch" | "delete" if features.charges_watched_writes => {
            let spared = features.spares_token_requests && work.is_token_request;
            write_estimate(
                if spared { 0 } else { circumstances.watcher_count },
                cap(MAXIMUM_SEATS, circumstances, features),
            )
        }
        _ => initial(MINIMUM_SEATS),
    }
}

/// Computes the most seats of one request in a level that queues, from its nominal limit and hand size: requests of one
/// flow fit next to each other, and none takes more than 15 % of the level (`apf_controller.go`,
/// `finishQueueSetReconfigsLocked`).
pub fn level_max_seats(nominal: u32, hand_size: u32) -> u32 {
    let share = u64::from(nominal).saturating_mul(15).div_ceil(100);
    let per_queue = nominal.checked_div(hand_size).unwrap_or(nominal);
    u32::try_from(share).unwrap_or(nominal).min(per_queue).max(1)
}

impl WorkEstimate {
    /// The seats held from the start of the request to the end of its additional latency.
    pub const fn max_seats(&self) -> u32 {
        if self.initial_seats > self.final_seats { self.initial_seats } else { self.final_seats }
    }
}

impl<'r> Work<'r> {
    /// The part of a request that determines its seats, given its URI.
    pub fn from_request(info: &'r RequestInfo<'_>, uri: &str) -> Self {
        let query = uri.split_once('?').map_or("", |(_, query)| query);
        Self {
            verb: &info.verb,
            is_token_request: info.verb == "create"
                && info.api_group.is_empty()
                && info.resource == "serviceaccounts"
                && info.subresource == "token",
            is_single: !info.name.is_empty(),
            list: if matches!(info.verb.as_ref(), "list" | "watch") { ListQuery::parse(query) } else { None },
        }
    }
}

impl ListQuery {
    /// Reads a raw query, without its `?`. `None` if the server can't decode it: `limit` and `timeoutSeconds` must be
    /// numbers if they are present, even without a value (`apimachinery/pkg/apis/meta/v1`,
    /// `Convert_url_Values_To_v1_ListOptions`).
    pub fn parse(query: &str) -> Option<Self> {
        let parameters = QueryParameters::parse(query);
        let (Ok(limit), Ok(_)) = (parameters.integer("limit"), parameters.integer("timeoutSeconds")) else {
            return None;
        };
        Some(Self {
            limit,
            has_continue: !parameters.text("continue").is_empty(),
            resource_version: RequestedVersion::parse(parameters.text("resourceVersion")),
            resource_version_match: VersionMatch::parse(parameters.text("resourceVersionMatch")),
            has_selector: ["labelSelector", "fieldSelector"].iter().any(|name| !parameters.text(name).is_empty()),
            sends_initial_events: parameters.flag("sendInitialEvents"),
        })
    }

    /// Whether a list is read from etcd and not from the watch cache, as the estimate assumes: it ignores snapshots and
    /// whether the resource has a cache (`storage/cacher/delegator`; before 1.31 `shouldListFromStorage`).
    pub fn is_from_storage(&self, features: &Features) -> bool {
        let is_recent_from_storage =
            self.resource_version == RequestedVersion::Unset && !features.consistent_list_from_cache;
        let has_limit = self.limit > 0;
        if !features.limit_alone_stays_in_cache {
            let is_unsupported = matches!(self.resource_version_match, VersionMatch::Exact | VersionMatch::Other);
            let is_limited = has_limit && self.resource_version != RequestedVersion::Zero;
            return is_recent_from_storage || self.has_continue || is_limited || is_unsupported;
        }
        match self.resource_version_match {
            VersionMatch::Exact | VersionMatch::Other => true,
            VersionMatch::NotOlderThan => false,
            VersionMatch::Unset => {
                let is_exact = has_limit && self.resource_version == RequestedVersion::Other;
                self.has_continue || is_exact || is_recent_from_storage
            }
        }
    }

    /// Whether a watch starts by sending the existing objects.
    fn is_charged_watch(&self, features: &Features) -> bool {
        let is_from_start = features.charges_watch_from_start && self.resource_version != RequestedVersion::Other;
        self.sends_initial_events || is_from_start
    }

    /// `count` capped by the limit.
    fn limited(&self, count: u64) -> u64 {
        u64::try_from(self.limit).ok().filter(|limit| *limit > 0).map_or(count, |limit| limit.min(count))
    }
}

impl RequestedVersion {
    /// Classifies a `resourceVersion`; empty for none.
    pub fn parse(version: &str) -> Self {
        match version {
            "" => Self::Unset,
            "0" => Self::Zero,
            _ => Self::Other,
        }
    }
}

impl VersionMatch {
    /// Reads a `resourceVersionMatch`; empty for none.
    pub fn parse(version_match: &str) -> Self {
        match version_match {
            "" => Self::Unset,
            "Exact" => Self::Exact,
            "NotOlderThan" => Self::NotOlderThan,
            _ => Self::Other,
        }
    }
}

/// The seats of a list, or of a watch that may start with one (`list_work_estimator.go`).
fn list_seats(work: &Work<'_>, circumstances: &Circumstances, features: &Features) -> u32 {
    let limit = features.most_list_seats();
    let cap = cap(limit, circumstances, features);
    if work.is_single && !features.charges_single {
        return MINIMUM_SEATS;
    }
    // The server will reject it, but admits it first.
    let Some(query) = &work.list else {
        return cap;
    };
    let is_watch = work.verb == "watch";
    if is_watch && !query.is_charged_watch(features) {
        return MINIMUM_SEATS;
    }
    let (count, object_bytes) = match circumstances.objects {
        ObjectStats::Known { count, object_bytes } => (count, object_bytes),
        ObjectStats::NotFound => return MINIMUM_SEATS,
        ObjectStats::Stale => (INFINITE_OBJECT_COUNT, Some(MAXIMUM_OBJECT_BYTES)),
    };
    let read = Read { count, is_single: work.is_single, is_from_cache: is_watch || !query.is_from_storage(features) };
    let seats = if features.size_based_list_cost {
        read.seats_by_bytes(query, object_bytes)
    } else {
        read.seats_by_objects(query)
    };
    u32::try_from(seats).unwrap_or(cap).clamp(MINIMUM_SEATS, cap)
}

/// What a list reads.
struct Read {
    count: u64,
    is_single: bool,
    is_from_cache: bool,
}

impl Read {
    /// Seats by the bytes held at once, since 1.34.
    fn seats_by_bytes(&self, query: &ListQuery, object_bytes: Option<u64>) -> u64 {
        let object_bytes = match object_bytes.unwrap_or_default() {
            0 if self.count != 0 => MAXIMUM_OBJECT_BYTES,
            known => known,
        };
        let limited = query.limited(self.count);
        let objects = if self.is_single {
            1
        } else if query.has_selector && !self.is_from_cache {
            limited.max(self.count / 2)
        } else {
            limited
        };
        let bytes = objects.saturating_mul(object_bytes);
        let bytes = if self.is_from_cache { bytes.min(STREAMED_BYTES) } else { bytes };
        bytes.div_ceil(BYTES_PER_SEAT)
    }

    /// Seats by the objects processed. A list from the cache ignores its limit.
    fn seats_by_objects(&self, query: &ListQuery) -> u64 {
        let limited = query.limited(self.count);
        let objects = if self.is_single {
            1
        } else if self.is_from_cache {
            self.count
        } else if query.has_selector {
            self.count.saturating_add(limited)
        } else {
            limited.saturating_mul(2)
        };
        objects.div_ceil(OBJECTS_PER_SEAT)
    }
}

/// The work of a write (`mutating_work_estimator.go`). Its watches make a fixed amount of work: the fewer seats it gets
/// for them, the longer it holds them.
fn write_estimate(watcher_count: u32, cap: u32) -> WorkEstimate {
    // A few watches cost nothing.
    if watcher_count < WATCHES_PER_SEAT {
        return WorkEstimate { initial_seats: MINIMUM_SEATS, final_seats: 0, additional_latency_nanos: 0 };
    }
    let wanted_seats = watcher_count.div_ceil(WATCHES_PER_SEAT);
    let final_seats = wanted_seats.min(cap);
    let seat_nanos = u64::from(wanted_seats) * EVENT_ADDITIONAL_NANOS;
    let additional_latency_nanos = seat_nanos / u64::from(final_seats);
    WorkEstimate { initial_seats: MINIMUM_SEATS, final_seats, additional_latency_nanos }
}

/// The most seats of a request: the level's limit if that is lower.
fn cap(limit: u32, circumstances: &Circumstances, features: &Features) -> u32 {
    let of_level = circumstances.level_max_seats.filter(|seats| features.caps_by_level && *seats > 0);
    of_level.unwrap_or(limit).min(limit)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::kubernetes::Version;

    const TOKEN: &str = "/api/v1/namespaces/a/serviceaccounts/s/token";

    fn estimate(minor: u32, method: &str, uri: &str, circumstances: Circumstances) -> WorkEstimate {
        let info = RequestInfo::parse(method, uri);
        estimate_work(&Work::from_request(&info, uri), &circumstances, &Features::for_version(Version::new(1, minor)))
    }

    fn objects(count: u64, object_bytes: u64) -> Circumstances {
        let objects = ObjectStats::Known { count, object_bytes: Some(object_bytes) };
        Circumstances { objects, ..Circumstances::default() }
    }

    fn initial(minor: u32, query: &str, circumstances: Circumstances) -> u32 {
        estimate(minor, "GET", &format!("/api/v1/pods?{query}"), circumstances).initial_seats
    }

    #[test]
    fn a_list_costs_the_bytes_it_holds_and_from_the_cache_10_seats_at_most() {
        for (query, count, object_bytes, seats) in [
            ("", 5, 1_000, 1),
            ("", 0, 1_000, 1),
            ("", 0, 0, 1),
            ("", 101, 1_000, 2),
            ("", 100_000, 17_000, 10),
            ("resourceVersion=0", 100_000, 17_000, 10),
            ("resourceVersion=0&limit=5", 100_000, 17_000, 1),
            ("resourceVersion=5", 100_000, 17_000, 10),
            ("resourceVersion=5&limit=500", 100_000, 17_000, 85),
            ("resourceVersion=5&resourceVersionMatch=NotOlderThan&limit=500", 100_000, 17_000, 10),
            ("resourceVersion=5&resourceVersionMatch=Exact", 100_000, 17_000, 100),
            ("resourceVersion=5&resourceVersionMatch=Bogus", 100_000, 17_000, 100),
            ("continue=abc&limit=500", 100_000, 8_000, 40),
            ("continue=abc&limit=500&labelSelector=a", 1_000, 8_000, 40),
            ("continue=abc&limit=5&labelSelector=a", 1_000, 8_000, 40),
            ("continue=abc&limit=5&labelSelector=", 1_000, 8_000, 1),
            ("continue=abc&limit=-5", 1_000, 8_000, 80),
            ("fieldSelector=metadata.name%3Dx", 100_000, 250_000, 3),
            ("fieldSelector=metadata.name%3Dx", 100_000, 0, 10),
            ("limit=abc", 1, 1, 100),
            ("limit=", 1, 1, 100),
            ("timeoutSeconds=1.5", 1, 1, 100),
        ] {
            assert_eq!(initial(36, query, objects(count, object_bytes)), seats, "{query} {count} {object_bytes}");
        }
    }

    #[test]
    fn what_is_not_counted_is_cheap_and_what_was_counted_long_ago_is_dear() {
        let with = |objects| Circumstances { objects, ..Circumstances::default() };
        for (minor, query, objects, seats) in [
            (36, "", ObjectStats::NotFound, 1),
            (36, "", ObjectStats::Stale, 10),
            (36, "continue=abc", ObjectStats::Stale, 100),
            (36, "continue=abc&limit=1", ObjectStats::Stale, 15),
            (36, "", ObjectStats::Known { count: 1, object_bytes: None }, 10),
            (33, "", ObjectStats::NotFound, 1),
            (33, "", ObjectStats::Stale, 10),
            (33, "fieldSelector=metadata.name%3Dx", ObjectStats::Stale, 1),
        ] {
            assert_eq!(initial(minor, query, with(objects)), seats, "1.{minor} {query} {objects:?}");
        }
    }

    #[test]
    fn each_version_has_its_rule_for_lists() {
        for (minor, query, count, seats) in [
            // A stub.
            (22, "", 100_000, 1),
            // By objects: twice from etcd, once from the cache, and with a selector all of them.
            (23, "", 300, 6),
            (24, "resourceVersion=0", 300, 3),
            (24, "limit=50", 300, 1),
            (24, "limit=50&labelSelector=a", 300, 4),
            (24, "limit=500", 10_000, 10),
            (24, "", 100_000, 10),
            (25, "limit=50&resourceVersion=0", 300, 3),
            // A limit sends lists to etcd unless the version is 0; since 1.31 only along with a version.
            (30, "", 300, 6),
            (30, "limit=150&resourceVersion=5", 300, 3),
            (30, "limit=150&resourceVersion=5&resourceVersionMatch=NotOlderThan", 900, 3),
            (31, "limit=150&resourceVersion=5&resourceVersionMatch=NotOlderThan", 900, 9),
            (31, "limit=150&resourceVersion=5", 900, 3),
            (31, "limit=150", 900, 9),
            (31, "", 300, 3),
            (33, "limit=150&continue=abc", 900, 3),
            (33, "fieldSelector=metadata.name%3Dx", 900, 1),
        ] {
            assert_eq!(initial(minor, query, objects(count, 5_000)), seats, "1.{minor} {query} {count}");
        }
    }

    #[test]
    fn a_watch_costs_as_the_list_that_it_begins_with() {
        for (minor, query, seats) in [
            (27, "sendInitialEvents=true", 1),
            (31, "sendInitialEvents=true", 1),
            (32, "sendInitialEvents=true", 9),
            (32, "sendInitialEvents=true&limit=1", 9),
            (32, "resourceVersion=0", 1),
            (33, "sendInitialEvents=true", 1),
            (34, "sendInitialEvents=true", 10),
            (34, "sendInitialEvents", 10),
            (34, "resourceVersion=0", 1),
            (34, "", 1),
            (35, "", 10),
            (35, "resourceVersion=0", 10),
            (35, "resourceVersion=0&sendInitialEvents=false", 10),
            (35, "resourceVersion=5&sendInitialEvents=false", 1),
            (35, "resourceVersion=5", 1),
            (35, "fieldSelector=metadata.name%3Dx", 1),
        ] {
            assert_eq!(initial(minor, &format!("watch=1&{query}"), objects(900, 5_000)), seats, "1.{minor} {query}");
        }
        let gate_on = Features::for_version(Version::new(1, 28)).with("WatchList", true).unwrap();
        let list = ListQuery { sends_initial_events: true, ..ListQuery::default() };
        let work = Work { verb: "watch", is_token_request: false, is_single: false, list: Some(list) };
        assert_eq!(estimate_work(&work, &objects(900, 5_000), &gate_on).initial_seats, 9);
    }

    #[test]
    fn a_write_holds_seats_for_the_watches_that_it_wakes() {
        for (minor, method, uri, watcher_count, seats, nanos) in [
            (36, "PUT", "/api/v1/nodes/n", 9, 0, 0),
            (36, "PUT", "/api/v1/nodes/n", 10, 1, 5_000_000),
            (36, "PATCH", "/api/v1/nodes/n", 11, 2, 5_000_000),
            (36, "DELETE", "/api/v1/nodes/n", 100, 10, 5_000_000),
            (36, "POST", "/api/v1/nodes", 5_000, 10, 250_000_000),
            (36, "DELETE", "/api/v1/nodes", 5_000, 0, 0),
            (36, "GET", "/api/v1/nodes/n", 5_000, 0, 0),
            (36, "POST", "/healthz", 5_000, 0, 0),
            (36, "POST", TOKEN, 5_000, 0, 0),
            (25, "POST", TOKEN, 50, 5, 5_000_000),
            (23, "PUT", "/api/v1/nodes/n", 50, 0, 0),
        ] {
            let estimate = estimate(minor, method, uri, Circumstances { watcher_count, ..Circumstances::default() });
            let expected = WorkEstimate { initial_seats: 1, final_seats: seats, additional_latency_nanos: nanos };
            assert_eq!(estimate, expected, "1.{minor} {method} {uri} {watcher_count}");
        }
    }

    #[test]
    fn a_level_caps_each_request_and_stretches_its_additional_latency() {
        let capped =
            |level_max_seats| Circumstances { watcher_count: 100, level_max_seats, ..objects(100_000, 17_000) };
        for (minor, level_max_seats, list, write, nanos) in [
            (36, None, 100, 10, 5_000_000),
            (36, Some(200), 100, 10, 5_000_000),
            (36, Some(37), 37, 10, 5_000_000),
            (36, Some(8), 8, 8, 6_250_000),
            (33, Some(8), 8, 8, 6_250_000),
            (33, Some(37), 10, 10, 5_000_000),
            (24, Some(8), 10, 10, 5_000_000),
        ] {
            assert_eq!(initial(minor, "continue=abc", capped(level_max_seats)), list, "1.{minor} {level_max_seats:?}");
            let estimate = estimate(minor, "PUT", "/api/v1/nodes/n", capped(level_max_seats));
            assert_eq!(
                (estimate.max_seats(), estimate.additional_latency_nanos),
                (write, nanos),
                "{level_max_seats:?}"
            );
        }
    }

    #[test]
    fn small_levels_let_no_request_be_wide() {
        for (nominal, hand_size, seats) in [
            (74, 6, 12),
            (98, 6, 15),
            (25, 4, 4),
            (245, 6, 37),
            (49, 6, 8),
            (12, 8, 1),
            (12, 6, 2),
            (0, 6, 1),
            (5, 0, 1),
        ] {
            assert_eq!(level_max_seats(nominal, hand_size), seats, "{nominal} {hand_size}");
        }
    }

    proptest! {
        #[test]
        fn seats_are_between_1_and_the_cap(
            minor in 22_u32..38,
            query in "(watch=1&)?(limit=[0-9]{0,4}&)?(continue=a&)?(resourceVersion=[05]&)?(fieldSelector=a%3Db)?",
            count in any::<u64>(),
            object_bytes in any::<Option<u64>>(),
            watcher_count in any::<u32>(),
            level_max_seats in any::<Option<u32>>(),
        ) {
            let objects = ObjectStats::Known { count, object_bytes };
            let circumstances = Circumstances { objects, watcher_count, level_max_seats };
            let most = level_max_seats.filter(|seats| *seats > 0 && minor >= 25).unwrap_or(100).min(100);
            let list = initial(minor, &query, circumstances);
            prop_assert!((1..=most).contains(&list));
            let write = estimate(minor, "PUT", "/api/v1/nodes/n", circumstances);
            prop_assert!((1..=most).contains(&write.max_seats()));
            prop_assert_eq!(write.final_seats == 0, write.additional_latency_nanos == 0);
        }
    }
}
