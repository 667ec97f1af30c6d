//! Incidents from hand-made rows: who is blamed and who isn't, how sure that is, and that knowing more makes it no less sure.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::findings::{Bytes, ClientProfile, Episode, Pattern, ReadKind, judge};
use crate::requests::Tally;

const SECOND: Micros = 1_000_000;
const MOMENT: Micros = 1_000 * SECOND;

/// A client with lists of one resource in flight in the run-up, each of the same size.
#[derive(Clone, Debug)]
struct Client {
    name: String,
    resource: &'static str,
    /// Lists times time.
    secs: f64,
    /// Lists in flight at the last peak.
    inflight: u64,
    /// What each held; `None` where nothing tells.
    each: Option<Bytes>,
    is_storming: bool,
    /// Lists and deletions that the end cut off.
    cut_off: u64,
    /// Instances that came back for the same.
    returned: u64,
}

fn client(name: &str, secs: f64, inflight: u64) -> Client {
    Client {
        name: name.to_owned(),
        resource: "configmaps",
        secs,
        inflight,
        each: None,
        is_storming: true,
        cut_off: 0,
        returned: 0,
    }
}

fn known(low: u64, high: u64) -> Option<Bytes> {
    Some(Bytes { low, high: Some(high) })
}

/// A moment with its clients, and what is measured and logged.
#[derive(Clone, Debug)]
struct Scene {
    clients: Vec<Client>,
    kind: MomentKind,
    logs_received: bool,
    growth: Option<MemoryGrowth>,
}

fn at_the_end_of(clients: Vec<Client>) -> Scene {
    Scene { clients, kind: MomentKind::Death, logs_received: false, growth: None }
}

impl Client {
    fn load(&self) -> ListLoad {
        let is_unknown = self.each.is_none_or(Bytes::is_unknown);
        let bytes = |of: fn(Bytes) -> u64| self.each.map_or(0.0, |each| shares::float(of(each)) * self.secs);
        ListLoad {
            client_type: "sdk".to_owned(),
            client: self.name.clone(),
            resource: Some(self.resource.to_owned()),
            list_count: self.inflight.max(1),
            inflight_secs: self.secs,
            near_secs: self.secs,
            near_unknown_secs: if is_unknown { self.secs } else { 0.0 },
            near_low_byte_secs: bytes(|each| each.low),
            near_high_byte_secs: bytes(|each| each.high.unwrap_or(each.low)),
            returned_instance_count: self.returned,
            returned_count: self.returned,
            ..ListLoad::default()
        }
    }

    fn pressure(&self) -> Pressure {
        Pressure {
            client_type: "sdk".to_owned(),
            client: self.name.clone(),
            verb: CutOffVerb::LIST.to_owned(),
            resource: Some(self.resource.to_owned()),
            inflight_count: self.inflight,
            unknown_count: if self.each.is_some() { 0 } else { self.inflight },
            inflight_low_bytes: self.each.map(|each| each.low * self.inflight),
            inflight_high_bytes: self.each.and_then(|each| Some(each.high? * self.inflight)),
            ..Pressure::default()
        }
    }

    fn cut_off(&self) -> CutOff {
        CutOff {
            client_type: "sdk".to_owned(),
            client: self.name.clone(),
            open_count: self.cut_off,
            ..CutOff::default()
        }
    }

    /// A loop that is a warning, as it is of whole collections of unknown size.
    fn episode(&self) -> Episode {
        Episode {
            pattern: Pattern::Loop,
            started_at: MOMENT - 60 * SECOND,
            ended_at: MOMENT,
            client_type: Some("sdk".to_owned()),
            client: Some(self.name.clone()),
            user_names: vec![format!("system:serviceaccount:fleet:{}", self.name)],
            user_name_count: 1,
            instance_count: 12,
            median_instance_reads: Some(33.0),
            read_kind: Some(ReadKind::List),
            resource: Some(self.resource.to_owned()),
            api_group: Some(String::new()),
            request_count: 400,
            list_count: 400,
            repeat_count: 400,
            list_secs: 700.0,
            cluster_list_count: 400,
            peak_concurrency: Some(12),
            ..Episode::default()
        }
    }
}

