//! The verdict in three sentences: what happened, who did it, how sure that is.

use serde::Serialize;

use super::suspects::{Role, Suspect};
use super::{Moment, MomentKind, Scene};
use crate::audit::Stage;
use crate::findings::thresholds::Thresholds;
use crate::findings::{Bytes, Finding, Kind, Severity};
use crate::units;

/// How sure a verdict is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Certainty {
    /// It may as well be something else.
    Low,
    /// It is likely, but something that matters isn't known.
    Medium,
    /// All that is known points there.
    High,
}

impl Certainty {
    /// Its name, as in the JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

/// The verdict and its reasons.
pub(super) struct Story {
    pub(super) certainty: Certainty,
    pub(super) supports: Vec<String>,
    pub(super) doubts: Vec<String>,
    pub(super) verdict: Vec<String>,
    pub(super) first_step: Option<String>,
}

/// An estimate whose ends are so far apart is a rough one.
const ROUGH: u64 = 5;
/// From so much on, measured memory and estimate go together.
const TOGETHER: f64 = 0.6;

pub(super) fn story(scene: &Scene<'_>, moments: &[Moment], suspects: &[Suspect]) -> Story {
    let culprits: Vec<&Suspect> = suspects.iter().filter(|suspect| suspect.role == Role::Culprit).collect();
    let storming: Vec<&Suspect> = suspects.iter().filter(|suspect| suspect.is_storming).collect();
    let of_what = match (culprits.as_slice(), storming.as_slice()) {
        ([], []) => "Confidence that no client is to blame",
        ([], _) => "Confidence that no one client is to blame",
        _ => "Confidence in that",
    };
    let (supports, doubts) = reasons(scene, &culprits);
    let certainty = certainty(scene, &culprits, supports.len(), doubts.len());
    let all_lists = suspects.iter().map(|suspect| suspect.inflight).sum();
    let verdict = vec![
        what(scene.moment, moments),
        who(scene, &culprits, &storming, all_lists),
        how_sure(of_what, certainty, &supports, &doubts),
    ];
    let to_blame = if culprits.is_empty() { &storming } else { &culprits };
    Story { certainty, supports, doubts, verdict, first_step: first_step(scene, to_blame) }
}

/// Lists that hold less than this at most fill no server's memory by themselves.
fn little_bytes() -> u64 {
    Thresholds::embedded().held.warning_bytes
}

/// What to do first: at the client, or, where none stormed, to the log.
fn first_step(scene: &Scene<'_>, culprits: &[&Suspect]) -> Option<String> {
    if let Some(first) = culprits.first() {
        let finding = told_by(scene, first)?;
        let Some(stop) = stop(scene, first, finding) else {
            return finding.first_step(&first.client);
        };
        let named = format!("{}: ", first.client);
        let mend = finding.remedies.first().map(|remedy| remedy.strip_prefix(&named).unwrap_or(remedy));
        return Some(mend.map_or_else(|| stop.clone(), |mend| format!("{stop}; to mend it: {mend}")));
    }
    let is_dead = matches!(scene.moment.kind, MomentKind::Death | MomentKind::PossibleDeath);
    (is_dead && !logs_received(scene)).then(|| {
        "have RequestReceived of LISTs logged, so that those in flight at the next end leave a line (the policy is below)"
            .to_owned()
    })
}

/// How to stop a culprit now; `None` where the cluster would suffer, or nobody knows who it is.
fn stop(scene: &Scene<'_>, culprit: &Suspect, finding: &Finding) -> Option<String> {
    scene.measured.notes.get(&culprit.client).filter(|note| note.can_be_spared)?;
    let user = finding.user_names.first().filter(|_| finding.client == culprit.client)?;
    let account = user.strip_prefix("system:serviceaccount:").and_then(|account| account.split_once(':'));
    let who = match account {
        Some((namespace, name)) => format!("service account {namespace}/{name}"),
        None => format!("user {user}"),
    };
    Some(format!("stop or scale down what runs as {who}, if it can be spared"))
}

fn logs_received(scene: &Scene<'_>) -> bool {
    scene.measured.tally.stages[Stage::RequestReceived as usize] > 0
}

/// What happened.
fn what(moment: &Moment, moments: &[Moment]) -> String {
    let server = match &moment.apiserver {
        Some(name) => format!("The apiserver {name}"),
        None => "The apiserver".to_owned(),
    };
    let at = units::second(moment.at);
    match moment.kind {
        MomentKind::Death => {
            let back = moment.away_micros().map(|away| format!(", and was back {} later", units::span(away)));
            format!(
                "{server} died at {at} without shutting down{}{}; no audit log shows what killed it.",
                back.unwrap_or_default(),
                once_more(moment, moments)
            )
        }
        MomentKind::PossibleDeath => format!(
            "{server} may have died at {at}, but a missing piece of its log would look the same ({}).",
            moment.reason
        ),
        MomentKind::Peak => format!("No apiserver died in these logs; LISTs held most at {at}."),
        MomentKind::Asked => format!("No apiserver died within a minute of {at}, the time asked for."),
    }
}

/// That there are other such ends in the logs, and when the first few were.
fn once_more(moment: &Moment, moments: &[Moment]) -> String {
    const NAMED: usize = 3;
    let mut others: Vec<i64> = moments
        .iter()
        .filter(|other| other.kind == MomentKind::Death && other.at != moment.at)
        .map(|other| other.at)
        .collect();
    others.sort_unstable();
    let named: Vec<String> = others.iter().take(NAMED).map(|at| units::second(*at)).collect();
    let more = others.len().saturating_sub(NAMED);
    match (named.as_slice(), more) {
        ([], _) => String::new(),
        (named, 0) => format!(" (these logs have another such end, at {})", named.join(" and ")),
        (named, more) => format!(" (other such ends: {}, and {more} more)", named.join(", ")),
    }
}

/// Who did it.
fn who(scene: &Scene<'_>, culprits: &[&Suspect], storming: &[&Suspect], all_lists: u64) -> String {
    let is_dead = matches!(scene.moment.kind, MomentKind::Death | MomentKind::PossibleDeath);
    let Some(first) = culprits.first() else {
        return nobody(scene, storming, is_dead);
    };
    let names: Vec<String> =
        culprits.iter().map(|culprit| format!("{} (type {})", culprit.client, culprit.client_type)).collect();
    let verb = match (is_dead, culprits.len()) {
        (true, 1) => "The likely culprit is",
        (true, _) => "The likely culprits are",
        (false, _) => "Most of it was",
    };
    let did = told_by(scene, first).map(deed).unwrap_or_default();
    let what = first.resources.first().map(|resource| format!(" of {resource}")).unwrap_or_default();
    let of_all = format!("{} of the {} LISTs", units::count(first.inflight), units::count(all_lists));
    let held = match (first.inflight, first.estimated_bytes) {
        (0, _) => format!("{} of its LISTs{what} came in the last minute", units::count(first.recent_lists)),
        (_, None) => format!("{of_all} in flight at the last logged peak were its LISTs{what}, of unknown size"),
        (_, Some(bytes)) => format!(
            "{of_all} in flight at the last logged peak were its LISTs{what}, holding an estimated {}, {} of what those in flight held",
            bytes.words(),
            units::share(first.share)
        ),
    };
    format!("{verb} {}: {did}{held}.", names.join(", "))
}

fn nobody(scene: &Scene<'_>, storming: &[&Suspect], is_dead: bool) -> String {
    let held = match scene.moment.final_peak {
        None => "no LIST was in flight in the two minutes before".to_owned(),
        Some(peak) if peak.estimated_bytes.is_none() => {
            format!(
                "{} LISTs of unknown size were in flight at once in the two minutes before",
                units::count(peak.inflight)
            )
        }
        Some(peak) => {
            format!("the LISTs in flight in the two minutes before held an estimated {} at the peak", peak.words())
        }
    };
    if !storming.is_empty() {
        format!("{}; {held}.", many(storming))
    } else if is_dead {
        format!("No client stormed when it was, as far as the log tells: {held}, so LISTs don't explain this end.")
    } else {
        format!("No client stormed then: {held}.")
    }
}

/// That clients stormed, of whom none held a good part.
fn many(storming: &[&Suspect]) -> String {
    const NAMED: usize = 3;
    let named: Vec<String> = storming
        .iter()
        .take(NAMED)
        .map(|suspect| format!("{} ({})", suspect.client, units::share(suspect.share)))
        .collect();
    let more = match storming.len().saturating_sub(NAMED) {
        0 => String::new(),
        count => format!(" and {count} more"),
    };
    let clients = match storming.len() {
        1 => "One client stormed, but had less than a fifth of what LISTs held".to_owned(),
        count => format!("{count} clients stormed, but none had a fifth of what LISTs held"),
    };
    format!("{clients}: {}{more}", named.join(", "))
}

/// What a finding says that a client did, in a few words.
fn deed(finding: &Finding) -> String {
    let long = units::span((finding.ended_at - finding.started_at) / 1_000_000 * 1_000_000);
    let instances = units::count(finding.instances);
    let of = if finding.instances == 1 { "one instance".to_owned() } else { format!("{instances} instances") };
    match finding.kind {
        Kind::ListLoop => format!("{of} repeated the same LIST for {long}; "),
        Kind::RetryLoop => format!("{of} tried failed LISTs again at once for {long}; "),
        Kind::RelistHerd => format!("{of} listed at once, within {long}; "),
        Kind::PageStorm => format!("{of} read pages on end for {long}; "),
        Kind::UnpaginatedList => format!("{of} read whole collections without pages for {long}; "),
        Kind::RestartHerd => "it came back with all others after a start; ".to_owned(),
        _ => String::new(),
    }
}

/// The finding that tells best what a culprit did.
fn told_by<'s>(scene: &Scene<'s>, culprit: &Suspect) -> Option<&'s Finding> {
    culprit.findings.iter().map(|place| &scene.findings[*place]).min_by_key(|finding| rank(finding))
}

