//! `man`: the man pages of all commands.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use clap::CommandFactory;

use crate::cli::Cli;
use crate::console::Console;

pub(super) fn run(dir: &Path, console: Console) -> Result<()> {
    let doing = || format!("can't write to {}", dir.display());
    fs::create_dir_all(dir).with_context(doing)?;
    clap_mangen::generate_to(Cli::command(), dir).with_context(doing)?;
    console.note(&format!("man pages written to {}", dir.display()));
    Ok(())
}
