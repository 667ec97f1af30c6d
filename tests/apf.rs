//! `apf` as people run it: who hits what, the limits table, and what is wrong with a manifest.

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
    assert_eq!(output.status.code(), Some(2), "{args:?}");
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn the_help_is_as_it_was() {
    for command in ["explain", "seats", "lint"] {
        insta::assert_snapshot!(format!("help-{command}"), stdout(&[command, "--help"]));
    }
}

#[test]
fn a_log_is_explained() {
    insta::assert_snapshot!("explain", stdout(&["explain", "sample-logs/python-oom", "--top", "8"]));
    let report = json(&["explain", "sample-logs/python-oom", "--kube-version", "1.33", "--top", "0"]);
    let python = report["clients"].as_array().unwrap().iter().find(|client| client["client_type"] == "sdk").unwrap();
    assert_eq!(python["flow_schema"], "service-accounts");
    assert_eq!(python["is_exempt"], false);
    assert_eq!(report["agreement"], Value::Null);
    assert!(report["summary"][0].as_str().unwrap().starts_with("workload-high: 213 rejected, 24 waited"));
    let small = json(&["explain", "sample-logs/python-oom", "--server-concurrency", "20"]);
    assert!(small["notes"].to_string().contains("workload-high 79 of 24"), "{}", small["notes"]);
}

#[test]
fn a_request_is_explained_step_by_step() {
    let args = ["--user", "system:node:n1", "--verb", "list", "--path", "/api/v1/pods?limit=500"];
    insta::assert_snapshot!("explain-request", stdout(&[&["explain"], args.as_slice()].concat()));
    let exec = "/api/v1/namespaces/a/pods/b/exec";
    let outside = json(&["explain", "--user", "alice", "--verb", "create", "--path", exec]);
    assert_eq!(outside["is_outside"], true);
    let limiter = "tests/manifests/good-limiter.yaml";
    let args = ["explain", "--user", "system:serviceaccount:monitoring:prometheus-k8s", "--verb", "list"];
    let limited = json(&[&args, ["--path", "/api/v1/pods", "--config", limiter].as_slice()].concat());
    assert_eq!(limited["flow_schema"], "prometheus-pod-lists");
}

#[test]
fn a_change_shifts_all_limits() {
    let limiter = "tests/manifests/good-limiter.yaml";
    insta::assert_snapshot!("seats", stdout(&["seats", limiter, "--kube-version", "1.34"]));
    let default = json(&["seats", "--kube-version", "1.34"]);
    let of = |name: &str| {
        let levels = default["priority_levels"].as_array().unwrap();
        levels.iter().find(|level| level["priority_level"] == name).unwrap().clone()
    };
    assert_eq!((&of("workload-low")["nominal"], &of("workload-low")["idle"]), (&245.into(), &56.into()));
    assert_eq!(default["priority_levels"].as_array().unwrap().len(), 8);
}

/// What a server takes without a word: each is told with its line and what to write instead.
#[test]
fn manifests_that_do_not_do_what_they_seem_to_are_told() {
    for (file, rules) in [
        (
            "pod-list-limiter-without-cluster-scope.json",
            ["misses-cluster-lists", "borrows-without-limit", "squashes-light-flows", "shares-read-as-calls"]
                .as_slice(),
        ),
        (
            "one-user-five-shares.yaml",
            &["misses-cluster-lists", "borrows-without-limit", "precedence-not-given", "removed-api-version"],
        ),
        ("list-events-of-one-account.yaml", &["single-service-account", "misses-cluster-lists"]),
    ] {
        let report = json(&["lint", &format!("tests/manifests/{file}"), "--kube-version", "1.34"]);
        let findings = report["findings"].as_array().unwrap();
        for rule in rules {
            let finding = findings.iter().find(|finding| finding["rule"] == *rule);
            let finding = finding.unwrap_or_else(|| unreachable!("{file}: no {rule} in {findings:#?}"));
            assert!(finding["line"].as_u64().is_some_and(|line| line > 0), "{finding:#}");
            assert!(finding["fix"].as_str().is_some_and(|fix| !fix.is_empty()), "{finding:#}");
        }
    }
    let args = ["lint", "tests/manifests/pod-list-limiter-without-cluster-scope.json", "sample-logs/python-oom"];
    insta::assert_snapshot!("lint", stdout(&args));
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
    assert!(refused(&["lint", "--explain", "nonsense"]).contains("isolated-level"));
}

#[test]
fn what_a_server_would_refuse_is_named_with_its_line() {
    let scratch = tempfile::tempdir().unwrap();
    let text = "apiVersion: flowcontrol.apiserver.k8s.io/v1\nkind: PriorityLevelConfiguration\nmetadata:\n  name: x\nspec:\n  \
                type: Limited\n  limited:\n    lendablePercent: 101\n    limitResponse:\n      type: Reject\n";
    let file = temporary(&scratch, "x.yaml", text);
    let error = refused(&["seats", "--config", &file]);
    assert!(error.contains("x.yaml:8: PriorityLevelConfiguration x: spec.limited.lendablePercent: "), "{error}");
    let report = json(&["lint", &file]);
    assert_eq!((&report["findings"][0]["rule"], &report["findings"][0]["line"]), (&"invalid".into(), &8.into()));
    let other = temporary(&scratch, "other.yaml", "kind: ConfigMap\napiVersion: v1\nmetadata:\n  name: x\n");
    assert!(refused(&["lint", &other]).contains("has no FlowSchema and no PriorityLevelConfiguration"));
    assert!(refused(&["lint", "sample-logs/quiet"]).contains("no manifest given, only logs"));
    let log = temporary(&scratch, "kube-apiserver.log", "I1124 10:00:00.0 1 server.go:1] nothing\n");
    assert!(refused(&["explain", "sample-logs/quiet", "--httplog", &log]).contains("no line of a request"));
}

