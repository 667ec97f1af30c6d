//! The report of `incident`: the story of a moment, the verdict first, then what it rests on.

use std::collections::BTreeMap;

use serde::Serialize;

use super::findings_cards::{cards, findings_table};
use super::page::{Card, Chart, Code, Fact, Look, Mark, Measured, Page, Part, Section, Series, Table, Tone, Unit};
use super::pressure::pressure_chart;
use super::{ProposeReport, or_dash};
use crate::findings::{
    Bytes, Certainty, CutOff, Finding, Growth, Incident, ListPressure, Moment, MomentKind, Policy, Role,
    ServerActivity, ServerLoad, Suspect,
};
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

/// A span of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Window {
    /// From when, in microseconds since 1970.
    #[serde(serialize_with = "as_instant")]
    pub from: i64,
    /// To when.
    #[serde(serialize_with = "as_instant")]
    pub to: i64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference to the field")]
fn as_instant<S: serde::Serializer>(at: &i64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&units::instant(*at))
}

/// What was read.
#[derive(Clone, Debug, Serialize)]
pub struct LogFacts {
    /// The first stage of all.
    #[serde(serialize_with = "as_instant")]
    pub from: i64,
    /// The last.
    #[serde(serialize_with = "as_instant")]
    pub to: i64,
    /// Events.
    pub events: u64,
    /// Bytes, uncompressed.
    pub bytes: u64,
    /// Files.
    pub files: usize,
    /// Lines or parts of lines that could not be read.
    pub unreadable: u64,
}

