//! What LISTs cost in memory, fitted to a real kube-apiserver.
//!
//! Measured were 214 runs of a 1.36 apiserver (two CPUs, GOGC as it comes, no GOMEMLIMIT): 1 to 50 LISTs at once, from a
//! user that APF exempts, and by how much the resident memory rose over its base of 0.3 to 0.7 GB. They listed pods of 5
//! and 17 kB, events, ConfigMaps and Secrets (big strings), and three kinds of custom resources: two of maps in maps, and
//! one of two big strings. Old ways were measured on the same server, with the gates of the new ones turned off.
//!
//! A LIST is the sum of parts: it is read from etcd or the watch cache, and encoded into a buffer or object by object. A part
//! costs the same on every way that has it, so that one price for each part explains all six ways. What each LIST in flight
//! holds, with `b` bytes of JSON (whatever is sent):
//!
//! ```text
//!               structs (pods)              big strings   custom resources
//! from etcd     3.9 b                       3.3 b         4.6 b + 836 B a map
//! from cache    0.22 b + 5.2 kB an object   0.6 b         0.08 b + 544 B a map
//! JSON buffer   3.1 b                       2.1 b         3.0 b
//! protobuf      0.15 b                      0.19 b        -
//! indentation   -                           2.2 b         6.4 to 7.7 b
//! ```
//!
//! Garbage that the collector has not met yet comes besides, once for all LISTs. Measured / fitted is 0.72 to 1.35, which
//! is the [`SPREAD`] of all ranges. `benches/memory_fit` makes the prices and keeps them in its `fit.txt`. Of the ranges that
//! are made without the run in question and its repeats, 212 of 214 hold it; made without any run of its kind, 197; and
//! of the same way, 175: that of streaming from the cache can't be told from the others, as it is the small difference of
//! large prices. Half of the ranges are narrower than high / low = 3.1.
//!
//! What follows:
//!
//! - Custom resources are copied in full for each LIST, from the cache too, and what counts is their **maps, not bytes**.
//!   No log has the number of maps: ranges begin with the ten of the metadata, and end with one for 50 bytes.
//! - Built-in kinds from the cache are hardly copied; their structs are. So pods of 17 kB cost 15 % more than pods of 5 kB.
//! - Compressed responses take twice as long, not more memory.
//! - What is indented (curl, wget, browsers, `?pretty`) isn't streamed, and its buffers grow by the indentation.
//! - Tables and metadata-only LISTs hold as little as half of the lower bound, and no log tells them apart.
//!
//! Pages cost the same for the bytes of a page; but the garbage of a chain's earlier pages stands too, up to
//! [`PAGE_GARBAGE_BYTES`].
//!
//! More CPUs encode more responses at once, so expect the upper half there. Repeats differed by 2 to 20 %.

use super::defaults::is_custom;

/// Lowest and highest.
pub(super) type Bounds = (f64, f64);

/// What the parts of a LIST cost, for a kind of content.
#[derive(Clone, Copy, Debug)]
pub(super) struct Prices {
    pub(super) etcd: Reading,
    pub(super) cache: Reading,
    /// Bytes held for each byte of the response (in JSON) that is encoded into a buffer.
    pub(super) json_buffer: Bounds,
    /// The same for protobuf; the bytes are those of JSON, too.
    pub(super) protobuf_buffer: Bounds,
    /// What indenting adds to a buffer of JSON, for each byte before.
    pub(super) indentation: Bounds,
    /// Measured / fitted.
    pub(super) spread: Bounds,
}

/// What it costs to get the objects, and to encode them one by one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading {
    /// Bytes of garbage that come once, however many LISTs are in flight, for each byte of one of them.
    pub(super) once_per_byte: Bounds,
    /// The same, for each map of one of them.
    pub(super) once_per_map: Bounds,
    /// Bytes that each LIST holds for each byte (in JSON) that is read.
    pub(super) per_byte: Bounds,
    /// ... for each object.
    pub(super) per_object: Bounds,
    /// ... for each map.
    pub(super) per_map: Bounds,
}

const NONE: Bounds = (0.0, 0.0);

/// Measured / fitted of all whole LISTs, rounded outwards.
const SPREAD: Bounds = (0.71, 1.35);

/// The same for built-in kinds that weren't measured: they may be to those that were what pods are to the others, nearly
/// twice as expensive. With these bounds, 9 of 10 runs lie in the range that is made without any run of their kind.
const UNSEEN_KIND: Bounds = (0.7, 1.8);

/// Many fields, each of its own type: pods, and events, which are read from etcd only.
const STRUCTS: Prices = Prices {
    etcd: STRUCTS_FROM_ETCD,
    cache: STRUCTS_FROM_CACHE,
    json_buffer: exactly(3.09),
    protobuf_buffer: exactly(0.151),
    // Not measured: as little as strings, as much as nested maps.
    indentation: (2.2, 7.7),
    spread: SPREAD,
};

const STRUCTS_FROM_ETCD: Reading = Reading {
    once_per_byte: exactly(8.62),
    once_per_map: NONE,
    per_byte: exactly(3.94),
    per_object: NONE,
    per_map: NONE,
};

const STRUCTS_FROM_CACHE: Reading = Reading {
    once_per_byte: exactly(2.08),
    once_per_map: NONE,
    per_byte: exactly(0.217),
    per_object: exactly(5176.0),
    per_map: NONE,
};

/// A few big strings: ConfigMaps and Secrets.
const STRINGS: Prices = Prices {
    etcd: STRINGS_FROM_ETCD,
    cache: STRINGS_FROM_CACHE,
    json_buffer: exactly(2.14),
    protobuf_buffer: exactly(0.191),
    indentation: exactly(2.2),
    spread: SPREAD,
};

