//! A period against the one before, and against what the servers can bear.

mod report;

use std::collections::HashMap;
use std::sync::Arc;

pub use report::{CapacityNote, CapacityReport, NotCompared};

use super::storms::{STORM_QUERIES, StormRows};
use super::{AnalysisError, LogFacts, LogTime, SCHEMA_VERSION, ServerFacts, Session, Span, micros};
use crate::audit::Micros;
use crate::dimensions::{Dimensions, Flows};
use crate::findings::{
    CapacityInput, ClientLists, ClientPeriod, Clock, Finding, FlowPeriod, LevelBounds, LevelHour, ListPressure,
    PeriodCoverage, Presence, ServerActivity, judge, measure_coverage, review_period, summarize_collections,
};
use crate::requests::{Tally, Window, tallied};
use crate::tables::{Logs, Params, TypedRow};
use crate::units::Zone;

/// What to review.
#[derive(Clone, Debug)]
pub struct CapacityOptions {
    /// The week, such as `2026-W47`; `None` for the session's span, and without one for the last seven days of the logs.
    pub week: Option<String>,
    /// Whether to compare with the period of the same length before, if the logs have it.
    pub compares: bool,
    /// What an apiserver's memory is limited to, in bytes.
    pub memory_limit: Option<u64>,
}

impl Default for CapacityOptions {
    fn default() -> Self {
        Self { week: None, compares: true, memory_limit: None }
    }
}

const WEEK_MICROS: Micros = 7 * 24 * 3_600 * 1_000_000;
const DAY_MICROS: Micros = WEEK_MICROS / 7;

/// Reviews a period.
///
/// # Errors
/// When the logs can't be read or have no event, or the week is none.
pub async fn capacity(session: &Session, options: &CapacityOptions) -> Result<CapacityReport, AnalysisError> {
    let asked = asked_period(session, options)?;
    let asked_span = asked.as_ref().filter(|period| period.week.is_none()).map(|period| (period.from, period.to - 1));
    let has_end = session.window().to.is_some();
    let (session, asked, bucket_secs) = narrowed(session, options, asked)?;
    let dimensions = session.read(&wanted(), &[Presence::QUERY]).await?;
    let rows = StormRows::read(session.database(), &dimensions, None).await?;
    let tally = session.tally_of_events()?;
    let period = asked.unwrap_or_else(|| period_of_logs(&tally, session.window().to, micros(bucket_secs)));
    let is_wider = |from: Micros, to: Micros| period.from < from || has_end && period.to - 1 > to;
    let gathered = Gathered {
        options,
        widened_from: asked_span.filter(|(from, to)| is_wider(*from, *to)),
        session: &session,
        tally: &tally,
        dimensions: &dimensions,
        flows: dimensions.flows(),
        bucket_secs,
    };
    gathered.report(&period, &rows).await
}

/// A period, and the week that it is, if one was asked for.
struct Period {
    week: Option<String>,
    from: Micros,
    to: Micros,
}

/// The period that was asked for, by its week or from when to when; `None` if it follows from the logs.
fn asked_period(session: &Session, options: &CapacityOptions) -> Result<Option<Period>, AnalysisError> {
    let window = session.window();
    let Some(week) = &options.week else {
        let Some(from) = window.from else { return Ok(None) };
        let last = || {
            let last = session.resolve(LogTime::BeforeLast(0))?;
            last.ok_or(AnalysisError::NoEventToCountFrom("--to"))
        };
        let to = window.to.map_or_else(last, Ok)? + 1;
        return Ok(Some(Period { week: None, from, to }));
    };
    if window != Window::default() {
        return Err(AnalysisError::WeekAndSpan);
    }
    let (from, to) = session.zone().week(week).ok_or_else(|| AnalysisError::InvalidWeek(week.clone()))?;
    Ok(Some(Period { week: Some(week.clone()), from, to }))
}

/// The session as far as the period and the one before it reach; with the period and the length of buckets in seconds.
/// The period is widened to whole buckets, as nothing is known about a part of one.
fn narrowed(
    session: &Session,
    options: &CapacityOptions,
    asked: Option<Period>,
) -> Result<(Session, Option<Period>, f64), AnalysisError> {
    let zone = session.zone();
    let params = |bucket_secs: f64| Params::new().with("activity_secs", bucket_secs);
    let Some(asked) = asked else {
        let bucket_secs = bucket_secs(zone, span_if_small(session.logs()));
        return Ok((session.within(session.window(), &params(bucket_secs))?, None, bucket_secs));
    };
    let bucket_secs = bucket_secs(zone, Some((asked.from, asked.to)));
    let bucket = micros(bucket_secs);
    let period =
        Period { from: bucket_start(asked.from, bucket), to: bucket_start(asked.to + bucket - 1, bucket), ..asked };
    let back = if options.compares { period.to - period.from } else { 0 };
    let window = Window { from: Some(period.from - back), to: Some(period.to - 1) };
    Ok((session.within(window, &params(bucket_secs))?, Some(period), bucket_secs))
}

