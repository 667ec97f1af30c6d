//! The verdict as data: what speaks for it and against it, how sure it is, and what to do first.

use super::certainty::{Absence, Evidence};
use super::growth::cap;
use super::reasons::{Doubt, IncidentStep, RunningAs, Support};
use super::shares::{self, Load, ratio};
use super::{Certainty, IncidentInput, IncidentSuspect, MemoryGrowth, MomentKind, Role};
use crate::findings::{Bytes, Finding};

/// The verdict and its reasons.
pub(super) struct Judgement {
    pub(super) certainty: Certainty,
    pub(super) supports: Vec<Support>,
    pub(super) doubts: Vec<Doubt>,
    pub(super) first_step: Option<IncidentStep>,
}

pub(super) fn judge(input: &IncidentInput<'_>, suspects: &[IncidentSuspect]) -> Judgement {
    let culprits: Vec<&IncidentSuspect> = suspects.iter().filter(|suspect| suspect.role == Role::Culprit).collect();
    let (supports, doubts, certainty) = match culprits.first() {
        Some(main) => weigh_culprits(input, &culprits, main),
        None => {
            let doubts = doubt_without_culprit(input);
            let certainty = rate_absence(input, suspects, &doubts).certainty();
            (Vec::new(), doubts, certainty)
        }
    };
    Judgement { certainty, supports, doubts, first_step: choose_first_step(input, suspects, &culprits) }
}

/// At the main culprit, or else at who stormed with a good part of what was in flight, or at the audit policy.
fn choose_first_step(
    input: &IncidentInput<'_>,
    suspects: &[IncidentSuspect],
    culprits: &[&IncidentSuspect],
) -> Option<IncidentStep> {
    let least = input.thresholds.incident.contributor_share;
    let storming = suspects.iter().filter(|suspect| suspect.is_storming && suspect.share >= least);
    let Some(suspect) = culprits.iter().copied().chain(storming).next() else {
        return (input.moment.is_end() && !input.logs_request_received()).then_some(IncidentStep::LogRequestReceived);
    };
    let index = suspect.main_finding?;
    let finding = input.findings.get(index)?;
    let client = suspect.client.clone();
    match identity_to_stop(input, suspect, finding) {
        Some(running_as) => {
            let others = culprits.iter().filter(|other| other.client != client);
            let others = others.map(|other| other.client.clone()).collect();
            Some(IncidentStep::StopClient { client, running_as, finding: index, others })
        }
        None => (!finding.remedies.is_empty()).then_some(IncidentStep::FixClient { client, finding: index }),
    }
}

/// The identity to stop; `None` where the cluster would suffer, or the finding is not of this client alone.
fn identity_to_stop(input: &IncidentInput<'_>, suspect: &IncidentSuspect, finding: &Finding) -> Option<RunningAs> {
    input.measured.profiles.get(&suspect.client).filter(|profile| profile.can_be_spared)?;
    let user_name = finding.user_names.first().filter(|_| finding.culprit.client() == Some(suspect.client.as_str()))?;
    Some(RunningAs::parse(user_name))
}

