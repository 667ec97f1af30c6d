//! `resources`: how big each resource is, and what that rests on.

use anyhow::Result;

use super::logs::{open, report};
use super::query::{Show, show_named};
use super::settings::Settings;
use crate::cli::{ClientArgs, ResourcesArgs};
use crate::console::Console;

pub(super) fn run(args: &ResourcesArgs, console: Console) -> Result<()> {
    let settings = Settings::of(&ClientArgs::default(), &args.sizes)?;
    let opened = open(&args.inputs, &args.logs, console)?;
    let show = Show { format: args.format, limit: Some(0), output: None };
    show_named("resource_sizes", &opened, &settings, &show, console)?;
    report(&opened, &opened.logs.tally().unwrap_or_default(), args.logs.strict, console)
}
