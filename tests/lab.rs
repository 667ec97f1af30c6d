//! The logs that a real kube-apiserver wrote under real load: `requests` must reproduce what is known of that load.
//!
//! `lab_truth.json` was counted from the raw lines by an independent program, and agrees with what the driver of the load
//! recorded; the clients' own records are read here.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use flate2::read::MultiGzDecoder;
use serde::Deserialize;
use serde_json::Value;

use crate::support::{ask, folder, inputs, project};

fn truth() -> BTreeMap<String, Value> {
    let text = std::fs::read_to_string(project("tests/lab_truth.json")).unwrap();
    let mut truth: BTreeMap<String, Value> = serde_json::from_str(&text).unwrap();
    truth.remove("_about");
    truth
}

fn strings(value: &Value) -> Vec<String> {
    value.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}

#[derive(Debug, Deserialize)]
struct Totals {
    requests: u64,
    complete: u64,
    open: u64,
    panic: u64,
    duration_us_sum: u64,
    watches_complete: u64,
    watches_open: u64,
    users: u64,
    impersonated: u64,
}

const TOTALS: &str = "select count(*) as requests,
    count(*) filter (where outcome = 'complete') as complete,
    count(*) filter (where outcome = 'open') as open,
    count(*) filter (where outcome = 'panic') as panic,
    sum(cast(completed_at as bigint) - cast(received_at as bigint)) as duration_us_sum,
    count(*) filter (where verb = 'watch' and outcome = 'complete' and not (last_stage = 'ResponseStarted'))
        as watches_complete,
    count(*) filter (where verb = 'watch' and outcome = 'open') as watches_open,
    count(distinct user_name) as users,
    count(impersonated_user_name) as impersonated
from requests";

#[test]
fn requests_add_up_to_the_raw_lines() {
    let Some(lab) = folder("STORMGLASS_LAB") else { return };
    for (scenario, expected) in truth() {
        let (totals, tally) = ask::<Totals>(&inputs(&lab, &strings(&expected["files"])), TOTALS);
        let totals = &totals[0];
        assert_eq!(Value::from(tally.events()), expected["events_total"], "{scenario}");
        assert_eq!(tally.unreadable_count() + tally.duplicates + tally.late_stages, 0, "{scenario}");
        for (name, value) in [
            ("requests", totals.requests),
            ("complete", totals.complete),
            ("open", totals.open),
            ("panic", totals.panic),
            ("duration_us_sum", totals.duration_us_sum),
            ("watches_open", totals.watches_open),
            ("users", totals.users),
            ("impersonated", totals.impersonated),
        ] {
            assert_eq!(Value::from(value), expected[name], "{scenario}: {name}");
        }
        if scenario != "apf-truth" {
            assert_eq!(Value::from(totals.watches_complete), expected["watches_complete"], "{scenario}");
        }
    }
}

#[derive(Debug, Deserialize)]
struct Grouped {
    client: String,
    resource: String,
    request_count: u64,
}

#[test]
fn lists_are_counted_by_client_and_resource() {
    let Some(lab) = folder("STORMGLASS_LAB") else { return };
    let sql = "select coalesce(user_agent, '') as client, coalesce(resource, '') as resource, count(*) as request_count
        from requests where verb = 'list' group by 1, 2";
    for (scenario, expected) in truth() {
        let (rows, _) = ask::<Grouped>(&inputs(&lab, &strings(&expected["files"])), sql);
        let counts: BTreeMap<_, _> =
            rows.into_iter().map(|row| ((row.client, row.resource), row.request_count)).collect();
        for list in expected["lists"].as_array().unwrap() {
            let [client, resource, count] = list.as_array().unwrap().as_slice() else { unreachable!("a triple") };
            let key = (client.as_str().unwrap().to_owned(), resource.as_str().unwrap().to_owned());
            assert_eq!(counts.get(&key).copied(), count.as_u64(), "{scenario}: {key:?}");
        }
        assert_eq!(Value::from(counts.values().sum::<u64>()), expected["lists_total"], "{scenario}");
    }
}

#[derive(Debug, Deserialize)]
struct Kind {
    list_kind: String,
    request_count: u64,
}

#[test]
fn list_kinds_are_told_apart() {
    let Some(lab) = folder("STORMGLASS_LAB") else { return };
    let sql = "select list_kind, count(*) as request_count from requests where list_kind is not null group by 1";
    for (scenario, expected) in truth() {
        let (rows, _) = ask::<Kind>(&inputs(&lab, &strings(&expected["files"])), sql);
        let kinds: BTreeMap<_, _> = rows.into_iter().map(|row| (row.list_kind, row.request_count)).collect();
        assert_eq!(serde_json::to_value(kinds).unwrap(), expected["list_kinds"], "{scenario}");
    }
}

#[derive(Debug, Deserialize)]
struct Life {
    life_secs: f64,
}

