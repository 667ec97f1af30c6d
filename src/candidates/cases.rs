//! Candidates for storms of all sorts: what holds for every one of them, and the choices that are easy to get wrong.

use proptest::prelude::*;

use super::*;
use crate::apf::{Manifest, Subject, default_config, implied_groups, limits, matches, validate};
use crate::findings::{Culprit, FindingWords, Kind, Remedy, Severity, SeverityReason};
use crate::memory::Range;

const VERSION: Version = Version::new(1, 34);

/// A storm of a client on pods.
fn storm(client: &str, kind: Kind) -> Finding {
    Finding {
        kind,
        severity: Severity::Critical,
        severity_reason: SeverityReason::UnknownSize,
        started_at: 0,
        ended_at: 60_000_000,
        culprit: Culprit::one("operator", client),
        client_confidence: Some("high"),
        user_names: Vec::new(),
        user_name_count: 1,
        user_agents: Vec::new(),
        instances: 1,
        worst_instances: Vec::new(),
        apiserver: None,
        resource: Some("pods".into()),
        api_group: Some(String::new()),
        other_resources: vec!["widgets.example.com".into()],
        scope: Some("cluster".into()),
        list_kinds: vec!["full".into()],
        requests: 100,
        rate_rps: 10.0,
        baseline_rps: None,
        peak_concurrency: Some(50),
        peak_at: None,
        estimated_bytes: None,
        peak_share: None,
        clients: Vec::new(),
        evidence: Vec::new(),
        query: "lists",
        unknowns: Vec::new(),
        remedies: vec![Remedy::WatchInsteadOfListing],
    }
}

fn words(finding: &Finding) -> FindingWords {
    let client = finding.culprit.names().1;
    FindingWords {
        summary: format!("{client} storms"),
        severity_reason: String::new(),
        unknowns: Vec::new(),
        remedies: vec!["watch instead of listing".into()],
    }
}

/// A LIST of pods by a user.
fn list(user: &str, namespace: &str) -> RequestDigest {
    RequestDigest {
        user: user.into(),
        groups: implied_groups(user),
        verb: "list".into(),
        api_group: Some(String::new()),
        resource: "pods".into(),
        namespace: namespace.into(),
        ..RequestDigest::default()
    }
}

fn of<'d>(client: &'d str, digest: &'d RequestDigest) -> Requests<'d> {
    Requests {
        kind: 0,
        storms: vec![(0, 10), (1, 10), (2, 10)],
        digest,
        flow_schema: "service-accounts",
        client_type: "operator",
        client,
        count: 10,
        is_list: digest.verb != "get",
        seats: (1, 10),
        held: Some(Held { each: Range::between(10 << 20, 20 << 20), slack: Range::ZERO }),
    }
}

/// Drafts of a new cluster with these requests and findings.
fn drafts(requests: &[Requests<'_>], findings: &[Finding], includes_system: bool) -> (Vec<Draft>, Vec<Declined>) {
    let config = default_config(VERSION);
    let features = Features::for_version(VERSION);
    draft(&situation(&config, &features, requests, findings, includes_system))
}

fn situation<'s>(
    config: &'s Config,
    features: &'s Features,
    requests: &'s [Requests<'s>],
    findings: &'s [Finding],
    includes_system: bool,
) -> Situation<'s> {
    Situation { config, features, server_concurrency: 600, requests, findings, words, includes_system }
}

