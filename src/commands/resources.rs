//! `resources`: how large each resource is, and what that is based on.

use anyhow::Result;

use super::report::check_format;
use super::rows::{Limit, answer_named};
use super::settings::read_settings;
use super::side_files::side_files;
use crate::cli::{ClientArgs, FlowArgs, ResourcesArgs};
use crate::console::Console;

pub(super) fn run(args: &ResourcesArgs, console: Console) -> Result<()> {
    check_format(&args.output)?;
    let settings = read_settings(&ClientArgs::default(), &args.sizes, &FlowArgs::default(), console)?;
    let known = (settings, side_files(&[&args.sizes]));
    answer_named("resource_sizes", (&args.inputs, &args.logs), known, (&args.output, Limit::ALL), console)
}
