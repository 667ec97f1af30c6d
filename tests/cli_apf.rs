//! `apf` as people run it: what each subcommand writes, the files that it reads and writes, and what it refuses.

use std::process::Output;

use serde_json::Value;

use crate::cli::stormglass;
use crate::support::{event, project, temporary};

fn apf(args: &[&str]) -> Output {
    stormglass(&[&["apf"], args].concat())
}

fn stdout(args: &[&str]) -> String {
    crate::cli::stdout(&[&["apf"], args].concat())
}

fn json(args: &[&str]) -> Value {
    serde_json::from_str(&stdout(&[args, &["--format", "json"]].concat())).unwrap()
}

fn refused(args: &[&str]) -> String {
    crate::cli::refused(&[&["apf"], args].concat())
}

#[test]
fn the_help_is_as_it_was() {
    for command in ["explain", "seats", "lint"] {
        insta::assert_snapshot!(format!("help-{command}"), stdout(&[command, "--help"]));
    }
}

#[test]
fn a_finding_can_fail_a_pipeline() {
    let bad = "tests/manifests/pod-list-limiter-without-cluster-scope.json";
    assert_eq!(apf(&["lint", bad, "--fail-on", "warning"]).status.code(), Some(1));
    assert_eq!(apf(&["lint", bad, "--fail-on", "error"]).status.code(), Some(0));
    assert_eq!(apf(&["lint", "tests/manifests/good-limiter.yaml", "--fail-on", "warning"]).status.code(), Some(0));
}

#[test]
fn rules_are_listed_and_explained() {
    assert!(stdout(&["lint", "--rules"]).contains("misses-cluster-lists"));
    assert!(stdout(&["lint", "--explain", "misses-cluster-lists"]).contains("clusterScope"));
    let unknown = refused(&["lint", "--explain", "nonsense"]);
    assert!(unknown.contains("invalid value 'nonsense'") && unknown.contains("misses-cluster-lists"), "{unknown}");
}

#[test]
fn logs_are_told_from_manifests() {
    let scratch = tempfile::tempdir().unwrap();
    temporary(&scratch, "logs/audit.log", event("a", "ResponseComplete", "list", "00", "10"));
    temporary(&scratch, "logs/audit-policy.yaml", "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: []\n");
    let logs = scratch.path().join("logs").display().to_string();
    let limiter = "tests/manifests/good-limiter.yaml";
    assert_eq!(json(&["lint", limiter, &logs])["has_logs"], true);
    let mut command = crate::cli::command(&["apf", "lint", limiter, "-", "--format", "json"]);
    let output = command.write_stdin(event("a", "ResponseComplete", "list", "00", "10")).output().unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&output.stdout).unwrap()["has_logs"], true);
    assert!(refused(&["lint", "nowhere.json"]).contains("no such file or directory: nowhere.json"));
}

#[test]
fn what_a_server_would_refuse_is_named_with_its_line() {
    let scratch = tempfile::tempdir().unwrap();
    let text = "apiVersion: flowcontrol.apiserver.k8s.io/v1\nkind: PriorityLevelConfiguration\nmetadata:\n  name: x\nspec:\n  \
                type: Limited\n  limited:\n    lendablePercent: 101\n    limitResponse:\n      type: Reject\n";
    let file = temporary(&scratch, "x.yaml", text);
    let error = refused(&["seats", "--config", &file]);
    assert!(error.contains("x.yaml:8: PriorityLevelConfiguration x: spec.limited.lendablePercent: "), "{error}");
    let other = temporary(&scratch, "other.yaml", "kind: ConfigMap\napiVersion: v1\nmetadata:\n  name: x\n");
    assert!(refused(&["lint", &other]).contains("other.yaml has no FlowSchema and no PriorityLevelConfiguration"));
    assert!(refused(&["lint", "sample-logs/quiet"]).contains("no manifest given, only logs"));
    let log = temporary(&scratch, "kube-apiserver.log", "I1124 10:00:00.0 1 server.go:1] nothing\n");
    assert!(refused(&["explain", "sample-logs/quiet", "--httplog", &log]).contains("no line of a request"));
}