#[test]
fn watches_live_as_long_as_they_did() {
    let Some(lab) = folder("STORMGLASS_LAB") else { return };
    let sql =
        "select (cast(completed_at as bigint) - cast(coalesce(started_at, received_at) as bigint)) / 1e6 as life_secs
        from requests where verb = 'watch' and outcome = 'complete' and last_stage = 'ResponseComplete'
        order by life_secs";
    for (scenario, expected) in truth() {
        let (rows, _) = ask::<Life>(&inputs(&lab, &strings(&expected["files"])), sql);
        let expected = &expected["watch_life_secs"];
        assert_eq!(Value::from(rows.len()), expected["n"], "{scenario}");
        for (quantile, name) in [(50, "p50"), (90, "p90"), (99, "p99"), (100, "max")] {
            // Nearest rank, as the truth was counted.
            let rank = (quantile * rows.len()).div_ceil(100);
            let life = rows[rank - 1].life_secs;
            assert!((life - expected[name].as_f64().unwrap()).abs() < 1e-9, "{scenario}: {name} is {life}");
        }
    }
}

#[derive(Debug, Deserialize)]
struct Open {
    open_nonwatch: u64,
    open_watch: u64,
}

#[test]
fn what_was_in_flight_at_a_kill_is_open() {
    let Some(lab) = folder("STORMGLASS_LAB") else { return };
    for (scenario, expected) in truth() {
        let mut after = "2000-01-01T00:00:00Z".to_owned();
        for kill in expected["kills"].as_array().unwrap() {
            let at = kill["at"].as_str().unwrap().to_owned();
            let sql = format!(
                "select count(*) filter (where verb <> 'watch') as open_nonwatch,
                    count(*) filter (where verb = 'watch') as open_watch
                from requests where outcome = 'open' and received_at > '{after}' and received_at <= '{at}'"
            );
            let (open, _) = ask::<Open>(&inputs(&lab, &strings(&expected["files"])), &sql);
            assert_eq!(Value::from(open[0].open_nonwatch), kill["open_nonwatch"], "{scenario} at {at}");
            assert_eq!(Value::from(open[0].open_watch), kill["open_watch"], "{scenario} at {at}");
            after = at;
        }
    }
}

/// A request as its client saw it.
#[derive(Debug, Deserialize)]
struct ClientLine {
    audit_id: Option<String>,
    code: Option<i32>,
    u: Option<String>,
    /// The body was cut off.
    berr: Option<String>,
    end_ms: Option<f64>,
}

#[derive(Debug, Deserialize)]
struct Seen {
    audit_id: String,
    code: Option<i32>,
    verb: String,
    request_uri: String,
    outcome: String,
    duration_secs: Option<f64>,
}

fn client_lines(scenario: &Path) -> Vec<ClientLine> {
    let mut lines = Vec::new();
    for name in ["client-core.jsonl.gz", "client-addons.jsonl.gz"] {
        let content = MultiGzDecoder::new(File::open(scenario.join(name)).unwrap());
        lines.extend(
            BufReader::new(content).lines().map(|line| serde_json::from_str::<ClientLine>(&line.unwrap()).unwrap()),
        );
    }
    lines
}

#[test]
fn each_request_is_as_its_client_saw_it() {
    let Some(lab) = folder("STORMGLASS_LAB") else { return };
    let sql = "select audit_id, code, verb, request_uri, outcome, duration_secs from requests";
    // Requests that the log can't hold: in flight at a kill without RequestReceived; dropped by the policy.
    for (scenario, without_row) in [("s1-cni-relist", 0), ("s2-python-oom", 1), ("s3-quiet", 72)] {
        let files = strings(&truth()[scenario]["files"]);
        let (rows, _) = ask::<Seen>(&inputs(&lab, &files), sql);
        let rows: BTreeMap<_, _> = rows.into_iter().map(|row| (row.audit_id.clone(), row)).collect();
        let mut missing = 0;
        for line in client_lines(&lab.join(scenario)) {
            let Some(audit_id) = &line.audit_id else { continue };
            let Some(row) = rows.get(audit_id) else {
                missing += 1;
                continue;
            };
            assert_eq!(Some(&row.request_uri), line.u.as_ref(), "{audit_id}");
            assert!(row.code.is_none() || row.code == line.code, "{audit_id}");
            if line.berr.is_some() {
                continue;
            }
            assert_eq!((row.outcome.as_str(), row.code), ("complete", line.code), "{audit_id}");
            if row.verb != "watch" {
                let took_ms = row.duration_secs.unwrap() * 1e3;
                assert!(
                    line.end_ms.unwrap() + 1.0 > took_ms,
                    "{audit_id}: the server took longer than the client waited"
                );
            }
        }
        assert_eq!(missing, without_row, "{scenario}");
    }
}
