//! What a log can and cannot tell, from what reading it found and from the traffic that is and isn't in it.

use serde::{Deserialize, Serialize};

use crate::audit::{Latency, Stage};
use crate::requests::Tally;
use crate::tables::TypedRow;
use crate::units;

/// A row of the query `presence`.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Presence {
    /// The apiserver; `None` where no name is known.
    pub apiserver: Option<String>,
    request_count: u64,
    open_count: u64,
    list_count: u64,
    watch_count: u64,
    get_count: u64,
    write_count: u64,
    non_resource_count: u64,
    lease_count: u64,
    event_count: u64,
    node_count: u64,
    service_account_count: u64,
    unauthorized_count: u64,
    truncated_count: u64,
    response_body_count: u64,
    slow_count: u64,
    slow_annotated_count: u64,
    server_user_agent: Option<String>,
}

impl TypedRow for Presence {
    const QUERY: &'static str = "presence";
}

/// One thing a log tells of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Coverage {
    /// What it is about.
    pub topic: &'static str,
    /// Whether it takes something away from an analysis.
    pub is_limit: bool,
    /// What was found.
    pub fact: String,
    /// What that means for an analysis.
    pub meaning: String,
}

/// Judges a log by its tally and the rows of `presence`.
pub fn coverage(tally: &Tally, presence: &[Presence]) -> Vec<Coverage> {
    let all = total(presence);
    let mut found = vec![apiservers(tally)];
    found.extend(stages(tally, &all));
    found.push(bodies(tally, &all));
    found.push(latencies(tally, &all));
    found.extend(dropped_traffic(&all));
    found.extend(gaps(tally));
    found.extend(clock(tally));
    found.extend(copies(tally));
    found.push(never_logged());
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
    let names: Vec<_> = tally.servers.keys().flatten().map(AsRef::as_ref).collect();
    let has_unnamed = tally.servers.contains_key(&None);
    let (fact, meaning) = match (names.as_slice(), has_unnamed) {
        ([], _) => (
            "no apiserver is named by the paths or lines".to_owned(),
            "all is taken for one server's log; if several are mixed in it, name each with NAME=PATH".to_owned(),
        ),
        ([name], false) => (
            format!("one apiserver, {name}"),
            "if the control plane has more, their requests are missing here".to_owned(),
        ),
        (names, _) => (
            format!(
                "{} apiservers: {}{}",
                names.len(),
                names.join(", "),
                if has_unnamed { ", and some unnamed" } else { "" }
            ),
            "each has its own clock, and its own share of the traffic".to_owned(),
        ),
    };
    Coverage { topic: "apiservers", is_limit: has_unnamed, fact, meaning }
}

fn stages(tally: &Tally, all: &Presence) -> Vec<Coverage> {
    let count = |stage: Stage| tally.stages[stage as usize];
    let received = if count(Stage::RequestReceived) > 0 {
        Coverage {
            topic: "RequestReceived",
            is_limit: false,
            fact: format!("logged; {} requests have no end in the log", units::count(all.open_count)),
            meaning: "a request in flight when the server died is there as open: see the query open_requests"
                .to_owned(),
        }
    } else {
        Coverage {
            topic: "RequestReceived",
            is_limit: true,
            fact: "not logged (omitted by the audit policy)".to_owned(),
            meaning: "a LIST in flight when the server was killed leaves no line at all: the worst requests of an \
                      outage may be missing, so look at the last minutes before it and at who comes back first"
                .to_owned(),
        }
    };
    let started = if count(Stage::ResponseStarted) > 0 {
        Coverage {
            topic: "ResponseStarted",
            is_limit: false,
            fact: "logged".to_owned(),
            meaning: format!(
                "watches that are still open, their set-up times and failed authentications ({} with 401) are visible",
                units::count(all.unauthorized_count)
            ),
        }
    } else {
        Coverage {
            topic: "ResponseStarted",
            is_limit: true,
            fact: "not logged".to_owned(),
            meaning: "watches show only when they end, and failed authentications (401) not at all".to_owned(),
        }
    };
    vec![received, started]
}

fn bodies(tally: &Tally, all: &Presence) -> Coverage {
    let levels =
        tally.levels_by_name().map(|(name, count)| format!("{name} {}", units::percent(count, tally.events())));
    let fact = format!("events by level: {}", levels.collect::<Vec<_>>().join(", "));
    let mut meaning = if all.response_body_count == 0 {
        "no response bodies, so the sizes of responses must come from elsewhere".to_owned()
    } else {
        format!(
            "response sizes are known for {} of the requests",
            units::percent(all.response_body_count, all.request_count)
        )
    };
    if all.truncated_count > 0 {
        let cut = units::count(all.truncated_count);
        meaning.push_str(&format!(
            "; the server cut the bodies of {cut} events away as too large, the largest ones of all"
        ));
    }
    Coverage { topic: "level", is_limit: all.response_body_count == 0 || all.truncated_count > 0, fact, meaning }
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
    let seen = |part: Latency| tally.latencies[part as usize] > 0;
    let names: Vec<_> = Latency::ALL.into_iter().filter(|part| seen(*part)).map(Latency::annotation).collect();
    let own_version = all.server_user_agent.as_deref().and_then(server_version);
    let by_annotation = SINCE.iter().find(|(part, _)| seen(*part)).map(|(_, version)| *version);
    let age = match (own_version, by_annotation) {
        (Some(version), _) => format!("the server calls itself {version}"),
        (None, Some(version)) => format!("the server is Kubernetes {version} or newer"),
        (None, None) => "the server's version is unknown".to_owned(),
    };
    let (is_limit, fact, meaning) = if !names.is_empty() {
        let share = units::percent(all.slow_annotated_count, all.slow_count);
        let meaning = if seen(Latency::ApfQueueWait) {
            "queueing and work can be told apart for requests over 0.5 s; shorter ones and watches never have them"
        } else {
            "the time in APF queues is not among them (written from 1.31 on), so waiting and work can't be told apart"
        };
        (!seen(Latency::ApfQueueWait), format!("{} (on {share} of requests over 0.5 s)", names.join(", ")), meaning)
    } else if all.slow_count == 0 {
        (
            false,
            "none, but no request took over 0.5 s either".to_owned(),
            "nothing is missing: only slow requests have them",
        )
    } else {
        let fact = format!("none, though {} requests took over 0.5 s", units::count(all.slow_count));
        (true, fact, "the server is older than 1.24, or a collector dropped them: why requests were slow can't be told")
    };
    Coverage { topic: "latency annotations", is_limit, fact, meaning: format!("{age}; {meaning}") }
}

