//! What a log can and cannot show, in words: a topic, the fact, and what it means for an analysis.

use serde::Serialize;

use super::{count, span};
use crate::findings::{Coverage, LatencyCoverage, LevelCount, LevelCoverage, ServerVersion, TrafficClass};
use crate::units;

/// A fact about a log as JSON: its words beside its data.
#[derive(Debug, Serialize)]
pub struct CoverageJson<'c> {
    /// What it is about.
    pub topic: &'static str,
    /// Whether it takes something away from an analysis.
    pub is_limit: bool,
    /// What was found.
    pub fact: String,
    /// What that means for an analysis.
    pub meaning: String,
    #[serde(flatten)]
    coverage: &'c Coverage,
}

/// The JSON of facts about a log, in their order.
pub fn coverage_json(coverage: &[Coverage]) -> Vec<CoverageJson<'_>> {
    coverage.iter().map(CoverageJson::from).collect()
}

impl<'c> From<&'c Coverage> for CoverageJson<'c> {
    fn from(coverage: &'c Coverage) -> Self {
        let (fact, meaning) = fact_and_meaning(coverage);
        Self { topic: topic(coverage), is_limit: coverage.is_limit(), fact, meaning, coverage }
    }
}

const fn topic(coverage: &Coverage) -> &'static str {
    match coverage {
        Coverage::Apiservers { .. } => "apiservers",
        Coverage::ResponseComplete { .. } => "ResponseComplete",
        Coverage::RequestReceived { .. } => "RequestReceived",
        Coverage::ResponseStarted { .. } => "ResponseStarted",
        Coverage::Levels { .. } => "level",
        Coverage::LatencyAnnotations { .. } => "latency annotations",
        Coverage::MissingTraffic { .. } | Coverage::MissingReads { .. } => "policy",
        Coverage::Gap { .. } => "gaps",
        Coverage::OutOfOrder { .. } | Coverage::LateStages { .. } | Coverage::Contradictions { .. } => "order",
        Coverage::ClockSetBack { .. } => "clock",
        Coverage::Duplicates { .. } => "duplicates",
        Coverage::NeverLogged => "never logged",
    }
}

fn fact_and_meaning(coverage: &Coverage) -> (String, String) {
    let words = |fact: &str, meaning: &str| (fact.to_owned(), meaning.to_owned());
    match coverage {
        Coverage::Apiservers { names, has_unnamed } => apiservers(names, *has_unnamed),
        Coverage::ResponseComplete { is_logged_for_others, request_count } => {
            ends(*is_logged_for_others, *request_count)
        }
        Coverage::RequestReceived { is_logged: true, open_count } => (
            format!("logged; {} no end in the log", count(*open_count, "request has", "requests have")),
            "a request in flight when the server died is in the log as open: see the query open_requests".to_owned(),
        ),
        Coverage::RequestReceived { is_logged: false, .. } => words(
            "not logged (omitted by the audit policy)",
            "a LIST in flight when the server was killed leaves no line at all: the worst requests of an outage may be \
             missing, so look at the last minutes before it and at who comes back first",
        ),
        Coverage::ResponseStarted { is_logged: true, unauthorized_count } => (
            "logged".to_owned(),
            format!(
                "watches that are still open, their set-up times and failed authentications ({} with 401) are visible",
                units::count(*unauthorized_count)
            ),
        ),
        Coverage::ResponseStarted { is_logged: false, .. } => {
            words("not logged", "watches show only when they end, and failed authentications (401) not at all")
        }
        Coverage::Levels(levels) => levels_words(levels),
        Coverage::LatencyAnnotations(latencies) => latencies_words(latencies),
        Coverage::MissingTraffic { class } => missing(*class),
        Coverage::MissingReads { missing, seen, seen_count } => missing_reads(missing, seen, *seen_count),
        Coverage::Gap { apiserver, from, to, startup_count } => gap(apiserver.as_deref(), (*from, *to), *startup_count),
        other => records(other),
    }
}

