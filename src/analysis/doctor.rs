//! What logs hold, and what they can and cannot tell.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

use super::{AnalysisError, SCHEMA_VERSION, Session};
use crate::audit::Stage;
use crate::findings::{Coverage, Presence, as_instant, assess_coverage};
use crate::requests::{Noted, Tally};
use crate::units;

/// The answer of [`doctor`].
#[derive(Clone, Debug, Serialize)]
pub struct DoctorReport {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
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
    #[serde(skip)]
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

/// Lines that share a reason.
#[derive(Clone, Debug, Serialize)]
pub struct UnreadableLines {
    /// The reason.
    pub what: String,
    /// How many there are.
    pub count: u64,
    /// The file of the first.
    pub file: String,
    /// The line of the first, from 1.
    pub line: u64,
    /// Where that begins in the uncompressed file.
    pub offset_bytes: u64,
    /// The beginning of the line; empty if it is not text.
    pub sample: String,
}

#[expect(clippy::ref_option, reason = "serde passes a reference to the field")]
fn as_optional_instant<S: Serializer>(at: &Option<i64>, serializer: S) -> Result<S::Ok, S::Error> {
    at.map(units::instant).serialize(serializer)
}

/// Reads the logs and assesses what they can tell.
///
/// # Errors
/// When the logs can't be read or have no event.
pub async fn doctor(session: &Session) -> Result<DoctorReport, AnalysisError> {
    let presence: Vec<Presence> = session.database().rows().await?;
    let tally = session.tally_of_events()?;
    session.check_time().await?;
    let stages = Stage::ALL.into_iter().map(|stage| (stage.name(), tally.stages[stage as usize]));
    let unreadable = tally.unreadable.iter().map(|(reason, noted)| lines(reason.words(), noted));
    let remarks = tally.remarks.iter().map(|(remark, noted)| lines(remark.words().to_owned(), noted));
    let skipped = session.skipped().iter();
    Ok(DoctorReport {
        schema_version: SCHEMA_VERSION,
        files: files(session, &tally),
        skipped: skipped.map(|skipped| SkippedFile { file: skipped.name.clone(), why: skipped.why.clone() }).collect(),
        apiservers: apiservers(&tally),
        stages: stages.collect(),
        levels: tally.levels_by_name().collect(),
        duplicate_count: tally.duplicates,
        late_stage_count: tally.late_stages,
        clock_inversion_count: tally.clock_inversions,
        unreadable: unreadable.collect(),
        remarks: remarks.collect(),
        coverage: assess_coverage(&tally, &presence),
    })
}

fn files(session: &Session, tally: &Tally) -> Vec<FileFacts> {
    let files = session.logs().files.iter().map(|file| {
        let counts = tally.files.get(&file.name).cloned().unwrap_or_default();
        FileFacts {
            file: file.name.to_string(),
            apiserver: file.apiserver.as_deref().map(str::to_owned),
            compression: file.compression.map(|compression| compression.name()),
            disk_bytes: file.disk_bytes,
            content_bytes: counts.bytes,
            line_count: counts.lines,
            event_count: counts.events,
            unreadable_count: counts.unreadable,
        }
    });
    files.collect()
}

fn apiservers(tally: &Tally) -> Vec<ApiserverLogs> {
    let servers = tally.servers.iter().map(|(name, server)| ApiserverLogs {
        apiserver: name.as_deref().map(str::to_owned),
        first_at: server.first_at,
        last_at: server.last_at,
        event_count: server.events,
        startup_event_count: server.startup_events,
        order_inversion_count: server.order_inversions,
        gaps: server.gaps.iter().map(|gap| GapFacts { from: gap.from, to: gap.to }).collect(),
    });
    servers.collect()
}

fn lines(what: String, noted: &Noted) -> UnreadableLines {
    UnreadableLines {
        what,
        count: noted.count,
        file: noted.first.file.to_string(),
        line: noted.first.line,
        offset_bytes: noted.first.offset,
        sample: noted.sample.clone(),
    }
}
