//! Parses, runs, prints the error and its hint, and turns the outcome into an exit code.

use std::process::ExitCode;

use clap::Parser;
use stormglass::cli::Cli;
use stormglass::commands;
use stormglass::console::Console;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let console = Console::new(cli.color, cli.quiet);
    match commands::run(cli.command, console) {
        Ok(code) => ExitCode::from(code),
        Err(error) if commands::is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            console.error(&error, commands::hint(&error));
            ExitCode::from(commands::exit_code(&error))
        }
    }
}