/// Which of a culprit's findings tells best what it did: loops and herds before piles, and the worst of those.
fn rank(finding: &Finding) -> (u8, std::cmp::Reverse<Severity>) {
    let kind = match finding.kind {
        Kind::ListLoop | Kind::RelistHerd | Kind::PageStorm | Kind::RetryLoop => 0,
        Kind::RestartHerd | Kind::UnpaginatedList => 1,
        _ => 2,
    };
    (kind, std::cmp::Reverse(finding.severity))
}

/// What speaks for the verdict, and what against it, each with what weighs most first.
fn reasons(scene: &Scene<'_>, culprits: &[&Suspect]) -> (Vec<String>, Vec<String>) {
    let (mut supports, mut doubts) = (Vec::new(), Vec::new());
    let is_dead = scene.moment.kind == MomentKind::Death;
    let Some(first) = culprits.first() else {
        return (supports, no_culprit(scene));
    };
    if first.cut_off_lists > 0 {
        let all: u64 = scene.cut_off.iter().filter(|row| row.verb == "list").map(|row| row.open_count).sum();
        let of = if all == first.cut_off_lists { "all".to_owned() } else { units::count(first.cut_off_lists) };
        supports.push(format!("{of} of the {} LISTs that were cut off were its own", units::count(all)));
    }
    measured(scene, first, &mut supports, &mut doubts);
    if first.share >= 0.5 {
        supports.push(format!("it had most of what was in flight ({})", units::share(first.share)));
    } else if first.share > 0.0 {
        doubts.push("others had more in flight than it".to_owned());
    }
    if is_dead && !logs_received(scene) {
        doubts.push("LISTs in flight at the end left no line, as the audit policy omits RequestReceived".to_owned());
    }
    sizes(scene, first, &mut supports, &mut doubts);
    if let Some(note) = scene.measured.notes.get(&first.client) {
        if note.confidence == "high" {
            supports.push("who it is, is certain".to_owned());
        } else {
            doubts.push(format!("it is known only by {}", evidence(&note.evidence)));
        }
    }
    (supports, doubts)
}

