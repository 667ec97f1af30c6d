//! What a log can and cannot show, from what reading it found and from the traffic that is and isn't in it.

use serde::{Deserialize, Serialize};

use super::episode::texts;
use super::finding::as_instant;
use super::visibility::{ListVisibility, RequestEnds, assess_visibility};
use crate::audit::{Latency, Micros, Stage};
use crate::kubernetes::Version;
use crate::requests::Tally;
use crate::tables::TypedRow;

/// A row of the query `presence`.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Presence {
    /// The apiserver; `None` where no name is known.
    pub apiserver: Option<String>,
    pub(super) request_count: u64,
    pub(super) open_count: u64,
    /// Requests that have an end.
    pub(super) complete_count: u64,
    /// LISTs.
    pub(super) list_count: u64,
    /// Watches that begin with the whole collection.
    pub(super) watch_list_count: u64,
    pub(super) watch_count: u64,
    /// Watches whose start is logged.
    pub(super) started_watch_count: u64,
    pub(super) get_count: u64,
    pub(super) write_count: u64,
    pub(super) non_resource_count: u64,
    pub(super) lease_count: u64,
    pub(super) event_count: u64,
    pub(super) node_count: u64,
    pub(super) service_account_count: u64,
    /// The server's own LISTs and watches.
    pub(super) own_read_count: u64,
    /// Requests marked as served while the server was starting.
    pub(super) startup_count: u64,
    pub(super) unauthorized_count: u64,
    pub(super) truncated_count: u64,
    pub(super) response_body_count: u64,
    pub(super) slow_count: u64,
    pub(super) slow_annotated_count: u64,
    /// Resources that are listed or watched, with their group.
    #[serde(deserialize_with = "texts")]
    pub(super) read_resources: Vec<String>,
    pub(super) server_user_agent: Option<String>,
}

impl TypedRow for Presence {
    const QUERY: &'static str = "presence";
}

/// One fact about a log that an analysis depends on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum Coverage {
    /// The apiservers whose logs these are.
    Apiservers {
        /// Those that paths or lines name.
        names: Vec<String>,
        /// Whether some of the log names none.
        has_unnamed: bool,
    },
    /// The ends of requests are left out, of all or of some: how long those took, whether they were in flight, and what was
    /// cut off is unknown.
    ResponseComplete {
        /// Whether those of other requests are logged.
        is_logged_for_others: bool,
        /// Requests whose end is left out.
        request_count: u64,
    },
    /// Whether receipts are logged, so that requests in flight at an end leave a line.
    RequestReceived {
        /// Whether they are.
        is_logged: bool,
        /// Requests without an end.
        open_count: u64,
    },
    /// Whether starts of responses are logged, so that open watches and failed authentications are visible.
    ResponseStarted {
        /// Whether they are.
        is_logged: bool,
        /// Requests that were answered with 401.
        unauthorized_count: u64,
    },
    /// How much is logged of each event.
    Levels(LevelCoverage),
    /// The latency annotations of slow requests.
    LatencyAnnotations(LatencyCoverage),
    /// Traffic that any cluster has isn't in the log.
    MissingTraffic {
        /// Which.
        class: TrafficClass,
    },
    /// No LIST or watch of what any cluster reads is in the log.
    MissingReads {
        /// Resources without any.
        missing: Vec<&'static str>,
        /// Resources with some, at most 5.
        seen: Vec<String>,
        /// How many have some.
        seen_count: usize,
    },
    /// A silence.
    Gap {
        /// The apiserver; `None` where the log names none.
        apiserver: Option<String>,
        /// The last event before it.
        #[serde(serialize_with = "as_instant")]
        from: Micros,
        /// The first event after it.
        #[serde(serialize_with = "as_instant")]
        to: Micros,
        /// Events of this apiserver that are marked as served while it was starting.
        startup_count: u64,
    },
    /// Events that stand after a later one.
    OutOfOrder {
        /// How many.
        inversion_count: u64,
        /// All events.
        event_count: u64,
        /// By how much at most, in microseconds.
        worst_micros: i64,
    },
    /// Events stamped before their request was received.
    ClockSetBack {
        /// How many.
        event_count: u64,
    },
    /// Events that are in the logs more than once.
    Duplicates {
        /// How many.
        event_count: u64,
        /// A copy is recognised within about so many requests.
        remembered_requests: u64,
    },
    /// Requests whose response starts after its end: when they ended is unknown.
    Contradictions {
        /// How many.
        request_count: u64,
    },
    /// Stages that stand after the end of their request.
    LateStages {
        /// How many.
        stage_count: u64,
    },
    /// What no audit log has: response sizes, object counts, encodings, FlowSchemas.
    NeverLogged,
}

/// How much is logged of each event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LevelCoverage {
    /// Events by level, those that there are.
    pub levels: Vec<LevelCount>,
    /// All events.
    pub event_count: u64,
    /// All requests.
    pub request_count: u64,
    /// Requests whose response body is logged.
    pub response_body_count: u64,
    /// Events whose bodies the server cut away as too large.
    pub truncated_count: u64,
}

