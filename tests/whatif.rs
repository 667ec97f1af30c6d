//! What-if: replays of real logs beside what the real server did, candidates against its storms, and bad input.

use std::path::{Path, PathBuf};

use serde_json::Value;
use stormglass::analysis::propose::ProposeOptions;
use stormglass::analysis::simulate::{SimulateOptions, SimulateReport};
use stormglass::analysis::verify::VerifyOptions;
use stormglass::analysis::{AnalysisError, Change, ReplayMode, ReplayOptions, propose, simulate, verify};
use stormglass::dimensions::{ApfSettings, Settings};
use stormglass::memory::Server;
use stormglass::report::terminal;
use stormglass::units::Zone;

use crate::support::{block_on, change, config, event, folder, json, kubernetes, project, session, sized, temporary};

/// What is known of the server of `hard-cap` and no log tells.
fn hard_cap_server() -> Settings {
    let gates = ["ConsistentListFromCache", "SizeBasedListCostEstimate"].map(|gate| (gate.to_owned(), false));
    Settings {
        server: Server {
            version: kubernetes("1.33"),
            reads_lists_from_etcd: Some(true),
            streams_encoding: Some(false),
        },
        apf: ApfSettings { gates: gates.to_vec(), ..ApfSettings::default() },
        ..sized(&["pods=3000x5KB"])
    }
}

fn simulate_report(log: &str, options: &SimulateOptions, settings: Settings) -> Result<SimulateReport, AnalysisError> {
    block_on(simulate(&session(&[log], settings), options))
}

/// The JSON of a replay of a log under some changes.
fn replayed(log: &str, candidates: Vec<Change>, replay: ReplayOptions, settings: Settings) -> Value {
    let options = SimulateOptions { candidates, replay, ..SimulateOptions::default() };
    json(&simulate_report(log, &options, settings).unwrap())
}

/// The JSON of what is proposed against the storms of logs.
fn proposals(logs: &[String], options: &ProposeOptions, settings: Settings) -> Value {
    json(&block_on(propose(&session(logs, settings), options)).unwrap())
}

fn one_seed() -> ReplayOptions {
    ReplayOptions { seeds: 1, ..ReplayOptions::default() }
}

fn candidate(name: &str) -> Change {
    change(project(&format!("sample-logs/hard-cap/candidates/{name}.yaml")))
}

/// A run without a limit, and what the server did with the hard limit in force.
struct Measured {
    log: &'static str,
    time_outs: f64,
    took_p50_secs: f64,
    /// By how much the resident memory rose, in bytes.
    rose_without: f64,
    rose_with: f64,
}

/// The clean before and after of the lab: fifty LISTs of 3,000 pods at once.
const MEASURED: [Measured; 2] = [
    Measured {
        log: "sample-logs/hard-cap/before-1.log.gz",
        time_outs: 0.0,
        took_p50_secs: 6.8,
        rose_without: 3.804e9,
        rose_with: 1.194e9,
    },
    Measured {
        log: "sample-logs/hard-cap/before-2.log.gz",
        time_outs: 10.0,
        took_p50_secs: 9.1,
        rose_without: 4.308e9,
        rose_with: 1.171e9,
    },
];

fn simulated(measured: &Measured, candidate_name: &str) -> Value {
    let candidates = vec![candidate(candidate_name)];
    replayed(measured.log, candidates, ReplayOptions::default(), hard_cap_server())["apiservers"][0].clone()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

/// The group of a side whose requests wait: the LISTs.
fn lists<'v>(side: &'v Value, flow_schema: &str) -> &'v Value {
    let groups = side["groups"].as_array().unwrap();
    groups.iter().find(|group| group["flow_schema"] == flow_schema).unwrap()
}

fn holds(side: &Value, bytes: f64) -> bool {
    number(&side["peak_low_bytes"]["low"]) <= bytes && bytes <= number(&side["peak_high_bytes"]["high"])
}

