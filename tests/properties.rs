//! What must not depend on how a log came about: when it was written, how it was cut into files, what its users are called,
//! and how much of it a policy leaves out.
//!
//! Logs of a real server are rewritten line by line, and judged again.

use std::collections::BTreeSet;
use std::io::Read;
use std::path::PathBuf;

use serde_json::Value;
use stormglass::analysis::incident::IncidentOptions;
use stormglass::analysis::storms::StormOptions;
use stormglass::analysis::{incident, storms};
use stormglass::audit::parse_instant;
use stormglass::dimensions::Settings;
use stormglass::report::StormJson;
use stormglass::source::open_beside;
use stormglass::units::instant;
use tempfile::TempDir;

use crate::support::{block_on, json, project, session, temporary};

/// The events of a sample log, as JSON.
fn events(sample: &str) -> Vec<Value> {
    let mut text = String::new();
    open_beside(&project(sample)).unwrap().read_to_string(&mut text).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

const KILLED: &str = "sample-logs/python-oom/audit-2026-11-24T09-11-22.552.log.gz";
const LOOP: &str = "sample-logs/operator-loop/audit-2026-11-24T09-08-00.244.log.gz";
const QUIET: &str = "sample-logs/quiet/audit.log.gz";

fn written(folder: &TempDir, name: &str, events: &[Value]) -> PathBuf {
    let lines: Vec<String> = events.iter().map(Value::to_string).collect();
    PathBuf::from(temporary(folder, name, lines.join("\n") + "\n"))
}

/// What `storms` and `incident` conclude, without words, and without where lines stand.
fn conclusions(logs: &[PathBuf]) -> [Value; 2] {
    let found = block_on(storms(&session(logs, Settings::default()), &StormOptions::default())).unwrap();
    let options = IncidentOptions { proposes_candidates: false, ..IncidentOptions::default() };
    let told = block_on(incident(&session(logs, Settings::default()), &options)).unwrap();
    [json(&StormJson::from(&found)), json(&told)].map(|report| bare(&report))
}

/// A report without prose, names of files and sums whose last digits depend on the order of addition.
fn bare(value: &Value) -> Value {
    const PLACES: [&str; 10] = [
        "evidence",
        "evidence_places",
        "bytes",
        "files",
        "file",
        "logs",
        "policy",
        "apiserver",
        "apiservers",
        "activity",
    ];
    match value {
        Value::Object(fields) => {
            let kept = fields.iter().filter(|(name, _)| !PLACES.contains(&name.as_str()));
            kept.map(|(name, value)| (name.clone(), bare(value))).collect::<serde_json::Map<_, _>>().into()
        }
        Value::Array(items) => items.iter().map(bare).collect(),
        Value::String(text) if text.contains(' ') => Value::Null,
        Value::Number(number) if number.is_f64() => format!("{:.6}", number.as_f64().unwrap()).into(),
        other => other.clone(),
    }
}

/// The same with every instant moved.
fn moved(value: &Value, micros: i64) -> Value {
    match value {
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| (name.clone(), moved(value, micros)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        Value::Array(items) => items.iter().map(|item| moved(item, micros)).collect(),
        Value::String(text) => match parse_instant(text) {
            Some(at) => instant(at + micros).into(),
            None => value.clone(),
        },
        other => other.clone(),
    }
}

fn assert_same(one: &Value, other: &Value, what: &str) {
    if one == other {
        return;
    }
    let (one, other) = (format!("{one:#}"), format!("{other:#}"));
    let first = one.lines().zip(other.lines()).position(|(one, other)| one != other).unwrap_or_default();
    let around = |text: &str| text.lines().skip(first.saturating_sub(6)).take(12).collect::<Vec<_>>().join("\n");
    panic!("{what}: first difference\n{}\n--- against ---\n{}", around(&one), around(&other));
}

#[test]
fn a_log_written_at_another_time_says_the_same() {
    let folder = TempDir::new().unwrap();
    for (index, sample) in [KILLED, LOOP].into_iter().enumerate() {
        let original = events(sample);
        let expected = conclusions(&[written(&folder, &format!("{index}/audit.log"), &original)]);
        // To whole milliseconds, as reports give instants; a day, and what meets no round second.
        for micros in [86_400_000_000, -5_432_123_000] {
            let later: Vec<Value> = original.iter().map(|event| with_times_moved(event, micros)).collect();
            let log = written(&folder, &format!("{index}{micros}/audit.log"), &later);
            let found = conclusions(&[log]);
            for (expected, found) in expected.iter().zip(&found) {
                assert_same(&moved(expected, micros), found, &format!("{sample} moved by {micros} µs"));
            }
        }
    }
}

fn with_times_moved(event: &Value, micros: i64) -> Value {
    let mut event = event.clone();
    for name in ["requestReceivedTimestamp", "stageTimestamp"] {
        let at = parse_instant(event[name].as_str().unwrap()).unwrap() + micros;
        event[name] = stamp(at).into();
    }
    event
}

/// An instant with its microseconds, as the server writes it.
fn stamp(micros: i64) -> String {
    let whole = instant(micros.div_euclid(1_000_000) * 1_000_000);
    format!("{}.{:06}Z", &whole[..19], micros.rem_euclid(1_000_000))
}

#[test]
fn files_may_come_in_any_order() {
    let folder = TempDir::new().unwrap();
    let original = events(KILLED);
    let expected = conclusions(&[written(&folder, "whole/audit.log", &original)]);
    let size = original.len() / 4 + 1;
    // Named so that neither the names nor the arguments are in the order of the events.
    let parts: Vec<PathBuf> = original
        .chunks(size)
        .zip(["c", "a", "d", "b"])
        .map(|(events, name)| written(&folder, &format!("parts/audit-{name}.log"), events))
        .collect();
    for order in [[0, 1, 2, 3], [3, 1, 0, 2]] {
        let found = conclusions(&order.map(|index| parts[index].clone()));
        for (expected, found) in expected.iter().zip(&found) {
            assert_same(expected, found, &format!("files in the order {order:?}"));
        }
    }
    let found = conclusions(&[folder.path().join("parts")]);
    for (expected, found) in expected.iter().zip(&found) {
        assert_same(expected, found, "a folder");
    }
}

#[test]
fn a_client_of_another_name_is_judged_alike() {
    let folder = TempDir::new().unwrap();
    // Names of the same length and order that no rule knows, so that equals stay sorted alike.
    for (index, (sample, from, to)) in
        [(KILLED, "inventory-sync", "inventory-peek"), (LOOP, "acme-operator", "acme-gardener")].into_iter().enumerate()
    {
        let original = events(sample);
        let expected = conclusions(&[written(&folder, &format!("{index}a/audit.log"), &original)]);
        let renamed: Vec<Value> =
            original.iter().map(|event| serde_json::from_str(&event.to_string().replace(from, to)).unwrap()).collect();
        let found = conclusions(&[written(&folder, &format!("{index}b/audit.log"), &renamed)]);
        for (expected, found) in expected.iter().zip(&found) {
            let expected: Value = serde_json::from_str(&expected.to_string().replace(from, to)).unwrap();
            assert_same(&expected, found, &format!("{from} called {to}"));
        }
    }
}

/// Whom a log accuses, and how many deaths it tells of.
fn accused(logs: &[PathBuf]) -> (BTreeSet<String>, usize) {
    let [storms, incident] = conclusions(logs);
    let mut clients = BTreeSet::new();
    for suspect in incident["suspects"].as_array().unwrap() {
        if suspect["role"] == "culprit" {
            clients.insert(format!("culprit {}", suspect["client"]));
        }
    }
    let findings = storms["findings"].as_array().unwrap();
    let is_loud = |finding: &&Value| finding["severity"] != "info" && finding["client"] != "many";
    for finding in findings.iter().filter(is_loud).filter(|finding| finding["kind"] != "apiserver-restart") {
        clients.insert(format!("loud {}", finding["client"]));
    }
    let is_death = |finding: &&Value| finding["kind"] == "apiserver-restart" && finding["severity"] == "critical";
    (clients, findings.iter().filter(is_death).count())
}

/// A policy that logs less shows less, but accuses nobody whom all of the log does not accuse.
#[test]
fn leaving_things_out_accuses_nobody() {
    let folder = TempDir::new().unwrap();
    type Dropped = fn(&Value) -> bool;
    let policies: [(&str, Dropped); 7] = [
        ("RequestReceived", |event| event["stage"] == "RequestReceived"),
        ("ResponseStarted", |event| event["stage"] == "ResponseStarted"),
        ("ResponseComplete", |event| event["stage"] == "ResponseComplete"),
        ("watch", |event| event["verb"] == "watch"),
        ("list", |event| event["verb"] == "list"),
        ("pods", |event| event["objectRef"]["resource"] == "pods"),
        ("system:apiserver", |event| event["user"]["username"] == "system:apiserver"),
    ];
    for (index, sample) in [KILLED, LOOP, QUIET].into_iter().enumerate() {
        let original = events(sample);
        let (all, deaths) = accused(&[written(&folder, &format!("{index}/audit.log"), &original)]);
        for (what, is_dropped) in policies {
            let left: Vec<Value> = original.iter().filter(|event| !is_dropped(event)).cloned().collect();
            let (some, fewer_deaths) = accused(&[written(&folder, &format!("{index}-{what}/audit.log"), &left)]);
            let new: Vec<&String> = some.difference(&all).collect();
            assert!(new.is_empty(), "{sample} without {what} accuses {new:?}");
            assert!(fewer_deaths <= deaths, "{sample} without {what} tells of {fewer_deaths} deaths, not {deaths}");
        }
    }
}
