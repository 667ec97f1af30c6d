//! Storms: what is found in logs of a real server whose storms are known, and that nothing is found where there are none.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;
use stormglass::analysis::query::{Question, query};
use stormglass::analysis::storms::StormOptions;
use stormglass::analysis::{Session, SessionOptions, storms};
use stormglass::audit::parse_instant;
use stormglass::dimensions::Settings;
use stormglass::findings::Severity;
use stormglass::report::{StormJson, markdown, terminal};
use stormglass::synth::{SynthOptions, SynthStorm, write_log};
use stormglass::tables::{Params, QuerySet};
use stormglass::units::Zone;

use crate::support::{block_on, folder, json, metrics, project, server, session, sized, time};

/// By how many microseconds spans may differ.
const SPARE: i64 = 5_000_000;

/// The JSON of the storms in logs.
fn storms_json(inputs: &[PathBuf], options: &StormOptions, settings: Settings) -> Value {
    let session = session(inputs, settings);
    let report = block_on(storms(&session, options)).unwrap();
    json(&StormJson::from(&report))
}

/// The same, asked for nothing in particular.
fn storms_of(inputs: &[PathBuf]) -> Value {
    storms_json(inputs, &StormOptions::default(), Settings::default())
}

fn findings(report: &Value) -> Vec<Finding> {
    serde_json::from_value(report["findings"].clone()).unwrap()
}

#[derive(Clone, Debug, Deserialize)]
struct Finding {
    kind: String,
    severity: String,
    started_at: String,
    ended_at: String,
    client_type: String,
    client: String,
    resource: Option<String>,
    requests: u64,
}

impl Finding {
    fn is_loud(&self) -> bool {
        self.severity != "info"
    }

    /// Whether it begins and ends where a window does, with 5 s to spare.
    fn is_near(&self, (from, to): (i64, i64)) -> bool {
        let (start, end) = (parse_instant(&self.started_at).unwrap(), parse_instant(&self.ended_at).unwrap());
        (start - from).abs() <= SPARE && (end - to).abs() <= SPARE
    }

    /// The share of its span that lies within a window, in microseconds since 1970, with 5 s to spare.
    fn share_within(&self, (from, to): (i64, i64)) -> f64 {
        let (start, end) = (parse_instant(&self.started_at).unwrap(), parse_instant(&self.ended_at).unwrap());
        let within = (end.min(to + SPARE) - start.max(from - SPARE)).max(0);
        (within + 1) as f64 / (end - start + 1) as f64
    }
}

/// A storm that someone brought about.
struct Storm {
    scenario: &'static str,
    /// Its name in the scenario's list of storms.
    label: &'static str,
    kinds: &'static [&'static str],
    client_type: &'static str,
    client: &'static str,
    resource: Option<&'static str>,
    severities: &'static [&'static str],
}

const STORMS: [Storm; 7] = [
    Storm {
        scenario: "s1-cni-relist",
        label: "thundering-herd-relist",
        kinds: &["relist-herd", "list-pileup"],
        client_type: "cni",
        client: "calico-node",
        resource: Some("pods"),
        severities: &["warning", "critical"],
    },
    Storm {
        scenario: "s1-cni-relist",
        label: "watch-cut-reconnect",
        kinds: &["watch-churn"],
        client_type: "kubelet",
        client: "kubelet",
        resource: None,
        severities: &["info", "warning"],
    },
    Storm {
        scenario: "s1-cni-relist",
        label: "operator-list-loop",
        kinds: &["list-loop", "unpaginated-list", "retry-loop"],
        client_type: "operator",
        client: "acme-operator-controller-manager",
        resource: Some("pods"),
        severities: &["warning", "critical"],
    },
    Storm {
        scenario: "s1-cni-relist",
        label: "restart-reconnect",
        kinds: &["restart-herd"],
        client_type: "many",
        client: "many",
        resource: None,
        severities: &["warning", "critical"],
    },
    Storm {
        scenario: "s2-python-oom",
        label: "list-storm-oom",
        kinds: &["list-loop", "list-pileup", "unpaginated-list", "retry-loop"],
        client_type: "sdk",
        client: "inventory-sync",
        resource: Some("pods"),
        severities: &["critical"],
    },
    Storm {
        scenario: "s2-python-oom",
        label: "relist-from-cache",
        kinds: &["relist-herd"],
        client_type: "cni",
        client: "cilium-agent",
        resource: None,
        severities: &["info", "warning"],
    },
    Storm {
        scenario: "s2-python-oom",
        label: "paged-list-loop",
        kinds: &["page-storm", "list-loop"],
        client_type: "kubectl",
        client: "kubectl",
        resource: Some("pods"),
        severities: &["warning"],
    },
];

