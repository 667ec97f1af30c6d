//! A log is repeatable, valid, as long as requested, and similar to a real one.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

use super::*;

fn options(bytes: u64) -> SynthOptions {
    SynthOptions { bytes, ..SynthOptions::default() }
}

fn log(options: &SynthOptions) -> (String, SynthSummary) {
    let mut out = Vec::new();
    let summary = write_log(options, &mut out).unwrap();
    (String::from_utf8(out).unwrap(), summary)
}

fn events(options: &SynthOptions) -> Vec<Value> {
    log(options).0.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Microseconds since midnight; no log here spans two days.
fn micros(event: &Value, field: &str) -> i64 {
    let text = event[field].as_str().unwrap();
    let part = |range: std::ops::Range<usize>| text[range].parse::<i64>().unwrap();
    ((part(11..13) * 60 + part(14..16)) * 60 + part(17..19)) * 1_000_000 + part(20..26)
}

fn is(event: &Value, field: &str, value: &str) -> bool {
    event[field] == value
}

/// The keys of a JSON object in their order in the text.
struct Keys(Vec<String>);

impl<'de> Deserialize<'de> for Keys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Keys;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Keys, A::Error> {
                let mut keys = Vec::new();
                while let Some((key, IgnoredAny)) = map.next_entry()? {
                    keys.push(key);
                }
                Ok(Keys(keys))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}

/// Otherwise a measurement could not be repeated on another machine. An intended change makes old measurements void.
#[test]
fn the_same_options_give_the_same_bytes_everywhere() {
    let fnv = |text: &str| {
        text.bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
    };
    let (first, summary) = log(&options(1_000_000));
    assert_eq!(log(&options(1_000_000)), (first.clone(), summary));
    assert_eq!(format!("{:016x}", fnv(&first)), "0d798d455c09a3bb");
    assert_ne!(log(&SynthOptions { seed: 2, ..options(1_000_000) }).0, first);
}

#[test]
fn every_line_is_an_event_with_its_fields_in_gos_order() {
    const ORDER: [&str; 17] = [
        "kind",
        "apiVersion",
        "level",
        "auditID",
        "stage",
        "requestURI",
        "verb",
        "user",
        "impersonatedUser",
        "sourceIPs",
        "userAgent",
        "objectRef",
        "responseStatus",
        "requestObject",
        "responseObject",
        "requestReceivedTimestamp",
        "stageTimestamp",
    ];
    let (text, _) = log(&SynthOptions { bodies_percent: 10.0, ..options(3_000_000) });
    let mut seen = BTreeSet::new();
    for line in text.lines() {
        let Keys(keys) = serde_json::from_str(line).unwrap();
        let places: Vec<_> = keys.iter().map(|key| ORDER.iter().position(|known| known == key)).collect();
        let known = places.iter().take_while(|place| place.is_some()).count();
        assert!(places[..known].is_sorted(), "{line}");
        assert!(keys[known..].is_empty() || keys[known..] == ["annotations"], "{line}");
        seen.extend(keys);
    }
    assert_eq!(seen.len(), 18, "some field is never written: {seen:?}");
}

/// Go writes maps with their keys sorted.
#[test]
fn annotations_are_sorted_by_key() {
    let (text, _) = log(&options(3_000_000));
    for line in text.lines() {
        if let Some((_, annotations)) = line.rsplit_once(r#","annotations":"#) {
            let Keys(keys) = serde_json::from_str(annotations.strip_suffix('}').unwrap()).unwrap();
            assert!(keys.is_sorted(), "{line}");
        }
    }
}

/// Speed is measured with lines of about 1,160 bytes, one in a hundred with bodies.
#[test]
fn the_log_has_the_requested_size_and_its_lines_the_size_of_real_ones() {
    let (text, summary) = log(&options(8_000_000));
    let length = u64::try_from(text.len()).unwrap();
    assert_eq!(summary.bytes, length);
    assert_eq!(summary.lines, u64::try_from(text.lines().count()).unwrap());
    assert!(length.abs_diff(8_000_000) < 8_000_000 / 50, "{length} bytes");
    let metadata: Vec<_> = text.lines().filter(|line| line.contains(r#""level":"Metadata""#)).collect();
    let mean = metadata.iter().map(|line| line.len() + 1).sum::<usize>() / metadata.len();
    assert!((1_100..=1_220).contains(&mean), "Metadata lines of {mean} bytes");
    let bodies =
        text.lines().filter(|line| line.contains(r#","requestObject":"#) || line.contains(r#","responseObject":"#));
    let per_mille = bodies.count() * 1_000 / text.lines().count();
    assert!((8..=12).contains(&per_mille), "{per_mille} lines in 1,000 have bodies");
}

#[test]
fn the_share_of_bodies_follows_the_options() {
    let share = |bodies_percent| {
        let events = events(&SynthOptions { bodies_percent, ..options(2_000_000) });
        let bodies = events.iter().filter(|event| event.get("responseObject").is_some()).count();
        bodies * 100 / events.len()
    };
    assert_eq!(share(0.0), 0);
    assert!(share(100.0) > 5);
}

/// Real files are out of order by milliseconds; readers sort within a window.
#[test]
fn stages_are_in_the_order_of_time_within_milliseconds() {
    let events = events(&options(4_000_000));
    let times: Vec<i64> = events.iter().map(|event| micros(event, "stageTimestamp")).collect();
    let inverted = times.windows(2).filter(|pair| pair[1] < pair[0]).count();
    assert!((5..times.len() / 20).contains(&inverted), "{inverted} of {}", times.len());
    let mut latest = 0;
    for at in times {
        assert!(at > latest - 15_000, "{} µs late", latest - at);
        latest = latest.max(at);
    }
}

#[test]
fn each_kind_of_request_has_its_stages() {
    let events = events(&options(4_000_000));
    let mut stages: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for event in &events {
        stages.entry(event["auditID"].as_str().unwrap()).or_default().push(event["stage"].as_str().unwrap());
    }
    let calls: HashMap<&str, &Value> = events.iter().map(|event| (event["auditID"].as_str().unwrap(), event)).collect();
    for (id, stages) in &stages {
        let event = calls[id];
        match stages.as_slice() {
            // What was open when the log began or is when it ends.
            ["RequestReceived"] | ["ResponseComplete"] => {}
            ["RequestReceived", "ResponseComplete"] => assert_ne!(event["verb"], "watch", "{event}"),
            ["RequestReceived", "ResponseStarted"] | ["RequestReceived", "ResponseStarted", "ResponseComplete"] => {
                let is_stream = is(event, "verb", "watch") || !event["objectRef"]["subresource"].is_null();
                assert!(is_stream, "{event}");
            }
            ["ResponseStarted"] => assert_eq!(event["responseStatus"]["code"], 401),
            other => panic!("{other:?}: {event}"),
        }
    }
    let (_, summary) = log(&options(4_000_000));
    assert_eq!(summary.requests, u64::try_from(stages.len()).unwrap());
}

#[test]
fn a_policy_may_omit_request_received() {
    let events = events(&SynthOptions { stages: RecordedStages::OmitRequestReceived, ..options(2_000_000) });
    assert!(events.iter().all(|event| !is(event, "stage", "RequestReceived")));
    assert!(events.iter().any(|event| is(event, "stage", "ResponseStarted") && is(event, "verb", "watch")));
}

/// The server adds latencies above half a second, and never for watches.
#[test]
fn slow_requests_have_latency_annotations() {
    let events = events(&SynthOptions { storm: Some(SynthStorm::PythonListLoop), ..options(8_000_000) });
    let mut slow_count = 0;
    for event in events.iter().filter(|event| is(event, "stage", "ResponseComplete")) {
        let took = micros(event, "stageTimestamp") - micros(event, "requestReceivedTimestamp");
        let is_stream =
            is(event, "verb", "watch") || matches!(event["objectRef"]["subresource"].as_str(), Some("log" | "exec"));
        let is_slow = took > 500_000 && !is_stream;
        let total = &event["annotations"]["apiserver.latency.k8s.io/total"];
        assert_eq!(total.is_string(), is_slow, "{event}");
        slow_count += usize::from(is_slow);
    }
    assert!(slow_count > 20);
}

/// How many lists of all pods a program completes during the storm, and how many of them are rejected.
fn pod_lists(storm: SynthStorm, agent: &str) -> (usize, usize) {
    let events = events(&SynthOptions { storm: Some(storm), ..options(20_000_000) });
    let lists: Vec<_> = events
        .iter()
        .filter(|event| is(event, "requestURI", "/api/v1/pods") && is(event, "stage", "ResponseComplete"))
        .filter(|event| event["userAgent"].as_str().unwrap().starts_with(agent))
        .collect();
    let rejected = lists.iter().filter(|event| event["responseStatus"]["code"] == 429).count();
    (lists.len(), rejected)
}

#[test]
fn storms_of_lists_have_many_lists() {
    let (calico, rejected) = pod_lists(SynthStorm::CalicoRelist, "calico-node/");
    assert!(calico >= 75 && rejected > 0, "{calico} lists, {rejected} rejected");
    let (python, _) = pod_lists(SynthStorm::PythonListLoop, "OpenAPI-Generator/");
    assert!(python > 200, "{python} lists");
    let (operator, _) = pod_lists(SynthStorm::OperatorListLoop, "manager/");
    assert!(operator > 200, "{operator} lists");
}

#[test]
fn a_restart_leaves_a_gap_and_requests_without_an_end() {
    let options = SynthOptions { storm: Some(SynthStorm::ApiserverRestart), ..options(20_000_000) };
    let (_, summary) = log(&options);
    let (killed_at, _) = summary.storm.unwrap();
    let events = events(&options);
    let mut times: Vec<i64> = events.iter().map(|event| micros(event, "stageTimestamp")).collect();
    times.sort_unstable();
    let gap = times.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap();
    assert!((8_000_000..13_000_000).contains(&gap), "{gap} µs");
    let ended: BTreeSet<&str> = events
        .iter()
        .filter(|event| is(event, "stage", "ResponseComplete"))
        .map(|event| event["auditID"].as_str().unwrap())
        .collect();
    let day = killed_at.div_euclid(86_400_000_000) * 86_400_000_000;
    let open = events
        .iter()
        .filter(|event| is(event, "stage", "ResponseStarted") && micros(event, "stageTimestamp") + day < killed_at)
        .filter(|event| !ended.contains(event["auditID"].as_str().unwrap()))
        .count();
    assert!(open > 100, "{open} watches were left open");
}

/// The caller reports a full disk.
#[test]
fn a_writer_that_fails_ends_the_log() {
    struct Full;
    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let error = write_log(&options(1_000_000), &mut Full).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::StorageFull);
}