/// What speaks for and against the culprits, each with what weighs most first, and how sure that is.
fn weigh_culprits(
    input: &IncidentInput<'_>,
    culprits: &[&IncidentSuspect],
    main: &IncidentSuspect,
) -> (Vec<Support>, Vec<Doubt>, Certainty) {
    let (mut supports, mut doubts) = (Vec::new(), Vec::new());
    let mut evidence = Evidence {
        sees_moment: !input.moment.is_end() || input.logs_request_received(),
        ..weigh_sizes(input, culprits, &mut supports, &mut doubts)
    };
    let own: u64 = culprits.iter().map(|culprit| culprit.cut_off_lists).sum();
    if own > 0 {
        let lists = input.cut_off.iter().filter(|row| row.verb.reads_collection());
        let all = lists.map(|row| row.open_count).sum();
        evidence.was_cut_off = 2 * own >= all;
        supports.insert(0, Support::WasCutOff { own, all });
    }
    evidence.is_measured = weigh_measured_memory(input, culprits, &mut supports, &mut doubts);
    evidence.had_most = had_most(input, culprits);
    let share: f64 = culprits.iter().map(|culprit| culprit.share).sum();
    if evidence.had_most {
        supports.push(Support::HadMostInFlight { share });
    } else if share > 0.0 {
        doubts.push(Doubt::OthersHadMoreInFlight);
    }
    if input.moment.kind == MomentKind::Death && !input.logs_request_received() {
        doubts.push(Doubt::RequestReceivedNotLogged);
    }
    let profiles = culprits.iter().filter_map(|culprit| input.measured.profiles.get(&culprit.client));
    evidence.is_identified =
        profiles.clone().count() == culprits.len() && profiles.clone().all(|one| one.confidence == "high");
    if evidence.is_identified {
        supports.push(Support::IdentityCertain);
    } else if let Some(profile) = input.measured.profiles.get(&main.client).filter(|one| one.confidence != "high") {
        doubts.push(Doubt::IdentityInferred { evidence: profile.evidence.clone() });
    }
    supports.sort_by_key(Support::rank);
    doubts.sort_by_key(Doubt::rank);
    (supports, doubts, evidence.certainty())
}

/// Whether the culprits together had most of what was in flight near the moment.
fn had_most(input: &IncidentInput<'_>, culprits: &[&IncidentSuspect]) -> bool {
    let here = input.loads.iter().filter(|row| row.apiserver == input.moment.apiserver);
    let (own, others): (Vec<_>, Vec<_>) = here.partition(|row| {
        culprits.iter().any(|culprit| (&culprit.client_type, &culprit.client) == (&row.client_type, &row.client))
    });
    Load::of_rows(&own).has_share(input.thresholds.incident.majority_share, Load::of_rows(&others))
}

/// What measured memory says against the estimate; nothing if it has no samples to say it with.
fn contradictions(input: &IncidentInput<'_>, growth: &MemoryGrowth) -> Vec<Doubt> {
    let mut doubts = Vec::new();
    let bytes = input.moment.final_peak.and_then(|peak| peak.uncapped_bytes.or(peak.estimated_bytes));
    let far_below = input.thresholds.incident.far_below_ratio;
    if let (Some(bytes), Some(most)) = (bytes, growth.at_most_bytes)
        && (most < bytes.low || shares::float(growth.rise_bytes) < far_below * shares::float(bytes.low))
    {
        doubts.push(Doubt::MemoryRoseFarLess { rise_bytes: growth.rise_bytes, low_bytes: bytes.low });
    }
    let opposed = growth.correlation.filter(|correlation| *correlation <= 0.0);
    doubts.extend(opposed.map(|correlation| Doubt::MemoryDoesNotFollowEstimate { correlation }));
    doubts
}

/// Whether measured memory agrees. What contradicts the estimate is never a support.
fn weigh_measured_memory(
    input: &IncidentInput<'_>,
    culprits: &[&IncidentSuspect],
    supports: &mut Vec<Support>,
    doubts: &mut Vec<Doubt>,
) -> bool {
    let Some(growth) = input.growth else { return false };
    let thresholds = &input.thresholds.incident;
    let against = contradictions(input, growth);
    let is_contradicted = !against.is_empty();
    doubts.extend(against);
    let is_own = |client_type: &str| culprits.iter().any(|culprit| culprit.client_type == client_type);
    let own: f64 = growth.by_client_type.iter().filter(|(name, _)| is_own(name)).map(|(_, share)| share).sum();
    let grew = growth.by_client_type.first().is_some_and(|(name, _)| is_own(name)) && own >= thresholds.growth_share;
    if !grew {
        doubts.push(Doubt::MemoryDidNotGrowWithItsLists);
    }
    let agreeing = growth.correlation.filter(|r| *r >= thresholds.agreeing_correlation);
    if is_contradicted {
        return false;
    }
    supports.extend(grew.then_some(Support::MemoryGrewWithItsLists));
    supports.extend(agreeing.map(|correlation| Support::MemoryFollowsEstimate { correlation }));
    let follows = growth.correlation.is_some_and(|r| r >= thresholds.loose_correlation);
    let rose = growth.at_most_bytes.is_some() && growth.rise_bytes >= input.thresholds.held.warning_bytes;
    grew && (agreeing.is_some() || (follows && rose))
}