/// What is known of a scenario beside its storms.
struct Scenario {
    report: Value,
    windows: BTreeMap<String, (i64, i64)>,
    /// When the server became ready: what comes within a minute is a herd.
    starts: Vec<i64>,
}

fn scenario(lab: &Path, name: &str) -> Scenario {
    let folder = lab.join(name);
    let is_log = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        name == "audit.log.gz" || name.starts_with("audit-2")
    };
    let mut logs: Vec<_> =
        std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).filter(is_log).collect();
    logs.sort();
    let truth: Value = serde_json::from_slice(&std::fs::read(folder.join("ground-truth.json")).unwrap()).unwrap();
    let at = |value: &Value| parse_instant(value.as_str().unwrap()).unwrap();
    let storms = truth["storms"].as_array().unwrap();
    let windows = storms
        .iter()
        .map(|storm| (storm["kind"].as_str().unwrap().to_owned(), (at(&storm["start"]), at(&storm["end"]))))
        .collect();
    let events = truth["server"].as_array().unwrap();
    let starts = events.iter().filter(|event| event["event"] == "start").map(|event| at(&event["t"])).collect();
    Scenario { report: storms_of(&logs), windows, starts }
}

fn is_found(storm: &Storm, finding: &Finding, window: (i64, i64)) -> bool {
    storm.kinds.contains(&finding.kind.as_str())
        && finding.client_type == storm.client_type
        && finding.client == storm.client
        && storm.resource.is_none_or(|resource| finding.resource.as_deref() == Some(resource))
        && finding.share_within(window) >= 0.8
}

#[test]
fn every_labelled_storm_is_found_and_nothing_else_is_loud() {
    let Some(lab) = folder("STORMGLASS_LAB") else { return };
    for name in ["s1-cni-relist", "s2-python-oom", "s3-quiet"] {
        let scenario = scenario(&lab, name);
        let findings = findings(&scenario.report);
        let storms = || STORMS.iter().filter(|storm| storm.scenario == name);
        for storm in storms() {
            let window = scenario.windows[storm.label];
            let found: Vec<_> = findings.iter().filter(|finding| is_found(storm, finding, window)).collect();
            assert!(!found.is_empty(), "{name}: {} is not found in {findings:#?}", storm.label);
            let is_as_bad = |finding: &&Finding| storm.severities.contains(&finding.severity.as_str());
            assert!(found.iter().any(is_as_bad), "{name}: {} is found as {found:#?}", storm.label);
        }
        for finding in findings.iter().filter(|finding| finding.is_loud()) {
            let is_storm = storms().any(|storm| is_found(storm, finding, scenario.windows[storm.label]));
            let is_of_start = ["restart-herd", "apiserver-restart"].contains(&finding.kind.as_str())
                && scenario
                    .starts
                    .iter()
                    .any(|start| finding.share_within((start - 15_000_000, start + 60_000_000)) >= 0.8);
            assert!(is_storm || is_of_start, "{name}: {finding:#?} is no storm");
        }
    }
}

