//! Ends of apiservers, and what a log can show at all, over small logs of a made-up cluster: what is told by what starts again,
//! what only looks like an end, and that a policy which logs less never makes a death or a culprit.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::Value;
use stormglass::analysis::incident::IncidentOptions;
use stormglass::analysis::storms::StormOptions;
use stormglass::analysis::{AnalysisError, doctor, incident, storms};
use stormglass::dimensions::Settings;
use stormglass::report::StormJson;
use tempfile::TempDir;

use crate::support::{ask, block_on, event, json, session, session_within, temporary, time};

/// Milliseconds since the beginning of the log.
type Ms = i64;

const SECOND: Ms = 1_000;
/// Resources that the server lists and watches for itself.
const OWN: [&str; 10] = [
    "namespaces",
    "services",
    "configmaps",
    "secrets",
    "nodes",
    "pods",
    "serviceaccounts",
    "limitranges",
    "resourcequotas",
    "endpoints",
];
/// What every instance of the clients watches.
const WATCHED: [&str; 4] = ["pods", "nodes", "configmaps", "services"];
const CLIENTS: [&str; 3] = ["alpha-agent", "beta-agent", "gamma-agent"];
const INSTANCES: usize = 10;

/// An audit event, by what policies filter.
#[derive(Clone, Debug)]
struct Line {
    at: Ms,
    stage: &'static str,
    verb: &'static str,
    resource: String,
    is_own: bool,
    text: String,
}

/// A log being written.
#[derive(Clone, Default)]
struct Log {
    lines: Vec<Line>,
    requests: usize,
}

/// A request of someone.
#[derive(Clone, Copy)]
struct Sent<'r> {
    user: &'r str,
    agent: &'r str,
    ip: &'r str,
    verb: &'static str,
    resource: &'r str,
    query: &'r str,
    is_startup: bool,
}

fn timestamp(at: Ms) -> String {
    let (minutes, rest) = (at / 60_000, at % 60_000);
    format!("2026-07-23T{:02}:{:02}:{:02}.{:03}000Z", 10 + minutes / 60, minutes % 60, rest / SECOND, rest % SECOND)
}

