//! The verdict: how much was asked, how well it was served, what storms there were, where it is heading; and what to do first.

use super::CapacityReport;
use super::words::{bucket_name, change_words, rate_change_words, scope_words, seats_words, trend_words};
use crate::findings::{
    Bytes, CapacityStep, ClientUsage, Finding, Objective, PeriodCoverage, Severity, Trend, fullest_level,
};
use crate::report::findings::{first_step, remedy, summary, visibility};
use crate::report::pressure::held_in_words;
use crate::report::{counted, float};
use crate::units::{self, Zone};

impl CapacityReport {
    /// Some sentences, the most important first.
    pub(super) fn verdict_words(&self, zone: &Zone) -> Vec<String> {
        let mut verdict = vec![self.how_much(zone), self.how_well(), self.storms_words(zone)];
        verdict.extend(self.outlook(zone));
        verdict
    }

    /// What to do first; `None` where nothing is to be gained.
    pub(super) fn first_step_words(&self) -> Option<String> {
        match self.review.first_step.as_ref()? {
            CapacityStep::FixWorstStorm { finding } => {
                let finding = self.findings.get(*finding)?;
                let step = match finding.culprit.client() {
                    Some(client) => first_step(finding, client)?,
                    None => finding.remedies.first().map(remedy)?,
                };
                Some(format!("against the worst storm, {step}"))
            }
            CapacityStep::WatchInsteadOfList { client, lists_saved, share } => {
                let saved = share.map_or_else(
                    || "; how much that saves is unknown, because the sizes are unknown".to_owned(),
                    |share| {
                        format!(", which saves an estimated {} of all bytes that LISTs return", units::share(share))
                    },
                );
                let lists = counted(*lists_saved, "LIST");
                Some(format!("let {client} watch instead of repeating {lists} of whole collections{saved}"))
            }
        }
    }

    /// The week, or the days; with how much of it the logs cover, unless that is nearly all.
    fn period_name(&self, zone: &Zone) -> String {
        /// Beyond this the rest is the edges of a log.
        const NEARLY_ALL: f64 = 0.95;
        let (first, last) = (zone.day(self.window.from), zone.day(self.window.to - 1));
        let name = match &self.week {
            Some(week) => week.clone(),
            None if first == last => first.clone(),
            None => format!("{first} to {last}"),
        };
        let is_part = first == last && self.week.is_none() || self.review.coverage.share < NEARLY_ALL;
        if is_part { format!("{} of {name}", covered_words(self.review.coverage)) } else { name }
    }

    fn how_much(&self, zone: &Zone) -> String {
        let review = &self.review;
        let least = review.thresholds.min_change;
        let compared = |now: u64, then: Option<u64>| {
            let Some(factor) = then.and_then(|then| review.change(float(now), float(then))) else {
                return String::new();
            };
            match rate_change_words(factor, least) {
                Some(change) => format!(" ({change} per second against the period before)"),
                None => " (about as many per second as in the period before)".to_owned(),
            }
        };
        let before = review.before.as_ref();
        let requests = compared(review.this.requests, before.map(|usage| usage.requests));
        let lists = compared(review.this.lists, before.map(|usage| usage.lists));
        format!(
            "{}: {}{requests}, {}{lists} and {}; {}.",
            self.period_name(zone),
            counted(review.this.requests, "request"),
            counted(review.this.lists, "LIST"),
            counted(review.this.watch_lists, "watch-list"),
            self.peak_words(zone)
        )
    }

    /// What LISTs held at their peak, against the period before and against the limit.
    fn peak_words(&self, zone: &Zone) -> String {
        let Some(peak) = self.review.peak else {
            return "what LISTs held is unknown".to_owned();
        };
        if peak.estimated_bytes.is_none() {
            let lists = units::count(peak.inflight);
            return format!("what LISTs held is unknown, {lists} of them at once at {}", zone.second(peak.at));
        }
        let before = self.review.peak_before.map(|before| before.middle());
        let change = before.and_then(|before| change_words(peak.middle(), before, self.review.thresholds.min_change));
        let change = change.map(|change| format!(" ({change} against the period before)")).unwrap_or_default();
        let is_alive = self.count_ends(Severity::Warning) == 0;
        let limit = peak.estimated_bytes.zip(self.memory_limit_bytes);
        let limit = limit.map(|(bytes, limit)| limit_words(bytes, limit, is_alive)).unwrap_or_default();
        format!("LISTs held {} at their peak, at {}{change}{limit}", held_in_words(&peak), zone.second(peak.at))
    }

