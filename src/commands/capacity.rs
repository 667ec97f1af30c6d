//! `capacity`: a period against the one before, and against what the servers can bear.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::{Context, Result, bail};

use super::Advice;
use super::apf::{origin_words, version_words};
use super::dimensions::{Dimensions, prepare};
use super::flows::Flows;
use super::logs::{moment, open, report};
use super::reading::{Reading, values};
use super::report::{check_format, log_facts, write};
use super::settings::Settings;
use super::storms;
use crate::audit::Micros;
use crate::cli::{CapacityArgs, CompareWith};
use crate::console::Console;
use crate::findings::{
    ClientLists, ClientPeriod, Clock, Finding, FlowPeriod, LevelBounds, LevelHour, ListPressure, Periods, Presence,
    ServerActivity, collections, review,
};
use crate::report::{CapacityReport, SCHEMA_VERSION, ServerFacts, Window};
use crate::requests::{Tally, tallied};
use crate::tables::{Database, Logs, TypedRow};
use crate::units::{self, Zone};

const WEEK_MICROS: Micros = 7 * 24 * 3_600 * 1_000_000;
const DAY_MICROS: Micros = WEEK_MICROS / 7;

pub(super) fn run(args: &CapacityArgs, console: Console) -> Result<()> {
    check_format(&args.output)?;
    let settings = Settings::with_flows(&args.clients, &args.sizes, &args.flows)?;
    settings.flows.notes.iter().for_each(|note| console.note(note));
    let (mut reading, asked, bucket_secs) = read(args, console)?;
    reading.database.set_param("activity_secs", &bucket_secs.to_string());
    let (dimensions, rows) = reading.run(gather(&reading.database, &settings))?;
    let tally = reading.tally();
    if tally.events() > 0 {
        let period = period(asked, &tally, reading.opened.logs.window.to, micros(bucket_secs));
        let flows = dimensions.flows.as_ref().context("flows were not asked for")?;
        let gathered = Gathered {
            args,
            settings: &settings,
            reading: &reading,
            tally: &tally,
            dimensions: &dimensions,
            flows,
            bucket_secs,
        };
        let made = gathered.report(&period, &rows)?;
        write(&made, |zone| made.page(zone), &args.output, console)?;
    }
    report(&reading.opened, &tally, args.logs.strict, console)
}

/// A period, and the week that it is, if one was asked for.
struct Period {
    week: Option<String>,
    from: Micros,
    to: Micros,
}

/// The period that was asked for, by its week or from when to when; `None` if it follows from the logs.
fn asked(args: &CapacityArgs, console: Console) -> Result<Option<Period>> {
    let Some(week) = &args.week else {
        if args.logs.from.is_none() {
            return Ok(None);
        }
        let opened = open(&args.inputs, &args.logs, console)?;
        let to = opened.logs.window.to;
        let to = to.map_or_else(|| moment("-0s", &opened.logs.files, console), Ok)? + 1;
        return Ok(opened.logs.window.from.map(|from| Period { week: None, from, to }));
    };
    if args.logs.from.is_some() || args.logs.to.is_some() {
        bail!("--week says from when to when: leave out --from and --to");
    }
    let Some((from, to)) = args.output.timezone.week(week) else {
        return Err(
            Advice { message: format!("--week {week} is no week"), hint: "write it as in ISO 8601: 2026-W47" }.into()
        );
    };
    Ok(Some(Period { week: Some(week.clone()), from, to }))
}

