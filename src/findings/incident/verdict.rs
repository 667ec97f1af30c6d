//! The verdict as data: what speaks for it and against it, how sure it is, and what to do first.

use serde::Serialize;

use super::suspects::ratio;
use super::{CutOffVerb, IncidentInput, IncidentSuspect, MomentKind, Role};
use crate::audit::Stage;
use crate::findings::{Bytes, Finding};

/// How sure a verdict is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Certainty {
    /// It may as well be something else.
    Low,
    /// It is likely, but something that matters isn't known.
    Medium,
    /// Everything known points there.
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

/// What speaks for the main culprit being the one.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum Support {
    /// Lists of its own were cut off by the end.
    WasCutOff {
        /// Its lists that were cut off.
        own: u64,
        /// The cut-off lists of all clients.
        all: u64,
    },
    /// Measured memory grew most while its type of client had lists in flight.
    MemoryGrewWithItsLists,
    /// Measured memory follows the estimate.
    MemoryFollowsEstimate {
        /// Pearson's r, from -1 to 1.
        correlation: f64,
    },
    /// It had most of what was in flight.
    HadMostInFlight {
        /// Its share, from 0 to 1.
        share: f64,
    },
    /// What its lists held is enough to matter.
    HeldEnough,
    /// All lists together held a good part of the memory limit.
    NearMemoryLimit {
        /// The limit, in bytes.
        memory_limit: u64,
        /// The share of it that lists held at the last peak, middle of the estimate; above 1 if they held more.
        share: f64,
    },
    /// Which client it is, is certain.
    IdentityCertain,
}

/// What speaks against a verdict, or isn't known.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum Doubt {
    /// Measured memory didn't grow most while the culprit's type of client had lists in flight.
    MemoryDidNotGrowWithItsLists,
    /// Other clients together had more in flight than the culprit.
    OthersHadMoreInFlight,
    /// No event of the stage RequestReceived is logged, so lists in flight at the end left no line.
    RequestReceivedNotLogged,
    /// How much the culprit's lists held is unknown.
    SizeUnknown,
    /// No list is logged in the run-up.
    NoListInFlight,
    /// How much the lists held is unknown for some of them.
    SomeSizesUnknown,
    /// The culprit's lists in the log held too little to fill a server by themselves.
    HeldTooLittle {
        /// The high end of what they held, in bytes.
        high_bytes: u64,
    },
    /// The two ends of the estimate are far apart.
    RoughEstimate,
    /// Which client the culprit is, is only inferred.
    IdentityInferred {
        /// What from, as the client catalogue says it.
        evidence: String,
    },
}

/// What to do first.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum IncidentStep {
    /// Stop or scale down a client that the cluster can do without, then fix it.
    StopClient {
        /// The client.
        client: String,
        /// What it runs as.
        running_as: RunningAs,
        /// The finding whose first remedy, if it has one, fixes it: an index into the report's findings.
        finding: usize,
    },
    /// Fix a client.
    FixClient {
        /// The client.
        client: String,
        /// The finding whose first remedy fixes it: an index into the report's findings.
        finding: usize,
    },
    /// Have the stage RequestReceived of LISTs logged.
    LogRequestReceived,
}

/// The identity that a client runs as.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum RunningAs {
    /// A service account.
    ServiceAccount {
        /// Its namespace.
        namespace: String,
        /// Its name in the namespace.
        name: String,
    },
    /// Any other user.
    User {
        /// The user name.
        name: String,
    },
}

impl RunningAs {
    fn parse(user_name: &str) -> Self {
        let account = user_name.strip_prefix("system:serviceaccount:").and_then(|account| account.split_once(':'));
        match account {
            Some((namespace, name)) => Self::ServiceAccount { namespace: namespace.to_owned(), name: name.to_owned() },
            None => Self::User { name: user_name.to_owned() },
        }
    }
}

