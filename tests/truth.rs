//! The server's own word on every request: `apf explain` must agree with it.
//!
//! Two real servers wrote audit log and access log side by side, under three configurations each. Object counts are known
//! at a few moments only, so that the seats of some lists are known within bounds; what must not be is a contradiction.

use std::fs;
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{folder, temporary};

struct Phase {
    config: Vec<String>,
    from: String,
    until: String,
}

/// Runs `apf explain` over a phase; its agreement.
fn agreement(lab: &Path, httplog: &str, phase: &Phase, more: &[String]) -> Value {
    let log = lab.join("audit.log.gz").display().to_string();
    let httplog = lab.join(httplog).display().to_string();
    let mut command = assert_cmd::Command::new(env!("CARGO_BIN_EXE_stormglass"));
    command.args(["apf", "explain", &log, "--httplog", &httplog, "--format", "json", "--quiet"]);
    command.args(["--from", &phase.from, "--to", &phase.until]).args(more);
    for config in &phase.config {
        command.args(["--config", config]);
    }
    let output = command.assert().success().get_output().stdout.clone();
    serde_json::from_slice::<Value>(&output).unwrap()["agreement"].take()
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
    let metrics = (0..4).map(|at| lab.join(format!("metrics-full.00{at}.txt.gz")).display().to_string());
    let mut more: Vec<String> = metrics.flat_map(|file| ["--metrics".to_owned(), file]).collect();
    let server = "--kube-version 1.33 --server-features ConsistentListFromCache=off --server-concurrency 180";
    more.extend(server.split(' ').map(str::to_owned));
    let scratch = TempDir::new().unwrap();
    for phase in meta["phases"].as_array().unwrap() {
        let name = phase["name"].as_str().unwrap();
        let dump = fs::read_to_string(lab.join(format!("apf-config.{name}.start.json"))).unwrap();
        let dump: Value = serde_json::from_str(&dump).unwrap();
        let lists = ["flowschemas", "prioritylevelconfigurations"].map(|list| dump[list].to_string());
        let config = temporary(&scratch, &format!("{name}.json"), lists.join("\n"));
        let time = |at: &str| phase[at].as_str().unwrap().to_owned();
        let phase = Phase { config: vec![config], from: time("stable_from"), until: time("stable_until") };
        check(&agreement(&lab, "httplog.log.gz", &phase, &more), 1_500);
    }
}

/// Here a list costs by bytes, and the server's estimates of those become known in the midst of a phase: what is left then
/// is a range.
#[test]
fn flow_schemas_and_seats_agree_with_a_server_that_costs_lists_by_bytes() {
    let Some(lab) = folder("STORMGLASS_LAB").map(|lab| lab.join("apf-truth")) else { return };
    let phases: Value = serde_json::from_str(&fs::read_to_string(lab.join("phases.json")).unwrap()).unwrap();
    let phases = phases["phases"].as_array().unwrap();
    let mut more = vec!["--kube-version".to_owned(), "1.36".to_owned()];
    for phase in phases {
        let (name, at) = (phase["name"].as_str().unwrap(), phase["t"].as_str().unwrap());
        let file = lab.join(format!("metrics-{name}.txt"));
        more.extend(["--metrics".to_owned(), format!("{}@{at}", file.display())]);
    }
    for (phase, next) in phases.iter().zip(&phases[1..]) {
        let (name, from) = (phase["name"].as_str().unwrap(), phase["t"].as_str().unwrap());
        let config = ["flowschemas", "prioritylevelconfigurations"]
            .map(|kind| lab.join(format!("config-{name}.{kind}.json")).display().to_string());
        // The change to the next configuration is made in the seconds before it is noted.
        let until: jiff::Timestamp = next["t"].as_str().unwrap().parse().unwrap();
        let until = (until - jiff::SignedDuration::from_secs(8)).to_string();
        let phase = Phase { config: config.to_vec(), from: from.to_owned(), until };
        check(&agreement(&lab, "httplog.txt.gz", &phase, &more), 700);
    }
}
