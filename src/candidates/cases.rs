//! Candidates for storms of all sorts: what holds for every one of them, and the choices that are easy to get wrong.

use proptest::prelude::*;

use super::*;
use crate::apf::{Subject, compute_limits, default_config, matches_flow_schema, validate};
use crate::findings::{Culprit, Kind, Remedy, Severity, SeverityReason};
use crate::kubernetes::{Version, implied_groups};
use crate::memory::Range;

const VERSION: Version = Version::new(1, 34);

/// A storm of a client on pods.
fn storm(client: &str, kind: Kind) -> Finding {
    Finding {
        kind,
        severity: Severity::Critical,
        severity_reason: SeverityReason::UnknownSize,
        cause: None,
        started_at: 0,
        ended_at: 60_000_000,
        back_at: None,
        ready_at: None,
        culprit: Culprit::one("operator", client),
        client_confidence: Some("high"),
        user_names: Vec::new(),
        user_name_count: 1,
        impersonated_user_names: Vec::new(),
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
        watch_lists: 0,
        rate_rps: 10.0,
        baseline_rps: None,
        peak_concurrency: Some(50),
        peak_at: None,
        list_secs: None,
        mean_concurrency: None,
        estimated_bytes: None,
        peak_share: None,
        clients: Vec::new(),
        evidence: Vec::new(),
        query: "lists",
        unknowns: Vec::new(),
        remedies: vec![Remedy::WatchInsteadOfListing],
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

fn of<'d>(client: &'d str, digest: &'d RequestDigest) -> RequestGroup<'d> {
    RequestGroup {
        kind: 0,
        storms: vec![(0, 10), (1, 10), (2, 10)],
        digest,
        flow_schema: "service-accounts",
        client_type: "operator",
        client,
        count: 10,
        is_list: digest.verb != "get",
        seats: (1, 10),
        memory: Some(MemoryCost { per_list: Range::between(10 << 20, 20 << 20), shared_garbage: Range::ZERO }),
    }
}

/// Drafts of a new cluster with these requests and findings.
fn drafts(
    requests: &[RequestGroup<'_>],
    findings: &[Finding],
    includes_system: bool,
) -> (Vec<Draft>, Vec<RejectedCandidate>) {
    let config = default_config(VERSION);
    let features = Features::for_version(VERSION);
    draft_candidates(&input(&config, &features, requests, findings, includes_system))
}

fn input<'s>(
    config: &'s Config,
    features: &'s Features,
    requests: &'s [RequestGroup<'s>],
    findings: &'s [Finding],
    includes_system: bool,
) -> ProposalInput<'s> {
    ProposalInput { config, features, server_concurrency: 600, requests, findings, includes_system }
}

#[test]
fn the_narrowest_subjects_are_taken_and_others_of_the_same_are_named() {
    let storming = list("system:serviceaccount:batch:sync", "");
    let (good, get) =
        (list("system:serviceaccount:batch:sync", ""), RequestDigest { verb: "get".into(), ..storming.clone() });
    let requests = [of("storm", &storming), of("good", &good), of("storm", &get)];
    let (drafts, rejected) = drafts(&requests, &[storm("storm", Kind::ListLoop)], false);
    assert!(rejected.is_empty());
    let [draft] = drafts.as_slice() else { panic!("one storm has one cure") };
    assert_eq!(draft.subjects, [Subject::ServiceAccount { namespace: "batch".into(), name: "sync".into() }]);
    let [rule] = draft.rules.as_slice() else { panic!("one API group has one rule") };
    assert_eq!((rule.verbs.as_slice(), rule.cluster_scope), (&["list".to_owned()][..], true));
    assert!(rule.namespaces.is_empty(), "LISTs of one namespace are not the storm");
    let matched: Vec<(&str, bool, u64, u64)> = draft
        .matched
        .iter()
        .map(|client| (client.client.as_str(), client.is_target, client.request_count, client.of_requests))
        .collect();
    assert_eq!(matched, [("good", false, 10, 10), ("storm", true, 10, 20)]);
    assert_eq!(draft.matching_precedence, 8_990, "before service-accounts");
}

