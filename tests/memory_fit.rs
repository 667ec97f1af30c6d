//! The memory estimates hold what was measured: by how much the resident memory of an apiserver rose over its base while
//! LISTs were in flight. `benches/memory_fit` has the measurements and fits the coefficients.

use std::fs;

use stormglass::kubernetes::{ListKind, Version};
use stormglass::memory::{
    Encoding, ListShape, MemoryCost, Range, Server, estimate_memory, estimate_response, estimate_sizes,
    estimate_sustained, sum_in_flight,
};

use crate::support::project;

/// The group that custom resources are taken to be of.
const GROUP: &str = "example.com";

/// A measured run: a line of `cells.csv`.
#[derive(Debug)]
struct Run {
    set: String,
    /// `legacy`: 1.36 with LISTs read from etcd and encoded into a buffer, as up to 1.30; `v136`: as it comes;
    /// `etcd-streamed`: read from etcd, encoded object by object.
    profile: String,
    /// `NextPage`: the client followed pages of 500 to the end.
    kind: ListKind,
    encoding: Encoding,
    /// `plain`, `gzip`, `curl` (indented), `table` or `meta`.
    form: String,
    resource: String,
    objects: u32,
    /// JSON bytes of an object, of pods to two digits.
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

/// Runs of whole objects without a limit on how many LISTs run at once.
fn free_runs() -> Vec<Run> {
    let mut runs = runs();
    runs.retain(|run| matches!(run.set.as_str(), "burst" | "series") && !matches!(run.form.as_str(), "table" | "meta"));
    runs
}

impl Run {
    fn read(line: &str) -> Self {
        let fields: Vec<_> = line.split(',').collect();
        let [set, profile, mode, encoding, form, resource, objects, object_bytes, in_flight, _, rise_bytes, cell] =
            fields[..]
        else {
            unreachable!("twelve columns, not {line}")
        };
        Self {
            set: set.to_owned(),
            profile: profile.to_owned(),
            kind: match mode {
                "rv0" => ListKind::Cached,
                "limit500" => ListKind::NextPage,
                "whole500" => ListKind::FirstPage,
                _ => ListKind::Full,
            },
            encoding: if encoding == "json" { Encoding::Json } else { Encoding::Protobuf },
            form: form.to_owned(),
            resource: resource.to_owned(),
            objects: objects.parse().unwrap(),
            object_bytes: object_bytes.parse().unwrap(),
            in_flight: in_flight.parse().unwrap(),
            rise_bytes: rise_bytes.parse().unwrap(),
            cell: cell.to_owned(),
        }
    }

    fn is_paged(&self) -> bool {
        self.kind == ListKind::NextPage
    }

    fn is_custom(&self) -> bool {
        matches!(self.resource.as_str(), "widgets" | "gadgets" | "blobs")
    }

    fn server(&self) -> Server {
        let old = |streams| Server {
            version: Some(Version::new(1, 33)),
            reads_lists_from_etcd: Some(true),
            streams_encoding: Some(streams),
        };
        match self.profile.as_str() {
            "v136" => Server { version: Some(Version::new(1, 36)), ..Server::default() },
            profile => old(profile != "legacy"),
        }
    }

    fn estimate(&self, server: &Server, encoding: Option<Encoding>) -> Range {
        let held = self.held(server, encoding, self.form == "curl");
        let held = if self.set == "series" || self.set == "capped" { estimate_sustained(held) } else { held };
        sum_in_flight([(u64::from(self.in_flight), held)])
    }

    fn held(&self, server: &Server, encoding: Option<Encoding>, is_pretty: bool) -> MemoryCost {
        let api_group = if self.is_custom() { GROUP } else { "" };
        let name = if self.is_custom() { format!("{}.{GROUP}", self.resource) } else { self.resource.clone() };
        let given = format!("{name}={}x{}", self.objects, self.object_bytes).parse().unwrap();
        let limit = (self.is_paged() || self.kind == ListKind::FirstPage).then_some(500);
        let list =
            ListShape { api_group, resource: &self.resource, limit, encoding, is_pretty, ..ListShape::of(self.kind) };
        let response = estimate_response(&list, &estimate_sizes(&[given], &[], &[])[0], None).unwrap();
        estimate_memory(&list, server, &response)
    }

    fn known_estimate(&self) -> Range {
        self.estimate(&self.server(), Some(self.encoding))
    }

