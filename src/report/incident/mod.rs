//! The report of `incident`: what happened at a moment, the verdict first, then what it is based on.

mod charts;
mod json;
mod reasons;
mod remedies;
mod tables;
mod verdict;

use self::reasons::{length_words, listed, span_words, whole_span};
use super::page::{Fact, Page, Part, Section, Tone};
use super::pressure::{held_in_words, held_words};
use super::size_words::{held_estimate, size_words};
use super::{IncidentNote, IncidentReport, MemoryFacts, counted};
use crate::findings::{IncidentSuspect, MomentKind, PressurePeak, ReturnWave};
use crate::units::{self, Zone};

/// Rows of tables beyond this are left to JSON.
const ROWS: usize = 12;

impl IncidentReport {
    /// The report as a page.
    pub fn page(&self, zone: &Zone) -> Page {
        Page {
            kind: "Incident report",
            title: self.title(zone),
            about: [Some(self.logs.line(zone)), self.window_words(zone)].into_iter().flatten().collect(),
            certainty: Some(self.certainty()),
            verdict: self.verdict_words(zone),
            first_step: self.first_step_words(),
            facts: self.facts(zone),
            sections: self.sections(zone),
        }
    }

    fn title(&self, zone: &Zone) -> String {
        let server = self.moment.apiserver.as_ref().map(|name| format!(" {name}")).unwrap_or_default();
        let at = zone.second(self.moment.at);
        match self.moment.kind {
            MomentKind::Death => format!("Apiserver{server} died at {at}"),
            MomentKind::PossibleDeath => format!("Apiserver{server} may have died at {at}"),
            MomentKind::Peak => format!("Apiserver{server} at its busiest, {at}"),
            MomentKind::Asked => format!("Apiserver{server} at {at}"),
        }
    }

    /// What part of the logs is shown; `None` for all of them.
    fn window_words(&self, zone: &Zone) -> Option<String> {
        let is_all = self.window.from <= self.logs.from && self.window.to >= self.logs.to;
        (!is_all).then(|| format!("Shown: {} to {}.", zone.second(self.window.from), zone.second(self.window.to)))
    }

    fn certainty(&self) -> (Tone, String) {
        let culprits = self.incident.culprits().len();
        let has_culprit = culprits > 0;
        let tone = match (has_culprit, self.moment.is_end()) {
            (true, true) => Tone::Critical,
            (true, false) | (false, true) => Tone::Warning,
            (false, false) if !self.incident.storming().is_empty() => Tone::Warning,
            (false, false) => Tone::Good,
        };
        let word = self.incident.certainty.name();
        (
            tone,
            match culprits {
                0 => format!("No culprit, {word} confidence"),
                1 => format!("Culprit with {word} confidence"),
                count => format!("{count} culprits with {word} confidence"),
            },
        )
    }

    fn facts(&self, zone: &Zone) -> Vec<Fact> {
        let fact = |label: &str, value: String, note: String| Fact { label: label.to_owned(), value, note };
        let suspects = &self.incident.suspects;
        let lists = suspects.iter().map(|suspect| suspect.inflight).sum();
        let culprits = self.incident.culprits();
        let names: Vec<&str> = culprits.iter().map(|culprit| culprit.client.as_str()).collect();
        let suspect = match culprits.first() {
            None => ("none".to_owned(), self.storming_note()),
            Some(first) if culprits.len() == 1 => (first.client.clone(), suspect_note(first, lists)),
            Some(first) => (listed(&names), format!("{}: {}", first.client, suspect_note(first, lists))),
        };
        let run_up = length_words(self.incident.thresholds.run_up_secs);
        let held = self.moment.final_peak.map_or_else(
            || ("nothing".to_owned(), format!("no LIST is logged in the {run_up} before")),
            |peak| (held_words(&peak), self.peak_note(&peak, zone)),
        );
        let mut facts = vec![
            fact(if culprits.len() > 1 { "Main suspects" } else { "Main suspect" }, suspect.0, suspect.1),
            fact("Held by all LISTs at the last logged peak, with their garbage", held.0, held.1),
        ];
        if let Some(away) = self.moment.away_micros() {
            let note = self
                .incident
                .wave
                .as_ref()
                .map(|wave| wave_note(wave, self.incident.thresholds.wave_secs))
                .unwrap_or_default();
            facts.push(fact("Back after", whole_span(away), note));
        }
        let harmed = if self.moment.is_end() { "Others harmed before the end" } else { "Others harmed in the storm" };
        let victims = &self.incident.victims;
        let names: Vec<&str> = victims.iter().take(3).map(|victim| victim.client.as_str()).collect();
        facts.push(match victims.len() {
            0 => fact(
                harmed,
                "none seen".to_owned(),
                "no client had more late, rejected or failed requests than usual".to_owned(),
            ),
            count => fact(
                harmed,
                if count == 1 { "one client".to_owned() } else { format!("{count} clients") },
                format!("late, rejected, failed or cut off: {}", names.join(", ")),
            ),
        });
        facts
    }

