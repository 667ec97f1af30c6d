//! `capacity`: a period against the one before, and against the servers' limits.

use anyhow::Result;

use super::ask::{Asked, Asking};
use super::report::{check_format, write};
use super::settings::{read_settings, read_thresholds};
use super::side_files::side_files;
use crate::analysis;
use crate::cli::CapacityArgs;
use crate::console::Console;

pub(super) fn run(args: &CapacityArgs, console: Console) -> Result<()> {
    check_format(&args.output)?;
    let settings = read_settings(&args.clients, &args.sizes, &args.flows, console)?;
    let asking = Asking {
        settings: settings.into(),
        thresholds: read_thresholds(&args.findings)?,
        zone: args.output.timezone.clone(),
        side_files: side_files(&[&args.clients, &args.sizes, &args.flows, &args.findings]),
        ..Asking::default()
    };
    let asked = Asked::open(&args.inputs, &args.logs, asking, console)?;
    let report = asked.answer(analysis::capacity(&asked.session, &args.into()))?;
    write(&report.json(), |zone| report.page(zone), &args.output, console)?;
    asked.report_unreadable()
}
