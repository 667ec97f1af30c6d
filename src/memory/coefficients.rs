//! What LISTs cost in memory, fitted to a real kube-apiserver.
//!
//! Measured were 82 runs of a 1.36 apiserver (two CPUs, GOGC as it comes, no GOMEMLIMIT) on 1,000 to 10,000 pods of 5
//! or 17 kB: 1 to 50 LISTs at once from a user that APF exempts, and by how much the resident memory rose over its
//! base. Old ways were measured on the same server, with the gates of the new ones turned off. `benches/memory_fit` makes
//! the lines, by the least squares of the relative error, and keeps them in its `fit.txt`. With `n` LISTs
//! in flight of `b` bytes (JSON, whatever is sent) and `o` objects each, in kB per object:
//!
//! ```text
//! way                       fit                             measured / fitted   rms   runs
//! etcd, buffered, JSON      (7.4 + 7.3 n) b                 0.78 to 1.32        16 %  20
//! etcd, buffered, protobuf  (7.4 + 4.2 n) b                 0.81 to 1.26        18 %   6
//! cache, buffered, JSON     (7.5 + 4.2 n) b                 0.88 to 1.13         8 %   6
//! cache, streamed           2.1 b + n (5.2 o + 0.21 b)      0.83 to 1.33        11 %  36
//! ```
//!
//! The bounds are each line times 0.78 and 1.335, the spread of all lines: six runs prove no narrower one. All runs lie
//! in them. Of ranges made without the run in question, 75 of 82 hold it (73 with the spread of its own line), and the
//! line errs by 15 % on average.
//!
//! Three things follow. The part without `n` is garbage that the collector has not met yet: it comes once, however many
//! LISTs there are ([`GarbageFactors`]). It is the same for both encodings from etcd, which share a line but for the JSON: by
//! themselves six runs of protobuf, none of fewer than 10 LISTs, would put it at 27 `b`, twice what one LIST in JSON
//! needs in all. And on the new way the price is per object, not per byte: thirty lists of pods of 17 kB cost 15 % more
//! than as many of pods of 5 kB, and JSON no more than protobuf, as what is held is a copy of each object's outermost
//! struct.
//!
//! Pages fit the same prices on the bytes of a page, but for more garbage, as the garbage of all earlier pages is added:
//! 61 to 174 pages' worth on the old way (6 runs), 18 to 71 on the new one (7 runs). The bounds begin lower, as who
//! follows fewer pages leaves less. One run was made of the watch cache with protobuf in a buffer; it lies 6 % above
//! streaming.
//!
//! More CPUs encode more responses at once, so expect the upper half there. Each run was made once; repeats of similar
//! ones differed by 10 to 15 %. Compressed responses were not measured.

use super::cost::Encoding;
use super::routes::Route;

/// Lowest and highest.
pub(super) type Bounds = (f64, f64);

/// What a LIST costs on a way through the server.
#[derive(Clone, Copy, Debug)]
pub(super) struct Coefficients {
    /// Bytes held for each byte (in JSON) that is read from etcd.
    pub(super) per_read_byte: Bounds,
    /// Bytes held for each byte of the response (in JSON).
    pub(super) per_byte: Bounds,
    /// Bytes held for each object of the response, if they are pods.
    pub(super) per_object: Bounds,
    pub(super) shared_garbage: GarbageFactors,
}

/// Garbage not yet collected, once for all LISTs in flight, for each byte of one of them.
#[derive(Clone, Copy, Debug)]
pub(super) struct GarbageFactors {
    pub(super) per_whole_byte: Bounds,
    pub(super) per_page_byte: Bounds,
}

const NONE: Bounds = (0.0, 0.0);

/// Objects decoded from etcd, with what etcd sent: all that the run with protobuf needs, as its own buffer is small.
const READ: Bounds = (3.3, 5.7);

const ETCD_PROTOBUF: Coefficients = Coefficients {
    per_read_byte: READ,
    per_byte: NONE,
    per_object: NONE,
    shared_garbage: GarbageFactors { per_whole_byte: (5.7, 9.9), per_page_byte: (14.0, 174.0) },
};

