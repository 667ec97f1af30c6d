//! The report of `incident`: the story of a moment, the verdict first, then what it rests on.

mod charts;
mod remedies;
mod tables;

use super::page::{Fact, Page, Part, Section, Tone};
use crate::analysis::incident::IncidentReport;
use crate::findings::{MomentKind, PressurePeak, Role, Suspect, Wave};
use crate::units::{self, Zone};

/// All there is to say.
#[derive(Clone, Debug, Serialize)]
pub struct IncidentReport {
    /// [`SCHEMA_VERSION`](super::SCHEMA_VERSION).
    pub schema_version: u32,
    /// What the moment is.
    pub moment: Moment,
    /// The other moments that the logs offer, the worst first.
    pub other_moments: Vec<Moment>,
    /// The span that is shown.
    pub window: Window,
    /// What the logs hold in all.
    pub logs: LogFacts,
    /// The story.
    #[serde(flatten)]
    pub incident: Incident,
    /// What lists held over time, by type of client.
    pub pressure: Vec<ListPressure>,
    /// How long a bucket of that is, in seconds.
    pub pressure_secs: f64,
    /// What each apiserver was asked over time.
    pub activity: Vec<ServerActivity>,
    /// How long a bucket of that is, in seconds.
    pub activity_secs: f64,
    /// What measured memory says; `None` where none was given.
    pub memory: Option<MemoryFacts>,
    /// What the server's memory is limited to, in bytes; `None` where nobody said.
    pub memory_limit_bytes: Option<u64>,
    /// What was in flight at the moment, as far as the log has it.
    pub cut_off: Vec<CutOff>,
    /// What was found, the worst first.
    #[serde(serialize_with = "super::findings::serialize_findings")]
    pub findings: Vec<Finding>,
    /// How evenly the load falls on the apiservers.
    pub apiservers: Vec<ServerLoad>,
    /// What the log could not show.
    pub blind_spots: Vec<String>,
    /// What to log next time.
    pub policy: Policy,
    /// Changes of API Priority and Fairness, each tried on the logged requests; `None` where nobody wanted any.
    pub candidates: Option<ProposeReport>,
    /// What else there is to know.
    pub notes: Vec<String>,
}

/// Measured memory.
#[derive(Clone, Debug, Serialize)]
pub struct MemoryFacts {
    /// The file, and the series in it.
    pub source: String,
    /// Samples in the window: when, and bytes.
    #[serde(serialize_with = "as_samples")]
    pub samples: Vec<(i64, f64)>,
    /// What they say of the estimate.
    pub growth: Growth,
}

