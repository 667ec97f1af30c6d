//! What there is to say of a period first: how much, how well, what to do, and where it goes.

use super::growth::change;
use super::{ClientUsage, Periods, Review, Trend, bucket_name};
use crate::findings::{Bytes, Finding, Severity};
use crate::units;

/// Some sentences, the most important first.
pub(super) fn verdict(periods: &Periods<'_>, review: &Review) -> Vec<String> {
    let mut verdict = vec![how_much(periods, review), how_well(periods, review)];
    verdict.push(storms(periods));
    verdict.extend(where_to(review));
    verdict
}

fn how_much(periods: &Periods<'_>, review: &Review) -> String {
    let changed = |now: u64, then: Option<u64>| match then.and_then(|then| change(now, then)) {
        Some(change) => format!(" ({change} on the period before)"),
        None if then.is_some() => " (about as many as before)".to_owned(),
        None => String::new(),
    };
    let before = review.before.as_ref();
    let requests = changed(review.this.requests, before.map(|usage| usage.requests));
    let lists = changed(review.this.lists, before.map(|usage| usage.lists));
    let held = match (review.peak, review.peak_before) {
        (None, _) => "what LISTs held is unknown".to_owned(),
        (Some(peak), before) => {
            let before = before.and_then(|before| change(peak.middle(), before.middle()));
            let change = before.map(|change| format!(" ({change} on the period before)")).unwrap_or_default();
            let is_alive = ends(periods, Severity::Warning) == 0;
            let limit = peak.estimated_bytes.zip(periods.memory_limit);
            let limit = limit.map(|(bytes, limit)| of_limit(bytes, limit, is_alive)).unwrap_or_default();
            format!(
                "LISTs held an estimated {} at their peak, at {}{change}{limit}",
                peak.words(),
                units::second(peak.at)
            )
        }
    };
    format!(
        "{}: {} requests{requests}, {} LISTs{lists}; {held}.",
        periods.name,
        units::count(review.this.requests),
        units::count(review.this.lists)
    )
}

/// How near a peak came to what a server may use, and that it can't have been so much where none died of it.
fn of_limit(peak: Bytes, limit: u64, is_alive: bool) -> String {
    let limit_words = units::bytes(limit);
    match peak.high {
        _ if peak.low > limit && is_alive => {
            format!(", over the limit of {limit_words} though no apiserver died: sizes are likely taken too big")
        }
        _ if peak.low > limit => format!(", over the limit of {limit_words}"),
        Some(high) if high <= limit => {
            format!(", at most {} of the limit of {limit_words}", units::percent(high, limit))
        }
        _ => format!(", at least {} of the limit of {limit_words}", units::percent(peak.low, limit)),
    }
}

fn how_well(periods: &Periods<'_>, review: &Review) -> String {
    let late: Vec<String> = review
        .objectives
        .iter()
        .filter(|objective| objective.requests > 0 && objective.late * 100 > objective.requests)
        .map(|objective| {
            format!(
                "{} of requests for {} took longer than {} s",
                units::percent(objective.late, objective.requests),
                objective.scope,
                objective.objective_secs
            )
        })
        .collect();
    let latency = if late.is_empty() {
        "Latency met upstream's objectives (99 % within 1, 5 and 30 s)".to_owned()
    } else {
        format!("Latency missed upstream's objectives: {}", late.join(", "))
    };
    let limited = review.levels.iter().filter(|level| !level.is_exempt && level.requests > 0);
    let fullest = limited.max_by(|one, other| one.share().total_cmp(&other.share()));
    let level = fullest.map_or_else(String::new, |level| {
        if !level.is_half_full() {
            return format!(
                "; on average no priority level had half of its seats in use, not even in its busiest {} (fullest: {}, {} of {})",
                bucket_name(periods.bucket_secs),
                level.priority_level,
                seats(level.busiest_low_seats, level.busiest_high_seats),
                level.nominal_seats
            );
        }
        format!(
            "; of the priority levels {} was fullest, with {} of its {} seats in use on average in its busiest {}",
            level.priority_level,
            seats(level.busiest_low_seats, level.busiest_high_seats),
            level.nominal_seats,
            bucket_name(periods.bucket_secs)
        )
    });
    // A level that is full on average hides nothing.
    let is_hidden = fullest.is_some_and(|level| level.share() < 1.0);
    format!("{latency}{level}{}.", refused(review, is_hidden))
}

/// What was refused, where most of it was, and whose; in bursts if the mean of a level doesn't show it.
fn refused(review: &Review, is_hidden: bool) -> String {
    let count: u64 = review.levels.iter().map(|level| level.rejected).sum();
    if count == 0 {
        return ", and nothing was refused".to_owned();
    }
    let level = review.levels.iter().max_by_key(|level| level.rejected);
    let rejected = |client: &&ClientUsage| client.this.as_ref().map_or(0, |usage| usage.rejected);
    let client = review.clients.iter().max_by_key(rejected);
    let level = level.map(|level| format!(", most in {}", level.priority_level)).unwrap_or_default();
    let client = client.map(|client| format!(" and of {}", client.client)).unwrap_or_default();
    let bursts = if is_hidden { " in bursts that such a mean doesn't show" } else { "" };
    format!("; {} refused with 429{bursts}{level}{client}", requests(count))
}

