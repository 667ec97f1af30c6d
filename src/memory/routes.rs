//! Which way a LIST takes through the apiserver: from etcd or the watch cache, encoded whole or object by object.
//!
//! After upstream's `apiserver/pkg/storage/cacher/delegator.go` and its feature gates, by version:
//!
//! ```text
//!                                  to 1.27  1.28-1.30  1.31-1.33  from 1.34
//! resourceVersion=0, or RV=N whole  cache    cache      cache      cache
//! most recent, whole or first page  etcd     etcd       cache      cache
//! a further page                    etcd     etcd       etcd       cache
//! exactly at a version              etcd     etcd       etcd       cache, or etcd if it has no snapshot
//! events, which aren't cached       etcd     etcd       etcd       etcd
//! ```
//!
//! Up to 1.32 the response is encoded into one buffer; from 1.33 on it is streamed, but for what is indented, and for tables
//! and YAML, which the log can't tell. A further page goes to etcd on 1.34, too, once its snapshot is gone; that is rare and
//! left out.
//!
//! The watch cache of a custom resource is built when it is first asked for, after each start of the server. Until then, from
//! 1.31 on, LISTs with a limit and without selectors are read from etcd, so that an informer's first LIST gets a page (others
//! are refused with 429, and before 1.31 all wait). Nothing in the log says which of the two a LIST met, so both ways
//! are possible for every LIST of that form.
//!
//! From 1.37 on, what is read from etcd may come in chunks (`EtcdRangeStream`, if etcd has it, too), and the server never
//! holds the whole range that etcd sends. What remains hasn't been measured. All that is known of
//! [`Route::EtcdRangeStreamed`] is that it holds no more than [`Route::EtcdStreamed`], and, as all objects are decoded before
//! the first is encoded, no less than the copies that [`Route::CacheStreamed`] makes.

use super::defaults::is_custom;
use super::observed::Observed;
use super::response::ListShape;
use crate::kubernetes::{ListKind, Version};

/// What is known of an apiserver that decides over the way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Server {
    /// Kubernetes' version; `None` if unknown.
    pub version: Option<Version>,
    /// Whether LISTs of the most recent state are read from etcd, whatever the version says: the gate
    /// `ConsistentListFromCache` turned off, or seen in the log ([`reads_lists_from_etcd`]). `None`: as the version has
    /// it.
    pub reads_lists_from_etcd: Option<bool>,
    /// Whether responses are encoded object by object: the gate `StreamingCollectionEncodingToJSON`. `None`: as the
    /// version has it.
    pub streams_encoding: Option<bool>,
}

/// A way through the apiserver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Route {
    /// Read whole from etcd, encoded into a buffer.
    EtcdBuffered,
    /// Read whole from etcd, encoded object by object.
    EtcdStreamed,
    /// Read from etcd in chunks, encoded object by object. How much that holds is unknown.
    EtcdRangeStreamed,
    /// From the watch cache, encoded into a buffer.
    CacheBuffered,
    /// From the watch cache, encoded object by object.
    CacheStreamed,
    /// The initial events of a watch.
    Watch,
}

/// Since when the watch cache serves the most recent state.
const CONSISTENT_FROM_CACHE: Version = Version::new(1, 31);
/// Since when responses are encoded object by object.
const STREAMED: Version = Version::new(1, 33);
/// Since when the watch cache serves what was.
const SNAPSHOTS: Version = Version::new(1, 34);
/// Since when LISTs with a limit don't wait for the watch cache to be built (`ResilientWatchCacheInitialization`).
const RESILIENT_INITIALIZATION: Version = Version::new(1, 31);
/// Since when what etcd sends may come in chunks.
const RANGE_STREAMED: Version = Version::new(1, 37);
/// Since when decoding what etcd sent is timed in the log.
const DECODING_TIMED: Version = Version::new(1, 30);

/// All ways that a LIST may take on a server, given what is known of it; never none.
pub(super) fn routes(list: &ListShape<'_>, server: &Server) -> Vec<Route> {
    if list.kind == ListKind::WatchList {
        return vec![Route::Watch];
    }
    let (cache, etcd) = sources(list, server);
    let etcd = etcd || may_precede_cache(list, server);
    let (streamed, buffered) = if list.is_pretty { (false, true) } else { encodings(server) };
    let in_chunks = server.version.is_none_or(|version| version >= RANGE_STREAMED);
    [
        (etcd && buffered, Route::EtcdBuffered),
        (etcd && streamed, Route::EtcdStreamed),
        (etcd && streamed && in_chunks, Route::EtcdRangeStreamed),
        (cache && buffered, Route::CacheBuffered),
        (cache && streamed, Route::CacheStreamed),
    ]
    .into_iter()
    .filter_map(|(is_possible, route)| is_possible.then_some(route))
    .collect()
}

