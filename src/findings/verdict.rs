//! What all findings together come to: who is to blame, and how sure that is; and what the log can't show.

use serde::{Serialize, Serializer};

use super::culprit::Culprit;
use super::finding::{Bytes, Finding, Kind, as_instant, as_maybe_instant};
use super::severity::Severity;
use super::{ClientProfile, Coverage, Measured, Thresholds, Visibility};
use crate::audit::Micros;

/// What happened, who did it, how sure that is.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Verdict {
    /// When apiservers died, in order.
    pub deaths: Vec<Death>,
    /// Audit events that were read.
    pub event_count: u64,
    /// The storm to blame; `None` if no finding about clients is a warning or worse.
    pub storm: Option<StormVerdict>,
    /// What the log can show at all.
    pub visibility: Visibility,
}

/// The end of an apiserver.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Death {
    /// Its last sign of life: it died between this and `back_at`.
    #[serde(serialize_with = "as_instant")]
    pub at: Micros,
    /// The first request of the server after it; `None` where it didn't come back.
    #[serde(serialize_with = "as_maybe_instant")]
    pub back_at: Option<Micros>,
    /// The last request that this server marked as served while it was starting; `None` where it marked none.
    #[serde(serialize_with = "as_maybe_instant")]
    pub ready_at: Option<Micros>,
    /// The apiserver; `None` where the log names none.
    pub apiserver: Option<String>,
}

/// The storm to blame. In JSON, findings are named by what finds them in the list: kind, clients, resource and start.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StormVerdict {
    /// The finding that was going on when a server died, else the worst.
    #[serde(serialize_with = "as_reference")]
    pub culprit: Box<Finding>,
    /// The first herd after the first death; `None` where there is none, or it is the culprit.
    #[serde(serialize_with = "as_maybe_reference")]
    pub herd: Option<Box<Finding>>,
    /// Further findings about clients that are a warning or worse.
    pub more: usize,
    /// What the culprit's name is based on; `None` where it is many clients, or nothing is known of it.
    pub evidence: Option<ClientEvidence>,
    /// What is known of the memory that the culprit held.
    pub size_basis: SizeBasis,
}

/// What a client's name is based on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ClientEvidence {
    /// How far the name can be trusted: high, medium or low.
    pub confidence: &'static str,
    /// The strongest evidence for it.
    pub strongest: String,
}

/// What is known of the memory that a finding held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SizeBasis {
    /// A range whose ends are near each other.
    Estimate,
    /// A range whose ends are far apart.
    RoughEstimate,
    /// What the kind of finding costs is not in any log.
    NotLogged,
    /// Nothing tells how big the responses are, or no better than by a factor of ten.
    Unknown,
}

/// Sums up findings, the worst first.
pub fn reach_verdict(
    findings: &[Finding],
    measured: Measured<'_>,
    visibility: Visibility,
    thresholds: &Thresholds,
) -> Verdict {
    let is_death = |finding: &&Finding| !finding.is_storm() && finding.severity == Severity::Critical;
    let death = |finding: &Finding| Death {
        at: finding.started_at,
        back_at: finding.back_at,
        ready_at: finding.ready_at,
        apiserver: finding.apiserver.clone(),
    };
    let mut deaths: Vec<Death> = findings.iter().filter(is_death).map(death).collect();
    deaths.sort_unstable();
    let storm = blame(findings, &deaths, thresholds).map(|(culprit, herd, more)| StormVerdict {
        evidence: culprit.culprit.client().and_then(|client| measured.profiles.get(client)).map(evidence),
        size_basis: size_basis(culprit, thresholds),
        culprit: Box::new(culprit.clone()),
        herd: herd.map(|herd| Box::new(herd.clone())),
        more,
    });
    Verdict { deaths, event_count: measured.tally.events(), storm, visibility }
}

