//! `apf`: API Priority and Fairness as it is, and as a change would make it.

mod explain;
mod lint;
mod propose;
mod recorded;
mod replays;
mod request;
mod seats;
mod simulate;
mod tries;
mod verify;

pub(super) use propose::{Proposer, Terms};
pub(super) use recorded::{Recorded, ReplayMode, record};
pub(super) use replays::check;

use anyhow::Result;

use crate::apf::{Config, Features, LevelLimits, Origin, idle_limits};
use crate::cli::ApfCommand;
use crate::console::Console;
use crate::report::LevelSeats;

/// Runs one of the subcommands; whether a finding is as severe as `--fail-on`.
pub(super) fn run(command: &ApfCommand, console: Console) -> Result<bool> {
    match command {
        ApfCommand::Explain(args) if args.user.is_some() => request::run(args, console).map(|()| false),
        ApfCommand::Explain(args) => explain::run(args, console).map(|()| false),
        ApfCommand::Seats(args) => seats::run(args, console).map(|()| false),
        ApfCommand::Lint(args) => lint::run(args, console),
        ApfCommand::Propose(args) => propose::run(args, console).map(|()| false),
        ApfCommand::Simulate(args) => simulate::run(args, console).map(|()| false),
        ApfCommand::Verify(args) => verify::run(args, console).map(|()| false),
    }
}

/// Where a configuration comes from, in words.
pub(super) const fn origin_words(origin: Origin) -> &'static str {
    match origin {
        Origin::Default => "FlowSchemas and priority levels of a fresh cluster, as none were given with --config",
        Origin::Read => "FlowSchemas and priority levels as given with --config",
        Origin::ReadOverDefault => {
            "the objects given with --config, over those of a fresh cluster, as not all that every server has are among them"
        }
    }
}

/// A version as people write it.
pub(super) fn version_words(version: Option<(u32, u32)>) -> Option<String> {
    version.map(|(major, minor)| format!("{major}.{minor}"))
}

/// The seats of each priority level, in the order of the configuration.
fn level_seats(config: &Config, limits: &[LevelLimits], features: &Features) -> Vec<LevelSeats> {
    let idle = idle_limits(limits).ok();
    let levels = config.priority_levels.iter().zip(limits).enumerate();
    let seats = levels.map(|(at, (level, limits))| LevelSeats {
        priority_level: level.name.clone(),
        is_exempt: level.is_exempt(),
        nominal_concurrency_shares: level.nominal_concurrency_shares(),
        nominal: limits.nominal,
        lendable: limits.lendable,
        min: limits.min,
        max: limits.max,
        idle: idle.as_ref().map(|idle| idle.seats[at]),
        max_seats_per_request: limits.max_seats_per_request.unwrap_or(u32::MAX).min(features.most_list_seats()),
        before: None,
    });
    seats.collect()
}
