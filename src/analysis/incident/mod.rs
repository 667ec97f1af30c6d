//! What ended an apiserver, or what any other moment was like: who held its memory, who came back, who suffered.

mod gather;
mod measured;
mod report;
mod traffic;

use std::time::Duration;

pub use report::{IncidentNote, IncidentReport, MemoryFacts};

use super::nearest_end::nearest_end;
use super::propose::{ProposeLimits, ProposeReport, Proposer};
use super::replay::{RecordedTraffic, ReplayMode};
use super::storms::{STORM_QUERIES, StormRows};
use super::{AnalysisError, LogFacts, LogTime, SCHEMA_VERSION, Session, Span};
use crate::audit::Micros;
use crate::dimensions::Dimensions;
use crate::findings::{
    AuditPolicy, CutOff, Finding, Incident, IncidentThresholds, ListPressure, Moment, MomentKind, Presence, Pressure,
    ServerActivity, ServerLoad, judge,
};
use crate::memory::Resident;
use crate::requests::{Tally, Window};
use crate::tables::TypedRow;

/// What to look at.
#[derive(Clone, Debug)]
pub struct IncidentOptions {
    /// The moment; `None` for the worst end of an apiserver in the logs.
    pub at: Option<LogTime>,
    /// How much to show before the moment; a third of it is shown after.
    pub window: Duration,
    /// The server's resident memory over time.
    pub memory: Option<MeasuredMemory>,
    /// What an apiserver's memory is limited to, in bytes. Candidates are to keep LISTs within a quarter of it.
    pub memory_limit: Option<u64>,
    /// Whether to look for candidates, which takes longer than all the rest.
    pub proposes_candidates: bool,
    /// Whether candidates may limit nodes and kube-system.
    pub includes_system: bool,
}

impl Default for IncidentOptions {
    fn default() -> Self {
        Self {
            at: None,
            window: Duration::from_mins(30),
            memory: None,
            memory_limit: None,
            proposes_candidates: true,
            includes_system: false,
        }
    }
}

/// Resident memory that was measured.
#[derive(Clone, Debug)]
pub struct MeasuredMemory {
    /// Where it is from, such as a file's name.
    pub source: String,
    /// Its series, one for each process.
    pub series: Vec<Resident>,
}

/// How often candidates are replayed: less often than `propose` does, as a report should not take minutes.
const SEEDS: u64 = 4;
/// How long clients without a storm may wait because of a candidate, in seconds, as in `propose`.
const MAX_WAIT_SECS: f64 = 10.0;
/// The length of a bucket of `client_activity`, in seconds: its default.
const ACTIVITY_SECS: f64 = 10.0;

/// Tells the story of the worst end in the logs, or of the moment asked about.
///
/// # Errors
/// When the logs can't be read or have no event.
pub async fn incident(session: &Session, options: &IncidentOptions) -> Result<IncidentReport, AnalysisError> {
    let Some(time) = options.at else {
        return incident_in(session, options, None).await;
    };
    let at = session.resolve(time)?.ok_or(AnalysisError::NoEventToCountFrom("--at"))?;
    // The end that is meant may be a minute from a time that was read off a graph.
    let spare = Micros::from(session.thresholds().incident.asked_near_secs) * 1_000_000;
    let (before, after) = options.spans();
    let asked = session.window();
    let window = Window {
        from: Some(asked.from.unwrap_or(at - before - spare)),
        to: Some(asked.to.unwrap_or(at + after + spare)),
    };
    let around = session.around(at, window)?;
    let mut report = incident_in(&around, options, Some(at)).await?;
    if report.moment.kind == MomentKind::Asked {
        report.nearest_end = nearest_end(session, at).await?;
        if report.nearest_end.is_some() {
            report.notes.push(IncidentNote::NearestEnd);
        }
    }
    Ok(report)
}

