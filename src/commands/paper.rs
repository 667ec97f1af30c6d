//! Writes a report that people read: to the terminal or a file, in the format that was asked for.

use std::fs;

use anyhow::{Context, Result};
use serde::Serialize;

use super::errors::Advice;
use super::show_blocks;
use crate::cli::{PaperArgs, PaperFormat};
use crate::console::Console;
use crate::report::page::Page;
use crate::report::{html, json, page_blocks, page_markdown};

/// The format: as given, else by the name of the file.
///
/// # Errors
/// When the name tells none.
pub(super) fn format(args: &PaperArgs) -> Result<PaperFormat> {
    if let Some(format) = args.format {
        return Ok(format);
    }
    let Some(path) = &args.output else { return Ok(PaperFormat::Table) };
    let extension = path.extension().map(|extension| extension.to_string_lossy().to_ascii_lowercase());
    match extension.as_deref() {
        Some("html" | "htm") => Ok(PaperFormat::Html),
        Some("md" | "markdown") => Ok(PaperFormat::Markdown),
        Some("json") => Ok(PaperFormat::Json),
        _ => Err(Advice {
            message: format!("the name of {} doesn't tell a format", path.display()),
            hint: "let it end in .html, .md or .json, or say --format",
        }
        .into()),
    }
}

/// Writes a report, and says where.
pub(super) fn write<T: Serialize>(report: &T, page: &Page, args: &PaperArgs, console: Console) -> Result<()> {
    let text = match format(args)? {
        PaperFormat::Json => json(report)?,
        PaperFormat::Html => html(page, &args.timezone),
        PaperFormat::Markdown => page_markdown(page, &args.timezone),
        PaperFormat::Table => {
            let blocks = page_blocks(page, "Charts and manifests are in the page: -o FILE.html, FILE.md or FILE.json.");
            return match &args.output {
                None => show_blocks(blocks, console),
                Some(_) => Err(Advice {
                    message: "--format table is for the terminal".to_owned(),
                    hint: "write to a file as .html, .md or .json, or redirect the output",
                }
                .into()),
            };
        }
    };
    match &args.output {
        None => Ok(console.line(text.trim_end())?),
        Some(path) => {
            fs::write(path, text + "\n").with_context(|| format!("can't write to {}", path.display()))?;
            console.note(&format!("written to {}", path.display()));
            Ok(())
        }
    }
}
