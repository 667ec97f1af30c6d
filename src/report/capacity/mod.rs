//! The report of `capacity`: a period against the one before, and against the servers' limits.

mod charts;
mod clients;
mod json;
mod servers;
mod verdict;
mod words;

use self::words::{bucket_name, not_compared_words, note_words};
use super::findings::blind_spot;
use super::page::{Fact, Page, Part, Section, Tone};
use super::pressure::held_words;
use super::{CapacityNote, CapacityReport, NotCompared, about, capitalized, counted, float};
use crate::findings::{Finding, Severity, Usage};
use crate::units::{self, Zone};

/// Rows of tables beyond this are left to JSON.
const ROWS: usize = 15;

impl CapacityReport {
    /// The report as a page.
    pub fn page(&self, zone: &Zone) -> Page {
        let (from, to) = (self.window.from, self.window.to);
        let is_one_day = zone.day(from) == zone.day(to);
        let end = if is_one_day { zone.format(to, "%H:%M") } else { zone.minute(to) };
        let span = format!("{} to {end}", zone.minute(from));
        let title = format!("{span} {zone}");
        let compared = match (&self.window_before, self.not_compared) {
            (Some(before), _) => format!("Compared with {} to {}.", zone.minute(before.from), zone.minute(before.to)),
            (None, reason) => {
                let before = self.coverage_of_before.filter(|_| reason == Some(NotCompared::TooLittleCovered));
                let shares = before.map_or_else(String::new, |before| {
                    let (this, before) = (units::share(self.review.coverage.share), units::share(before.share));
                    let least = units::share(self.review.thresholds.min_coverage);
                    format!(" ({this} and {before}; {least} of both are needed)")
                });
                format!("Not compared: {}{shares}.", not_compared_words(reason.unwrap_or(NotCompared::NotAskedFor)))
            }
        };
        Page {
            kind: "Capacity report",
            title: self.week.as_ref().map_or(title.clone(), |week| format!("{week}, {title}")),
            about: [Some(self.logs.line(zone)), self.widened(zone), Some(compared), Some(self.server_words())]
                .into_iter()
                .flatten()
                .collect(),
            certainty: Some(self.tone()),
            verdict: self.verdict_words(zone),
            first_step: self.first_step_words(),
            facts: self.facts(zone),
            sections: self.sections(zone),
        }
    }

    /// That the period is longer than what was asked for.
    fn widened(&self, zone: &Zone) -> Option<String> {
        let note = self.notes.iter().find(|note| matches!(note, CapacityNote::SpanWidened { .. }))?;
        Some(format!("{}.", capitalized(&note_words(note, self.bucket_secs, zone))))
    }

    fn server_words(&self) -> String {
        format!("Server: {}.", self.server.line())
    }

    fn tone(&self) -> (Tone, String) {
        let has = |kind: fn(&Finding) -> bool, severity| {
            self.findings.iter().any(|finding| kind(finding) && finding.severity >= severity)
        };
        let is_storm = Finding::is_storm;
        let is_end = |finding: &Finding| !finding.is_storm();
        let (tone, words) = if has(is_end, Severity::Critical) {
            (Tone::Critical, "An apiserver died")
        } else if has(is_storm, Severity::Critical) {
            (Tone::Critical, "Storms that can take an apiserver down")
        } else if has(is_storm, Severity::Warning) {
            (Tone::Warning, "Storms, but none that takes an apiserver down")
        } else if has(is_end, Severity::Warning) {
            (Tone::Warning, "An apiserver may have died")
        } else if self.review.this.rejected >= self.review.thresholds.notable_rejected {
            (Tone::Warning, "Requests were rejected (429)")
        } else {
            (Tone::Good, "Nothing out of the ordinary")
        };
        (tone, words.to_owned())
    }

