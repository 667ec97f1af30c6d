//! `doctor`: what logs can and cannot tell.

use std::collections::BTreeMap;

use anyhow::Result;
use serde_json::{Value, json};

use super::ask::{Asked, Asking};
use super::unreadable;
use crate::analysis::Session;
use crate::cli::{DoctorArgs, DoctorFormat, LogArgs};
use crate::console::Console;
use crate::findings::{Coverage, Presence, assess_coverage};
use crate::report::{CoverageJson, coverage_json};
use crate::requests::{Noted, Tally};
use crate::tables::{Cell, TextTable};
use crate::units;

pub(super) fn run(args: &DoctorArgs, console: Console) -> Result<()> {
    let all_of_them = LogArgs { from: None, to: None, strict: args.strict };
    let asked = Asked::open(&args.inputs, &all_of_them, Asking::default(), console)?;
    let presence = asked.answer(async { Ok(asked.session.database().rows::<Presence>().await?) })?;
    let (tally, session) = (asked.session.tally(), &asked.session);
    if tally.events() > 0 {
        let found = assess_coverage(&tally, &presence);
        match args.format {
            DoctorFormat::Text => print(session, &tally, &found, console)?,
            DoctorFormat::Json => console.line(&format!("{:#}", as_json(session, &tally, &found)))?,
        }
    }
    // Files that are not read have been named already.
    unreadable::report(session, args.strict, console)
}

fn print(session: &Session, tally: &Tally, found: &[Coverage], console: Console) -> Result<()> {
    console.heading("Files")?;
    console.table(&files(session, tally))?;
    for skipped in session.skipped() {
        console.line(&format!("not read: {} ({})", skipped.name, skipped.why))?;
    }
    console.line("")?;
    console.heading("Apiservers")?;
    console.table(&apiservers(tally))?;
    if tally.unreadable_count() > 0 {
        console.line("")?;
        let share = units::percent(tally.unreadable_count().min(tally.lines()), tally.lines());
        let (pieces, lines) = (units::pieces(tally.unreadable_count()), units::count(tally.lines()));
        console.heading(&format!("Unreadable: {pieces} of {lines} lines ({share})"))?;
        console.table(&noted(tally.unreadable.iter().map(|(reason, noted)| (reason.words(), noted))))?;
    }
    if !tally.remarks.is_empty() {
        console.line("")?;
        console.heading("Readable, but not as it should be")?;
        console.table(&noted(tally.remarks.iter().map(|(remark, noted)| (remark.words().to_owned(), noted))))?;
    }
    for (title, is_limit) in [("What these logs can tell", false), ("What they cannot tell", true)] {
        console.line("")?;
        console.heading(title)?;
        for one in found.iter().filter(|one| one.is_limit() == is_limit) {
            let CoverageJson { topic, fact, meaning, .. } = CoverageJson::from(one);
            console.item(topic, &fact, &meaning)?;
        }
    }
    Ok(())
}

fn text(text: impl Into<String>) -> Cell {
    Cell::Text(text.into())
}

fn files(session: &Session, tally: &Tally) -> TextTable {
    let columns = ["file", "apiserver", "format", "on disk", "content", "lines", "events", "unreadable"];
    let rows = session.logs().files.iter().map(|file| {
        let counts = tally.files.get(&file.name).cloned().unwrap_or_default();
        vec![
            text(file.name.as_ref()),
            file.apiserver.as_deref().map_or(Cell::Null, text),
            text(file.compression.map_or("stream", |compression| compression.name())),
            file.disk_bytes.map_or(Cell::Null, |bytes| text(units::bytes(bytes))),
            text(units::bytes(counts.bytes)),
            text(units::count(counts.lines)),
            text(units::count(counts.events)),
            text(units::count(counts.unreadable)),
        ]
    });
    TextTable { columns: with_numbers_from(3, &columns), rows: rows.collect() }
}