impl LogFacts {
    /// All that in a line.
    pub(super) fn line(&self, zone: &Zone) -> String {
        let files = if self.files == 1 { "one file".to_owned() } else { format!("{} files", self.files) };
        let unreadable = match self.unreadable {
            0 => String::new(),
            count => format!("; {} could not be read", units::pieces(count)),
        };
        format!(
            "From {files} of {}: {} events, {} to {}{unreadable}.",
            units::bytes(self.bytes),
            units::count(self.events),
            zone.second(self.from),
            zone.second(self.to)
        )
    }
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
        let ours = |text: &str| zone.in_sentence(text);
        Page {
            kind: "Incident report",
            title: self.title(zone),
            about: vec![self.logs.line(zone), self.window_words(zone)],
            certainty: Some(self.certainty()),
            verdict: self.incident.verdict.iter().map(|sentence| ours(sentence)).collect(),
            facts: self.facts(zone),
            sections: self.sections(zone),
        }
    }

    fn title(&self, zone: &Zone) -> String {
        let server = self.moment.apiserver.as_ref().map(|name| format!(" {name}")).unwrap_or_default();
        let what = match self.moment.kind {
            MomentKind::Death => "killed at",
            MomentKind::PossibleDeath => "perhaps killed at",
            MomentKind::Peak => "at its busiest,",
            MomentKind::Asked => "at",
        };
        format!("kube-apiserver{server} {what} {}", zone.second(self.moment.at))
    }

    fn window_words(&self, zone: &Zone) -> String {
        format!("Shown: {} to {}.", zone.second(self.window.from), zone.second(self.window.to))
    }

    fn certainty(&self) -> (Tone, String) {
        let has_culprit = self.incident.suspects.iter().any(|suspect| suspect.role == Role::Culprit);
        let is_dead = matches!(self.moment.kind, MomentKind::Death | MomentKind::PossibleDeath);
        let tone = match (has_culprit, is_dead) {
            (true, true) => Tone::Critical,
            (true, false) | (false, true) => Tone::Warning,
            (false, false) => Tone::Good,
        };
        let word = match self.incident.certainty {
            Certainty::High => "High",
            Certainty::Medium => "Medium",
            Certainty::Low => "Low",
        };
        (tone, format!("{word} confidence"))
    }

    fn facts(&self, zone: &Zone) -> Vec<Fact> {
        let fact = |label: &str, value: String, note: String| Fact { label: label.to_owned(), value, note };
        let mut facts = Vec::new();
        let culprits: Vec<&Suspect> =
            self.incident.suspects.iter().filter(|suspect| suspect.role == Role::Culprit).collect();
        facts.push(match culprits.as_slice() {
            [] => fact("Main suspect", "none".to_owned(), "no client stormed in the two minutes before".to_owned()),
            [first, ..] => fact("Main suspect", first.client.clone(), suspect_words(first)),
        });
        facts.push(match self.moment.final_peak {
            None => fact(
                "Held by LISTs, last peak",
                "unknown".to_owned(),
                "no LIST was in flight, or no size is known".to_owned(),
            ),
            Some(peak) => fact("Held by LISTs, last peak", peak.estimated_bytes.words(), {
                let earlier = self.incident.earlier_peak.as_ref().map(|earlier| {
                    let held = earlier.peak.estimated_bytes.words();
                    format!(
                        "; earlier, at {}, it had been {held}, most of it {}",
                        zone.clock(earlier.peak.at),
                        earlier.client_type
                    )
                });
                let lists = units::count(peak.inflight);
                format!("{lists} LISTs at once at {}; an estimate{}", zone.clock(peak.at), earlier.unwrap_or_default())
            }),
        });
        if let Some(back_at) = self.moment.back_at {
            let wave = self.incident.wave.as_ref();
            let note = wave.map_or_else(String::new, |wave| {
                let bytes =
                    wave.response_bytes.map(|bytes| format!(", returning {}", bytes.words())).unwrap_or_default();
                format!(
                    "{} instances with {} LISTs in the first minute{bytes}",
                    units::count(wave.instances),
                    units::count(wave.lists)
                )
            });
            facts.push(fact("Back after", units::span((back_at - self.moment.at) / 1_000_000 * 1_000_000), note));
        }
        facts.push(match self.incident.victims.len() {
            0 => fact("Others harmed before", "nobody".to_owned(), "as far as the log tells".to_owned()),
            count => fact(
                "Others harmed before",
                if count == 1 { "one client".to_owned() } else { format!("{count} clients") },
                self.incident
                    .victims
                    .iter()
                    .take(3)
                    .map(|victim| victim.client.as_str())
                    .collect::<Vec<_>>()
                    .join(", "),
            ),
        });
        facts
    }

    fn sections(&self, zone: &Zone) -> Vec<Section> {
        let mut sections = vec![
            Section { heading: "What happened".to_owned(), parts: self.charts(zone) },
            Section { heading: "Suspects, and how sure that is".to_owned(), parts: self.suspects() },
            Section { heading: "What to do".to_owned(), parts: self.remedies(zone) },
            Section { heading: "In flight at the end".to_owned(), parts: self.in_flight(zone) },
        ];
        if let Some(wave) = &self.incident.wave {
            let parts = vec![Part::Text(zone.in_sentence(&wave.summary)), Part::Table(wave_table(wave, zone))];
            sections.push(Section { heading: "The second wave".to_owned(), parts });
        }
        sections.push(Section { heading: "Victims".to_owned(), parts: self.victims() });
        sections.push(Section { heading: "Apiservers side by side".to_owned(), parts: self.skew() });
        sections.push(Section { heading: "Findings with their evidence".to_owned(), parts: self.evidence(zone) });
        sections.push(Section { heading: "What the log can't show".to_owned(), parts: self.unseen() });
        sections.push(Section { heading: "What to log next time".to_owned(), parts: self.next_time() });
        sections
    }

    /// Everything over time, for each apiserver, the one that it is about first.
    fn charts(&self, zone: &Zone) -> Vec<Part> {
        /// Further ones are in the JSON.
        const SERVERS: usize = 5;
        let mut parts = Vec::new();
        let mut servers: Vec<&Option<String>> = self.activity.iter().map(|row| &row.apiserver).collect();
        servers.extend(self.pressure.iter().map(|row| &row.apiserver));
        servers.sort_unstable();
        servers.dedup();
        servers.sort_by_key(|server| **server != self.moment.apiserver);
        for server in servers.iter().copied().take(SERVERS) {
            let named = if servers.len() > 1 {
                format!(", apiserver {}", server.as_deref().unwrap_or("without a name"))
            } else {
                String::new()
            };
            let marks = self.marks(server, zone);
            let pressure: Vec<ListPressure> =
                self.pressure.iter().filter(|row| row.apiserver == *server).cloned().collect();
            let span = (self.window.from, self.window.to);
            let mut chart = pressure_chart(&pressure, span, micros(self.pressure_secs));
            chart.title = format!("Memory that LISTs held, estimated{named}");
            chart.limit = self.memory_limit_bytes.map(|limit| (float(limit), format!("limit {}", units::bytes(limit))));
            chart.marks.clone_from(&marks);
            if *server == self.moment.apiserver {
                chart.measured = self.memory.as_ref().map(|memory| Measured {
                    name: "measured resident memory".to_owned(),
                    points: memory.samples.clone(),
                });
            }
            parts.push(Part::Chart(chart));
            if let Some(memory) = self.memory.as_ref().filter(|_| *server == self.moment.apiserver) {
                parts.push(Part::Text(format!("{} ({})", memory.growth.summary, memory.source)));
            }
            let rows: Vec<&ServerActivity> = self.activity.iter().filter(|row| row.apiserver == *server).collect();
            parts.extend(self.activity_charts(&rows, &named, &marks).into_iter().map(Part::Chart));
        }
        if servers.len() > SERVERS {
            parts.push(Part::Text(format!("{} more apiservers are in the JSON.", servers.len() - SERVERS)));
        }
        parts
    }

    /// Ends and returns, those of the moment that it is about first: they keep their labels where there is no room for all.
    fn marks(&self, server: &Option<String>, zone: &Zone) -> Vec<Mark> {
        let moments = std::iter::once(&self.moment).chain(&self.other_moments);
        let moments: Vec<&Moment> = moments.filter(|moment| moment.apiserver == *server).collect();
        let end = |moment: &&Moment| {
            let label = match moment.kind {
                MomentKind::Death => "killed",
                MomentKind::PossibleDeath => "killed?",
                MomentKind::Peak => "peak",
                MomentKind::Asked => "asked for",
            };
            Mark { at: moment.at, label: format!("{label} {}", zone.clock(moment.at)), is_end: true }
        };
        let back = |moment: &&Moment| Some(Mark { at: moment.back_at?, label: "back".to_owned(), is_end: false });
        let mut marks: Vec<Mark> = moments.iter().map(end).collect();
        marks.extend(moments.iter().filter_map(back));
        marks.retain(|mark| (self.window.from..=self.window.to).contains(&mark.at));
        marks
    }

    fn activity_charts(&self, rows: &[&ServerActivity], named: &str, marks: &[Mark]) -> Vec<Chart> {
        let step = micros(self.activity_secs);
        let from = self.window.from.div_euclid(step) * step;
        let buckets = usize::try_from((self.window.to - from).div_euclid(step) + 1).unwrap_or_default();
        let places: BTreeMap<i64, &ServerActivity> =
            rows.iter().map(|row| ((row.bucket_at - from).div_euclid(step), *row)).collect();
        let secs = self.activity_secs;
        let series = |name: &str, of: &dyn Fn(&ServerActivity) -> Option<f64>| {
            let values = (0_i64..).take(buckets).map(|place| places.get(&place).map_or(Some(0.0), |row| of(row)));
            Series { name: name.to_owned(), values: values.collect(), look: Look::Line }
        };
        let rate = |count: u64| Some(float(count) / secs);
        let chart = |title: &str, unit, series: Vec<Series>, note: &str| Chart {
            title: format!("{title}{named}"),
            note: note.to_owned(),
            query: "server_activity".to_owned(),
            unit,
            from,
            step,
            series,
            marks: marks.to_vec(),
            ..Chart::default()
        };
        vec![
            chart(
                "LISTs and watches received",
                Unit::PerSecond,
                vec![
                    series("LISTs", &|row| rate(row.list_count)),
                    series("watches opened", &|row| rate(row.watch_count - row.watch_list_count)),
                    series("watch-lists", &|row| rate(row.watch_list_count)),
                ],
                "",
            ),
            chart(
                "Refused and failed",
                Unit::PerSecond,
                vec![
                    series("429 of Priority and Fairness", &|row| rate(row.rejected_count)),
                    series("5xx", &|row| rate(row.error_count)),
                ],
                "",
            ),
            chart(
                "Latency of what was finished, without watches",
                Unit::Seconds,
                vec![
                    series("longest", &|row| row.longest_secs.or(Some(0.0))),
                    series("mean", &|row| row.mean_duration_secs.or(Some(0.0))),
                ],
                "By the time of receipt. What an end cut off isn't in it, so that just before one the numbers are too good.",
            ),
        ]
    }

    fn suspects(&self) -> Vec<Part> {
        let columns = [
            ("client", false),
            ("type", false),
            ("taken for", false),
            ("share of the last peak", true),
            ("LISTs at once", true),
            ("held (estimated)", true),
            ("of", false),
            ("LISTs in the last minute", true),
            ("cut off", true),
        ];
        let mut table = Table::of(
            "Who had LISTs in flight at the last peak before, or sent some in the last minute",
            "pressure_at",
            &columns,
        );
        table.rows = self.incident.suspects.iter().take(ROWS).map(suspect_row).collect();
        let roles = "Culprit: it stormed, and held a fifth or more of the last peak or was cut off by the end. Contributor: it held a \
                     tenth or more, or stormed. The last peak is the worst instant of the two minutes before.";
        let mut parts = vec![Part::Table(table), Part::Text(roles.to_owned())];
        let named = |heading: &str, reasons: &[String]| {
            let reasons = reasons.iter().map(|reason| format!("{heading}: {reason}"));
            reasons.collect::<Vec<_>>()
        };
        let reasons = [named("for it", &self.incident.supports), named("against it", &self.incident.doubts)].concat();
        if !reasons.is_empty() {
            parts.push(Part::Text(format!(
                "What the verdict rests on; confidence is {}:",
                self.incident.certainty.name()
            )));
            parts.push(Part::Bullets(reasons));
        }
        parts
    }

    /// What helps: at the client first, then by Priority and Fairness.
    fn remedies(&self, zone: &Zone) -> Vec<Part> {
        let mut parts = Vec::new();
        let of_culprits = self.incident.suspects.iter().filter(|suspect| suspect.role >= Role::Contributor);
        let mut remedies: Vec<String> = Vec::new();
        for place in of_culprits.flat_map(|suspect| &suspect.findings) {
            let finding = &self.findings[*place];
            for remedy in &finding.remedies {
                let is_named = finding.client == "many" || remedy.starts_with(&finding.client);
                let words = if is_named { remedy.clone() } else { format!("{}: {remedy}", finding.client) };
                if !remedies.contains(&words) {
                    remedies.push(words);
                }
            }
        }
        if !remedies.is_empty() {
            parts.push(Part::Text("At the clients, which is what lasts:".to_owned()));
            parts.push(Part::Bullets(remedies));
        }
        match &self.candidates {
            None => {}
            Some(proposed) => parts.extend(candidate_parts(proposed, zone)),
        }
        if parts.is_empty() {
            parts.push(Part::Text("Nothing that this log calls for.".to_owned()));
        }
        parts
    }

    fn in_flight(&self, zone: &Zone) -> Vec<Part> {
        let (lists, watches): (Vec<&CutOff>, Vec<&CutOff>) = self.cut_off.iter().partition(|row| row.verb == "list");
        let mut parts = Vec::new();
        let list_columns = [
            ("client", false),
            ("type", false),
            ("of", false),
            ("LISTs", true),
            ("instances", true),
            ("held (estimated)", true),
            ("received", false),
            ("evidence", false),
        ];
        if lists.is_empty() {
            parts.push(Part::Text(
                "No LIST without an end is in the log. Where the audit policy omits RequestReceived that says nothing: see below what \
                 to log next time."
                    .to_owned(),
            ));
        } else {
            let mut table = Table::of("LISTs that have no end in the log", "cut_off_reads", &list_columns);
            table.rows = lists.iter().take(ROWS).map(|row| cut_off_row(row, zone)).collect();
            parts.push(Part::Table(table));
        }
        let mut by_client: BTreeMap<(&str, &str), (u64, u64)> = BTreeMap::new();
        for row in &watches {
            let sum = by_client.entry((&row.client, &row.client_type)).or_default();
            *sum = (sum.0 + row.open_count, sum.1.max(row.instance_count));
        }
        if !by_client.is_empty() {
            let mut table = Table::of(
                "Watches that have no end in the log, which come back when the server does",
                "cut_off_reads",
                &[("client", false), ("type", false), ("watches", true), ("instances", true)],
            );
            let mut rows: Vec<_> = by_client.into_iter().collect();
            rows.sort_by_key(|((client, _), (count, _))| (std::cmp::Reverse(*count), *client));
            table.rows = rows
                .into_iter()
                .take(ROWS)
                .map(|((client, client_type), (count, instances))| {
                    vec![client.to_owned(), client_type.to_owned(), units::count(count), units::count(instances)]
                })
                .collect();
            parts.push(Part::Table(table));
        }
        parts
    }

    fn victims(&self) -> Vec<Part> {
        if self.incident.victims.is_empty() {
            return vec![Part::Text(
                "No client other than the culprits fared worse than usual in the time before, as far as the log tells."
                    .to_owned(),
            )];
        }
        let mut table = Table::of(
            "Who fared worse than usual in the time before, without storming",
            "harmed_clients",
            &[
                ("client", false),
                ("type", false),
                ("harmed", true),
                ("requests", true),
                ("usually", true),
                ("how", false),
            ],
        );
        table.rows = self
            .incident
            .victims
            .iter()
            .take(ROWS)
            .map(|victim| {
                vec![
                    victim.client.clone(),
                    victim.client_type.clone(),
                    units::count(victim.harmed),
                    units::count(victim.requests),
                    or_dash(victim.usual_share.map(|share| Unit::Share.words(share))),
                    victim.words.clone(),
                ]
            })
            .collect();
        vec![Part::Table(table)]
    }

    fn skew(&self) -> Vec<Part> {
        let mut table = Table::of(
            "Each apiserver's part of the load, over all of these logs",
            "apiserver_loads",
            &[
                ("apiserver", false),
                ("requests", true),
                ("share", true),
                ("a second", true),
                ("LISTs", true),
                ("share of LISTs", true),
                ("open watches, mean", true),
                ("share of watches", true),
                ("429", true),
            ],
        );
        let share = |share: Option<f64>| or_dash(share.map(|share| Unit::Share.words(share)));
        table.rows = self
            .apiservers
            .iter()
            .map(|row| {
                vec![
                    row.apiserver.clone().unwrap_or_else(|| "(without a name)".to_owned()),
                    units::count(row.request_count),
                    share(Some(row.request_share)),
                    or_dash(row.mean_rps.map(super::rounded)),
                    units::count(row.list_count),
                    share(row.list_share),
                    or_dash(row.mean_open_watch_count.map(super::rounded)),
                    share(row.open_watch_share),
                    units::count(row.apf_rejected_count),
                ]
            })
            .collect();
        let words = match self.apiservers.as_slice() {
            [] | [_] => "These are the logs of one apiserver; if the control plane has more, nothing can be said of how evenly the load fell.".to_owned(),
            many => skew_words(many),
        };
        vec![Part::Text(words), Part::Table(table)]
    }

    fn evidence(&self, zone: &Zone) -> Vec<Part> {
        if self.findings.is_empty() {
            return vec![Part::Text("Nothing was found.".to_owned())];
        }
        let mut parts = vec![Part::Table(findings_table(&self.findings, zone))];
        parts.extend(cards(&self.findings, zone));
        parts
    }

    fn unseen(&self) -> Vec<Part> {
        let mut spots = self.blind_spots.clone();
        spots.extend(self.notes.iter().cloned());
        vec![Part::Bullets(spots)]
    }

    fn next_time(&self) -> Vec<Part> {
        let volume = &self.policy.volume;
        let mut table = Table::of(
            "What that would write",
            "server_activity",
            &[("", false), ("lines", true), ("bytes", true), ("a day", true)],
        );
        table.rows = vec![
            vec![
                "this log".to_owned(),
                units::count(volume.lines_now),
                units::bytes(volume.bytes_now),
                per_day(volume.bytes_now, volume.secs),
            ],
            vec![
                "this policy".to_owned(),
                units::count(volume.lines),
                units::bytes(volume.bytes),
                per_day(volume.bytes, volume.secs),
            ],
        ];
        vec![
            Part::Text(
                "With this policy the LISTs that are in flight at the next end leave a line each, which makes them the strongest evidence there is."
                    .to_owned(),
            ),
            Part::Code(Code { caption: "Audit policy for --audit-policy-file".to_owned(), language: "yaml", text: self.policy.yaml.to_owned() }),
            Part::Table(table),
            Part::Text(format!("It rests on {}.", volume.basis)),
        ]
    }
}