#[test]
fn the_narrowest_subjects_are_taken_and_others_of_the_same_are_named() {
    let storming = list("system:serviceaccount:batch:sync", "");
    let (good, get) =
        (list("system:serviceaccount:batch:sync", ""), RequestDigest { verb: "get".into(), ..storming.clone() });
    let requests = [of("storm", &storming), of("good", &good), of("storm", &get)];
    let (drafts, declined) = drafts(&requests, &[storm("storm", Kind::ListLoop)], false);
    assert!(declined.is_empty());
    let [draft] = drafts.as_slice() else { panic!("one storm has one cure") };
    assert_eq!(draft.subjects, [Subject::ServiceAccount { namespace: "batch".into(), name: "sync".into() }]);
    let [rule] = draft.rules.as_slice() else { panic!("one API group has one rule") };
    assert_eq!((rule.verbs.as_slice(), rule.cluster_scope), (&["list".to_owned()][..], true));
    assert!(rule.namespaces.is_empty(), "LISTs of one namespace are not the storm");
    let caught: Vec<(&str, bool, u64, u64)> = draft
        .caught
        .iter()
        .map(|caught| (caught.client.as_str(), caught.is_meant, caught.request_count, caught.of_requests))
        .collect();
    assert_eq!(caught, [("good", false, 10, 10), ("storm", true, 10, 20)]);
    assert_eq!(draft.matching_precedence, 8_990, "before service-accounts");
}

/// A person who lists once while a program storms isn't of the storm.
#[test]
fn who_only_lists_now_and_then_is_not_of_the_storm() {
    let (loud, quiet) = (list("loud@example.com", ""), list("quiet@example.com", "apps"));
    let requests = [
        Requests { storms: vec![(0, 500)], ..of("storm", &loud) },
        Requests { storms: vec![(0, 3)], ..of("storm", &quiet) },
    ];
    let (drafts, _) = drafts(&requests, &[storm("storm", Kind::ListLoop)], false);
    assert_eq!(drafts[0].subjects, [Subject::User("loud@example.com".into())]);
    assert!(drafts[0].rules[0].namespaces.is_empty());
}

#[test]
fn what_a_limit_cannot_help_is_declined() {
    let masters = RequestDigest { groups: vec!["system:masters".into()], ..list("kubernetes-admin", "") };
    let scheduler = list("system:kube-scheduler", "");
    let agent = list("system:serviceaccount:kube-system:cni", "");
    let watch = Finding { list_kinds: Vec::new(), ..storm("cni", Kind::WatchChurn) };
    for (requests, finding, system, reason) in [
        (of("storm", &masters), storm("storm", Kind::ListLoop), true, "which pass by every limit"),
        (
            Requests { client_type: "scheduler", ..of("storm", &scheduler) },
            Finding { culprit: Culprit::one("scheduler", "storm"), ..storm("storm", Kind::ListLoop) },
            true,
            "which a cluster can't do without",
        ),
        (of("cni", &agent), storm("cni", Kind::RelistHerd), false, "only --include-system limits that"),
        (of("cni", &agent), watch, true, "it has no LIST"),
        (
            of("cni", &agent),
            Finding { culprit: Culprit::Many, ..storm("cni", Kind::RestartHerd) },
            true,
            "of many clients",
        ),
    ] {
        let (drafts, declined) = drafts(&[requests], &[finding], system);
        assert!(drafts.is_empty() && declined.len() == 1);
        assert!(declined[0].reason.contains(reason), "{}", declined[0].reason);
        assert!(!declined[0].remedies.is_empty());
    }
    let info = Finding { severity: Severity::Info, ..storm("cni", Kind::RelistHerd) };
    let (drafts, declined) = drafts(&[of("cni", &agent)], &[info], true);
    assert!(drafts.is_empty() && declined.is_empty(), "what is no burden needs no limit");
}

#[test]
fn storms_of_the_same_users_have_one_cure_and_others_stand_apart() {
    let (one, other) = (list("system:serviceaccount:a:x", ""), list("system:serviceaccount:b:y", ""));
    let requests = [of("x", &one), of("y", &other)];
    let findings = [storm("x", Kind::ListPileup), storm("x", Kind::ListLoop), storm("y", Kind::ListLoop)];
    let (drafts, _) = drafts(&requests, &findings, false);
    assert_eq!(drafts.iter().map(|draft| draft.findings.clone()).collect::<Vec<_>>(), [vec![0, 1], vec![2]]);
    assert_eq!(drafts.iter().map(|draft| draft.matching_precedence).collect::<Vec<_>>(), [8_980, 8_990]);
    assert_ne!(drafts[0].name, drafts[1].name);
}