/// From the log without a limit alone, the replay has to say what the server then did with one.
#[test]
fn a_hard_limit_is_foreseen_as_it_came() {
    for measured in &MEASURED {
        let replay = simulated(measured, "hard-cap");
        let (current, capped) = (&replay["current"], &replay["candidates"][0]["replay"]);
        assert_eq!(replay["candidates"][0]["effect"], "helps", "{}", measured.log);
        let at_once = &capped["levels"].as_array().unwrap().last().unwrap()["most_lists"];
        assert_eq!((number(&at_once["low"]), number(&at_once["high"])), (6.0, 6.0), "{}", measured.log);
        let time_outs = number(&capped["rejected"]["time_out"]["mid"]);
        assert!((time_outs - measured.time_outs).abs() <= 3.0, "{}: {time_outs} time-outs", measured.log);
        let p50 = number(&lists(capped, "restrict-pod-list")["took_p50_secs"]["mid"]);
        assert!((p50 / measured.took_p50_secs - 1.0).abs() <= 0.15, "{}: p50 {p50} s", measured.log);
        assert!(holds(capped, measured.rose_with), "{}: {}", measured.log, capped["peak_high_bytes"]);
        assert!(holds(current, measured.rose_without), "{}: {}", measured.log, current["peak_high_bytes"]);
    }
}

#[test]
fn what_would_not_have_helped_is_said_to_do_nothing_and_why() {
    for measured in &MEASURED {
        for (name, why) in [
            ("no-cluster-scope", "matches no request: "),
            ("borrows", "limit-pod-list borrows: it has 12 nominal seats"),
        ] {
            let replay = simulated(measured, name);
            assert_eq!(replay["candidates"][0]["effect"], "does-nothing", "{} {name}", measured.log);
            let sentence = replay["candidates"][0]["sentence"].as_str().unwrap();
            assert!(sentence.contains(why), "{sentence}");
        }
        let sentence = simulated(measured, "no-cluster-scope")["candidates"][0]["sentence"].to_string();
        assert!(sentence.contains("misses-cluster-lists"), "{sentence}");
    }
}

#[test]
fn a_level_that_rejects_lets_one_run_at_a_time() {
    for measured in &MEASURED {
        let replay = simulated(measured, "rejects");
        let side = &replay["candidates"][0]["replay"];
        assert_eq!(side["most_lists"]["high"], 1.0);
        let group = lists(side, "restrict-pod-list");
        assert_eq!(group["rejected"]["concurrency_limit"]["mid"], 49.0, "of 50, those that came while it ran");
    }
}

#[test]
fn a_change_in_force_is_verified() {
    let (before, after) = ("sample-logs/hard-cap/before-2.log.gz", "sample-logs/hard-cap/after-2.log.gz");
    let verify = |after: &str| {
        let options = VerifyOptions { candidate: candidate("hard-cap"), replay: ReplayOptions::default() };
        let (before, after) = (session(&[before], hard_cap_server()), session(&[after], hard_cap_server()));
        json(&block_on(verify(&before, &after, &options)).unwrap())
    };
    let verified = verify(after);
    let quiet = verify("sample-logs/quiet")["apiservers"][0]["sentence"].to_string();
    assert!(quiet.contains("not tested"), "{quiet}");
    assert_eq!(verified["apiservers"][0]["sentence"], "as predicted");
    let not_in_force = verify(before);
    let sentence = not_in_force["apiservers"][0]["sentence"].as_str().unwrap();
    assert!(sentence.starts_with("the change seems not to be in force"), "{sentence}");
}

/// Nothing is drawn but from seeds.
#[test]
fn the_same_seeds_give_the_same() {
    let replay = || {
        let options = SimulateOptions { candidates: vec![candidate("hard-cap")], ..SimulateOptions::default() };
        let report = simulate_report(MEASURED[1].log, &options, hard_cap_server()).unwrap();
        (json(&report), terminal(&report.page(15, &Zone::default()), None).text)
    };
    assert_eq!(replay(), replay());
}