fn sizes(scene: &Scene<'_>, first: &Suspect, supports: &mut Vec<String>, doubts: &mut Vec<String>) {
    match first.estimated_bytes {
        None => doubts.push("how much its LISTs held is unknown (see --metrics and --resource)".to_owned()),
        Some(Bytes { high: Some(high), .. }) if high < little_bytes() => {
            doubts.push(format!(
                "its LISTs in the log held {} at most, too little to fill a server by themselves",
                units::bytes(high)
            ));
        }
        Some(bytes) => {
            supports.push("what its LISTs held is enough to matter".to_owned());
            if bytes.high.is_none_or(|high| high > bytes.low.saturating_mul(ROUGH)) {
                doubts.push("the estimate is rough (see --metrics, --resource and --kube-version)".to_owned());
            }
        }
    }
    if let (Some(limit), Some(peak)) = (scene.memory_limit, scene.moment.final_peak)
        && peak.middle() >= limit / 2
    {
        supports.push(format!("LISTs held half of the limit of {} or more", units::bytes(limit)));
    }
}

fn measured(scene: &Scene<'_>, first: &Suspect, supports: &mut Vec<String>, doubts: &mut Vec<String>) {
    let Some(growth) = scene.growth else { return };
    let most = growth.by_client_type.first();
    if most.is_some_and(|(client_type, share)| *client_type == first.client_type && *share >= 0.3) {
        supports.push("the measured memory grew most while its type of client had LISTs in flight".to_owned());
    } else {
        doubts.push("the measured memory doesn't grow with its LISTs".to_owned());
    }
    match growth.correlation {
        Some(r) if r >= TOGETHER => supports.push(format!("measured memory and estimate go together (r = {r:.2})")),
        _ => {}
    }
}

