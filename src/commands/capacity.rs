//! `capacity`: a period against the one before, and against what the servers can bear.

use std::collections::{BTreeMap, HashMap};

use anyhow::{Context, Result, bail};

use super::Advice;
use super::apf::{origin_words, version_words};
use super::dimensions::{Dimensions, prepare};
use super::flows::Flows;
use super::incident::log_facts;
use super::logs::{moment, open, report};
use super::paper;
use super::reading::Reading;
use super::settings::Settings;
use super::storms;
use crate::audit::Micros;
use crate::cli::{CapacityArgs, CompareWith};
use crate::console::Console;
use crate::findings::{
    ClientLists, ClientPeriod, Clock, CollectionGrowth, Finding, FlowPeriod, LevelBounds, LevelHour, ListPressure,
    Periods, Presence, ServerActivity, review,
};
use crate::report::{CapacityReport, SCHEMA_VERSION, ServerFacts, Window};
use crate::requests::Tally;
use crate::tables::{Database, TypedRow};
use crate::units::{self, Zone};

const WEEK_MICROS: Micros = 7 * 24 * 3_600 * 1_000_000;
const DAY_MICROS: Micros = WEEK_MICROS / 7;

pub(super) fn run(args: &CapacityArgs, console: Console) -> Result<()> {
    paper::format(&args.paper)?;
    let settings = Settings::with_flows(&args.clients, &args.sizes, &args.flows)?;
    settings.flows.notes.iter().for_each(|note| console.note(note));
    let (mut reading, asked) = read(args, console)?;
    let hour_secs = hour_secs(&args.paper.timezone, &reading, asked.as_ref());
    reading.database.set_param("activity_secs", &hour_secs.to_string());
    let (dimensions, rows) = reading.run(gather(&reading.database, &settings))?;
    let tally = reading.tally();
    if tally.events() > 0 {
        let period = period(args, asked, &tally, micros(hour_secs));
        let flows = dimensions.flows.as_ref().context("flows were not asked for")?;
        let gathered = Gathered {
            args,
            settings: &settings,
            reading: &reading,
            tally: &tally,
            dimensions: &dimensions,
            flows,
            hour_secs,
        };
        let made = gathered.report(&period, &rows)?;
        paper::write(&made, &made.page(&args.paper.timezone), &args.paper, console)?;
    }
    report(&reading.opened, &tally, args.logs.strict, console)
}

/// A period, and what it is called.
struct Period {
    name: String,
    from: Micros,
    to: Micros,
}

/// The period that was asked for; `None` if that follows from the logs.
fn asked(args: &CapacityArgs) -> Result<Option<Period>> {
    let Some(week) = &args.week else { return Ok(None) };
    if args.logs.from.is_some() || args.logs.to.is_some() {
        bail!("--week says from when to when: leave out --from and --to");
    }
    let Some((from, to)) = args.paper.timezone.week(week) else {
        return Err(
            Advice { message: format!("--week {week} is no week"), hint: "write it as in ISO 8601: 2026-W47" }.into()
        );
    };
    Ok(Some(Period { name: week.clone(), from, to }))
}

/// Opens the logs, as far as the period and the one before reach; with the period, where that was asked for.
fn read(args: &CapacityArgs, console: Console) -> Result<(Reading, Option<Period>)> {
    let mut logs = args.logs.clone();
    let is_compared = args.compare == CompareWith::Previous;
    let period = match asked(args)? {
        Some(week) => Some(week),
        None if logs.from.is_some() => {
            let opened = open(&args.inputs, &logs, console)?;
            let to = opened.logs.window.to;
            let to = to.map_or_else(|| moment("-0s", &opened.logs.files, console), Ok)? + 1;
            let name = "The time asked for".to_owned();
            opened.logs.window.from.map(|from| Period { name, from, to })
        }
        None => None,
    };
    if let Some(Period { from, to, .. }) = &period {
        let back = if is_compared { to - from } else { 0 };
        logs.from = Some(units::instant(from - back));
        logs.to = Some(units::instant(to - 1));
    }
    Ok((Reading::of(&args.inputs, &logs, console)?, period))
}

/// The length of buckets, in seconds: an hour, but less where the zone's hours aren't UTC's, or the period is short.
fn hour_secs(zone: &Zone, reading: &Reading, asked: Option<&Period>) -> f64 {
    let at = asked.map(|period| period.from).or(reading.opened.logs.window.from).unwrap_or_default();
    if zone.offset_secs(at) % 3_600 == 0 { 3_600.0 } else { 900.0 }
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
fn period(args: &CapacityArgs, asked: Option<Period>, tally: &Tally, hour: Micros) -> Period {
    if let Some(period) = asked {
        return period;
    }
    let (first, last) = (tally.first_at().unwrap_or_default(), tally.last_at().unwrap_or_default());
    let zone = &args.paper.timezone;
    let to = (last + hour).div_euclid(hour) * hour;
    if last - first > WEEK_MICROS + DAY_MICROS {
        return Period { name: format!("The week to {}", zone.day(last)), from: to - WEEK_MICROS, to };
    }
    let name = match (zone.day(first), zone.day(last)) {
        (from, to) if from == to => from,
        (from, to) => format!("{from} to {to}"),
    };
    Period { name, from: first.div_euclid(hour) * hour, to }
}

/// What was read.
struct Gathered<'g> {
    args: &'g CapacityArgs,
    settings: &'g Settings,
    reading: &'g Reading,
    tally: &'g Tally,
    dimensions: &'g Dimensions,
    flows: &'g Flows,
    hour_secs: f64,
}