/// The latency annotations of slow requests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LatencyCoverage {
    /// The short names of those that there are.
    pub annotations: Vec<&'static str>,
    /// Whether the time in APF queues is among them.
    pub has_queue_wait: bool,
    /// Requests slow enough to have them: over 0.5 s.
    pub slow_count: u64,
    /// Those of them that have some.
    pub annotated_count: u64,
    /// What the log says of the server's version.
    pub server_version: ServerVersion,
}

/// Events of one level.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LevelCount {
    /// The level's name; `unknown` for events without one.
    pub level: &'static str,
    /// Events.
    pub event_count: u64,
}

/// What a log says of its server's version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ServerVersion {
    /// The server's own user agent names it, such as `v1.36.2`.
    Named(String),
    /// An annotation is written only from this version on, such as `1.33`.
    AtLeast(&'static str),
    /// Nothing names it.
    Unknown,
}

/// Traffic that any cluster has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum TrafficClass {
    /// LISTs.
    Lists,
    /// Watches.
    Watches,
    /// GETs of objects.
    Gets,
    /// Creates, updates, patches and deletes.
    Writes,
    /// Requests for leases.
    Leases,
    /// Requests for events.
    Events,
    /// Requests of kubelets.
    Nodes,
    /// Requests of service accounts.
    ServiceAccounts,
    /// Requests that are for no resource.
    NonResource,
}

impl Coverage {
    /// Whether it takes something away from an analysis.
    pub fn is_limit(&self) -> bool {
        match self {
            Self::Apiservers { has_unnamed, .. } => *has_unnamed,
            Self::RequestReceived { is_logged, .. } | Self::ResponseStarted { is_logged, .. } => !is_logged,
            Self::Levels(levels) => levels.response_body_count == 0 || levels.truncated_count > 0,
            Self::LatencyAnnotations(latencies) => {
                !latencies.has_queue_wait && (!latencies.annotations.is_empty() || latencies.slow_count > 0)
            }
            Self::OutOfOrder { .. } | Self::Duplicates { .. } | Self::LateStages { .. } => false,
            Self::ResponseComplete { .. } | Self::MissingReads { .. } | Self::Contradictions { .. } => true,
            Self::MissingTraffic { .. } | Self::Gap { .. } | Self::ClockSetBack { .. } | Self::NeverLogged => true,
        }
    }
}

/// Judges a log by its tally and the rows of `presence`.
pub fn assess_coverage(tally: &Tally, presence: &[Presence]) -> Vec<Coverage> {
    let all = total(presence);
    let visibility = assess_visibility(tally, presence, false);
    let mut found = vec![apiservers(tally)];
    found.extend(ends(tally, visibility.request_ends));
    found.extend(stages(tally, &all, visibility.request_ends));
    found.push(levels(tally, &all));
    // The server writes latencies at the end of a request.
    if visibility.request_ends != RequestEnds::NotLogged {
        found.push(latencies(tally, &all));
    }
    found.extend(missing_reads(visibility.lists));
    found.extend(missing_traffic(&all));
    found.extend(gaps(tally));
    found.extend(clock(tally));
    found.extend(copies(tally));
    found.push(Coverage::NeverLogged);
    found
}

fn total(presence: &[Presence]) -> Presence {
    presence.iter().fold(Presence::default(), |mut sum, row| {
        sum.request_count += row.request_count;
        sum.open_count += row.open_count;
        sum.list_count += row.list_count;
        sum.watch_count += row.watch_count;
        sum.get_count += row.get_count;
        sum.write_count += row.write_count;
        sum.non_resource_count += row.non_resource_count;
        sum.lease_count += row.lease_count;
        sum.event_count += row.event_count;
        sum.node_count += row.node_count;
        sum.service_account_count += row.service_account_count;
        sum.unauthorized_count += row.unauthorized_count;
        sum.truncated_count += row.truncated_count;
        sum.response_body_count += row.response_body_count;
        sum.slow_count += row.slow_count;
        sum.slow_annotated_count += row.slow_annotated_count;
        sum.server_user_agent = sum.server_user_agent.max(row.server_user_agent.clone());
        sum
    })
}

fn apiservers(tally: &Tally) -> Coverage {
    let has_unnamed = tally.servers.contains_key(&None);
    Coverage::Apiservers { names: tally.servers.keys().flatten().map(ToString::to_string).collect(), has_unnamed }
}

fn ends(tally: &Tally, request_ends: RequestEnds) -> Option<Coverage> {
    (request_ends != RequestEnds::Logged).then_some(Coverage::ResponseComplete {
        is_logged_for_others: request_ends == RequestEnds::LoggedForSome,
        request_count: tally.unlogged_ends,
    })
}

/// Without any end, that receipts are logged does not show what was in flight.
fn stages(tally: &Tally, all: &Presence, request_ends: RequestEnds) -> impl Iterator<Item = Coverage> {
    let is_logged = |stage: Stage| tally.stages[stage as usize] > 0;
    let received =
        Coverage::RequestReceived { is_logged: is_logged(Stage::RequestReceived), open_count: all.open_count };
    let started = Coverage::ResponseStarted {
        is_logged: is_logged(Stage::ResponseStarted),
        unauthorized_count: all.unauthorized_count,
    };
    let received = (request_ends != RequestEnds::NotLogged).then_some(received);
    received.into_iter().chain([started])
}

