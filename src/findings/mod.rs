//! Judgement: what the measurements mean, how bad it is, and how sure that is.
//!
//! One kind of finding, one file: [`explain()`] tells reason, rule and limits of each. [`judge`] puts them together: kinds
//! judge episodes one by one; what belongs to a restart is told once, with it; bursts of one client over several
//! resources are one finding.

mod apiserver_restart;
mod capacity;
mod context;
mod coverage;
mod discovery_loop;
mod episode;
mod explain;
mod finding;
mod incident;
mod list_loop;
mod list_pileup;
mod page_storm;
mod relist_herd;
mod restart_herd;
mod retry_loop;
mod thresholds;
mod together;
mod unpaginated_list;
mod verdict;
mod watch_churn;
#[cfg(test)]
mod cases;

use std::collections::BTreeMap;

use context::{Context, End, ends};
use incident::peaks;
use restart_herd::follows;

pub use capacity::{
    BusyBucket, BusyLoad, CapacityInput, CapacityReview, CapacityStep, CapacityThresholds, ClientLists, ClientPeriod,
    ClientUsage, Clock, CollectionGrowth, FlowPeriod, Headroom, Improvement, InstanceChange, LevelBounds, LevelHour,
    LevelState, ListChange, Meets, Objective, ObjectiveScope, Slope, Trend, TrendSubject, TrendUnit, Usage,
    fullest_level, review_period, summarize_collections,
};
pub use coverage::{Coverage, Presence, coverage};
pub use episode::{Episode, EpisodeClient, Pressure, Restart};
pub use explain::{Explanation, explain};
pub use finding::{Bytes, Evidence, Finding, Instance, Kind, Severity, Share, as_instant};
pub use incident::{
    AuditPolicy, Certainty, ClientReturn, CutOff, CutOffVerb, Doubt, EarlierPeak, HarmedClient, Incident,
    IncidentInput, IncidentStep, IncidentSuspect, IncidentThresholds, ListPressure, MemoryGrowth, Moment, MomentKind,
    PolicyVolume, PressurePeak, ReturnWave, Role, RunningAs, ServerActivity, ServerLoad, Support, Victim,
    analyze_incident, find_moments, harm_start, measure_growth, propose_audit_policy,
};
pub use thresholds::{Thresholds, ThresholdsError};
pub use verdict::{blind_spots, verdict};

use crate::audit::{Micros, Stage};
use crate::requests::Tally;

/// The width of the windows that `bursts` takes the baseline from, in seconds: the default of its `$window_secs`.
const BASELINE_WINDOW_SECS: f64 = 10.0;

/// What was measured.
#[derive(Clone, Copy, Debug)]
pub struct Measured<'m> {
    /// What reading found.
    pub tally: &'m Tally,
    /// The rows of `episodes`.
    pub episodes: &'m [Episode],
    /// The rows of `episode_clients`.
    pub clients: &'m [EpisodeClient],
    /// The rows of `restarts`.
    pub restarts: &'m [Restart],
    /// What is known of each client, by its name.
    pub notes: &'m BTreeMap<String, Note>,
    /// The beginning of the span that was asked for, in microseconds since 1970; `None` for all. What reaches into it from
    /// before is measured, but is no beginning of anything.
    pub from: Option<Micros>,
}

/// What is known of a client beside its requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// How far its name can be trusted: high, medium or low.
    pub confidence: &'static str,
    /// What that rests on.
    pub evidence: String,
    /// What helps against its lists; `None` where nothing is known.
    pub advice: Option<String>,
    /// Whether a cluster can do without it for an hour.
    pub can_be_spared: bool,
    /// Other clients behind the same user.
    pub shares_user_with: Vec<String>,
}

/// A list lasts no longer than the server lets it, 60 s by default.
const REACHES_IN_MICROS: Micros = 60_000_000;