fn a_storm() -> impl Strategy<Value = (Vec<RequestDigest>, Kind, bool)> {
    let user = prop_oneof![
        "[a-z]{1,8}".prop_map(|name| format!("system:serviceaccount:team-{name}:{name}")),
        "[a-z]{1,8}".prop_map(|name| format!("system:serviceaccount:kube-system:{name}")),
        "[a-z]{1,8}".prop_map(|name| format!("system:node:{name}")),
        "\\PC{1,20}",
        Just("admin@example.com".to_owned()),
    ];
    let namespace = prop_oneof![Just(String::new()), "[a-z]([a-z0-9-]{0,8}[a-z0-9])?"];
    let request = (user, namespace, any::<bool>()).prop_map(|(user, namespace, is_watch)| RequestDigest {
        verb: if is_watch { "watch" } else { "list" }.into(),
        ..list(&user, &namespace)
    });
    let kind = prop_oneof![Just(Kind::ListLoop), Just(Kind::RelistHerd), Just(Kind::ListPileup), Just(Kind::PageStorm)];
    (prop::collection::vec(request, 1..40), kind, any::<bool>())
}

proptest! {
    /// Whatever the storm: the server takes the objects as they are, they read back the same, they select the storm and
    /// nothing of `system:masters`, no more LISTs than planned fit into the level, and the precedence is free.
    #[test]
    fn every_candidate_can_be_applied(
        (digests, kind, includes_system) in a_storm(),
        seats in (1_u32..20, 0_u32..100),
        server_concurrency in prop_oneof![Just(600_u32), 20_u32..2_000],
    ) {
        let config = default_config(VERSION);
        let features = Features::for_version(VERSION);
        let requests: Vec<Requests<'_>> = digests
            .iter()
            .map(|digest| Requests { seats: (seats.0, seats.0 + seats.1), ..of("storm", digest) })
            .collect();
        let findings = [storm("storm", kind)];
        let situation = Situation {
            server_concurrency,
            ..situation(&config, &features, &requests, &findings, includes_system)
        };
        let (drafts, declined) = draft(&situation);
        prop_assert_eq!(drafts.len() + declined.len(), 1);
        let list_secs = |_| Some(2.0);
        for draft in &drafts {
            prop_assert!(config.flow_schemas.iter().all(|schema| schema.matching_precedence != draft.matching_precedence));
            for candidate in reachable(draft, &situation, 200, list_secs) {
                let change = candidate.config();
                prop_assert_eq!(validate(&change), vec![]);
                let evidence = candidate_evidence(draft, &candidate, &situation, &[]);
                let text = flow_schema_yaml(&candidate.flow_schema, &evidence)
                    + "---\n"
                    + &priority_level_yaml(&candidate.priority_level, &evidence);
                let read = Manifest::read(&text, None);
                prop_assert_eq!(read.problems, vec![]);
                prop_assert_eq!(&read.config.flow_schemas[0].rules, &candidate.flow_schema.rules);
                prop_assert_eq!(read.config.priority_levels[0].kind, candidate.priority_level.kind);
                let sent = |user: &str| requests.iter().filter(|requests| requests.digest.user == user).count();
                let loudest = requests.iter().map(|requests| sent(&requests.digest.user)).max().unwrap();
                let is_caught =
                    |requests: &&Requests<'_>| matches_flow_schema(&candidate.flow_schema, &requests.digest.attributes());
                let of_loudest = requests.iter().filter(|requests| sent(&requests.digest.user) == loudest);
                prop_assert!(of_loudest.clone().all(|requests| is_caught(&requests)));
                let after = config.clone().with(&change);
                let all = compute_limits(&after.priority_levels, server_concurrency, &features);
                let level = after.priority_levels.iter().position(|level| level.name == draft.name).unwrap();
                prop_assert_eq!(all[level].nominal, candidate.plan.nominal_seats);
                prop_assert_eq!(all[level].max, all[level].nominal, "it borrows nothing");
                let most = candidate.plan.lists_at_once.1;
                prop_assert!(most == 1 || most * candidate.plan.seats_per_list.0 <= candidate.plan.nominal_seats);
            }
        }
    }
}