/// The culprit, the herd that followed, and how many more loud storms there are; `None` if there is no loud storm.
fn blame<'f>(
    findings: &'f [Finding],
    deaths: &[Death],
    thresholds: &Thresholds,
) -> Option<(&'f Finding, Option<&'f Finding>, usize)> {
    let storms: Vec<&Finding> =
        findings.iter().filter(|finding| finding.is_storm() && finding.severity >= Severity::Warning).collect();
    let worst = *storms.first()?;
    // What ended shortly before a server did was going on when it did: its last LISTs are not in the log.
    let is_at_death = |finding: &Finding| {
        let before = |death: &Death| super::episode::secs(death.at - finding.ended_at);
        deaths.iter().any(|death| finding.started_at <= death.at && before(death) <= thresholds.server_end.before_secs)
    };
    let mut others = storms.iter().copied().filter(|finding| finding.kind != Kind::RestartHerd);
    let culprit = others.clone().find(|finding| is_at_death(finding)).or_else(|| others.next()).unwrap_or(worst);
    let first_death = deaths.first().map(|death| death.at);
    let herd = storms
        .iter()
        .copied()
        .filter(|finding| finding.kind == Kind::RestartHerd && *finding != culprit)
        .filter(|herd| first_death.is_none_or(|death| herd.started_at >= death))
        .min_by_key(|herd| herd.started_at);
    let more = storms.len() - 1 - usize::from(herd.is_some());
    Some((culprit, herd, more))
}

fn evidence(profile: &ClientProfile) -> ClientEvidence {
    let strongest = profile.evidence.split(';').next().unwrap_or(&profile.evidence).to_owned();
    ClientEvidence { confidence: profile.confidence, strongest }
}

fn size_basis(culprit: &Finding, thresholds: &Thresholds) -> SizeBasis {
    let ratio = thresholds.held.rough_ratio;
    match culprit.estimated_bytes {
        Some(bytes) if bytes.is_unknown() => SizeBasis::Unknown,
        Some(bytes) if bytes.high.is_none_or(|high| high > bytes.low.saturating_mul(ratio)) => SizeBasis::RoughEstimate,
        Some(_) => SizeBasis::Estimate,
        None if !culprit.kind.holds_collections() => SizeBasis::NotLogged,
        None => SizeBasis::Unknown,
    }
}

/// Something that the log could not show.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum BlindSpot {
    /// A limit of what was logged.
    Coverage {
        /// The limit.
        limit: Coverage,
    },
    /// Findings of LISTs of unknown size.
    UnknownSizes {
        /// How many findings.
        findings: usize,
    },
    /// Only a part of the log was read, so that sizes, clients and versions are those of that part.
    PartOfLog,
}

/// What the log can't show, as far as it matters to the findings.
pub fn blind_spots(coverage: &[Coverage], findings: &[Finding]) -> Vec<BlindSpot> {
    let limits = coverage.iter().filter(|one| one.is_limit());
    let mut spots: Vec<BlindSpot> = limits.map(|limit| BlindSpot::Coverage { limit: limit.clone() }).collect();
    let is_unknown = |finding: &&Finding| {
        finding.estimated_bytes.is_none_or(Bytes::is_unknown)
            && (finding.peak_concurrency.is_some() || finding.kind == Kind::ListPileup)
    };
    let unknown = findings.iter().filter(is_unknown).count();
    if unknown > 0 {
        spots.push(BlindSpot::UnknownSizes { findings: unknown });
    }
    spots
}

/// What finds a finding in the list of all.
#[derive(Serialize)]
struct Reference<'f> {
    kind: Kind,
    #[serde(flatten)]
    culprit: &'f Culprit,
    resource: Option<&'f str>,
    #[serde(serialize_with = "as_instant")]
    started_at: Micros,
}

impl<'f> Reference<'f> {
    fn new(finding: &'f Finding) -> Self {
        Self {
            kind: finding.kind,
            culprit: &finding.culprit,
            resource: finding.resource.as_deref(),
            started_at: finding.started_at,
        }
    }
}

fn as_reference<S: Serializer>(finding: &Finding, serializer: S) -> Result<S::Ok, S::Error> {
    Reference::new(finding).serialize(serializer)
}

#[expect(clippy::ref_option, reason = "serde passes a reference to the field")]
fn as_maybe_reference<S: Serializer>(finding: &Option<Box<Finding>>, serializer: S) -> Result<S::Ok, S::Error> {
    finding.as_deref().map(Reference::new).serialize(serializer)
}
