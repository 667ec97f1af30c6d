//! The requests of the logs, made ready to be replayed: one traffic for each apiserver.

use std::collections::{BTreeMap, HashMap};

use std::sync::Arc;

use super::super::{AnalysisError, Session};
use super::ReplayMode;
use crate::apf::{Config, LevelLimits, RequestDigest};
use crate::clients::ClientType;
use crate::dimensions::{Dimensions, FlowClassifier, Flows};
use crate::findings::Restart;
use crate::memory::MemoryCost;
use crate::simulation::{
    ClassifiedFlow, ExecutedList, Follows, ListCapacity, LoggedTimes, Scenario, Service, SharedLists, Traffic,
    TrafficRequest, estimate_capacity,
};
use crate::tables::{Arrival, Arrivals};

/// What a replay of the logs needs.
pub(in crate::analysis) struct RecordedTraffic {
    /// Each apiserver's requests.
    pub(in crate::analysis) servers: Vec<RecordedServer>,
    /// The clients, by [`TrafficRequest::client`].
    pub(in crate::analysis) clients: Vec<(ClientType, String)>,
    /// What requests are to API Priority and Fairness, by [`TrafficRequest::kind`].
    pub(in crate::analysis) flows: Arc<Flows>,
    /// Requests that never came as far, or pass by, or in a closed loop are retries of others.
    pub(in crate::analysis) left_out: u64,
    /// Requests whose time can't be of the same log.
    pub(in crate::analysis) implausible: u64,
}

/// The requests of one apiserver.
pub(in crate::analysis) struct RecordedServer {
    /// Its label, where the log has one.
    pub(in crate::analysis) apiserver: Option<String>,
    /// When the first request was received, in microseconds since 1970; all times of the traffic count from then.
    pub(in crate::analysis) began_micros: i64,
    /// How long the requests came, in seconds.
    pub(in crate::analysis) span_secs: f64,
    pub(in crate::analysis) traffic: Traffic,
    /// What the log says of their times, in their order.
    pub(in crate::analysis) times: Vec<LoggedTimes>,
    pub(in crate::analysis) lists: SharedLists,
    pub(in crate::analysis) capacity: ListCapacity,
    /// Requests of which the log doesn't say how long they ran, and that are taken to be like others.
    pub(in crate::analysis) unknown_service_count: u64,
}

impl RecordedServer {
    /// The requests that came between two instants, in microseconds since 1970.
    pub(in crate::analysis) fn between(&self, from: i64, to: i64) -> Self {
        let (from, to) = (nanos(from - self.began_micros), nanos(to - self.began_micros));
        let places = self.traffic.requests.partition_point(|request| request.received_ns < from)
            ..self.traffic.requests.partition_point(|request| request.received_ns <= to);
        let shifted = |request: &TrafficRequest| TrafficRequest { received_ns: request.received_ns - from, ..*request };
        let restarts = self.traffic.restarts_ns.iter().filter(|at| (from..=to).contains(*at));
        let times = self.times[places.clone()].iter();
        let (first, last) = (place(places.start), place(places.end));
        let moved = |follows: &Option<Follows>| {
            let follows = follows.filter(|follows| (first..last).contains(&follows.request))?;
            Some(Follows { request: follows.request - first, ..follows })
        };
        let follows = self.traffic.follows.get(places.clone()).unwrap_or_default();
        Self {
            apiserver: self.apiserver.clone(),
            began_micros: self.began_micros + i64::try_from(from / 1_000).unwrap_or_default(),
            span_secs: self.span_secs,
            traffic: Traffic {
                requests: self.traffic.requests[places].iter().map(shifted).collect(),
                lists: self.traffic.lists.clone(),
                restarts_ns: restarts.map(|at| at - from).collect(),
                follows: follows.iter().map(moved).collect(),
            },
            times: times
                .map(|times| LoggedTimes { ended_ns: times.ended_ns.map(|ended| ended.saturating_sub(from)), ..*times })
                .collect(),
            lists: self.lists.clone(),
            capacity: self.capacity,
            unknown_service_count: self.unknown_service_count,
        }
    }
}

/// LISTs that took less share no CPU worth speaking of, in nanoseconds.
const LEAST_SHARED_NS: u64 = 20_000_000;
/// What a request is taken to run for of which nothing at all is known, in nanoseconds.
const ASSUMED_SERVICE_NS: u64 = 5_000_000;

/// The tables and queries that replays need.
const WANTED: [&str; 5] = ["arrivals", "flows", "clients", "list_costs", "restarts"];