impl Gathered<'_> {
    fn report(&self, period: &Period, rows: &storms::Rows) -> Result<CapacityReport> {
        let before_from = period.from - (period.to - period.from);
        let both = [("from_micros", before_from.to_string()), ("to_micros", period.to.to_string())];
        let split = [&both[..], &[("period_micros", period.from.to_string())]].concat();
        let with_hours = [&both[..], &[("bucket_secs", self.hour_secs.to_string())]].concat();
        let clients: Vec<ClientPeriod> = self.ask(&split)?;
        let lists: Vec<ClientLists> = self.ask(&split)?;
        let created: Vec<FlowPeriod> = self.ask(&split)?;
        let levels: Vec<LevelHour> = self.ask(&both)?;
        let clocks: Vec<Clock> = self.ask(&[])?;
        let hours: Vec<ServerActivity> = self.ask(&both)?;
        let pressure: Vec<ListPressure> = self.ask(&with_hours)?;
        let is_compared = self.args.compare == CompareWith::Previous;
        // Requests that were received before the first line of a log are no period.
        let reaches_back = self.tally.first_at().is_some_and(|first| first < period.from - micros(self.hour_secs));
        let has_before = is_compared && reaches_back && clients.iter().any(|row| !row.is_this);
        let all = storms::found(rows, self.tally, self.reading.opened.logs.window.from);
        let findings: Vec<Finding> = all
            .iter()
            .filter(|finding| finding.started_at >= period.from && finding.started_at < period.to)
            .cloned()
            .collect();
        let bounds = self.bounds();
        let zone = &self.args.paper.timezone;
        let periods = Periods {
            name: &period.name,
            this: (period.from, period.to),
            has_before,
            clients: &clients,
            lists: &lists,
            levels: &levels,
            bounds: &bounds,
            hours: &hours,
            pressure: &pressure,
            clocks: &clocks,
            collections: &self.collections(&created),
            findings: &findings,
            notes: rows.notes(),
            memory_limit: self.args.memory_limit,
            zone,
        };
        let reviewed = review(&periods);
        let is_within = |at: Micros| at >= period.from && at < period.to;
        Ok(CapacityReport {
            schema_version: SCHEMA_VERSION,
            period: period.name.clone(),
            window: Window { from: period.from, to: period.to },
            before: has_before.then_some(Window { from: before_from, to: period.from }),
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
            hour_secs: self.hour_secs,
            memory_limit_bytes: self.args.memory_limit,
            blind_spots: storms::unseen(rows, self.tally, &findings),
            findings,
            notes: self.notes(period, has_before),
        })
    }

    /// The rows of a query, with values for some of its parameters.
    fn ask<T: TypedRow>(&self, params: &[(&str, String)]) -> Result<Vec<T>> {
        let params: BTreeMap<String, String> =
            params.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        self.reading.run(async { Ok(self.reading.database.rows_with(&params).await?) })
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

    /// What was created and deleted, by resource, the greatest change first.
    fn collections(&self, created: &[FlowPeriod]) -> Vec<CollectionGrowth> {
        let digests: HashMap<i64, &str> =
            self.flows.digests.iter().map(|(key, digest)| (*key, digest.resource.as_str())).collect();
        let groups: HashMap<i64, &str> = self
            .flows
            .digests
            .iter()
            .map(|(key, digest)| (*key, digest.api_group.as_deref().unwrap_or_default()))
            .collect();
        let mut grown: BTreeMap<String, CollectionGrowth> = BTreeMap::new();
        for row in created {
            let (Some(resource), Some(group)) = (digests.get(&row.flow_key), groups.get(&row.flow_key)) else {
                continue;
            };
            if resource.is_empty() {
                continue;
            }
            let name = if group.is_empty() { (*resource).to_owned() } else { format!("{resource}.{group}") };
            let sum = grown
                .entry(name.clone())
                .or_insert_with(|| CollectionGrowth { resource: name, ..CollectionGrowth::default() });
            let (created, deleted) = if row.is_this {
                (&mut sum.created, &mut sum.deleted)
            } else {
                (&mut sum.created_before, &mut sum.deleted_before)
            };
            *created += row.created_count;
            *deleted += row.deleted_count;
        }
        let mut grown: Vec<CollectionGrowth> = grown.into_values().collect();
        grown.sort_by_key(|one| std::cmp::Reverse(one.created.abs_diff(one.deleted)));
        grown
    }

    fn notes(&self, period: &Period, has_before: bool) -> Vec<String> {
        let mut notes = vec![
            "memory: what LISTs held is an estimate from one size of each resource for all of the logs; that a collection grew doesn't show \
             in it"
                .to_owned(),
            "seats: those of LISTs follow from sizes, and are a range; waits under half a second, and those of watches, are in no log".to_owned(),
            "created and deleted: what deletecollection or a time to live removes is in no line".to_owned(),
            "clients that only write have no instances here".to_owned(),
        ];
        if !has_before && self.args.compare == CompareWith::Previous {
            notes.push(
                "comparison: the logs hold nothing of the period before; give those of two weeks to see what changed"
                    .to_owned(),
            );
        }
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

#[expect(clippy::cast_possible_truncation, reason = "seconds of a bucket")]
fn micros(secs: f64) -> i64 {
    (secs * 1e6) as i64
}