/// Whether it may come from the watch cache, and whether from etcd.
fn sources(list: &ListShape<'_>, server: &Server) -> (bool, bool) {
    const CACHE: (bool, bool) = (true, false);
    const ETCD: (bool, bool) = (false, true);
    const EITHER: (bool, bool) = (true, true);
    if list.resource == "events" {
        return ETCD;
    }
    let from = |since| match server.version {
        Some(version) if version >= since => CACHE,
        Some(_) => ETCD,
        None => EITHER,
    };
    match (list.kind, server.reads_lists_from_etcd) {
        (ListKind::Cached | ListKind::Reflector | ListKind::Relist | ListKind::WatchList, _) => CACHE,
        (ListKind::ByName | ListKind::Full | ListKind::FirstPage, Some(true)) => ETCD,
        (ListKind::ByName | ListKind::Full | ListKind::FirstPage, Some(false)) => CACHE,
        (ListKind::ByName | ListKind::Full | ListKind::FirstPage, None) => from(CONSISTENT_FROM_CACHE),
        // A server that reads the most recent state from etcd has no snapshots either.
        (ListKind::NextPage | ListKind::Exact, Some(true)) if server.version.is_none() => ETCD,
        (ListKind::NextPage, _) => from(SNAPSHOTS),
        (ListKind::Exact, _) => match from(SNAPSHOTS) {
            ETCD => ETCD,
            _ => EITHER,
        },
    }
}

/// Whether it may come before the watch cache of its resource is built, and be read from etcd for that.
fn may_precede_cache(list: &ListShape<'_>, server: &Server) -> bool {
    is_custom(list.api_group)
        && !list.has_selector
        && list.limit.is_some_and(|limit| limit > 0)
        && matches!(list.kind, ListKind::Reflector | ListKind::FirstPage)
        && server.version.is_none_or(|version| version >= RESILIENT_INITIALIZATION)
}

/// Whether the response may be streamed, and whether it may be buffered.
fn encodings(server: &Server) -> (bool, bool) {
    match (server.streams_encoding, server.version) {
        (Some(streams), _) => (streams, !streams),
        (None, Some(version)) => (version >= STREAMED, version < STREAMED),
        // Older than 1.31, but for a gate turned off.
        (None, None) if server.reads_lists_from_etcd == Some(true) => (false, true),
        (None, None) => (true, true),
    }
}

