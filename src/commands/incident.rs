//! `incident`: the story of an apiserver's end, or of any other moment.

use std::collections::BTreeMap;

use anyhow::{Context, Result};

use super::apf::{Law, Proposing, Recorded, Terms, check, record};
use super::dimensions::{Dimensions, prepare};
use super::logs::{moment as typed_moment, open, report};
use super::paper;
use super::reading::Reading;
use super::settings::Settings;
use super::storms::{self, Rows};
use crate::cli::IncidentArgs;
use crate::console::Console;
use crate::findings::{
    Finding, Growth, ListPressure, Moment, Presence, Pressure, Restart, Scene, ServerActivity, ServerLoad,
    audit_policy, incident, moments,
};
use crate::memory::{Resident, Stretch, fit, resident};
use crate::report::{IncidentReport, LogFacts, MemoryFacts, ProposeReport, SCHEMA_VERSION, Window};
use crate::requests::Tally;
use crate::source::open_beside;
use crate::tables::{Database, QuerySet, TypedRow};
use crate::units;

/// How often candidates are replayed here: fewer than in `apf propose`, as a report should not take minutes.
const SEEDS: u64 = 4;
/// How long clients without a storm may wait because of a candidate, in seconds, as in `apf propose`.
const MAX_WAIT_SECS: f64 = 10.0;
/// The length of a bucket of `client_activity`, in seconds: its default.
const ACTIVITY_SECS: f64 = 10.0;
/// As many buckets show what lists held.
const BUCKETS: i64 = 300;

pub(super) fn run(args: &IncidentArgs, console: Console) -> Result<()> {
    paper::format(&args.paper)?;
    let settings = Settings::with_flows(&args.clients, &args.sizes, &args.flows)?;
    settings.flows.notes.iter().for_each(|note| console.note(note));
    let measured = args.memory.as_deref().map(|path| {
        let text = open_beside(path).and_then(std::io::read_to_string);
        let text = text.with_context(|| format!("can't read {}", path.display()))?;
        resident(&text).with_context(|| format!("in {}", path.display()))
    });
    let measured = measured.transpose()?;
    let (reading, asked) = read(args, console)?;
    let database = &reading.database;
    let (dimensions, recorded, rows, loads) = reading.run(gather(args, database, &settings))?;
    let tally = reading.tally();
    if tally.events() > 0 {
        let findings = storms::found(&rows, &tally, reading.opened.logs.window.from);
        let gathered = Gathered {
            args,
            settings: &settings,
            reading: &reading,
            tally: &tally,
            rows: &rows,
            findings: &findings,
            loads,
        };
        let told = gathered.told(asked, measured.as_deref())?;
        let candidates = match &recorded {
            Some(recorded) => Some(gathered.candidates(&told, &dimensions, recorded)?),
            None => None,
        };
        let report = gathered.report(told, candidates);
        paper::write(&report, &report.page(&args.paper.timezone), &args.paper, console)?;
    }
    report(&reading.opened, &tally, args.logs.strict, console)
}

/// Opens the logs; where a time is asked for, only what is around it.
fn read(args: &IncidentArgs, console: Console) -> Result<(Reading, Option<i64>)> {
    let mut logs = args.logs.clone();
    let mut opened = open(&args.inputs, &logs, console)?;
    let asked = args
        .at
        .as_deref()
        .map(|text| typed_moment(text, &opened.logs.files, console).context("in --at"))
        .transpose()?;
    if let Some(at) = asked {
        // An end that is meant may be a minute from the time that was read off a graph.
        let (before, after) = spans(args);
        let spare = 60_000_000;
        logs.from = Some(logs.from.unwrap_or_else(|| units::instant(at - before - spare)));
        logs.to = Some(logs.to.unwrap_or_else(|| units::instant(at + after + spare)));
        opened = open(&args.inputs, &logs, console)?;
    }
    Ok((Reading::with(opened, QuerySet::load(None)?, usize::MAX, console)?, asked))
}

/// What is shown before the moment and after it, in microseconds.
fn spans(args: &IncidentArgs) -> (i64, i64) {
    let before = i64::try_from(args.window.as_micros()).unwrap_or(i64::MAX / 4);
    (before, before / 3)
}

