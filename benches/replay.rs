//! How fast requests are replayed: a log of a default cluster through its default configuration, on one core.
//!
//! `cargo bench --bench replay`. Items are requests.

use divan::Bencher;
use divan::counter::ItemsCount;
use stormglass::apf::{Features, WorkEstimate, compute_limits, default_config};
use stormglass::kubernetes::Version;
use stormglass::simulation::{
    ClassifiedFlow, ListCapacity, ReplayAssumptions, RequestKind, Scenario, ServerMemory, Service, Traffic,
    TrafficRequest, replay, summarize_outcome,
};

const VERSION: Version = Version::new(1, 36);
const REQUESTS: u64 = 1_000_000;
/// Requests a second.
const RATE: u64 = 500;
const SECOND: u64 = 1_000_000_000;

fn main() {
    divan::main();
}

/// Requests of 200 users on the levels where a cluster's requests go, each of a few milliseconds; `busy` in a hundred hold
/// their seats so long that others wait.
fn traffic(kinds: &[RequestKind], busy: u64) -> Traffic {
    let kind_count = u64::try_from(kinds.len()).unwrap_or(1);
    let request = |at: u64| {
        // Multiplying by an odd number spreads consecutive ones.
        let mixed = at.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        let service_ns = if mixed % 100 < busy { 20 * SECOND } else { 1_000_000 + mixed % 9_000_000 };
        TrafficRequest {
            received_ns: at * SECOND / RATE,
            service: Service::Fixed(service_ns),
            kind: u32::try_from(mixed % kind_count).unwrap_or_default(),
            client: u32::try_from(mixed % 50).unwrap_or_default(),
            list: None,
        }
    };
    Traffic { requests: (0..REQUESTS).map(request).collect(), ..Traffic::default() }
}

fn scenario() -> Scenario {
    let config = default_config(VERSION);
    let features = Features::for_version(VERSION);
    let limits = compute_limits(&config.priority_levels, 600, &features);
    let work = WorkEstimate { initial_seats: 1, final_seats: 0, additional_latency_nanos: 0 };
    let users: Vec<String> = (0..200).map(|user| format!("system:serviceaccount:team:{user}")).collect();
    let levels = ["workload-low", "workload-high", "global-default", "node-high", "exempt"];
    let placed = users.iter().zip(levels.iter().cycle()).map(|(user, level)| ClassifiedFlow {
        flow_schema: level,
        priority_level: level,
        flow_distinguisher: Some(user),
        passes_by: false,
        works: [work; 2],
        timeout_secs: None,
    });
    Scenario::new(&config, &limits, placed, &features)
}

/// As most logs are, and with levels that are full all the time.
#[divan::bench(args = [0, 10])]
fn requests(bencher: Bencher<'_, '_>, busy_percent: u64) {
    let scenario = scenario();
    let traffic = traffic(&scenario.kinds, busy_percent);
    let assumptions = ReplayAssumptions::draw(0, &ListCapacity::unlimited());
    bencher.counter(ItemsCount::new(REQUESTS)).bench_local(|| {
        let run = replay(&traffic, &[], &scenario, &assumptions, ServerMemory::default());
        summarize_outcome(&traffic, &scenario, &run)
    });
}
