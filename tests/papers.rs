//! The reports that people read: that they name the right culprits, and that a browser shows them as they should look.

mod browser;

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;
use stormglass::analysis::capacity::CapacityOptions;
use stormglass::analysis::explain::ExplainOptions;
use stormglass::analysis::incident::{IncidentOptions, MeasuredMemory};
use stormglass::analysis::propose::ProposeOptions;
use stormglass::analysis::query::{Question, query};
use stormglass::analysis::seats::SeatsOptions;
use stormglass::analysis::simulate::SimulateOptions;
use stormglass::analysis::storms::StormOptions;
use stormglass::analysis::{
    ReplayOptions, Session, SessionOptions, capacity, doctor, explain, incident, lint_with_logs, propose, seats,
    simulate, storms,
};
use stormglass::dimensions::Settings;
use stormglass::memory::parse_resident;
use stormglass::report::page::Page;
use stormglass::report::{html, markdown, terminal};
use stormglass::tables::Params;
use stormglass::units::Zone;

use crate::support::{
    block_on, change, folder, json, kubernetes, manifest, metrics, project, session, session_within, sized, skipped,
    temporary, time,
};

/// The page of a report over logs, read in this zone.
fn page_in(zone: &Zone, log: &str, report: &str, settings: Settings) -> Page {
    let options = SessionOptions {
        inputs: vec![log.to_owned()],
        zone: zone.clone(),
        settings: settings.into(),
        ..SessionOptions::default()
    };
    let session = Session::new(options).unwrap();
    let replay = ReplayOptions { seeds: 1, ..ReplayOptions::default() };
    block_on(async {
        match report {
            "incident" => incident(&session, &IncidentOptions::default()).await.unwrap().page(zone),
            "capacity" => capacity(&session, &CapacityOptions::default()).await.unwrap().page(zone),
            "storms" => storms(&session, &StormOptions::default()).await.unwrap().page(zone),
            "doctor" => doctor(&session).await.unwrap().page(zone),
            "explain" => explain(&session, &ExplainOptions { top: Some(30) }).await.unwrap().page(zone),
            "simulate" => {
                let options = SimulateOptions { replay, ..SimulateOptions::default() };
                simulate(&session, &options).await.unwrap().page(15, zone)
            }
            "propose" => {
                propose(&session, &ProposeOptions { replay, ..ProposeOptions::default() }).await.unwrap().page(zone)
            }
            _ => unreachable!("there is no report {report}"),
        }
    })
}

/// An incident's report over logs, as JSON.
fn incident_json(logs: &[String], options: &IncidentOptions, settings: Settings) -> Value {
    json(&block_on(incident(&session(logs, settings), options)).unwrap().json())
}

/// What is asked without looking for candidates.
fn no_candidates() -> IncidentOptions {
    IncidentOptions { proposes_candidates: false, ..IncidentOptions::default() }
}

/// The same about a moment.
fn at(moment: &str) -> IncidentOptions {
    IncidentOptions { at: Some(time(moment)), ..no_candidates() }
}

/// One log of the project.
fn sample(name: &str) -> [String; 1] {
    [project("sample-logs").join(name).display().to_string()]
}

/// Memory that was measured beside a log of the project.
fn measured(path: &str) -> Option<MeasuredMemory> {
    let series = parse_resident(&std::fs::read_to_string(project(path)).unwrap()).unwrap();
    Some(MeasuredMemory { source: path.to_owned(), series })
}

/// The logs of a scenario: the current file and the rotated ones beside it.
fn scenario(lab: &Path, name: &str) -> Vec<String> {
    let pattern = lab.join(name).join("audit*.log.gz").display().to_string();
    let files = glob::glob(&pattern).unwrap().map(|file| file.unwrap().display().to_string());
    files.filter(|file| !file.contains("steady")).collect()
}

/// An incident's report over a scenario.
fn incident_of(lab: &Path, name: &str, options: &IncidentOptions) -> Value {
    let metrics = vec![metrics(&lab.join(format!("metrics/scen-{name}-end.txt")), None)];
    incident_json(&scenario(lab, name), options, Settings { metrics, ..Settings::default() })
}

/// Clients by what they are taken for.
fn suspects<'r>(report: &'r Value, role: &str) -> Vec<&'r str> {
    let suspects = report["suspects"].as_array().unwrap().iter();
    suspects.filter(|suspect| suspect["role"] == role).map(|suspect| suspect["client"].as_str().unwrap()).collect()
}