/// All queries whose rows are kept from the one reading of the logs.
async fn gather(
    args: &IncidentArgs,
    database: &Database,
    settings: &Settings,
) -> Result<(Dimensions, Option<Recorded>, Rows, Vec<ServerLoad>)> {
    let wanted = [&storms::wanted(), Pressure::QUERY, ListPressure::QUERY].join(" ");
    let also = [Presence::QUERY, "client_activity", ServerLoad::QUERY];
    let (dimensions, recorded) = if args.no_candidates {
        (prepare(database, &wanted, &also, settings).await?, None)
    } else {
        let law = Law { capacity: None, is_closed_loop: false };
        let (dimensions, recorded) = record(database, settings, &wanted, &also, law).await?;
        (dimensions, Some(recorded))
    };
    let rows = storms::rows(database, &dimensions, None).await?;
    Ok((dimensions, recorded, rows, database.rows().await?))
}

/// What was read, and what was found in it.
struct Gathered<'g> {
    args: &'g IncidentArgs,
    settings: &'g Settings,
    reading: &'g Reading,
    tally: &'g Tally,
    rows: &'g Rows,
    findings: &'g [Finding],
    loads: Vec<ServerLoad>,
}

/// The moment, and all that is known of it.
struct Told {
    moment: Moment,
    others: Vec<Moment>,
    window: Window,
    pressure: Vec<ListPressure>,
    pressure_secs: f64,
    activity: Vec<ServerActivity>,
    cut_off: Vec<crate::findings::CutOff>,
    memory: Option<MemoryFacts>,
    incident: crate::findings::Incident,
    policy: crate::findings::Policy,
}

