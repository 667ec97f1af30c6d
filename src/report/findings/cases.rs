//! Findings in words, as people read them, and beside their codes in JSON.

use serde_json::{Value, json};

use super::*;
use crate::findings::{
    BlindSpot, Bytes, Cause, Coverage, Culprit, Death, Kind, ListVisibility, Remedy, RequestEnds, Severity,
    SeverityReason, SizeBasis, StormVerdict, TrafficClass, Unknown, Verdict, Visibility,
};

const SECOND: i64 = 1_000_000;
/// 2026-11-24T08:15:03Z.
const START: i64 = 1_795_508_103 * SECOND;

fn finding(kind: Kind, severity_reason: SeverityReason) -> Finding {
    Finding {
        kind,
        severity: Severity::Warning,
        severity_reason,
        cause: None,
        started_at: START,
        ended_at: START + 180 * SECOND,
        back_at: None,
        ready_at: None,
        culprit: Culprit::one("sdk", "inventory-sync"),
        client_confidence: Some("medium"),
        user_names: Vec::new(),
        user_name_count: 1,
        impersonated_user_names: Vec::new(),
        user_agents: Vec::new(),
        instances: 1,
        worst_instances: Vec::new(),
        apiserver: None,
        resource: Some("pods".into()),
        api_group: Some(String::new()),
        other_resources: Vec::new(),
        scope: Some("cluster".into()),
        list_kinds: vec!["full".into()],
        requests: 912,
        watch_lists: 0,
        rate_rps: 5.07,
        baseline_rps: None,
        peak_concurrency: Some(6),
        peak_at: None,
        list_secs: None,
        mean_concurrency: None,
        estimated_bytes: Some(Bytes { low: 1 << 20, high: Some(1 << 30) }),
        peak_share: None,
        clients: Vec::new(),
        evidence: Vec::new(),
        query: "loops",
        unknowns: vec![Unknown::SomeSizes { unknown: 3, all: 912 }],
        remedies: vec![
            Remedy::ClientAdvice { client: "inventory-sync".into(), advice: "set a limit".into() },
            Remedy::WatchInsteadOfListing,
        ],
    }
}

fn held() -> SeverityReason {
    SeverityReason::Held { bytes: Bytes { low: 1 << 20, high: Some(1 << 30) } }
}

#[test]
fn a_summary_says_who_did_what_how_often() {
    let tight = finding(Kind::ListLoop, held());
    assert_eq!(
        summary(&tight),
        "inventory-sync listed pods 912 times in 3 min 0 s; up to 6 LISTs were in flight at once and held an unknown amount \
         of memory (1.0 MiB to 1.0 GiB)"
    );
    let known = Finding { estimated_bytes: Some(Bytes { low: 1 << 29, high: Some(1 << 30) }), ..tight };
    assert!(summary(&known).ends_with("and held an estimated 512 MiB to 1.0 GiB"), "{}", summary(&known));
    let herd = Finding {
        instances: 100,
        ended_at: START + 8_640_000,
        peak_concurrency: None,
        estimated_bytes: None,
        other_resources: vec!["nodes".into()],
        ..finding(Kind::RelistHerd, held())
    };
    assert_eq!(summary(&herd), "100 instances of inventory-sync listed pods and nodes 912 times within 8.6 s");
    let pile = Finding { culprit: Culprit::Many, ..finding(Kind::ListPileup, held()) };
    assert!(summary(&pile).starts_with("LISTs of several clients piled up for 3 min 0 s; "), "{}", summary(&pile));
    let death = finding(Kind::ApiserverRestart, SeverityReason::CutOff { watches: 1, lists: 4 });
    let death = Finding { estimated_bytes: None, peak_concurrency: None, ended_at: START + 10_570_000, ..death };
    assert_eq!(summary(&death), "the apiserver died, and was back 11 s later");
    assert_eq!(severity_reason(&death.severity_reason), "1 watch and 4 LISTs without an end in the log");
}

#[test]
fn what_is_not_made_of_lists_has_its_sentence() {
    let finding = |kind, reason| Finding { estimated_bytes: None, peak_concurrency: None, ..finding(kind, reason) };
    let open = SeverityReason::OpenWatches { open: 900, needed: 3, without_end: 1 };
    assert_eq!(
        summary(&finding(Kind::WatchPileup, open.clone())),
        "inventory-sync opened 912 watches of pods in 3 min 0 s and held up to 900 open at once, where 3 would do"
    );
    assert_eq!(
        severity_reason(&open),
        "900 watches were open at once, where 3 would do; the log ends while one of them was open"
    );
    let deletions = SeverityReason::DeletionsInFlight { deletions: 6, longest_secs: 306.4, without_end: 2 };
    let delete = Finding { peak_concurrency: Some(6), ..finding(Kind::DeletePileup, deletions.clone()) };
    assert_eq!(
        summary(&delete),
        "inventory-sync sent 912 deletecollections of pods in 3 min 0 s, each of which reads the collection into memory; up \
         to 6 of them were in flight at once"
    );
    assert_eq!(
        severity_reason(&deletions),
        "up to 6 deletecollections in flight at once, the longest for 5 min 6 s; 2 have no end in the log"
    );
    let refused =
        SeverityReason::RefusedPerSec { requests_per_sec: 80.2, unauthenticated: 0, forbidden: 912, not_admitted: 0 };
    let users = Finding { user_name_count: 80, instances: 80, ..finding(Kind::RefusalLoop, refused.clone()) };
    assert_eq!(
        summary(&users),
        "80 users of inventory-sync sent 912 requests for pods in 3 min 0 s that were refused (11 per instance)"
    );
    assert_eq!(severity_reason(&refused), "80 refused requests per second: 912 with 403 (not authorized)");
    let failed =
        SeverityReason::FailedWritesPerSec { writes_per_sec: 5.07, conflicts: 912, invalid: 0, objects: Some(3) };
    assert_eq!(
        severity_reason(&failed),
        "5.1 failing writes per second of 3 objects: 912 with 409 (exists already, or changed meanwhile)"
    );
    let cut_off = Finding { cause: Some(Cause::WatchesExpired), ..finding(Kind::RelistHerd, held()) };
    assert_eq!(
        summary(&cut_off),
        "inventory-sync listed pods 912 times within 3 min 0 s because they had been cut off and their watches had expired (410)"
    );
}