fn missing_reads(lists: ListVisibility) -> Option<Coverage> {
    match lists {
        ListVisibility::OfSomeResources { missing, seen, seen_count } => {
            Some(Coverage::MissingReads { missing, seen, seen_count })
        }
        ListVisibility::Logged | ListVisibility::NotLogged => None,
    }
}

fn levels(tally: &Tally, all: &Presence) -> Coverage {
    Coverage::Levels(LevelCoverage {
        levels: tally.levels_by_name().map(|(level, event_count)| LevelCount { level, event_count }).collect(),
        event_count: tally.events(),
        request_count: all.request_count,
        response_body_count: all.response_body_count,
        truncated_count: all.truncated_count,
    })
}

/// Since when kube-apiserver writes each latency annotation.
const SINCE: [(Latency, &str); 5] = [
    (Latency::Impersonation, "1.36"),
    (Latency::Authentication, "1.33"),
    (Latency::ApfQueueWait, "1.31"),
    (Latency::Decode, "1.30"),
    (Latency::Total, "1.24"),
];

fn latencies(tally: &Tally, all: &Presence) -> Coverage {
    let is_seen = |part: Latency| tally.latencies[part as usize] > 0;
    let own_version = all.server_user_agent.as_deref().and_then(server_version);
    let by_annotation = SINCE.iter().find(|(part, _)| is_seen(*part)).map(|(_, version)| *version);
    Coverage::LatencyAnnotations(LatencyCoverage {
        annotations: Latency::ALL.into_iter().filter(|part| is_seen(*part)).map(Latency::annotation).collect(),
        has_queue_wait: is_seen(Latency::ApfQueueWait),
        slow_count: all.slow_count,
        annotated_count: all.slow_annotated_count,
        server_version: match (own_version, by_annotation) {
            (Some(version), _) => ServerVersion::Named(version.to_owned()),
            (None, Some(version)) => ServerVersion::AtLeast(version),
            (None, None) => ServerVersion::Unknown,
        },
    })
}

/// `v1.36.2` of `kube-apiserver/v1.36.2 (linux/amd64) kubernetes/…`; `None` of `v0.0.0`, which is no version.
fn server_version(user_agent: &str) -> Option<&str> {
    let version = user_agent.strip_prefix("kube-apiserver/")?.split(' ').next()?;
    Version::parse(version).map(|_| version)
}

fn missing_traffic(all: &Presence) -> impl Iterator<Item = Coverage> {
    let classes = [
        (all.list_count, TrafficClass::Lists),
        (all.watch_count, TrafficClass::Watches),
        (all.get_count, TrafficClass::Gets),
        (all.write_count, TrafficClass::Writes),
        (all.lease_count, TrafficClass::Leases),
        (all.event_count, TrafficClass::Events),
        (all.node_count, TrafficClass::Nodes),
        (all.service_account_count, TrafficClass::ServiceAccounts),
        (all.non_resource_count, TrafficClass::NonResource),
    ];
    classes.into_iter().filter(|(count, _)| *count == 0).map(|(_, class)| Coverage::MissingTraffic { class })
}

/// Of an apiserver's silences, so many are reported, the longest.
const REPORTED_GAPS: usize = 10;

fn gaps(tally: &Tally) -> impl Iterator<Item = Coverage> {
    tally.servers.iter().flat_map(|(name, server)| {
        server.gaps.iter().take(REPORTED_GAPS).map(|gap| Coverage::Gap {
            apiserver: name.as_deref().map(str::to_owned),
            from: gap.from,
            to: gap.to,
            startup_count: server.startup_events,
        })
    })
}

fn clock(tally: &Tally) -> Vec<Coverage> {
    let worst_micros = tally.servers.values().map(|server| server.worst_inversion_micros).max().unwrap_or_default();
    let inversion_count = tally.servers.values().map(|server| server.order_inversions).sum::<u64>();
    let mut found = Vec::new();
    if inversion_count > 0 {
        found.push(Coverage::OutOfOrder { inversion_count, event_count: tally.events(), worst_micros });
    }
    if tally.clock_inversions > 0 {
        found.push(Coverage::ClockSetBack { event_count: tally.clock_inversions });
    }
    found
}

fn copies(tally: &Tally) -> Vec<Coverage> {
    let mut found = Vec::new();
    if tally.duplicates > 0 {
        let remembered_requests = crate::requests::REMEMBERED_REQUESTS as u64;
        found.push(Coverage::Duplicates { event_count: tally.duplicates, remembered_requests });
    }
    if tally.contradictory_requests > 0 {
        found.push(Coverage::Contradictions { request_count: tally.contradictory_requests });
    }
    if tally.late_stages > 0 {
        found.push(Coverage::LateStages { stage_count: tally.late_stages });
    }
    found
}