impl RecordedTraffic {
    /// Reads the logs for a replay, and for `wanted` and `also` besides, as [`Session::read`] does.
    pub(in crate::analysis) async fn read(
        session: &Session,
        wanted: &[&str],
        also: &[&str],
        mode: ReplayMode,
    ) -> Result<(Dimensions, Self), AnalysisError> {
        let dimensions = session.read(&[&WANTED[..], wanted].concat(), also).await?;
        let restarts: Vec<Restart> = session.database().rows().await?;
        let arrivals = session.database().arrivals().await?;
        let recorded = reconstruct_traffic(&dimensions, &arrivals, &restarts, mode);
        Ok((dimensions, recorded))
    }

    /// # Errors
    /// When there is nothing to replay.
    pub(in crate::analysis) fn check(&self) -> Result<(), AnalysisError> {
        if self.servers.is_empty() { Err(AnalysisError::NothingToReplay) } else { Ok(()) }
    }
}

fn reconstruct_traffic(
    dimensions: &Dimensions,
    arrivals: &Arrivals,
    restarts: &[Restart],
    mode: ReplayMode,
) -> RecordedTraffic {
    let flows = dimensions.flows.as_ref().map(Arc::clone);
    let Some(flows) = flows else { unreachable!("flows are among the tables that are read") };
    let plausible = plausible(&arrivals.rows);
    let (clients, client_of) = clients(dimensions);
    let kinds: HashMap<i64, u32> = (0..).zip(&flows.digests).map(|(place, (flow_key, _))| (*flow_key, place)).collect();
    let held: Vec<Option<MemoryCost>> =
        arrivals.shapes.iter().map(|shape| dimensions.held.get(shape).copied()).collect();
    let mut servers = Vec::new();
    for rows in arrivals.rows.chunk_by(|one, other| one.apiserver == other.apiserver) {
        let apiserver = arrivals.apiservers[rows[0].apiserver as usize].clone();
        let digest_of = |row: &Arrival| kinds.get(&row.flow_key).map(|kind| (*kind, &flows.digests[*kind as usize].1));
        let passing = |row: &&Arrival| {
            row.has_reached_apf
                && plausible.contains(&row.received_micros)
                && digest_of(row).is_some_and(|(_, digest)| !digest.bypasses_apf())
        };
        let rows: Vec<&Arrival> = rows.iter().filter(passing).collect();
        let Some(first) = rows.first() else { continue };
        let mut builder = TrafficBuilder::new(first.received_micros, held.clone());
        let rows = if mode.is_closed_loop { without_retries(rows) } else { rows };
        for row in &rows {
            let (Some(kind), Some(client)) = (digest_of(row), client_of.get(&row.caller_key)) else {
                unreachable!("every request has a digest and a client, as they are made of the same rows");
            };
            builder.take(row, kind, *client);
        }
        let ends = restarts.iter().filter(|restart| restart.apiserver == apiserver).map(last_sign).collect();
        servers.push(builder.server(apiserver, &rows, ends, mode));
    }
    let replayed: usize = servers.iter().map(|server| server.traffic.requests.len()).sum();
    let implausible = arrivals.rows.iter().filter(|row| !plausible.contains(&row.received_micros)).count() as u64;
    let left_out = (arrivals.rows.len() - replayed) as u64 - implausible;
    RecordedTraffic { servers, clients, flows, left_out, implausible }
}

/// Instants that can be of one log: within years of the middle one. A clock that isn't set gives others.
fn plausible(rows: &[Arrival]) -> std::ops::RangeInclusive<i64> {
    const YEARS_5_MICROS: i64 = 5 * 365 * 24 * 3_600 * 1_000_000;
    let mut instants: Vec<i64> = rows.iter().map(|row| row.received_micros).collect();
    let middle = instants.len() / 2;
    if instants.is_empty() {
        return 0..=0;
    }
    let (_, median, _) = instants.select_nth_unstable(middle);
    median.saturating_sub(YEARS_5_MICROS)..=median.saturating_add(YEARS_5_MICROS)
}

/// Requests without those that only try again what was rejected shortly before: in a closed loop that is replayed anew.
fn without_retries(rows: Vec<&Arrival>) -> Vec<&Arrival> {
    /// A client is asked to wait no longer (`maxRetryAfter`, 32 s), and is a little late.
    const RETRY_MICROS: i64 = 35_000_000;
    let mut rejected: HashMap<i64, i64> = HashMap::new();
    let mut is_first = |row: &&Arrival| {
        let Some(key) = row.repeat_key else { return true };
        let ended = row.held_until_micros.unwrap_or(row.received_micros);
        let before = if row.is_rejected { rejected.insert(key, ended) } else { rejected.remove(&key) };
        before.is_none_or(|ended| row.received_micros < ended || row.received_micros - ended > RETRY_MICROS)
    };
    rows.into_iter().filter(|row| is_first(row)).collect()
}

