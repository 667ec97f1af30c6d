//! A period's review: what was asked of the servers and by whom, against the period before and against their limits.
//!
//! Numbers come from SQL, by bucket of time and by client; here they are compared, explained and put into words. What one
//! estimate of sizes for all of the log can't tell – that collections grew – is told by what was created and deleted instead.

mod collections;
mod growth;
mod headroom;
mod improvements;
mod rows;
mod story;
mod trend;

pub use collections::{CollectionGrowth, collections};
pub use growth::{ClientUsage, Usage};
pub use headroom::{Headroom, LevelBounds};
pub use improvements::Improvement;
pub use rows::{ClientLists, ClientPeriod, Clock, FlowPeriod, LevelHour};
pub use trend::{Meets, Slope, Trend, TrendUnit};

use std::collections::BTreeMap;

use serde::Serialize;

use super::{ClientProfile, Finding, ListPressure, PressurePeak, ServerActivity, WordFinding, peaks};
use crate::audit::Micros;
use crate::units::Zone;

/// What is known of a period and the one before.
#[derive(Clone, Copy, Debug)]
pub struct Periods<'p> {
    /// What the period is called, such as `2026-W47`.
    pub name: &'p str,
    /// How long the buckets of all rows are, in seconds: an hour, a quarter of one, or a minute.
    pub bucket_secs: f64,
    /// When this period begins, and when it ends.
    pub this: (Micros, Micros),
    /// Whether the logs hold anything of the period before.
    pub has_before: bool,
    /// Rows of `client_periods`.
    pub clients: &'p [ClientPeriod],
    /// Rows of `client_lists`.
    pub lists: &'p [ClientLists],
    /// Rows of `level_hours` for both periods.
    pub levels: &'p [LevelHour],
    /// The levels' limits.
    pub bounds: &'p [LevelBounds],
    /// Rows of `server_activity`, for both periods.
    pub hours: &'p [ServerActivity],
    /// Rows of `list_pressure`, for both periods.
    pub pressure: &'p [ListPressure],
    /// Rows of `clocks`.
    pub clocks: &'p [Clock],
    /// What was created and deleted, by resource.
    pub collections: &'p [CollectionGrowth],
    /// What was found in this period, the worst first.
    pub findings: &'p [Finding],
    /// How a finding is worded.
    pub words: WordFinding,
    /// What is known of each client.
    pub notes: &'p BTreeMap<String, ClientProfile>,
    /// What an apiserver's memory is limited to, in bytes.
    pub memory_limit: Option<u64>,
    /// The time zone by which days begin.
    pub zone: &'p Zone,
}

/// How many requests met upstream's objectives.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Objective {
    /// Of what requests.
    pub scope: &'static str,
    /// Within so many seconds.
    pub objective_secs: u32,
    /// Requests in this period.
    pub requests: u64,
    /// Those of them that took longer.
    pub late: u64,
    /// Requests in the period before.
    pub requests_before: u64,
    /// Those of them that took longer.
    pub late_before: u64,
}

/// A bucket that had most of something.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BusyHour {
    /// Busy with what.
    pub by: &'static str,
    /// When it began.
    #[serde(serialize_with = "super::finding::as_instant")]
    pub at: Micros,
    /// How much, in words.
    pub value: String,
}

/// The review.
#[derive(Clone, Debug, Serialize)]
pub struct Review {
    /// What there is to say first.
    pub verdict: Vec<String>,
    /// All of this period.
    pub this: Usage,
    /// All of the period before; `None` where the logs don't have it.
    pub before: Option<Usage>,
    /// What all lists together held at most in this period; `None` where no list of known size was in flight.
    pub peak: Option<PressurePeak>,
    /// The same in the period before.
    pub peak_before: Option<PressurePeak>,
    /// By type of client.
    pub client_types: Vec<ClientUsage>,
    /// By client.
    pub clients: Vec<ClientUsage>,
    /// Clients that weren't there in the period before.
    pub appeared: Vec<String>,
    /// Clients that were.
    pub vanished: Vec<String>,
    /// Latency.
    pub objectives: Vec<Objective>,
    /// Priority levels.
    pub levels: Vec<Headroom>,
    /// The busiest buckets.
    pub busiest: Vec<BusyHour>,
    /// Lists that come like a clock.
    pub clocks: Vec<Clock>,
    /// What was created and deleted.
    pub collections: Vec<CollectionGrowth>,
    /// What to do first; `None` where nothing is to be gained.
    pub first_step: Option<String>,
    /// What to do, by what it would save.
    pub improvements: Vec<Improvement>,
    /// How it goes on.
    pub trends: Vec<Trend>,
}

