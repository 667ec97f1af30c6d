//! `capacity`: a period against the one before, and against what the servers can bear.

use anyhow::Result;

use super::ask::{Asked, Asking};
use super::paper;
use super::settings::read_settings;
use crate::analysis;
use crate::cli::CapacityArgs;
use crate::console::Console;

pub(super) fn run(args: &CapacityArgs, console: Console) -> Result<()> {
    paper::format(&args.paper)?;
    let settings = read_settings(&args.clients, &args.sizes, &args.flows, console)?;
    let asking = Asking { settings: settings.into(), zone: args.paper.timezone.clone(), ..Asking::default() };
    let asked = Asked::open(&args.inputs, &args.logs, asking, console)?;
    let report = asked.answer(analysis::capacity(&asked.session, &args.into()))?;
    paper::write(&report.json(), &report.page(&args.paper.timezone), &args.paper, console)?;
    asked.report_unreadable()
}