/// When a server that started anew was last seen alive before.
fn last_sign(restart: &Restart) -> i64 {
    restart.last_event_at.unwrap_or(restart.started_at)
}

/// The clients, and whose each caller is.
fn clients(dimensions: &Dimensions) -> (Vec<(ClientType, String)>, HashMap<i64, u32>) {
    let mut places: BTreeMap<(ClientType, &str), u32> = BTreeMap::new();
    for (_, client) in &dimensions.clients {
        places.insert((client.client_type, &client.client), 0);
    }
    for (place, at) in (0..).zip(places.values_mut()) {
        *at = place;
    }
    let of_caller = dimensions
        .clients
        .iter()
        .map(|(caller, client)| (caller.caller_key, places[&(client.client_type, client.client.as_str())]));
    let of_caller = of_caller.collect();
    (places.into_keys().map(|(client_type, client)| (client_type, client.to_owned())).collect(), of_caller)
}

/// One apiserver's traffic while its requests are gone through.
struct TrafficBuilder {
    began_micros: i64,
    traffic: Traffic,
    times: Vec<LoggedTimes>,
    lists: SharedLists,
    /// Requests of unknown service, and their groups of LISTs.
    unknown: Vec<(usize, Option<u32>)>,
    /// Of each kind, services that are known, in nanoseconds.
    known: BTreeMap<u32, Vec<u64>>,
    /// Watches, and how long each took to begin, in nanoseconds, where the log says so.
    watches: Vec<(usize, Option<u64>)>,
}

impl TrafficBuilder {
    fn new(began_micros: i64, held: Vec<Option<MemoryCost>>) -> Self {
        Self {
            began_micros,
            traffic: Traffic { lists: held, ..Traffic::default() },
            times: Vec::new(),
            lists: SharedLists::default(),
            unknown: Vec::new(),
            known: BTreeMap::new(),
            watches: Vec::new(),
        }
    }

    fn take(&mut self, row: &Arrival, (kind, digest): (u32, &RequestDigest), client: u32) {
        let received_ns = nanos(row.received_micros - self.began_micros);
        let wait_ns = nanos(row.wait_micros.unwrap_or(0));
        let ended_ns = row.held_until_micros.map(|ended| nanos(ended - self.began_micros));
        let started_ns = received_ns.saturating_add(wait_ns);
        let is_list = digest.verb == "list" && row.shape.is_some();
        let service_ns = ended_ns.map(|ended| ended.saturating_sub(started_ns)).filter(|_| !row.is_rejected);
        if digest.verb == "watch" {
            self.watches.push((self.traffic.requests.len(), service_ns));
        }
        let service = match service_ns {
            None => {
                self.unknown.push((self.traffic.requests.len(), row.shape.filter(|_| is_list)));
                Service::Fixed(ASSUMED_SERVICE_NS)
            }
            Some(service_ns) if is_list && service_ns >= LEAST_SHARED_NS => {
                let (group, is_whole) = (row.shape.unwrap_or_default(), !row.is_cut);
                let ended_ns = started_ns + service_ns;
                self.lists.executed.push(ExecutedList { started_ns, ended_ns, group, is_whole });
                Service::Shared(place(self.lists.executed.len() - 1))
            }
            Some(service_ns) => {
                let known = self.known.entry(kind).or_default();
                if known.len() < SAMPLED_SERVICES {
                    known.push(service_ns);
                }
                Service::Fixed(service_ns)
            }
        };
        self.traffic.requests.push(TrafficRequest { received_ns, service, kind, client, list: row.shape });
        self.times.push(LoggedTimes { wait_ns, ended_ns, is_rejected: row.is_rejected });
    }

    fn server(
        mut self,
        apiserver: Option<String>,
        rows: &[&Arrival],
        ends: Vec<i64>,
        mode: ReplayMode,
    ) -> RecordedServer {
        self.fill_in_unknown();
        self.take_waits_from_watches();
        self.traffic.restarts_ns =
            ends.into_iter().map(|at| nanos(at + 1 - self.began_micros)).filter(|at| *at > 1_000).collect();
        self.traffic.restarts_ns.sort_unstable();
        if mode.is_closed_loop {
            self.traffic.follows = follows(rows, &self.traffic, &self.times);
        }
        let capacity = match mode.capacity {
            Some(capacity) if capacity.is_infinite() => ListCapacity::unlimited(),
            Some(capacity) => ListCapacity::given(capacity),
            None => estimate_capacity(&self.lists.executed),
        };
        let last = rows.last().map_or(self.began_micros, |row| row.received_micros);
        #[expect(clippy::cast_precision_loss, reason = "microseconds of a log")]
        let span_secs = (last - self.began_micros) as f64 / 1e6;
        RecordedServer {
            apiserver,
            began_micros: self.began_micros,
            span_secs,
            unknown_service_count: self.unknown.len() as u64,
            traffic: self.traffic,
            times: self.times,
            lists: self.lists,
            capacity,
        }
    }