/// Four fleets that list everything on a real server, beside clients that are healthy: with sizes from its metrics and
/// without, quick LISTs or slow ones, whether it lives through that or not.
#[test]
fn four_fleets_are_named_and_nobody_healthy_is() {
    let Some(lab) = folder("STORMGLASS_LAB2") else { return };
    const FLEETS: [&str; 4] = ["fleet-backup", "fleet-inventory", "fleet-placement", "fleet-reconciler"];
    for run in ["v136-before-1", "gzip-v136-before", "crd-oom", "legacy-before-1"] {
        let logs = [lab.join(run).join("audit.log.gz")];
        let measured = metrics(&lab.join(run).join("metrics-storm.txt.gz"), None);
        for metrics in [vec![measured], Vec::new()] {
            let settings = Settings { metrics, ..Settings::default() };
            let findings = findings(&storms_json(&logs, &StormOptions::default(), settings));
            let loud: BTreeSet<&str> = findings
                .iter()
                .filter(|finding| finding.is_loud() && finding.kind != "apiserver-restart")
                .map(|finding| finding.client.as_str())
                .filter(|client| *client != "many")
                .collect();
            assert_eq!(loud, BTreeSet::from(FLEETS), "{run}: {findings:#?}");
        }
    }
}

/// The span of the storm, and how many LISTs each fleet sent in it, as the clients themselves counted them.
#[test]
fn a_fleets_loop_lasts_as_long_as_its_lists_do() {
    let Some(lab) = folder("STORMGLASS_LAB2") else { return };
    for run in ["v136-before-1", "legacy-before-1"] {
        let truth = std::fs::read(lab.join(run).join("ground-truth.json")).unwrap();
        let truth: Value = serde_json::from_slice(&truth).unwrap();
        let at = |name: &str| parse_instant(truth["window"][name].as_str().unwrap()).unwrap();
        let findings = findings(&storms_of(&[lab.join(run).join("audit.log.gz")]));
        for storm in truth["storms"].as_array().unwrap() {
            let client = storm["client"].as_str().unwrap();
            let is_it = |finding: &&Finding| finding.kind == "list-loop" && finding.client == client;
            let found = findings.iter().find(is_it).unwrap();
            assert!(found.is_near((at("storm_first_list"), at("storm_last_answer"))), "{run}: {found:#?}");
            assert_eq!(Some(found.requests), storm["requests"].as_u64(), "{run}: {found:#?}");
        }
    }
}

/// Where a client polls before its storm and after it, the storm's span is the storm's.
#[test]
fn a_synthetic_storm_lasts_as_long_as_its_lists_do() {
    let of = |storm: Option<SynthStorm>| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.log");
        let options = SynthOptions { bytes: 80_000_000, storm, ..SynthOptions::default() };
        let summary = write_log(&options, &mut std::fs::File::create(&path).unwrap()).unwrap();
        let report = storms_of(&[path]);
        (findings(&report), summary.storm)
    };
    let (quiet, _) = of(None);
    assert!(!quiet.iter().any(Finding::is_loud), "{quiet:#?}");
    for (storm, kind, client) in [
        (SynthStorm::CalicoRelist, "relist-herd", "calico-node"),
        (SynthStorm::PythonListLoop, "list-loop", "inventory-sync"),
        (SynthStorm::OperatorListLoop, "list-loop", "acme-operator-controller-manager"),
    ] {
        let (findings, span) = of(Some(storm));
        let window = span.unwrap();
        let is_it = |finding: &&Finding| finding.kind == kind && finding.client == client && finding.is_loud();
        let found = findings.iter().find(is_it).unwrap();
        assert!(found.is_near(window), "{storm:?}: {found:#?}");
        let loud: BTreeSet<&str> = findings.iter().filter(|one| one.is_loud()).map(|one| one.client.as_str()).collect();
        assert!(loud.iter().all(|one| *one == client || *one == "many"), "{storm:?}: {findings:#?}");
    }
}