/// Puts the review together.
pub fn review(periods: &Periods<'_>) -> Review {
    let clients = growth::clients(periods.clients, periods.lists, periods.has_before);
    let this = growth::total(clients.iter().filter_map(|client| client.this.as_ref()));
    let before = periods.has_before.then(|| growth::total(clients.iter().filter_map(|client| client.before.as_ref())));
    let name = |client: &ClientUsage| client.client.clone();
    let only = |is_this: bool| {
        let is_only = move |client: &&ClientUsage| match is_this {
            true => client.before.is_none() && client.this.is_some(),
            false => client.this.is_none() && client.before.is_some(),
        };
        if periods.has_before { clients.iter().filter(is_only).map(name).collect() } else { Vec::new() }
    };
    let within: Vec<LevelHour> =
        periods.levels.iter().filter(|hour| hour.bucket_at >= periods.this.0).cloned().collect();
    let levels = headroom::headroom(&within, periods.bounds);
    let mut review = Review {
        verdict: Vec::new(),
        first_step: None,
        this,
        before,
        peak: highest(periods, true),
        peak_before: highest(periods, false).filter(|_| periods.has_before),
        client_types: growth::types(&clients),
        appeared: only(true),
        vanished: only(false),
        objectives: objectives(periods.clients),
        busiest: busiest(periods),
        clocks: clocks(periods.clocks),
        collections: periods.collections.to_vec(),
        improvements: improvements::improvements(&clients, periods.notes),
        trends: trends(periods, &levels),
        levels,
        clients,
    };
    review.verdict = story::verdict(periods, &review);
    review.first_step = story::first_step(periods, &review);
    review
}

fn highest(periods: &Periods<'_>, is_this: bool) -> Option<PressurePeak> {
    let within = peaks(periods.pressure).map(|(_, peak)| peak).filter(|peak| (peak.at >= periods.this.0) == is_this);
    within.max_by_key(|peak| (peak.middle(), peak.inflight))
}

fn objectives(clients: &[ClientPeriod]) -> Vec<Objective> {
    type Counts = fn(&ClientPeriod) -> (u64, u64);
    let kinds: [(&'static str, u32, Counts); 3] = [
        ("one object (writes included)", 1, |row| (row.object_took_count, row.object_late_count)),
        ("a collection in a namespace", 5, |row| (row.namespace_took_count, row.namespace_late_count)),
        ("a collection in the whole cluster", 30, |row| (row.cluster_took_count, row.cluster_late_count)),
    ];
    let sum = |of: Counts, is_this: bool| {
        clients
            .iter()
            .filter(|row| row.is_this == is_this)
            .map(of)
            .fold((0, 0), |sum, row| (sum.0 + row.0, sum.1 + row.1))
    };
    let objective = |(scope, objective_secs, of): (&'static str, u32, Counts)| {
        let ((requests, late), (requests_before, late_before)) = (sum(of, true), sum(of, false));
        Objective { scope, objective_secs, requests, late, requests_before, late_before }
    };
    kinds.into_iter().map(objective).collect()
}

/// The buckets with most of each; all apiservers together, but for memory, which each has for itself.
fn busiest(periods: &Periods<'_>) -> Vec<BusyHour> {
    let mut hours: BTreeMap<Micros, [u64; 3]> = BTreeMap::new();
    for row in periods.hours.iter().filter(|row| row.bucket_at >= periods.this.0) {
        let sums = hours.entry(row.bucket_at).or_default();
        for (sum, count) in sums.iter_mut().zip([row.request_count, row.list_count, row.rejected_count]) {
            *sum += count;
        }
    }
    let most = |place: usize, by: &'static str| {
        let (at, sums) = hours.iter().max_by_key(|(_, sums)| sums[place]).filter(|(_, sums)| sums[place] > 0)?;
        Some(BusyHour { by, at: *at, value: crate::units::count(sums[place]) })
    };
    let mut busiest: Vec<BusyHour> =
        [most(0, "requests"), most(1, "LISTs"), most(2, "refused by Priority and Fairness")]
            .into_iter()
            .flatten()
            .collect();
    #[expect(clippy::cast_possible_truncation, reason = "seconds of a bucket")]
    let bucket = (periods.bucket_secs * 1e6) as Micros;
    busiest.extend(highest(periods, true).map(|peak| BusyHour {
        by: "memory held by LISTs",
        at: peak.at.div_euclid(bucket) * bucket,
        value: peak.words(),
    }));
    busiest
}