/// The length of buckets, in seconds: a minute for some hours, else an hour, or a quarter of one where the zone's hours don't
/// begin with those of UTC, so that days begin with a bucket.
fn bucket_secs(zone: &Zone, span: Option<(Micros, Micros)>) -> f64 {
    const SHORT_MICROS: Micros = 6 * 3_600 * 1_000_000;
    let at = span.map(|span| span.0).unwrap_or_default();
    match span {
        Some((from, to)) if to - from <= SHORT_MICROS => 60.0,
        _ if zone.offset_secs(at) % 3_600 == 0 => 3_600.0,
        _ => 900.0,
    }
}

/// The start of the bucket that an instant is in.
fn bucket_start(at: Micros, bucket: Micros) -> Micros {
    at.div_euclid(bucket) * bucket
}

/// From when to when logs are that are soon read; `None` for larger ones, and where nothing can be read twice.
fn span_if_small(logs: &Logs) -> Option<(Micros, Micros)> {
    const SMALL_BYTES: u64 = 32 << 20;
    let bytes: Option<u64> = logs.files.iter().map(|file| file.disk_bytes).sum();
    if bytes? > SMALL_BYTES {
        return None;
    }
    let tally = tallied(logs.files.clone(), logs.window, &Arc::default());
    tally.first_at().zip(tally.last_at())
}

/// The queries whose rows are kept from the one reading of the logs.
fn wanted() -> Vec<&'static str> {
    let own = [
        ClientPeriod::QUERY,
        ClientLists::QUERY,
        LevelHour::QUERY,
        FlowPeriod::QUERY,
        Clock::QUERY,
        ListPressure::QUERY,
        ServerActivity::QUERY,
    ];
    [&STORM_QUERIES[..], &own].concat()
}

/// The last week of the logs if they hold more than that, or all of them.
fn period_of_logs(tally: &Tally, to: Option<Micros>, bucket: Micros) -> Period {
    let (first, last) = (tally.first_at().unwrap_or_default(), tally.last_at().unwrap_or_default());
    // What was received in time may have ended later.
    let last = last.min(to.unwrap_or(last));
    let to = bucket_start(last + bucket, bucket);
    let from = if last - first > WEEK_MICROS + DAY_MICROS { to - WEEK_MICROS } else { bucket_start(first, bucket) };
    Period { week: None, from, to }
}

type PeriodRows = (
    Vec<ClientPeriod>,
    Vec<ClientLists>,
    Vec<FlowPeriod>,
    Vec<LevelHour>,
    Vec<Clock>,
    Vec<ServerActivity>,
    Vec<ListPressure>,
);

/// What was read.
struct Gathered<'g> {
    options: &'g CapacityOptions,
    session: &'g Session,
    tally: &'g Tally,
    dimensions: &'g Dimensions,
    flows: &'g Flows,
    bucket_secs: f64,
    /// The span that was asked for, where the period is wider.
    widened_from: Option<(Micros, Micros)>,
}