const STRINGS_FROM_ETCD: Reading = Reading {
    once_per_byte: exactly(8.99),
    once_per_map: NONE,
    per_byte: exactly(3.33),
    per_object: NONE,
    per_map: NONE,
};

/// Strings aren't copied: all that a LIST from the cache leaves is garbage, and where less lives, less of that stands. Two
/// storms on a real server, with less in its caches than when this was measured, held a third of the price: hence the
/// lower bound.
const STRINGS_FROM_CACHE: Reading = Reading {
    once_per_byte: exactly(2.45),
    once_per_map: NONE,
    per_byte: (0.202, 0.607),
    per_object: NONE,
    per_map: NONE,
};

/// Custom resources, which decode into maps in maps. As every kind of them is another, all are taken for unmeasured: only
/// the number of maps is unknown, between a kind of big strings and the densest that was measured.
const MAPS: Prices = Prices {
    etcd: MAPS_FROM_ETCD,
    cache: MAPS_FROM_CACHE,
    json_buffer: exactly(3.02),
    protobuf_buffer: NONE,
    indentation: (2.2, 7.7),
    spread: SPREAD,
};

const MAPS_FROM_ETCD: Reading = Reading {
    once_per_byte: exactly(9.84),
    once_per_map: exactly(483.0),
    per_byte: exactly(4.60),
    per_object: NONE,
    per_map: exactly(836.0),
};

const MAPS_FROM_CACHE: Reading = Reading {
    once_per_byte: exactly(1.73),
    once_per_map: exactly(336.0),
    per_byte: exactly(0.0844),
    per_object: NONE,
    per_map: exactly(544.0),
};

/// Built-in kinds that weren't measured: from big strings to structs. All decode into structs, smaller than a pod's,
/// but every object has metadata, which are a quarter of that.
const OTHER_BUILT_IN: Prices = {
    let mut prices = either(STRUCTS, STRINGS);
    prices.cache.per_object.0 = STRUCTS.cache.per_object.0 * 0.25;
    prices.spread = UNSEEN_KIND;
    prices
};

/// The schemas in CustomResourceDefinitions decode into structs of some forty fields, most of them empty, for as few bytes of
/// JSON as a map has. Not measured: they cost from what other built-in kinds do to as much as nested maps.
const SCHEMAS: Prices = {
    let mut prices = either(OTHER_BUILT_IN, MAPS);
    prices.spread = UNSEEN_KIND;
    prices
};

/// Maps in a custom resource, for each object at least, unless it is smaller than [`BYTES_PER_MAP`] allows: its metadata
/// have ten, with managed fields.
pub(super) const LEAST_MAPS_PER_OBJECT: u64 = 10;

/// Bytes of JSON for each map. The densest kind that was measured has one for 54 bytes, the other nested one for 65, and the
/// one of big strings for 494.
pub(super) const BYTES_PER_MAP: (f64, f64) = (50.0, 100.0);

/// Garbage that pages of chains leave, once for all of them: at most so much for each byte of the collection, and at most so
/// many bytes in all. With these, all 21 runs of chains are in their range: they left 46 to 512 MB, most where the server's
/// own heap was largest.
pub(super) const PAGE_GARBAGE_PER_BYTE: f64 = 60.0;
/// See [`PAGE_GARBAGE_PER_BYTE`].
pub(super) const PAGE_GARBAGE_BYTES: u64 = 520_000_000;

/// What comes with each LIST, if LISTs follow one another, against a burst; see [`estimate_sustained`](super::cost::estimate_sustained).
/// Seven runs of six LISTs at once, others waiting, hold 112 MB and 1.59 times what each holds in a burst; by the bounds
/// here they need up to 1.2, and the rest is for runs not seen.
pub(super) const TURNOVER: Bounds = (1.0, 1.25);

/// Garbage that an idle server's own heap allows for, in bytes, at most: 112 MB measured with 3,000 pods. It is more
/// where the server caches more.
pub(super) const STANDING_GARBAGE_BYTES: u64 = 150_000_000;

/// What the initial events of a watch hold, at most and at least: KEP-3157 aims at 2 MB, whatever the size of the list.
pub(super) const WATCH_BYTES: (u64, u64) = (1_000_000, 4_000_000);

/// The prices of a resource.
pub(super) fn prices(api_group: &str, resource: &str) -> &'static Prices {
    match (api_group, resource) {
        ("", "pods") | ("" | "events.k8s.io", "events") => &STRUCTS,
        ("", "configmaps" | "secrets") => &STRINGS,
        ("apiextensions.k8s.io", "customresourcedefinitions") => &SCHEMAS,
        _ if is_custom(api_group) => &MAPS,
        _ => &OTHER_BUILT_IN,
    }
}

const fn exactly(price: f64) -> Bounds {
    (price, price)
}

/// The smallest bounds that hold both.
const fn either(one: Prices, other: Prices) -> Prices {
    Prices {
        etcd: either_reading(one.etcd, other.etcd),
        cache: either_reading(one.cache, other.cache),
        json_buffer: hull(one.json_buffer, other.json_buffer),
        protobuf_buffer: hull(one.protobuf_buffer, other.protobuf_buffer),
        indentation: hull(one.indentation, other.indentation),
        spread: hull(one.spread, other.spread),
    }
}

const fn either_reading(one: Reading, other: Reading) -> Reading {
    Reading {
        once_per_byte: hull(one.once_per_byte, other.once_per_byte),
        once_per_map: hull(one.once_per_map, other.once_per_map),
        per_byte: hull(one.per_byte, other.per_byte),
        per_object: hull(one.per_object, other.per_object),
        per_map: hull(one.per_map, other.per_map),
    }
}

const fn hull(one: Bounds, other: Bounds) -> Bounds {
    (one.0.min(other.0), one.1.max(other.1))
}
