//! What-if: replays of real logs beside what the real server did, candidates against its storms, and bad input.

use std::path::{Path, PathBuf};
use std::process::Output;

use assert_cmd::Command;
use serde_json::Value;

use crate::support::{event, folder, project, temporary};

fn apf(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stormglass"));
    command.current_dir(project("")).env("NO_COLOR", "1").arg("apf").args(args).output().unwrap()
}

fn stdout(args: &[&str]) -> String {
    let output = apf(args);
    assert_eq!(output.status.code(), Some(0), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn json(args: &[&str]) -> Value {
    serde_json::from_str(&stdout(&[args, &["--format", "json"]].concat())).unwrap()
}

fn refused(args: &[&str]) -> String {
    let output = apf(args);
    assert_eq!(output.status.code(), Some(2), "{args:?}: {}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8(output.stderr).unwrap()
}

/// What is known of the server of `hard-cap` and no log tells.
const SERVER: [&str; 10] = [
    "--resource",
    "pods=3000x5KB",
    "--kube-version",
    "1.33",
    "--server-features",
    "ConsistentListFromCache=off",
    "--server-features",
    "StreamingCollectionEncodingToJSON=off",
    "--server-features",
    "SizeBasedListCostEstimate=off",
];

fn candidate(name: &str) -> String {
    format!("sample-logs/hard-cap/candidates/{name}.yaml")
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
    let candidate = candidate(candidate_name);
    let report = json(&[&["simulate", measured.log, "--candidate", &candidate], &SERVER[..]].concat());
    report["apiservers"][0].clone()
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
    let (cap, before, after) =
        (candidate("hard-cap"), "sample-logs/hard-cap/before-2.log.gz", "sample-logs/hard-cap/after-2.log.gz");
    let verify =
        |after: &str| json(&[&["verify", before, "--after", after, "--candidate", &cap], &SERVER[..]].concat());
    let verified = verify(after);
    let quiet = verify("sample-logs/quiet")["apiservers"][0]["sentence"].to_string();
    assert!(quiet.contains("not tested"), "{quiet}");
    assert_eq!(verified["apiservers"][0]["sentence"], "as predicted");
    let not_in_force = verify(before);
    let sentence = not_in_force["apiservers"][0]["sentence"].as_str().unwrap();
    assert!(sentence.starts_with("the change seems not to be in force"), "{sentence}");
}

#[test]
fn the_reports_are_as_they_were() {
    let (cap, borrows) = (candidate("hard-cap"), candidate("borrows"));
    let simulate = ["simulate", MEASURED[1].log, "--candidate", &borrows, "--candidate", &cap];
    let simulate = [&simulate[..], &["--memory-limit", "2GiB"], &SERVER[..]].concat();
    insta::assert_snapshot!("simulate", stdout(&simulate));
    let sweep = ["simulate", MEASURED[0].log, "--candidate", &cap, "--sweep", "shares=1..8"];
    let sweep = [&sweep[..], &["--memory-limit", "2GiB", "--seeds", "3"], &SERVER[..]].concat();
    insta::assert_snapshot!("simulate-sweep", stdout(&sweep));
    let verify = ["verify", MEASURED[1].log, "--after", "sample-logs/hard-cap/after-2.log.gz", "--candidate", &cap];
    insta::assert_snapshot!("verify", stdout(&[&verify[..], &SERVER[..]].concat()));
    let propose = ["propose", "sample-logs/python-oom", "--resource", "pods=3000x5KB", "--memory-budget", "1GiB"];
    insta::assert_snapshot!("propose", stdout(&propose));
    insta::assert_snapshot!("propose-yaml", stdout(&[&propose[..], &["--format", "yaml"]].concat()));
    for command in ["simulate", "propose", "verify"] {
        insta::assert_snapshot!(format!("help-{command}"), stdout(&[command, "--help"]));
    }
}

/// Nothing is drawn but from seeds.
#[test]
fn the_same_seeds_give_the_same() {
    let cap = candidate("hard-cap");
    let args = [&["simulate", MEASURED[1].log, "--candidate", &cap], &SERVER[..]].concat();
    assert_eq!(stdout(&args), stdout(&args));
}

/// In a closed loop a rejected LIST comes again, so that fewer are lost and it takes longer.
#[test]
fn clients_that_try_again_are_served_in_the_end() {
    let cap = candidate("hard-cap");
    let args = [&["simulate", MEASURED[1].log, "--candidate", &cap], &SERVER[..]].concat();
    let (open, closed) = (json(&args), json(&[&args[..], &["--closed-loop"]].concat()));
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

fn proposed(logs: &[String], args: &[&str]) -> Value {
    let logs: Vec<&str> = logs.iter().map(String::as_str).collect();
    let sizes = ["--resource", "pods=3000x5KB", "--memory-budget", "1GiB"];
    json(&[&["propose"], &logs[..], &sizes, args].concat())
}

/// A candidate for each storm that is known, which keeps what LISTs hold within the budget, and lets nobody wait who has
/// no storm.
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
        ("s2-python-oom", &["inventory-sync", "kubectl"], &["inventory-sync", "kubectl", "cilium-agent"]),
    ] {
        let logs = scenario(&lab, name);
        let (plain, system) = (proposed(&logs, &[]), proposed(&logs, &["--include-system"]));
        assert_eq!(clients(&plain), without, "{name}");
        assert_eq!(clients(&system), with, "{name} --include-system");
        let reasons = plain["declined"].to_string();
        assert!(reasons.contains("limit it only with --include-system"), "{reasons}");
        for proposal in system["proposals"].as_array().unwrap() {
            let name = &proposal["name"];
            assert_eq!(proposal["keeps_within_budget"], true, "{name}: {}", proposal["peak_high_bytes"]);
            assert_eq!(proposal["slow"].as_array().unwrap().len(), 0, "{name}: {}", proposal["slow"]);
            assert!(proposal["effect"] == "helps", "{name}: {}", proposal["sentence"]);
            assert_eq!(proposal["lint"].as_array().unwrap().len(), 0, "{name}: {}", proposal["lint"]);
        }
    }
    let quiet = proposed(&[lab.join("s3-quiet/audit-steady-only.log.gz").display().to_string()], &["--include-system"]);
    assert_eq!(clients(&quiet), [""; 0]);
}

#[test]
fn manifests_are_written_one_file_each_and_pass_lint() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("candidates").display().to_string();
    let args = [
        "propose",
        "sample-logs/python-oom",
        "--resource",
        "pods=3000x5KB",
        "--memory-budget",
        "1GiB",
        "--manifests",
        &out,
    ];
    stdout(&args);
    let mut names: Vec<String> = std::fs::read_dir(&out)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    assert_eq!(
        names,
        [
            "kustomization.yaml",
            "limit-inventory-sync-list-pods.flowschema.yaml",
            "limit-inventory-sync-list-pods.prioritylevelconfiguration.yaml"
        ]
    );
    stdout(&["lint", &out, "--fail-on", "error"]);
    // What is written can be replayed again.
    let replay = json(&["simulate", "sample-logs/python-oom", "--resource", "pods=3000x5KB", "--candidate", &out]);
    assert_eq!(replay["apiservers"][0]["candidates"][0]["effect"], "helps");
    assert!(refused(&args).contains("already exists"));
    stdout(&[&args[..], &["--force"]].concat());
}

#[test]
fn a_quiet_log_gets_no_candidate() {
    let report = json(&["propose", "sample-logs/quiet", "--include-system"]);
    assert_eq!(report["proposals"].as_array().unwrap().len(), 0);
    let output = apf(&["propose", "sample-logs/quiet", "--format", "yaml"]);
    assert!(output.stdout.is_empty() && String::from_utf8_lossy(&output.stderr).contains("there is no candidate"));
}

#[test]
fn bad_candidates_have_clear_answers() {
    let folder = tempfile::tempdir().unwrap();
    let log = MEASURED[0].log;
    let torn =
        temporary(&folder, "torn.yaml", "apiVersion: flowcontrol.apiserver.k8s.io/v1\nkind: FlowSchema\nspec: [");
    assert!(refused(&["simulate", log, "--candidate", &torn]).contains("torn.yaml"));
    let other = temporary(&folder, "other.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n");
    assert!(
        refused(&["simulate", log, "--candidate", &other]).contains("no FlowSchema and no PriorityLevelConfiguration")
    );
    let empty = folder.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    assert!(refused(&["simulate", log, "--candidate", empty.to_str().unwrap()]).contains("is in the folder"));
    assert!(refused(&["simulate", log, "--candidate", "nowhere.yaml"]).contains("nowhere.yaml"));
    let cap = std::fs::read_to_string(project(&candidate("hard-cap"))).unwrap();
    let (level, schema) = cap.split_once("---\n").unwrap();
    let schema = temporary(&folder, "schema.yaml", schema);
    let level = temporary(&folder, "level.yaml", level);
    let alone = refused(&["simulate", log, "--candidate", &schema]);
    assert!(
        alone.contains("goes to the priority level limit-pod-list, which is neither in it nor on the server"),
        "{alone}"
    );
    stdout(&["simulate", log, "--candidate", &format!("{schema},{level}"), "--seeds", "1"]);
    let unasked = json(&["simulate", log, "--candidate", &level, "--seeds", "1"]);
    let sentence = unasked["apiservers"][0]["candidates"][0]["sentence"].as_str().unwrap();
    assert!(sentence.contains("has no FlowSchema, and no FlowSchema uses its priority levels"), "{sentence}");
    assert!(
        refused(&["simulate", log, "--candidate", &level, "--candidate", &level, "--sweep", "shares=1..2"])
            .contains("one candidate")
    );
}

/// A clock that isn't set must not let the replay go through two thousand years in steps of ten seconds.
#[test]
fn requests_of_another_time_are_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let get = |id: &str| event(id, "ResponseComplete", "get", "00.000000", "00.100000");
    let zero = get("z").replace("2026-07-23", "0001-01-01");
    let log = temporary(&folder, "zero.log", format!("{zero}{}{}", get("a"), get("b")));
    let replay = json(&["simulate", &log, "--candidate", &candidate("hard-cap")]);
    assert_eq!(replay["apiservers"][0]["request_count"], 2);
    assert!(replay["notes"].to_string().contains("years from all others': 1"), "{}", replay["notes"]);
}

