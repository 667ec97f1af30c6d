//! What was measured: by how many MB an apiserver's resident memory rose over its base while so many LISTs of all pods
//! were in flight. The fits in `coefficients` rest on these runs, and must hold every one of them.

use super::answer::{ListShape, answer};
use super::held::Encoding::{self, Json, Protobuf};
use super::held::{held, together};
use super::range::Range;
use super::routes::Server;
use super::sizes::sizes;
use crate::requests::ListKind::{self, Cached, Full, NextPage};

/// Which profile of the server.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Profile {
    /// 1.36 as it comes.
    New,
    /// LISTs read from etcd, encoded into a buffer, as up to 1.30.
    Old,
}
use Profile::{New, Old};

#[derive(Clone, Copy, Debug)]
struct Cell {
    profile: Profile,
    /// `NextPage`: the client followed pages of 500 to the end.
    kind: ListKind,
    encoding: Encoding,
    pods: u64,
    /// JSON bytes of a pod.
    object_bytes: u64,
    /// LISTs in flight.
    concurrency: u64,
    measured_mb: u64,
}

const fn cell(
    profile: Profile,
    kind: ListKind,
    encoding: Encoding,
    pods: u64,
    object_bytes: u64,
    concurrency: u64,
    measured_mb: u64,
) -> Cell {
    Cell { profile, kind, encoding, pods, object_bytes, concurrency, measured_mb }
}

#[rustfmt::skip]
const CELLS: [Cell; 82] = [
    cell(Old, Full, Json, 1_000, 5_000, 1, 77),
    cell(Old, Full, Json, 1_000, 5_000, 5, 256),
    cell(Old, Full, Json, 1_000, 5_000, 10, 420),
    cell(Old, Full, Json, 1_000, 5_000, 30, 1_020),
    cell(Old, Full, Json, 1_000, 5_000, 50, 1_445),
    cell(Old, Full, Json, 2_000, 5_000, 1, 184),
    cell(Old, Full, Json, 2_000, 5_000, 5, 542),
    cell(Old, Full, Json, 2_000, 5_000, 10, 727),
    cell(Old, Full, Json, 2_000, 5_000, 30, 2_406),
    cell(Old, Full, Json, 2_000, 5_000, 50, 3_232),
    cell(Old, Full, Json, 3_000, 5_000, 1, 186),
    cell(Old, Full, Json, 3_000, 5_000, 10, 1_569),
    cell(Old, Full, Json, 3_000, 5_000, 30, 3_937),
    cell(Old, Full, Json, 3_000, 5_000, 50, 5_518),
    cell(Old, Full, Json, 10_000, 5_000, 1, 657),
    cell(Old, Full, Json, 10_000, 5_000, 5, 2_669),
    cell(Old, Full, Json, 10_000, 5_000, 10, 5_269),
    cell(Old, Full, Json, 10_000, 5_000, 30, 9_699),
    cell(Old, Full, Json, 3_000, 17_000, 1, 644),
    cell(Old, Full, Json, 3_000, 17_000, 10, 5_046),
    cell(Old, Full, Protobuf, 1_000, 5_000, 10, 310),
    cell(Old, Full, Protobuf, 1_000, 5_000, 50, 1_233),
    cell(Old, Full, Protobuf, 2_000, 5_000, 10, 582),
    cell(Old, Full, Protobuf, 2_000, 5_000, 50, 1_778),
    cell(Old, Full, Protobuf, 3_000, 5_000, 50, 2_824),
    cell(Old, Full, Protobuf, 10_000, 5_000, 10, 3_151),
    cell(Old, Cached, Json, 1_000, 5_000, 10, 279),
    cell(Old, Cached, Json, 1_000, 5_000, 50, 1_041),
    cell(Old, Cached, Json, 2_000, 5_000, 10, 523),
    cell(Old, Cached, Json, 2_000, 5_000, 50, 2_184),
    cell(Old, Cached, Json, 3_000, 5_000, 50, 3_377),
    cell(Old, Cached, Json, 10_000, 5_000, 10, 2_173),
    cell(Old, Cached, Protobuf, 1_000, 5_000, 50, 343),
    cell(Old, NextPage, Json, 1_000, 5_000, 10, 335),
    cell(Old, NextPage, Json, 1_000, 5_000, 50, 1_206),
    cell(Old, NextPage, Json, 2_000, 5_000, 10, 431),
    cell(Old, NextPage, Json, 3_000, 5_000, 30, 731),
    cell(Old, NextPage, Json, 10_000, 5_000, 5, 524),
    cell(Old, NextPage, Protobuf, 1_000, 5_000, 50, 888),
    cell(New, Full, Json, 1_000, 5_000, 1, 16),
    cell(New, Full, Json, 1_000, 5_000, 5, 40),
    cell(New, Full, Json, 1_000, 5_000, 10, 81),
    cell(New, Full, Json, 1_000, 5_000, 30, 265),
    cell(New, Full, Json, 1_000, 5_000, 50, 369),
    cell(New, Full, Json, 2_000, 5_000, 1, 32),
    cell(New, Full, Json, 2_000, 5_000, 5, 83),
    cell(New, Full, Json, 2_000, 5_000, 10, 139),
    cell(New, Full, Json, 2_000, 5_000, 30, 456),
    cell(New, Full, Json, 2_000, 5_000, 50, 675),
    cell(New, Full, Json, 3_000, 5_000, 1, 51),
    cell(New, Full, Json, 3_000, 5_000, 10, 274),
    cell(New, Full, Json, 3_000, 5_000, 30, 651),
    cell(New, Full, Json, 3_000, 5_000, 50, 929),
    cell(New, Full, Json, 10_000, 5_000, 1, 177),
    cell(New, Full, Json, 10_000, 5_000, 5, 381),
    cell(New, Full, Json, 10_000, 5_000, 10, 662),
    cell(New, Full, Json, 10_000, 5_000, 30, 1_878),
    cell(New, Full, Json, 3_000, 17_000, 1, 132),
    cell(New, Full, Json, 3_000, 17_000, 10, 459),
    cell(New, Full, Json, 3_000, 17_000, 30, 749),
    cell(New, Full, Protobuf, 1_000, 5_000, 10, 71),
    cell(New, Full, Protobuf, 1_000, 5_000, 50, 287),
    cell(New, Full, Protobuf, 2_000, 5_000, 10, 128),
    cell(New, Full, Protobuf, 2_000, 5_000, 50, 704),
    cell(New, Full, Protobuf, 3_000, 5_000, 50, 873),
    cell(New, Full, Protobuf, 10_000, 5_000, 10, 684),
    cell(New, Cached, Json, 1_000, 5_000, 10, 79),
    cell(New, Cached, Json, 1_000, 5_000, 50, 381),
    cell(New, Cached, Json, 2_000, 5_000, 10, 158),
    cell(New, Cached, Json, 2_000, 5_000, 50, 654),
    cell(New, Cached, Json, 3_000, 5_000, 50, 930),
    cell(New, Cached, Json, 10_000, 5_000, 10, 741),
    cell(New, Cached, Json, 3_000, 17_000, 10, 455),
    cell(New, Cached, Protobuf, 1_000, 5_000, 50, 284),
    cell(New, Cached, Protobuf, 2_000, 5_000, 50, 660),
    cell(New, NextPage, Json, 1_000, 5_000, 10, 77),
    cell(New, NextPage, Json, 1_000, 5_000, 50, 263),
    cell(New, NextPage, Json, 2_000, 5_000, 10, 117),
    cell(New, NextPage, Json, 2_000, 5_000, 50, 334),
    cell(New, NextPage, Json, 3_000, 5_000, 30, 249),
    cell(New, NextPage, Protobuf, 1_000, 5_000, 50, 264),
    cell(New, NextPage, Protobuf, 2_000, 5_000, 50, 333),
];

