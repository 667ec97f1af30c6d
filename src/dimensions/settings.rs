//! What the logs cannot tell about their cluster: rules for clients, sizes, the server's metrics, its APF configuration.

use crate::apf::{Config, DEFAULT_SERVER_CONCURRENCY, Features, NEWEST_KNOWN, UnknownGate};
use crate::audit::Micros;
use crate::clients::Catalogue;
use crate::kubernetes::Version;
use crate::memory::{Given, Server, Snapshot};
use crate::tables::ApiserverDecisionRow;

/// What is known about a cluster from outside its logs. The default is: nothing, and the built-in rules for clients.
#[derive(Debug)]
pub struct Settings {
    /// The rules that classify clients.
    pub catalogue: Catalogue,
    /// Sizes given by hand.
    pub given: Vec<Given>,
    /// The apiservers' metrics.
    pub metrics: Vec<DatedMetrics>,
    /// What is given about the server.
    pub server: Server,
    /// API Priority and Fairness.
    pub apf: ApfSettings,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            catalogue: Catalogue::embedded(),
            given: Vec::new(),
            metrics: Vec::new(),
            server: Server::default(),
            apf: ApfSettings::default(),
        }
    }
}

impl Settings {
    /// The server's version and the feature gates that decide seats, where no log is at hand: the version as given, else
    /// as the metrics have it; the gates as the metrics have them.
    pub fn version_and_gates(&self) -> (Option<Version>, Vec<(String, bool)>) {
        let measured = measured_server(self.metrics.iter().map(|metrics| &metrics.snapshot));
        (self.server.version.or(measured.server.version), measured.gates)
    }
}

/// Metrics of an apiserver and the time at which they were taken.
#[derive(Debug)]
pub struct DatedMetrics {
    /// Microseconds since 1970; `None` if they are to be used for all times.
    pub at: Option<Micros>,
    /// The metrics.
    pub snapshot: Snapshot,
}

/// What is known about API Priority and Fairness on the server.
#[derive(Debug)]
pub struct ApfSettings {
    /// FlowSchemas and priority levels; `None` if they are not known.
    pub config: Option<Config>,
    /// Feature gates given by hand, by name.
    pub gates: Vec<(String, bool)>,
    /// Seats of one apiserver.
    pub server_concurrency: u32,
    /// Whether `server_concurrency` was given rather than assumed.
    pub server_concurrency_is_given: bool,
    /// The server's own log about its decisions.
    pub verdicts: Vec<ApiserverDecisionRow>,
}

impl Default for ApfSettings {
    fn default() -> Self {
        Self {
            config: None,
            gates: Vec::new(),
            server_concurrency: DEFAULT_SERVER_CONCURRENCY,
            server_concurrency_is_given: false,
            verdicts: Vec::new(),
        }
    }
}

impl ApfSettings {
    /// What a server of that version does, with gates as its metrics have them (`measured`), or else as given by hand; of
    /// an unknown version, what the newest one does.
    ///
    /// # Errors
    /// When a gate is not known.
    pub fn features(&self, version: Option<Version>, measured: &[(String, bool)]) -> Result<Features, UnknownGate> {
        let mut features = Features::for_version(version.unwrap_or(NEWEST_KNOWN));
        for (gate, is_on) in measured.iter().chain(&self.gates) {
            features = features.with(gate, *is_on)?;
        }
        Ok(features)
    }
}

/// What metrics say of the server, where all of them agree.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MeasuredServer {
    /// What decides over the way of a LIST.
    pub server: Server,
    /// Feature gates that decide seats, by name.
    pub gates: Vec<(String, bool)>,
}

/// Reads version and feature gates off metrics; what they don't agree on is unknown.
pub fn measured_server<'m>(metrics: impl IntoIterator<Item = &'m Snapshot> + Clone) -> MeasuredServer {
    let gate = |name: &str| agreed(metrics.clone().into_iter().filter_map(|snapshot| snapshot.gate(name)));
    let gates = Features::GATES.iter().filter_map(|name| Some(((*name).to_owned(), gate(name)?)));
    MeasuredServer {
        server: Server {
            version: agreed(metrics.clone().into_iter().filter_map(Snapshot::version)),
            reads_lists_from_etcd: gate(CONSISTENT_LIST_FROM_CACHE).map(|is_on| !is_on),
            streams_encoding: gate(STREAMING_ENCODING),
        },
        gates: gates.collect(),
    }
}

/// LISTs of the most recent state are served from the watch cache.
const CONSISTENT_LIST_FROM_CACHE: &str = "ConsistentListFromCache";
/// JSON is encoded object by object.
const STREAMING_ENCODING: &str = "StreamingCollectionEncodingToJSON";

/// The value that all have; `None` of none, or where they differ.
fn agreed<T: PartialEq>(mut values: impl Iterator<Item = T>) -> Option<T> {
    let first = values.next()?;
    values.all(|value| value == first).then_some(first)
}

/// The metrics that bound what a server knew at any moment of a span of time. The server counts its objects about once a
/// minute, so metrics from just before the span and from just after it count too.
pub(super) fn metrics_around(metrics: &[DatedMetrics], first_at: Micros, last_at: Micros) -> Vec<Snapshot> {
    let at = |metrics: &&DatedMetrics| metrics.at;
    let before = metrics.iter().filter(|metrics| metrics.at.is_some_and(|at| at < first_at)).max_by_key(at);
    let after = metrics.iter().filter(|metrics| metrics.at.is_some_and(|at| at > last_at)).min_by_key(at);
    let within = metrics.iter().filter(|metrics| metrics.at.is_none_or(|at| (first_at..=last_at).contains(&at)));
    before.into_iter().chain(within).chain(after).map(|metrics| metrics.snapshot.clone()).collect()
}

/// The metrics to use for a span of time: those taken within it and those for all times; if there are none, the one
/// taken nearest.
pub(super) fn metrics_of(metrics: &[DatedMetrics], first_at: Micros, last_at: Micros) -> Vec<Snapshot> {
    let distance = |at: Micros| (first_at - at).max(at - last_at).max(0);
    let within = |metrics: &&DatedMetrics| metrics.at.is_none_or(|at| distance(at) == 0);
    let mut found: Vec<_> = metrics.iter().filter(within).map(|metrics| metrics.snapshot.clone()).collect();
    if found.is_empty() {
        let nearest = metrics.iter().min_by_key(|metrics| metrics.at.map(distance));
        found.extend(nearest.map(|metrics| metrics.snapshot.clone()));
    }
    found
}