#[test]
fn explanations_limits_and_lint_are_told_in_words() {
    insta::assert_snapshot!("explain", stdout(&["explain", "sample-logs/python-oom", "--top", "8"]));
    let args = ["--user", "system:node:n1", "--verb", "list", "--path", "/api/v1/pods?limit=500"];
    insta::assert_snapshot!("explain-request", stdout(&[&["explain"], args.as_slice()].concat()));
    let limiter = "tests/manifests/good-limiter.yaml";
    insta::assert_snapshot!("seats", stdout(&["seats", limiter, "--kube-version", "1.34"]));
    let args = ["lint", "tests/manifests/pod-list-limiter-without-cluster-scope.json", "sample-logs/python-oom"];
    insta::assert_snapshot!("lint", stdout(&args));
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

/// Its logs without a limit.
const BEFORE: [&str; 2] = ["sample-logs/hard-cap/before-1.log.gz", "sample-logs/hard-cap/before-2.log.gz"];

fn candidate(name: &str) -> String {
    format!("sample-logs/hard-cap/candidates/{name}.yaml")
}

#[test]
fn the_reports_are_as_they_were() {
    let (cap, borrows) = (candidate("hard-cap"), candidate("borrows"));
    let simulate = ["simulate", BEFORE[1], "--candidate", &borrows, "--candidate", &cap];
    let simulate = [&simulate[..], &["--memory-limit", "2GiB"], &SERVER[..]].concat();
    insta::assert_snapshot!("simulate", stdout(&simulate));
    let sweep = ["simulate", BEFORE[0], "--candidate", &cap, "--sweep", "shares=1..8"];
    let sweep = [&sweep[..], &["--memory-limit", "2GiB", "--seeds", "3"], &SERVER[..]].concat();
    insta::assert_snapshot!("simulate-sweep", stdout(&sweep));
    let verify = ["verify", BEFORE[1], "--after", "sample-logs/hard-cap/after-2.log.gz", "--candidate", &cap];
    insta::assert_snapshot!("verify", stdout(&[&verify[..], &SERVER[..]].concat()));
    let propose = ["propose", "sample-logs/python-oom", "--resource", "pods=3000x5KB", "--memory-budget", "1GiB"];
    insta::assert_snapshot!("propose", stdout(&propose));
    insta::assert_snapshot!("propose-yaml", stdout(&[&propose[..], &["--format", "yaml"]].concat()));
    for command in ["simulate", "propose", "verify"] {
        insta::assert_snapshot!(format!("help-{command}"), stdout(&[command, "--help"]));
    }
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
fn bad_candidates_have_clear_answers() {
    let folder = tempfile::tempdir().unwrap();
    let log = BEFORE[0];
    let torn =
        temporary(&folder, "torn.yaml", "apiVersion: flowcontrol.apiserver.k8s.io/v1\nkind: FlowSchema\nspec: [");
    assert!(refused(&["simulate", log, "--candidate", &torn]).contains("torn.yaml"));
    let other = temporary(&folder, "other.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n");
    assert!(
        refused(&["simulate", log, "--candidate", &other]).contains("no FlowSchema and no PriorityLevelConfiguration")
    );
    let empty = folder.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    let nothing = refused(&["simulate", log, "--candidate", empty.to_str().unwrap()]);
    assert!(nothing.contains("empty has no FlowSchema and no PriorityLevelConfiguration"), "{nothing}");
    assert!(refused(&["simulate", log, "--candidate", "nowhere.yaml"]).contains("nowhere.yaml"));
    let cap = std::fs::read_to_string(project(&candidate("hard-cap"))).unwrap();
    let (level, schema) = cap.split_once("---\n").unwrap();
    let schema = temporary(&folder, "schema.yaml", schema);
    let level = temporary(&folder, "level.yaml", level);
    let alone = refused(&["simulate", log, "--candidate", &schema]);
    assert!(
        alone.contains("refers to priority level limit-pod-list, which is neither in it nor on the server"),
        "{alone}"
    );
    stdout(&["simulate", log, "--candidate", &format!("{schema},{level}"), "--seeds", "1"]);
    assert!(
        refused(&["simulate", log, "--candidate", &level, "--candidate", &level, "--sweep", "shares=1..2"])
            .contains("one candidate")
    );
}

#[test]
fn without_a_candidate_or_anything_to_replay_it_says_so() {
    let output = apf(&["propose", "sample-logs/quiet", "--format", "yaml"]);
    assert!(output.stdout.is_empty() && String::from_utf8_lossy(&output.stderr).contains("there is no candidate"));
    let (folder, cap) = (tempfile::tempdir().unwrap(), candidate("hard-cap"));
    let empty = temporary(&folder, "empty.log", "");
    assert!(refused(&["simulate", &empty, "--candidate", &cap]).contains("has no audit events: it is empty"));
    let get = event("a", "ResponseComplete", "get", "00.000000", "00.100000");
    let refused_before =
        get.replace("\"code\":200", "\"code\":401").replace("\"authorization.k8s.io/decision\":\"allow\",", "");
    let outside = temporary(&folder, "outside.log", refused_before);
    assert!(refused(&["simulate", &outside, "--candidate", &cap]).contains("nothing to replay"));
}