/// Those who read words find them under their old names; those who read codes find numbers beside.
#[test]
fn the_json_has_words_and_codes() {
    let json = serde_json::to_value(FindingJson::from(&finding(Kind::ListLoop, held()))).unwrap();
    assert_eq!((&json["client_type"], &json["client"]), (&json!("sdk"), &json!("inventory-sync")));
    let reason =
        "LISTs held an unknown amount of memory (1.0 MiB to 1.0 GiB; give --metrics or --resource) at the peak";
    assert_eq!(json["severity_reason"], reason);
    assert_eq!(json["severity_reason_code"], json!({"code": "held", "bytes": {"low": 1 << 20, "high": 1 << 30}}));
    assert_eq!(json["unknown_codes"], json!([{"code": "some-sizes", "unknown": 3, "all": 912}]));
    assert_eq!(json["remedies"][0], "inventory-sync: set a limit");
    assert_eq!(json["remedy_codes"][1], json!({"code": "watch-instead-of-listing"}));
    assert!(json["summary"].is_string() && json["unknowns"][0].is_string());
    let part = SeverityReason::WorstPart { kind: Kind::RelistHerd, culprit: Culprit::Many, reason: Box::new(held()) };
    let json: Value = serde_json::to_value(finding(Kind::RestartHerd, part)).unwrap();
    assert_eq!(json["severity_reason_code"]["reason"]["code"], "held");
    assert_eq!(json["severity_reason_code"]["client"], "many");
}

#[test]
fn the_verdict_says_what_happened_and_how_sure_that_is() {
    let visibility = Visibility { shows_server_ends: true, ..Visibility::default() };
    let quiet = Verdict { deaths: Vec::new(), event_count: 3_000, storm: None, visibility: visibility.clone() };
    assert_eq!(verdict(&quiet), ["No storm was found at severity warning or above; 3,000 events were read."]);
    let storm = StormVerdict {
        culprit: Box::new(finding(Kind::ListLoop, held())),
        herd: None,
        more: 1,
        evidence: None,
        size_basis: SizeBasis::RoughEstimate,
    };
    let deaths = ["a", "b"]
        .map(|server| Death { at: START, back_at: None, ready_at: None, apiserver: Some(server.to_owned()) })
        .to_vec();
    let sentences = verdict(&Verdict { deaths, event_count: 3_000, storm: Some(storm), visibility });
    assert_eq!(
        sentences[0],
        "The apiserver died 2 times: at 2026-11-24 08:15:03 UTC (a), 2026-11-24 08:15:03 UTC (b)."
    );
    assert!(sentences[1].starts_with("2026-11-24 08:15:03 UTC: inventory-sync listed pods"), "{}", sentences[1]);
    assert_eq!(sentences[2], "1 more finding at warning or above is listed below.");
    assert!(sentences[3].ends_with("narrow it with --metrics or --resource."), "{}", sentences[3]);
}

/// Where something can't be seen, that it was not found says nothing.
#[test]
fn the_verdict_never_says_that_there_was_no_storm_where_none_can_be_seen() {
    let sentences = |lists, request_ends, shows_server_ends| {
        let visibility = Visibility { lists, request_ends, shows_server_ends, is_of_part: false };
        verdict(&Verdict { deaths: Vec::new(), event_count: 3_000, storm: None, visibility })
    };
    assert_eq!(
        sentences(ListVisibility::NotLogged, RequestEnds::Logged, false),
        [
            "LISTs can't be seen in this log: it has none, so whether there was a storm of LISTs is unknown; 3,000 events \
             were read.",
            "No end of an apiserver can be seen in this log."
        ]
    );
    let some = ListVisibility::OfSomeResources {
        missing: vec!["pods", "nodes", "configmaps"],
        seen: vec!["secrets".to_owned()],
        seen_count: 1,
    };
    assert_eq!(
        sentences(some, RequestEnds::Logged, true),
        [
            "LISTs of pods, nodes and configmaps can't be seen in this log: it has no LIST or watch of them. Of what it has \
          (secrets), no finding is at warning or above; 3,000 events were read."
        ]
    );
    let without_ends = sentences(ListVisibility::Logged, RequestEnds::NotLogged, false);
    assert!(without_ends[0].starts_with("This log has no ends of requests"), "{without_ends:?}");
    assert!(without_ends[1].starts_with("No storm"), "{without_ends:?}");
}

#[test]
fn blind_spots_say_what_is_missing_and_what_that_means() {
    let limit = Coverage::MissingTraffic { class: TrafficClass::Gets };
    assert_eq!(
        blind_spot(&BlindSpot::Coverage { limit: limit.clone() }),
        "policy: the log has no GETs: the audit policy seems to drop them, or the log is too short; polling of single \
         objects can't be found"
    );
    let json = serde_json::to_value(coverage_json(&[limit])).unwrap();
    assert_eq!((&json[0]["code"], &json[0]["class"]), (&json!("missing-traffic"), &json!("gets")));
    assert!(json[0]["fact"].is_string() && json[0]["is_limit"] == true);
}
