//! API Priority and Fairness: who hits what, the limits table, and what is wrong with a manifest.

use serde_json::Value;
use stormglass::analysis::explain::ExplainOptions;
use stormglass::analysis::query::Question;
use stormglass::analysis::request::RequestOptions;
use stormglass::analysis::seats::SeatsOptions;
use stormglass::analysis::{explain, explain_request, lint, seats};
use stormglass::apf::Manifest;
use stormglass::dimensions::{ApfSettings, Settings};
use stormglass::report::terminal;
use stormglass::tables::Format;

use crate::support::{
    ask_in, block_on, config, decisions, event, folder, json, kubernetes, manifest, project, server, session,
    session_within, sized, temporary,
};

const LIMITER: &str = "tests/manifests/good-limiter.yaml";

/// The JSON of an explanation of a log's requests.
fn explained(log: &str, settings: Settings) -> Value {
    let session = session(&[log], settings);
    json(&block_on(explain(&session, &ExplainOptions::default())).unwrap().with_words())
}

/// The JSON of an explanation of one request.
fn request_explained(user: &str, verb: &str, path: &str, settings: &Settings) -> Value {
    let options =
        RequestOptions { user: user.to_owned(), groups: Vec::new(), verb: verb.to_owned(), path: path.to_owned() };
    json(&explain_request(&options, settings).unwrap().with_words())
}

/// The JSON of what is wrong with objects, on a server of this version.
fn linted(read: &Manifest, version: Option<&str>) -> Value {
    let server = version.map(server).unwrap_or_default();
    json(&lint(read, &Settings { server, ..Settings::default() }).unwrap())
}

fn seats_json(options: &SeatsOptions) -> Value {
    json(&seats(options).with_words())
}

#[test]
fn a_log_is_explained() {
    let report = explained("sample-logs/python-oom", Settings { server: server("1.33"), ..Settings::default() });
    let python = report["clients"].as_array().unwrap().iter().find(|client| client["client_type"] == "sdk").unwrap();
    assert_eq!(python["flow_schema"], "service-accounts");
    assert_eq!(python["is_exempt"], false);
    assert_eq!(report["agreement"], Value::Null);
    assert!(report["summary"][0].as_str().unwrap().starts_with("workload-high: 213 rejected, 24 waited"));
    let apf = ApfSettings { server_concurrency: 20, server_concurrency_is_given: true, ..ApfSettings::default() };
    let small = explained("sample-logs/python-oom", Settings { apf, ..Settings::default() });
    assert!(small["notes"].to_string().contains("workload-high 79 of 24"), "{}", small["notes"]);
}

#[test]
fn a_request_is_explained_step_by_step() {
    let exec = "/api/v1/namespaces/a/pods/b/exec";
    let outside = request_explained("alice", "create", exec, &Settings::default());
    assert_eq!(outside["is_outside"], true);
    let apf = ApfSettings { config: Some(config(&[project(LIMITER)])), ..ApfSettings::default() };
    let user = "system:serviceaccount:monitoring:prometheus-k8s";
    let limited = request_explained(user, "list", "/api/v1/pods", &Settings { apf, ..Settings::default() });
    assert_eq!(limited["flow_schema"], "prometheus-pod-lists");
}

#[test]
fn a_fresh_cluster_has_its_limits() {
    let default = seats_json(&SeatsOptions { version: kubernetes("1.34"), ..SeatsOptions::default() });
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
        let report = linted(&manifest(&[project(&format!("tests/manifests/{file}"))]), Some("1.34"));
        let findings = report["findings"].as_array().unwrap();
        for rule in rules {
            let finding = findings.iter().find(|finding| finding["rule"] == *rule);
            let finding = finding.unwrap_or_else(|| unreachable!("{file}: no {rule} in {findings:#?}"));
            assert!(finding["line"].as_u64().is_some_and(|line| line > 0), "{finding:#}");
            assert!(finding["fix"].as_str().is_some_and(|fix| !fix.is_empty()), "{finding:#}");
        }
    }
}

const TOO_MUCH_LENT: &str = "apiVersion: flowcontrol.apiserver.k8s.io/v1\nkind: PriorityLevelConfiguration\nmetadata:\n  \
    name: x\nspec:\n  type: Limited\n  limited:\n    lendablePercent: 101\n    limitResponse:\n      type: Reject\n";

#[test]
fn what_a_server_would_refuse_is_found_with_its_line() {
    let report = linted(&Manifest::read(TOO_MUCH_LENT, Some("x.yaml")), None);
    assert_eq!((&report["findings"][0]["rule"], &report["findings"][0]["line"]), (&"invalid".into(), &8.into()));
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
    let apf = ApfSettings { verdicts: decisions(&[&word, &word]), ..ApfSettings::default() };
    let report = explained(&log, Settings { apf, ..Settings::default() });
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
        let session = session_within(&[&log], (Some(from), None), sized(&["pods=1x1KB"]));
        let report = json(&block_on(explain(&session, &ExplainOptions::default())).unwrap().with_words());
        report["flow_schemas"][0]["high_seat_secs"].as_f64().unwrap()
    };
    assert!((seat_secs("2026-07-23T10:00:00Z") - 10.0).abs() < 1e-6);
    assert!((seat_secs("2026-07-23T10:00:08Z") - 2.0).abs() < 1e-6);
}

/// One edited object is no whole configuration.
#[test]
fn some_objects_lie_over_those_of_a_fresh_cluster() {
    let scratch = tempfile::tempdir().unwrap();
    let text = "apiVersion: flowcontrol.apiserver.k8s.io/v1\nkind: PriorityLevelConfiguration\nmetadata:\n  \
                name: workload-low\n  annotations: {apf.kubernetes.io/autoupdate-spec: 'false'}\nspec:\n  type: Limited\n  \
                limited:\n    nominalConcurrencyShares: 100\n    limitResponse:\n      type: Reject\n";
    let file = temporary(&scratch, "edit.yaml", text);
    let options =
        SeatsOptions { config: Some(config(&[file])), version: kubernetes("1.34"), ..SeatsOptions::default() };
    let report = seats_json(&options);
    assert_eq!(report["priority_levels"].as_array().unwrap().len(), 8);
    assert_eq!(report["server"]["configuration"], "read-over-default");
    let text = terminal(&seats(&options).page(), None).text;
    assert!(text.contains("completed with those of a new cluster"), "{text}");
}

/// The dump of a real server without objects of its own.
#[test]
fn the_objects_of_a_fresh_cluster_are_clean() {
    let Some(lab) = folder("STORMGLASS_LAB") else { return };
    let files = ["bootstrap-v136.flowschemas.json", "bootstrap-v136.prioritylevelconfigurations.json"];
    let files = files.map(|file| lab.join("apf").join(file));
    for version in ["1.34", "1.36"] {
        let report = linted(&manifest(&files), Some(version));
        assert_eq!(report["findings"], Value::Array(Vec::new()));
    }
}

#[test]
fn flow_schemas_are_columns_in_sql() {
    let sql = "select flow_schema, priority_level, count(*) as n from requests
        join flows on flows.flow_key = requests.flow_key group by all order by n desc, flow_schema limit 3";
    let question = Question::Sql { name: "test".to_owned(), text: sql.to_owned() };
    let (csv, _) = ask_in(Format::Csv, &["sample-logs/python-oom".to_owned()], question);
    insta::assert_snapshot!("flows-in-sql", String::from_utf8(csv).unwrap());
}