fn peak_of(clients: &[Client]) -> PressurePeak {
    let sum = |of: fn(Bytes) -> u64| clients.iter().filter_map(|one| Some(of(one.each?) * one.inflight)).sum::<u64>();
    let unknown = clients.iter().filter(|one| one.each.is_none()).map(|one| one.inflight).sum();
    let inflight = clients.iter().map(|one| one.inflight).sum();
    let is_bounded = clients.iter().filter_map(|one| one.each).all(|each| each.high.is_some());
    let high = is_bounded.then(|| sum(|each| each.high.unwrap_or_default()));
    let bytes = Bytes { low: sum(|each| each.low), high };
    let estimated_bytes = (inflight > unknown).then_some(bytes);
    PressurePeak { at: MOMENT, inflight, unknown, estimated_bytes, uncapped_bytes: None }
}

fn analyzed(scene: &Scene) -> Incident {
    let mut tally = Tally::default();
    tally.stages[Stage::ResponseComplete as usize] = 1_000;
    tally.stages[Stage::RequestReceived as usize] = if scene.logs_received { 1_000 } else { 0 };
    let storming = || scene.clients.iter().filter(|client| client.is_storming);
    let episodes: Vec<Episode> = storming().map(Client::episode).collect();
    let profile = ClientProfile {
        confidence: "high",
        evidence: "service account".to_owned(),
        advice: None,
        can_be_spared: true,
        shares_user_with: Vec::new(),
        impersonated_users: Vec::new(),
    };
    let profiles: BTreeMap<String, ClientProfile> =
        scene.clients.iter().map(|client| (client.name.clone(), profile.clone())).collect();
    let measured = Measured {
        tally: &tally,
        episodes: &episodes,
        clients: &[],
        restarts: &[],
        rejections: &[],
        profiles: &profiles,
        from: None,
    };
    let thresholds = Thresholds::embedded();
    let findings = judge(measured, &thresholds);
    let peak = peak_of(&scene.clients);
    let peak = scene.growth.as_ref().map_or(peak, |growth| peak.capped(growth));
    let back_at = (scene.kind != MomentKind::Peak).then_some(MOMENT + 10 * SECOND);
    let moment = Moment { back_at, final_peak: Some(peak), ..Moment::without_end(scene.kind, MOMENT) };
    let rows = (
        scene.clients.iter().map(Client::load).collect::<Vec<_>>(),
        scene.clients.iter().map(Client::pressure).collect::<Vec<_>>(),
        scene.clients.iter().filter(|client| client.cut_off > 0).map(Client::cut_off).collect::<Vec<_>>(),
    );
    analyze_incident(&IncidentInput {
        moment: &moment,
        moments: std::slice::from_ref(&moment),
        findings: &findings,
        measured,
        pressure: &[],
        loads: &rows.0,
        at_peak: &rows.1,
        at_end: &[],
        cut_off: &rows.2,
        harmed: &[],
        returns: &[],
        growth: scene.growth.as_ref(),
        memory_limit: None,
        thresholds: &thresholds,
    })
}

fn culprits(incident: &Incident) -> Vec<&str> {
    let mut names: Vec<&str> = incident.culprits().iter().map(|culprit| culprit.client.as_str()).collect();
    names.sort_unstable();
    names
}

#[test]
fn equal_culprits_are_all_named_however_many_share_the_load() {
    let fleet = |count: usize| (0..count).map(|index| client(&format!("fleet-{index}"), 50.0, 12)).collect::<Vec<_>>();
    assert_eq!(culprits(&analyzed(&at_the_end_of(fleet(4)))).len(), 4);
    assert_eq!(culprits(&analyzed(&at_the_end_of(fleet(10)))).len(), 10, "a tenth each");
}

#[test]
fn who_held_next_to_nothing_is_neither_blamed_nor_advised() {
    let cart = client("cart", 0.2, 3);
    let fleet = Client { is_storming: false, ..client("fleet", 99.0, 12) };
    let incident = analyzed(&at_the_end_of(vec![cart.clone(), fleet]));
    assert_eq!(culprits(&incident), [""; 0]);
    assert!(incident.suspects.iter().all(|suspect| suspect.client != "cart" || suspect.role == Role::Bystander));
    assert_eq!(incident.first_step, Some(IncidentStep::LogRequestReceived), "not to stop cart");
    let beside = analyzed(&at_the_end_of(vec![cart, client("fleet", 99.0, 12)]));
    assert_eq!(culprits(&beside), ["fleet"]);
}

