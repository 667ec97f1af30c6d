//! What LISTs cost in memory, fitted to a real kube-apiserver.
//!
//! Measured were 82 runs of a 1.36 apiserver (two CPUs, GOGC as it comes, no GOMEMLIMIT) on 1,000 to 10,000 pods of 5
//! or 17 kB: 1 to 50 LISTs at once from a user that APF exempts, and by how much the resident memory rose over its
//! base. Old ways were measured on the same server, with the gates of the new ones turned off. Each fit minimises the
//! relative error; its bounds are those that hold every run. With `n` LISTs in flight of `b` bytes (JSON, whatever is
//! sent) and `o` objects each, in kB per object:
//!
//! ```text
//! way                       fit                             measured / fitted   rms   runs
//! etcd, buffered, JSON      (7.0 + 7.3 n) b                 0.78 to 1.32        17 %  20
//! etcd, buffered, protobuf  (14 + 4.0 n) b                  0.83 to 1.17        14 %   6
//! cache, buffered, JSON     (7.5 + 4.2 n) b                 0.88 to 1.13         8 %   6
//! cache, streamed           2.05 b + n (5.3 o + 0.2 b)      0.84 to 1.33        11 %  36
//! ```
//!
//! Two things follow. The part without `n` is garbage that the collector has not met yet: it comes once, however many
//! LISTs there are ([`Slack`]), and explains why one LIST alone seems to cost twice its share. And on the new way the
//! price is per object, not per byte: thirty lists of pods of 17 kB cost 15 % more than as many of pods of 5 kB, and
//! JSON no more than protobuf, as what is held is a copy of each object's outermost struct.
//!
//! Pages fit the same prices on the bytes of a page, but for more slack, as the garbage of all earlier pages is added:
//! 14 to 180 pages' worth on the old way (6 runs), 14 to 60 on the new one (7 runs). One run was made of the watch
//! cache with protobuf in a buffer; it lies where its neighbours say: between streaming, and streaming plus the buffer.
//!
//! More CPUs encode more responses at once, so expect the upper half there. Each run was made once; repeats of similar
//! ones differed by 10 to 15 %. Compressed responses were not measured.

use super::held::Encoding;
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
    pub(super) slack: Slack,
}

/// Garbage not yet collected, once for all LISTs in flight, for each byte of one of them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slack {
    pub(super) of_whole: Bounds,
    pub(super) of_page: Bounds,
}

const NONE: Bounds = (0.0, 0.0);

/// Objects decoded from etcd, with what etcd sent: all that the run with protobuf needs, as its own buffer is small.
const READ: Bounds = (3.3, 4.7);

const ETCD_PROTOBUF: Coefficients = Coefficients {
    per_read_byte: READ,
    per_byte: NONE,
    per_object: NONE,
    slack: Slack { of_whole: (11.6, 16.4), of_page: (14.0, 180.0) },
};

/// JSON takes 5.6 to 9.7 in all, so beside [`READ`] the rest goes to encoding what is returned.
const ETCD_JSON: Coefficients = Coefficients {
    per_read_byte: READ,
    per_byte: (2.3, 5.0),
    per_object: NONE,
    slack: Slack { of_whole: (5.5, 9.2), of_page: (14.0, 180.0) },
};

/// Not measured. KEP-3157 counts five copies of what etcd sent on the old way; without the buffer, three or four
/// remain.
const ETCD_STREAMED: Coefficients = Coefficients {
    per_read_byte: (2.0, 4.7),
    per_byte: (0.0, 0.3),
    per_object: NONE,
    slack: Slack { of_whole: (3.3, 16.4), of_page: (14.0, 180.0) },
};

const CACHE_JSON: Coefficients = Coefficients {
    per_read_byte: NONE,
    per_byte: (3.6, 4.8),
    per_object: NONE,
    slack: Slack { of_whole: (6.6, 8.5), of_page: (14.0, 180.0) },
};

/// Streaming, and at most a buffer of protobuf besides (0.77 bytes for each of JSON).
const CACHE_PROTOBUF: Coefficients = Coefficients {
    per_read_byte: NONE,
    per_byte: (0.16, 1.05),
    per_object: (4_450.0, 7_050.0),
    slack: Slack { of_whole: (1.7, 8.5), of_page: (14.0, 180.0) },
};

const CACHE_STREAMED: Coefficients = Coefficients {
    per_read_byte: NONE,
    per_byte: (0.16, 0.27),
    per_object: (4_450.0, 7_050.0),
    slack: Slack { of_whole: (1.7, 2.75), of_page: (14.0, 60.0) },
};

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
