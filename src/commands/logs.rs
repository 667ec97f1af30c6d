//! Opening the logs that a command was given, and saying afterwards what could not be read of them.

use std::sync::Arc;

use anyhow::{Context, Result, bail};

use super::Advice;
use crate::audit::{Looks, Micros, Reason, parse_instant};
use crate::cli::LogArgs;
use crate::console::Console;
use crate::requests::{Progress, Tally, Window, last_event_at};
use crate::source::{LogFile, Skipped, discover};
use crate::tables::Logs;
use crate::units;

/// Logs that were found, and what was left out.
pub(super) struct Opened {
    pub(super) logs: Arc<Logs>,
    pub(super) skipped: Vec<Skipped>,
}

/// Finds the files, and what times to keep.
pub(super) fn open(inputs: &[String], args: &LogArgs, console: Console) -> Result<Opened> {
    let found = discover(inputs)?;
    let window = window(args, &found.files, console)?;
    Ok(Opened { logs: Logs::new(found.files, window, args.strict), skipped: found.skipped })
}

/// An instant as typed.
enum Time {
    At(Micros),
    /// So many microseconds before the last event.
    BeforeLast(Micros),
}

fn window(args: &LogArgs, files: &[Arc<LogFile>], console: Console) -> Result<Window> {
    let from = args.from.as_deref().map(parse_time).transpose().context("in --from")?;
    let to = args.to.as_deref().map(parse_time).transpose().context("in --to")?;
    let is_relative = |time: &Option<Time>| matches!(time, Some(Time::BeforeLast(_)));
    let last = if is_relative(&from) || is_relative(&to) { last(files, console)? } else { None };
    // Logs without any event are left to whoever reads them: then the window doesn't matter.
    let resolve = |time: Time| match time {
        Time::At(at) => Some(at),
        Time::BeforeLast(micros) => last.map(|last| last - micros),
    };
    let window = Window { from: from.and_then(resolve), to: to.and_then(resolve) };
    if let (Some(from), Some(to)) = (window.from, window.to)
        && from > to
    {
        bail!("--from {} is later than --to {}", units::instant(from), units::instant(to));
    }
    Ok(window)
}

/// A moment as typed: an instant, or so long before the logs' last event.
pub(super) fn moment(text: &str, files: &[Arc<LogFile>], console: Console) -> Result<Micros> {
    match parse_time(text)? {
        Time::At(at) => Ok(at),
        Time::BeforeLast(micros) => last(files, console)?.map(|last| last - micros).context("the logs have no event"),
    }
}

fn parse_time(text: &str) -> Result<Time> {
    if let Some(at) = parse_instant(text) {
        return Ok(Time::At(at));
    }
    let relative = text.strip_prefix('-').and_then(|span| span.parse::<jiff::Span>().ok());
    let micros = relative.and_then(|span| {
        let days_are_24_hours = jiff::SpanRelativeTo::days_are_24_hours();
        span.total((jiff::Unit::Microsecond, days_are_24_hours)).ok()
    });
    #[expect(clippy::cast_possible_truncation, reason = "a span of jiff's fits into microseconds of 64 bits")]
    match micros {
        Some(micros) => Ok(Time::BeforeLast(micros as i64)),
        None => Err(Advice {
            message: format!("{text:?} is no time"),
            hint: "write it as 2026-07-23T18:00:00Z, or as -30m, -2h, -1d to count back from the logs' last event",
        }
        .into()),
    }
}

/// The last event of all logs.
fn last(files: &[Arc<LogFile>], console: Console) -> Result<Option<Micros>> {
    if files.iter().any(|file| file.compression.is_none()) {
        return Err(Advice {
            message: "a relative time needs the logs' last event, which can't be known before standard input is read"
                .into(),
            hint: "give the time itself, or a file",
        }
        .into());
    }
    let progress = Arc::new(Progress::default());
    let _shown = console.progress(Arc::clone(&progress));
    Ok(last_event_at(files, &progress))
}

/// Tells what could not be read; an error if that was everything, or anything under `--strict`.
pub(super) fn report(opened: &Opened, tally: &Tally, is_strict: bool, console: Console) -> Result<()> {
    for skipped in opened.skipped.iter().take(NAMED_FILES) {
        console.note(&format!("{} is not read: {}", skipped.name, skipped.why));
    }
    if let Some(more) = opened.skipped.len().checked_sub(NAMED_FILES).filter(|more| *more > 0) {
        console.note(&format!("{more} more files are not read; stormglass doctor names them"));
    }
    if tally.is_partial {
        console.note(&format!(
            "the reading stopped after {} lines, as no more was asked for",
            units::count(tally.lines())
        ));
    }
    if tally.events() == 0 && !tally.is_partial {
        return Err(nothing_read(&opened.logs.files, tally).into());
    }
    let unreadable = tally.unreadable_count();
    if unreadable > 0 {
        let (pieces, lines) = (units::pieces(unreadable), units::count(tally.lines()));
        let message = format!("{pieces} of {lines} lines could not be read: {}", reasons(tally));
        if is_strict {
            bail!(message);
        }
        console.warn(&message);
    }
    if tally.duplicates > 0 {
        console.note(&format!(
            "{} events stand in the logs more than once and are counted once",
            units::count(tally.duplicates)
        ));
    }
    if tally.given_up > 0 {
        console.warn(&format!(
            "{} requests were given up as open, too many being open at once",
            units::count(tally.given_up)
        ));
    }
    Ok(())
}

/// Of files that are left out, so many are named one by one.
const NAMED_FILES: usize = 3;

/// The reasons, with where each came first.
fn reasons(tally: &Tally) -> String {
    let reasons = tally.unreadable.iter().map(|(reason, noted)| {
        let place = &noted.first;
        format!("{} {} (first at {}:{})", units::count(noted.count), reason.words(), place.file, place.line)
    });
    reasons.collect::<Vec<_>>().join("; ")
}

fn nothing_read(files: &[Arc<LogFile>], tally: &Tally) -> Advice {
    let files: Vec<_> = files.iter().map(|file| file.name.as_ref()).collect();
    let files = if files.len() > 3 { format!("{} files", files.len()) } else { files.join(", ") };
    let most = tally.unreadable.iter().max_by_key(|(_, noted)| noted.count);
    let Some((reason, noted)) = most else {
        return Advice {
            message: format!("no audit event is in {files}: there is nothing in it"),
            hint: "check that the log is the one that --audit-log-path names",
        };
    };
    let hint = match reason {
        Reason::NotAnEvent(Looks::LegacyText) => "have the server write JSON: --audit-log-format=json",
        Reason::NotAnEvent(
            Looks::AksDiagnostic | Looks::GkeLogEntry | Looks::CloudWatch | Looks::Otlp | Looks::CollectorRecord,
        ) => "this wrapping is not read yet: extract the audit events, one JSON object a line",
        _ => "audit events are JSON objects with \"kind\":\"Event\" and an audit.k8s.io apiVersion, one a line",
    };
    let sample =
        if noted.sample.is_empty() { String::new() } else { format!("; it begins: {}", noted.sample.escape_debug()) };
    Advice { message: format!("no audit event could be read from {files}: {}{sample}", reason.words()), hint }
}