    /// The waits of watches are in no log: what a watch took to begin is both. Those that began quickly didn't wait, so that
    /// no watch is taken to need longer than the quickest quarter.
    fn take_waits_from_watches(&mut self) {
        let mut took: Vec<u64> = self.watches.iter().filter_map(|(_, took)| *took).collect();
        took.sort_unstable();
        let Some(usual) = took.get(took.len() / 4).copied() else { return };
        for (at, took) in &self.watches {
            self.traffic.requests[*at].service = Service::Fixed(took.map_or(usual, |took| usual.min(took)));
            self.times[*at].wait_ns += took.map_or(0, |took| took.saturating_sub(usual));
        }
    }

    /// Requests of which the log doesn't say how long they ran are taken to be like others of their kind: LISTs like those
    /// that share the server, if most of the same do.
    fn fill_in_unknown(&mut self) {
        let executed = self.lists.executed.len();
        let mut shared: BTreeMap<u32, usize> = BTreeMap::new();
        for list in &self.lists.executed {
            *shared.entry(list.group).or_default() += 1;
        }
        for (at, group) in &self.unknown {
            let request = &mut self.traffic.requests[*at];
            let known = self.known.get_mut(&request.kind);
            let quick = known.as_ref().map_or(0, |known| known.len());
            let is_shared = group.is_some_and(|group| match shared.get(&group) {
                Some(count) => *count >= quick,
                None => quick == 0 && executed > 0,
            });
            request.service = match (group, known) {
                (Some(group), _) if is_shared => {
                    self.lists.unknown.push(*group);
                    Service::Shared(place(executed + self.lists.unknown.len() - 1))
                }
                (_, Some(known)) => Service::Fixed(median(known)),
                _ => Service::Fixed(ASSUMED_SERVICE_NS),
            };
        }
    }
}

/// So many services of a kind tell what is usual.
const SAMPLED_SERVICES: usize = 1_000;

/// Which requests come after which in a closed loop: a client that asks for the same again when it has its answer.
fn follows(rows: &[&Arrival], traffic: &Traffic, times: &[LoggedTimes]) -> Vec<Option<Follows>> {
    let mut last: HashMap<i64, u32> = HashMap::new();
    let mut follows = Vec::new();
    for (at, row) in (0..).zip(rows) {
        let previous = row.repeat_key.and_then(|key| last.insert(key, at));
        let ended = previous.and_then(|previous| times[previous as usize].ended_ns.map(|ended| (previous, ended)));
        let received_ns = traffic.requests[at as usize].received_ns;
        follows.push(ended.and_then(|(request, ended_ns)| {
            let pause_ns = received_ns.checked_sub(ended_ns)?;
            Some(Follows { request, pause_ns })
        }));
    }
    follows
}

impl RecordedTraffic {
    /// A configuration, ready for a replay of these requests.
    pub(in crate::analysis) fn scenario(
        &self,
        config: &Config,
        limits: &[LevelLimits],
        classifier: &FlowClassifier<'_>,
    ) -> Scenario {
        let placed = self.flows.digests.iter().map(|(_, digest)| {
            let found = classifier.matcher.classify(&digest.attributes());
            (digest, found)
        });
        let placed: Vec<_> = placed.collect();
        let kinds = placed.iter().map(|(digest, found)| {
            let (schema, level, distinguisher) = found.as_ref().map_or(("", "", None), |found| {
                (
                    found.flow_schema.name.as_str(),
                    found.priority_level.name.as_str(),
                    found.flow_distinguisher.as_deref(),
                )
            });
            ClassifiedFlow {
                flow_schema: schema,
                priority_level: level,
                flow_distinguisher: distinguisher,
                passes_by: digest.bypasses_apf(),
                works: classifier.estimates(digest, level),
                timeout_secs: digest.timeout_secs,
            }
        });
        Scenario::new(config, limits, kinds, &self.flows.features)
    }
}

fn median(values: &mut [u64]) -> u64 {
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or_default()
}

fn nanos(micros: i64) -> u64 {
    u64::try_from(micros).unwrap_or_default().saturating_mul(1_000)
}

fn place(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}