fn as_samples<S: serde::Serializer>(samples: &[(i64, f64)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(samples.iter().map(|(at, bytes)| (units::instant(*at), bytes)))
}

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
            verdict: self.incident.verdict.iter().map(|sentence| zone.in_sentence(sentence)).collect(),
            first_step: self.incident.first_step.clone(),
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
        let suspects = &self.incident.suspects;
        let has_culprit = suspects.iter().any(|suspect| suspect.role == Role::Culprit);
        let is_storming = suspects.iter().any(|suspect| suspect.is_storming);
        let is_dead = matches!(self.moment.kind, MomentKind::Death | MomentKind::PossibleDeath);
        let tone = match (has_culprit, is_dead) {
            (true, true) => Tone::Critical,
            (true, false) | (false, true) => Tone::Warning,
            (false, false) if is_storming => Tone::Warning,
            (false, false) => Tone::Good,
        };
        let word = self.incident.certainty.name();
        if !has_culprit {
            return (tone, format!("No culprit, {word} confidence"));
        }
        (tone, format!("Culprit with {word} confidence"))
    }

    fn facts(&self, zone: &Zone) -> Vec<Fact> {
        let fact = |label: &str, value: String, note: String| Fact { label: label.to_owned(), value, note };
        let suspects = &self.incident.suspects;
        let lists = suspects.iter().map(|suspect| suspect.inflight).sum();
        let suspect = match suspects.first().filter(|first| first.role == Role::Culprit) {
            None => ("none".to_owned(), self.storming_words()),
            Some(first) => (first.client.clone(), suspect_words(first, lists)),
        };
        let held = self.moment.final_peak.map_or_else(
            || ("nothing".to_owned(), "no LIST is logged in the two minutes before".to_owned()),
            |peak| (peak.words(), self.peak_words(&peak, zone)),
        );
        let mut facts = vec![
            fact("Main suspect", suspect.0, suspect.1),
            fact("Held by all LISTs at the last logged peak", held.0, held.1),
        ];
        if let Some(away) = self.moment.away_micros() {
            let note = self.incident.wave.as_ref().map(wave_words).unwrap_or_default();
            facts.push(fact("Back after", units::span(away), note));
        }
        let victims = &self.incident.victims;
        let names: Vec<&str> = victims.iter().take(3).map(|victim| victim.client.as_str()).collect();
        facts.push(match victims.len() {
            0 => fact(
                "Others harmed in the run-up",
                "none seen".to_owned(),
                "that was late, refused or failed".to_owned(),
            ),
            count => fact(
                "Others harmed in the run-up",
                if count == 1 { "one client".to_owned() } else { format!("{count} clients") },
                format!("late, refused, failed or cut off: {}", names.join(", ")),
            ),
        });
        facts
    }

    fn storming_words(&self) -> String {
        match self.incident.suspects.iter().filter(|suspect| suspect.is_storming).count() {
            0 => "no client stormed in the two minutes before".to_owned(),
            1 => "one client stormed, with less than a fifth of what was held".to_owned(),
            count => format!("{count} clients stormed, each with less than a fifth of what was held"),
        }
    }

    /// When the last peak was, and that there was a higher one before.
    fn peak_words(&self, peak: &PressurePeak, zone: &Zone) -> String {
        let before = peak.micros_before(self.moment.at) / 1_000_000;
        let when =
            if before == 0 { zone.clock(peak.at) } else { format!("{}, {before} s before", zone.clock(peak.at)) };
        let unknown = match peak.unknown {
            0 => String::new(),
            count => format!(", {} of unknown size", units::count(count)),
        };
        let earlier = self.incident.earlier_peak.as_ref().map_or_else(String::new, |earlier| {
            let (held, at) = (earlier.peak.words(), zone.clock(earlier.peak.at));
            format!("; at {at} it had been {held}, most of it {}", earlier.client_type)
        });
        let garbage = if peak.estimated_bytes.is_some() { ", with the garbage they leave" } else { "" };
        format!("estimated{garbage}, {} at once{unknown}, at {when}{earlier}", units::count(peak.inflight))
    }

    fn sections(&self, zone: &Zone) -> Vec<Section> {
        let mut sections = vec![
            Section { heading: "What happened".to_owned(), parts: self.charts(zone) },
            Section { heading: "Suspects, and how sure that is".to_owned(), parts: self.suspects() },
            Section { heading: "What to do".to_owned(), parts: self.remedies(zone) },
            Section { heading: "In flight at the end".to_owned(), parts: self.in_flight(zone) },
        ];
        if let Some(wave) = &self.incident.wave {
            let parts = vec![Part::Text(zone.in_sentence(&wave.summary)), Part::Table(tables::wave_table(wave, zone))];
            sections.push(Section { heading: "The second wave".to_owned(), parts });
        }
        sections.push(Section { heading: "Victims".to_owned(), parts: self.victims() });
        sections.push(Section { heading: "Apiservers side by side".to_owned(), parts: self.skew() });
        sections.push(Section { heading: "Findings with their evidence".to_owned(), parts: self.evidence(zone) });
        sections.push(Section { heading: "What the log can't show".to_owned(), parts: self.unseen() });
        sections.push(Section { heading: "What to log next time".to_owned(), parts: self.next_time() });
        sections
    }
}

fn suspect_words(suspect: &Suspect, all_lists: u64) -> String {
    if suspect.inflight == 0 {
        return format!("{} LISTs in the last minute", units::count(suspect.recent_lists));
    }
    let of = match suspect.estimated_bytes {
        Some(bytes) => {
            format!("holding {}, {} of what those in flight held", bytes.words(), units::share(suspect.share))
        }
        None => "of unknown size".to_owned(),
    };
    format!("{} of the {} LISTs then, {of}", units::count(suspect.inflight), units::count(all_lists))
}

fn wave_words(wave: &Wave) -> String {
    let bytes = wave.response_bytes.map(|bytes| format!(", returning {}", bytes.words())).unwrap_or_default();
    format!(
        "then a second wave: {} instances of clients sent {} LISTs within a minute{bytes}",
        units::count(wave.instances),
        units::count(wave.lists)
    )
}