#[test]
fn the_first_step_goes_for_all_culprits() {
    let incident = analyzed(&at_the_end_of(vec![client("a", 50.0, 12), client("b", 45.0, 12)]));
    let Some(IncidentStep::StopClient { client, others, .. }) = &incident.first_step else {
        unreachable!("{:?}", incident.first_step)
    };
    assert_eq!((client.as_str(), others.as_slice()), ("a", &["b".to_owned()][..]));
}

#[test]
fn where_cut_off_lists_leave_no_line_who_comes_back_for_the_same_is_a_culprit_too() {
    let lead = Client { returned: 12, ..client("lead", 90.0, 12) };
    let same = Client { returned: 12, ..client("same", 3.0, 1) };
    let other = Client { resource: "pods", returned: 30, ..client("other", 3.0, 1) };
    let few = Client { returned: 3, ..client("few", 3.0, 1) };
    let calm = Client { is_storming: false, returned: 12, ..client("calm", 3.0, 1) };
    let scene = at_the_end_of(vec![lead, same, other, few, calm]);
    assert_eq!(culprits(&analyzed(&scene)), ["lead", "same"]);
    assert_eq!(
        culprits(&analyzed(&Scene { logs_received: true, ..scene.clone() })),
        ["lead"],
        "they would have a line"
    );
    assert_eq!(culprits(&analyzed(&Scene { kind: MomentKind::Peak, ..scene })), ["lead"], "nobody came back");
}

#[test]
fn most_of_unknown_size_is_ranked_by_time_in_flight() {
    let big = Client { each: known(1 << 30, 2 << 30), ..client("big", 10.0, 1) };
    let many = client("many", 90.0, 12);
    let incident = analyzed(&at_the_end_of(vec![big.clone(), many.clone()]));
    assert_eq!(incident.share_basis, ShareBasis::ListSeconds);
    assert_eq!(culprits(&incident), ["many"]);
    let small = Client { each: known(1 << 20, 2 << 20), ..many };
    let incident = analyzed(&at_the_end_of(vec![big, small]));
    assert_eq!(incident.share_basis, ShareBasis::Bytes);
    assert_eq!(culprits(&incident), ["big"]);
}

#[test]
fn an_estimate_from_nothing_to_gigabytes_is_never_certain() {
    let wide = Client { each: known(0, 185 << 30), ..client("wide", 90.0, 12) };
    let incident = analyzed(&Scene { kind: MomentKind::Peak, ..at_the_end_of(vec![wide.clone()]) });
    assert_eq!(incident.certainty, Certainty::Medium);
    assert!(incident.doubts.contains(&Doubt::SizeUnknown) && !incident.supports.contains(&Support::HeldEnough));
    let calm = Client { is_storming: false, ..wide };
    assert_eq!(analyzed(&Scene { kind: MomentKind::Peak, ..at_the_end_of(vec![calm]) }).certainty, Certainty::Low);
}

#[test]
fn measured_memory_that_contradicts_the_estimate_is_a_doubt_and_no_support() {
    let fleet = Client { each: known(100 << 20, 300 << 20), ..client("fleet", 90.0, 14) };
    let growth = MemoryGrowth {
        sample_count: 300,
        correlation: Some(-0.18),
        by_client_type: vec![("sdk".to_owned(), 0.9)],
        base_bytes: 430 << 20,
        rise_bytes: 600 << 20,
        at_most_bytes: Some(815 << 20),
        ..MemoryGrowth::default()
    };
    let incident = analyzed(&Scene { growth: Some(growth), ..at_the_end_of(vec![fleet]) });
    let has = |code: fn(&Doubt) -> bool| incident.doubts.iter().any(code);
    assert!(has(|doubt| matches!(doubt, Doubt::MemoryRoseFarLess { .. })), "{:?}", incident.doubts);
    assert!(has(|doubt| matches!(doubt, Doubt::MemoryDoesNotFollowEstimate { .. })));
    assert!(!incident.supports.contains(&Support::MemoryGrewWithItsLists), "{:?}", incident.supports);
    let held = incident.suspects[0].estimated_bytes.unwrap();
    assert_eq!(held, Bytes { low: 0, high: Some(815 << 20) });
}

/// A size of each list, from nothing known to exactly known.
fn sizes() -> impl Strategy<Value = Option<Bytes>> {
    let mega = 1_u64 << 20;
    prop_oneof![
        Just(None),
        (0..400 * mega, 0..4_000 * mega).prop_map(|(low, more)| Some(Bytes { low, high: Some(low + more) })),
        (0..40 * mega, 0..40 * mega).prop_map(|(low, more)| Some(Bytes { low, high: Some(low + more) })),
        (0..40 * mega).prop_map(|low| Some(Bytes { low, high: None })),
    ]
}