fn no_culprit(scene: &Scene<'_>) -> Vec<String> {
    let mut doubts = Vec::new();
    if !logs_received(scene) {
        doubts
            .push("LISTs in flight at the end would have left no line, as the policy omits RequestReceived".to_owned());
    }
    if scene.moment.final_peak.is_none_or(|peak| peak.unknown > 0) {
        doubts.push("how big LISTs were is not known of all (see --metrics and --resource)".to_owned());
    }
    doubts
}

fn certainty(scene: &Scene<'_>, culprits: &[&Suspect], supports: usize, doubts: usize) -> Certainty {
    let is_dead = scene.moment.kind == MomentKind::Death;
    if culprits.is_empty() {
        return if doubts == 0 && !is_dead { Certainty::High } else { Certainty::Low };
    }
    let is_little =
        culprits[0].estimated_bytes.is_some_and(|bytes| bytes.high.is_some_and(|high| high < little_bytes()));
    match (supports, doubts) {
        (3.., 0..=1) if !is_little => Certainty::High,
        // Memory that was measured would say who grew it.
        _ if is_little && scene.growth.is_none() => Certainty::Low,
        (0..=1, _) => Certainty::Low,
        (2, 4..) => Certainty::Low,
        _ => Certainty::Medium,
    }
}

fn how_sure(of_what: &str, certainty: Certainty, supports: &[String], doubts: &[String]) -> String {
    /// More of either are further down in the report.
    const TOLD: usize = 2;
    let some = |heading: &str, reasons: &[String]| {
        let told = reasons.iter().take(TOLD).cloned().collect::<Vec<_>>().join("; ");
        if told.is_empty() { String::new() } else { format!(" {heading}: {told}.") }
    };
    let name = certainty.name();
    match (supports, doubts) {
        ([], []) => format!("{of_what} is {name}: the log shows all that it can."),
        (supports, doubts) => {
            format!("{of_what} is {name}.{}{}", some("For that", supports), some("Against that", doubts))
        }
    }
}

fn evidence(evidence: &str) -> String {
    evidence.split(';').next().unwrap_or(evidence).to_owned()
}