/// A line of the server's own log on the request of `event`.
fn httplog(audit_id: &str, flow_schema: &str, priority_level: &str) -> String {
    format!(
        "I0723 10:00:01.0 1 httplog.go:134] \"HTTP\" verb=\"LIST\" URI=\"/api/v1/pods\" audit-ID=\"{audit_id}\" \
         apf_pl=\"{priority_level}\" apf_fs=\"{flow_schema}\" apf_iseats=3 apf_fseats=0 resp=200\n"
    )
}

#[test]
fn the_servers_word_counts_once_and_may_name_what_the_configuration_lacks() {
    let scratch = tempfile::tempdir().unwrap();
    let events =
        [event("a", "ResponseComplete", "list", "00", "01"), event("b", "ResponseComplete", "list", "00", "02")];
    let log = temporary(&scratch, "audit.log", events.concat());
    let lines = [httplog("a", "own", "own-level"), httplog("b", "x", "x"), httplog("b", "y", "y")];
    let word = temporary(&scratch, "kube-apiserver.log", lines.concat());
    let report = json(&["explain", &log, "--httplog", &word, "--httplog", &word]);
    assert_eq!(report["agreement"]["request_count"], 1, "an ID of several requests tells nothing");
    let levels = report["priority_levels"].as_array().unwrap();
    let own = levels.iter().find(|level| level["priority_level"] == "own-level").unwrap();
    assert_eq!((&own["load"]["request_count"], &own["nominal_seats"]), (&1.into(), &Value::Null));
    assert_eq!(own["peak_seats"], Value::from(vec![3, 3]));
    assert!(report["notes"].to_string().contains("own-level"), "{}", report["notes"]);
}

#[test]
fn what_was_held_before_the_time_asked_for_counts_for_nothing() {
    let scratch = tempfile::tempdir().unwrap();
    let log = temporary(&scratch, "audit.log", event("a", "ResponseComplete", "list", "00", "10"));
    let seat_secs = |from: &str| {
        let report = json(&["explain", &log, "--from", from, "--resource", "pods=1x1KB"]);
        report["flow_schemas"][0]["high_seat_secs"].as_f64().unwrap()
    };
    assert!((seat_secs("2026-07-23T10:00:00Z") - 10.0).abs() < 1e-6);
    assert!((seat_secs("2026-07-23T10:00:08Z") - 2.0).abs() < 1e-6);
}

#[test]
fn logs_are_told_from_manifests() {
    let scratch = tempfile::tempdir().unwrap();
    temporary(&scratch, "logs/audit.log", event("a", "ResponseComplete", "list", "00", "10"));
    temporary(&scratch, "logs/audit-policy.yaml", "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: []\n");
    let logs = scratch.path().join("logs").display().to_string();
    let limiter = "tests/manifests/good-limiter.yaml";
    assert_eq!(json(&["lint", limiter, &logs])["has_logs"], true);
    let mut command = Command::new(env!("CARGO_BIN_EXE_stormglass"));
    command.current_dir(project("")).args(["apf", "lint", limiter, "-", "--format", "json"]);
    let output = command.write_stdin(event("a", "ResponseComplete", "list", "00", "10")).output().unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&output.stdout).unwrap()["has_logs"], true);
    assert!(refused(&["lint", "nowhere.json"]).contains("no such file or directory: nowhere.json"));
}

/// One edited object is no whole configuration.
#[test]
fn some_objects_lie_over_those_of_a_fresh_cluster() {
    let scratch = tempfile::tempdir().unwrap();
    let text = "apiVersion: flowcontrol.apiserver.k8s.io/v1\nkind: PriorityLevelConfiguration\nmetadata:\n  \
                name: workload-low\n  annotations: {apf.kubernetes.io/autoupdate-spec: 'false'}\nspec:\n  type: Limited\n  \
                limited:\n    nominalConcurrencyShares: 100\n    limitResponse:\n      type: Reject\n";
    let file = temporary(&scratch, "edit.yaml", text);
    let report = json(&["seats", "--config", &file, "--kube-version", "1.34"]);
    assert_eq!(report["priority_levels"].as_array().unwrap().len(), 8);
    assert_eq!(report["server"]["configuration"], "read-over-default");
}

/// The dump of a real server without objects of its own.
#[test]
fn the_objects_of_a_fresh_cluster_are_clean() {
    let Some(lab) = folder("STORMGLASS_LAB") else { return };
    let files = ["bootstrap-v136.flowschemas.json", "bootstrap-v136.prioritylevelconfigurations.json"];
    let files = files.map(|file| lab.join("apf").join(file).display().to_string());
    for version in ["1.34", "1.36"] {
        let report = json(&["lint", &files[0], &files[1], "--kube-version", version]);
        assert_eq!(report["findings"], Value::Array(Vec::new()));
    }
}

#[test]
fn flow_schemas_are_columns_in_sql() {
    let sql = "select flow_schema, priority_level, count(*) as n from requests
        join flows on flows.flow_key = requests.flow_key group by all order by n desc, flow_schema limit 3";
    let mut command = Command::new(env!("CARGO_BIN_EXE_stormglass"));
    command.current_dir(project("")).args(["query", "sample-logs/python-oom", "--format", "csv", "--sql", sql]);
    insta::assert_snapshot!("flows-in-sql", String::from_utf8(command.output().unwrap().stdout).unwrap());
}