/// A part of what a size may be.
fn narrowed(size: Option<Bytes>, (from, to): (u64, u64)) -> Option<Bytes> {
    let Bytes { low, high } = size.unwrap_or(Bytes { low: 0, high: None });
    let high = high.unwrap_or(low + (2 << 30));
    let at = |part: u64| low + (high - low) / 1_000 * part;
    Some(Bytes { low: at(from.min(to)), high: Some(at(from.max(to))) })
}

fn scenes() -> impl Strategy<Value = Scene> {
    let clients = prop::collection::vec((1_u32..100, 0_u64..30, sizes(), any::<bool>(), 0_u64..4), 1..6);
    let kinds = prop_oneof![Just(MomentKind::Death), Just(MomentKind::PossibleDeath), Just(MomentKind::Peak)];
    (clients, kinds, any::<bool>()).prop_map(|(clients, kind, logs_received)| {
        let clients = clients.into_iter().enumerate().map(|(index, (secs, inflight, each, is_storming, cut_off))| {
            let name = format!("client-{index}");
            let cut_off = if logs_received && kind != MomentKind::Peak { cut_off } else { 0 };
            Client { each, is_storming, cut_off, ..client(&name, f64::from(secs), inflight) }
        });
        Scene { clients: clients.collect(), kind, logs_received, growth: None }
    })
}

fn growths() -> impl Strategy<Value = MemoryGrowth> {
    let mega = 1_u64 << 20;
    (100 * mega..800 * mega, 0..6_000 * mega, -100_i32..100, 0_u32..100, any::<bool>()).prop_map(
        |(base_bytes, rise_bytes, r, share, is_sampled)| MemoryGrowth {
            sample_count: 100,
            correlation: Some(f64::from(r) / 100.0),
            by_client_type: vec![("sdk".to_owned(), f64::from(share) / 100.0)],
            base_bytes,
            rise_bytes,
            at_most_bytes: is_sampled.then_some(rise_bytes + base_bytes / 2),
            ..MemoryGrowth::default()
        },
    )
}

/// Whether the upper bounds rule out that the culprits filled the server or had most of what was in flight, or contradict the
/// estimate.
fn is_ruled_out(incident: &Incident) -> bool {
    let rules_out = |doubt: &Doubt| {
        matches!(doubt, Doubt::HeldTooLittle { .. } | Doubt::OthersHadMoreInFlight | Doubt::MemoryRoseFarLess { .. })
    };
    incident.doubts.iter().any(rules_out)
}

proptest! {
    #[test]
    fn knowing_sizes_better_makes_a_verdict_no_less_sure(
        scene in scenes(),
        parts in prop::collection::vec((0_u64..=1_000, 0_u64..=1_000), 6),
    ) {
        let before = analyzed(&scene);
        let mut narrower = scene;
        for (client, part) in narrower.clients.iter_mut().zip(parts) {
            client.each = narrowed(client.each, part);
        }
        let after = analyzed(&narrower);
        if !before.culprits().is_empty() && culprits(&before) == culprits(&after) {
            prop_assert!(after.certainty >= before.certainty || is_ruled_out(&after), "{before:#?}\n{after:#?}");
        }
        if before.culprits().is_empty() && after.culprits().is_empty() {
            prop_assert!(after.certainty >= before.certainty, "{before:#?}\n{after:#?}");
        }
    }

    #[test]
    fn measured_memory_makes_a_verdict_no_less_sure(scene in scenes(), growth in growths()) {
        let without = analyzed(&scene);
        let with = analyzed(&Scene { growth: Some(growth), ..scene });
        prop_assert_eq!(culprits(&without), culprits(&with));
        prop_assert!(with.certainty >= without.certainty || is_ruled_out(&with), "{without:#?}\n{with:#?}");
    }

    #[test]
    fn nothing_is_certain_of_lists_of_unknown_size_that_left_no_line(scene in scenes()) {
        let mut scene = Scene { logs_received: false, ..scene };
        scene.clients.iter_mut().for_each(|client| (client.each, client.cut_off) = (None, 0));
        prop_assert!(analyzed(&scene).certainty < Certainty::High);
    }
}
