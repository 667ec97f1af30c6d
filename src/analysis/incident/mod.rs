//! What ended an apiserver, or what any other moment was like: who held its memory, who came back, who suffered.

mod report;

use std::time::Duration;

pub use report::{IncidentNote, IncidentReport, MemoryFacts};

use super::nearest_end::nearest_end;
use super::propose::{ProposeLimits, ProposeReport, Proposer};
use super::replay::{RecordedTraffic, ReplayMode};
use super::storms::{STORM_QUERIES, StormRows};
use super::{AnalysisError, LogFacts, LogTime, SCHEMA_VERSION, Session, Span, micros};
use crate::audit::Micros;
use crate::dimensions::Dimensions;
use crate::findings::{
    AuditPolicy, CutOff, Finding, Incident, IncidentInput, IncidentThresholds, ListPressure, Moment, MomentKind,
    Presence, Pressure, ServerActivity, ServerLoad, analyze_incident, find_moments, harm_start, judge, measure_growth,
    propose_audit_policy,
};
use crate::memory::Resident;
use crate::requests::{Tally, Window};
use crate::tables::{Params, TypedRow};

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
/// Into how many buckets the window is divided.
const BUCKETS: Micros = 300;

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
    async fn analyze(&self, asked: Option<Micros>) -> Result<IncidentAnalysis, AnalysisError> {
        let (first, last) = (self.tally.first_at().unwrap_or_default(), self.tally.last_at().unwrap_or_default());
        let bucket_secs = bucket_secs(first, last).max(ACTIVITY_SECS);
        let whole: Vec<ListPressure> = self.ask(&Params::new().with("bucket_secs", bucket_secs)).await?;
        let moments = find_moments(self.findings, &whole, asked, self.thresholds);
        let Some((moment, others)) = moments.split_first() else {
            // Nothing ended, and no list was in flight: the log is looked at from its end.
            return self.analyze_moment(Moment::without_end(MomentKind::Peak, last), &[], (first, last)).await;
        };
        self.analyze_moment(moment.clone(), others, (first, last)).await
    }

    /// The rows of a query, with values for some of its parameters.
    async fn ask<T: TypedRow>(&self, params: &Params) -> Result<Vec<T>, AnalysisError> {
        Ok(self.session.database().rows_with(params).await?)
    }

    async fn analyze_moment(
        &self,
        moment: Moment,
        others: &[Moment],
        (first, last): (Micros, Micros),
    ) -> Result<IncidentAnalysis, AnalysisError> {
        let (before, after) = self.options.spans();
        let window = Span { from: (moment.at - before).max(first), to: (moment.at + after).min(last).max(moment.at) };
        let within = Params::new().with("from_micros", window.from).with("to_micros", window.to);
        let pressure_secs = bucket_secs(window.from, window.to);
        let with_bucket = within.clone().with("bucket_secs", pressure_secs);
        let pressure: Vec<ListPressure> = self.ask(&with_bucket).await?;
        let activity_from = within.with("from_micros", window.from - micros(ACTIVITY_SECS));
        let activity: Vec<ServerActivity> = self.ask(&activity_from).await?;
        let at = |at: i64| Params::new().with("at_micros", at);
        let peak_at = moment.final_peak.map_or(moment.at, |peak| peak.at);
        let server = Params::new().with("server", moment.apiserver.as_deref().unwrap_or_default());
        // What an earlier server left open was cut off by its own end.
        let earlier = self
            .findings
            .iter()
            .filter(|finding| !finding.is_storm() && finding.apiserver == moment.apiserver)
            .filter_map(|finding| finding.back_at.filter(|back| *back < moment.at));
        let after_micros = earlier.max().map_or(0, |back| back - 1);
        let cut = server.clone().with("cut_micros", moment.at).with("after_micros", after_micros);
        let at_peak: Vec<Pressure> = self.ask(&at(peak_at)).await?;
        let at_end: Vec<Pressure> = self.ask(&at(moment.at)).await?;
        let cut_off = if moment.back_at.is_some() { self.ask(&cut).await? } else { Vec::new() };
        let harm_from = harm_start(self.findings, &moment, self.thresholds);
        let harmed = self.ask(&Params::new().with("from_micros", harm_from).with("to_micros", moment.at)).await?;
        let returns = match moment.back_at {
            Some(back) => {
                let wave = server.with("start_micros", back).with("wave_secs", i64::from(self.thresholds.wave_secs));
                self.ask(&wave).await?
            }
            None => Vec::new(),
        };
        let measured = self.options.memory.as_ref();
        let held = (pressure.as_slice(), micros(pressure_secs));
        let memory = measured.map(|measured| memory_facts(measured, &moment, window, held, self.thresholds));
        let all: Vec<Moment> = std::iter::once(&moment).chain(others).cloned().collect();
        let incident = analyze_incident(&IncidentInput {
            moment: &moment,
            moments: &all,
            findings: self.findings,
            measured: self.rows.measured(self.tally, None),
            pressure: &pressure,
            at_peak: &at_peak,
            at_end: &at_end,
            cut_off: &cut_off,
            harmed: &harmed,
            returns: &returns,
            growth: memory.as_ref().map(|memory| &memory.growth),
            memory_limit: self.options.memory_limit,
            thresholds: self.session.thresholds(),
        });
        let everything: Vec<ServerActivity> = self.ask(&Params::new()).await?;
        let policy = propose_audit_policy(&everything, ACTIVITY_SECS, self.tally);
        Ok(IncidentAnalysis {
            others: others.to_vec(),
            moment,
            window,
            pressure,
            pressure_secs,
            activity,
            cut_off,
            memory,
            incident,
            policy,
        })
    }

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

/// A length of buckets, in seconds, that divides a span into some hundreds; no less than a second.
fn bucket_secs(from: i64, to: i64) -> f64 {
    const STEPS: [i64; 14] = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200];
    let rough = (to - from) / 1_000_000 / BUCKETS;
    #[expect(clippy::cast_precision_loss, reason = "seconds of a bucket")]
    let secs = STEPS.into_iter().find(|step| *step >= rough).unwrap_or(14_400) as f64;
    secs
}

/// Measured memory in the window, and what it says; of several series that which is named like the server, else the highest.
fn memory_facts(
    MeasuredMemory { source, series: all }: &MeasuredMemory,
    moment: &Moment,
    window: Span,
    (pressure, step): (&[ListPressure], Micros),
    thresholds: &IncidentThresholds,
) -> MemoryFacts {
    let name = moment.apiserver.as_deref().filter(|name| !name.is_empty());
    let within = |series: &Resident| -> Vec<(i64, f64)> {
        series.samples.iter().copied().filter(|(at, _)| (window.from..=window.to).contains(at)).collect()
    };
    let is_named = |series: &&Resident| name.is_some_and(|name| series.name.contains(name));
    let highest = |series: &&Resident| within(series).iter().map(|(_, bytes)| *bytes).fold(0.0, f64::max);
    let series =
        all.iter().find(is_named).or_else(|| all.iter().max_by(|one, other| highest(one).total_cmp(&highest(other))));
    let samples = series.map(within).unwrap_or_default();
    MemoryFacts {
        file: source.clone(),
        series: series.map(|series| series.name.clone()).filter(|name| !name.is_empty()),
        series_count: all.len(),
        growth: measure_growth(&samples, moment, pressure, (window.from, window.to), step, thresholds),
        samples,
    }
}
