//! The report of `doctor`: what logs hold, and what they can and can't show.

use serde::Serialize;

use super::findings::{CoverageJson, coverage_json};
use super::page::{Item, Page, Part, Section, Table};
use super::{WithWords, or_dash};
use crate::analysis::doctor::{DoctorReport, UnreadableLines};
use crate::units::{self, Zone};

#[derive(Serialize)]
struct Words<'r> {
    coverage: Vec<CoverageJson<'r>>,
}

impl DoctorReport {
    /// The report for JSON.
    pub fn with_words(&self) -> impl Serialize {
        WithWords { report: self, words: Words { coverage: coverage_json(&self.coverage) } }
    }

    /// The report as a page.
    pub fn page(&self, zone: &Zone) -> Page {
        let skipped =
            self.skipped.iter().map(|skipped| Part::Text(format!("skipped {}: {}", skipped.file, skipped.why)));
        let files = std::iter::once(Part::Table(self.files_table())).chain(skipped).collect();
        let mut sections = vec![
            Section::of("Files", files),
            Section::of("Apiservers", vec![Part::Table(self.apiservers_table(zone))]),
        ];
        if !self.unreadable.is_empty() {
            let lines: u64 = self.files.iter().map(|file| file.line_count).sum();
            let unreadable: u64 = self.unreadable.iter().map(|lines| lines.count).sum();
            let share = units::percent(unreadable.min(lines), lines);
            let (pieces, lines) = (units::pieces(unreadable), units::count(lines));
            let heading = format!("Unreadable: {pieces} of {lines} lines ({share})");
            sections.push(Section::of(heading, vec![Part::Table(lines_table(&self.unreadable))]));
        }
        if !self.remarks.is_empty() {
            let table = Part::Table(lines_table(&self.remarks));
            sections.push(Section::of("Readable, but irregular", vec![table]));
        }
        for (heading, is_limit) in [("What the log shows", false), ("What the log can't show", true)] {
            let facts = self.coverage.iter().filter(|coverage| coverage.is_limit() == is_limit).map(CoverageJson::from);
            let items = facts.map(|fact| Item::of(fact.topic, zone.in_sentence(&fact.fact), &fact.meaning)).collect();
            sections.push(Section::of(heading, vec![Part::Items(items)]));
        }
        Page::of("What the log can and can't show", Vec::new(), sections)
    }

    fn files_table(&self) -> Table {
        let columns = [
            ("file", false),
            ("apiserver", false),
            ("format", false),
            ("on disk", true),
            ("content", true),
            ("lines", true),
            ("events", true),
            ("unreadable", true),
        ];
        let rows = self.files.iter().map(|file| {
            vec![
                file.file.clone(),
                or_dash(file.apiserver.clone()),
                file.compression.unwrap_or("stream").to_owned(),
                or_dash(file.disk_bytes.map(units::bytes)),
                units::bytes(file.content_bytes),
                units::count(file.line_count),
                units::count(file.event_count),
                units::count(file.unreadable_count),
            ]
        });
        Table::under_heading("", &columns, rows.collect())
    }

    fn apiservers_table(&self, zone: &Zone) -> Table {
        let columns = [
            ("apiserver", false),
            ("first event", false),
            ("last event", false),
            ("span", true),
            ("events", true),
            ("while starting", true),
        ];
        let rows = self.apiservers.iter().map(|server| {
            let span = server.first_at.zip(server.last_at).map(|(first, last)| units::span(last - first));
            vec![
                server.apiserver.clone().unwrap_or_else(|| "(unnamed)".to_owned()),
                or_dash(server.first_at.map(|at| zone.second(at))),
                or_dash(server.last_at.map(|at| zone.second(at))),
                or_dash(span),
                units::count(server.event_count),
                units::count(server.startup_event_count),
            ]
        });
        Table::under_heading("", &columns, rows.collect())
    }
}

fn lines_table(lines: &[UnreadableLines]) -> Table {
    let columns = [("count", false), ("what", false), ("first at", false), ("begins with", false)];
    let rows = lines.iter().map(|lines| {
        vec![
            units::count(lines.count),
            lines.what.clone(),
            format!("{}:{} (byte {})", lines.file, lines.line, units::count(lines.offset_bytes)),
            lines.sample.escape_debug().to_string(),
        ]
    });
    Table::under_heading("", &columns, rows.collect())
}
