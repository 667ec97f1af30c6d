//! Capacity: what was asked of the servers in a period and by which clients, against the period before and against limits.
//!
//! Numbers come from SQL, by bucket of time and by client; here they are compared and judged. All results are data:
//! `report` writes the words. Sizes are estimated once for the whole log, so they can't show that a collection grew; what was
//! created and deleted shows it instead.

mod busiest;
mod collections;
mod coverage;
mod daily;
mod headroom;
mod improvements;
mod objectives;
mod rows;
mod thresholds;
mod trend;
mod usage;

pub use busiest::{BusyBucket, BusyLoad};
pub use collections::{CollectionGrowth, summarize_collections};
pub use coverage::{PeriodCoverage, measure_coverage};
pub use headroom::{Headroom, LevelBounds, LevelState, fullest_level};
pub use improvements::Improvement;
pub use objectives::{Objective, ObjectiveScope};
pub use rows::{ClientLists, ClientPeriod, Clock, FlowPeriod, LevelHour};
pub use thresholds::CapacityThresholds;
pub use trend::{Meets, Slope, Trend, TrendSubject, TrendUnit};
pub use usage::{ClientUsage, InstanceChange, ListChange, Usage};

use std::collections::BTreeMap;

use serde::Serialize;

use super::{ClientProfile, Finding, ListPressure, PressurePeak, ServerActivity, Severity, Thresholds, peaks};
use crate::audit::Micros;
use crate::units::Zone;

/// What is known of a period and the one before.
#[derive(Clone, Copy, Debug)]
pub struct CapacityInput<'p> {
    /// The length of the buckets of all rows, in seconds: an hour, a quarter of one, or a minute.
    pub bucket_secs: f64,
    /// When this period begins, and when it ends.
    pub period: (Micros, Micros),
    /// How much of this period the logs cover.
    pub coverage: PeriodCoverage,
    /// How much of the period before, where this one is compared with it; `None` where it isn't.
    pub coverage_before: Option<PeriodCoverage>,
    /// The first and the last event of the logs.
    pub logs: (Micros, Micros),
    /// Rows of `client_periods`.
    pub clients: &'p [ClientPeriod],
    /// Rows of `client_lists`.
    pub lists: &'p [ClientLists],
    /// Rows of `level_hours` for both periods.
    pub levels: &'p [LevelHour],
    /// The levels' limits.
    pub bounds: &'p [LevelBounds],
    /// Rows of `server_activity`, for both periods.
    pub activity: &'p [ServerActivity],
    /// Rows of `list_pressure`, for both periods.
    pub pressure: &'p [ListPressure],
    /// Rows of `clocks`.
    pub clocks: &'p [Clock],
    /// What was created and deleted, by resource.
    pub collections: &'p [CollectionGrowth],
    /// What was found in this period, the worst first.
    pub findings: &'p [Finding],
    /// What is known of each client, by its name.
    pub profiles: &'p BTreeMap<String, ClientProfile>,
    /// An apiserver's memory limit, in bytes; `None` where it is unknown.
    pub memory_limit: Option<u64>,
    /// The time zone in which days begin.
    pub zone: &'p Zone,
    /// What to judge by.
    pub thresholds: &'p Thresholds,
}

/// What to do first.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum CapacityStep {
    /// Do what the worst critical storm's first remedy says.
    FixWorstStorm {
        /// An index into the report's findings.
        finding: usize,
    },
    /// Let a client watch in place of repeated LISTs of whole collections.
    WatchInsteadOfList {
        /// The client.
        client: String,
        /// LISTs saved.
        lists_saved: u64,
        /// The part saved of all bytes that LISTs return, from 0 to 1; `None` where unknown.
        share: Option<f64>,
    },
}

/// What is concluded about a period.
#[derive(Clone, Debug, Serialize)]
pub struct CapacityReview {
    /// How much of this period the logs cover.
    pub coverage: PeriodCoverage,
    /// How much of the period before; `None` where it isn't compared with.
    pub coverage_before: Option<PeriodCoverage>,
    /// All clients in this period.
    pub this: Usage,
    /// All clients in the period before; `None` where the logs don't hold it.
    pub before: Option<Usage>,
    /// What all lists together held at most in this period; `None` where no list was in flight.
    pub peak: Option<PressurePeak>,
    /// The same in the period before.
    pub peak_before: Option<PressurePeak>,
    /// By type of client, those whose lists return most first.
    pub client_types: Vec<ClientUsage>,
    /// By client, those whose lists return most first.
    pub clients: Vec<ClientUsage>,
    /// Clients of this period that weren't there in the period before.
    pub appeared: Vec<String>,
    /// Clients of the period before that are gone.
    pub vanished: Vec<String>,
    /// Latency against its objectives.
    pub objectives: Vec<Objective>,
    /// Priority levels against their limits.
    pub levels: Vec<Headroom>,
    /// The busiest buckets.
    pub busiest: Vec<BusyBucket>,
    /// Lists polled at fixed intervals.
    pub clocks: Vec<Clock>,
    /// What was created and deleted, the greatest change first.
    pub collections: Vec<CollectionGrowth>,
    /// What to do first; `None` where nothing is to be gained.
    #[serde(rename = "first_step_code")]
    pub first_step: Option<CapacityStep>,
    /// What else to do, by what it would save.
    pub improvements: Vec<Improvement>,
    /// Changes from day to day.
    pub trends: Vec<Trend>,
    /// What all that was judged by.
    pub thresholds: CapacityThresholds,
}