fn per_day(bytes: u64, secs: f64) -> String {
    if secs < 1.0 {
        return "–".to_owned();
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an estimate of bytes")]
    units::bytes((float(bytes) / secs * 86_400.0) as u64)
}

fn suspect_words(suspect: &Suspect) -> String {
    let what = suspect.resources.first().map(|resource| format!(" of {resource}")).unwrap_or_default();
    match suspect.inflight {
        0 => format!("{} LISTs in the last minute", units::count(suspect.recent_lists)),
        count => {
            let share = if suspect.share > 0.0 {
                format!(", {:.0} % of what was held", suspect.share * 100.0)
            } else {
                String::new()
            };
            format!("{} LISTs{what} at once{share}", units::count(count))
        }
    }
}

fn suspect_row(suspect: &Suspect) -> Vec<String> {
    let role = match suspect.role {
        Role::Culprit => "culprit",
        Role::Contributor => "contributor",
        Role::Bystander => "bystander",
    };
    vec![
        suspect.client.clone(),
        suspect.client_type.clone(),
        role.to_owned(),
        Unit::Share.words(suspect.share),
        units::count(suspect.inflight),
        or_dash(suspect.estimated_bytes.map(Bytes::words)),
        suspect.resources.join(", "),
        format!("{} by {}", units::count(suspect.recent_lists), units::count(suspect.recent_instances)),
        units::count(suspect.cut_off_lists),
    ]
}

fn cut_off_row(row: &CutOff, zone: &Zone) -> Vec<String> {
    let held = row.held_low_bytes.map(|low| Bytes { low, high: row.held_high_bytes }.words());
    let evidence = row.evidence_audit_ids.iter().zip(&row.evidence_places);
    let evidence: Vec<String> = evidence.map(|(id, place)| format!("{id} at {place}")).collect();
    vec![
        row.client.clone(),
        row.client_type.clone(),
        or_dash(row.resource.clone()),
        units::count(row.open_count),
        units::count(row.instance_count),
        or_dash(held),
        format!("{} to {}", zone.clock(row.first_received_at), zone.clock(row.last_received_at)),
        evidence.join("; "),
    ]
}

fn wave_table(wave: &crate::findings::Wave, zone: &Zone) -> Table {
    let columns = [
        ("client", false),
        ("type", false),
        ("first seen", false),
        ("after, s", true),
        ("instances", true),
        ("LISTs", true),
        ("at once", true),
        ("returned (estimated)", true),
        ("watches", true),
        ("429", true),
    ];
    let mut table = Table::of("The first minute after the server was heard of again", "returns", &columns);
    table.rows = wave
        .clients
        .iter()
        .take(ROWS)
        .map(|row| {
            vec![
                row.client.clone(),
                row.client_type.clone(),
                zone.clock(row.first_received_at),
                units::number((row.first_secs * 100.0).round() / 100.0),
                units::count(row.instance_count),
                units::count(row.list_count),
                or_dash(row.peak_list_count.map(units::count)),
                or_dash(row.response_low_bytes.map(|low| Bytes { low, high: row.response_high_bytes }.words())),
                units::count(row.watch_count),
                units::count(row.rejected_count),
            ]
        })
        .collect();
    table
}

fn skew_words(servers: &[ServerLoad]) -> String {
    let busiest = servers.iter().max_by(|one, other| one.request_share.total_cmp(&other.request_share));
    let watched = servers.iter().max_by(|one, other| {
        one.open_watch_share.partial_cmp(&other.open_watch_share).unwrap_or(std::cmp::Ordering::Equal)
    });
    let name = |row: &ServerLoad| row.apiserver.clone().unwrap_or_else(|| "(without a name)".to_owned());
    let fair = Unit::Share.words(1.0 / float(servers.len() as u64));
    let requests =
        busiest.map(|row| format!("{} had {} of all requests", name(row), Unit::Share.words(row.request_share)));
    let watches = watched.and_then(|row| {
        Some(format!("{} held {} of all watches", name(row), Unit::Share.words(row.open_watch_share?)))
    });
    let words: Vec<String> = requests.into_iter().chain(watches).collect();
    format!(
        "{}; an even part would be {fair}. Clients keep their connection, so that after a restart the others hold all of them.",
        words.join(", ")
    )
}

/// Candidates in short: what each does and how that was tried; the manifests to copy.
fn candidate_parts(proposed: &ProposeReport, zone: &Zone) -> Vec<Part> {
    let mut parts = Vec::new();
    if !proposed.proposals.is_empty() {
        parts.push(Part::Text(format!(
            "By API Priority and Fairness, which holds until then. Each was tried by replaying the logged requests with {} seeds; LISTs were to \
             keep within {}.",
            proposed.seeds,
            units::bytes(proposed.memory_budget_bytes)
        )));
    }
    if let Some(doubt) = &proposed.doubt {
        parts.push(Part::Text(format!("Doubtful: the replay of the server as it is isn't what happened: {doubt}.")));
    }
    for proposal in &proposed.proposals {
        let size = |bytes: f64| Unit::Bytes.words(bytes);
        let before = proposal.tried.iter().find(|tried| tried.plan.is_none());
        let mut details = vec![
            ("for".to_owned(), proposal.clients.join(", ")),
            ("replayed".to_owned(), format!("it {}", zone.in_sentence(&proposal.sentence))),
            (
                "LISTs at once".to_owned(),
                format!(
                    "{} → {} of all clients",
                    super::rounded(proposal.lists_at_once_before),
                    super::rounded(proposal.lists_at_once)
                ),
            ),
            ("held".to_owned(), {
                let after = format!("{} to {}", size(proposal.peak_low_bytes), size(proposal.peak_high_bytes));
                before.map_or(after.clone(), |before| {
                    format!("{} to {} → {after}", size(before.peak_low_bytes), size(before.peak_high_bytes))
                })
            }),
            ("confidence".to_owned(), proposal.confidence.clone()),
        ];
        let caught = proposal.caught.iter().filter(|caught| !caught.is_meant);
        let caught: Vec<String> = caught
            .map(|caught| format!("{} ({} requests)", caught.client, units::count(caught.request_count)))
            .collect();
        details.push((
            "also catches".to_owned(),
            if caught.is_empty() { "nobody else".to_owned() } else { caught.join(", ") },
        ));
        parts.push(Part::Card(Card { tone: Tone::Plain, title: format!("Candidate {}", proposal.name), details }));
        let manifests: Vec<&str> = proposal.manifests.iter().map(|manifest| manifest.text.trim_end()).collect();
        parts.push(Part::Code(Code {
            caption: format!("Manifests of {}", proposal.name),
            language: "yaml",
            text: manifests.join("\n---\n"),
        }));
    }
    let declined: Vec<String> = proposed
        .declined
        .iter()
        .map(|declined| format!("{}: {}", declined.storm, zone.in_sentence(&declined.reason)))
        .collect();
    if !declined.is_empty() {
        parts.push(Part::Text("Storms without a candidate:".to_owned()));
        parts.push(Part::Bullets(declined));
    }
    parts
}

#[expect(clippy::cast_possible_truncation, reason = "the length of a bucket")]
fn micros(secs: f64) -> i64 {
    ((secs * 1e6).round() as i64).max(1)
}

#[expect(clippy::cast_precision_loss, reason = "counts, and sizes of which three digits are known")]
fn float(value: u64) -> f64 {
    value as f64
}
