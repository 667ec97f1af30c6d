//! One file per subcommand: flags become options, one analysis answers, the answer is printed, an exit code is chosen.

mod apf;
mod ask;
mod capacity;
mod clients;
mod doctor;
mod errors;
mod httplog;
mod incident;
mod man;
mod manifests;
mod query;
mod query_list;
mod report;
mod resources;
mod rows;
mod settings;
mod side_files;
mod storms;
mod synth;
mod unreadable;

pub use errors::{exit_code, hint, is_broken_pipe};

use anyhow::Result;
use clap::CommandFactory;

use crate::cli::{Cli, Command};
use crate::console::Console;

/// Runs a command to its end; the exit code.
///
/// # Errors
/// When the command fails; [`hint`] may know what to do then.
pub fn run(command: Command, console: Console) -> Result<u8> {
    match command {
        Command::Storms(args) => return storms::run(&args, console).map(u8::from),
        Command::Apf { command } => return apf::run(&command, console).map(u8::from),
        Command::Incident(args) => incident::run(&args, console)?,
        Command::Capacity(args) => capacity::run(&args, console)?,
        Command::Clients(args) => clients::run(&args, console)?,
        Command::Resources(args) => resources::run(&args, console)?,
        Command::Query(args) => query::run(&args, console)?,
        Command::Doctor(args) => doctor::run(&args, console)?,
        Command::Synth(args) => synth::run(&args, console)?,
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "stormglass", &mut console.stdout());
        }
        Command::Man { dir } => man::run(&dir, console)?,
    }
    Ok(0)
}