impl CapacityInput<'_> {
    /// What a count of the period before has to be multiplied with to be compared with one of this period: the logs may
    /// cover the two for different times. `None` where they aren't compared.
    fn pace(&self) -> Option<f64> {
        self.coverage_before.map(|before| self.coverage.covered_secs / before.covered_secs)
    }
}

impl CapacityReview {
    /// What a count of this period is to one of the period before, as a factor of rates; `None` where they can't be compared.
    pub fn change(&self, now: f64, before: f64) -> Option<f64> {
        let pace = self.coverage.covered_secs / self.coverage_before?.covered_secs;
        (before > 0.0).then(|| now / (before * pace))
    }
}

/// Compares a period with the one before and with its limits.
pub fn review_period(input: &CapacityInput<'_>) -> CapacityReview {
    let thresholds = &input.thresholds.capacity;
    let has_before = input.coverage_before.is_some();
    let clients = usage::compare_clients(input.clients, input.lists, input.pace(), thresholds);
    let of_before = clients.iter().filter_map(|client| client.before.as_ref());
    let is_new = |client: &ClientUsage| client.before.is_none() && client.this.is_some();
    let is_gone = |client: &ClientUsage| client.this.is_none() && client.before.is_some();
    let within: Vec<LevelHour> =
        input.levels.iter().filter(|bucket| bucket.bucket_at >= input.period.0).cloned().collect();
    let levels = headroom::measure_headroom(&within, input.bounds, thresholds.half_full_share);
    let improvements = improvements::find_improvements(&clients, input.profiles, thresholds.min_saved_lists);
    CapacityReview {
        coverage: input.coverage,
        coverage_before: input.coverage_before,
        this: usage::sum_usage(clients.iter().filter_map(|client| client.this.as_ref())),
        before: has_before.then(|| usage::sum_usage(of_before)),
        peak: highest_peak(input, true),
        peak_before: highest_peak(input, false).filter(|_| has_before),
        client_types: usage::sum_by_type(&clients),
        appeared: if has_before { names(&clients, is_new) } else { Vec::new() },
        vanished: if has_before { names(&clients, is_gone) } else { Vec::new() },
        objectives: objectives::measure_objectives(input.clients),
        busiest: busiest::find_busiest(input),
        clocks: regular_polls(input.clocks, thresholds.min_regular_polls),
        collections: input.collections.to_vec(),
        first_step: choose_first_step(input.findings, &improvements),
        improvements,
        trends: daily::find_trends(input, &levels),
        levels,
        clients,
        thresholds: *thresholds,
    }
}

fn names(clients: &[ClientUsage], is_meant: impl Fn(&ClientUsage) -> bool) -> Vec<String> {
    clients.iter().filter(|client| is_meant(client)).map(|client| client.client.clone()).collect()
}

/// What all lists together held at most, in this period or in the one before.
fn highest_peak(input: &CapacityInput<'_>, is_this: bool) -> Option<PressurePeak> {
    let within = peaks(input.pressure).map(|(_, peak)| peak).filter(|peak| (peak.at >= input.period.0) == is_this);
    within.max_by_key(|peak| (peak.middle(), peak.inflight))
}

/// Polls at fixed intervals that are repeated often enough to be worth a line.
fn regular_polls(clocks: &[Clock], least: u64) -> Vec<Clock> {
    let is_regular =
        |clock: &&Clock| clock.period_secs.is_some() && clock.regular_request_count.unwrap_or_default() >= least;
    let mut clocks: Vec<Clock> = clocks.iter().filter(is_regular).cloned().collect();
    clocks.sort_by_key(|clock| std::cmp::Reverse((clock.response_high_bytes, clock.request_count)));
    clocks
}

/// Against the worst storm, if it is critical; else where most is to be gained.
fn choose_first_step(findings: &[Finding], improvements: &[Improvement]) -> Option<CapacityStep> {
    let is_critical = |finding: &Finding| {
        finding.severity == Severity::Critical && finding.is_storm() && !finding.remedies.is_empty()
    };
    if let Some(finding) = findings.iter().position(is_critical) {
        return Some(CapacityStep::FixWorstStorm { finding });
    }
    let first = improvements.first()?;
    Some(CapacityStep::WatchInsteadOfList {
        client: first.client.clone(),
        lists_saved: first.lists_saved,
        share: first.share,
    })
}

#[expect(clippy::cast_precision_loss, reason = "counts and bytes of which a few digits matter")]
fn float(value: u64) -> f64 {
    value as f64
}