impl Cell {
    fn server(&self) -> Server {
        match self.profile {
            New => Server { version: Some((1, 36)), ..Server::default() },
            Old => Server { version: Some((1, 33)), reads_lists_from_etcd: Some(true), streams_encoding: Some(false) },
        }
    }

    fn estimate(&self, server: &Server, encoding: Option<Encoding>) -> Range {
        let given = format!("pods={}x{}", self.pods, self.object_bytes).parse().unwrap();
        let limit = (self.kind == NextPage).then_some(500);
        let list = ListShape { limit, encoding, ..ListShape::of(self.kind) };
        let answer = answer(&list, &sizes(&[given], &[], &[])[0], None).unwrap();
        together([(self.concurrency, held(&list, server, &answer))])
    }
}

fn holds(range: Range, mb: u64) -> bool {
    // The measured numbers are rounded, and so are the sizes of pods.
    range.low <= (mb + 1) * 1_000_000 && range.high.is_some_and(|high| high >= (mb - 1) * 1_000_000)
}

#[test]
fn every_measured_run_lies_in_its_estimate() {
    for cell in CELLS {
        let range = cell.estimate(&cell.server(), Some(cell.encoding));
        assert!(holds(range, cell.measured_mb), "{cell:?}: {range:?}");
    }
}

/// A range that holds everything says nothing.
#[test]
fn estimates_are_narrow() {
    for cell in CELLS {
        let range = cell.estimate(&cell.server(), Some(cell.encoding));
        let (low, high) = (range.low, range.high.unwrap());
        let is_measured_well = cell.kind != NextPage && !(cell.kind == Cached && cell.encoding == Protobuf);
        let most = if is_measured_well { 2 } else { 8 };
        assert!(high <= low * most, "{cell:?}: {range:?}");
    }
}

#[test]
fn what_is_unknown_of_the_server_and_the_client_widens_the_range() {
    for cell in CELLS {
        let range = cell.estimate(&Server::default(), None);
        let known = cell.estimate(&cell.server(), Some(cell.encoding));
        assert!(holds(range, cell.measured_mb) && range.union(known) == range, "{cell:?}: {range:?}");
    }
}

/// Fifty LISTs of 10,000 pods got the server killed at 12.9 GB, and would have gone on.
#[test]
fn the_run_that_was_killed_is_the_most_expensive() {
    let killed = cell(Old, Full, Json, 10_000, 5_000, 50, 0);
    let low = killed.estimate(&killed.server(), Some(Json)).low;
    assert!(low > 12_000_000_000, "{low}");
}