fn verdict(report: &Value) -> String {
    report["verdict"]
        .as_array()
        .unwrap()
        .iter()
        .map(|sentence| sentence.as_str().unwrap())
        .collect::<Vec<_>>()
        .join(" ")
}

#[test]
fn the_one_that_was_at_it_when_the_server_was_killed_is_the_culprit() {
    let Some(lab) = folder("STORMGLASS_LAB") else { return };
    let report = incident_of(&lab, "s1-cni-relist", &no_candidates());
    assert_eq!(report["moment"]["kind"], "death");
    assert!(report["moment"]["at"].as_str().unwrap().starts_with("2026-11-24T09:07:10."));
    assert_eq!(suspects(&report, "culprit"), ["acme-operator-controller-manager"]);
    assert!(verdict(&report).contains("acme-operator-controller-manager"), "{}", verdict(&report));
    // All four LISTs in flight at the kill were the operator's, and are in the log.
    let cut = report["cut_off"].as_array().unwrap().iter().filter(|row| row["verb"] == "list");
    let cut: Vec<_> = cut.map(|row| (row["client"].as_str().unwrap(), row["open_count"].as_u64().unwrap())).collect();
    assert_eq!(cut, [("acme-operator-controller-manager", 4)]);
    // The herd before held far more, and the server outlived it.
    assert_eq!(report["earlier_peak"]["client_type"], "cni");
    assert_eq!(report["wave"]["clients"][0]["client"], "calico-node");
}

#[test]
fn the_herd_of_agents_is_the_culprit_at_its_own_moment() {
    let Some(lab) = folder("STORMGLASS_LAB") else { return };
    let options = IncidentOptions { window: Duration::from_secs(60), ..at("2026-11-24T09:04:50Z") };
    let report = incident_of(&lab, "s1-cni-relist", &options);
    assert_eq!(report["moment"]["kind"], "asked");
    assert_eq!(suspects(&report, "culprit"), ["calico-node"]);
    // Nodes can't do without their agents, so that nothing is to be stopped.
    assert!(report["first_step"].as_str().unwrap().starts_with("calico-node: "), "{}", report["first_step"]);
}

#[test]
fn both_ends_of_the_python_storm_have_the_same_culprit_and_the_worse_is_taken() {
    let Some(lab) = folder("STORMGLASS_LAB") else { return };
    let worst = incident_of(&lab, "s2-python-oom", &no_candidates());
    assert!(worst["moment"]["at"].as_str().unwrap().starts_with("2026-11-24T09:11:41."), "{}", worst["moment"]);
    assert_eq!(suspects(&worst, "culprit"), ["inventory-sync"]);
    assert_eq!(worst["other_moments"].as_array().unwrap().len(), 1);
    let victims: Vec<_> = worst["victims"].as_array().unwrap().iter().map(|victim| &victim["client"]).collect();
    assert!(
        victims.iter().any(|client| *client == "kubelet") && !victims.iter().any(|client| *client == "inventory-sync")
    );
    let first = incident_of(&lab, "s2-python-oom", &at("2026-11-24T09:11:00Z"));
    assert_eq!(first["moment"]["kind"], "death");
    assert_eq!(suspects(&first, "culprit"), ["inventory-sync"]);
    assert!(first["wave"]["died_again_at"].as_str().unwrap().starts_with("2026-11-24T09:11:41."));
    // The milder storms later on are told apart from those of the ends.
    let options = IncidentOptions { window: Duration::from_secs(60), ..at("2026-11-24T09:14:10Z") };
    let paged = incident_of(&lab, "s2-python-oom", &options);
    assert_eq!(suspects(&paged, "culprit"), ["kubectl"]);
}

#[test]
fn the_first_step_is_to_stop_who_can_be_spared() {
    let report = incident_json(&sample("operator-loop"), &no_candidates(), Settings::default());
    let step = report["first_step"].as_str().unwrap();
    let stop = "stop or scale down what runs as service account acme-system/acme-operator-controller-manager";
    assert!(step.starts_with(stop), "{step}");
    let code = &report["first_step_code"];
    assert_eq!((&code["code"], &code["running_as"]["namespace"]), (&"stop-client".into(), &"acme-system".into()));
}

