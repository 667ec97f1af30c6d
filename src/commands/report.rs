//! Writes reports: to the terminal or a file, in the format that was asked for.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Serialize;

use super::errors::Advice;
use crate::cli::{FormatName, OutputArgs, ReportFormat};
use crate::console::Console;
use crate::report::page::Page;
use crate::report::{html, json, markdown, terminal};
use crate::units::Zone;

/// The format: as given, else by the file's name, else a table.
///
/// # Errors
/// When the file's name has an unknown ending, or a table should go into a file.
pub(super) fn format<F: FormatName>(args: &OutputArgs<F>) -> Result<F> {
    let format = match (args.format, &args.output) {
        (Some(format), _) => format,
        (None, None) => F::TABLE,
        (None, Some(path)) => {
            let extension = path.extension().map(|extension| extension.to_string_lossy().to_ascii_lowercase());
            extension.as_deref().and_then(F::from_extension).ok_or_else(|| Advice {
                message: format!("can't tell the format from the name {}", path.display()),
                hint: format!("end the name in {}, or give --format", F::ENDINGS).into(),
            })?
        }
    };
    if args.output.is_some() && format.of_report() == Some(ReportFormat::Table) {
        return Err(Advice {
            message: "--format table is for the terminal only".to_owned(),
            hint: format!("end the file's name in {}, or redirect the output", F::ENDINGS).into(),
        }
        .into());
    }
    Ok(format)
}

/// Checks that there is a format, before any log is read.
///
/// # Errors
/// As [`format()`].
pub(super) fn check_format<F: FormatName>(args: &OutputArgs<F>) -> Result<()> {
    format(args).map(drop)
}

/// Writes a report, and says where.
///
/// # Errors
/// As [`format()`], and when it can't be written.
pub(super) fn write<T: Serialize>(
    report: &T,
    page: impl FnOnce(&Zone) -> Page,
    args: &OutputArgs,
    console: Console,
) -> Result<()> {
    write_as(report, page, format(args)?, args, console)
}

/// The same for a command that has formats of its own besides.
///
/// # Errors
/// When it can't be written.
pub(super) fn write_as<T: Serialize, F: FormatName>(
    report: &T,
    page: impl FnOnce(&Zone) -> Page,
    format: ReportFormat,
    args: &OutputArgs<F>,
    console: Console,
) -> Result<()> {
    let zone = &args.timezone;
    let text = match format {
        ReportFormat::Json => json(report)?,
        ReportFormat::Html => html(&page(zone), zone),
        ReportFormat::Markdown => markdown(&page(zone), zone),
        ReportFormat::Table => return show(&page(zone), console),
    };
    write_text(&text, args.output.as_deref(), console)
}

/// Writes text to a file, and says so, or to standard output.
///
/// # Errors
/// When it can't be written.
pub(super) fn write_text(text: &str, output: Option<&Path>, console: Console) -> Result<()> {
    let text = text.trim_end();
    match output {
        None => Ok(console.print(&format!("{text}\n"))?),
        Some(path) => {
            fs::write(path, format!("{text}\n")).with_context(|| format!("can't write to {}", path.display()))?;
            console.note(&format!("written to {}", path.display()));
            Ok(())
        }
    }
}

/// Shows a page on the terminal, whatever else could be done with it.
///
/// # Errors
/// When standard output is closed or full.
pub(super) fn show(page: &Page, console: Console) -> Result<()> {
    let shown = terminal(page, console.width());
    console.print(&shown.text)?;
    shown.notes.iter().for_each(|note| console.note(note));
    Ok(())
}
