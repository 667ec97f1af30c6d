//! The memory estimates hold what was measured: by how much the resident memory of an apiserver rose over its base while
//! LISTs of all pods were in flight. `benches/memory_fit` has the measurements and fits the coefficients.

use std::fs;

use stormglass::kubernetes::{ListKind, Version};
use stormglass::memory::{
    Encoding, ListShape, MemoryCost, Range, Server, estimate_memory, estimate_response, estimate_sizes,
    estimate_sustained, sum_in_flight,
};

use crate::support::project;

/// Objects of a page.
const PAGE: u32 = 500;

/// A measured run: a line of `cells.csv`.
#[derive(Debug)]
struct Run {
    set: String,
    /// 1.36 as it comes; else LISTs read from etcd and encoded into a buffer, as up to 1.30.
    is_new: bool,
    /// `NextPage`: the client followed pages of 500 to the end.
    kind: ListKind,
    encoding: Encoding,
    pods: u32,
    /// JSON bytes of a pod, to two digits.
    object_bytes: u32,
    /// LISTs in flight at once, at most.
    in_flight: u32,
    rise_bytes: f64,
    cell: String,
}

fn runs() -> Vec<Run> {
    let text = fs::read_to_string(project("benches/memory_fit/cells.csv")).unwrap();
    text.lines().skip(1).map(Run::read).collect()
}

impl Run {
    fn read(line: &str) -> Self {
        let fields: Vec<_> = line.split(',').collect();
        let [set, profile, mode, encoding, pods, object_bytes, in_flight, _, rise_bytes, cell] = fields[..] else {
            unreachable!("ten columns, not {line}")
        };
        Self {
            set: set.to_owned(),
            is_new: profile == "v136",
            kind: match mode {
                "rv0" => ListKind::Cached,
                "limit500" => ListKind::NextPage,
                _ => ListKind::Full,
            },
            encoding: if encoding == "json" { Encoding::Json } else { Encoding::Protobuf },
            pods: pods.parse().unwrap(),
            object_bytes: object_bytes.parse().unwrap(),
            in_flight: in_flight.parse().unwrap(),
            rise_bytes: rise_bytes.parse().unwrap(),
            cell: cell.to_owned(),
        }
    }

    fn is_paged(&self) -> bool {
        self.kind == ListKind::NextPage
    }
}

impl Run {
    fn server(&self) -> Server {
        if self.is_new {
            Server { version: Some(Version::new(1, 36)), ..Server::default() }
        } else {
            Server {
                version: Some(Version::new(1, 33)),
                reads_lists_from_etcd: Some(true),
                streams_encoding: Some(false),
            }
        }
    }

    fn estimate(&self, server: &Server, encoding: Option<Encoding>) -> Range {
        sum_in_flight([(u64::from(self.in_flight), self.held(server, encoding))])
    }

    fn held(&self, server: &Server, encoding: Option<Encoding>) -> MemoryCost {
        let given = format!("pods={}x{}", self.pods, self.object_bytes).parse().unwrap();
        let limit = self.is_paged().then_some(u64::from(PAGE));
        let list = ListShape { limit, encoding, ..ListShape::of(self.kind) };
        let response = estimate_response(&list, &estimate_sizes(&[given], &[], &[])[0], None).unwrap();
        estimate_memory(&list, server, &response)
    }

    fn known_estimate(&self) -> Range {
        self.estimate(&self.server(), Some(self.encoding))
    }

    /// Sizes of pods are rounded, and so are coefficients.
    fn is_held_by(&self, range: Range) -> bool {
        let least = |bytes: u64| self.rise_bytes >= bytes_of(bytes) * 0.995;
        least(range.low) && range.high.is_some_and(|high| self.rise_bytes <= bytes_of(high) * 1.005)
    }
}

#[expect(clippy::cast_precision_loss, reason = "no server holds so much")]
fn bytes_of(bytes: u64) -> f64 {
    bytes as f64
}

#[test]
fn capped_runs_lie_in_their_sustained_estimate() {
    let runs = runs();
    let checked: Vec<_> = runs.iter().filter(|run| run.set == "capped" || run.cell.contains("C3-hardcap")).collect();
    assert_eq!(checked.len(), 9);
    for run in checked {
        let range = sum_in_flight([(
            u64::from(run.in_flight),
            estimate_sustained(run.held(&run.server(), Some(run.encoding))),
        )]);
        assert!(run.is_held_by(range), "{run:?}: {range:?}");
    }
}

#[test]
fn every_run_of_a_burst_lies_in_its_estimate() {
    for run in runs().iter().filter(|run| run.set == "burst") {
        let range = run.known_estimate();
        assert!(run.is_held_by(range), "{run:?}: {range:?}");
    }
}

/// A range that holds everything says nothing.
#[test]
fn estimates_are_narrow() {
    for run in runs().iter().filter(|run| run.set == "burst") {
        let range = run.known_estimate();
        // Pages vary more, and from the old cache as protobuf there is only one run.
        let is_single = !run.is_new && run.kind == ListKind::Cached && run.encoding == Encoding::Protobuf;
        let most = if run.is_paged() || is_single { 8 } else { 2 };
        assert!(range.high.unwrap() <= range.low * most, "{run:?}: {range:?}");
    }
}

#[test]
fn what_is_unknown_of_the_server_and_the_client_widens_the_estimate() {
    for run in runs().iter().filter(|run| run.set == "burst") {
        let range = run.estimate(&Server::default(), None);
        assert!(run.is_held_by(range) && range.union(run.known_estimate()) == range, "{run:?}: {range:?}");
    }
}

/// Fifty LISTs of 10,000 pods got the server killed at 12.9 GB, and would have gone on.
#[test]
fn the_run_that_was_killed_is_the_most_expensive() {
    let killed = Run::read("killed,legacy,unset,json,10000,5000,50,50,0,");
    let low = killed.known_estimate().low;
    assert!(low > 12_000_000_000, "{low}");
}
