//! Judgement: what the measurements mean, how bad it is, and how sure that is.
//!
//! One kind of finding, one file. [`judge`] puts them together: kinds judge episodes one by one; what belongs to a restart is
//! reported once, with it; bursts of one client over several resources are one finding. All of it is data: `report` words
//! summaries, reasons and remedies, and explains each kind.

mod apiserver_restart;
mod capacity;
mod context;
mod coverage;
mod culprit;
mod delete_pileup;
mod discovery_loop;
mod ends;
mod episode;
mod finding;
mod get_flood;
mod impact;
mod incident;
mod list_loop;
mod list_pileup;
mod page_storm;
mod ranking;
mod refusal_loop;
mod rejections;
mod relist_herd;
mod remedy;
mod restart_herd;
mod retry_loop;
mod severity;
mod shape_rows;
mod thresholds;
mod together;
mod unpaginated_list;
mod verdict;
mod visibility;
mod watch_churn;
mod watch_pileup;
mod write_loop;
#[cfg(test)]
mod cases;
#[cfg(test)]
mod judgement_cases;
#[cfg(test)]
mod monotone;
#[cfg(test)]
mod shape_cases;

use std::collections::BTreeMap;

use context::Context;
use ends::{End, find_ends};
use incident::peaks;
use restart_herd::follows;

pub use capacity::{
    BusyBucket, BusyLoad, CapacityInput, CapacityReview, CapacityStep, CapacityThresholds, ClientLists, ClientPeriod,
    ClientUsage, Clock, CollectionGrowth, FlowPeriod, Headroom, Improvement, InstanceChange, LevelBounds, LevelHour,
    LevelState, ListChange, Meets, Objective, ObjectiveScope, PeriodCoverage, Slope, Trend, TrendSubject, TrendUnit,
    Usage, fullest_level, measure_coverage, review_period, summarize_collections,
};
pub use coverage::{
    Coverage, LatencyCoverage, LevelCount, LevelCoverage, Presence, ServerVersion, TrafficClass, assess_coverage,
};
pub use culprit::Culprit;
pub use ends::find_server_ends;
pub use episode::{Episode, EpisodeClient, Impersonation, Pattern, Pressure, ReadKind, Restart};
pub use finding::{Bytes, Cause, Evidence, Finding, Instance, Kind, Share, as_instant, resource_name};
pub use incident::{
    AuditPolicy, Certainty, ClientReturn, CutOff, CutOffVerb, Doubt, EarlierPeak, EndSources, GrowthInput, HarmSpan,
    HarmedClient, Incident, IncidentInput, IncidentStep, IncidentSuspect, IncidentThresholds, ListLoad, ListPressure,
    MemoryFall, MemoryGrowth, Moment, MomentKind, PeakSources, PolicyVolume, PressurePeak, ReturnWave, Role, RunningAs,
    ServerActivity, ServerLoad, ShareBasis, Support, Victim, analyze_incident, find_end_moments, find_falls,
    find_moments, harm_span, measure_growth, propose_audit_policy,
};
pub use rejections::RejectionEpisode;
pub use remedy::{Remedy, Unknown};
pub use severity::{Severity, SeverityReason};
pub use shape_rows::{CollectionDelete, RequestLoop, WatchPileup};
pub use thresholds::{Thresholds, ThresholdsError};
pub use verdict::{BlindSpot, ClientEvidence, Death, SizeBasis, StormVerdict, Verdict, blind_spots, reach_verdict};
pub use visibility::{ListVisibility, RequestEnds, Visibility, assess_visibility};

use crate::audit::{Micros, Stage};
use crate::requests::Tally;

/// What was measured.
#[derive(Clone, Copy, Debug)]
pub struct Measured<'m> {
    /// What reading found.
    pub tally: &'m Tally,
    /// The rows of `episodes`, and those of `watch_pileups`, `collection_deletes` and `request_loops`.
    pub episodes: &'m [Episode],
    /// The rows of `episode_clients`.
    pub clients: &'m [EpisodeClient],
    /// The rows of `restarts`.
    pub restarts: &'m [Restart],
    /// The rows of `rejections`.
    pub rejections: &'m [RejectionEpisode],
    /// What is known of each client, by its name.
    pub profiles: &'m BTreeMap<String, ClientProfile>,
    /// The beginning of the span that was asked for, in microseconds since 1970; `None` for all. What reaches into it from
    /// before is measured, but is no beginning of anything.
    pub from: Option<Micros>,
}

/// What is known of a client beside its requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientProfile {
    /// How far its name can be trusted: high, medium or low.
    pub confidence: &'static str,
    /// What the name is based on; the strongest evidence stands before the first semicolon.
    pub evidence: String,
    /// What the client catalogue advises against its LISTs; `None` where it has no advice.
    pub advice: Option<String>,
    /// Whether a cluster can do without it for an hour.
    pub can_be_spared: bool,
    /// Other clients behind the same user.
    pub shares_user_with: Vec<String>,
    /// Users that it impersonates, those with most requests first.
    pub impersonated_users: Vec<String>,
}