/// Clocks worth a line: regular ones that go round often enough.
fn clocks(clocks: &[Clock]) -> Vec<Clock> {
    const LEAST: u64 = 5;
    let is_clock =
        |clock: &&Clock| clock.period_secs.is_some() && clock.regular_request_count.unwrap_or_default() >= LEAST;
    let mut clocks: Vec<Clock> = clocks.iter().filter(is_clock).cloned().collect();
    clocks.sort_by_key(|clock| std::cmp::Reverse((clock.response_high_bytes, clock.request_count)));
    clocks
}

/// What is looked at over days.
fn trends(periods: &Periods<'_>, levels: &[Headroom]) -> Vec<Trend> {
    let day = |at: Micros| periods.zone.day_start(at);
    let mut hours: BTreeMap<Micros, BTreeMap<Micros, (u64, u64)>> = BTreeMap::new();
    for row in periods.hours {
        let sums = hours.entry(day(row.bucket_at)).or_default().entry(row.bucket_at).or_default();
        *sums = (sums.0 + row.request_count, sums.1 + row.list_count);
    }
    // The first and the last day are seldom whole; of half a day nothing can be told.
    let fullest = hours.values().map(BTreeMap::len).max().unwrap_or_default();
    hours.retain(|_, hours| 2 * hours.len() >= fullest);
    let rate = |of: fn(&(u64, u64)) -> u64| -> Vec<(Micros, f64)> {
        let mean = |hours: &BTreeMap<Micros, (u64, u64)>| {
            float(hours.values().map(of).sum()) / float(hours.len() as u64) / periods.bucket_secs
        };
        hours.iter().map(|(day, hours)| (*day, mean(hours))).collect()
    };
    let mut peak_of: BTreeMap<Micros, f64> = BTreeMap::new();
    for (_, peak) in peaks(periods.pressure) {
        let highest = peak_of.entry(day(peak.at)).or_default();
        *highest = highest.max(float(peak.middle()));
    }
    let of_days = |values: &BTreeMap<Micros, f64>| -> Vec<(Micros, f64)> {
        hours.keys().map(|day| (*day, values.get(day).copied().unwrap_or_default())).collect()
    };
    let mut trends = vec![
        trend::trend("requests a second, mean of each day", TrendUnit::PerSecond, rate(|sums| sums.0), None),
        trend::trend("LISTs a second, mean of each day", TrendUnit::PerSecond, rate(|sums| sums.1), None),
        trend::trend(
            "memory that LISTs held, peak of each day, middle of the estimate",
            TrendUnit::Bytes,
            of_days(&peak_of),
            periods.memory_limit.map(float),
        ),
    ];
    if let Some(level) = levels
        .iter()
        .filter(|level| !level.is_exempt && level.requests > 0)
        .max_by(|one, other| one.share().total_cmp(&other.share()))
    {
        let mut seats: BTreeMap<Micros, f64> = BTreeMap::new();
        for hour in periods.levels.iter().filter(|hour| hour.priority_level == level.priority_level) {
            let highest = seats.entry(day(hour.bucket_at)).or_default();
            *highest = highest.max(f64::midpoint(hour.mean_low_seats, hour.mean_high_seats));
        }
        let of = format!(
            "seats of the priority level {} in the fullest {} of each day",
            level.priority_level,
            bucket_name(periods.bucket_secs)
        );
        trends.push(trend::trend(of, TrendUnit::Seats, of_days(&seats), Some(f64::from(level.nominal_seats))));
    }
    trends
}

/// What a bucket of that many seconds is called.
pub fn bucket_name(secs: f64) -> &'static str {
    match secs {
        secs if secs < 900.0 => "minute",
        secs if secs < 3_600.0 => "quarter of an hour",
        _ => "hour",
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts and bytes of which a few digits are told")]
fn float(value: u64) -> f64 {
    value as f64
}