impl Log {
    /// A request with the stages it came to: RequestReceived, ResponseStarted, ResponseComplete.
    fn send(&mut self, sent: Sent<'_>, received: Ms, started: Option<Ms>, completed: Option<Ms>) {
        self.requests += 1;
        let id = format!("00000000-0000-4000-8000-{:012}", self.requests);
        let stages =
            [("RequestReceived", Some(received)), ("ResponseStarted", started), ("ResponseComplete", completed)];
        for (stage, at) in stages {
            let Some(at) = at else { continue };
            let status =
                if stage == "RequestReceived" { "" } else { r#","responseStatus":{"metadata":{},"code":200}"# };
            let startup = if sent.is_startup { r#""apiserver.k8s.io/startup":"true""# } else { "" };
            let Sent { user, agent, ip, verb, resource, query, .. } = sent;
            let text = format!(
                r#"{{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"{id}","stage":"{stage}","requestURI":"/api/v1/{resource}{query}","verb":"{verb}","user":{{"username":"{user}","groups":["system:authenticated"]}},"sourceIPs":["{ip}"],"userAgent":"{agent}/v1.0.0 (linux/amd64) kubernetes/abcdef0","objectRef":{{"resource":"{resource}","apiVersion":"v1"}}{status},"requestReceivedTimestamp":"{}","stageTimestamp":"{}","annotations":{{{startup}}}}}"#,
                timestamp(received),
                timestamp(at)
            );
            let is_own = user == "system:apiserver";
            self.lines.push(Line { at, stage, verb, resource: resource.to_owned(), is_own, text });
        }
    }

    fn list(&mut self, user: &str, agent: &str, ip: &str, resource: &str, at: Ms, took: Ms) {
        let query = "?resourceVersion=0";
        let sent = Sent { user, agent, ip, verb: "list", resource, query, is_startup: false };
        self.send(sent, at, None, Some(at + took));
    }

    fn watch(&mut self, user: &str, agent: &str, ip: &str, resource: &str, from: Ms, to: Option<Ms>) {
        let query = "?allowWatchBookmarks=true\\u0026timeoutSeconds=400\\u0026watch=true";
        let sent = Sent { user, agent, ip, verb: "watch", resource, query, is_startup: false };
        self.send(sent, from, Some(from + 2), to);
    }

    /// What a process asks of itself when it starts, and the watches that it keeps until it ends.
    fn own(&mut self, start: Ms, end: Option<Ms>) {
        for (index, resource) in (0..).zip(OWN) {
            let at = start + 10 * index;
            self.list("system:apiserver", "kube-apiserver", "127.0.0.1", resource, at, 5);
            self.watch("system:apiserver", "kube-apiserver", "127.0.0.1", resource, at + 6, end);
        }
    }

    /// Requests that the server marks as served while it starts.
    fn marked(&mut self, from: Ms, to: Ms) {
        for at in (from..to).step_by(500) {
            let (user, agent) = ("system:node:n1", "kubelet");
            let sent =
                Sent { user, agent, ip: "10.0.0.1", verb: "get", resource: "nodes", query: "/n1", is_startup: true };
            self.send(sent, at, None, Some(at + 3));
        }
    }

    /// Renewals of leases, more than one a second.
    fn leases(&mut self, from: Ms, to: Ms) {
        for at in (from..to).step_by(800) {
            let (user, agent) = ("system:node:n1", "kubelet");
            let sent = Sent {
                user,
                agent,
                ip: "10.0.0.1",
                verb: "update",
                resource: "leases",
                query: "/n1",
                is_startup: false,
            };
            self.send(sent, at, None, Some(at + 4));
        }
    }

    /// The watches of all clients, from one time on, each with the end that is given.
    fn watches(&mut self, from: Ms, end: impl Fn(usize, Ms) -> Option<Ms>) {
        for (client, name) in CLIENTS.iter().enumerate() {
            self.watches_of(client, name, from, &end);
        }
    }

    fn watches_of(&mut self, client: usize, name: &str, from: Ms, end: &impl Fn(usize, Ms) -> Option<Ms>) {
        for instance in 0..INSTANCES {
            let (user, ip) = (format!("system:serviceaccount:ops:{name}"), format!("10.1.{client}.{instance}"));
            for (index, resource) in WATCHED.iter().enumerate() {
                let at = from + (37 * (client * INSTANCES + instance) + 11 * index) as Ms;
                self.watch(&user, name, &ip, resource, at, end(client * INSTANCES + instance, at));
            }
        }
    }

    /// LISTs that a healthy controller sends now and then.
    fn polls(&mut self, from: Ms, to: Ms) {
        for at in (from..to).step_by(20_000) {
            for resource in ["pods", "nodes", "configmaps", "secrets", "endpoints"] {
                let user = "system:serviceaccount:ops:poller";
                self.list(user, "poller", "10.2.0.1", resource, at, 30);
            }
        }
    }

    /// A client that lists all pods over and over.
    fn storm(&mut self, from: Ms, to: Ms) {
        for at in (from..to).step_by(100) {
            let (user, ip) = ("system:serviceaccount:ops:hammer", format!("10.3.0.{}", at / 100 % 20));
            let sent =
                Sent { user, agent: "hammer", ip: &ip, verb: "list", resource: "pods", query: "", is_startup: false };
            self.send(sent, at, None, (at + 1_500 < to).then_some(at + 1_500));
        }
    }

    fn without(&self, dropped: impl Fn(&Line) -> bool) -> Self {
        Self { lines: self.lines.iter().filter(|line| !dropped(line)).cloned().collect(), ..*self }
    }

    fn text(&self) -> String {
        let mut lines: Vec<&Line> = self.lines.iter().collect();
        lines.sort_by_key(|line| line.at);
        lines.iter().fold(String::new(), |mut text, line| {
            writeln!(text, "{}", line.text).unwrap();
            text
        })
    }

    fn report(&self) -> Value {
        report_of(&[("audit.log", self)])
    }
}

fn report_of(logs: &[(&str, &Log)]) -> Value {
    let folder = TempDir::new().unwrap();
    let files: Vec<String> = logs.iter().map(|(name, log)| temporary(&folder, name, log.text())).collect();
    let report = block_on(storms(&session(&files, Settings::default()), &StormOptions::default())).unwrap();
    json(&StormJson::from(&report))
}

/// Deaths, in seconds since the beginning of the log: when the server was last heard of, and when it was back.
fn deaths(report: &Value) -> Vec<(f64, f64)> {
    let deaths = report["verdict_codes"]["deaths"].as_array().unwrap();
    deaths.iter().map(|death| (secs(&death["at"]), secs(&death["back_at"]))).collect()
}

fn secs(at: &Value) -> f64 {
    let at = stormglass::audit::parse_instant(at.as_str().unwrap()).unwrap();
    let begin = stormglass::audit::parse_instant("2026-07-23T10:00:00Z").unwrap();
    (at - begin) as f64 / 1e6
}

/// Restarts that are more than the log's own beginning, with their severities.
fn restarts(report: &Value) -> Vec<String> {
    let findings = report["findings"].as_array().unwrap().iter();
    let restarts = findings.filter(|finding| finding["kind"] == "apiserver-restart");
    restarts
        .filter(|finding| finding["severity_reason_code"]["code"] != "log-begins")
        .map(|finding| finding["severity"].as_str().unwrap().to_owned())
        .collect()
}

/// Clients to blame: of findings at warning or above.
fn loud(report: &Value) -> BTreeSet<(String, String)> {
    let findings = report["findings"].as_array().unwrap().iter().filter(|finding| finding["severity"] != "info");
    findings.map(|finding| (text(&finding["kind"]), text(&finding["client"]))).collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

const KILLED: Ms = 480_000;
const END: Ms = 900_000;

/// Ends of watches as they are due: after 5 to 6 min, if the log goes so far.
fn due(number: usize, from: Ms) -> Option<Ms> {
    let end = from + 300_000 + 1_531 * number as Ms;
    (end < END).then_some(end)
}

/// A server that runs all the time; each watch is opened again when it ends.
fn quiet() -> Log {
    let mut log = Log::default();
    log.own(0, None);
    log.leases(200, END);
    log.polls(3_000, END);
    log.watches(2_000, due);
    renew_watches(&mut log, 2_000, END);
    log
}

/// The successors of watches that ended when they were due.
fn renew_watches(log: &mut Log, from: Ms, until: Ms) {
    for (client, name) in CLIENTS.iter().enumerate() {
        for instance in 0..INSTANCES {
            let number = client * INSTANCES + instance;
            let (user, ip) = (format!("system:serviceaccount:ops:{name}"), format!("10.1.{client}.{instance}"));
            for (index, resource) in WATCHED.iter().enumerate() {
                let mut at = from + (37 * number + 11 * index) as Ms;
                while let Some(end) = due(number, at).filter(|end| *end + 50 < until) {
                    at = end + 50;
                    log.watch(&user, name, &ip, resource, at, due(number, at));
                }
            }
        }
    }
}

/// A server that ends at 8 min, and is back after `away`; `ends` says when it ended its watches.
fn ended(away: Ms, ends: Option<Ms>, has_storm: bool) -> Log {
    let mut log = Log::default();
    let back = KILLED + away;
    log.own(0, ends);
    log.leases(200, KILLED);
    log.polls(3_000, KILLED - 1_000);
    log.watches(2_000, |number, from| due(number, from).filter(|end| *end < KILLED).or(ends));
    for (client, name) in CLIENTS.iter().enumerate() {
        for instance in 0..INSTANCES {
            let number = client * INSTANCES + instance;
            let (user, ip) = (format!("system:serviceaccount:ops:{name}"), format!("10.1.{client}.{instance}"));
            for (index, resource) in WATCHED.iter().enumerate() {
                let from = 2_000 + (37 * number + 11 * index) as Ms;
                if let Some(end) = due(number, from).filter(|end| *end + 50 < KILLED) {
                    log.watch(&user, name, &ip, resource, end + 50, ends);
                }
            }
        }
    }
    if has_storm {
        log.storm(KILLED - 60_000, KILLED);
    }
    log.own(back, None);
    log.marked(back + 100, back + 6_000);
    log.leases(back + 300, END);
    log.polls(back + 8_000, END);
    log.watches(back + 1_000, due);
    renew_watches(&mut log, back + 1_000, END);
    log
}

fn is_unmarked(log: &Log) -> Log {
    let mut log = log.clone();
    for line in &mut log.lines {
        line.text = line.text.replace(r#""apiserver.k8s.io/startup":"true""#, "");
    }
    log
}

#[test]
fn a_server_that_is_back_in_two_seconds_is_found_by_what_starts_again() {
    let log = ended(2_700, None, false);
    let report = log.report();
    let found = deaths(&report);
    assert_eq!(found.len(), 1, "{:#}", report["verdict"]);
    assert!((478.0..=480.1).contains(&found[0].0) && (482.6..=482.8).contains(&found[0].1), "{found:?}");
    let death = &report["verdict_codes"]["deaths"][0];
    assert!(secs(&death["ready_at"]) > found[0].1 + 4.0, "ready is told apart from the first request");
    // Without receipts, without marks, without own requests: watches alone are left.
    for thinner in [
        log.without(|line| line.stage == "RequestReceived"),
        is_unmarked(&log),
        is_unmarked(&log).without(|line| line.stage == "RequestReceived"),
    ] {
        assert_eq!(deaths(&thinner.report()).len(), 1);
    }
    let clients_only = is_unmarked(&log).without(|line| line.is_own);
    let report = clients_only.report();
    assert_eq!(restarts(&report), ["warning"], "it may also be a piece of the log that is missing");
}

/// A loop of crashes: each process lives for a minute, and is back in two seconds.
#[test]
fn each_crash_of_a_loop_is_an_end_of_its_own() {
    let mut log = Log::default();
    let starts: Vec<Ms> = (0..5).map(|number| 62_000 * number).collect();
    for start in starts {
        let last = start + 60_000;
        log.own(start, None);
        log.leases(start + 300, last);
        log.polls(start + 3_000, last);
        log.watches(start + 1_000, |_, _| None);
        // Some watches end, as one that is cut by its client does.
        log.watch("system:serviceaccount:ops:short", "short", "10.4.0.1", "pods", start + 5_000, Some(start + 9_000));
        for resource in WATCHED {
            log.watch(
                "system:serviceaccount:ops:short",
                "short",
                "10.4.0.1",
                resource,
                start + 9_000,
                Some(start + 30_000),
            );
        }
    }
    assert_eq!(deaths(&log.report()).len(), 4);
    assert_eq!(deaths(&log.without(|line| line.stage == "RequestReceived").report()).len(), 4);
}

#[test]
fn a_server_that_stops_in_good_order_did_not_die() {
    let log = ended(20_000, Some(KILLED + 100), false);
    let report = log.report();
    assert_eq!(deaths(&report), []);
    assert_eq!(restarts(&report), ["info"]);
    let ends_only = log.without(|line| line.stage != "ResponseComplete");
    assert_eq!(restarts(&ends_only.report()), ["info"], "the ends of its watches are logged");
}

#[test]
fn what_only_looks_like_an_end_is_none() {
    assert_eq!(restarts(&quiet().report()), [""; 0], "nothing happened");
    // A hole in the log: the same watches go on, and nothing is listed again.
    let hole = quiet().without(|line| (200_000..420_000).contains(&line.at));
    assert_eq!(restarts(&hole.report()), [""; 0], "a hole");
    let hole_of_clients = hole.without(|line| line.is_own);
    assert_eq!(restarts(&hole_of_clients.report()), [""; 0], "a hole where the server's own requests are not logged");
    // All watches of one client are cut, as its instances are replaced one by one.
    let mut rolling = quiet();
    rolling.watches_of(7, "delta-agent", 2_000, &|number, _| Some(100_000 + 1_000 * number as Ms));
    rolling.watches_of(7, "delta-agent", 100_100, &|_, _| None);
    assert_eq!(restarts(&rolling.report()), [""; 0], "a client that is rolled out");
    // The network cuts all watches of clients; the server's own go on.
    let mut blip = Log::default();
    blip.own(0, None);
    blip.leases(200, 300_000);
    blip.leases(303_000, END);
    blip.polls(3_000, 299_000);
    blip.watches(2_000, |_, _| Some(300_000));
    blip.watches(303_000, |_, _| None);
    assert_eq!(restarts(&blip.report()), [""; 0], "a network that fails");
    // The same where the server doesn't notice: the old watches end when they are due, or never in this log.
    let mut unnoticed = Log::default();
    unnoticed.own(0, None);
    unnoticed.leases(200, 300_000);
    unnoticed.leases(303_000, 600_000);
    unnoticed.polls(3_000, 299_000);
    unnoticed.watches(2_000, |_, _| None);
    unnoticed.watches(303_000, |_, _| None);
    unnoticed.watch("system:serviceaccount:ops:short", "short", "10.4.0.1", "pods", 5_000, Some(9_000));
    assert_eq!(restarts(&unnoticed.report()), [""; 0], "a network that fails in silence");
    // A new leader lists all that its controllers need.
    let mut leader = quiet();
    for (index, resource) in (0..).zip(OWN) {
        let (user, agent) = ("system:kube-controller-manager", "kube-controller-manager");
        leader.list(user, agent, "10.0.0.9", resource, 400_000 + 20 * index, 10);
        leader.watch(user, agent, "10.0.0.9", resource, 400_010 + 20 * index, None);
    }
    assert_eq!(restarts(&leader.report()), [""; 0], "a change of the leader");
}

#[test]
fn of_three_servers_only_the_one_that_started_again_died() {
    let (a, b, c) = (quiet(), ended(5_000, None, false), quiet());
    let folder = TempDir::new().unwrap();
    let named: Vec<String> = [("a", &a), ("b", &b), ("c", &c)]
        .iter()
        .map(|(name, log)| format!("{name}={}", temporary(&folder, &format!("{name}/audit.log"), log.text())))
        .collect();
    let report = block_on(storms(&session(&named, Settings::default()), &StormOptions::default())).unwrap();
    let report = json(&StormJson::from(&report));
    let servers: Vec<&Value> =
        report["verdict_codes"]["deaths"].as_array().unwrap().iter().map(|death| &death["apiserver"]).collect();
    assert_eq!(servers, ["b"]);
}

/// No ResponseComplete at all: nothing is in flight, nothing is cut off, and the counts are right all the same.
#[test]
fn without_any_end_of_a_request_nothing_is_in_flight_and_counting_works() {
    let mut log = quiet();
    log.storm(100_000, 700_000);
    let log = log.without(|line| line.stage == "ResponseComplete");
    let report = log.report();
    assert_eq!(report["verdict_codes"]["visibility"]["request_ends"], "not-logged");
    assert!(text(&report["verdict"]).starts_with("This log has no ends of requests"), "{:#}", report["verdict"]);
    assert_eq!(deaths(&report), []);
    let findings = report["findings"].as_array().unwrap();
    assert!(!findings.iter().any(|finding| finding["kind"] == "list-pileup"), "{findings:#?}");
    let hammer = findings.iter().find(|finding| finding["client"] == "hammer" && finding["kind"] == "list-loop");
    let hammer = hammer.expect("the loop is found");
    assert_eq!((hammer["requests"].as_u64(), &hammer["peak_concurrency"]), (Some(6_000), &Value::Null));
    let folder = TempDir::new().unwrap();
    let file = temporary(&folder, "audit.log", log.text());
    let session = session(&[file], Settings::default());
    let report = json(&block_on(doctor(&session)).unwrap().with_words());
    let facts = report["coverage"].as_array().unwrap();
    let limit = facts.iter().find(|fact| fact["is_limit"] == true).unwrap();
    assert_eq!(limit["code"], "response-complete", "it is said first");
    assert!(!facts.iter().any(|fact| fact["code"] == "request-received"), "{facts:#?}");
    let report =
        block_on(incident(&session, &IncidentOptions { proposes_candidates: false, ..IncidentOptions::default() }));
    let report = report.unwrap();
    assert!(report.cut_off.is_empty() && report.pressure.is_empty());
}

/// The policy leaves out the ends of one verb and resource only.
#[test]
fn ends_may_be_left_out_of_some_requests_only() {
    let mut log = quiet();
    log.storm(100_000, 700_000);
    let log =
        log.without(|line| (line.stage, line.verb, line.resource.as_str()) == ("ResponseComplete", "list", "pods"));
    let report = log.report();
    assert_eq!(report["verdict_codes"]["visibility"]["request_ends"], "logged-for-some");
    assert!(!report["findings"].as_array().unwrap().iter().any(|finding| finding["kind"] == "list-pileup"));
}

#[test]
fn where_lists_cannot_be_seen_the_headline_says_so() {
    let headline = |log: &Log| text(&log.report()["verdict"]);
    let log = quiet();
    assert!(headline(&log).starts_with("No storm"), "{}", headline(&log));
    let writes = log.without(|line| line.verb != "update");
    assert!(headline(&writes).starts_with("LISTs can't be seen in this log"), "{}", headline(&writes));
    assert!(headline(&writes).contains("No end of an apiserver can be seen"), "{}", headline(&writes));
    let secrets = log.without(|line| line.verb != "update" && line.resource != "secrets");
    assert!(headline(&secrets).starts_with("LISTs of pods, nodes, configmaps and endpointslices can't be seen"));
}

#[test]
fn a_time_outside_the_logs_is_an_error_that_names_the_nearest_end() {
    let folder = TempDir::new().unwrap();
    let file = temporary(&folder, "audit.log", ended(5_000, None, false).text());
    let asked = |from: Option<&str>, to: Option<&str>, at: Option<&str>| {
        let session = session_within(&[&file], (from, to), Settings::default());
        block_on(storms(&session, &StormOptions { at: at.map(time), ..StormOptions::default() }))
    };
    for (from, to, at, option) in [
        (None, None, Some("2026-07-23T12:00:00Z"), "--at 2026-07-23T12:00:00.000Z"),
        (Some("2026-07-23T11:00:00Z"), None, None, "--from 2026-07-23T11:00:00.000Z"),
        (None, Some("2026-07-23T09:00:00Z"), None, "--to 2026-07-23T09:00:00.000Z"),
    ] {
        let Err(AnalysisError::OutsideLogs(error)) = asked(from, to, at) else { panic!("{option} is outside") };
        let words = error.to_string();
        assert!(words.starts_with(option) && words.contains("nearest end"), "{words}");
        assert!(error.nearest_end.is_some(), "{words}");
    }
    let far = asked(None, None, Some("2026-07-23T10:01:00Z")).unwrap();
    assert!(far.nearest_end.is_some(), "inside, but 7 min from the end");
    let near = asked(None, None, Some("2026-07-23T10:08:10Z")).unwrap();
    assert_eq!((near.nearest_end, near.verdict.deaths.len()), (None, 1));
    assert!(
        asked(Some("2026-07-23T09:00:00Z"), Some("2026-07-23T10:05:00Z"), None).is_ok(),
        "it begins before the logs"
    );
}

/// What a policy may leave out.
#[derive(Clone, Debug)]
struct Thinning {
    stage: Option<&'static str>,
    verb: Option<&'static str>,
    resource: Option<&'static str>,
}

impl Thinning {
    fn drops(&self, line: &Line) -> bool {
        self.stage.is_none_or(|stage| stage == line.stage)
            && self.verb.is_none_or(|verb| verb == line.verb)
            && self.resource.is_none_or(|resource| resource == line.resource)
    }
}

fn thinning() -> impl Strategy<Value = Thinning> {
    let stage = prop::option::of(prop::sample::select(vec!["RequestReceived", "ResponseStarted", "ResponseComplete"]));
    let verb = prop::option::of(prop::sample::select(vec!["list", "watch", "update", "get"]));
    let resource = prop::option::of(prop::sample::select(vec!["pods", "nodes", "configmaps", "leases"]));
    (stage, verb, resource)
        .prop_map(|(stage, verb, resource)| Thinning { stage, verb, resource })
        .prop_filter("something is left", |thinning| {
            thinning.stage.is_some() || thinning.verb.is_some() || thinning.resource.is_some()
        })
}

/// A policy that logs less must not make a server die, nor blame a client that the whole log doesn't blame.
#[test]
fn a_policy_that_logs_less_makes_no_death_and_no_culprit() {
    let hole = quiet().without(|line| (200_000..420_000).contains(&line.at));
    let logs = [quiet(), hole, ended(2_700, None, true), ended(20_000, Some(KILLED + 100), true)];
    let whole: Vec<Value> = logs.iter().map(Log::report).collect();
    let config = Config { cases: 16, failure_persistence: None, ..Config::default() };
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let mut runner = TestRunner::new_with_rng(config, rng);
    let result = runner.run(&(0..logs.len(), prop::collection::vec(thinning(), 1..3)), |(index, thinnings)| {
        let thinned = logs[index].without(|line| thinnings.iter().any(|thinning| thinning.drops(line)));
        if thinned.lines.is_empty() {
            return Ok(());
        }
        let (report, whole) = (thinned.report(), &whole[index]);
        let (found, known) = (deaths(&report), deaths(whole));
        for (died, _) in &found {
            let is_known = known.iter().any(|(at, back)| (at - 15.0..=back + 15.0).contains(died));
            prop_assert!(is_known, "log {index} without {thinnings:?}: died at {died}, known {known:?}");
        }
        let culprit = &report["verdict_codes"]["storm"]["culprit"];
        if let Some(client) = culprit["client"].as_str() {
            let blamed = loud(whole);
            let is_known = blamed.iter().any(|(_, name)| name == client);
            prop_assert!(is_known, "log {index} without {thinnings:?}: {culprit} is not in {blamed:?}");
        }
        Ok(())
    });
    assert!(result.is_ok(), "{result:?}");
}

#[derive(Debug, serde::Deserialize)]
struct Row {
    outcome: String,
    completed_at: Option<String>,
}

/// Whatever their order, stages that contradict each other are one request, and its end is unknown.
#[test]
fn two_starts_of_the_response_and_an_early_end_are_one_request_of_unknown_end() {
    let stages = [
        event("a", "ResponseStarted", "watch", "00.000000", "00.100000"),
        event("a", "ResponseComplete", "watch", "00.000000", "01.000000"),
        event("a", "ResponseStarted", "watch", "00.000000", "05.000000"),
    ];
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let folder = TempDir::new().unwrap();
        let lines = order.map(|index| stages[index].clone()).concat();
        let file = temporary(&folder, "audit.log", lines);
        let (rows, tally) = ask::<Row>(&[file], "select outcome, completed_at from requests");
        assert_eq!(rows.len(), 1, "{order:?}");
        assert_eq!((rows[0].outcome.as_str(), &rows[0].completed_at), ("unknown", &None), "{order:?}");
        assert_eq!(tally.contradictory_requests, 1, "{order:?}");
    }
}
