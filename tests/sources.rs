//! Reading logs as they come: damaged, compressed, rotated, glued together, named twice.

use std::io::Write;

use proptest::prelude::*;
use serde::Deserialize;
use stormglass::audit::{Item, Looks, Reason, Remark, decode};
use stormglass::requests::{Tally, Window, tallied};
use stormglass::source::{SourceError, discover};

use crate::support::{ask, event, folder, temporary};

#[derive(Debug, Deserialize, PartialEq)]
struct Row {
    audit_id: String,
    outcome: String,
    apiserver: Option<String>,
}

fn rows(inputs: &[String]) -> (Vec<Row>, Tally) {
    ask(inputs, "select audit_id, outcome, apiserver from requests")
}

fn ids(inputs: &[String]) -> (Vec<String>, Tally) {
    let (rows, tally) = rows(inputs);
    (rows.into_iter().map(|row| row.audit_id).collect(), tally)
}

fn complete(audit_id: &str) -> String {
    event(audit_id, "ResponseComplete", "list", "01.000000", "02.500000")
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

fn one(name: &str, content: impl AsRef<[u8]>) -> (Vec<String>, Tally) {
    let folder = tempfile::tempdir().unwrap();
    ids(&[temporary(&folder, name, content)])
}

#[test]
fn compression_is_told_by_content_and_members_are_read_one_after_another() {
    let two_members = [gzip(complete("a").as_bytes()), gzip(complete("b").as_bytes())].concat();
    let padded = [two_members.as_slice(), &[0; 700]].concat();
    assert_eq!(one("audit.log", two_members).0, ["a", "b"]);
    let (ids, tally) = one("audit.log", padded);
    assert_eq!((ids.len(), tally.unreadable_count()), (2, 0));
    let zstd = zstd::encode_all((complete("a") + &complete("b")).as_bytes(), 3).unwrap();
    assert_eq!(one("audit.log.gz", zstd).0, ["a", "b"]);
}

#[test]
fn a_truncated_gzip_gives_all_before_the_cut() {
    let lines: String = (0..500).map(|at| complete(&at.to_string())).collect();
    let whole = gzip(lines.as_bytes());
    let (ids, tally) = one("audit.log.gz", &whole[..whole.len() / 2]);
    assert!(ids.len() > 100, "{}", ids.len());
    assert_eq!(tally.unreadable[&Reason::BadCompression].count, 1);
}

#[test]
fn line_ends_of_any_kind_are_taken() {
    let text = format!("\u{feff}{}\r\n\r\n{}", complete("a").trim_end(), complete("b").trim_end());
    let (ids, tally) = one("audit.log", text);
    assert_eq!((ids, tally.unreadable_count()), (vec!["a".to_owned(), "b".to_owned()], 0));
}

#[test]
fn a_line_of_megabytes_is_a_line() {
    let body = format!("\"requestObject\":{{\"a\":\"{}\"}},\"requestReceived", "x".repeat(5 << 20));
    let (ids, _) = one("audit.log", complete("a").replace("\"requestReceived", &body) + &complete("b"));
    assert_eq!(ids, ["a", "b"]);
}

#[test]
fn one_bad_line_costs_no_other() {
    let mut bytes = complete("a").into_bytes();
    bytes.extend(complete("x").replace("kubelet", "k\u{1}").into_bytes());
    bytes.extend(b"\xff\xfe not text\n{\"kind\":0}\n");
    bytes.extend(complete("b").into_bytes());
    bytes.extend(&complete("torn").into_bytes()[..300]);
    let (ids, tally) = one("audit.log", bytes);
    assert_eq!(ids, ["a", "b"]);
    for reason in [Reason::BadJson, Reason::NotUtf8, Reason::NotAnEvent(Looks::OtherJson), Reason::Torn] {
        assert_eq!(
            tally.unreadable.get(&reason).map(|noted| noted.count),
            Some(1),
            "{reason:?}: {:?}",
            tally.unreadable
        );
    }
    let place = &tally.unreadable[&Reason::NotUtf8].first;
    assert_eq!((place.line, place.offset), (3, 2 * complete("a").len() as u64 - "kubelet".len() as u64 + 2));
}

#[test]
fn an_event_glued_to_a_torn_one_is_found_again() {
    let text = complete("torn")[..200].to_owned() + &complete("a") + "end of a torn one\"}" + &complete("b");
    let (ids, tally) = one("audit.log", text);
    assert_eq!(ids, ["a", "b"]);
    assert_eq!(tally.unreadable[&Reason::Torn].count, 2);
}

#[test]
fn lists_of_events_are_opened() {
    let item =
        |id: &str| complete(id).trim_end().replacen("\"kind\":\"Event\",\"apiVersion\":\"audit.k8s.io/v1\",", "", 1);
    let list = format!(
        "{{\"kind\":\"EventList\",\"apiVersion\":\"audit.k8s.io/v1\",\"metadata\":{{}},\"items\":[{},{}]}}",
        item("a"),
        item("b")
    );
    assert_eq!(one("audit.log", format!("{list}\n{}", complete("c"))).0, ["a", "b", "c"]);
    let value: serde_json::Value = serde_json::from_str(&list).unwrap();
    assert_eq!(one("audit.json", serde_json::to_string_pretty(&value).unwrap()).0, ["a", "b"]);
    let array = format!("[{},\n{}]", complete("a").trim_end(), complete("b").trim_end());
    assert_eq!(one("audit.json", array).0, ["a", "b"]);
}

#[test]
fn a_host_before_each_line_is_its_apiserver() {
    let folder = tempfile::tempdir().unwrap();
    let text = format!("master-0.example.com {}master-1 {}", complete("a"), complete("b"));
    let (rows, _) = rows(&[temporary(&folder, "kube-apiserver/audit.log", text)]);
    let servers: Vec<_> = rows.iter().map(|row| row.apiserver.as_deref().unwrap()).collect();
    assert_eq!(servers, ["master-0.example.com", "master-1"]);
}

#[test]
fn a_log_named_twice_is_read_once() {
    let folder = tempfile::tempdir().unwrap();
    let lines: String = (0..500).map(|at| complete(&at.to_string())).collect();
    let plain = temporary(&folder, "audit.log", &lines);
    let copy = temporary(&folder, "audit.log.gz", gzip(lines.as_bytes()));
    let elsewhere = temporary(&folder, "copies/audit.log", &lines);
    let (ids, tally) = ids(&[plain.clone(), plain, copy, elsewhere]);
    assert_eq!((ids.len(), tally.duplicates, tally.files.len()), (500, 0, 1));
}

#[test]
fn a_rotated_set_is_read_in_the_order_of_time() {
    let folder = tempfile::tempdir().unwrap();
    temporary(&folder, "n1/audit.log", complete("c"));
    temporary(&folder, "n1/audit-2026-07-23T09-59-00.000.log.gz", gzip(complete("b").as_bytes()));
    temporary(&folder, "n1/audit-2026-07-23T09-58-00.000.log", complete("a"));
    temporary(&folder, "n1/notes.txt", "no log");
    let (rows, _) = rows(&[folder.path().display().to_string()]);
    let ids: Vec<_> = rows.iter().map(|row| row.audit_id.as_str()).collect();
    assert_eq!(ids, ["a", "b", "c"]);
    assert_eq!(rows[0].apiserver.as_deref(), Some("n1"));
}

#[test]
fn what_is_not_there_is_an_error_before_any_work() {
    let missing = ["/no/such/audit.log".to_owned()];
    assert!(matches!(discover(&missing), Err(SourceError::Missing(_))));
    let no_match = ["/no/such/*.log".to_owned()];
    assert!(matches!(discover(&no_match), Err(SourceError::NoMatch(_))));
}

#[test]
fn stages_are_joined_across_files_and_in_any_order() {
    let folder = tempfile::tempdir().unwrap();
    let first = event("w", "ResponseStarted", "watch", "01.000000", "01.100000")
        + &event("open", "RequestReceived", "list", "01.000000", "01.000000")
        + &event("late", "ResponseComplete", "watch", "01.000000", "02.000000");
    let second = event("late", "ResponseStarted", "watch", "01.000000", "01.900000")
        + &event("w", "ResponseComplete", "watch", "01.000000", "09.000000")
        + &event("w", "ResponseComplete", "watch", "01.000000", "09.000000");
    temporary(&folder, "audit.log.1", first);
    temporary(&folder, "audit.log", second);
    #[derive(Debug, Deserialize, PartialEq)]
    struct Joined {
        audit_id: String,
        outcome: String,
        started_at: Option<String>,
    }
    let sql = "select audit_id, outcome, started_at from requests order by audit_id";
    let (rows, tally) = ask::<Joined>(&[folder.path().display().to_string()], sql);
    let row = |id: &str, outcome: &str, started: Option<&str>| Joined {
        audit_id: id.into(),
        outcome: outcome.into(),
        started_at: started.map(Into::into),
    };
    assert_eq!(
        rows,
        [
            row("late", "complete", Some("2026-07-23T10:00:01.900Z")),
            row("open", "open", None),
            row("w", "complete", Some("2026-07-23T10:00:01.100Z")),
        ]
    );
    assert_eq!((tally.duplicates, tally.late_stages), (1, 1));
}

#[test]
fn a_refused_authentication_is_complete_with_one_stage() {
    let refused =
        event("r", "ResponseStarted", "list", "01.000000", "01.000100").replace("\"code\":200", "\"code\":401");
    let folder = tempfile::tempdir().unwrap();
    let (rows, _) = rows(&[temporary(&folder, "audit.log", refused)]);
    assert_eq!(rows[0].outcome, "complete");
}

#[test]
fn what_is_odd_in_a_line_costs_only_that() {
    for (odd, remark) in [
        (complete("a").replace("\"code\":200", "\"code\":99999999999"), Remark::BadCode),
        (complete("a").replace("kubelet/", "\\ud800kubelet/"), Remark::LoneSurrogate),
        (complete("a").replace("2026-07-23T10:00:02.500000Z", "yesterday"), Remark::BadTimestamp),
        (complete("a").replace("\"user\":{", "\"user\":\"root\",\"other\":{"), Remark::WrongType),
        (complete("a").replace("\"verb\":\"list\"", "\"verb\":\"get\",\"verb\":\"list\""), Remark::DuplicateKey),
        (complete("a").replace("\"level\":\"Metadata\"", "\"level\":\"Everything\""), Remark::UnknownLevel),
    ] {
        let (ids, tally) = one("audit.log", &odd);
        assert_eq!(ids, ["a"], "{odd}");
        assert_eq!(tally.remarks.keys().collect::<Vec<_>>(), [&remark], "{odd}");
    }
    let (ids, tally) = one("audit.log", complete("a").replace("\"verb\":", "\"Verb\":"));
    assert_eq!((ids.len(), tally.remarks.len()), (1, 0));
}

#[test]
fn an_event_after_something_else_is_found_whatever_it_is() {
    for between in ["\u{e9}", "{}\u{feff}", "[1,\u{1f600}", "x\"}", "null"] {
        let (ids, _) = one("audit.log", format!("{}{between}{}", complete("a").trim_end(), complete("b")));
        assert_eq!(ids, ["a", "b"], "{between:?}");
    }
}

#[test]
fn lists_in_lists_are_no_events_and_no_trouble() {
    let deep = "[".repeat(50_000) + &"]".repeat(50_000);
    let (ids, tally) = one("audit.log", complete("a") + &deep + "\n");
    assert_eq!((ids.len(), tally.unreadable_count()), (1, 1));
}

#[test]
fn a_line_of_torn_events_ends() {
    let torn = "{\"kind\":\"Event\",\"apiVersion\":\"audit.k8s.io/v1\",\"x\":[".repeat(20_000);
    let (ids, tally) = one("audit.log", complete("a") + &torn);
    assert_eq!(ids, ["a"]);
    assert!(tally.unreadable_count() > 0);
}

#[test]
fn a_log_that_begins_with_a_torn_line_is_still_lines() {
    let (ids, tally) = one("audit.log", format!("{{\"kind\":\"Event\",\n{}{}", complete("a"), complete("b")));
    assert_eq!((ids.len(), tally.unreadable_count()), (2, 1));
}

#[test]
fn a_file_that_is_gone_costs_no_other_of_its_directory() {
    let folder = tempfile::tempdir().unwrap();
    temporary(&folder, "audit.log", complete("a"));
    std::os::unix::fs::symlink("/no/such/file", folder.path().join("audit.log.1")).unwrap();
    let directory = folder.path().display().to_string();
    assert_eq!(ids(std::slice::from_ref(&directory)).0, ["a"]);
    assert_eq!(discover(&[directory]).unwrap().skipped.len(), 1);
}

/// What reading a file finds, without a query.
fn read(path: &str) -> Tally {
    tallied(discover(&[path.to_owned()]).unwrap().files, Window::default(), &std::sync::Arc::default())
}

/// The events on each line by itself.
fn events_by_line(log: &[u8]) -> u64 {
    let mut events = 0;
    for line in log.split(|byte| *byte == b'\n') {
        decode(line, |item| events += u64::from(matches!(item, Item::Event { .. })));
    }
    events
}

#[derive(Clone, Debug)]
enum Damage {
    Cut(usize),
    Replace(usize, u8),
    Insert(usize, u8),
    Start(&'static [u8]),
}

fn damage() -> impl Strategy<Value = Damage> {
    let byte = any::<u8>().prop_filter("no line end", |byte| *byte != b'\n');
    prop_oneof![
        (0..500_usize).prop_map(Damage::Cut),
        (0..500_usize, byte.clone()).prop_map(|(at, byte)| Damage::Replace(at, byte)),
        (0..500_usize, byte).prop_map(|(at, byte)| Damage::Insert(at, byte)),
        prop::sample::select(vec![
            &b"[]"[..],
            b"[",
            b"[{",
            b"{",
            b"{\"a\":[",
            b",",
            b"]",
            b"}",
            b"\"",
            b"\xff",
            b"\0",
            b"\x1f\x8b",
            b"\xef\xbb\xbf",
        ])
        .prop_map(Damage::Start),
    ]
}

fn damaged(mut line: Vec<u8>, damage: &Damage) -> Vec<u8> {
    match *damage {
        Damage::Cut(at) => line.truncate(at.min(line.len())),
        Damage::Replace(at, byte) => {
            let at = at.min(line.len() - 1);
            line[at] = byte;
        }
        Damage::Insert(at, byte) => line.insert(at.min(line.len()), byte),
        Damage::Start(start) => drop(line.splice(..0, start.iter().copied())),
    }
    line
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn a_damaged_line_costs_itself_alone(
        damages in prop::collection::vec(prop::option::weighted(0.4, damage()), 3..9),
        first in damage(),
        has_last_end in any::<bool>(),
    ) {
        let mut lines: Vec<Vec<u8>> = Vec::new();
        for (number, damage) in std::iter::once(&Some(first)).chain(&damages).enumerate() {
            let line = complete(&number.to_string()).trim_end().as_bytes().to_vec();
            lines.push(damage.as_ref().map_or(line.clone(), |damage| damaged(line, damage)));
        }
        let mut log = lines.join(&b'\n');
        if has_last_end {
            log.push(b'\n');
        }
        let whole = damages.iter().filter(|damage| damage.is_none()).count() as u64;
        let folder = tempfile::tempdir().unwrap();
        let tally = read(&temporary(&folder, "audit.log", &log));
        prop_assert!(tally.events() >= whole);
        prop_assert_eq!(tally.events(), events_by_line(&log), "{:?}", String::from_utf8_lossy(&log));
    }
}

#[test]
fn damaged_first_lines_as_people_met_them() {
    let Some(cases) = folder("STORMGLASS_CASES") else { return };
    for (name, events) in [("fz_LOST_1_16073", 7), ("fz_LOST_1_7242", 1), ("fz_LOST_1_9295", 5)] {
        let path = cases.join("50-damaged-first-line").join(name).with_extension("log");
        let tally = read(&path.display().to_string());
        let log = std::fs::read(&path).unwrap();
        assert_eq!(tally.events(), events_by_line(&log), "{name}");
        assert!(tally.events() >= events, "{name}: {}", tally.events());
        assert!(tally.unreadable_count() > 0);
    }
}

#[test]
fn the_servers_own_log_between_events_is_counted_by_one_reason() {
    let klog = "I0310 09:00:00.123456       1 controller.go:615] quota admission added evaluator for: widgets\n";
    let (ids, tally) = one("kube-apiserver.log", [klog, &complete("a"), klog, &complete("b"), klog].concat());
    assert_eq!(ids, ["a", "b"]);
    let counts: Vec<_> = tally.unreadable.iter().map(|(reason, noted)| (*reason, noted.count)).collect();
    assert_eq!(counts, [(Reason::NotAnEvent(Looks::Klog), 3)]);
}

#[test]
fn a_container_log_is_read_with_its_lines_in_parts() {
    let (a, b) = (complete("a"), complete("b"));
    let (b_start, b_end) = b.split_at(200);
    let log = format!(
        "\0damaged\n2026-03-10T09:00:00.1Z stdout F {a}2026-03-10T09:00:00.2Z stdout P {b_start}\n\
         2026-03-10T09:00:00.3Z stderr F I0310 09:00:00.123456 1 a.go:1] b\n2026-03-10T09:00:00.4Z stdout F {b_end}"
    );
    let (ids, tally) = one("0.log", &log);
    assert_eq!(ids, ["a", "b"]);
    assert_eq!(tally.unreadable.values().map(|noted| noted.count).collect::<Vec<_>>(), [1, 1]);
    assert_eq!(tally.unreadable[&Reason::NotAnEvent(Looks::Klog)].first.line, 4);
}

#[test]
fn what_kubectl_logs_puts_before_a_line_is_no_part_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let timestamps = format!("2026-03-10T09:00:00.123456789Z {}", complete("a"));
    let pods = format!("[pod/kube-apiserver-m0/kube-apiserver] {}", complete("b"));
    let (rows, tally) = rows(&[temporary(&folder, "tmp/a.log", timestamps), temporary(&folder, "tmp/b.log", pods)]);
    let found: Vec<_> = rows.iter().map(|row| (row.audit_id.as_str(), row.apiserver.as_deref())).collect();
    let (_, tmp) = found[0];
    assert_eq!(found, [("a", tmp), ("b", Some("kube-apiserver-m0"))]);
    assert_eq!(tally.unreadable_count(), 0);
}

#[test]
fn the_apiservers_standard_output_as_people_met_it() {
    let Some(cases) = folder("STORMGLASS_CASES") else { return };
    let path = |name: &str| cases.join("34-audit-on-stdout-of-the-apiserver").join(name).display().to_string();
    let tally = read(&path("kubectl-logs.txt"));
    let klog = &tally.unreadable[&Reason::NotAnEvent(Looks::Klog)];
    assert_eq!((tally.events(), klog.count, tally.unreadable_count()), (300, 100, 100));
    let tally = read(&path("pod-0.log.gz"));
    assert_eq!((tally.events(), tally.unreadable.len()), (301, 1), "{:?}", tally.unreadable);
}

/// Events a second apart, from one second of an hour to another.
fn seconds(name: &str, from: u32, to: u32) -> String {
    let at = |second: u32| format!("2026-07-23T10:{:02}:{:02}", second / 60, second % 60);
    let event = |second: u32| {
        complete(&format!("{name}{second}"))
            .replace("2026-07-23T10:00:01", &at(second))
            .replace("2026-07-23T10:00:02", &at(second))
    };
    (from..to).map(event).collect()
}

#[test]
fn files_are_read_in_the_order_of_their_events() {
    let folder = tempfile::tempdir().unwrap();
    temporary(&folder, "n1/audit-2026-07-23T09-59-00.000.log.1.gz", gzip(seconds("a", 0, 9).as_bytes()));
    temporary(&folder, "n1/audit-2026-07-23T09-58-00.000.log.1", seconds("b", 10, 19));
    temporary(&folder, "n1/audit.log.gz", seconds("c", 20, 29));
    let (ids, tally) = ids(&[folder.path().display().to_string()]);
    assert_eq!([&*ids[0], &*ids[9], &*ids[18]], ["a0", "b10", "c20"]);
    assert!(tally.servers.values().all(|server| server.order_inversions == 0));
}

#[test]
fn logs_of_one_time_that_share_no_events_are_of_several_apiservers() {
    let folder = tempfile::tempdir().unwrap();
    let m0 = temporary(&folder, "logs/m0.log", seconds("a", 0, 300));
    let m1 = temporary(&folder, "logs/m1.log.gz", gzip(seconds("b", 1, 300).as_bytes()));
    let copy = temporary(&folder, "logs/part-of-m0.log", seconds("a", 100, 200));
    let found = discover(&[m0.clone(), m1.clone(), copy]).unwrap();
    let servers: Vec<_> = found.files.iter().map(|file| file.apiserver.as_deref().unwrap()).collect();
    assert_eq!(servers, ["m0", "m0", "m1"]);
    assert_eq!(found.told_apart.len(), 3);
    let (_, tally) = ids(&[m0.clone(), m1.clone()]);
    assert_eq!(tally.servers.len(), 2);
    // One given name is for all of its files, and logs that follow each other are one server's.
    let given = discover(&[format!("a={m0}"), format!("a={m1}")]).unwrap();
    assert!(given.files.iter().all(|file| file.apiserver.as_deref() == Some("a")) && given.told_apart.is_empty());
    let after = temporary(&folder, "logs/after.log", seconds("b", 301, 400));
    assert!(discover(&[m0, after]).unwrap().told_apart.is_empty());
}

#[test]
fn servers_called_alike_keep_their_directories() {
    let folder = tempfile::tempdir().unwrap();
    for cluster in ["one", "two"] {
        for (server, from) in [("m0", 0), ("m1", 1)] {
            temporary(&folder, &format!("{cluster}/{server}.log"), seconds(&format!("{cluster}-{server}-"), from, 200));
        }
    }
    let found = discover(&[folder.path().display().to_string()]).unwrap();
    let servers: Vec<_> = found.files.iter().map(|file| file.apiserver.as_deref().unwrap()).collect();
    assert_eq!(servers, ["one/m0", "one/m1", "two/m0", "two/m1"]);
}