/// In a closed loop a rejected LIST comes again, so that fewer are lost and it takes longer.
#[test]
fn clients_that_try_again_are_served_in_the_end() {
    let replay = |is_closed_loop| {
        let mode = ReplayMode { is_closed_loop, ..ReplayMode::default() };
        let options = ReplayOptions { mode, ..ReplayOptions::default() };
        replayed(MEASURED[1].log, vec![candidate("hard-cap")], options, hard_cap_server())
    };
    let (open, closed) = (replay(false), replay(true));
    let lost = |report: &Value| {
        let side = &report["apiservers"][0]["candidates"][0]["replay"];
        number(&lists(side, "restrict-pod-list")["rejected"]["all"]["mid"])
    };
    assert!(lost(&open) > 0.0 && lost(&closed) <= 0.0, "{} {}", lost(&open), lost(&closed));
}

fn scenario(lab: &Path, name: &str) -> Vec<String> {
    let folder = lab.join(name);
    let is_log = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy();
        name == "audit.log.gz" || name.starts_with("audit-2")
    };
    let mut logs: Vec<PathBuf> = folder.read_dir().unwrap().map(|entry| entry.unwrap().path()).filter(is_log).collect();
    logs.sort();
    logs.into_iter().map(|path| path.display().to_string()).collect()
}

fn proposed(logs: &[String], includes_system: bool) -> Value {
    // What LISTs could hold on the server of `s2`: it was killed at 1,800 MiB, and held 518 MiB without a storm.
    let memory_budget = (1_800 - 518) << 20;
    let options = ProposeOptions { memory_budget, includes_system, ..ProposeOptions::default() };
    proposals(logs, &options, sized(&["pods=3000x5KB"]))
}

/// A candidate for each storm that is known and held much, which keeps what LISTs hold within the budget, and lets nobody
/// wait who has no storm. The restart of all agents of `s2` is none: each LIST is of its own node's pods, from the watch
/// cache, and the server's memory rose by 110 MiB.
#[test]
fn each_labelled_storm_has_its_candidate() {
    let Some(lab) = folder("STORMGLASS_LAB") else { return };
    let clients = |report: &Value| -> Vec<String> {
        let proposals = report["proposals"].as_array().unwrap().iter();
        proposals
            .flat_map(|proposal| proposal["clients"].as_array().unwrap())
            .map(|client| client.as_str().unwrap().to_owned())
            .collect()
    };
    for (name, without, with) in [
        (
            "s1-cni-relist",
            &["acme-operator-controller-manager"][..],
            &["calico-node", "acme-operator-controller-manager"][..],
        ),
        ("s2-python-oom", &["inventory-sync", "kubectl"], &["inventory-sync", "kubectl"]),
    ] {
        let logs = scenario(&lab, name);
        let (plain, system) = (proposed(&logs, false), proposed(&logs, true));
        assert_eq!(clients(&plain), without, "{name}");
        assert_eq!(clients(&system), with, "{name}, nodes and kube-system too");
        let reasons = plain["declined"].to_string();
        let is_held_back = reasons.contains("limit it only with --include-system");
        assert_eq!(is_held_back, with.len() > without.len(), "{name}: {reasons}");
        for proposal in system["proposals"].as_array().unwrap() {
            let name = &proposal["name"];
            assert_eq!(proposal["keeps_within_budget"], true, "{name}: {}", proposal["peak_high_bytes"]);
            assert_eq!(proposal["slow"].as_array().unwrap().len(), 0, "{name}: {}", proposal["slow"]);
            assert!(proposal["effect"] == "helps", "{name}: {}", proposal["sentence"]);
            assert_eq!(proposal["lint"].as_array().unwrap().len(), 0, "{name}: {}", proposal["lint"]);
        }
    }
    let quiet = proposed(&[lab.join("s3-quiet/audit-steady-only.log.gz").display().to_string()], true);
    assert_eq!(clients(&quiet), [""; 0]);
}

#[test]
fn a_quiet_log_gets_no_candidate() {
    let options = ProposeOptions { includes_system: true, ..ProposeOptions::default() };
    let report = proposals(&["sample-logs/quiet".to_owned()], &options, Settings::default());
    assert_eq!(report["proposals"].as_array().unwrap().len(), 0);
}

