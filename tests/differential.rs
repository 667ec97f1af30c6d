//! The fast path never disagrees with the general one: over every log at hand, and over lines made and damaged at random.

use std::io::Read;
use std::path::Path;

use proptest::prelude::*;
use stormglass::audit::{Event, Item, decode, decode_generally};
use stormglass::source::{LogFile, Reader, discover};

use crate::support::{event, folder, project};

/// What a reader made of a line: events in full, and the rest by its reason.
fn fast(line: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    decode(line, |item| found.push(describe(&item)));
    found
}

fn general(line: &str) -> Vec<String> {
    let mut found = Vec::new();
    decode_generally(line, &mut |item| found.push(describe(&item)));
    found
}

fn describe(item: &Item<'_, '_>) -> String {
    match item {
        Item::Event { event, host, .. } => format!("{:?} {host:?}", values(event)),
        Item::Unreadable { at, reason, .. } => format!("{at} {reason:?}"),
    }
}

/// An event with its strings decoded, so that two ways to write the same are the same.
fn values(event: &Event<'_>) -> Vec<String> {
    let texts = [
        event.audit_id,
        event.request_uri,
        event.verb,
        event.user_agent,
        event.reason,
        event.user.name,
        event.user.uid,
        event.user.pod_name,
        event.user.node_name,
        event.annotations.authorization_decision,
    ];
    let mut values: Vec<_> =
        texts.iter().map(|text| format!("{:?}", text.map(|text| text.decode().into_owned()))).collect();
    let lists = [event.user.groups, event.source_ips, event.impersonated_user.as_ref().and_then(|user| user.groups)];
    values.extend(lists.iter().map(|list| {
        let list = list.map(|list| list.iter().map(|text| text.decode().into_owned()).collect::<Vec<_>>());
        format!("{list:?}")
    }));
    let object = event.object_ref.map(|object| {
        let parts =
            [object.resource, object.namespace, object.name, object.api_group, object.api_version, object.subresource];
        parts.map(|text| text.map(|text| text.decode().into_owned()))
    });
    let impersonated = event.impersonated_user.as_ref().map(|user| user.name.map(|name| name.decode().into_owned()));
    let latencies = stormglass::audit::Latency::ALL
        .map(|part| event.annotations.latency(part).map(|text| text.decode().into_owned()));
    values.push(format!(
        "{:?}",
        (
            (event.level, event.stage, event.code, event.request_bytes, event.response_bytes),
            (event.request_received_at, event.stage_at, object, impersonated, latencies),
            (event.annotations.is_truncated, event.annotations.is_startup, event.remarks),
        )
    ));
    values
}

fn compare_all(files: &[std::sync::Arc<LogFile>]) -> u64 {
    let mut reader = Reader::new(files.to_vec());
    let mut lines = 0;
    while let Some(chunk) = reader.next_chunk(Vec::new()) {
        for line in chunk.lines() {
            if let Ok(text) = std::str::from_utf8(line.bytes) {
                lines += 1;
                assert_eq!(fast(line.bytes), general(text), "{}:{}", chunk.file.name, line.number);
            }
        }
    }
    lines
}

fn compare_folder(folder: &Path) -> u64 {
    let mut lines = 0;
    for entry in walkdir::WalkDir::new(folder).sort_by_file_name() {
        let entry = entry.unwrap();
        let name = entry.file_name().to_string_lossy();
        let is_log = name.contains("audit") || name.contains(".json") || name.contains(".log");
        if entry.file_type().is_file() && is_log && name != "INDEX.md" {
            lines += compare_all(&discover(&[entry.path().display().to_string()]).unwrap().files);
        }
    }
    lines
}

#[test]
fn over_the_samples() {
    assert!(compare_folder(&project("sample-logs")) > 0);
}

#[test]
fn over_the_lab() {
    let Some(lab) = folder("STORMGLASS_LAB") else { return };
    assert!(compare_folder(&lab) > 200_000);
}

#[test]
fn over_the_corpus() {
    let Some(corpus) = folder("STORMGLASS_CORPUS") else { return };
    assert!(compare_folder(&corpus) > 500);
}

fn sample_lines() -> Vec<String> {
    let mut reader = Reader::new(discover(&[project("sample-logs").display().to_string()]).unwrap().files);
    let chunk = reader.next_chunk(Vec::new()).unwrap();
    let lines = chunk.lines().step_by(97).take(40).map(|line| String::from_utf8(line.bytes.to_vec()).unwrap());
    lines.chain([event("a", "ResponseComplete", "list", "01.000000", "02.000000").trim_end().to_owned()]).collect()
}

proptest! {
    #[test]
    fn over_damaged_lines(
        which in any::<prop::sample::Index>(),
        at in any::<prop::sample::Index>(),
        cut in 0_usize..40,
        put in prop::collection::vec(prop::sample::select(br#"{}[]",:\ u0dD8t1.-eEnullkind"#.to_vec()), 0..6),
    ) {
        let lines = sample_lines();
        let mut line = which.get(&lines).clone().into_bytes();
        let from = at.index(line.len());
        let to = (from + cut).min(line.len());
        line.splice(from..to, put);
        if let Ok(text) = std::str::from_utf8(&line) {
            prop_assert_eq!(fast(&line), general(text));
        }
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        fast(&bytes);
    }

    #[test]
    fn no_text_after_an_event_makes_it_panic(text in ".{0,60}") {
        let line = event("a", "ResponseComplete", "list", "01.000000", "02.000000");
        let found = fast((line.trim_end().to_owned() + &text).as_bytes());
        prop_assert!(!found.is_empty());
    }
}

#[test]
fn depth_is_no_trouble() {
    let line = event("a", "ResponseComplete", "list", "01.000000", "02.000000");
    let deep = "[".repeat(20_000) + &"]".repeat(20_000);
    let line = line.replace("\"requestReceived", &format!("\"requestObject\":{deep},\"requestReceived"));
    let line = line.trim_end();
    assert_eq!(fast(line.as_bytes()), general(line));
    let mut bytes = None;
    decode(line.as_bytes(), |item| {
        if let Item::Event { event, .. } = item {
            bytes = event.request_bytes;
        }
    });
    assert_eq!(bytes, Some(40_000));
    let unbalanced = line.replacen("[]", "[}", 1);
    assert_ne!(fast(unbalanced.as_bytes()), fast(line.as_bytes()));
    let mut read = String::new();
    unbalanced.as_bytes().read_to_string(&mut read).unwrap();
    assert_eq!(fast(unbalanced.as_bytes()), general(&read));
}
