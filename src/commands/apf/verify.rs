//! `apf verify`: whether a change in force does what its replay predicted.

use std::sync::Arc;

use anyhow::{Context, Result, bail};

use super::super::ask::{Asked, Asking};
use super::super::manifests::read_change;
use super::super::report::{check_format, write};
use super::super::settings::read_settings;
use super::super::side_files::{Candidates, side_files};
use crate::analysis;
use crate::analysis::verify::VerifyOptions;
use crate::cli::{LogArgs, VerifyArgs};
use crate::console::Console;

pub(super) fn run(args: &VerifyArgs, console: Console) -> Result<()> {
    check_format(&args.output)?;
    let settings = Arc::new(read_settings(&args.clients, &args.sizes, &args.flows, console)?);
    if args.inputs.iter().chain(&args.after).filter(|input| *input == "-").count() > 1 {
        bail!("standard input can be read only once: give it before or after the change, not both");
    }
    let candidate = read_change(&args.candidate).with_context(|| format!("in --candidate {}", args.candidate))?;
    let options = VerifyOptions { candidate, replay: (&args.replay).into() };
    let zone = args.output.timezone.clone();
    let candidates = Candidates(std::slice::from_ref(&args.candidate));
    let side_files = side_files(&[&args.clients, &args.sizes, &args.flows, &candidates]);
    let asking = Asking { settings: Arc::clone(&settings), zone, side_files: side_files.clone(), ..Asking::default() };
    let before = Asked::open(&args.inputs, &args.logs, asking, console)?;
    let after_args = LogArgs { from: None, to: None, ..args.logs.clone() };
    let asking = Asking { settings, side_files, ..Asking::default() };
    let after = Asked::open(&args.after, &after_args, asking, console)?;
    let report = after.answer(analysis::verify(&before.session, &after.session, &options))?;
    write(&report, |_| report.page(), &args.output, console)?;
    before.report_unreadable()?;
    after.report_unreadable()
}