/// Everything found, the worst first, and of equally bad ones those that hold most.
pub fn judge(measured: Measured<'_>, thresholds: &Thresholds) -> Vec<Finding> {
    let is_within = |started_at: Micros| measured.from.is_none_or(|from| started_at >= from - REACHES_IN_MICROS);
    let episodes: Vec<Episode> =
        measured.episodes.iter().filter(|episode| is_within(episode.started_at)).cloned().collect();
    let restarts: Vec<Restart> =
        measured.restarts.iter().filter(|restart| is_within(restart.started_at)).cloned().collect();
    let episodes = episodes.as_slice();
    let context = Context {
        thresholds,
        ends: ends(&restarts, measured.tally, thresholds),
        notes: measured.notes,
        omits_received: measured.tally.stages[Stage::RequestReceived as usize] == 0,
        omits_started: measured.tally.stages[Stage::ResponseStarted as usize] == 0,
        list_bursts: episodes
            .iter()
            .filter(|episode| episode.pattern == "burst" && episode.read_kind.as_deref() == Some("list"))
            .collect(),
        bursts_of_all: episodes.iter().filter(|episode| episode.pattern == "burst-of-all").collect(),
    };
    let mut findings: Vec<Finding> = context.ends.iter().map(|end| apiserver_restart::judge(end, &context)).collect();
    let mut herds: Vec<Herd> = episodes
        .iter()
        .filter_map(|episode| {
            let (finding, end) = restart_herd::judge(episode, measured.clients, &context)?;
            Some(Herd { finding, end: end.clone() })
        })
        .collect();
    let mut found = Vec::new();
    for episode in episodes {
        let Some(finding) = kind_of(episode, measured.clients, &context) else {
            continue;
        };
        match herds.iter_mut().find(|herd| herd.has(episode, &finding, thresholds)) {
            Some(herd) => herd.absorb(&finding),
            None => found.push(finding),
        }
    }
    let found = together::over_resources(found);
    findings.extend(together::without_herds_of_loops(found));
    findings.extend(herds.into_iter().map(|herd| herd.finding));
    for finding in &mut findings {
        if finding.summary.is_empty() {
            finding.summary = verdict::summary(finding);
        }
        finding.add_note(measured.notes.get(&finding.client));
    }
    together::set_shares(&mut findings);
    findings.sort_by(|one, other| {
        let held = |finding: &Finding| finding.estimated_bytes.map(|bytes| bytes.high.unwrap_or(bytes.low));
        (other.severity, held(other), other.requests)
            .cmp(&(one.severity, held(one), one.requests))
            .then_with(|| one.started_at.cmp(&other.started_at))
            .then_with(|| (one.kind, &one.client, &one.resource).cmp(&(other.kind, &other.client, &other.resource)))
    });
    findings
}

fn kind_of(episode: &Episode, clients: &[EpisodeClient], context: &Context<'_>) -> Option<Finding> {
    relist_herd::judge(episode, context)
        .or_else(|| list_loop::judge(episode, context))
        .or_else(|| retry_loop::judge(episode, context))
        .or_else(|| unpaginated_list::judge(episode, context))
        .or_else(|| page_storm::judge(episode, context))
        .or_else(|| watch_churn::judge(episode, context))
        .or_else(|| list_pileup::judge(episode, clients, context))
        .or_else(|| discovery_loop::judge(episode, context))
}

/// A herd, and the start that it follows.
struct Herd {
    finding: Finding,
    end: End,
}

impl Herd {
    /// Whether a finding is a part of what the restart brings: it begins within it, and ends not long after. What loops,
    /// pages or lists whole collections by its own will is so only if it is mere information.
    fn has(&self, episode: &Episode, finding: &Finding, thresholds: &Thresholds) -> bool {
        /// Clients that were refused in the herd try again for about as long.
        const AFTER_SECS: f64 = 60.0;
        let is_reaction =
            matches!(finding.kind, Kind::RelistHerd | Kind::ListPileup | Kind::WatchChurn | Kind::RetryLoop);
        (is_reaction || finding.severity == Severity::Info)
            && follows(episode, &self.end, thresholds.restart_herd.within_secs)
            && episode.started_at <= self.finding.ended_at
            && episode::secs(episode.ended_at - self.finding.ended_at) <= AFTER_SECS
    }

    /// Takes up a part; the herd is as bad as its worst.
    fn absorb(&mut self, part: &Finding) {
        if part.severity > self.finding.severity {
            self.finding.severity = part.severity;
            self.finding.severity_reason = format!("{} by {}: {}", part.kind.name(), part.client, part.severity_reason);
        }
    }
}
