//! `resources`: how big each resource is, and what that rests on.

use anyhow::Result;

use super::query::{Show, show_named};
use super::settings::read_settings;
use crate::cli::{ClientArgs, FlowArgs, ResourcesArgs};
use crate::console::Console;

pub(super) fn run(args: &ResourcesArgs, console: Console) -> Result<()> {
    let settings = read_settings(&ClientArgs::default(), &args.sizes, &FlowArgs::default(), console)?;
    let show = Show { format: args.format, limit: Some(0), output: None };
    show_named("resource_sizes", (&args.inputs, &args.logs), settings, &show, console)
}