/// Everything found, the worst first, and of equally bad ones those that hold most.
pub fn judge(measured: Measured<'_>, thresholds: &Thresholds) -> Vec<Finding> {
    // What reaches into the span from before it is no older than a LIST can be.
    let reaches_in_secs = thresholds.server.request_timeout_secs;
    let is_within =
        |started_at: Micros| measured.from.is_none_or(|from| episode::secs(from - started_at) <= reaches_in_secs);
    let episodes: Vec<Episode> =
        measured.episodes.iter().filter(|episode| is_within(episode.started_at)).cloned().collect();
    let restarts: Vec<Restart> =
        measured.restarts.iter().filter(|restart| is_within(restart.started_at)).cloned().collect();
    let episodes = episodes.as_slice();
    let context = Context {
        thresholds,
        ends: find_ends(&restarts, measured.tally, thresholds),
        gaps: long_gaps(measured.tally, thresholds),
        profiles: measured.profiles,
        omits_received: !measured.tally.has_stage(Stage::RequestReceived),
        omits_started: !measured.tally.has_stage(Stage::ResponseStarted),
        omits_ends: measured.tally.unlogged_ends > 0,
        list_bursts: episodes
            .iter()
            .filter(|episode| episode.pattern == Pattern::Burst && episode.read_kind == Some(ReadKind::List))
            .collect(),
        bursts_of_all: episodes.iter().filter(|episode| episode.pattern == Pattern::BurstOfAll).collect(),
        expired_lists: episodes.iter().filter(|episode| episode.pattern == Pattern::Expired).collect(),
        has_request_ends: measured.tally.has_request_ends(),
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
        let Some(finding) = judge_episode(episode, measured.clients, &context) else {
            continue;
        };
        match herds.iter_mut().find(|herd| herd.includes(episode, &finding, thresholds)) {
            Some(herd) => herd.absorb(&finding),
            None => found.push(finding),
        }
    }
    let gap_secs = thresholds.grouping.resources_apart_secs;
    let found = together::merge_over_resources(found, gap_secs, &context.ends);
    let found = refusal_loop::drop_retries(found, gap_secs);
    findings.extend(together::drop_parts_of_loops(found, gap_secs));
    findings.extend(herds.into_iter().map(|herd| herd.finding));
    let rejections = measured.rejections.iter().filter(|episode| is_within(episode.started_at));
    findings.extend(rejections.filter_map(|episode| rejections::judge(episode, &context)));
    for finding in &mut findings {
        if let Some(profile) = finding.culprit.client().and_then(|client| measured.profiles.get(client)) {
            finding.add_profile(profile);
        }
    }
    ranking::rank(&mut findings);
    findings
}

/// Times of which a server's log has nothing, longer than any pause within an episode of a client that goes on: the log is
/// missing, or the server was down.
fn long_gaps(tally: &Tally, thresholds: &Thresholds) -> Vec<(Option<String>, (Micros, Micros))> {
    let of_server = |(name, server): (&Option<std::sync::Arc<str>>, &crate::requests::ServerTally)| {
        let is_long = |from: Micros, to: Micros| episode::secs(to - from) >= thresholds.grouping.episode_gap_secs;
        let gaps = server.gaps.iter().filter(|gap| is_long(gap.from, gap.to)).map(|gap| (gap.from, gap.to));
        gaps.map(|span| (name.as_deref().map(str::to_owned), span)).collect::<Vec<_>>()
    };
    tally.servers.iter().flat_map(of_server).collect()
}

fn judge_episode(episode: &Episode, clients: &[EpisodeClient], context: &Context<'_>) -> Option<Finding> {
    relist_herd::judge(episode, context)
        .or_else(|| list_loop::judge(episode, context))
        .or_else(|| retry_loop::judge(episode, context))
        .or_else(|| unpaginated_list::judge(episode, context))
        .or_else(|| page_storm::judge(episode, context))
        .or_else(|| watch_churn::judge(episode, context))
        .or_else(|| list_pileup::judge(episode, clients, context))
        .or_else(|| discovery_loop::judge(episode, context))
        .or_else(|| watch_pileup::judge(episode, context))
        .or_else(|| delete_pileup::judge(episode, context))
        .or_else(|| get_flood::judge(episode, context))
        .or_else(|| write_loop::judge(episode, context))
        .or_else(|| refusal_loop::judge(episode, context))
}

/// A herd, and the start that it follows.
struct Herd {
    finding: Finding,
    end: End,
}

impl Herd {
    /// Whether a finding is a part of what the restart brings: it begins within it, and ends not long after. What loops,
    /// pages or lists whole collections by its own will is so only if it is mere information.
    fn includes(&self, episode: &Episode, finding: &Finding, thresholds: &Thresholds) -> bool {
        let is_reaction =
            matches!(finding.kind, Kind::RelistHerd | Kind::ListPileup | Kind::WatchChurn | Kind::RetryLoop);
        (is_reaction || finding.severity == Severity::Info)
            && follows(episode, &self.end, &thresholds.restart_herd)
            && episode.started_at <= self.finding.ended_at
            && episode::secs(episode.ended_at - self.finding.ended_at) <= thresholds.restart_herd.after_secs
    }

    /// Takes up a part; the herd is as bad as its worst.
    fn absorb(&mut self, part: &Finding) {
        if part.severity > self.finding.severity {
            self.finding.severity = part.severity;
            self.finding.severity_reason = SeverityReason::WorstPart {
                kind: part.kind,
                culprit: part.culprit.clone(),
                reason: Box::new(part.severity_reason.clone()),
            };
        }
    }
}
