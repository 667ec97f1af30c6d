//! Cases of what is judged by time in flight, of sizes that are unknown, and of what belongs to which side of a server's end;
//! each with a look-alike that is no storm.

use super::cases::{SECOND, found, holding, judged, lists, start};
use super::*;

/// LISTs that take half a minute each are a storm too, though none of them is repeated often.
#[test]
fn slow_lists_of_a_fleet_are_a_storm() {
    let fleet = |secs, instances, list_secs| Episode { list_secs, ..lists(Pattern::Full, 0, secs, 25, instances) };
    let severity = |episode: Episode| judged(&[episode], &[]);
    assert_eq!(severity(fleet(100, 12, 960.0)), [(Kind::UnpaginatedList, Severity::Warning)]);
    assert_eq!(severity(fleet(60, 12, 720.0)), [(Kind::UnpaginatedList, Severity::Warning)]);
    // Replicas of a controller that poll a server which others overwhelm.
    assert_eq!(severity(fleet(147, 3, 208.0)), [(Kind::UnpaginatedList, Severity::Info)]);
    // Agents that start together, each with one LIST.
    assert_eq!(severity(fleet(27, 100, 940.0)), [(Kind::UnpaginatedList, Severity::Info)]);
    // As long in flight, and known to be small.
    let small = |high| Episode {
        response_low_bytes: Some(1_000_000),
        response_high_bytes: Some(25 * high),
        largest_high_bytes: Some(high),
        ..fleet(100, 12, 960.0)
    };
    assert_eq!(severity(small(2_000_000)), [(Kind::UnpaginatedList, Severity::Info)]);
    assert_eq!(severity(small(20_000_000)), [(Kind::UnpaginatedList, Severity::Warning)]);
}

/// It says so once.
#[test]
fn a_loop_whose_lists_are_slow_is_one_finding() {
    let loop_of_all = Episode { list_secs: 900.0, ..lists(Pattern::Loop, 0, 80, 59, 12) };
    let whole = Episode { list_secs: 850.0, ..lists(Pattern::Full, 0, 80, 53, 12) };
    let findings = found(&[loop_of_all, whole], &[]);
    assert_eq!(
        findings.iter().map(|one| (one.kind, one.severity)).collect::<Vec<_>>(),
        [(Kind::ListLoop, Severity::Warning)]
    );
    assert_eq!((findings[0].requests, findings[0].list_secs), (59, Some(900.0)));
    assert!((findings[0].mean_concurrency.unwrap() - 11.25).abs() < 1e-9);
}

#[test]
fn a_single_list_of_a_quarter_of_an_hour_is_worth_a_warning() {
    let long =
        |secs: f64| Episode { max_duration_secs: Some(secs), list_secs: secs, ..lists(Pattern::Full, 0, 900, 1, 1) };
    assert_eq!(judged(&[long(900.0)], &[]), [(Kind::UnpaginatedList, Severity::Warning)]);
    assert_eq!(judged(&[long(59.0)], &[]), []);
    let narrow = Episode { cluster_list_count: 0, ..long(900.0) };
    assert_eq!(judged(&[narrow], &[]), [(Kind::UnpaginatedList, Severity::Info)], "of a namespace");
    let small = Episode { largest_high_bytes: Some(10_000), response_high_bytes: Some(10_000), ..long(900.0) };
    assert_eq!(judged(&[small], &[]), [(Kind::UnpaginatedList, Severity::Info)]);
    // A slow backup reads pages, one chain for as long.
    let backup = Episode { chain_count: 1, ..lists(Pattern::Pages, 0, 900, 200, 1) };
    assert_eq!(judged(&[backup], &[]), []);
}

/// Three replicas that list 1.5 MB every ten seconds return 0.4 MB/s. A range that passes the bar is no evidence.
#[test]
fn a_poll_of_uncertain_size_is_not_accused_by_the_middle_of_a_range() {
    let poll = |low: u64, high: Option<u64>, list_secs| Episode {
        response_low_bytes: Some(45 * low),
        response_high_bytes: high.map(|high| 45 * high),
        list_secs,
        ..lists(Pattern::Loop, 0, 142, 45, 3)
    };
    let severity = |episode: Episode| judged(&[episode], &[])[0].1;
    assert_eq!(severity(poll(1_300_000, Some(9_000_000), 74.0)), Severity::Info);
    assert_eq!(severity(poll(0, None, 74.0)), Severity::Info);
    assert_eq!(severity(poll(8_000_000, Some(9_000_000), 74.0)), Severity::Warning, "the low end is above it");
    // A worker that lists something unknown on end is, unless that takes no time.
    let tight = |list_secs| Episode { list_secs, ..lists(Pattern::Loop, 0, 142, 142, 1) };
    assert_eq!((severity(tight(140.0)), severity(tight(1.4))), (Severity::Warning, Severity::Info));
}