#[test]
fn a_candidate_of_one_object_is_judged_with_those_of_the_server() {
    let folder = tempfile::tempdir().unwrap();
    let log = MEASURED[0].log;
    let cap = std::fs::read_to_string(project("sample-logs/hard-cap/candidates/hard-cap.yaml")).unwrap();
    let (level, schema) = cap.split_once("---\n").unwrap();
    let schema = temporary(&folder, "schema.yaml", schema);
    let level = temporary(&folder, "level.yaml", level);
    let replay = |candidate: Change| {
        let options = SimulateOptions { candidates: vec![candidate], replay: one_seed(), ..SimulateOptions::default() };
        simulate_report(log, &options, Settings::default())
    };
    let alone = replay(change(&schema));
    assert!(
        matches!(&alone, Err(AnalysisError::MissingPriorityLevel { priority_level, .. }) if priority_level == "limit-pod-list"),
        "{alone:?}"
    );
    replay(Change { name: "both".to_owned(), config: config(&[&schema, &level]) }).unwrap();
    let unasked = json(&replay(change(&level)).unwrap());
    let sentence = unasked["apiservers"][0]["candidates"][0]["sentence"].as_str().unwrap();
    assert!(sentence.contains("has no FlowSchema, and no FlowSchema uses its priority levels"), "{sentence}");
}

/// A clock that isn't set must not let the replay go through two thousand years in steps of ten seconds.
#[test]
fn requests_of_another_time_are_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let get = |id: &str| event(id, "ResponseComplete", "get", "00.000000", "00.100000");
    let zero = get("z").replace("2026-07-23", "0001-01-01");
    let log = temporary(&folder, "zero.log", format!("{zero}{}{}", get("a"), get("b")));
    let replay = replayed(&log, vec![candidate("hard-cap")], ReplayOptions::default(), Settings::default());
    assert_eq!(replay["apiservers"][0]["request_count"], 2);
    assert!(replay["notes"].to_string().contains("years away from that of all others: 1"), "{}", replay["notes"]);
}

/// A watch that began late had waited, as no log says; replayed by itself it begins like the others.
#[test]
fn what_a_watch_waited_is_not_taken_for_its_work() {
    let folder = tempfile::tempdir().unwrap();
    let watch = |id: usize, at: &str| event(&id.to_string(), "ResponseStarted", "watch", "00.000000", at);
    let log: String = (0..8).map(|id| watch(id, if id < 6 { "00.005000" } else { "10.000000" })).collect();
    let replay = replayed(&temporary(&folder, "watches.log", log), Vec::new(), one_seed(), Settings::default());
    let group = &replay["apiservers"][0]["current"]["groups"][0];
    assert_eq!((&group["request_count"], number(&group["took_max_secs"]["high"]) < 0.01), (&8.into(), true), "{group}");
}

#[test]
fn logs_with_little_in_them_have_clear_answers() {
    let folder = tempfile::tempdir().unwrap();
    let tried = |log: &str| {
        let options = SimulateOptions { candidates: vec![candidate("hard-cap")], ..SimulateOptions::default() };
        simulate_report(log, &options, Settings::default())
    };
    let simulate = |log: &str| json(&tried(log).unwrap());
    let one = temporary(&folder, "one.log", event("a", "ResponseComplete", "list", "00.000000", "00.100000"));
    let replay = &simulate(&one)["apiservers"][0];
    assert_eq!((&replay["request_count"], &replay["candidates"][0]["effect"]), (&1.into(), &"does-nothing".into()));
    let get = event("a", "ResponseComplete", "get", "00.000000", "00.100000");
    let without = simulate(&temporary(&folder, "gets.log", get.repeat(3)));
    let sentence = without["apiservers"][0]["candidates"][0]["sentence"].to_string();
    assert!(sentence.contains("matches no request"), "{sentence}");
    let empty = temporary(&folder, "empty.log", "");
    assert!(matches!(tried(&empty), Err(AnalysisError::NoEvents)));
    let refused_before =
        get.replace("\"code\":200", "\"code\":401").replace("\"authorization.k8s.io/decision\":\"allow\",", "");
    let outside = temporary(&folder, "outside.log", refused_before);
    assert!(matches!(tried(&outside), Err(AnalysisError::NothingToReplay)));
    let nothing = block_on(propose(&session(&[one], Settings::default()), &ProposeOptions::default())).unwrap();
    let text = terminal(&nothing.page(&Zone::default()), None).text;
    assert!(text.contains("No candidate"), "{text}");
}