/// Whether the log shows a server that reads LISTs of the most recent state from etcd; `None` if it can't tell.
///
/// Such a LIST, if slow, has a time for decoding what etcd sent, unless nothing was sent. Servers before 1.30 never
/// say, so that none has it means something only of a newer one.
pub fn reads_lists_from_etcd(observed: &[Observed], version: Option<Version>) -> Option<bool> {
    /// Fewer prove nothing.
    const ENOUGH: u64 = 5;
    let cached = || observed.iter().filter(|row| row.resource != "events");
    let slow: u64 = cached().map(|row| row.slow_full_list_count).sum();
    let decoded: u64 = cached().map(|row| row.decoded_list_count).sum();
    if slow < ENOUGH {
        None
    } else if decoded * 2 >= slow {
        Some(true)
    } else {
        (decoded * 10 <= slow && version.is_some_and(|version| version >= DECODING_TIMED)).then_some(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ways(kind: ListKind, resource: &'static str, version: Option<Version>) -> Vec<Route> {
        routes(&ListShape { resource, ..ListShape::of(kind) }, &Server { version, ..Server::default() })
    }

    #[test]
    fn the_way_depends_on_the_version() {
        use ListKind::{Cached, Exact, FirstPage, Full, NextPage, Reflector, Relist};
        use Route::{CacheBuffered, CacheStreamed, EtcdBuffered, EtcdRangeStreamed, EtcdStreamed};
        for (kinds, minor, expected) in [
            (&[Full, FirstPage][..], 30, &[EtcdBuffered][..]),
            (&[Full, FirstPage], 31, &[CacheBuffered]),
            (&[Full, FirstPage], 33, &[CacheStreamed]),
            (&[NextPage], 32, &[EtcdBuffered]),
            (&[NextPage], 33, &[EtcdStreamed]),
            (&[NextPage], 34, &[CacheStreamed]),
            (&[Exact], 30, &[EtcdBuffered]),
            (&[Exact], 36, &[EtcdStreamed, CacheStreamed]),
            (&[Cached, Reflector, Relist], 27, &[CacheBuffered]),
            (&[Cached, Reflector, Relist], 36, &[CacheStreamed]),
        ] {
            for kind in kinds {
                assert_eq!(ways(*kind, "pods", Some(Version::new(1, minor))), expected, "{} on 1.{minor}", kind.name());
            }
        }
        assert_eq!(ways(Cached, "events", Some(Version::new(1, 30))), [EtcdBuffered]);
        assert_eq!(
            ways(Full, "pods", None),
            [EtcdBuffered, EtcdStreamed, EtcdRangeStreamed, CacheBuffered, CacheStreamed]
        );
        assert_eq!(ways(Reflector, "pods", None), [CacheBuffered, CacheStreamed]);
    }

    #[test]
    fn the_first_lists_of_a_custom_resource_may_come_before_its_cache() {
        use Route::{CacheBuffered, CacheStreamed, EtcdStreamed};
        let informer = ListShape {
            api_group: "example.com",
            resource: "widgets",
            limit: Some(500),
            ..ListShape::of(ListKind::Reflector)
        };
        let on = |list: &ListShape<'_>, minor| {
            routes(list, &Server { version: Some(Version::new(1, minor)), ..Server::default() })
        };
        assert_eq!(on(&informer, 36), [EtcdStreamed, CacheStreamed]);
        assert_eq!(on(&ListShape { kind: ListKind::FirstPage, ..informer }, 36), [EtcdStreamed, CacheStreamed]);
        // Those wait, and these are refused.
        assert_eq!(on(&informer, 30), [CacheBuffered]);
        for waits in [
            ListShape { limit: None, kind: ListKind::Cached, ..informer },
            ListShape { has_selector: true, ..informer },
            ListShape { api_group: "", resource: "pods", ..informer },
        ] {
            assert_eq!(on(&waits, 36), [CacheStreamed], "{waits:?}");
        }
    }

    #[test]
    fn what_is_indented_is_not_streamed() {
        let list = ListShape { is_pretty: true, ..ListShape::of(ListKind::Full) };
        let server = Server { version: Some(Version::new(1, 36)), ..Server::default() };
        assert_eq!(routes(&list, &server), [Route::CacheBuffered]);
    }

    #[test]
    fn from_1_37_on_etcd_may_answer_in_chunks() {
        use Route::{EtcdRangeStreamed, EtcdStreamed};
        assert_eq!(ways(ListKind::Full, "events", Some(Version::new(1, 36))), [EtcdStreamed]);
        assert_eq!(ways(ListKind::Full, "events", Some(Version::new(1, 37))), [EtcdStreamed, EtcdRangeStreamed]);
    }

    #[test]
    fn gates_and_the_log_come_before_the_version() {
        let list = ListShape::of(ListKind::Full);
        let gates_off = Server {
            version: Some(Version::new(1, 33)),
            reads_lists_from_etcd: Some(true),
            streams_encoding: Some(false),
        };
        assert_eq!(routes(&list, &gates_off), [Route::EtcdBuffered]);
        let seen = Server { reads_lists_from_etcd: Some(true), ..Server::default() };
        assert_eq!(routes(&list, &seen), [Route::EtcdBuffered]);
    }

    #[test]
    fn decoding_in_the_log_shows_reads_from_etcd() {
        let rows = |slow_full_list_count, decoded_list_count| {
            [Observed { resource: "pods".to_owned(), slow_full_list_count, decoded_list_count, ..Observed::default() }]
        };
        assert_eq!(reads_lists_from_etcd(&rows(128, 128), None), Some(true));
        assert_eq!(reads_lists_from_etcd(&rows(446, 0), None), None);
        assert_eq!(reads_lists_from_etcd(&rows(446, 0), Some(Version::new(1, 36))), Some(false));
        assert_eq!(reads_lists_from_etcd(&rows(446, 0), Some(Version::new(1, 29))), None);
        assert_eq!(reads_lists_from_etcd(&rows(2, 2), None), None);
    }
}
