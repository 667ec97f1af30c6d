//! `doctor`: what logs can and cannot show.

use anyhow::Result;

use super::ask::{Asked, Asking};
use super::report::{check_format, write};
use super::unreadable;
use crate::analysis;
use crate::cli::{DoctorArgs, LogArgs};
use crate::console::Console;

pub(super) fn run(args: &DoctorArgs, console: Console) -> Result<()> {
    check_format(&args.output)?;
    let whole_logs = LogArgs { from: None, to: None, strict: args.strict };
    let asked = Asked::open(&args.inputs, &whole_logs, Asking::default(), console)?;
    let report = asked.answer(analysis::doctor(&asked.session))?;
    write(&report.with_words(), |zone| report.page(zone), &args.output, console)?;
    // The report names files that are not read.
    unreadable::report(&asked.session, args.strict, console)
}
