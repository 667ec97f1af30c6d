//! `incident`: the story of an apiserver's end, or of any other moment.

use anyhow::{Context, Result};

use super::apf::{Law, Proposing, Recorded, Terms, check, record};
use super::dimensions::{Dimensions, prepare};
use super::logs::{moment as typed_moment, open, report};
use super::reading::Reading;
use super::report::{check_format, log_facts, write};
use super::settings::Settings;
use super::storms::{self, Rows};
use crate::cli::IncidentArgs;
use crate::console::Console;
use crate::findings::{
    CutOff, Finding, Incident, ListPressure, Moment, MomentKind, Policy, Presence, Pressure, Restart, Scene,
    ServerActivity, ServerLoad, audit_policy, growth, harm_began, incident, moments,
};
use crate::memory::{Resident, resident};
use crate::report::{IncidentReport, MemoryFacts, ProposeReport, SCHEMA_VERSION, Window};
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
    check_format(&args.output)?;
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
        write(&report, |zone| report.page(zone), &args.output, console)?;
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
    cut_off: Vec<CutOff>,
    memory: Option<MemoryFacts>,
    incident: Incident,
    policy: Policy,
}

impl Gathered<'_> {
    fn told(&self, asked: Option<i64>, measured: Option<&[Resident]>) -> Result<Told> {
        let (first, last) = (self.tally.first_at().unwrap_or_default(), self.tally.last_at().unwrap_or_default());
        let whole = self
            .reading
            .ask::<ListPressure>(&[("bucket_secs", bucket_secs(first, last).max(ACTIVITY_SECS).to_string())])?;
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
        let pressure: Vec<ListPressure> = self.reading.ask(&with_bucket)?;
        let activity_from = [("from_micros", (window.from - micros(ACTIVITY_SECS)).to_string()), within[1].clone()];
        let activity: Vec<ServerActivity> = self.reading.ask(&activity_from)?;
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
        let at_peak: Vec<Pressure> = self.reading.ask(&at(peak_at))?;
        let at_end: Vec<Pressure> = self.reading.ask(&at(moment.at))?;
        let cut_off = if moment.back_at.is_some() { self.reading.ask(&cut)? } else { Vec::new() };
        let began = harm_began(self.findings, &moment).to_string();
        let harmed = self.reading.ask(&[("from_micros", began), ("to_micros", moment.at.to_string())])?;
        let returns = match moment.back_at {
            Some(back) => self.reading.ask(&[("start_micros", back.to_string()), server])?,
            None => Vec::new(),
        };
        let file = self.args.memory.as_ref().map(|path| path.display().to_string()).unwrap_or_default();
        let memory = measured.map(|all| memory_facts(&file, all, &moment, window, &pressure, micros(pressure_secs)));
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
        let everything: Vec<ServerActivity> = self.reading.ask(&[])?;
        let policy = audit_policy(&everything, ACTIVITY_SECS, self.tally);
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
    Moment { kind: MomentKind::Peak, at, back_at: None, apiserver: None, reason: String::new(), final_peak: None }
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

/// Measured memory in the window, and what it says; of several series that which is named like the server, else the highest.
fn memory_facts(
    file: &str,
    all: &[Resident],
    moment: &Moment,
    window: Window,
    pressure: &[ListPressure],
    step: i64,
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
    let source = match series.map(|series| series.name.as_str()).filter(|name| !name.is_empty()) {
        Some(name) => format!("{file}, {name}, of {} series", all.len()),
        None => file.to_owned(),
    };
    MemoryFacts { source, growth: growth(&samples, moment, pressure, (window.from, window.to), step), samples }
}
