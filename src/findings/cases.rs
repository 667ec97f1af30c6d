//! One case for each side of each judgement: what makes an episode a finding, and what keeps it from being one.

use std::collections::BTreeMap;

use super::*;

pub(super) const SECOND: i64 = 1_000_000;

fn episode(pattern: Pattern, client: &str, from_secs: i64, to_secs: i64) -> Episode {
    Episode {
        pattern,
        episode: from_secs.unsigned_abs(),
        started_at: from_secs * SECOND,
        ended_at: to_secs * SECOND,
        client_type: Some("operator".to_owned()),
        client: Some(client.to_owned()),
        instance_count: 1,
        resource: Some("pods".to_owned()),
        api_group: Some(String::new()),
        read_kind: Some(ReadKind::List),
        ..Episode::default()
    }
}

/// An episode of lists of whole collections, each of which takes two seconds.
pub(super) fn lists(pattern: Pattern, from_secs: i64, to_secs: i64, count: u64, instances: u64) -> Episode {
    Episode {
        request_count: count,
        list_count: count,
        repeat_count: count,
        list_secs: 2.0 * count as f64,
        cluster_list_count: count,
        instance_count: instances,
        median_instance_reads: Some(count as f64 / instances as f64),
        peak_concurrency: Some(instances),
        ..episode(pattern, "ours", from_secs, to_secs)
    }
}

pub(super) fn holding(episode: Episode, low: u64, high: Option<u64>) -> Episode {
    Episode { held_low_bytes: Some(low), held_high_bytes: high, ..episode }
}

pub(super) fn start(at_secs: i64, open_watches: u64) -> Restart {
    Restart {
        started_at: at_secs * SECOND,
        back_at: at_secs * SECOND,
        resource_count: 20,
        reopened_count: open_watches,
        reopened_soon_count: open_watches,
        reopening_client_count: 3,
        open_watch_count: open_watches,
        cut_watch_count: open_watches,
        last_event_at: Some((at_secs - 8) * SECOND),
        next_event_at: Some(at_secs * SECOND),
        ..Restart::default()
    }
}

/// A log whose policy omits RequestReceived, as most do.
pub(super) fn without_receipts() -> Tally {
    let mut tally = Tally::default();
    tally.stages[Stage::ResponseStarted as usize] = 1;
    tally.stages[Stage::ResponseComplete as usize] = 1;
    tally
}

pub(super) fn judged(episodes: &[Episode], restarts: &[Restart]) -> Vec<(Kind, Severity)> {
    found(episodes, restarts).iter().map(|finding| (finding.kind, finding.severity)).collect()
}

pub(super) fn found(episodes: &[Episode], restarts: &[Restart]) -> Vec<Finding> {
    let (tally, profiles) = (without_receipts(), BTreeMap::new());
    let measured =
        Measured { tally: &tally, episodes, clients: &[], restarts, rejections: &[], profiles: &profiles, from: None };
    judge(measured, &Thresholds::embedded())
}

#[test]
fn a_herd_has_many_instances_and_is_as_bad_as_what_it_holds() {
    let herd = |instances| lists(Pattern::Burst, 0, 10, 3 * instances, instances);
    assert_eq!(judged(&[holding(herd(9), 1 << 30, None)], &[]), []);
    assert_eq!(judged(&[holding(herd(10), 1 << 20, Some(10 << 20))], &[]), [(Kind::RelistHerd, Severity::Info)]);
    assert_eq!(judged(&[holding(herd(10), 1 << 20, Some(1 << 30))], &[]), [(Kind::RelistHerd, Severity::Warning)]);
    assert_eq!(judged(&[holding(herd(10), 3 << 30, None)], &[]), [(Kind::RelistHerd, Severity::Critical)]);
    assert_eq!(judged(&[herd(10)], &[]), [(Kind::RelistHerd, Severity::Warning)], "of unknown size");
}

#[test]
fn lists_of_a_nodes_own_objects_are_judged_by_their_low_end() {
    let herd = Episode { node_scoped_count: 100, selector_count: 100, ..lists(Pattern::Burst, 0, 10, 100, 100) };
    assert_eq!(judged(&[holding(herd, 1 << 20, Some(1 << 40))], &[]), [(Kind::RelistHerd, Severity::Info)]);
}