impl Gathered<'_> {
    async fn report(&self, period: &Period, rows: &StormRows) -> Result<CapacityReport, AnalysisError> {
        let before_from = period.from - (period.to - period.from);
        let (clients, lists, created, levels, clocks, hours, pressure) = self.rows(before_from, period).await?;
        let coverage = measure_coverage(&self.tally.servers, (period.from, period.to));
        let reaches_back = clients.iter().any(|row| !row.is_this);
        let (coverage_of_before, not_compared) = self.comparison(coverage, before_from, period, reaches_back);
        let coverage_before = coverage_of_before.filter(|_| not_compared.is_none());
        let all = judge(rows.measured(self.tally, self.session.window().from), self.session.thresholds());
        let findings: Vec<Finding> = all
            .iter()
            .filter(|finding| finding.started_at >= period.from && finding.started_at < period.to)
            .cloned()
            .collect();
        let bounds = self.bounds();
        let review = review_period(&CapacityInput {
            bucket_secs: self.bucket_secs,
            period: (period.from, period.to),
            coverage,
            coverage_before,
            logs: (self.tally.first_at().unwrap_or_default(), self.tally.last_at().unwrap_or_default()),
            clients: &clients,
            lists: &lists,
            levels: &levels,
            bounds: &bounds,
            activity: &hours,
            pressure: &pressure,
            clocks: &clocks,
            collections: &summarize_collections(&created, &self.resources()),
            findings: &findings,
            profiles: &rows.profiles,
            memory_limit: self.options.memory_limit,
            zone: self.session.zone(),
            thresholds: self.session.thresholds(),
        });
        let is_within = |at: Micros| at >= period.from && at < period.to;
        Ok(CapacityReport {
            schema_version: SCHEMA_VERSION,
            week: period.week.clone(),
            window: Span { from: period.from, to: period.to },
            window_before: coverage_before.is_some().then_some(Span { from: before_from, to: period.from }),
            coverage_of_before,
            not_compared,
            logs: LogFacts::from_tally(self.tally),
            server: ServerFacts::new(self.dimensions, self.session.settings(), self.flows.origin),
            review,
            activity: hours.into_iter().filter(|row| is_within(row.bucket_at)).collect(),
            pressure: pressure.into_iter().filter(|row| is_within(row.bucket_at)).collect(),
            level_hours: levels.into_iter().filter(|row| is_within(row.bucket_at)).collect(),
            bucket_secs: self.bucket_secs,
            memory_limit_bytes: self.options.memory_limit,
            blind_spots: rows.blind_spots(self.tally, &findings),
            visibility: rows.visibility(self.tally, self.session),
            findings,
            notes: self.notes(period, coverage),
        })
    }

    /// How much of the period before the logs cover, if they reach back to it; and why it isn't compared with, if so.
    fn comparison(
        &self,
        coverage: PeriodCoverage,
        before_from: Micros,
        period: &Period,
        reaches_back: bool,
    ) -> (Option<PeriodCoverage>, Option<NotCompared>) {
        if !self.options.compares {
            return (None, Some(NotCompared::NotAskedFor));
        }
        // Requests that were received before the first line of a log are no period.
        let is_before = |first: Micros| reaches_back && first < period.from - micros(self.bucket_secs);
        if !self.tally.first_at().is_some_and(is_before) {
            return (None, Some(NotCompared::NothingBefore));
        }
        let before = measure_coverage(&self.tally.servers, (before_from, period.from));
        let is_enough = coverage.share.min(before.share) >= self.session.thresholds().capacity.min_coverage;
        (Some(before), (!is_enough).then_some(NotCompared::TooLittleCovered))
    }

    /// What the queries say of the period and the one before it.
    async fn rows(&self, before_from: Micros, period: &Period) -> Result<PeriodRows, AnalysisError> {
        let database = self.session.database();
        let both = Params::new().with("from_micros", before_from).with("to_micros", period.to);
        let split = both.clone().with("period_micros", period.from);
        let with_bucket = both.clone().with("bucket_secs", self.bucket_secs);
        Ok(tokio::try_join!(
            database.rows_with(&split),
            database.rows_with(&split),
            database.rows_with(&split),
            database.rows_with(&both),
            database.rows(),
            database.rows_with(&both),
            database.rows_with(&with_bucket),
        )?)
    }

    fn bounds(&self) -> Vec<LevelBounds> {
        let levels = self.flows.config.priority_levels.iter().zip(&self.flows.limits);
        let bounds = levels.map(|(level, limits)| LevelBounds {
            priority_level: level.name.clone(),
            is_exempt: level.is_exempt(),
            nominal_seats: limits.nominal,
            max_seats: limits.max,
        });
        bounds.collect()
    }

    /// The resource and its API group, by flow key.
    fn resources(&self) -> HashMap<i64, (&str, &str)> {
        let digests = self.flows.digests.iter();
        digests
            .map(|(key, digest)| (*key, (digest.resource.as_str(), digest.api_group.as_deref().unwrap_or_default())))
            .collect()
    }

    fn notes(&self, period: &Period, coverage: PeriodCoverage) -> Vec<CapacityNote> {
        let mut notes = vec![
            CapacityNote::OneSizePerResource,
            CapacityNote::SeatsFromSizes,
            CapacityNote::BulkDeletesUnseen,
            CapacityNote::WritersWithoutInstances,
        ];
        notes.extend(self.widened_from.map(|(from, to)| CapacityNote::SpanWidened { from, to }));
        let (from, to) = (self.tally.first_at().unwrap_or_default(), self.tally.last_at().unwrap_or_default());
        let is_short = from > period.from + DAY_MICROS || to < period.to - DAY_MICROS;
        if is_short || coverage.share < self.session.thresholds().capacity.min_coverage {
            notes.push(CapacityNote::PartlyCovered { from, to });
        }
        if self.session.settings().apf.config.is_none() {
            notes.push(CapacityNote::DefaultConfiguration);
        }
        notes
    }
}
