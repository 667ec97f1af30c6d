//! `capacity`: a period against the one before, and against what the servers can bear.

use anyhow::Result;

use super::ask::{Asked, Asking};
use super::report::{check_format, write};
use super::settings::read_settings;
use crate::analysis;
use crate::cli::CapacityArgs;
use crate::console::Console;

pub(super) fn run(args: &CapacityArgs, console: Console) -> Result<()> {
    check_format(&args.output)?;
    let settings = read_settings(&args.clients, &args.sizes, &args.flows, console)?;
    let asking = Asking { settings: settings.into(), zone: args.output.timezone.clone(), ..Asking::default() };
    let asked = Asked::open(&args.inputs, &args.logs, asking, console)?;
    let report = asked.answer(analysis::capacity(&asked.session, &args.into()))?;
    write(&report.json(), |zone| report.page(zone), &args.output, console)?;
    asked.report_unreadable()
}