/// The verdict and its reasons.
pub(super) struct Judgement {
    pub(super) certainty: Certainty,
    pub(super) supports: Vec<Support>,
    pub(super) doubts: Vec<Doubt>,
    pub(super) first_step: Option<IncidentStep>,
}

pub(super) fn judge(input: &IncidentInput<'_>, suspects: &[IncidentSuspect]) -> Judgement {
    let culprit = suspects.iter().find(|suspect| suspect.role == Role::Culprit);
    let (supports, doubts) = match culprit {
        Some(culprit) => weigh_culprit(input, culprit),
        None => (Vec::new(), doubt_without_culprit(input)),
    };
    let certainty = rate_certainty(input, culprit, supports.len(), doubts.len());
    let to_blame = culprit.or_else(|| suspects.iter().find(|suspect| suspect.is_storming));
    Judgement { certainty, supports, doubts, first_step: choose_first_step(input, to_blame) }
}

/// At the client, or, where none stormed, at the audit policy.
fn choose_first_step(input: &IncidentInput<'_>, to_blame: Option<&IncidentSuspect>) -> Option<IncidentStep> {
    let Some(suspect) = to_blame else {
        return (input.moment.is_end() && !logs_request_received(input)).then_some(IncidentStep::LogRequestReceived);
    };
    let index = suspect.main_finding?;
    let finding = input.findings.get(index)?;
    let client = suspect.client.clone();
    match identity_to_stop(input, suspect, finding) {
        Some(running_as) => Some(IncidentStep::StopClient { client, running_as, finding: index }),
        None => (!finding.remedies.is_empty()).then_some(IncidentStep::FixClient { client, finding: index }),
    }
}

/// The identity to stop; `None` where the cluster would suffer, or the finding is not of this client alone.
fn identity_to_stop(input: &IncidentInput<'_>, suspect: &IncidentSuspect, finding: &Finding) -> Option<RunningAs> {
    input.measured.profiles.get(&suspect.client).filter(|profile| profile.can_be_spared)?;
    let user_name = finding.user_names.first().filter(|_| finding.culprit.client() == Some(suspect.client.as_str()))?;
    Some(RunningAs::parse(user_name))
}

fn logs_request_received(input: &IncidentInput<'_>) -> bool {
    input.measured.tally.stages[Stage::RequestReceived as usize] > 0
}

/// What speaks for and against the main culprit, each with what weighs most first.
fn weigh_culprit(input: &IncidentInput<'_>, culprit: &IncidentSuspect) -> (Vec<Support>, Vec<Doubt>) {
    let (mut supports, mut doubts) = (Vec::new(), Vec::new());
    if culprit.cut_off_lists > 0 {
        let lists = input.cut_off.iter().filter(|row| row.verb == CutOffVerb::List);
        supports.push(Support::WasCutOff { own: culprit.cut_off_lists, all: lists.map(|row| row.open_count).sum() });
    }
    weigh_measured_memory(input, culprit, &mut supports, &mut doubts);
    if culprit.share >= input.thresholds.incident.majority_share {
        supports.push(Support::HadMostInFlight { share: culprit.share });
    } else if culprit.share > 0.0 {
        doubts.push(Doubt::OthersHadMoreInFlight);
    }
    if input.moment.kind == MomentKind::Death && !logs_request_received(input) {
        doubts.push(Doubt::RequestReceivedNotLogged);
    }
    weigh_sizes(input, culprit, &mut supports, &mut doubts);
    if let Some(profile) = input.measured.profiles.get(&culprit.client) {
        if profile.confidence == "high" {
            supports.push(Support::IdentityCertain);
        } else {
            doubts.push(Doubt::IdentityInferred { evidence: profile.evidence.clone() });
        }
    }
    (supports, doubts)
}

