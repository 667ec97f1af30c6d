//! Situations that people met, rebuilt: each has one right answer, derived from how Kubernetes is documented to behave.

use std::path::{Path, PathBuf};

use serde_json::Value;
use stormglass::analysis::incident::IncidentOptions;
use stormglass::analysis::storms::StormOptions;
use stormglass::analysis::{doctor, incident, storms};
use stormglass::dimensions::Settings;
use stormglass::report::StormJson;

use crate::support::{ask, block_on, folder, json, session, sized};

/// A case's files.
struct Case {
    logs: Vec<PathBuf>,
}

/// The case whose folder begins with a number, and those of its files; `None` where the cases aren't here.
fn case(number: &str, files: &[&str]) -> Option<Case> {
    let cases = folder("STORMGLASS_CASES")?;
    let is_it = |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(number));
    let folder = std::fs::read_dir(cases).unwrap().map(|entry| entry.unwrap().path()).find(is_it).unwrap();
    Some(Case { logs: files.iter().map(|file| folder.join(file)).collect() })
}

impl Case {
    fn storms(&self) -> Value {
        self.storms_with(Settings::default())
    }

    fn storms_with(&self, settings: Settings) -> Value {
        json(&StormJson::from(&block_on(storms(&session(&self.logs, settings), &StormOptions::default())).unwrap()))
    }

    fn incident(&self) -> Value {
        self.incident_with(Settings::default())
    }

    fn incident_with(&self, settings: Settings) -> Value {
        let options = IncidentOptions { proposes_candidates: false, ..IncidentOptions::default() };
        json(&block_on(incident(&session(&self.logs, settings), &options)).unwrap().json())
    }

    fn doctor(&self) -> Value {
        json(&block_on(doctor(&session(&self.logs, Settings::default()))).unwrap().with_words())
    }

    /// The rows that a query gives.
    fn rows(&self, sql: &str) -> Vec<Value> {
        let inputs: Vec<String> = self.logs.iter().map(|log| log.display().to_string()).collect();
        ask(&inputs, sql).0
    }

    /// The one number that a query gives.
    fn count(&self, sql: &str) -> u64 {
        let rows = self.rows(sql);
        rows[0].as_object().unwrap().values().next().unwrap().as_u64().unwrap()
    }
}

/// Findings that are a warning or worse.
fn loud(report: &Value) -> Vec<&Value> {
    report["findings"].as_array().unwrap().iter().filter(|finding| finding["severity"] != "info").collect()
}

fn kinds(findings: &[&Value]) -> Vec<String> {
    findings.iter().map(|finding| finding["kind"].as_str().unwrap().to_owned()).collect()
}

/// Findings whose first user has this name.
fn of_user<'f>(findings: &[&'f Value], user: &str) -> Vec<&'f Value> {
    findings
        .iter()
        .copied()
        .filter(|finding| finding["user_names"][0].as_str().is_some_and(|name| name.contains(user)))
        .collect()
}

fn culprits(incident: &Value) -> Vec<&str> {
    let suspects = incident["suspects"].as_array().unwrap().iter();
    suspects.filter(|suspect| suspect["role"] == "culprit").filter_map(|suspect| suspect["client"].as_str()).collect()
}

fn says_no_storm(report: &Value) -> bool {
    report["verdict"].as_str().unwrap().starts_with("No storm")
}

const LIST_KINDS: [&str; 5] = ["relist-herd", "list-loop", "list-pileup", "unpaginated-list", "page-storm"];

#[test]
fn watches_that_pile_up_are_told() {
    let Some(case) = case("03", &["input.log.gz"]) else { return };
    assert_eq!(case.count("select count(*) from requests where verb = 'watch' and outcome = 'open'"), 2_400);
    let report = case.storms();
    let findings = loud(&report);
    let leak = of_user(&findings, "istio-mixer-service-account");
    assert_eq!(leak.len(), 1, "{report:#}");
    assert_eq!((leak[0]["resource"].as_str(), leak[0]["requests"].as_u64()), (Some("secrets"), Some(2_400)));
    assert_eq!(findings.len(), 1, "nobody else, and no end of a server: {:?}", kinds(&findings));
    assert!(!says_no_storm(&report));
}