    fn how_well(&self) -> String {
        let missed = self.review.objectives.iter().filter(|objective| objective.is_missed());
        let missed: Vec<String> = missed.map(missed_words).collect();
        let latency = if missed.is_empty() {
            "Latency met Kubernetes' objectives (99 % of requests within 1, 5 or 30 s by scope)".to_owned()
        } else {
            format!("Latency missed Kubernetes' objectives: {}", missed.join(", "))
        };
        let (bucket, half) = (self.bucket(), self.review.thresholds.half_full_share);
        let fullest = fullest_level(&self.review.levels);
        let level = fullest.map_or_else(String::new, |level| {
            let seats = seats_words(level.busiest_low_seats, level.busiest_high_seats);
            let (name, nominal) = (&level.priority_level, level.nominal_seats);
            if level.share() < half {
                format!(
                    "; no priority level had {} of its seats in use on average, even in its busiest {bucket} (the fullest was {name}: \
                     {seats} of its {nominal})",
                    units::share(half)
                )
            } else {
                format!(
                    "; the fullest priority level was {name}, with a mean demand of {seats} seats in its busiest {bucket}; it has {nominal}"
                )
            }
        });
        // A level that is full on average shows its rejections in that average.
        let is_hidden = fullest.is_some_and(|level| level.share() < 1.0);
        format!("{latency}{level}{}.", self.rejected_words(is_hidden))
    }

    /// How many requests were rejected, where most of them, and from which client; `is_hidden` if mean seats don't show it.
    fn rejected_words(&self, is_hidden: bool) -> String {
        let count: u64 = self.review.levels.iter().map(|level| level.rejected).sum();
        let rejected = |client: &&ClientUsage| client.this.as_ref().map_or(0, |usage| usage.rejected);
        let requests = match count {
            0 => return "; no request was rejected".to_owned(),
            1 => "one request was".to_owned(),
            count => format!("{} requests were", units::count(count)),
        };
        let level = self.review.levels.iter().max_by_key(|level| level.rejected);
        let level = level.map(|level| format!(", most in {}", level.priority_level)).unwrap_or_default();
        let client = self.review.clients.iter().max_by_key(rejected);
        let client = client.map(|client| format!(" and from {}", client.client)).unwrap_or_default();
        let bursts = if is_hidden { " in bursts that such an average doesn't show" } else { "" };
        format!("; {requests} rejected (429){bursts}{level}{client}")
    }

    /// How many apiservers ended, by findings of that severity at least: the severity says how certain an end is.
    fn count_ends(&self, least: Severity) -> usize {
        self.findings.iter().filter(|finding| !finding.is_storm() && finding.severity >= least).count()
    }

    fn storms_words(&self, zone: &Zone) -> String {
        let is_loud = |finding: &&Finding| finding.severity >= Severity::Warning && finding.is_storm();
        let loud: Vec<&Finding> = self.findings.iter().filter(is_loud).collect();
        let died = match self.count_ends(Severity::Critical) {
            0 if self.count_ends(Severity::Warning) > 0 => "An apiserver may have died".to_owned(),
            0 if !self.visibility.shows_server_ends => "No end of an apiserver can be seen in these logs".to_owned(),
            0 => "No apiserver died".to_owned(),
            1 => "An apiserver died once".to_owned(),
            count => format!("Apiservers died {count} times"),
        };
        let Some((worst, rest)) = loud.split_first() else {
            return match visibility::lists(&self.visibility) {
                Some(lists) => format!("{died}. {lists}."),
                None => format!("{died}, and there was no storm."),
            };
        };
        let more = match rest.len() {
            0 => String::new(),
            1 => "; there was one more storm".to_owned(),
            count => format!("; there were {} more storms", units::count(count as u64)),
        };
        let sure = worst.client_confidence.map(|sure| format!(" (client identified with {sure} confidence)"));
        format!(
            "{died}; the worst storm began at {}: {}{}{more}.",
            zone.second(worst.started_at),
            summary(worst),
            sure.unwrap_or_default()
        )
    }

