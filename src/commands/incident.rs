//! `incident`: why an apiserver died, or what happened at any other moment.

use std::path::Path;

use anyhow::{Context, Result};

use super::ask::{Asked, Asking};
use super::report::{check_format, write};
use super::settings::{read_settings, read_thresholds};
use super::side_files::side_files;
use crate::analysis;
use crate::analysis::incident::{IncidentOptions, MeasuredMemory};
use crate::cli::IncidentArgs;
use crate::console::Console;
use crate::memory::parse_resident;
use crate::source::open_beside;

pub(super) fn run(args: &IncidentArgs, console: Console) -> Result<()> {
    check_format(&args.output)?;
    let settings = read_settings(&args.clients, &args.sizes, &args.flows, console)?;
    let memory = args.memory.as_deref().map(read_memory).transpose()?;
    let options = IncidentOptions { memory, ..args.into() };
    let asking = Asking {
        settings: settings.into(),
        thresholds: read_thresholds(&args.findings)?,
        zone: args.output.timezone.clone(),
        side_files: side_files(&[&args.clients, &args.sizes, &args.flows, &args.findings, &args.memory]),
        ..Asking::default()
    };
    let asked = Asked::open(&args.inputs, &args.logs, asking, console)?;
    let report = asked.answer(analysis::incident(&asked.session, &options))?;
    write(&report.json(), |zone| report.page(zone), &args.output, console)?;
    asked.report_unreadable()
}

/// Reads resident memory over time.
fn read_memory(path: &Path) -> Result<MeasuredMemory> {
    let text = open_beside(path).and_then(std::io::read_to_string);
    let text = text.with_context(|| format!("can't read {}", path.display()))?;
    let series = parse_resident(&text).with_context(|| format!("in {}", path.display()))?;
    Ok(MeasuredMemory { source: path.display().to_string(), series })
}