#[test]
fn bursts_of_one_client_over_several_resources_are_one_finding() {
    let pods = holding(lists(Pattern::Burst, 0, 10, 100, 100), 1 << 20, Some(1 << 30));
    let nodes = Episode { resource: Some("nodes".to_owned()), ..lists(Pattern::Burst, 2, 11, 100, 100) };
    let findings = found(&[nodes, pods], &[]);
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0].resource.as_deref(), Some("pods"));
    assert_eq!(findings[0].other_resources, ["nodes"]);
    assert_eq!(findings[0].requests, 200);
}

#[test]
fn what_begins_a_loop_is_no_herd() {
    let herd = holding(lists(Pattern::Burst, 0, 10, 40, 40), 1 << 20, Some(1 << 30));
    let tight = holding(lists(Pattern::Loop, 1, 60, 400, 40), 1 << 20, Some(1 << 30));
    let tight = Episode { response_low_bytes: Some(400 << 20), response_high_bytes: Some(400 << 20), ..tight };
    assert_eq!(judged(&[herd, tight], &[]), [(Kind::ListLoop, Severity::Warning)]);
}

#[test]
fn a_slow_poll_is_only_information_and_a_few_lists_are_nothing() {
    let poll = |count, bytes: u64| Episode {
        response_low_bytes: Some(bytes * count),
        response_high_bytes: Some(bytes * count),
        ..holding(lists(Pattern::Loop, 0, 600, count, 1), bytes, Some(10 * bytes))
    };
    assert_eq!(judged(&[poll(9, 1 << 20)], &[]), []);
    assert_eq!(judged(&[poll(20, 1 << 20)], &[]), [(Kind::ListLoop, Severity::Info)]);
    assert_eq!(judged(&[poll(600, 2 << 20)], &[]), [(Kind::ListLoop, Severity::Warning)]);
}

#[test]
fn lists_that_reach_the_limit_again_and_again_are_critical() {
    let retry = |timed_out| Episode { timed_out_count: timed_out, ..lists(Pattern::Retry, 0, 600, 50, 10) };
    assert_eq!(judged(&[retry(50)], &[]), [(Kind::RetryLoop, Severity::Critical)]);
    assert_eq!(judged(&[retry(5)], &[]), [(Kind::RetryLoop, Severity::Warning)]);
    assert_eq!(judged(&[retry(0)], &[]), [(Kind::RetryLoop, Severity::Info)], "forbidden, say");
}

#[test]
fn one_long_chain_is_a_backup_and_many_are_a_storm() {
    let pages =
        |chains, gone| Episode { chain_count: chains, gone_count: gone, ..lists(Pattern::Pages, 0, 50, 200, 1) };
    assert_eq!(judged(&[pages(1, 0)], &[]), []);
    assert_eq!(judged(&[pages(40, 0)], &[]), [(Kind::PageStorm, Severity::Warning)]);
    assert_eq!(judged(&[pages(1, 3)], &[]), [(Kind::PageStorm, Severity::Warning)], "chains that break off");
}

#[test]
fn watches_that_come_with_lists_are_the_herds() {
    let watches = Episode {
        read_kind: Some(ReadKind::Watch),
        request_count: 100,
        instance_count: 100,
        ..episode(Pattern::Burst, "ours", 0, 10)
    };
    assert_eq!(judged(std::slice::from_ref(&watches), &[]), [(Kind::WatchChurn, Severity::Info)]);
    let herd = holding(lists(Pattern::Burst, 1, 9, 100, 100), 1 << 20, Some(1 << 30));
    assert_eq!(judged(&[watches, herd], &[]), [(Kind::RelistHerd, Severity::Warning)]);
}

#[test]
fn short_watches_followed_by_lists_are_a_warning() {
    let short = |before_lists| Episode {
        request_count: 100,
        median_instance_reads: Some(10.0),
        before_list_count: before_lists,
        ..episode(Pattern::ShortWatches, "ours", 0, 600)
    };
    assert_eq!(judged(&[short(0)], &[]), [(Kind::WatchChurn, Severity::Info)]);
    assert_eq!(judged(&[short(20)], &[]), [(Kind::WatchChurn, Severity::Warning)]);
}

#[test]
fn a_whole_collection_is_a_warning_when_it_is_big() {
    let full = |bytes| Episode {
        largest_low_bytes: Some(bytes),
        response_low_bytes: Some(bytes),
        ..lists(Pattern::Full, 0, 6_000, 10, 1)
    };
    assert_eq!(judged(&[full(10_000_000)], &[]), [(Kind::UnpaginatedList, Severity::Info)]);
    assert_eq!(judged(&[full(100_000_000)], &[]), [(Kind::UnpaginatedList, Severity::Warning)]);
}

