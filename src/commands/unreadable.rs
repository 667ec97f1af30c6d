//! What could not be read of the logs, said on standard error after the answer.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Result, bail};

use super::errors::Advice;
use super::side_files::is_side_file;
use crate::analysis::Session;
use crate::audit::{Looks, Reason};
use crate::console::Console;
use crate::requests::Tally;
use crate::source::{LogFile, Skipped};
use crate::units;

/// Names files that were found but are not read, except those that are read as something else.
pub(super) fn report_skipped(skipped: &[Skipped], side_files: &[PathBuf], console: Console) {
    let skipped: Vec<&Skipped> = skipped.iter().filter(|skipped| !is_side_file(&skipped.name, side_files)).collect();
    for skipped in skipped.iter().take(NAMED_FILES) {
        console.note(&format!("skipped {}: {}", skipped.name, skipped.why));
    }
    if let Some(more) = skipped.len().checked_sub(NAMED_FILES).filter(|more| *more > 0) {
        let files = if more == 1 { "1 more file".to_owned() } else { format!("{more} more files") };
        console.note(&format!("skipped {files}; list them with: stormglass doctor"));
    }
}

/// Says which files are taken as logs of different apiservers.
pub(super) fn report_told_apart(files: &[Arc<str>], console: Console) {
    if let [named @ .., last] = files {
        let named: Vec<_> = named.iter().take(NAMED_FILES).map(AsRef::as_ref).collect();
        let more = files.len().saturating_sub(NAMED_FILES + 1);
        let last = if more > 0 { format!("{} more files", more + 1) } else { last.to_string() };
        console.note(&format!(
            "{} and {last} are logs of different apiservers, as they cover the same time and share no events; name the \
             apiservers with NAME=PATH",
            named.join(", ")
        ));
    }
}

/// Says what could not be read; an error if that was everything, or anything where `is_strict`.
pub(super) fn report(session: &Session, is_strict: bool, console: Console) -> Result<()> {
    let tally = &session.tally();
    if tally.is_partial {
        console.note(&format!(
            "reading stopped after {} lines, because the answer needs no more",
            units::count(tally.lines())
        ));
    }
    if tally.events() == 0 && !tally.is_partial {
        return Err(nothing_read(&session.logs().files, tally).into());
    }
    // Whoever has the server log to standard output mixes its own log into the audit log: nothing is amiss there.
    if let Some(noted) = tally.unreadable.get(&SERVER_LOG) {
        console.note(&format!(
            "{} of {} lines are no audit events but {} (first at {}:{})",
            units::count(noted.count),
            units::count(tally.lines()),
            Looks::Klog.words(),
            noted.first.file,
            noted.first.line
        ));
    }
    let unreadable = tally.unreadable.iter().filter(|(reason, _)| **reason != SERVER_LOG);
    let unreadable: u64 = unreadable.map(|(_, noted)| noted.count).sum();
    if unreadable > 0 {
        let (pieces, lines) = (units::pieces(unreadable), units::count(tally.lines()));
        let message = format!("{pieces} of {lines} lines could not be read: {}", reasons(tally));
        if is_strict {
            bail!(message);
        }
        console.warn(&message);
    }
    if tally.duplicates > 0 {
        console.note(&match tally.duplicates {
            1 => "1 event is in the logs more than once and was counted once".to_owned(),
            count => format!("{} events are in the logs more than once and were counted once", units::count(count)),
        });
    }
    if tally.given_up > 0 {
        console.warn(&match tally.given_up {
            1 => "1 request counts as never completed, because too many were open at once".to_owned(),
            count => {
                format!("{} requests count as never completed, because too many were open at once", units::count(count))
            }
        });
    }
    Ok(())
}

/// Lines of the server's own log.
const SERVER_LOG: Reason = Reason::NotAnEvent(Looks::Klog);

/// So many skipped files are named one by one.
const NAMED_FILES: usize = 3;

/// The reasons, with where each came first.
fn reasons(tally: &Tally) -> String {
    let unreadable = tally.unreadable.iter().filter(|(reason, _)| **reason != SERVER_LOG);
    let reasons = unreadable.map(|(reason, noted)| {
        let place = &noted.first;
        format!("{} {} (first at {}:{})", units::count(noted.count), reason.words(), place.file, place.line)
    });
    reasons.collect::<Vec<_>>().join("; ")
}

fn nothing_read(files: &[Arc<LogFile>], tally: &Tally) -> Advice {
    let (has, looks_like, is_empty) = match files {
        [_] => ("has", "it looks like", "it is empty"),
        _ => ("have", "they look like", "they are empty"),
    };
    let files: Vec<_> = files.iter().map(|file| file.name.as_ref()).collect();
    let files = if files.len() > NAMED_FILES { format!("{} files", files.len()) } else { files.join(", ") };
    let most = tally.unreadable.iter().max_by_key(|(_, noted)| noted.count);
    let Some((reason, noted)) = most else {
        return Advice {
            message: format!("{files} {has} no audit events: {is_empty}"),
            hint: "check that this is the file that the apiserver's --audit-log-path names".into(),
        };
    };
    let hint = match reason {
        Reason::NotAnEvent(Looks::LegacyText) => "have the server write JSON: --audit-log-format=json",
        Reason::NotAnEvent(
            Looks::AksDiagnostic | Looks::GkeLogEntry | Looks::CloudWatch | Looks::Otlp | Looks::CollectorRecord,
        ) => "extract the audit events, one JSON object per line; Stormglass cannot read this wrapping yet",
        _ => "give audit events: JSON objects with \"kind\":\"Event\" and an audit.k8s.io apiVersion, one per line",
    };
    let why = match reason {
        Reason::NotAnEvent(looks) => format!("{looks_like} {}", looks.words()),
        _ => format!("unreadable lines ({})", reason.words()),
    };
    let sample = if noted.sample.is_empty() {
        String::new()
    } else {
        format!("; the first such line begins with {}", noted.sample.escape_debug())
    };
    Advice { message: format!("{files} {has} no audit events: {why}{sample}"), hint: hint.into() }
}