#[test]
fn watches_cut_by_their_clients_own_timeout_are_told_so() {
    let Some(case) = case("04", &["input.log.gz"]) else { return };
    let report = case.storms();
    let findings = loud(&report);
    let churn = of_user(&findings, "ngf-nginx-gateway-fabric");
    assert_eq!(kinds(&churn), ["watch-churn"]);
    let remedies = churn[0]["remedy_codes"].to_string();
    assert!(remedies.contains("unset-client-timeout"), "{remedies}");
    assert!(kinds(&findings).iter().all(|kind| !LIST_KINDS.contains(&kind.as_str())), "{:?}", kinds(&findings));
}

#[test]
fn where_no_end_is_logged_nothing_is_in_flight() {
    let Some(case) = case("06", &["input.log.gz"]) else { return };
    let storms = case.storms();
    for kind in kinds(&loud(&storms)) {
        assert!(!["list-pileup", "apiserver-restart"].contains(&kind.as_str()), "{kind}");
    }
    let incident = case.incident();
    assert_eq!(culprits(&incident), Vec::<&str>::new());
    assert_ne!(incident["moment"]["kind"], "death");
    let words = case.doctor()["coverage"].to_string();
    assert!(words.contains("ResponseComplete"), "{words}");
    let top =
        case.rows("select user_agent, count(*) as n from requests where verb = 'list' group by 1 order by 2 desc");
    assert_eq!(top[0]["n"], 3_000, "{top:?}");
}

#[test]
fn a_hole_is_a_gap_and_no_restart() {
    let Some(case) = case("07", &["input"]) else { return };
    let doctor = case.doctor();
    assert_eq!(doctor["files"].as_array().unwrap().len(), 4);
    let unreadable = doctor["unreadable"].as_array().unwrap();
    assert_eq!(unreadable.iter().map(|reason| reason["count"].as_u64().unwrap()).sum::<u64>(), 2, "{unreadable:#?}");
    let words = doctor["coverage"].to_string();
    assert!(words.contains("14:06:0") && words.contains("14:28:0"), "{words}");
    assert_eq!(kinds(&loud(&case.storms())), Vec::<String>::new());
}

#[test]
fn a_size_hides_no_storm() {
    for file in ["input.log.gz", "input-cluster.log.gz"] {
        let Some(case) = case("08", &[file]) else { return };
        for size in [None, Some("podvolumebackups.velero.io=60000x3KB")] {
            let settings = || size.map_or_else(Settings::default, |size| sized(&[size]));
            let report = case.storms_with(settings());
            let loud = loud(&report);
            assert!(!of_user(&loud, "velero:velero").is_empty(), "{:?}", kinds(&loud));
            let incident = case.incident_with(settings());
            assert_eq!(culprits(&incident), ["velero"], "{}", incident["verdict"]);
            // Neither its own lists nor watches are in the log: silence, LISTs without an end, then its first requests to itself.
            let moment = &incident["moment"];
            assert_eq!(
                (&moment["kind"], &moment["at"]),
                (&"death".into(), &"2026-03-10T09:03:59.232Z".into()),
                "{moment}"
            );
        }
    }
}

#[test]
fn writes_that_fail_on_and_on_are_told() {
    let Some(case) = case("10", &["input.log.gz"]) else { return };
    assert_eq!(case.count("select count(*) from requests where code = 409"), 2_775);
    let report = case.storms();
    let findings = loud(&report);
    let writes = of_user(&findings, "kubewarden");
    assert!(!writes.is_empty() && !says_no_storm(&report), "{}", report["verdict"]);
    assert!(kinds(&findings).iter().all(|kind| !LIST_KINDS.contains(&kind.as_str())), "{:?}", kinds(&findings));
}