#[test]
fn the_sample_logs_show_their_culprits_and_the_quiet_one_none() {
    let of = |log: &str| findings(&storms_of(&[project("sample-logs").join(log)]));
    let has = |findings: &[Finding], kinds: &[&str], client: &str| {
        findings
            .iter()
            .any(|finding| finding.is_loud() && kinds.contains(&finding.kind.as_str()) && finding.client == client)
    };
    let operator = of("operator-loop");
    assert!(has(&operator, &["list-loop"], "acme-operator-controller-manager"), "{operator:#?}");
    assert!(has(&operator, &["apiserver-restart"], "kube-apiserver"), "{operator:#?}");
    let python = of("python-oom");
    assert!(has(&python, &["list-loop", "list-pileup"], "inventory-sync"), "{python:#?}");
    // This log begins a few seconds before the server is killed.
    assert!(has(&python, &["apiserver-restart"], "kube-apiserver"), "{python:#?}");
    let quiet = of("quiet");
    assert!(!quiet.iter().any(Finding::is_loud), "{quiet:#?}");
}

/// Asked about the moment of the kill, the client whose lists were in flight then comes first.
#[test]
fn a_moment_has_its_suspects() {
    let log = [project("sample-logs/python-oom")];
    let options = StormOptions { at: Some(time("2026-11-24T09:10:55Z")), ..StormOptions::default() };
    let report = storms_json(&log, &options, Settings::default());
    assert_eq!(report["at"], "2026-11-24T09:10:55.000Z");
    let first = &report["suspects"][0];
    assert_eq!((first["client"].as_str(), first["resource"].as_str()), (Some("inventory-sync"), Some("pods")));
    assert!(first["recent_requests"].as_u64().unwrap() >= 20, "{first}");
    assert!(first["estimated_bytes"]["low"].as_u64().unwrap() > 0, "{first}");
}

/// The object that machines read: its fields stay.
#[test]
fn the_json_has_its_fields() {
    let options = StormOptions { min_severity: Severity::Critical, top: Some(1), ..StormOptions::default() };
    let report = storms_json(&[project("sample-logs/operator-loop")], &options, Settings::default());
    assert_eq!(report["schema_version"], 2);
    assert!(report["verdict"].as_str().unwrap().contains("died"));
    assert!(report["blind_spots"].is_array());
    let finding = &report["findings"][0];
    for field in [
        "kind",
        "severity",
        "severity_reason",
        "summary",
        "started_at",
        "ended_at",
        "client_type",
        "client",
        "user_names",
        "user_agents",
        "instances",
        "worst_instances",
        "apiserver",
        "resource",
        "api_group",
        "scope",
        "list_kinds",
        "requests",
        "rate_rps",
        "baseline_rps",
        "peak_concurrency",
        "estimated_bytes",
        "peak_share",
        "watch_lists",
        "list_secs",
        "mean_concurrency",
        "evidence",
        "query",
        "unknowns",
        "remedies",
    ] {
        assert!(finding.get(field).is_some(), "no {field} in {finding}");
    }
    assert_eq!(report["findings"].as_array().unwrap().len(), 1);
}

/// Sizes given by hand replace what the log gives away, and make the estimate narrower.
#[test]
fn given_sizes_are_used() {
    let held = |settings: Settings| {
        let report = storms_json(&[project("sample-logs/operator-loop")], &StormOptions::default(), settings);
        let all = report["findings"].as_array().unwrap().clone();
        let of_operator = all.into_iter().find(|finding| {
            finding["kind"] == "list-loop" && finding["resource"] == "pods" && finding["severity"] != "info"
        });
        let bytes = of_operator.unwrap()["estimated_bytes"].clone();
        (bytes["low"].as_u64().unwrap(), bytes["high"].as_u64())
    };
    let (low, high) = held(Settings { server: server("1.36"), ..sized(&["pods=1760x5KB"]) });
    assert!(low > 5_000_000 && high.unwrap() < 300_000_000, "{low} {high:?}");
}

#[test]
fn the_same_log_gives_the_same_findings() {
    let log = [project("sample-logs/python-oom")];
    let first = storms_of(&log);
    for _ in 0..3 {
        assert_eq!(storms_of(&log), first);
    }
}