fn requests(count: u64) -> String {
    format!("{} request{}", units::count(count), if count == 1 { " was" } else { "s were" })
}

fn seats(low: f64, high: f64) -> String {
    let rounded = |seats: f64| units::number((seats * 10.0).round() / 10.0);
    let (low, high) = (rounded(low), rounded(high));
    if low == high { low } else { format!("{low} to {high}") }
}

/// How often apiservers died: of that severity at least, which says how certain it is.
fn ends(periods: &Periods<'_>, least: Severity) -> usize {
    periods.findings.iter().filter(|finding| !finding.is_storm() && finding.severity >= least).count()
}

fn storms(periods: &Periods<'_>) -> String {
    let loud: Vec<_> =
        periods.findings.iter().filter(|finding| finding.severity >= Severity::Warning && finding.is_storm()).collect();
    let died = match ends(periods, Severity::Critical) {
        0 if ends(periods, Severity::Warning) > 0 => "An apiserver may have died".to_owned(),
        0 => "No apiserver died".to_owned(),
        1 => "An apiserver died once".to_owned(),
        count => format!("Apiservers died {count} times"),
    };
    match loud.split_first() {
        None => format!("{died}, and there was no storm."),
        Some((worst, rest)) => {
            let more = match rest.len() {
                0 => String::new(),
                1 => "; there was one more storm".to_owned(),
                count => format!("; there were {} more storms", units::count(count as u64)),
            };
            let sure =
                worst.client_confidence.map(|sure| format!(" (who it was: {sure} confidence)")).unwrap_or_default();
            format!(
                "{died}; the worst storm began at {}: {}{sure}{more}.",
                units::second(worst.started_at),
                worst.summary
            )
        }
    }
}

/// What to do about the worst storm, if one may take a server down; else where most is to be gained.
pub(super) fn first_step(periods: &Periods<'_>, review: &Review) -> Option<String> {
    let is_critical = |finding: &&Finding| {
        finding.severity == Severity::Critical && finding.is_storm() && !finding.remedies.is_empty()
    };
    let worst = periods.findings.iter().find(is_critical);
    if let Some(step) = worst.and_then(|worst| worst.first_step(&worst.client)) {
        return Some(format!("against the worst storm, {step}"));
    }
    let first = review.improvements.first()?;
    let saved = first.share.map_or_else(
        || "; how much that saves is unknown, as sizes are".to_owned(),
        |share| format!(", which saves an estimated {} of all bytes that LISTs return", units::share(share)),
    );
    Some(format!(
        "let {} watch in place of {} repeated LISTs of whole collections{saved}",
        first.client,
        units::count(first.lists_saved)
    ))
}

/// A trend that meets a limit, or that there is none.
fn where_to(review: &Review) -> Option<String> {
    let met = review.trends.iter().find(|trend| trend.meets.is_some());
    if let Some(trend) = met {
        return Some(format!("At this pace {} meets its limit {}.", trend.of, when(trend)));
    }
    let has_days = review.trends.iter().any(|trend| trend.slope.is_some());
    let is_clear = review.trends.iter().any(|trend| trend.slope.is_some_and(|slope| !slope.is_noise()));
    match (has_days, is_clear) {
        (false, _) => Some("These logs have too few days for a trend.".to_owned()),
        (true, false) => Some("No trend: the days differ too much from each other to tell one.".to_owned()),
        (true, true) => None,
    }
}

/// When a trend meets its limit.
fn when(trend: &Trend) -> String {
    let Some(meets) = trend.meets else { return String::new() };
    let day = |at: i64| units::second(at).chars().take(10).collect::<String>();
    let likely = meets.likely.map_or_else(|| "later than can be told".to_owned(), |at| format!("about {}", day(at)));
    let earliest = meets.earliest.map(|at| format!("{} at the earliest", day(at)));
    let latest =
        meets.latest.map_or_else(|| "and perhaps much later".to_owned(), |at| format!("{} at the latest", day(at)));
    format!("{likely} ({}, {latest}, with 95 % confidence)", earliest.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peak_stands_against_the_limit_as_far_as_it_is_known() {
        let words = |low, high, is_alive| of_limit(Bytes { low, high }, 1 << 30, is_alive);
        assert_eq!(words(1 << 20, Some(1 << 29), true), ", at most 50.0 % of the limit of 1.0 GiB");
        assert_eq!(words(1 << 29, Some(1 << 31), true), ", at least 50.0 % of the limit of 1.0 GiB");
        assert_eq!(words(1 << 29, None, true), ", at least 50.0 % of the limit of 1.0 GiB");
        assert_eq!(words(1 << 31, None, false), ", over the limit of 1.0 GiB");
        assert!(words(1 << 31, None, true).ends_with("sizes are likely taken too big"));
    }
}
