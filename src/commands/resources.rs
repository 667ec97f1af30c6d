//! `resources`: how big each resource is, and what that rests on.

use std::collections::BTreeMap;

use anyhow::Result;

use super::dimensions::{Settings, prepare};
use super::logs::{open, report};
use super::query::{Show, show_answer};
use super::{Interrupted, MEMORY_BYTES};
use crate::cli::{ClientArgs, ResourcesArgs};
use crate::console::Console;
use crate::tables::{Database, QuerySet};

pub(super) fn run(args: &ResourcesArgs, console: Console) -> Result<()> {
    let settings = Settings::of(&ClientArgs::default(), &args.sizes)?;
    let opened = open(&args.inputs, &args.logs, console)?;
    let database = Database::new(&opened.logs, QuerySet::load(None)?, MEMORY_BYTES)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let answer = async {
            let progress = console.progress(opened.logs.progress.clone());
            prepare(&database, "resource_sizes", &[], &settings).await?;
            let answer = database.query("resource_sizes", &BTreeMap::new()).await?;
            drop(progress);
            let show = Show { format: args.format, limit: Some(0), output: None };
            show_answer(answer, &show, &opened, console).await
        };
        tokio::select! {
            done = answer => done,
            _ = tokio::signal::ctrl_c() => Err(Interrupted.into()),
        }
    })?;
    report(&opened, &opened.logs.tally().unwrap_or_default(), args.logs.strict, console)
}