#[test]
fn a_storm_that_a_server_dies_of_is_critical() {
    let tight = holding(lists(Pattern::Loop, 0, 100, 200, 5), 100 << 20, Some(1 << 30));
    let tight = Episode { response_low_bytes: Some(1), ..tight };
    assert_eq!(
        judged(std::slice::from_ref(&tight), &[start(90, 50)]),
        [(Kind::ListLoop, Severity::Critical), (Kind::ApiserverRestart, Severity::Critical)]
    );
    let in_good_order = judged(&[tight], &[start(90, 0)]);
    assert_eq!(in_good_order, [(Kind::ListLoop, Severity::Warning), (Kind::ApiserverRestart, Severity::Info)]);
}

#[test]
fn herds_after_a_start_are_told_with_it() {
    let all = Episode { client: None, client_type: None, ..lists(Pattern::BurstOfAll, 101, 120, 900, 300) };
    let all = holding(all, 1 << 30, None);
    let own = holding(lists(Pattern::Burst, 103, 119, 300, 100), 1 << 29, None);
    let later = holding(lists(Pattern::Burst, 600, 620, 300, 100), 1 << 29, None);
    let kinds: Vec<_> = judged(&[all, own, later], &[start(100, 50)]).into_iter().map(|(kind, _)| kind).collect();
    assert_eq!(kinds.iter().filter(|kind| **kind == Kind::RestartHerd).count(), 1);
    assert_eq!(kinds.iter().filter(|kind| **kind == Kind::RelistHerd).count(), 1, "the later one");
}

/// Each start has its own herd: one an hour later says nothing of what came after the first.
#[test]
fn a_loop_after_a_start_is_told_beside_the_herd() {
    let all = |from, to| Episode { client: None, client_type: None, ..lists(Pattern::BurstOfAll, from, to, 900, 300) };
    let tight = holding(lists(Pattern::Loop, 110, 1_000, 2_000, 5), 100 << 20, Some(1 << 30));
    let tight = Episode { response_low_bytes: Some(1 << 40), response_high_bytes: Some(1 << 40), ..tight };
    let kinds: Vec<_> = judged(&[tight.clone(), all(3_601, 3_620)], &[start(100, 50), start(3_600, 50)]);
    assert!(kinds.contains(&(Kind::ListLoop, Severity::Critical)), "{kinds:?}");
    let within = Episode { ended_at: 125 * SECOND, ..tight };
    let kinds: Vec<_> = judged(&[within, all(101, 120)], &[start(100, 50)]);
    assert!(kinds.iter().any(|(kind, _)| *kind == Kind::ListLoop), "{kinds:?}");
}

#[test]
fn a_herd_after_a_start_is_as_bad_as_its_worst_part() {
    let all = Episode { client: None, client_type: None, ..lists(Pattern::BurstOfAll, 101, 120, 900, 300) };
    let own = holding(lists(Pattern::Burst, 103, 119, 300, 100), 3 << 30, None);
    let found = judged(&[all, own], &[start(100, 0)]);
    assert!(found.contains(&(Kind::RestartHerd, Severity::Critical)), "{found:?}");
}

/// A peak on the server that came next killed nobody.
#[test]
fn a_peak_after_a_death_is_no_cause_of_it() {
    let tight = holding(lists(Pattern::Loop, 0, 100, 200, 5), 100 << 20, Some(1 << 30));
    let peaking = |at: i64| Episode { peak_at: Some(at * SECOND), response_low_bytes: Some(1), ..tight.clone() };
    let severity = |at| judged(&[peaking(at)], &[start(50, 50)])[0].1;
    assert_eq!((severity(40), severity(60)), (Severity::Critical, Severity::Critical), "the restart comes first");
    let of_loop = |at| judged(&[peaking(at)], &[start(50, 50)]).into_iter().find(|(kind, _)| *kind == Kind::ListLoop);
    assert_eq!(of_loop(40), Some((Kind::ListLoop, Severity::Critical)));
    assert_eq!(of_loop(60), Some((Kind::ListLoop, Severity::Warning)));
}

