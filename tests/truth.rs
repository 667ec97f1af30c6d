//! The server's own word on every request: `apf explain` must agree with it.
//!
//! Two real servers wrote audit log and access log side by side, under three configurations each. Object counts are known
//! at a few moments only, so that the seats of some lists are known within bounds; what must not be is a contradiction.

use std::fs;
use std::path::Path;

use serde_json::Value;
use stormglass::analysis::explain;
use stormglass::analysis::explain::ExplainOptions;
use stormglass::dimensions::{ApfSettings, DatedMetrics, Settings};
use stormglass::memory::Server;
use tempfile::TempDir;

use crate::support::{
    block_on, config, decisions, folder, json, kubernetes, metrics, server, session_within, temporary,
};

struct Phase {
    config: Vec<String>,
    from: String,
    until: String,
}

/// Explains the requests of a phase; the report's agreement with what the server logged.
fn agreement(lab: &Path, httplog: &str, phase: &Phase, settings: Settings) -> Value {
    let apf =
        ApfSettings { config: Some(config(&phase.config)), verdicts: decisions(&[lab.join(httplog)]), ..settings.apf };
    let span = (Some(phase.from.as_str()), Some(phase.until.as_str()));
    let session = session_within(&[lab.join("audit.log.gz")], span, Settings { apf, ..settings });
    let report = block_on(explain(&session, &ExplainOptions::default())).unwrap();
    json(&report.with_words())["agreement"].take()
}

/// Every FlowSchema, and every list's and watch's seats, of at least so many of each.
fn check(agreement: &Value, least: u64) {
    let of = |name: &str| agreement[name].as_u64().unwrap();
    assert_eq!(of("same_flow_schema_count"), of("request_count"), "{agreement:#}");
    assert_eq!(of("same_seats_count") + of("possible_seats_count"), of("list_count"), "{agreement:#}");
    assert_eq!(agreement["differences"], Value::Array(Vec::new()));
    assert!(of("list_count") >= least && of("same_seats_count") * 4 >= of("list_count") * 3, "{agreement:#}");
}

#[test]
fn flow_schemas_and_seats_agree_with_a_server_that_reads_lists_from_etcd() {
    let Some(lab) = folder("STORMGLASS_LAB").map(|lab| lab.join("apf-truth-legacy")) else { return };
    let meta: Value = serde_json::from_str(&fs::read_to_string(lab.join("meta.json")).unwrap()).unwrap();
    let settings = || Settings {
        metrics: (0..4).map(|at| metrics(&lab.join(format!("metrics-full.00{at}.txt.gz")), None)).collect(),
        server: Server { version: kubernetes("1.33"), reads_lists_from_etcd: Some(true), ..Server::default() },
        apf: ApfSettings {
            gates: vec![("ConsistentListFromCache".to_owned(), false)],
            server_concurrency: 180,
            server_concurrency_is_given: true,
            ..ApfSettings::default()
        },
        ..Settings::default()
    };
    let scratch = TempDir::new().unwrap();
    for phase in meta["phases"].as_array().unwrap() {
        let name = phase["name"].as_str().unwrap();
        let dump = fs::read_to_string(lab.join(format!("apf-config.{name}.start.json"))).unwrap();
        let dump: Value = serde_json::from_str(&dump).unwrap();
        let lists = ["flowschemas", "prioritylevelconfigurations"].map(|list| dump[list].to_string());
        let config = temporary(&scratch, &format!("{name}.json"), lists.join("\n"));
        let time = |at: &str| phase[at].as_str().unwrap().to_owned();
        let phase = Phase { config: vec![config], from: time("stable_from"), until: time("stable_until") };
        check(&agreement(&lab, "httplog.log.gz", &phase, settings()), 1_500);
    }
}

/// Here a list costs by bytes, and the server's estimates of those become known in the midst of a phase: what is left then
/// is a range.
#[test]
fn flow_schemas_and_seats_agree_with_a_server_that_costs_lists_by_bytes() {
    let Some(lab) = folder("STORMGLASS_LAB").map(|lab| lab.join("apf-truth")) else { return };
    let phases: Value = serde_json::from_str(&fs::read_to_string(lab.join("phases.json")).unwrap()).unwrap();
    let phases = phases["phases"].as_array().unwrap();
    let dated = |phase: &Value| -> DatedMetrics {
        let (name, at) = (phase["name"].as_str().unwrap(), phase["t"].as_str().unwrap());
        metrics(&lab.join(format!("metrics-{name}.txt")), Some(at))
    };
    let settings =
        || Settings { metrics: phases.iter().map(dated).collect(), server: server("1.36"), ..Settings::default() };
    for (phase, next) in phases.iter().zip(&phases[1..]) {
        let (name, from) = (phase["name"].as_str().unwrap(), phase["t"].as_str().unwrap());
        let config = ["flowschemas", "prioritylevelconfigurations"]
            .map(|kind| lab.join(format!("config-{name}.{kind}.json")).display().to_string());
        // The change to the next configuration is made in the seconds before it is noted.
        let until: jiff::Timestamp = next["t"].as_str().unwrap().parse().unwrap();
        let until = (until - jiff::SignedDuration::from_secs(8)).to_string();
        let phase = Phase { config: config.to_vec(), from: from.to_owned(), until };
        check(&agreement(&lab, "httplog.txt.gz", &phase, settings()), 700);
    }
}