/// Opens the logs, as far as the period and the one before reach; with the period, where one was asked for, and the length of
/// buckets in seconds. The period begins and ends with a bucket, as what is in a part of one can't be told.
fn read(args: &CapacityArgs, console: Console) -> Result<(Reading, Option<Period>, f64)> {
    let (mut logs, zone) = (args.logs.clone(), &args.output.timezone);
    let Some(asked) = asked(args, console)? else {
        let reading = Reading::of(&args.inputs, &logs, console)?;
        let bucket_secs = bucket_secs(zone, span_of_little(&reading.opened.logs));
        return Ok((reading, None, bucket_secs));
    };
    let bucket_secs = bucket_secs(zone, Some((asked.from, asked.to)));
    let bucket = micros(bucket_secs);
    let period = Period { from: whole(asked.from, bucket), to: whole(asked.to + bucket - 1, bucket), ..asked };
    let back = if args.compare == CompareWith::Previous { period.to - period.from } else { 0 };
    logs.from = Some(units::instant(period.from - back));
    logs.to = Some(units::instant(period.to - 1));
    Ok((Reading::of(&args.inputs, &logs, console)?, Some(period), bucket_secs))
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
fn whole(at: Micros, bucket: Micros) -> Micros {
    at.div_euclid(bucket) * bucket
}

/// From when to when logs are that are soon read; `None` for larger ones, and where nothing can be read twice.
fn span_of_little(logs: &Logs) -> Option<(Micros, Micros)> {
    const LITTLE_BYTES: u64 = 32 << 20;
    let bytes: Option<u64> = logs.files.iter().map(|file| file.disk_bytes).sum();
    if bytes? > LITTLE_BYTES {
        return None;
    }
    let tally = tallied(logs.files.clone(), logs.window, &Arc::default());
    tally.first_at().zip(tally.last_at())
}

/// The queries whose rows are kept from the one reading of the logs.
async fn gather(database: &Database, settings: &Settings) -> Result<(Dimensions, storms::Rows)> {
    let wanted = [
        &storms::wanted(),
        ClientPeriod::QUERY,
        ClientLists::QUERY,
        LevelHour::QUERY,
        FlowPeriod::QUERY,
        Clock::QUERY,
        ListPressure::QUERY,
        ServerActivity::QUERY,
    ]
    .join(" ");
    let dimensions = prepare(database, &wanted, &[Presence::QUERY], settings).await?;
    let rows = storms::rows(database, &dimensions, None).await?;
    Ok((dimensions, rows))
}

/// The period: as asked for, or the last week of the logs if they hold more than that, or all of them.
fn period(asked: Option<Period>, tally: &Tally, to: Option<Micros>, bucket: Micros) -> Period {
    if let Some(period) = asked {
        return period;
    }
    let (first, last) = (tally.first_at().unwrap_or_default(), tally.last_at().unwrap_or_default());
    // What was received in time may have ended later.
    let last = last.min(to.unwrap_or(last));
    let to = whole(last + bucket, bucket);
    let from = if last - first > WEEK_MICROS + DAY_MICROS { to - WEEK_MICROS } else { whole(first, bucket) };
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
    args: &'g CapacityArgs,
    settings: &'g Settings,
    reading: &'g Reading,
    tally: &'g Tally,
    dimensions: &'g Dimensions,
    flows: &'g Flows,
    bucket_secs: f64,
}

impl Gathered<'_> {
    fn report(&self, period: &Period, rows: &storms::Rows) -> Result<CapacityReport> {
        let before_from = period.from - (period.to - period.from);
        let (clients, lists, created, levels, clocks, hours, pressure) =
            self.reading.run(self.rows(before_from, period))?;
        let is_compared = self.args.compare == CompareWith::Previous;
        // Requests that were received before the first line of a log are no period.
        let reaches_back = self.tally.first_at().is_some_and(|first| first < period.from - micros(self.bucket_secs));
        let has_before = is_compared && reaches_back && clients.iter().any(|row| !row.is_this);
        let all = storms::found(rows, self.tally, self.reading.opened.logs.window.from);
        let findings: Vec<Finding> = all
            .iter()
            .filter(|finding| finding.started_at >= period.from && finding.started_at < period.to)
            .cloned()
            .collect();
        let bounds = self.bounds();
        let zone = &self.args.output.timezone;
        let name = period.week.clone().unwrap_or_else(|| days(zone.day(period.from), zone.day(period.to - 1)));
        let periods = Periods {
            name: &name,
            bucket_secs: self.bucket_secs,
            this: (period.from, period.to),
            has_before,
            clients: &clients,
            lists: &lists,
            levels: &levels,
            bounds: &bounds,
            hours: &hours,
            pressure: &pressure,
            clocks: &clocks,
            collections: &collections(&created, &self.resources()),
            findings: &findings,
            notes: rows.notes(),
            memory_limit: self.args.memory_limit,
            zone,
        };
        let reviewed = review(&periods);
        let is_within = |at: Micros| at >= period.from && at < period.to;
        Ok(CapacityReport {
            schema_version: SCHEMA_VERSION,
            week: period.week.clone(),
            window: Window { from: period.from, to: period.to },
            before: has_before.then_some(Window { from: before_from, to: period.from }),
            not_compared: (!has_before).then(|| not_compared(is_compared)),
            logs: log_facts(self.tally),
            server: ServerFacts {
                version: version_words(self.dimensions.server.version),
                server_concurrency: self.settings.flows.server_concurrency,
                configuration: origin_words(self.flows.origin).to_owned(),
            },
            review: reviewed,
            activity: hours.into_iter().filter(|row| is_within(row.bucket_at)).collect(),
            pressure: pressure.into_iter().filter(|row| is_within(row.bucket_at)).collect(),
            level_hours: levels.into_iter().filter(|row| is_within(row.bucket_at)).collect(),
            bucket_secs: self.bucket_secs,
            memory_limit_bytes: self.args.memory_limit,
            blind_spots: storms::unseen(rows, self.tally, &findings),
            findings,
            notes: self.notes(period),
        })
    }

    /// What the queries say of the period and the one before it.
    async fn rows(&self, before_from: Micros, period: &Period) -> Result<PeriodRows> {
        let both = [("from_micros", before_from.to_string()), ("to_micros", period.to.to_string())];
        let split = values(&[&both[..], &[("period_micros", period.from.to_string())]].concat());
        let with_bucket = values(&[&both[..], &[("bucket_secs", self.bucket_secs.to_string())]].concat());
        let (both, database) = (values(&both), &self.reading.database);
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

    /// What each flow key stands for, as far as collections go: the resource and its group.
    fn resources(&self) -> HashMap<i64, (&str, &str)> {
        let digests = self.flows.digests.iter();
        digests
            .map(|(key, digest)| (*key, (digest.resource.as_str(), digest.api_group.as_deref().unwrap_or_default())))
            .collect()
    }

    fn notes(&self, period: &Period) -> Vec<String> {
        let mut notes = vec![
            "memory: what LISTs held is an estimate from one size of each resource for all of the logs; that a collection grew doesn't show \
             in it"
                .to_owned(),
            "seats: those of LISTs follow from sizes, and are a range; waits under half a second, and those of watches, are in no log".to_owned(),
            "created and deleted: what deletecollection or a time to live removes is in no line".to_owned(),
            "clients that only write have no instances here".to_owned(),
        ];
        let (first, last) = (self.tally.first_at().unwrap_or_default(), self.tally.last_at().unwrap_or_default());
        if first > period.from + DAY_MICROS || last < period.to - DAY_MICROS {
            notes.push(format!(
                "coverage: the logs go from {} to {}, which is less than the period",
                units::second(first),
                units::second(last)
            ));
        }
        if self.settings.flows.config.is_none() {
            notes.push(
                "priority levels: the configuration is that of a fresh cluster; give the server's own with --config"
                    .to_owned(),
            );
        }
        notes
    }
}

/// From the one day to the other.
fn days(first: String, last: String) -> String {
    if first == last { first } else { format!("{first} to {last}") }
}

/// Why a period isn't compared with the one before.
fn not_compared(is_wanted: bool) -> String {
    let why = if is_wanted {
        "the logs hold nothing of the period before; give those of two weeks to see what changed"
    } else {
        "--compare none was given"
    };
    why.to_owned()
}

#[expect(clippy::cast_possible_truncation, reason = "seconds of a bucket")]
fn micros(secs: f64) -> i64 {
    (secs * 1e6) as i64
}
