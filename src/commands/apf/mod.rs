//! `apf`: API Priority and Fairness as it is, and as a change would make it.

mod explain;
mod lint;
mod propose;
mod seats;
mod simulate;
mod verify;

use anyhow::Result;

use crate::cli::ApfCommand;
use crate::console::Console;

/// Runs one of the subcommands; whether a finding is as severe as `--fail-on`.
pub(super) fn run(command: &ApfCommand, console: Console) -> Result<bool> {
    match command {
        ApfCommand::Lint(args) => return lint::run(args, console),
        ApfCommand::Explain(args) => explain::run(args, console)?,
        ApfCommand::Seats(args) => seats::run(args, console)?,
        ApfCommand::Propose(args) => propose::run(args, console)?,
        ApfCommand::Simulate(args) => simulate::run(args, console)?,
        ApfCommand::Verify(args) => verify::run(args, console)?,
    }
    Ok(false)
}