impl Gathered<'_> {
    fn told(&self, asked: Option<i64>, measured: Option<&[Resident]>) -> Result<Told> {
        let (first, last) = (self.tally.first_at().unwrap_or_default(), self.tally.last_at().unwrap_or_default());
        let whole =
            self.ask::<ListPressure>(&[("bucket_secs", bucket_secs(first, last).max(ACTIVITY_SECS).to_string())])?;
        let moments = moments(self.findings, &whole, asked);
        let Some((moment, others)) = moments.split_first() else {
            // Nothing ended, and no list was in flight: the log is looked at from its end.
            return self.told_of(no_moment(last), &[], (first, last), measured);
        };
        self.told_of(moment.clone(), others, (first, last), measured)
    }

    fn told_of(
        &self,
        moment: Moment,
        others: &[Moment],
        (first, last): (i64, i64),
        measured: Option<&[Resident]>,
    ) -> Result<Told> {
        let (before, after) = spans(self.args);
        let window = Window { from: (moment.at - before).max(first), to: (moment.at + after).min(last).max(moment.at) };
        let within = [("from_micros", window.from.to_string()), ("to_micros", window.to.to_string())];
        let pressure_secs = bucket_secs(window.from, window.to);
        let with_bucket = [&within[..], &[("bucket_secs", pressure_secs.to_string())]].concat();
        let pressure: Vec<ListPressure> = self.ask(&with_bucket)?;
        let activity_from = [("from_micros", (window.from - micros(ACTIVITY_SECS)).to_string()), within[1].clone()];
        let activity: Vec<ServerActivity> = self.ask(&activity_from)?;
        let at = |at: i64| [("at_micros", at.to_string())];
        let peak_at = moment.final_peak.map_or(moment.at, |peak| peak.at);
        let server = ("server", moment.apiserver.clone().unwrap_or_default());
        // What an earlier server left open was cut off by its own end.
        let earlier = self
            .rows
            .restarts()
            .iter()
            .filter(|restart: &&Restart| restart.apiserver == moment.apiserver && restart.started_at < moment.at);
        let after_micros = earlier.map(|restart| restart.started_at).max().unwrap_or(0);
        let cut = [("cut_micros", moment.at.to_string()), ("after_micros", after_micros.to_string()), server.clone()];
        let at_peak: Vec<Pressure> = self.ask(&at(peak_at))?;
        let at_end: Vec<Pressure> = self.ask(&at(moment.at))?;
        let cut_off = if moment.back_at.is_some() { self.ask(&cut)? } else { Vec::new() };
        let storm_from = self.storm_from(&moment);
        let harmed = self.ask(&[("from_micros", storm_from.to_string()), ("to_micros", moment.at.to_string())])?;
        let returns = match moment.back_at {
            Some(back) => self.ask(&[("start_micros", back.to_string()), server])?,
            None => Vec::new(),
        };
        let memory = measured.and_then(|all| memory_facts(self.args, all, &moment, window, &pressure, pressure_secs));
        let scene = Scene {
            moment: &moment,
            findings: self.findings,
            measured: storms::measured(self.rows, self.tally, None),
            pressure: &pressure,
            at_peak: &at_peak,
            at_end: &at_end,
            cut_off: &cut_off,
            harmed: &harmed,
            returns: &returns,
            growth: memory.as_ref().map(|memory| &memory.growth),
            memory_limit: self.args.memory_limit,
        };
        let all: Vec<Moment> = std::iter::once(&moment).chain(others).cloned().collect();
        let incident = incident(&scene, &all);
        let everything: Vec<ServerActivity> = self.ask(&[])?;
        let policy = audit_policy(&everything, self.tally);
        Ok(Told {
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

    /// When the storms that were going on at the moment had begun, at most ten minutes before.
    fn storm_from(&self, moment: &Moment) -> i64 {
        const MOST: i64 = 600_000_000;
        const LEAST: i64 = 60_000_000;
        let going_on = self.findings.iter().filter(|finding| {
            finding.started_at < moment.at
                && moment.at - finding.ended_at <= LEAST
                && finding.peak_concurrency.is_some()
        });
        let began = going_on
            .filter(|finding| finding.severity >= crate::findings::Severity::Warning)
            .map(|finding| finding.started_at)
            .min();
        began.unwrap_or(moment.at - LEAST).clamp(moment.at - MOST, moment.at - LEAST)
    }

    /// The rows of a query, with values for some of its parameters.
    fn ask<T: TypedRow>(&self, params: &[(&str, String)]) -> Result<Vec<T>> {
        let params: BTreeMap<String, String> =
            params.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        self.reading.run(async { Ok(self.reading.database.rows_with(&params).await?) })
    }

    fn candidates(&self, told: &Told, dimensions: &Dimensions, recorded: &Recorded) -> Result<ProposeReport> {
        check(recorded)?;
        // A candidate that halves what filled the memory is worth having; one for a limit leaves room for all else.
        const LEAST_BUDGET: u64 = 64 << 20;
        let peaks =
            told.moment.final_peak.into_iter().chain(told.incident.earlier_peak.as_ref().map(|earlier| earlier.peak));
        let half = peaks.map(|peak| peak.middle() / 2).max().unwrap_or_default().max(LEAST_BUDGET);
        let proposing = Proposing {
            terms: Terms {
                memory_budget: self.args.memory_limit.map_or(half, |limit| limit / 4),
                max_wait_secs: MAX_WAIT_SECS,
                includes_system: self.args.include_system,
                seeds: SEEDS,
                memory_base: None,
            },
            settings: self.settings,
            dimensions,
            recorded,
            findings: self.findings,
            tally: self.tally,
            interrupt: self.reading.interrupt(),
        };
        proposing.report()
    }

    fn report(&self, told: Told, candidates: Option<ProposeReport>) -> IncidentReport {
        let mut notes = Vec::new();
        if self.args.at.is_some() {
            notes.push(
                "range: sizes, clients and the server's version were taken from the time around --at only; over all of the log the \
                 estimates may be narrower"
                    .to_owned(),
            );
        }
        let named: Vec<String> = told.others.iter().map(|other| units::second(other.at)).collect();
        if !named.is_empty() {
            notes.push(format!("other moments that these logs offer, for --at: {}", named.join(", ")));
        }
        IncidentReport {
            schema_version: SCHEMA_VERSION,
            moment: told.moment,
            other_moments: told.others,
            window: told.window,
            logs: log_facts(self.tally),
            incident: told.incident,
            pressure: told.pressure,
            pressure_secs: told.pressure_secs,
            activity: told.activity,
            activity_secs: ACTIVITY_SECS,
            memory: told.memory,
            memory_limit_bytes: self.args.memory_limit,
            cut_off: told.cut_off,
            findings: self.findings.to_vec(),
            apiservers: self.loads.clone(),
            blind_spots: storms::unseen(self.rows, self.tally, self.findings),
            policy: told.policy,
            candidates,
            notes,
        }
    }
}

/// The moment of a log in which nothing is worth looking at.
fn no_moment(at: i64) -> Moment {
    Moment {
        kind: crate::findings::MomentKind::Peak,
        at,
        back_at: None,
        apiserver: None,
        reason: String::new(),
        final_peak: None,
    }
}

/// What was read, for people.
pub(super) fn log_facts(tally: &Tally) -> LogFacts {
    LogFacts {
        from: tally.first_at().unwrap_or_default(),
        to: tally.last_at().unwrap_or_default(),
        events: tally.events(),
        bytes: tally.files.values().map(|file| file.bytes).sum(),
        files: tally.files.len(),
        unreadable: tally.unreadable_count(),
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

#[expect(clippy::cast_possible_truncation, reason = "seconds of a bucket")]
fn micros(secs: f64) -> i64 {
    (secs * 1e6) as i64
}

/// What measured memory says of the time until the server ended; of several series, that of the server.
fn memory_facts(
    args: &IncidentArgs,
    all: &[Resident],
    moment: &Moment,
    window: Window,
    pressure: &[ListPressure],
    bucket_secs: f64,
) -> Option<MemoryFacts> {
    let name = moment.apiserver.as_deref().unwrap_or_default();
    let within = |series: &&Resident| series.samples.iter().any(|(at, _)| (window.from..=window.to).contains(at));
    let of_server = all.iter().filter(within).find(|series| !name.is_empty() && series.name.contains(name));
    let highest = |series: &&Resident| series.samples.iter().map(|(_, bytes)| *bytes).fold(0.0, f64::max);
    let series =
        of_server.or_else(|| all.iter().filter(within).max_by(|one, other| highest(one).total_cmp(&highest(other))));
    let file = args.memory.as_ref().map(|path| path.display().to_string()).unwrap_or_default();
    let named = series.map(|series| series.name.clone()).filter(|name| !name.is_empty());
    let chosen = if all.len() > 1 && of_server.is_none() { ", the highest of several series" } else { "" };
    let source = named.map_or_else(|| file.clone(), |name| format!("{file}, {name}{chosen}"));
    let Some(series) = series else {
        let growth = Growth {
            correlation: None,
            growth_bytes: 0,
            explained_share: 0.0,
            by_client_type: Vec::new(),
            peak_bytes: 0,
            summary: "No sample of the measured memory lies in the time that is shown.".to_owned(),
        };
        return Some(MemoryFacts { source, samples: Vec::new(), growth });
    };
    let samples: Vec<(i64, f64)> =
        series.samples.iter().copied().filter(|(at, _)| (window.from..=window.to).contains(at)).collect();
    Some(MemoryFacts { source, growth: growth(&samples, moment, window, pressure, micros(bucket_secs)), samples })
}

fn growth(samples: &[(i64, f64)], moment: &Moment, window: Window, pressure: &[ListPressure], step: i64) -> Growth {
    let own: Vec<&ListPressure> = pressure.iter().filter(|row| row.apiserver == moment.apiserver).collect();
    let mut types: Vec<&str> = own.iter().map(|row| row.client_type.as_str()).collect();
    types.sort_unstable();
    types.dedup();
    let place = |name: &str| types.iter().position(|other| *other == name).unwrap_or_default();
    let from = window.from.div_euclid(step) * step;
    // What came after the end is of another process.
    let until = if moment.back_at.is_some() { moment.at } else { window.to };
    let buckets = usize::try_from((until - from).div_euclid(step) + 1).unwrap_or_default();
    let mut stretches: Vec<Stretch> = (0_i64..)
        .take(buckets)
        .map(|at| Stretch { from: from + at * step, to: from + (at + 1) * step, held: vec![0.0; types.len()] })
        .collect();
    for row in own {
        let at = usize::try_from((row.bucket_at - from).div_euclid(step)).unwrap_or(usize::MAX);
        if let Some(stretch) = stretches.get_mut(at) {
            #[expect(clippy::cast_precision_loss, reason = "estimates of bytes")]
            let middle = f64::midpoint(row.inflight_low_bytes as f64, row.inflight_high_bytes as f64);
            stretch.held[place(&row.client_type)] += middle;
        }
    }
    let before: Vec<(i64, f64)> = samples.iter().copied().filter(|(at, _)| *at <= until).collect();
    // Growth that matters is that of the last minutes; how well the two follow each other is told by all of the time.
    const LAST_MICROS: i64 = 120_000_000;
    let last: Vec<(i64, f64)> = before.iter().copied().filter(|(at, _)| *at >= until - LAST_MICROS).collect();
    Growth::of(fit(&before, &stretches), fit(&last, &stretches), &types)
}