/// Names come from clients, who may put anything into them.
#[test]
fn hostile_names_are_shown_inert() {
    let folder = tempfile::tempdir().unwrap();
    let line = |second: u32| {
        let line = crate::support::event(
            &format!("id-{second}"),
            "ResponseComplete",
            "list",
            &format!("{:02}.000", second % 60),
            &format!("{:02}.900", second % 60),
        );
        line.replace("system:node:n1", "evil\\u001b[31m\\nNo storm\\u202e").replace("kubelet/v1.36.2", "evil\\u001b[2J")
    };
    let log: String = (0..40).map(line).collect();
    let path = crate::support::temporary(&folder, "audit.log", log);
    let session = session(&[path], Settings::default());
    let page = block_on(storms(&session, &StormOptions::default())).unwrap().page(&Zone::default());
    for text in [terminal(&page, None).text, markdown(&page, &Zone::default())] {
        assert!(!text.contains("\u{1b}[31m") && !text.contains("\u{1b}[2J") && !text.contains('\u{202e}'), "{text}");
        assert!(!text.lines().any(|line| line.starts_with("No storm\u{202e}")), "{text}");
    }
}

/// A query of the user's may read the logs twice where ours reads them once.
#[test]
fn a_kept_query_may_read_the_logs_twice() {
    let folder = tempfile::tempdir().unwrap();
    let own = "-- identities: ours.\n-- grain:  user_name\n-- reads:  requests\n-- kept:   yes.\n-- why:    a test.\n\
        select user_name, count(*) as request_count from requests\n\
        where user_name in (select user_name from requests) group by user_name;\n";
    crate::support::temporary(&folder, "identities.sql", own);
    let options = SessionOptions {
        inputs: vec![project("sample-logs/operator-loop").display().to_string()],
        queries: Some(folder.path().to_owned()),
        ..SessionOptions::default()
    };
    // Two readings that wait for each other would wait for ever.
    let (sender, answered) = mpsc::channel();
    std::thread::spawn(move || {
        let session = Session::new(options).unwrap();
        let rows = block_on(async {
            let question = Question::Named("identities".to_owned());
            let answer = query(&session, &question, &Params::new()).await.unwrap();
            answer.limit(1).unwrap().text(&stormglass::units::Zone::default()).await.unwrap().rows.len()
        });
        sender.send(rows).unwrap();
    });
    assert_eq!(answered.recv_timeout(Duration::from_secs(120)), Ok(1));
}

/// What vendors' detectors compute has a query here, as far as an audit log can tell it.
#[test]
fn vendors_ideas_have_their_queries() {
    const IDEAS: [(&str, &[&str]); 21] = [
        ("busiest user agents and users", &["client_totals", "top_clients"]),
        ("latency of a user agent over time", &["latency_over_time"]),
        ("p99 latency by verb and resource", &["latency_by_resource"]),
        ("LIST detector: by agent and namespace, from cache or etcd", &["list_reads", "lists"]),
        ("requests by source address", &["source_addresses"]),
        ("administrative events by user", &["writers"]),
        ("who is throttled", &["rejected", "apf_waits"]),
        ("webhooks that fail", &["webhook_failures"]),
        ("growth of objects", &["object_growth", "resource_sizes"]),
        ("slow LISTs by URI and user agent", &["slow_lists", "list_urls"]),
        ("request mix of a cluster", &["request_mix"]),
        ("LISTs of a user by resource and code", &["lists_by_user"]),
        ("rates of the controller manager's controllers", &["controller_rates"]),
        ("security-relevant requests", &["sensitive_requests"]),
        ("latency objectives by scope", &["latency_by_scope"]),
        ("waiting and rejection by API Priority and Fairness", &["apf_waits", "rejected"]),
        ("thundering herds of a DaemonSet", &["bursts", "episodes", "episode_instances"]),
        ("whole, unfiltered LISTs", &["unpaginated_lists", "full_lists"]),
        ("discovery in a loop", &["discovery", "discovery_loops"]),
        ("polling with a period", &["polls", "loops"]),
        ("skew between apiservers, and watch fan-out", &["apiserver_loads", "watch_fanouts"]),
    ];
    let queries = QuerySet::load(None).unwrap();
    for (idea, names) in IDEAS {
        for name in names {
            assert!(queries.get(name).is_some(), "{idea}: there is no query {name}");
        }
    }
}