fn apiservers(names: &[String], has_unnamed: bool) -> (String, String) {
    match (names, has_unnamed) {
        ([], _) => (
            "no apiserver is named by the paths or lines".to_owned(),
            "everything is treated as the log of one server; if there are several, name each with NAME=PATH".to_owned(),
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
    }
}

fn ends(is_logged_for_others: bool, request_count: u64) -> (String, String) {
    let requests = units::count(request_count);
    let meaning = "how long they took, what was in flight and what was cut off is unknown; counts, herds and periods are \
                   not affected";
    if is_logged_for_others {
        let fact = format!("left out by the audit policy for some kinds of requests ({requests} requests)");
        return (fact, format!("of those, {meaning}"));
    }
    let fact = format!("not logged (omitted by the audit policy): no request has an end ({requests} requests)");
    (fact, meaning.to_owned())
}

fn missing_reads(missing: &[&str], seen: &[String], seen_count: usize) -> (String, String) {
    let more = if seen_count > seen.len() { " and others" } else { "" };
    (
        format!(
            "the log has no LIST or watch of {}, which every cluster reads: the audit policy leaves those reads out, or \
             the log is too short; reads of {}{more} are logged",
            missing.join(", "),
            seen.join(", ")
        ),
        "storms of LISTs of what is left out can't be seen".to_owned(),
    )
}

fn levels_words(logged: &LevelCoverage) -> (String, String) {
    let share = |one: &LevelCount| format!("{} {}", one.level, units::percent(one.event_count, logged.event_count));
    let fact = format!("events by level: {}", logged.levels.iter().map(share).collect::<Vec<_>>().join(", "));
    let mut meaning = if logged.response_body_count == 0 {
        "no response bodies are logged, so response sizes must come from elsewhere".to_owned()
    } else {
        let share = units::percent(logged.response_body_count, logged.request_count);
        format!("response sizes are known for {share} of the requests")
    };
    if logged.truncated_count > 0 {
        let cut = count(logged.truncated_count, "event", "events");
        meaning.push_str(&format!(
            "; the server left out the bodies of {cut} because they were too large: the largest of all"
        ));
    }
    (fact, meaning)
}

fn latencies_words(logged: &LatencyCoverage) -> (String, String) {
    let LatencyCoverage { annotations, has_queue_wait, slow_count, annotated_count, server_version } = logged;
    let version = match server_version {
        ServerVersion::Named(version) => format!("the server calls itself {version}"),
        ServerVersion::AtLeast(version) => format!("the server is Kubernetes {version} or newer"),
        ServerVersion::Unknown => "the server's version is unknown".to_owned(),
    };
    let (fact, meaning) = if !annotations.is_empty() {
        let share = units::percent(*annotated_count, *slow_count);
        let meaning = if *has_queue_wait {
            "queueing and work can be told apart for requests over 0.5 s; shorter ones and watches never have annotations"
        } else {
            "the time in APF queues is not among them (logged from 1.31 on), so waiting and work can't be told apart"
        };
        (format!("{} (on {share} of requests over 0.5 s)", annotations.join(", ")), meaning)
    } else if *slow_count == 0 {
        ("none, but no request took over 0.5 s either".to_owned(), "nothing is missing: only slow requests have them")
    } else {
        (
            format!("none, though {} took over 0.5 s", count(*slow_count, "request", "requests")),
            "the server is older than 1.24, or a collector dropped them: the log can't show why requests were slow",
        )
    };
    (fact, format!("{version}; {meaning}"))
}

fn missing(class: TrafficClass) -> (String, String) {
    let (class, meaning) = match class {
        TrafficClass::Lists => ("LISTs", "LIST storms, the main subject of this program, can't be found"),
        TrafficClass::Watches => ("watches", "watch churn and lists by watch (sendInitialEvents) can't be found"),
        TrafficClass::Gets => ("GETs", "polling of single objects can't be found"),
        TrafficClass::Writes => ("writes", "what drives watches, and how many objects there are, can't be counted"),
        TrafficClass::Leases => {
            ("requests for leases", "kubelets and leader elections can't be counted by their heartbeats")
        }
        TrafficClass::Events => ("requests for events", "event floods can't be found"),
        TrafficClass::Nodes => {
            ("requests of kubelets (system:node:…)", "what nodes do, often most of the traffic, can't be seen")
        }
        TrafficClass::ServiceAccounts => ("requests of service accounts", "what runs in pods can't be seen"),
        TrafficClass::NonResource => {
            ("non-resource requests", "probes, metrics scrapes and discovery can't be counted")
        }
    };
    let fact = format!("the log has no {class}: the audit policy seems to drop them, or the log is too short");
    (fact, meaning.to_owned())
}

fn gap(apiserver: Option<&str>, (from, to): (i64, i64), startup_count: u64) -> (String, String) {
    let name = apiserver.unwrap_or("the log");
    let meaning = match startup_count {
        0 => "the server was down or idle, or a piece of the log is missing".to_owned(),
        served => format!(
            "the server was down, or a piece of the log is missing; {} marked as served while it was starting",
            count(served, "event is", "events are")
        ),
    };
    (format!("{name}: no event for {} after {}", span(to - from), units::second(from)), meaning)
}

/// Facts about how the log is written.
fn records(coverage: &Coverage) -> (String, String) {
    let (fact, meaning) = match coverage {
        Coverage::OutOfOrder { inversion_count, event_count, worst_micros } => (
            format!(
                "{} of {} events are out of order, by up to {}",
                units::count(*inversion_count),
                units::count(*event_count),
                span(*worst_micros)
            ),
            "this is usual, because stages are stamped before they are written; stages are joined in any order",
        ),
        Coverage::ClockSetBack { event_count } => (
            format!("{} earlier than the receipt of the request", count(*event_count, "event is stamped", "events are stamped")),
            "the server's clock was set back: durations around that time are wrong",
        ),
        Coverage::Contradictions { request_count } => (
            format!("{} requests have a response that starts after their end", units::count(*request_count)),
            "when those ended is unknown",
        ),
        Coverage::Duplicates { event_count, remembered_requests } => {
            return (
                format!("{} in the logs more than once", count(*event_count, "event is", "events are")),
                format!(
                    "each is counted once; copies are recognised within about {} requests of each other",
                    units::count(*remembered_requests)
                ),
            );
        }
        Coverage::LateStages { stage_count } => (
            format!("{} after the end of the request", count(*stage_count, "stage comes", "stages come")),
            "they are joined all the same, unless they are far behind",
        ),
        _ => (
            "response sizes (unless bodies are logged), object counts, encodings, and which FlowSchema served a request"
                .to_owned(),
            "all figures for memory and for APF are estimates based on other sources",
        ),
    };
    (fact, meaning.to_owned())
}