    fn facts(&self, zone: &Zone) -> Vec<Fact> {
        let fact = |label: &str, value: String, note: String| Fact { label: label.to_owned(), value, note };
        let review = &self.review;
        let changed = |now: f64, then: Option<f64>| {
            let factor = then.and_then(|then| review.change(now, then));
            factor.map_or_else(String::new, |factor| {
                format!("{:+.0} % per second against the period before", (factor - 1.0) * 100.0)
            })
        };
        let before = review.before.as_ref();
        let count = |of: fn(&Usage) -> u64| changed(float(of(&review.this)), before.map(|usage| float(of(usage))));
        let middle = |usage: &Usage| f64::midpoint(usage.low_seat_secs, usage.high_seat_secs);
        let seats_note = match changed(middle(&review.this), before.map(middle)) {
            change if change.is_empty() => "on one apiserver".to_owned(),
            change => format!("on one apiserver; {change}"),
        };
        let mut facts = vec![
            fact("Requests", units::count(review.this.requests), count(|usage| usage.requests)),
            fact("LISTs (without watch-lists)", units::count(review.this.lists), count(|usage| usage.lists)),
            fact("Watch-lists", units::count(review.this.watch_lists), count(|usage| usage.watch_lists)),
            match review.peak {
                Some(peak) => fact(
                    "Held by LISTs at their peak",
                    held_words(&peak),
                    format!("estimated, {} at once at {}", units::count(peak.inflight), zone.minute(peak.at)),
                ),
                None => fact(
                    "Held by LISTs at their peak",
                    "unknown".to_owned(),
                    "give sizes with --metrics or --resource".to_owned(),
                ),
            },
            fact("Seats in use on average", self.mean_seats(), seats_note),
        ];
        let late: u64 = review.objectives.iter().map(|objective| objective.late).sum();
        let all: u64 = review.objectives.iter().map(|objective| objective.requests).sum();
        facts.push(fact(
            "Within their latency objective",
            units::percent(all - late, all),
            "the objective is 99 % within 1 s, 5 s or 30 s, by scope".to_owned(),
        ));
        let of = |severity| self.findings.iter().filter(|one| one.severity == severity).count() as u64;
        let (critical, warnings) = (of(Severity::Critical), of(Severity::Warning));
        let note = format!("{} critical, {}", units::count(critical), counted(warnings, "warning"));
        facts.push(fact("Storms, and ends of apiservers", units::count(critical + warnings), note));
        facts
    }

    /// Over the time that the logs cover, on one apiserver, of its seats.
    fn mean_seats(&self) -> String {
        let servers = super::pressure::servers(self.activity.iter().map(|row| &row.apiserver)).len().max(1);
        #[expect(clippy::cast_precision_loss, reason = "a few servers")]
        let secs = self.review.coverage.covered_secs.max(1.0) * servers as f64;
        let (low, high) = (self.review.this.low_seat_secs / secs, self.review.this.high_seat_secs / secs);
        format!("{} of {}", about(low, high), self.server.server_concurrency)
    }

    fn bucket(&self) -> &'static str {
        bucket_name(self.bucket_secs)
    }

    fn sections(&self, zone: &Zone) -> Vec<Section> {
        let section = |heading: &str, parts: Vec<Part>| Section { heading: heading.to_owned(), parts };
        vec![
            section("What to do first", self.improvements()),
            section("The period over time", self.charts(zone)),
            section(
                "By type of client",
                vec![Part::Table(
                    self.usage_table("Types of clients, by what their LISTs returned", &self.review.client_types),
                )],
            ),
            section("By client", self.clients()),
            section("Latency", vec![Part::Table(self.objectives())]),
            section("Priority levels", self.levels(zone)),
            section("Busiest", vec![Part::Table(self.busiest(zone))]),
            section("Polls at fixed intervals", self.clocks()),
            section("Trends", self.trends(zone)),
            section("Storms, and ends of apiservers", self.storms(zone)),
            section("What the log can't show", vec![Part::Bullets(self.unseen(zone))]),
        ]
    }

    fn unseen(&self, zone: &Zone) -> Vec<String> {
        let mut spots: Vec<String> = self.blind_spots.iter().map(|spot| zone.in_sentence(&blind_spot(spot))).collect();
        let notes = self.notes.iter().filter(|note| !matches!(note, CapacityNote::SpanWidened { .. }));
        spots.extend(notes.map(|note| note_words(note, self.bucket_secs, zone)));
        spots
    }
}