/// A person who lists once while a program storms isn't of the storm.
#[test]
fn who_only_lists_now_and_then_is_not_of_the_storm() {
    let (loud, quiet) = (list("loud@example.com", ""), list("quiet@example.com", "apps"));
    let requests = [
        RequestGroup { storms: vec![(0, 500)], ..of("storm", &loud) },
        RequestGroup { storms: vec![(0, 3)], ..of("storm", &quiet) },
    ];
    let (drafts, _) = drafts(&requests, &[storm("storm", Kind::ListLoop)], false);
    assert_eq!(drafts[0].subjects, [Subject::User("loud@example.com".into())]);
    assert!(drafts[0].rules[0].namespaces.is_empty());
}

#[test]
fn what_a_limit_cannot_help_is_rejected() {
    let masters = RequestDigest { groups: vec!["system:masters".into()], ..list("kubernetes-admin", "") };
    let scheduler = list("system:kube-scheduler", "");
    let agent = list("system:serviceaccount:kube-system:cni", "");
    let watch = Finding { list_kinds: Vec::new(), ..storm("cni", Kind::WatchChurn) };
    let cni = Subject::ServiceAccount { namespace: "kube-system".into(), name: "cni".into() };
    let scheduler_client = ClientRef { client: "storm".into(), client_type: "scheduler".into() };
    for (requests, finding, system, reason) in [
        (
            of("storm", &masters),
            storm("storm", Kind::ListLoop),
            true,
            CandidateRejection::ExemptCredentials { users: vec!["kubernetes-admin".into()] },
        ),
        (
            RequestGroup { client_type: "scheduler", ..of("storm", &scheduler) },
            Finding { culprit: Culprit::one("scheduler", "storm"), ..storm("storm", Kind::ListLoop) },
            true,
            CandidateRejection::ControlPlane(scheduler_client),
        ),
        (of("cni", &agent), storm("cni", Kind::RelistHerd), false, CandidateRejection::SystemSubject { subject: cni }),
        (of("cni", &agent), watch, true, CandidateRejection::NoLists),
        (
            of("cni", &agent),
            Finding { culprit: Culprit::Many, ..storm("cni", Kind::RestartHerd) },
            true,
            CandidateRejection::ManyClients,
        ),
    ] {
        let (drafts, rejected) = drafts(&[requests], &[finding], system);
        assert!(drafts.is_empty());
        assert_eq!(rejected, [RejectedCandidate { finding: 0, reason }]);
    }
    let info = Finding { severity: Severity::Info, ..storm("cni", Kind::RelistHerd) };
    let (drafts, rejected) = drafts(&[of("cni", &agent)], &[info], true);
    assert!(drafts.is_empty() && rejected.is_empty(), "what is no burden needs no limit");
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
        let requests: Vec<RequestGroup<'_>> = digests
            .iter()
            .map(|digest| RequestGroup { seats: (seats.0, seats.0 + seats.1), ..of("storm", digest) })
            .collect();
        let findings = [storm("storm", kind)];
        let input = ProposalInput {
            server_concurrency,
            ..input(&config, &features, &requests, &findings, includes_system)
        };
        let (drafts, rejected) = draft_candidates(&input);
        prop_assert_eq!(drafts.len() + rejected.len(), 1);
        let list_secs = |_| Some(2.0);
        for draft in &drafts {
            prop_assert!(config.flow_schemas.iter().all(|schema| schema.matching_precedence != draft.matching_precedence));
            for candidate in plan_sizes(draft, &input, 200, list_secs) {
                let change = candidate.config();
                prop_assert_eq!(validate(&change), vec![]);
                let sent = |user: &str| requests.iter().filter(|requests| requests.digest.user == user).count();
                let loudest = requests.iter().map(|requests| sent(&requests.digest.user)).max().unwrap();
                let is_caught =
                    |requests: &&RequestGroup<'_>| matches_flow_schema(&candidate.flow_schema, &requests.digest.attributes());
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
