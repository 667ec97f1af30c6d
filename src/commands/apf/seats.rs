//! `apf seats`: the limits table, before and after a change.

use anyhow::{Result, bail};

use super::super::manifests::{read_manifests, validate_manifests};
use super::super::report::write;
use crate::analysis;
use crate::analysis::seats::SeatsOptions;
use crate::cli::SeatsArgs;
use crate::console::Console;

pub(super) fn run(args: &SeatsArgs, console: Console) -> Result<()> {
    let config = match args.config.as_slice() {
        [] => None,
        paths => Some(validate_manifests(read_manifests(paths)?, "the files of --config")?),
    };
    let change = match args.change.as_slice() {
        [] => None,
        paths => Some(validate_manifests(read_manifests(paths)?, "the change")?),
    };
    if change.as_ref().is_some_and(|change| change.priority_levels.is_empty()) {
        bail!("the change has no PriorityLevelConfiguration, so no limit changes");
    }
    let options =
        SeatsOptions { version: args.kube_version, config, change, server_concurrency: args.server_concurrency };
    let report = analysis::seats(&options);
    write(&report.with_words(), |_| report.page(), &args.output, console)
}