fn apiservers(tally: &Tally) -> TextTable {
    let columns = ["apiserver", "first event", "last event", "span", "events", "while starting"];
    let rows = tally.servers.iter().map(|(name, server)| {
        let span = server.first_at.zip(server.last_at).map(|(first, last)| units::span(last - first));
        vec![
            text(name.as_deref().unwrap_or("(unnamed)")),
            server.first_at.map_or(Cell::Null, |at| text(units::instant(at))),
            server.last_at.map_or(Cell::Null, |at| text(units::instant(at))),
            span.map_or(Cell::Null, text),
            text(units::count(server.events)),
            text(units::count(server.startup_events)),
        ]
    });
    TextTable { columns: with_numbers_from(3, &columns), rows: rows.collect() }
}

fn noted<'n>(noted: impl Iterator<Item = (String, &'n Noted)>) -> TextTable {
    let columns = ["count", "what", "first at", "where it begins"];
    let rows = noted.map(|(words, noted)| {
        let first = &noted.first;
        let place = format!("{}:{} (byte {})", first.file, first.line, units::count(first.offset));
        vec![text(units::count(noted.count)), text(words), text(place), text(noted.sample.escape_debug().to_string())]
    });
    TextTable { columns: with_numbers_from(4, &columns), rows: rows.collect() }
}

fn with_numbers_from(first: usize, names: &[&str]) -> Vec<(String, bool)> {
    names.iter().enumerate().map(|(at, name)| ((*name).to_owned(), at >= first)).collect()
}

fn as_json(session: &Session, tally: &Tally, found: &[Coverage]) -> Value {
    let files: Vec<_> = session
        .logs()
        .files
        .iter()
        .map(|file| {
            let counts = tally.files.get(&file.name).cloned().unwrap_or_default();
            json!({
                "file": file.name.as_ref(),
                "apiserver": file.apiserver.as_deref(),
                "compression": file.compression.map(|compression| compression.name()),
                "disk_bytes": file.disk_bytes,
                "content_bytes": counts.bytes,
                "line_count": counts.lines,
                "event_count": counts.events,
                "unreadable_count": counts.unreadable,
            })
        })
        .collect();
    let servers: Vec<_> = tally.servers.iter().map(|(name, server)| json!({
        "apiserver": name.as_deref(),
        "first_at": server.first_at.map(units::instant),
        "last_at": server.last_at.map(units::instant),
        "event_count": server.events,
        "startup_event_count": server.startup_events,
        "order_inversion_count": server.order_inversions,
        "gaps": server.gaps.iter().map(|gap| json!({"from": units::instant(gap.from), "to": units::instant(gap.to)})).collect::<Vec<_>>(),
    })).collect();
    let stages: BTreeMap<_, _> =
        crate::audit::Stage::ALL.into_iter().map(|stage| (stage.name(), tally.stages[stage as usize])).collect();
    json!({
        "files": files,
        "skipped": session.skipped().iter().map(|file| json!({"file": file.name, "why": file.why})).collect::<Vec<_>>(),
        "apiservers": servers,
        "stages": stages,
        "levels": tally.levels_by_name().collect::<BTreeMap<_, _>>(),
        "duplicate_count": tally.duplicates,
        "late_stage_count": tally.late_stages,
        "clock_inversion_count": tally.clock_inversions,
        "unreadable": tally.unreadable.iter().map(|(reason, noted)| noted_json(&reason.words(), noted)).collect::<Vec<_>>(),
        "remarks": tally.remarks.iter().map(|(remark, noted)| noted_json(remark.words(), noted)).collect::<Vec<_>>(),
        "coverage": coverage_json(found),
    })
}

fn noted_json(words: &str, noted: &Noted) -> Value {
    json!({
        "what": words,
        "count": noted.count,
        "file": noted.first.file.as_ref(),
        "line": noted.first.line,
        "offset_bytes": noted.first.offset,
        "sample": noted.sample,
    })
}