async fn incident_in(
    session: &Session,
    options: &IncidentOptions,
    asked: Option<Micros>,
) -> Result<IncidentReport, AnalysisError> {
    let wanted = [&STORM_QUERIES[..], &[Pressure::QUERY, ListPressure::QUERY]].concat();
    let also = [Presence::QUERY, "client_activity", ServerLoad::QUERY];
    let (dimensions, recorded) = if options.proposes_candidates {
        let (dimensions, recorded) = RecordedTraffic::read(session, &wanted, &also, ReplayMode::default()).await?;
        (dimensions, Some(recorded))
    } else {
        (session.read(&wanted, &also).await?, None)
    };
    let rows = StormRows::read(session.database(), &dimensions, None).await?;
    let loads = session.database().rows().await?;
    let tally = session.tally_of_events()?;
    let findings = judge(rows.measured(&tally, session.window().from), session.thresholds());
    let inputs = IncidentInputs {
        options,
        session,
        dimensions: &dimensions,
        tally: &tally,
        rows: &rows,
        findings: &findings,
        loads,
        thresholds: &session.thresholds().incident,
    };
    let analysis = inputs.analyze(asked).await?;
    let candidates = recorded.map(|recorded| inputs.candidates(&analysis, &recorded)).transpose()?;
    Ok(inputs.report(analysis, candidates))
}

impl IncidentOptions {
    /// What is shown before the moment and after it, in microseconds.
    fn spans(&self) -> (Micros, Micros) {
        let before = Micros::try_from(self.window.as_micros()).unwrap_or(Micros::MAX / 4);
        (before, before / 3)
    }
}

/// What was read, and what was found in it.
struct IncidentInputs<'g> {
    options: &'g IncidentOptions,
    session: &'g Session,
    dimensions: &'g Dimensions,
    tally: &'g Tally,
    rows: &'g StormRows,
    findings: &'g [Finding],
    loads: Vec<ServerLoad>,
    thresholds: &'g IncidentThresholds,
}

/// The moment, and all that is known of it.
struct IncidentAnalysis {
    moment: Moment,
    others: Vec<Moment>,
    window: Span,
    pressure: Vec<ListPressure>,
    pressure_secs: f64,
    activity: Vec<ServerActivity>,
    cut_off: Vec<CutOff>,
    memory: Option<MemoryFacts>,
    incident: Incident,
    policy: AuditPolicy,
}

impl IncidentInputs<'_> {
    fn candidates(
        &self,
        analysis: &IncidentAnalysis,
        recorded: &RecordedTraffic,
    ) -> Result<ProposeReport, AnalysisError> {
        recorded.check()?;
        // A candidate that halves what filled the memory is worth having; one for a limit leaves room for all else.
        const LEAST_BUDGET: u64 = 64 << 20;
        let peaks = analysis
            .moment
            .final_peak
            .into_iter()
            .chain(analysis.incident.earlier_peak.as_ref().map(|earlier| earlier.peak));
        let half = peaks.map(|peak| peak.middle() / 2).max().unwrap_or_default().max(LEAST_BUDGET);
        let proposer = Proposer {
            limits: ProposeLimits {
                memory_budget: self.options.memory_limit.map_or(half, |limit| limit / 4),
                max_wait_secs: MAX_WAIT_SECS,
                includes_system: self.options.includes_system,
                seeds: SEEDS,
                memory_base: None,
            },
            settings: self.session.settings(),
            dimensions: self.dimensions,
            recorded,
            findings: self.findings,
            tally: self.tally,
            interrupt: self.session.interrupt(),
        };
        proposer.report()
    }

    fn report(&self, analysis: IncidentAnalysis, candidates: Option<ProposeReport>) -> IncidentReport {
        let mut notes = Vec::new();
        if self.options.at.is_some() {
            notes.push(IncidentNote::ReadAroundTime);
        }
        if !analysis.others.is_empty() {
            notes.push(IncidentNote::OtherMoments);
        }
        IncidentReport {
            schema_version: SCHEMA_VERSION,
            moment: analysis.moment,
            other_moments: analysis.others,
            window: analysis.window,
            logs: LogFacts::from_tally(self.tally),
            incident: analysis.incident,
            pressure: analysis.pressure,
            pressure_secs: analysis.pressure_secs,
            activity: analysis.activity,
            activity_secs: ACTIVITY_SECS,
            memory: analysis.memory,
            memory_limit_bytes: self.options.memory_limit,
            cut_off: analysis.cut_off,
            findings: self.findings.to_vec(),
            apiservers: self.loads.clone(),
            blind_spots: self.rows.blind_spots(self.tally, self.findings),
            visibility: self.rows.visibility(self.tally, self.session),
            nearest_end: None,
            policy: analysis.policy,
            candidates,
            notes,
        }
    }
}
