//! `apf simulate`: the logged requests under the current configuration and under candidates.

use anyhow::{Result, bail};

use super::super::ask::{Asked, Asking};
use super::super::manifests::read_changes;
use super::super::report::{check_format, write};
use super::super::settings::read_settings;
use super::super::side_files::{Candidates, side_files};
use crate::analysis;
use crate::analysis::simulate::SimulateOptions;
use crate::cli::SimulateArgs;
use crate::console::Console;

pub(super) fn run(args: &SimulateArgs, console: Console) -> Result<()> {
    check_format(&args.output)?;
    let settings = read_settings(&args.clients, &args.sizes, &args.flows, console)?;
    let options = SimulateOptions { candidates: read_changes(&args.candidate)?, ..args.into() };
    if args.sweep.is_some() && options.candidates.len() != 1 {
        bail!("--sweep takes one candidate, got {}", options.candidates.len());
    }
    let asking = Asking {
        settings: settings.into(),
        zone: args.output.timezone.clone(),
        side_files: side_files(&[&args.clients, &args.sizes, &args.flows, &Candidates(&args.candidate)]),
        ..Asking::default()
    };
    let asked = Asked::open(&args.inputs, &args.logs, asking, console)?;
    let report = asked.answer(analysis::simulate(&asked.session, &options))?;
    write(&report, |zone| report.page(args.top, zone), &args.output, console)?;
    asked.report_unreadable()
}