/// What the culprits' lists held at the last peak; `None` where no size is known. The high end is `None` where that of any is.
fn held_together(input: &IncidentInput<'_>, culprits: &[&IncidentSuspect]) -> Option<Bytes> {
    let known = culprits.iter().filter_map(|culprit| culprit.estimated_bytes);
    let sum = known.reduce(|one, other| Bytes {
        low: one.low.saturating_add(other.low),
        high: one.high.zip(other.high).map(|(one, other)| one.saturating_add(other)),
    })?;
    let has_unknown = culprits.iter().any(|culprit| culprit.unknown > 0);
    let sum = if has_unknown { Bytes { high: None, ..sum } } else { sum };
    let most = input.growth.and_then(|growth| growth.at_most_bytes);
    Some(most.map_or(sum, |most| cap(sum, most)))
}

fn weigh_sizes(
    input: &IncidentInput<'_>,
    culprits: &[&IncidentSuspect],
    supports: &mut Vec<Support>,
    doubts: &mut Vec<Doubt>,
) -> Evidence {
    let mut evidence = Evidence::default();
    let thresholds = &input.thresholds.incident;
    let warning = input.thresholds.held.warning_bytes;
    match held_together(input, culprits) {
        Some(Bytes { low, .. }) if low >= warning => {
            evidence.held_enough = true;
            supports.push(Support::HeldEnough);
        }
        Some(Bytes { high: Some(high_bytes), .. }) if high_bytes < warning => {
            evidence.held_too_little = true;
            doubts.push(Doubt::HeldTooLittle { high_bytes });
        }
        Some(bytes) if !bytes.is_unknown() => {
            let rough = bytes.low.saturating_mul(input.thresholds.held.rough_ratio);
            doubts.extend(bytes.high.is_none_or(|high| high > rough).then_some(Doubt::RoughEstimate));
        }
        Some(_) | None => doubts.push(Doubt::SizeUnknown),
    }
    let held = input.moment.final_peak.and_then(|peak| peak.estimated_bytes);
    if let (Some(memory_limit), Some(bytes)) = (input.memory_limit, held) {
        let share = ratio(bytes.low, memory_limit);
        if share >= thresholds.memory_limit_share {
            evidence.is_near_limit = true;
            supports.push(Support::NearMemoryLimit { memory_limit, share });
        }
    }
    evidence
}

fn doubt_without_culprit(input: &IncidentInput<'_>) -> Vec<Doubt> {
    let mut doubts = Vec::new();
    if !input.measured.tally.has_request_ends() {
        return vec![Doubt::EndsNotLogged];
    }
    if input.moment.is_end() && !input.logs_request_received() {
        doubts.push(Doubt::RequestReceivedNotLogged);
    }
    match input.moment.final_peak {
        None => doubts.push(Doubt::NoListInFlight),
        Some(peak) if peak.unknown > 0 => doubts.push(Doubt::SomeSizesUnknown),
        Some(peak) if !peak.is_known() => doubts.push(Doubt::SizeUnknown),
        Some(_) => {}
    }
    doubts.extend(input.growth.map(|growth| contradictions(input, growth)).unwrap_or_default());
    doubts.sort_by_key(Doubt::rank);
    doubts
}

/// What is known where nobody is to blame.
fn rate_absence(input: &IncidentInput<'_>, suspects: &[IncidentSuspect], doubts: &[Doubt]) -> Absence {
    let peak = input.moment.final_peak;
    let high = peak.filter(|peak| peak.unknown == 0).and_then(|peak| peak.estimated_bytes?.high);
    Absence {
        is_death: input.moment.kind == MomentKind::Death,
        sees_moment: !doubts.contains(&Doubt::EndsNotLogged)
            && !doubts.contains(&Doubt::RequestReceivedNotLogged)
            && peak.is_some(),
        has_storm: suspects.iter().any(|suspect| suspect.is_storming),
        is_known: peak.is_some_and(|peak| peak.unknown == 0 && peak.is_known()),
        is_harmless: high.is_some_and(|high| high < input.thresholds.held.warning_bytes),
    }
}