#[test]
fn an_impersonated_user_is_one_request_and_the_one_who_asks() {
    let Some(case) = case("12", &["input.log.gz"]) else { return };
    assert_eq!(
        case.count("select count(distinct audit_id) from requests"),
        case.count("select count(*) from requests")
    );
    let acting = "impersonated_user_name = 'u-b4qkhsnliz'";
    assert_eq!(case.count(&format!("select count(*) from requests where {acting}")), 115);
    // Refused to impersonate, so API Priority and Fairness never saw them.
    assert_eq!(case.count("select count(*) from requests where is_impersonation_denied"), 5);
}

#[test]
fn many_users_of_one_program_are_one_finding() {
    let Some(case) = case("14", &["input.log.gz"]) else { return };
    let report = case.storms();
    let loud = loud(&report);
    assert!(kinds(&loud).contains(&"refusal-loop".to_owned()), "{:?}", kinds(&loud));
    for finding in loud {
        assert_eq!(
            (&finding["client"], &finding["user_name_count"]),
            (&"node-fetch".into(), &80.into()),
            "a library's name"
        );
        assert!(!LIST_KINDS.contains(&finding["kind"].as_str().unwrap()));
    }
}

#[test]
fn rejections_are_told_where_they_happen() {
    let Some(case) = case("19", &["m0.log.gz", "m1.log.gz", "m2.log.gz"]) else { return };
    let rows = case.rows("select apiserver, count(*) as n from requests where code = 429 group by apiserver");
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert!(rows[0]["apiserver"].as_str().unwrap().contains("m1"), "{rows:?}");
    let report = case.storms();
    assert!(!says_no_storm(&report), "{}", report["verdict"]);
}

#[test]
fn what_the_policy_leaves_out_is_no_calm() {
    for (file, word) in [("a.log.gz", "LIST"), ("b.log.gz", "pods")] {
        let Some(case) = case("28", &[file]) else { return };
        let report = case.storms();
        assert!(!says_no_storm(&report), "{file}: {}", report["verdict"]);
        assert!(report["verdict"].as_str().unwrap().contains("can't be seen"), "{file}: {}", report["verdict"]);
        let words = case.doctor()["coverage"].to_string();
        assert!(words.contains(word), "{file}: {words}");
    }
}

#[test]
fn a_deletecollection_in_flight_is_a_suspect() {
    let Some(case) = case("32", &["input.log.gz"]) else { return };
    let open = "select count(*) from requests where verb = 'deletecollection' and outcome = 'open'";
    assert_eq!(case.count(open), 6);
    let report = case.storms();
    assert!(!of_user(&loud(&report), "event-cleaner").is_empty(), "{}", report["verdict"]);
}

#[test]
fn events_among_the_servers_own_lines_are_read() {
    let Some(case) = case("34", &["kubectl-logs.txt"]) else { return };
    assert_eq!(case.count("select count(*) from requests"), 150);
    let doctor = case.doctor();
    assert_eq!(doctor["files"][0]["event_count"], 300, "{doctor:#}");
}

#[test]
fn a_damaged_line_costs_itself_alone() {
    for file in ["fz_LOST_1_16073.log", "fz_LOST_1_7242.log", "fz_LOST_1_9295.log"] {
        let Some(case) = case("50", &[file]) else { return };
        let whole = whole_lines(&case.logs[0]);
        let doctor = case.doctor();
        // Events within damaged lines may be read too.
        assert!(doctor["files"][0]["event_count"].as_u64() >= Some(whole), "{file}: {doctor:#}");
    }
}

/// Lines that are JSON events by themselves.
fn whole_lines(log: &Path) -> u64 {
    let bytes = std::fs::read(log).unwrap();
    let is_event = |line: &&[u8]| serde_json::from_slice::<Value>(line).is_ok_and(|event| event["kind"] == "Event");
    bytes.split(|byte| *byte == b'\n').filter(is_event).count() as u64
}