/// Whoever reads the JSON by program needs no words: each sentence that says something new has a code beside it.
#[test]
fn json_has_codes_beside_the_words() {
    let log = sample("python-oom");
    let report = incident_json(&log, &at("2026-11-24T09:11:00Z"), Settings::default());
    for (words, codes) in [("supports", "support_codes"), ("doubts", "doubt_codes"), ("notes", "note_codes")] {
        let count = |key: &str| report[key].as_array().unwrap().len();
        assert_eq!(count(words), count(codes), "{words}");
    }
    assert_eq!(report["thresholds"]["culprit_share"], 0.2);
    for victim in report["victims"].as_array().unwrap() {
        let sum: u64 = ["late", "rejected", "failed", "cut_off"].map(|key| victim[key].as_u64().unwrap()).iter().sum();
        assert_eq!(victim["harmed"], sum, "{victim}");
        assert!(!victim["words"].as_str().unwrap().is_empty());
    }
    let end = report["moment"]["finding"].as_u64().unwrap();
    let end = &report["findings"][usize::try_from(end).unwrap()];
    assert_eq!(end["kind"], "apiserver-restart");
    assert_eq!(end["severity_reason"], report["moment"]["reason"]);

    let session = session(&log, Settings::default());
    let report = json(&block_on(capacity(&session, &CapacityOptions::default())).unwrap().json());
    assert_eq!(report["not_compared_code"], "nothing-before");
    assert_eq!(report["busiest"][0]["load_code"]["code"], "requests");
    let scopes: Vec<&Value> = report["objectives"].as_array().unwrap().iter().map(|one| &one["scope_code"]).collect();
    assert_eq!(scopes, ["object", "namespace", "cluster"]);
    assert_eq!(report["trends"][2]["subject_code"]["code"], "memory-held");
    assert_eq!(report["notes"].as_array().unwrap().len(), report["note_codes"].as_array().unwrap().len());
}

#[test]
fn many_that_storm_alike_are_culprits_together() {
    let folder = tempfile::tempdir().unwrap();
    let report = incident_json(&[hostile_log(&folder)], &no_candidates(), sized(&["pods=3000x5KB"]));
    assert_eq!(suspects(&report, "culprit").len(), 6);
    assert!(verdict(&report).contains(" and 1 more"), "{}", verdict(&report));
}

/// The folder of a scenario of the second lab, and its report with measured memory and one file of metrics.
fn storm_of(name: &str, options: &IncidentOptions) -> Option<Value> {
    let folder = folder("STORMGLASS_LAB2")?.join(name);
    let memory = std::fs::read_to_string(folder.join("rss.csv")).unwrap();
    let memory = MeasuredMemory { source: "rss.csv".to_owned(), series: parse_resident(&memory).unwrap() };
    let options = IncidentOptions { memory: Some(memory), ..options.clone() };
    let metrics = vec![metrics(&folder.join("metrics-storm.txt.gz"), None)];
    let log = folder.join("audit.log.gz").display().to_string();
    Some(incident_json(&[log], &options, Settings { metrics, ..Settings::default() }))
}

#[test]
fn four_fleets_of_one_storm_are_four_culprits_and_who_shares_their_level_is_a_victim() {
    for name in ["v136-before-1", "legacy-before-1"] {
        let Some(report) = storm_of(name, &no_candidates()) else { return };
        let mut culprits = suspects(&report, "culprit");
        culprits.sort_unstable();
        assert_eq!(culprits, ["fleet-backup", "fleet-inventory", "fleet-placement", "fleet-reconciler"], "{name}");
        let victims: Vec<&str> =
            report["victims"].as_array().unwrap().iter().map(|one| one["client"].as_str().unwrap()).collect();
        assert!(victims.contains(&"kubelet") && victims.contains(&"cart-controller"), "{name}: {victims:?}");
        assert!(victims.iter().all(|client| !client.starts_with("fleet-")), "{name}: {victims:?}");
    }
}