    fn storming_note(&self) -> String {
        let (run_up, least) = (self.incident.thresholds.run_up_secs, self.incident.thresholds.culprit_share);
        match self.incident.storming().len() {
            0 => format!("no client stormed in the {} before", length_words(run_up)),
            1 => format!("one client stormed, with less than {} of what was in flight", units::share(least)),
            count => format!(
                "{count} clients stormed, together with less than {} of what was in flight",
                units::share(least)
            ),
        }
    }

    /// When the last peak was, and that there was a higher one before.
    fn peak_note(&self, peak: &PressurePeak, zone: &Zone) -> String {
        let before = peak.micros_before(self.moment.at) / 1_000_000;
        let when =
            if before == 0 { zone.clock(peak.at) } else { format!("{}, {before} s before", zone.clock(peak.at)) };
        let unknown = match peak.unknown {
            0 => String::new(),
            count => format!(", {} of unknown size", units::count(count)),
        };
        let earlier = self.incident.earlier_peak.as_ref().map_or_else(String::new, |earlier| {
            let (held, at) = (held_in_words(&earlier.peak), zone.clock(earlier.peak.at));
            format!("; an earlier peak at {at} held {held}, most of it by {} clients", earlier.client_type)
        });
        let garbage = if peak.estimated_bytes.is_some() { ", including garbage" } else { "" };
        let bound = match peak.uncapped_bytes {
            Some(bytes) => format!(" and bounded by measured memory ({} without it)", size_words(bytes)),
            None => String::new(),
        };
        format!("estimated{garbage}{bound}, {} at once{unknown}, at {when}{earlier}", counted(peak.inflight, "LIST"))
    }

    fn sections(&self, zone: &Zone) -> Vec<Section> {
        let mut sections = vec![
            Section { heading: "What happened".to_owned(), parts: self.charts(zone) },
            Section { heading: "Suspects, and how sure that is".to_owned(), parts: self.suspects() },
            Section { heading: "What to do".to_owned(), parts: self.remedies(zone) },
            Section { heading: "In flight at the end".to_owned(), parts: self.in_flight(zone) },
        ];
        if let Some(wave) = &self.incident.wave {
            let summary = reasons::wave_words(wave, self.moment.back_at, &self.incident.thresholds);
            let parts = vec![
                Part::Text(summary),
                Part::Table(tables::wave_table(wave, self.incident.thresholds.wave_secs, zone)),
            ];
            sections.push(Section { heading: "The second wave".to_owned(), parts });
        }
        sections.push(Section { heading: "Victims".to_owned(), parts: self.victims() });
        sections.push(Section { heading: "Apiservers side by side".to_owned(), parts: self.skew() });
        sections.push(Section { heading: "Findings with their evidence".to_owned(), parts: self.evidence(zone) });
        sections.push(Section { heading: "What the log can't show".to_owned(), parts: self.unseen(zone) });
        sections.push(Section { heading: "What to log next time".to_owned(), parts: self.next_time() });
        sections
    }
}

fn suspect_note(suspect: &IncidentSuspect, all_lists: u64) -> String {
    if suspect.inflight == 0 {
        return format!("{} in the last minute", counted(suspect.recent_lists, "LIST"));
    }
    let held = match suspect.estimated_bytes {
        Some(bytes) => format!("holding {}", held_estimate(bytes)),
        None => "of unknown size".to_owned(),
    };
    format!("{} of the {} at that peak, {held}", units::count(suspect.inflight), counted(all_lists, "LIST"))
}

fn wave_note(wave: &ReturnWave, wave_secs: u32) -> String {
    let bytes = wave.response_bytes.map(|bytes| format!(", returning {}", size_words(bytes))).unwrap_or_default();
    format!(
        "then a second wave: {} sent {} within {}{bytes}",
        counted(wave.instances, "instance"),
        counted(wave.lists, "LIST"),
        span_words(wave_secs)
    )
}