/// `v1.36.2` of `kube-apiserver/v1.36.2 (linux/amd64) kubernetes/…`.
fn server_version(user_agent: &str) -> Option<&str> {
    user_agent.strip_prefix("kube-apiserver/")?.split(' ').next()
}

fn dropped_traffic(all: &Presence) -> Vec<Coverage> {
    let classes = [
        (all.list_count, "LISTs", "LIST storms can't be found: they are what this program is for"),
        (all.watch_count, "watches", "watch churn and lists by watch (sendInitialEvents) can't be found"),
        (all.get_count, "GETs", "polling of single objects can't be found"),
        (all.write_count, "writes", "what drives watches, and how many objects there are, can't be counted"),
        (all.lease_count, "requests for leases", "kubelets and leader elections can't be counted by their heartbeats"),
        (all.event_count, "requests for events", "event floods can't be found"),
        (
            all.node_count,
            "requests of kubelets (system:node:…)",
            "what nodes do, often most of the traffic, can't be seen",
        ),
        (all.service_account_count, "requests of service accounts", "what runs in pods can't be seen"),
        (all.non_resource_count, "non-resource requests", "probes, metrics scrapes and discovery can't be counted"),
    ];
    let missing = classes.into_iter().filter(|(count, ..)| *count == 0);
    missing
        .map(|(_, class, meaning)| Coverage {
            topic: "policy",
            is_limit: true,
            fact: format!("there are no {class} in the log: the audit policy seems to drop them, or it is too short"),
            meaning: meaning.to_owned(),
        })
        .collect()
}

/// Of a log's silences, so many are named, the longest.
const NAMED_GAPS: usize = 10;

fn gaps(tally: &Tally) -> Vec<Coverage> {
    let mut found = Vec::new();
    for (name, server) in &tally.servers {
        let name = name.as_deref().unwrap_or("the log");
        for gap in server.gaps.iter().take(NAMED_GAPS) {
            let starting = if server.startup_events > 0 {
                format!(
                    "the server was down, or the log is cut; {} events are marked as served while it was starting",
                    units::count(server.startup_events)
                )
            } else {
                "the server was down or idle, or the log is cut".to_owned()
            };
            found.push(Coverage {
                topic: "gaps",
                is_limit: true,
                fact: format!(
                    "{name}: no event for {} after {}",
                    units::span(gap.to - gap.from),
                    units::instant(gap.from)
                ),
                meaning: starting,
            });
        }
    }
    found
}

fn clock(tally: &Tally) -> Vec<Coverage> {
    let worst = tally.servers.values().map(|server| server.worst_inversion_micros).max().unwrap_or_default();
    let inversions = tally.servers.values().map(|server| server.order_inversions).sum::<u64>();
    let mut found = Vec::new();
    if inversions > 0 {
        found.push(Coverage {
            topic: "order",
            is_limit: false,
            fact: format!(
                "{} of {} events stand after a later one, by up to {}",
                units::count(inversions),
                units::count(tally.events()),
                units::span(worst)
            ),
            meaning:
                "usual, as stages are stamped before they are written; stages are joined in whatever order they stand"
                    .to_owned(),
        });
    }
    if tally.clock_inversions > 0 {
        found.push(Coverage {
            topic: "clock",
            is_limit: true,
            fact: format!(
                "{} events are stamped earlier than their request was received",
                units::count(tally.clock_inversions)
            ),
            meaning: "the server's clock was set back: durations around that time are wrong".to_owned(),
        });
    }
    found
}

fn copies(tally: &Tally) -> Vec<Coverage> {
    let mut found = Vec::new();
    if tally.duplicates > 0 {
        found.push(Coverage {
            topic: "duplicates",
            is_limit: false,
            fact: format!("{} events stand in the logs more than once", units::count(tally.duplicates)),
            meaning: format!(
                "each is counted once; a copy is known as one within about {} requests",
                units::count(crate::requests::REMEMBERED_REQUESTS as u64)
            ),
        });
    }
    if tally.late_stages > 0 {
        found.push(Coverage {
            topic: "order",
            is_limit: false,
            fact: format!("{} stages stand after the end of their request", units::count(tally.late_stages)),
            meaning: "they are joined all the same, unless far behind".to_owned(),
        });
    }
    found
}

fn never_logged() -> Coverage {
    Coverage {
        topic: "never logged",
        is_limit: true,
        fact: "response sizes (but with bodies), object counts, encodings, and which FlowSchema served a request"
            .to_owned(),
        meaning: "whatever is said of memory or of APF rests on estimates from elsewhere".to_owned(),
    }
}