/// A watch that began late had waited, as no log says; replayed by itself it begins like the others.
#[test]
fn what_a_watch_waited_is_not_taken_for_its_work() {
    let folder = tempfile::tempdir().unwrap();
    let watch = |id: usize, at: &str| event(&id.to_string(), "ResponseStarted", "watch", "00.000000", at);
    let log: String = (0..8).map(|id| watch(id, if id < 6 { "00.005000" } else { "10.000000" })).collect();
    let replay = json(&["simulate", &temporary(&folder, "watches.log", log), "--seeds", "1"]);
    let group = &replay["apiservers"][0]["current"]["groups"][0];
    assert_eq!((&group["request_count"], number(&group["took_max_secs"]["high"]) < 0.01), (&8.into(), true), "{group}");
}

#[test]
fn logs_with_little_in_them_have_clear_answers() {
    let folder = tempfile::tempdir().unwrap();
    let cap = candidate("hard-cap");
    let simulate = |log: &str| json(&["simulate", log, "--candidate", &cap]);
    let one = temporary(&folder, "one.log", event("a", "ResponseComplete", "list", "00.000000", "00.100000"));
    let replay = &simulate(&one)["apiservers"][0];
    assert_eq!((&replay["request_count"], &replay["candidates"][0]["effect"]), (&1.into(), &"does-nothing".into()));
    let get = event("a", "ResponseComplete", "get", "00.000000", "00.100000");
    let without = simulate(&temporary(&folder, "gets.log", get.repeat(3)));
    let sentence = without["apiservers"][0]["candidates"][0]["sentence"].to_string();
    assert!(sentence.contains("matches no request"), "{sentence}");
    let empty = temporary(&folder, "empty.log", "");
    assert!(refused(&["simulate", &empty, "--candidate", &cap]).contains("there is nothing in it"));
    let refused_before =
        get.replace("\"code\":200", "\"code\":401").replace("\"authorization.k8s.io/decision\":\"allow\",", "");
    let outside = temporary(&folder, "outside.log", refused_before);
    assert!(refused(&["simulate", &outside, "--candidate", &cap]).contains("nothing to replay"));
    assert!(stdout(&["propose", &one]).contains("No candidate"));
}
