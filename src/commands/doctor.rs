//! `doctor`: what logs can and cannot tell.

use anyhow::Result;

use super::MEMORY_BYTES;
use super::logs::{Opened, open, report};
use super::reading::Reading;
use super::report::{check_format, write};
use crate::audit::Stage;
use crate::cli::{DoctorArgs, LogArgs};
use crate::console::Console;
use crate::findings::{Presence, coverage};
use crate::report::{ApiserverLogs, DoctorReport, FileFacts, GapFacts, SkippedFile, UnreadableLines};
use crate::requests::{Noted, Tally};
use crate::tables::QuerySet;

pub(super) fn run(args: &DoctorArgs, console: Console) -> Result<()> {
    check_format(&args.output)?;
    let all_of_them = LogArgs { from: None, to: None, strict: args.strict };
    let opened = open(&args.inputs, &all_of_them, console)?;
    let mut reading = Reading::with(opened, QuerySet::load(None)?, MEMORY_BYTES, console)?;
    let presence = reading.run(async { Ok(reading.database.rows::<Presence>().await?) })?;
    let (tally, opened) = (reading.tally(), &mut reading.opened);
    if tally.events() > 0 {
        let diagnosed = diagnose(opened, &tally, &presence);
        write(&diagnosed, |zone| diagnosed.page(zone), &args.output, console)?;
    }
    // They have been named already.
    opened.skipped.clear();
    report(opened, &tally, args.strict, console)
}

fn diagnose(opened: &Opened, tally: &Tally, presence: &[Presence]) -> DoctorReport {
    let stages = Stage::ALL.into_iter().map(|stage| (stage.name(), tally.stages[stage as usize]));
    let unreadable = tally.unreadable.iter().map(|(reason, noted)| lines(reason.words(), noted));
    let remarks = tally.remarks.iter().map(|(remark, noted)| lines(remark.words().to_owned(), noted));
    DoctorReport {
        files: files(opened, tally),
        skipped: opened
            .skipped
            .iter()
            .map(|skipped| SkippedFile { file: skipped.name.clone(), why: skipped.why.clone() })
            .collect(),
        apiservers: apiservers(tally),
        stages: stages.collect(),
        levels: tally.levels_by_name().collect(),
        duplicate_count: tally.duplicates,
        late_stage_count: tally.late_stages,
        clock_inversion_count: tally.clock_inversions,
        unreadable: unreadable.collect(),
        remarks: remarks.collect(),
        coverage: coverage(tally, presence),
    }
}

fn files(opened: &Opened, tally: &Tally) -> Vec<FileFacts> {
    let files = opened.logs.files.iter().map(|file| {
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