#[test]
fn what_was_rejected_after_the_end_is_no_harm_before_it() {
    let report = incident_json(&sample("python-oom"), &no_candidates(), sized(&["pods=3000x5KB"]));
    let died = report["moment"]["at"].as_str().unwrap();
    let sql = format!(
        "select count(*) as n from requests where code = 429 and reason is null and received_at <= '{died}' \
         and user_agent like 'cilium-agent%'"
    );
    let (rows, _) = crate::support::ask::<Value>(&sample("python-oom"), &sql);
    let victims = report["victims"].as_array().unwrap().iter();
    let rejected = victims.filter(|victim| victim["client"] == "cilium-agent").map(|victim| victim["rejected"].clone());
    let rejected: u64 = rejected.map(|count| count.as_u64().unwrap()).sum();
    assert!(rejected <= rows[0]["n"].as_u64().unwrap(), "{rejected} {rows:?}");
}

/// A period that begins or ends in the middle of a bucket is widened, so that nothing of it is lost.
#[test]
fn a_period_has_all_that_was_received_in_it() {
    let log = sample("operator-loop");
    for (span, compares, from, to) in [
        ((Some("2026-11-24T09:06:30Z"), Some("2026-11-24T09:06:50Z")), true, "09:06:00", "09:07:00"),
        ((Some("2026-11-24T09:06:30Z"), Some("2026-11-24T09:30:00Z")), true, "09:06:00", "09:31:00"),
        ((Some("2026-11-24T01:06:30Z"), Some("2026-11-24T09:06:50Z")), true, "01:00:00", "10:00:00"),
        ((None, Some("2026-11-24T09:06:50Z")), false, "09:05:00", "09:07:00"),
    ] {
        let session = session_within(&log, span, Settings::default());
        let options = CapacityOptions { compares, ..CapacityOptions::default() };
        let report = json(&block_on(capacity(&session, &options)).unwrap().json());
        let bounds = [from, to].map(|time| format!("2026-11-24T{time}.000Z"));
        assert_eq!([&report["window"]["from"], &report["window"]["to"]], [&bounds[0], &bounds[1]], "{span:?}");
        // Of what was received after `--to` only what the widened period has is read.
        let last = if span.0.is_none() { "2026-11-24T09:06:50Z" } else { bounds[1].as_str() };
        let sql = format!(
            "select count(*) as n from requests where received_at >= '{}' and received_at < '{last}'",
            bounds[0]
        );
        let (rows, _) = crate::support::ask::<Value>(&log, &sql);
        assert_eq!(report["this"]["requests"], rows[0]["n"], "{span:?}");
        assert!(report["this"]["requests"].as_u64().unwrap() > 0, "{span:?}");
    }
}

#[test]
fn a_quiet_log_has_no_culprit() {
    let Some(lab) = folder("STORMGLASS_LAB") else { return };
    let log = lab.join("s3-quiet/audit-steady-only.log.gz").display().to_string();
    let report = incident_json(&[log], &no_candidates(), Settings::default());
    assert_eq!(report["moment"]["kind"], "peak");
    assert_eq!(suspects(&report, "culprit"), [""; 0]);
    assert!(verdict(&report).contains("No client stormed then"), "{}", verdict(&report));
}

#[test]
fn measured_memory_is_laid_to_whoever_had_lists_in_flight() {
    let options = IncidentOptions { memory: measured("sample-logs/python-oom/resident-memory.csv"), ..no_candidates() };
    let report = incident_json(&sample("python-oom"), &options, sized(&["pods=3000x5KB"]));
    let growth = &report["memory"]["growth"];
    assert_eq!(growth["by_client_type"][0][0], "sdk");
    assert!(growth["by_client_type"][0][1].as_f64().unwrap() > 0.5, "{growth}");
    assert!(growth["peak_bytes"].as_u64().unwrap() > 1_200_000_000, "{growth}");
}

#[test]
fn markdown_and_json_have_all_that_the_page_has() {
    let (zone, [log]) = (Zone::named("Europe/Berlin").unwrap(), sample("operator-loop"));
    let options = SessionOptions {
        inputs: vec![log],
        zone: zone.clone(),
        settings: sized(&["pods=3000x5KB"]).into(),
        ..SessionOptions::default()
    };
    let session = Session::new(options).unwrap();
    let report = block_on(incident(&session, &IncidentOptions::default())).unwrap();
    let (page, report) = (report.page(&zone), json(&report.json()));
    let markdown = markdown(&page, &zone);
    for heading in [
        "# Incident report: Apiserver operator-loop died at 2026-11-24 10:07:10 CET",
        "## What happened",
        "## Suspects, and how sure that is",
        "## What to do",
        "## In flight at the end",
        "## The second wave",
        "## Victims",
        "## Apiservers side by side",
        "## Findings with their evidence",
        "## What the log can't show",
        "## What to log next time",
    ] {
        assert!(markdown.contains(&format!("{heading}\n")), "no {heading:?} in {markdown}");
    }
    assert!(markdown.contains("kind: FlowSchema") && markdown.contains("kind: Policy"));
    assert!(markdown.contains("(query list\\_pressure)"));
    assert_eq!(report["schema_version"], 2);
    assert!(report["candidates"]["proposals"][0]["manifests"][0]["text"].as_str().unwrap().contains("kind:"));
    assert!(report["pressure"].as_array().unwrap().len() > 10);
    let page = html(&page, &zone);
    assert!(page.starts_with("<!DOCTYPE html>") && page.len() < 5_000_000);
}