fn weigh_measured_memory(
    input: &IncidentInput<'_>,
    culprit: &IncidentSuspect,
    supports: &mut Vec<Support>,
    doubts: &mut Vec<Doubt>,
) {
    let Some(growth) = input.growth else { return };
    let thresholds = &input.thresholds.incident;
    let is_its =
        |(client_type, share): &(String, f64)| *client_type == culprit.client_type && *share >= thresholds.growth_share;
    if growth.by_client_type.first().is_some_and(is_its) {
        supports.push(Support::MemoryGrewWithItsLists);
    } else {
        doubts.push(Doubt::MemoryDidNotGrowWithItsLists);
    }
    let agreeing = growth.correlation.filter(|r| *r >= thresholds.agreeing_correlation);
    supports.extend(agreeing.map(|correlation| Support::MemoryFollowsEstimate { correlation }));
}

fn weigh_sizes(
    input: &IncidentInput<'_>,
    culprit: &IncidentSuspect,
    supports: &mut Vec<Support>,
    doubts: &mut Vec<Doubt>,
) {
    let thresholds = &input.thresholds.incident;
    match culprit.estimated_bytes {
        None => doubts.push(Doubt::SizeUnknown),
        Some(Bytes { high: Some(high_bytes), .. }) if holds_too_little(input, culprit) => {
            doubts.push(Doubt::HeldTooLittle { high_bytes });
        }
        Some(bytes) => {
            supports.push(Support::HeldEnough);
            let rough = bytes.low.saturating_mul(input.thresholds.held.rough_ratio);
            if bytes.high.is_none_or(|high| high > rough) {
                doubts.push(Doubt::RoughEstimate);
            }
        }
    }
    if let (Some(memory_limit), Some(peak)) = (input.memory_limit, input.moment.final_peak) {
        let share = ratio(peak.middle(), memory_limit);
        if share >= thresholds.memory_limit_share {
            supports.push(Support::NearMemoryLimit { memory_limit, share });
        }
    }
}

/// Whether a client's lists, even by the high end of the estimate, held too little to fill a server by themselves.
fn holds_too_little(input: &IncidentInput<'_>, suspect: &IncidentSuspect) -> bool {
    let high = suspect.estimated_bytes.and_then(|bytes| bytes.high);
    high.is_some_and(|high| high < input.thresholds.held.warning_bytes)
}

fn doubt_without_culprit(input: &IncidentInput<'_>) -> Vec<Doubt> {
    let mut doubts = Vec::new();
    if !logs_request_received(input) {
        doubts.push(Doubt::RequestReceivedNotLogged);
    }
    match input.moment.final_peak {
        None => doubts.push(Doubt::NoListInFlight),
        Some(peak) if peak.unknown > 0 => doubts.push(Doubt::SomeSizesUnknown),
        Some(_) => {}
    }
    doubts
}

fn rate_certainty(
    input: &IncidentInput<'_>,
    culprit: Option<&IncidentSuspect>,
    supports: usize,
    doubts: usize,
) -> Certainty {
    let Some(culprit) = culprit else {
        let is_clear = doubts == 0 && input.moment.kind != MomentKind::Death;
        return if is_clear { Certainty::High } else { Certainty::Low };
    };
    let holds_too_little = holds_too_little(input, culprit);
    match (supports, doubts) {
        (3.., 0..=1) if !holds_too_little => Certainty::High,
        // Measured memory would show whose lists it grew with.
        _ if holds_too_little && input.growth.is_none() => Certainty::Low,
        (0..=1, _) => Certainty::Low,
        (2, 4..) => Certainty::Low,
        _ => Certainty::Medium,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn service_accounts_are_told_from_other_users() {
        let account = RunningAs::ServiceAccount { namespace: "acme".to_owned(), name: "sync".to_owned() };
        assert_eq!(RunningAs::parse("system:serviceaccount:acme:sync"), account);
        assert_eq!(RunningAs::parse("system:admin"), RunningAs::User { name: "system:admin".to_owned() });
    }
}