/// Agents that list something tiny at their start, of which no size is known, are no storm; those that wait for it are.
#[test]
fn a_herd_of_unknown_size_is_judged_by_its_time_in_flight() {
    let herd = |list_secs| Episode { list_secs, ..lists(Pattern::Burst, 0, 13, 60, 30) };
    assert_eq!(judged(&[herd(0.3)], &[]), [(Kind::RelistHerd, Severity::Info)]);
    assert_eq!(judged(&[herd(300.0)], &[]), [(Kind::RelistHerd, Severity::Warning)]);
}

/// A size given by hand made a right warning a "no storm".
#[test]
fn a_known_size_does_not_hide_a_herd() {
    let herd = Episode { list_secs: 3_000.0, ..lists(Pattern::Burst, 0, 25, 71, 71) };
    let known = |low, high| judged(&[holding(herd.clone(), low, Some(high))], &[])[0].1;
    assert_eq!(judged(std::slice::from_ref(&herd), &[])[0].1, Severity::Warning);
    assert_eq!(known(10_000_000, 2_000_000_000), Severity::Warning, "as good as unknown");
    assert_eq!(known(200_000_000, 900_000_000), Severity::Warning);
    assert_eq!(known(10_000_000, 90_000_000), Severity::Info, "the upper bound rules harm out");
}

/// An estimate of some of the LISTs bounds nothing.
#[test]
fn what_some_lists_hold_is_no_upper_bound() {
    let partly = Episode { unknown_cost_count: 500, ..lists(Pattern::Burst, 0, 10, 600, 100) };
    let found = found(&[holding(partly, 1_000_000, Some(2_000_000))], &[]);
    assert_eq!(found[0].severity, Severity::Warning);
    assert_eq!(found[0].estimated_bytes, Some(Bytes { low: 1_000_000, high: None }));
}

/// The person who pages while the server dies has two pages in flight, of a size that nobody knows.
#[test]
fn a_bystander_is_not_what_a_server_died_of() {
    let of = |lists_at_once| Episode {
        peak_concurrency: Some(lists_at_once),
        ..holding(lists(Pattern::Pages, 0, 85, 120, 10), 28_000_000, Some(590_000_000))
    };
    let severity = |lists_at_once| {
        let episode = Episode { chain_count: 10, ..of(lists_at_once) };
        let found = judged(&[episode], &[start(90, 50)]);
        found.into_iter().find(|(kind, _)| *kind == Kind::PageStorm).unwrap().1
    };
    assert_eq!((severity(2), severity(25)), (Severity::Info, Severity::Critical));
}

#[test]
fn findings_of_either_side_of_a_servers_end_are_two() {
    let resources = |from, to, resource: &str| Episode {
        resource: Some(resource.to_owned()),
        ..lists(Pattern::Loop, from, to, 200, 5)
    };
    let (before, after) = (resources(0, 82, "pods"), resources(91, 180, "pods"));
    let loops = |restarts: &[Restart]| {
        let findings = found(&[before.clone(), after.clone()], restarts);
        findings.into_iter().filter(|one| one.kind == Kind::ListLoop).map(|one| one.requests).collect::<Vec<_>>()
    };
    assert_eq!(loops(&[start(90, 50)]), [200, 200]);
    assert_eq!(loops(&[]), [400], "nothing came between");
    let merged = found(&[before, after], &[]).remove(0);
    assert_eq!((merged.started_at, merged.ended_at), (0, 180 * SECOND));
    assert!((merged.rate_rps - 400.0 / 180.0).abs() < 1e-9, "over the whole span");
}

/// Bytes that nobody knows put nothing first.
#[test]
fn findings_of_unknown_size_are_ranked_by_their_time_in_flight() {
    let named = |client: &str, list_secs, low, high| Episode {
        client: Some(client.to_owned()),
        list_secs,
        ..holding(lists(Pattern::Loop, 0, 100, 200, 20), low, high)
    };
    let order = |episodes: &[Episode]| {
        let found = found(episodes, &[]);
        let names = found.iter().filter_map(|one| one.culprit.client().map(str::to_owned)).collect::<Vec<_>>();
        (names, found.iter().map(|one| one.peak_share.is_some()).collect::<Vec<_>>())
    };
    let unknown = [named("short", 600.0, 0, Some(185 << 30)), named("long", 1_800.0, 0, Some(1 << 30))];
    assert_eq!(order(&unknown), (vec!["long".to_owned(), "short".to_owned()], vec![false, false]));
    let known = [named("short", 600.0, 900 << 20, Some(1 << 30)), named("long", 1_800.0, 400 << 20, Some(500 << 20))];
    assert_eq!(order(&known), (vec!["short".to_owned(), "long".to_owned()], vec![true, true]));
}