/// Events of one client, some of whose text is made to do harm.
fn hostile_log(folder: &tempfile::TempDir) -> String {
    let name = "n".repeat(1_000);
    let hostile = [
        "<script>alert(1)</script>",
        "\\u202egnp.exe\\u202c \\u200f",
        "\\u0000\\u001b[31mred\\u0007",
        "</style><img src=x onerror=alert(1)>",
        "\\ud83d\\ude00 | `code` [link](javascript:alert(1))",
        &name,
    ];
    let mut log = String::new();
    for second in 0..40 {
        for (place, text) in hostile.iter().enumerate() {
            let (from, to) = (second, second + 1);
            log += &format!(
                r#"{{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","auditID":"{place}-{second} {text}","stage":"ResponseComplete","requestURI":"/api/v1/pods","verb":"list","user":{{"username":"{text}","groups":["system:authenticated"]}},"sourceIPs":["10.0.0.{place}"],"userAgent":"{text}","objectRef":{{"resource":"pods","apiVersion":"v1"}},"responseStatus":{{"metadata":{{}},"code":200}},"requestReceivedTimestamp":"2026-07-23T10:00:{from:02}.000000Z","stageTimestamp":"2026-07-23T10:00:{to:02}.500000Z"}}"#
            );
            log.push('\n');
        }
    }
    temporary(folder, "<img src=x>.log", log)
}

/// The reports over logs.
const REPORTS: [&str; 7] = ["incident", "capacity", "storms", "doctor", "explain", "simulate", "propose"];

/// A report over a log whose objects are of a known size.
fn report_of(report: &str, log: &str) -> Page {
    page_in(&Zone::default(), log, report, sized(&["pods=3000x5KB"]))
}

/// What fools a terminal, or turns the direction of what is around it.
const OBEYED: [char; 7] = ['\0', '\u{1b}', '\u{7}', '\u{9b}', '\u{202e}', '\u{202c}', '\u{200f}'];

#[test]
fn hostile_text_is_only_text_in_markdown_too() {
    let folder = tempfile::tempdir().unwrap();
    let log = hostile_log(&folder);
    for report in REPORTS {
        let text = markdown(&report_of(report, &log), &Zone::default());
        // What stands between fences is shown as it is.
        let outside: String = text.split("```").step_by(2).collect::<String>().replace("\\]", "");
        assert!(
            !outside.contains("<script") && !outside.contains("<img") && !outside.contains("](javascript"),
            "{outside}"
        );
        assert!(!text.contains(OBEYED), "{report:?}: {text:?}");
    }
}

/// Text of the terminal without the styles that are the program's own.
fn without_styles(text: &str) -> String {
    assert!(!text.contains("\u{1b}[31mred"), "{text:?}");
    anstream::adapter::strip_str(text).to_string()
}

#[test]
fn hostile_text_is_only_text_on_the_terminal_too() {
    let folder = tempfile::tempdir().unwrap();
    let log = hostile_log(&folder);
    for report in REPORTS {
        let text = terminal(&report_of(report, &log), None).text;
        let text = without_styles(&text);
        assert!(!text.contains(OBEYED), "{report:?}: {text:?}");
    }
    let question = Question::Sql { name: "test".to_owned(), text: "select user_name from requests".to_owned() };
    let session = session(&[log], Settings::default());
    let answer = block_on(async {
        let answer = query(&session, &question, &Params::new()).await.unwrap();
        answer.text(&Zone::default()).await.unwrap()
    });
    let query = without_styles(&terminal(&Page::of_table("Answer", answer), None).text);
    assert!(!query.contains(OBEYED), "{query:?}");
}
