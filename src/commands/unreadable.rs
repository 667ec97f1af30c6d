//! What could not be read of the logs, said on standard error after the answer.

use std::sync::Arc;

use anyhow::{Result, bail};

use super::errors::Advice;
use crate::analysis::Session;
use crate::audit::{Looks, Reason};
use crate::console::Console;
use crate::requests::Tally;
use crate::source::{LogFile, Skipped};
use crate::units;

/// Names files that were found but are not read.
pub(super) fn report_skipped(skipped: &[Skipped], console: Console) {
    for skipped in skipped.iter().take(NAMED_FILES) {
        console.note(&format!("{} is not read: {}", skipped.name, skipped.why));
    }
    if let Some(more) = skipped.len().checked_sub(NAMED_FILES).filter(|more| *more > 0) {
        console.note(&format!("{more} more files are not read; list them with: stormglass doctor"));
    }
}

/// Says what could not be read; an error if that was everything, or anything where `is_strict`.
pub(super) fn report(session: &Session, is_strict: bool, console: Console) -> Result<()> {
    let tally = &session.tally();
    if tally.is_partial {
        console.note(&format!(
            "the reading stopped after {} lines, as no more was asked for",
            units::count(tally.lines())
        ));
    }
    if tally.events() == 0 && !tally.is_partial {
        return Err(nothing_read(&session.logs().files, tally).into());
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
