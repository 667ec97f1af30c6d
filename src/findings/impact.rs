//! How hard an episode's LISTs were on the server: by the memory they held, and by how many were in flight for how long.
//!
//! More information makes a judgement sharper, and never milder without cause: what is unknown is judged by counts and
//! times, what is known by bytes, and only an upper bound that rules the harm out takes a warning back.

use super::context::Context;
use super::ends::End;
use super::episode::{Episode, secs};
use super::finding::{Bytes, held_bytes};
use super::severity::SeverityReason;

/// How hard an episode was on the server, and what shows it.
pub(super) enum Impact {
    /// Enough to take a server down, or it did.
    Critical(SeverityReason),
    /// A load worth taking away.
    Warning(SeverityReason),
    /// Little.
    Little(SeverityReason),
    /// The sizes are unknown.
    Unknown,
}

impl Context<'_> {
    /// How hard an episode's LISTs were on the server.
    pub(super) fn impact(&self, episode: &Episode) -> Impact {
        // Where the ends of requests are not logged, what was in flight together is unknown, whatever the sizes.
        if episode.unknown_end_count > 0 && 2 * episode.unknown_end_count >= episode.list_count {
            return Impact::Little(SeverityReason::InFlightNotLogged);
        }
        match self.memory_impact(episode) {
            loud @ (Impact::Critical(_) | Impact::Warning(_)) => loud,
            quiet => self.time_impact(episode).map_or(quiet, Impact::Warning),
        }
    }

    /// By the memory that they held at their peak.
    fn memory_impact(&self, episode: &Episode) -> Impact {
        let thresholds = &self.thresholds.held;
        if episode.list_count == 0 {
            return Impact::Unknown;
        }
        let held = held_bytes(episode);
        // Of lists that are narrowed by a namespace or a selector, the high end is the whole collection.
        let judged = if episode.is_of_whole_collections() {
            held
        } else {
            held.map(|bytes| Bytes { high: Some(bytes.low).filter(|_| episode.unknown_cost_count == 0), ..bytes })
        };
        if let Some(end) = self.end_within(episode)
            && self.may_have_killed(episode, judged)
        {
            let died_at = end.died_at.unwrap_or(end.started_at);
            let lists = episode.peak_concurrency.unwrap_or_default();
            return Impact::Critical(SeverityReason::DiedMeanwhile { died_at, bytes: held, lists });
        }
        let (Some(bytes), Some(judged)) = (held, judged) else {
            return Impact::Unknown;
        };
        let reason = SeverityReason::Held { bytes };
        if judged.low >= thresholds.critical_bytes {
            Impact::Critical(reason)
        } else if judged.low >= thresholds.warning_bytes {
            Impact::Warning(reason)
        } else if judged.high.is_some_and(|high| high < thresholds.warning_bytes) {
            Impact::Little(reason)
        } else if judged.is_unknown() {
            Impact::Unknown
        } else {
            Impact::Warning(reason)
        }
    }

    /// Whether what was held explains the end of a server meanwhile; of unknown size, whether many were in flight.
    fn may_have_killed(&self, episode: &Episode, judged: Option<Bytes>) -> bool {
        let enough = self.thresholds.held.warning_bytes / 2;
        let is_many = episode.is_of_whole_collections()
            && episode.peak_concurrency.is_some_and(|lists| lists >= self.thresholds.in_flight.min_lists_at_end);
        match judged {
            None => is_many,
            Some(bytes) if bytes.low >= enough => true,
            Some(bytes) if bytes.is_unknown() => is_many && bytes.high.is_none_or(|high| high >= enough),
            Some(bytes) => bytes.middle() >= enough,
        }
    }

    /// By how many LISTs of whole collections were in flight for how long: the server works on all of them meanwhile, and
    /// others wait. `None` where they were few or soon done, or are known to be small.
    pub(super) fn time_impact(&self, episode: &Episode) -> Option<SeverityReason> {
        let thresholds = &self.thresholds.in_flight;
        let secs = self.covered_secs(episode);
        let mean_lists = episode.list_secs / secs;
        let is_small = episode.largest_high_bytes.is_some_and(|high| high as f64 * mean_lists < thresholds.small_bytes);
        let is_much = episode.list_count > 0
            && episode.is_of_whole_collections()
            && secs >= thresholds.min_secs
            && mean_lists >= thresholds.warning_mean
            && !is_small;
        is_much.then_some(SeverityReason::InFlightForLong { mean_lists, list_secs: episode.list_secs })
    }

    /// An episode's length in seconds without what the log leaves out of it; a second at least, as rates are taken over it.
    pub(super) fn covered_secs(&self, episode: &Episode) -> f64 {
        let is_its = |server: &Option<String>| episode.apiserver.is_none() || *server == episode.apiserver;
        let within = |(from, to): (i64, i64)| (to.min(episode.ended_at) - from.max(episode.started_at)).max(0);
        let gaps = self.gaps.iter().filter(|(server, _)| is_its(server));
        let missing: i64 = gaps.map(|(_, span)| within(*span)).sum();
        secs(episode.ended_at - episode.started_at - missing).max(1.0)
    }

    /// Requests per second of the time that the log covers.
    pub(super) fn rps(&self, episode: &Episode) -> f64 {
        episode.request_count as f64 / self.covered_secs(episode)
    }

    /// The end of a server while an episode went on, or soon after, and not long after its peak: a peak on the server that
    /// came next killed nobody.
    fn end_within(&self, episode: &Episode) -> Option<&End> {
        self.ends.iter().filter(|end| end.was_killed).find(|end| {
            let died_at = end.died_at.unwrap_or(end.started_at);
            let after = secs(died_at - episode.ended_at);
            let since_peak = episode.peak_at.map_or(0.0, |peak_at| secs(died_at - peak_at));
            end.is_of(episode.apiserver.as_deref())
                && episode.started_at <= died_at
                && after <= self.thresholds.server_end.before_secs
                && (0.0..=self.thresholds.server_end.after_peak_secs).contains(&since_peak)
        })
    }
}