/// JSON takes 5.6 to 9.7 in all: what it takes beside [`READ`] goes to encoding what is returned.
const ETCD_JSON: Coefficients = Coefficients {
    per_read_byte: READ,
    per_byte: (2.3, 4.0),
    per_object: NONE,
    shared_garbage: GarbageFactors { per_whole_byte: (5.7, 9.9), per_page_byte: (14.0, 174.0) },
};

/// Not measured. KEP-3157 counts five copies of what etcd sent on the old way; without the buffer, three or four
/// remain.
const ETCD_STREAMED: Coefficients = Coefficients {
    per_read_byte: (2.0, 5.7),
    per_byte: (0.0, 0.3),
    per_object: NONE,
    shared_garbage: GarbageFactors { per_whole_byte: (3.3, 9.9), per_page_byte: (14.0, 174.0) },
};

const CACHE_JSON: Coefficients = Coefficients {
    per_read_byte: NONE,
    per_byte: (3.2, 5.6),
    per_object: NONE,
    shared_garbage: GarbageFactors { per_whole_byte: (5.8, 10.0), per_page_byte: (14.0, 174.0) },
};

/// Streaming, and at most a buffer of protobuf besides (0.77 bytes for each of JSON).
const CACHE_PROTOBUF: Coefficients = Coefficients {
    per_read_byte: NONE,
    per_byte: (0.16, 1.06),
    per_object: (4_050.0, 6_950.0),
    shared_garbage: GarbageFactors { per_whole_byte: (1.6, 10.0), per_page_byte: (14.0, 174.0) },
};

const CACHE_STREAMED: Coefficients = Coefficients {
    per_read_byte: NONE,
    per_byte: (0.16, 0.29),
    per_object: (4_050.0, 6_950.0),
    shared_garbage: GarbageFactors { per_whole_byte: (1.6, 2.8), per_page_byte: (14.0, 71.0) },
};

/// What comes with each LIST, if LISTs follow one another, against a burst; see [`estimate_sustained`](super::cost::estimate_sustained).
/// Seven runs of six LISTs at once, others waiting, hold 118 MB and 1.54 times the line's part with `n`; by the bounds
/// here they need up to 1.2, and the rest is for runs not seen.
pub(super) const TURNOVER: Bounds = (1.0, 1.25);

/// Garbage that an idle server's own heap allows for, in bytes, at most: 118 MB measured with 3,000 pods. It is more
/// where the server caches more.
pub(super) const STANDING_GARBAGE_BYTES: u64 = 150_000_000;

/// What the initial events of a watch hold, at most and at least: KEP-3157 aims at 2 MB, whatever the size of the list.
pub(super) const WATCH_BYTES: (u64, u64) = (1_000_000, 4_000_000);

/// Pods have the largest struct of all kinds; of others a copy takes as little as this, against a pod's. Not measured.
pub(super) const SMALLER_STRUCTS: f64 = 0.25;

/// Custom resources decode into maps, which are bigger than structs by up to this. Not measured.
pub(super) const MAPS_FOR_STRUCTS: f64 = 2.0;

/// The prices of a way; `None` for a watch, which has but one.
pub(super) const fn coefficients(route: Route, encoding: Encoding) -> Option<&'static Coefficients> {
    Some(match (route, encoding) {
        (Route::EtcdBuffered, Encoding::Json) => &ETCD_JSON,
        (Route::EtcdBuffered, Encoding::Protobuf) => &ETCD_PROTOBUF,
        (Route::EtcdStreamed, _) => &ETCD_STREAMED,
        (Route::CacheBuffered, Encoding::Json) => &CACHE_JSON,
        (Route::CacheBuffered, Encoding::Protobuf) => &CACHE_PROTOBUF,
        (Route::CacheStreamed, _) => &CACHE_STREAMED,
        (Route::Watch, _) => return None,
    })
}
