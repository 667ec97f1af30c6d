//! What the logs hold about one moment: which it is, then the rows of each query about it.

use super::traffic::Traffic;
use super::{ACTIVITY_SECS, IncidentAnalysis, IncidentInputs};
use crate::analysis::{AnalysisError, Span, micros};
use crate::audit::{Micros, Stage};
use crate::findings::{
    ClientReturn, CutOff, EndSources, IncidentInput, ListLoad, ListPressure, Moment, MomentKind, PeakSources, Pressure,
    analyze_incident, find_end_moments, find_moments, propose_audit_policy,
};
use crate::tables::{Params, TypedRow};

/// Into how many buckets the window is divided.
const BUCKETS: Micros = 300;
/// Of more ends than these, what lists held before isn't looked at: each takes a query.
const RUN_UPS: usize = 60;

/// Rows of the queries about the lists of a moment.
#[derive(Default)]
struct Lists {
    loads: Vec<ListLoad>,
    at_peak: Vec<Pressure>,
    at_end: Vec<Pressure>,
    cut_off: Vec<CutOff>,
    returns: Vec<ClientReturn>,
}

impl IncidentInputs<'_> {
    pub(super) async fn analyze(&self, asked: Option<Micros>) -> Result<IncidentAnalysis, AnalysisError> {
        let (first, last) = (self.tally.first_at().unwrap_or_default(), self.tally.last_at().unwrap_or_default());
        let bucket_secs = bucket_secs(first, last).max(ACTIVITY_SECS);
        let whole: Vec<ListPressure> = self.ask(&Params::new().with("bucket_secs", bucket_secs)).await?;
        let sources = EndSources { findings: self.findings, tally: self.tally, falls: &self.falls() };
        let ends = find_end_moments(&sources, self.thresholds);
        let run_ups = self.run_ups(&ends, asked).await?;
        let whole = if self.tally.has_request_ends() { whole } else { Vec::new() };
        let moments = find_moments(ends, &PeakSources { whole: &whole, run_ups: &run_ups }, asked, self.thresholds);
        let Some((moment, others)) = moments.split_first() else {
            // Nothing ended, and no list was in flight: the log is looked at from its end.
            return self.analyze_moment(Moment::without_end(MomentKind::Peak, last), &[], (first, last)).await;
        };
        self.analyze_moment(moment.clone(), others, (first, last)).await
    }

    /// The rows of a query, with values for some of its parameters.
    pub(super) async fn ask<T: TypedRow>(&self, params: &Params) -> Result<Vec<T>, AnalysisError> {
        Ok(self.session.database().rows_with(params).await?)
    }

    /// What lists held in the run-up of each end and of the time asked for, in buckets that end there.
    async fn run_ups(&self, ends: &[Moment], asked: Option<Micros>) -> Result<Vec<ListPressure>, AnalysisError> {
        let mut times: Vec<Micros> = ends.iter().map(|end| end.at).rev().take(RUN_UPS).chain(asked).collect();
        times.sort_unstable();
        times.dedup();
        if !self.tally.has_request_ends() {
            times.clear();
        }
        let secs = f64::from(self.thresholds.run_up_secs);
        let mut rows = Vec::new();
        for at in times {
            let params = Params::new().with("from_micros", at - micros(secs)).with("to_micros", at + 1);
            rows.extend(self.ask::<ListPressure>(&in_buckets(params, secs, at)).await?);
        }
        Ok(rows)
    }

    async fn analyze_moment(
        &self,
        mut moment: Moment,
        others: &[Moment],
        (first, last): (Micros, Micros),
    ) -> Result<IncidentAnalysis, AnalysisError> {
        let (before, after) = self.options.spans();
        let window = Span { from: (moment.at - before).max(first), to: (moment.at + after).min(last).max(moment.at) };
        let within = Params::new().with("from_micros", window.from).with("to_micros", window.to);
        let pressure_secs = bucket_secs(window.from, window.to);
        let pressure: Vec<ListPressure> = self.ask(&in_buckets(within, pressure_secs, moment.at)).await?;
        let lists = self.lists_at(&moment).await?;
        let held = (pressure.as_slice(), micros(pressure_secs));
        let memory = self.memory_facts(&moment, self.born_at(&moment), window, held);
        if let Some(memory) = &memory {
            moment.final_peak = moment.final_peak.map(|peak| peak.capped(&memory.growth));
        }
        let Traffic { activity, harmed } = self.traffic(&moment, window).await?;
        let all: Vec<Moment> = std::iter::once(&moment).chain(others).cloned().collect();
        let incident = analyze_incident(&IncidentInput {
            moment: &moment,
            moments: &all,
            findings: self.findings,
            measured: self.rows.measured(self.tally, None),
            pressure: &pressure,
            loads: &lists.loads,
            at_peak: &lists.at_peak,
            at_end: &lists.at_end,
            cut_off: &lists.cut_off,
            harmed: if self.tally.has_request_ends() { &harmed } else { &[] },
            returns: &lists.returns,
            growth: memory.as_ref().map(|memory| &memory.growth),
            memory_limit: self.options.memory_limit,
            thresholds: self.session.thresholds(),
        });
        let everything = self.ask(&Params::new()).await?;
        let policy = propose_audit_policy(&everything, ACTIVITY_SECS, self.tally);
        Ok(IncidentAnalysis {
            others: others.to_vec(),
            moment,
            window,
            pressure,
            pressure_secs,
            activity,
            cut_off: lists.cut_off,
            memory,
            incident,
            policy,
        })
    }

    /// When the server that a moment is about began at the latest: at its last start before; 0 if none is known.
    fn born_at(&self, moment: &Moment) -> Micros {
        let ends = self.findings.iter().filter(|finding| !finding.is_storm() && finding.apiserver == moment.apiserver);
        let earlier = ends.filter_map(|finding| finding.back_at.filter(|back| *back < moment.at));
        earlier.max().map_or(0, |back| back - 1)
    }

    /// What was in flight at a moment and near it, and who came back. Where no ends are logged, only who sent lists is known.
    async fn lists_at(&self, moment: &Moment) -> Result<Lists, AnalysisError> {
        let at = |at: Micros| Params::new().with("at_micros", at);
        let peak_at = moment.final_peak.map_or(moment.at, |peak| peak.at);
        let server = Params::new().with("server", moment.apiserver.as_deref().unwrap_or_default());
        // What an earlier server left open was cut off by its own end.
        let cut = server.clone().with("cut_micros", moment.at).with("after_micros", self.born_at(moment));
        let wave_secs = i64::from(self.thresholds.wave_secs);
        let mut lists = Lists {
            loads: self.ask(&self.load_params(moment).with("wave_secs", wave_secs)).await?,
            at_peak: self.ask(&at(peak_at)).await?,
            at_end: self.ask(&at(moment.at)).await?,
            cut_off: if moment.is_end() { self.ask(&cut).await? } else { Vec::new() },
            returns: match moment.back_at {
                Some(back) => self.ask(&server.with("start_micros", back).with("wave_secs", wave_secs)).await?,
                None => Vec::new(),
            },
        };
        if !self.tally.has_request_ends() {
            lists = Lists { at_end: lists.at_end, returns: lists.returns, ..Lists::default() };
            lists.at_end.iter_mut().for_each(|row| row.inflight_count = 0);
        }
        Ok(lists)
    }

    /// Up to an end; of a server that went on, before and after the worst instant. Where lists without an end are logged, the
    /// last seconds tell most.
    fn load_params(&self, moment: &Moment) -> Params {
        let run_up = micros(f64::from(self.thresholds.run_up_secs));
        let middle = if moment.is_end() { moment.at } else { moment.final_peak.map_or(moment.at, |peak| peak.at) };
        let to = match moment.kind {
            MomentKind::Death | MomentKind::PossibleDeath | MomentKind::Asked => moment.at,
            MomentKind::Peak => middle + run_up,
        };
        let sees_end = moment.is_end() && self.tally.has_stage(Stage::RequestReceived);
        let half_life_secs =
            if sees_end { self.thresholds.logged_half_life_secs } else { self.thresholds.half_life_secs };
        Params::new()
            .with("at_micros", middle)
            .with("from_micros", middle - run_up)
            .with("to_micros", to)
            .with("half_life_secs", half_life_secs)
            .with("back_micros", moment.back_at.unwrap_or(0))
    }
}

/// With buckets of `secs` seconds, aligned so that one of them ends at `at`.
fn in_buckets(params: Params, secs: f64, at: Micros) -> Params {
    params.with("bucket_secs", secs).with("shift_micros", (at + 1).rem_euclid(micros(secs)))
}

/// A length of buckets, in seconds, that divides a span into some hundreds; no less than a second.
fn bucket_secs(from: i64, to: i64) -> f64 {
    const STEPS: [i64; 14] = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200];
    let rough = (to - from) / 1_000_000 / BUCKETS;
    #[expect(clippy::cast_precision_loss, reason = "seconds of a bucket")]
    let secs = STEPS.into_iter().find(|step| *step >= rough).unwrap_or(14_400) as f64;
    secs
}