/// Watches that are still open when one server's log ends were not cut off by the start of another server.
#[test]
fn one_servers_open_watches_are_not_anothers() {
    let on = |server: &str, at, reopened| Restart {
        apiserver: Some(server.to_owned()),
        reopened_count: reopened,
        ..start(at, 30)
    };
    let second_sign = Restart { cut_watch_count: 0, own_before_count: 20, ..on("a", 110, 0) };
    let other = Restart { open_watch_count: 0, ..on("b", 300, 30) };
    let found = found(&[], &[on("a", 100, 0), second_sign, other]);
    let of_b = found.iter().find(|finding| finding.apiserver.as_deref() == Some("b")).unwrap();
    assert_eq!(of_b.severity, Severity::Info, "{of_b:#?}");
}

#[test]
fn what_was_received_before_the_span_asked_for_begins_nothing() {
    let (tally, profiles) = (Tally::default(), BTreeMap::new());
    let herd = [holding(lists(Pattern::Burst, 0, 10, 100, 100), 3 << 30, None)];
    let judged = |from| {
        let measured = Measured {
            tally: &tally,
            episodes: &herd,
            clients: &[],
            restarts: &[],
            rejections: &[],
            profiles: &profiles,
            from: Some(from),
        };
        judge(measured, &Thresholds::embedded()).len()
    };
    assert_eq!((judged(0), judged(1_000 * SECOND)), (1, 0));
}

/// The reason tells what decides, and with which numbers.
#[test]
fn reasons_are_data() {
    let bytes = Bytes { low: 3 << 30, high: None };
    let herd = holding(lists(Pattern::Burst, 0, 10, 30, 10), bytes.low, bytes.high);
    assert_eq!(found(&[herd], &[])[0].severity_reason, SeverityReason::Held { bytes });
    let retry = Episode { timed_out_count: 50, ..lists(Pattern::Retry, 0, 600, 50, 10) };
    let reason = &found(&[retry], &[])[0].severity_reason;
    assert_eq!(*reason, SeverityReason::RanIntoTimeout { timed_out: 50, timeout_secs: 60.0 });
    let died = &found(&[], &[start(90, 50)])[0];
    assert_eq!(died.severity_reason, SeverityReason::CutOff { watches: 50, lists: 0 });
    assert_eq!(died.unknowns, [Unknown::CauseOfDeath, Unknown::InFlightAtDeath]);
    assert!(Severity::Critical > Severity::Warning && Severity::Warning > Severity::Info);
}

/// The verdict blames what was going on when the server died, though something else was worse.
#[test]
fn the_verdict_blames_what_went_on_at_a_death() {
    let (tally, profiles) = (Tally::default(), BTreeMap::new());
    let tight = holding(lists(Pattern::Loop, 0, 85, 200, 5), 100 << 20, Some(1 << 30));
    let tight = Episode { response_low_bytes: Some(1), ..tight };
    let later = holding(lists(Pattern::Burst, 600, 620, 300, 100), 3 << 30, None);
    let (episodes, restarts) = ([tight, later], [start(90, 50)]);
    let measured = Measured {
        tally: &tally,
        episodes: &episodes,
        clients: &[],
        restarts: &restarts,
        rejections: &[],
        profiles: &profiles,
        from: None,
    };
    let thresholds = Thresholds::embedded();
    let findings = judge(measured, &thresholds);
    let verdict = reach_verdict(&findings, measured, Visibility::default(), &thresholds);
    let death = Death { at: 82 * SECOND, back_at: Some(90 * SECOND), ready_at: None, apiserver: None };
    assert_eq!(verdict.deaths, [death]);
    let storm = verdict.storm.unwrap();
    assert_eq!((storm.culprit.kind, storm.more), (Kind::ListLoop, 1));
    assert_eq!((storm.evidence, storm.size_basis), (None, SizeBasis::Unknown));
}

/// A threshold replaced by a file is the one that judges.
#[test]
fn replaced_thresholds_judge() {
    let (tally, profiles) = (Tally::default(), BTreeMap::new());
    let herd = [holding(lists(Pattern::Burst, 0, 10, 100, 100), 3 << 30, None)];
    let judged = |text: &str, from: i64| {
        let measured = Measured {
            tally: &tally,
            episodes: &herd,
            clients: &[],
            restarts: &[],
            rejections: &[],
            profiles: &profiles,
            from: Some(from * SECOND),
        };
        judge(measured, &Thresholds::with(text).unwrap()).len()
    };
    assert_eq!((judged("{}", 30), judged("server: {request_timeout_secs: 20}", 30)), (1, 0));
}
