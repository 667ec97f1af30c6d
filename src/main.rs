//! Parses, runs, prints the error and its hint, and turns the outcome into an exit code.

use std::process::ExitCode;

use clap::Parser;
use stormglass::cli::Cli;
use stormglass::commands;
use stormglass::console::Console;

/// Batches of text come and go by the megabyte, which the system's allocator gives back and asks for again each time: with
/// this one the larger commands take a tenth less time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let console = Console::new(cli.color, cli.quiet);
    match commands::run(cli.command, console) {
        Ok(code) => ExitCode::from(code),
        Err(error) if commands::is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            console.error(&error, commands::hint(&error).as_deref());
            ExitCode::from(commands::exit_code(&error))
        }
    }
}