    /// A trend that reaches a limit, or that there is none.
    fn outlook(&self, zone: &Zone) -> Option<String> {
        let trends = &self.review.trends;
        let met = trends.iter().find_map(|trend| Some((trend, date_words(trend, zone)?)));
        if let Some((trend, date)) = met {
            let subject = trend_words(&trend.subject, bucket_name(self.bucket_secs));
            return Some(format!("At this pace the limit is reached {date}: {subject}."));
        }
        let has_days = trends.iter().any(|trend| trend.slope.is_some());
        let is_clear = trends.iter().any(|trend| trend.slope.is_some_and(|slope| !slope.is_noise()));
        match (has_days, is_clear) {
            (false, _) => Some("These logs have too few days for a trend.".to_owned()),
            (true, false) => Some("There is no clear trend: the days differ too much from each other.".to_owned()),
            (true, true) => None,
        }
    }
}

/// The time that the logs cover, such as `37 min`.
pub(super) fn covered_words(coverage: PeriodCoverage) -> String {
    #[expect(clippy::cast_possible_truncation, reason = "seconds of a log in microseconds")]
    let micros = (coverage.covered_secs.round() * 1e6) as i64;
    units::span(micros)
}

fn missed_words(objective: &Objective) -> String {
    format!(
        "{} of requests for {} took longer than {} s",
        units::percent(objective.late, objective.requests),
        scope_words(objective.scope),
        objective.objective_secs
    )
}

/// How near a peak came to the memory limit. If no apiserver died, it can't have been above.
fn limit_words(peak: Bytes, limit: u64, is_alive: bool) -> String {
    let words = units::bytes(limit);
    match peak.high {
        _ if peak.low > limit && is_alive => {
            format!(
                ", over the memory limit of {words} though no apiserver died: the sizes are likely estimated too high"
            )
        }
        _ if peak.low > limit => format!(", over the memory limit of {words}"),
        Some(high) if high <= limit => {
            format!(", at most {} of the memory limit of {words}", units::percent(high, limit))
        }
        _ => format!(", at least {} of the memory limit of {words}", units::percent(peak.low, limit)),
    }
}

/// When a trend reaches its limit; `None` if it doesn't.
fn date_words(trend: &Trend, zone: &Zone) -> Option<String> {
    let meets = trend.meets?;
    let likely = meets
        .likely
        .map_or_else(|| "at a date too far ahead to give".to_owned(), |at| format!("about {}", zone.day(at)));
    let earliest = meets.earliest.map(|at| format!("{} at the earliest", zone.day(at))).unwrap_or_default();
    let latest = meets
        .latest
        .map_or_else(|| "and perhaps much later".to_owned(), |at| format!("{} at the latest", zone.day(at)));
    Some(format!("{likely} ({earliest}, {latest}, with 95 % confidence)"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peak_is_compared_with_the_limit_as_far_as_it_is_known() {
        let words = |low, high, is_alive| limit_words(Bytes { low, high }, 1 << 30, is_alive);
        assert_eq!(words(1 << 20, Some(1 << 29), true), ", at most 50.0 % of the memory limit of 1.0 GiB");
        assert_eq!(words(1 << 29, Some(1 << 31), true), ", at least 50.0 % of the memory limit of 1.0 GiB");
        assert_eq!(words(1 << 29, None, true), ", at least 50.0 % of the memory limit of 1.0 GiB");
        assert_eq!(words(1 << 31, None, false), ", over the memory limit of 1.0 GiB");
        assert!(words(1 << 31, None, true).ends_with("the sizes are likely estimated too high"));
    }
}