    /// Sizes of pods are rounded, and so are coefficients.
    fn is_held_by(&self, range: Range) -> bool {
        let least = |bytes: u64| self.rise_bytes >= bytes_of(bytes) * 0.99;
        least(range.low) && range.high.is_some_and(|high| self.rise_bytes <= bytes_of(high) * 1.01)
    }
}

#[expect(clippy::cast_precision_loss, reason = "no server holds so much")]
fn bytes_of(bytes: u64) -> f64 {
    bytes as f64
}

fn width(range: Range) -> f64 {
    bytes_of(range.high.unwrap()) / bytes_of(range.low.max(1))
}

#[test]
fn capped_runs_lie_in_their_sustained_estimate() {
    let runs = runs();
    let checked: Vec<_> = runs.iter().filter(|run| run.set == "capped" || run.cell.contains("C3-hardcap")).collect();
    assert_eq!(checked.len(), 9);
    for run in checked {
        let held = estimate_sustained(run.held(&run.server(), Some(run.encoding), false));
        let range = sum_in_flight([(u64::from(run.in_flight), held)]);
        assert!(run.is_held_by(range), "{run:?}: {range:?}");
    }
}

#[test]
fn every_run_lies_in_its_estimate() {
    let runs = free_runs();
    assert_eq!(runs.len(), 217);
    for run in runs {
        let range = run.known_estimate();
        assert!(run.is_held_by(range), "{run:?}: {range:?}");
    }
}

/// A range that holds everything says nothing.
#[test]
fn estimates_are_narrow() {
    let mut widths: Vec<_> = free_runs().iter().map(|run| width(run.known_estimate())).collect();
    widths.sort_by(f64::total_cmp);
    assert!(widths[widths.len() / 2] <= 4.0, "{}", widths[widths.len() / 2]);
    for run in free_runs().iter().filter(|run| run.set == "burst" && !run.is_paged()) {
        let range = run.known_estimate();
        let most = match run.resource.as_str() {
            "pods" | "events" => 2.0,
            // All that a LIST of big strings from the cache leaves is garbage.
            "configmaps" | "secrets" => 6.0,
            // From etcd, structs or maps cost nearly the same; from the cache, the number of maps decides.
            _ if run.profile == "v136" => 24.0,
            _ => 9.0,
        };
        assert!(width(range) <= most, "{run:?}: {range:?}, {}", width(range));
    }
}

/// A custom resource of big strings and one of nested maps are as far apart as their range says, and no log has more.
#[test]
fn the_number_of_maps_decides_what_custom_resources_cost() {
    let runs = free_runs();
    let per_byte = |resource: &str| {
        let run = runs.iter().find(|run| run.cell == format!("v136-{resource}-unset-json-c10")).unwrap();
        run.rise_bytes / f64::from(run.objects) / f64::from(run.object_bytes) / 10.0
    };
    assert!(per_byte("widgets") > 6.0 * per_byte("blobs"));
    assert!(per_byte("gadgets") > 7.0 * per_byte("blobs"));
}

#[test]
fn what_is_unknown_of_the_server_and_the_client_widens_the_estimate() {
    for run in free_runs().iter().filter(|run| run.form != "curl") {
        let range = run.estimate(&Server::default(), None);
        assert!(run.is_held_by(range) && range.union(run.known_estimate()) == range, "{run:?}: {range:?}");
    }
}

/// Fifty LISTs of 10,000 pods got the server killed at 12.9 GB, and would have gone on.
#[test]
fn the_run_that_was_killed_is_the_most_expensive() {
    let killed = Run::read("killed,legacy,unset,json,plain,pods,10000,5000,50,50,0,");
    let low = killed.known_estimate().low;
    assert!(low > 12_000_000_000, "{low}");
}

/// What storms on a real server held at their peak: the LISTs in flight, of all that the log has, and by how much memory had
/// risen.
#[test]
fn storms_on_a_real_server_lie_in_their_estimate() {
    let storm = |profile: &str, resource: &str, (objects, object_bytes): (u32, u32), in_flight, rise_bytes| {
        let line =
            format!("storm,{profile},unset,json,plain,{resource},{objects},{object_bytes},{in_flight},0,{rise_bytes},");
        let run = Run::read(&line);
        // A fourth of the clients asks for resourceVersion=0, and nobody says how responses are encoded.
        let cached = Run { kind: ListKind::Cached, ..Run::read(&line) };
        let held = |run: &Run| run.held(&run.server(), None, false);
        let range = sum_in_flight([(in_flight, estimate_sustained(held(&run).union(held(&cached))))]);
        assert!(run.is_held_by(range), "{line} {range:?}");
    };
    storm("legacy", "configmaps", (2_004, 9_427), 41, 3_946_000_000_u64);
    storm("v136", "configmaps", (2_004, 9_427), 42, 202_000_000);
    storm("legacy", "widgets", (1_500, 7_069), 39, 9_500_000_000);
    storm("legacy", "widgets", (1_500, 7_069), 39, 10_300_000_000);
}
