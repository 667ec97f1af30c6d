//! One file per subcommand: what runs after what. Nothing is decided here that a stage could decide.

mod apf;
mod capacity;
mod dimensions;
mod doctor;
mod flows;
mod incident;
mod logs;
mod clients;
mod query;
mod reading;
mod report;
mod resources;
mod settings;
mod storms;
mod synth;

pub use dimensions::{Dimensions, prepare};
pub use flows::{FlowSettings, Flows};
pub use settings::{Settings, Taken};

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Error, Result};
use clap::CommandFactory;

use crate::cli::{Cli, Command};
use crate::console::Console;
use crate::source::SourceError;
use crate::tables::TablesError;

/// Runs a command to its end; the exit code.
///
/// # Errors
/// When it couldn't be done; [`hint`] may know what to do then.
pub fn run(command: Command, console: Console) -> Result<u8> {
    match command {
        Command::Storms(args) => return storms::run(&args, console).map(u8::from),
        Command::Apf { command } => return apf::run(&command, console).map(u8::from),
        Command::Incident(args) => incident::run(&args, console)?,
        Command::Capacity(args) => capacity::run(&args, console)?,
        Command::Clients(args) => clients::run(&args, console)?,
        Command::Resources(args) => resources::run(&args, console)?,
        Command::Query(args) => query::run(args, console)?,
        Command::Doctor(args) => doctor::run(&args, console)?,
        Command::Synth(args) => synth::run(&args, console)?,
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "stormglass", &mut console.stdout());
        }
    }
    Ok(0)
}

/// What commands may use whose queries hold little more than a row for each client.
const MEMORY_BYTES: usize = 1 << 30;

/// The user pressed Ctrl-C.
#[derive(Debug, thiserror::Error)]
#[error("interrupted")]
struct Interrupted;

/// Whether the user has pressed Ctrl-C since the logs were read: what computes for long looks at it now and then.
#[derive(Clone, Debug, Default)]
struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Watches for it, as long as the runtime lives.
    fn watch(runtime: &tokio::runtime::Runtime) -> Self {
        let interrupt = Self::default();
        let flag = Arc::clone(&interrupt.0);
        runtime.spawn(async move {
            if tokio::signal::ctrl_c().await.is_ok() {
                flag.store(true, Ordering::Relaxed);
            }
        });
        interrupt
    }

    /// Fails once it was pressed.
    fn check(&self) -> Result<(), Interrupted> {
        if self.0.load(Ordering::Relaxed) { Err(Interrupted) } else { Ok(()) }
    }
}

/// Something is wrong with what was asked, and here is what would be right.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
struct Advice {
    message: String,
    hint: &'static str,
}

/// The exit code that an error ends in.
pub fn exit_code(error: &Error) -> u8 {
    if error.is::<Interrupted>() { 130 } else { 2 }
}

/// Whether the error is only that nobody reads the output any more.
pub fn is_broken_pipe(error: &Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<std::io::Error>())
        .any(|cause| cause.kind() == std::io::ErrorKind::BrokenPipe)
}

/// What to do about an error, where that is known.
pub fn hint(error: &Error) -> Option<&'static str> {
    if let Some(advice) = error.downcast_ref::<Advice>() {
        return Some(advice.hint);
    }
    if let Some(error) = error.downcast_ref::<TablesError>() {
        return match error {
            TablesError::NoSuchQuery(_) => Some("stormglass query --list shows the queries; logs come after the name"),
            TablesError::NoSuchParam { .. } => Some("stormglass query --show NAME shows a query's parameters"),
            TablesError::ReadsTwice(_) => Some("write it to a file first and name that"),
            TablesError::Sql { .. } => Some("stormglass query --columns lists the columns of requests"),
            TablesError::Run(message) if message.contains("Resources exhausted") => Some("give it more with --memory"),
            _ => None,
        };
    }
    match error.downcast_ref::<SourceError>() {
        Some(SourceError::NothingGiven) => Some("name files, directories, patterns, or - for standard input"),
        Some(SourceError::EmptyDirectory(_)) => Some("name the files themselves if they are audit logs all the same"),
        _ => None,
    }
}
