//! The report of `doctor`: what logs hold, and what they can and cannot tell.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

use super::or_dash;
use super::page::{Item, Page, Part, Section, Table};
use crate::findings::{Coverage, as_instant};
use crate::units::{self, Zone};

/// All there is to say.
#[derive(Clone, Debug, Serialize)]
pub struct DoctorReport {
    /// The files that were read.
    pub files: Vec<FileFacts>,
    /// Files that were not.
    pub skipped: Vec<SkippedFile>,
    /// The span of each apiserver's log.
    pub apiservers: Vec<ApiserverLogs>,
    /// Events by their stage; 0 of those that aren't logged.
    pub stages: BTreeMap<&'static str, u64>,
    /// Events by their level, those that there are.
    pub levels: BTreeMap<&'static str, u64>,
    /// Events that stand in the logs more than once.
    pub duplicate_count: u64,
    /// Stages that come after the last of their request.
    pub late_stage_count: u64,
    /// Stages that are stamped before the request was received.
    pub clock_inversion_count: u64,
    /// Lines, or parts of lines, that could not be read, by the reason.
    pub unreadable: Vec<UnreadableLines>,
    /// Lines that could be read, but aren't as they should be.
    pub remarks: Vec<UnreadableLines>,
    /// What the logs can and cannot tell.
    pub coverage: Vec<Coverage>,
}

/// A file that was read.
#[derive(Clone, Debug, Default, Serialize)]
pub struct FileFacts {
    /// The file, as it was named or found.
    pub file: String,
    /// The apiserver that wrote it; `None` where no name is known.
    pub apiserver: Option<String>,
    /// How it is compressed; `None` for standard input.
    pub compression: Option<&'static str>,
    /// Its size; `None` for standard input.
    pub disk_bytes: Option<u64>,
    /// Its size uncompressed.
    pub content_bytes: u64,
    /// Lines, blank ones included.
    pub line_count: u64,
    /// Audit events.
    pub event_count: u64,
    /// Lines, or parts of lines, that could not be read.
    pub unreadable_count: u64,
}

/// A file that was not read.
#[derive(Clone, Debug, Serialize)]
pub struct SkippedFile {
    /// The file.
    pub file: String,
    /// Why, to follow "not read: ".
    pub why: String,
}

/// The log of one apiserver.
#[derive(Clone, Debug, Serialize)]
pub struct ApiserverLogs {
    /// Its name; `None` where none is known.
    pub apiserver: Option<String>,
    /// The earliest stage, in microseconds since 1970.
    #[serde(serialize_with = "as_optional_instant")]
    pub first_at: Option<i64>,
    /// The latest stage, in microseconds since 1970.
    #[serde(serialize_with = "as_optional_instant")]
    pub last_at: Option<i64>,
    /// Events.
    pub event_count: u64,
    /// Events marked as served while the server was starting.
    pub startup_event_count: u64,
    /// Events that stand after one of a later stage time.
    pub order_inversion_count: u64,
    /// The longest spans without any event, the longest first.
    pub gaps: Vec<GapFacts>,
}

/// A span without any event.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct GapFacts {
    /// The last event before it, in microseconds since 1970.
    #[serde(serialize_with = "as_instant")]
    pub from: i64,
    /// The first event after it.
    #[serde(serialize_with = "as_instant")]
    pub to: i64,
}

/// Lines of which the same is to be said.
#[derive(Clone, Debug, Serialize)]
pub struct UnreadableLines {
    /// What is to be said of them.
    pub what: String,
    /// How many there are.
    pub count: u64,
    /// The file of the first.
    pub file: String,
    /// The line of the first, from 1.
    pub line: u64,
    /// Where that begins in the uncompressed file.
    pub offset_bytes: u64,
    /// How it begins, cut short; empty if it is no text.
    pub sample: String,
}

fn as_optional_instant<S: Serializer>(at: &Option<i64>, serializer: S) -> Result<S::Ok, S::Error> {
    at.map(units::instant).serialize(serializer)
}

impl DoctorReport {
    /// The report as a page.
    pub fn page(&self, zone: &Zone) -> Page {
        let skipped =
            self.skipped.iter().map(|skipped| Part::Text(format!("not read: {} ({})", skipped.file, skipped.why)));
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
            sections.push(Section::of("Readable, but not as it should be", vec![table]));
        }
        for (heading, is_limit) in [("What these logs can tell", false), ("What they cannot tell", true)] {
            let told = self.coverage.iter().filter(|told| told.is_limit == is_limit);
            let items = told.map(|told| Item::of(told.topic, zone.in_sentence(&told.fact), &told.meaning)).collect();
            sections.push(Section::of(heading, vec![Part::Items(items)]));
        }
        Page::of("What these logs can and cannot tell", Vec::new(), sections)
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
    let columns = [("count", false), ("what", false), ("first at", false), ("where it begins", false)];
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
