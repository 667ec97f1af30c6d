//! One reading of logs for a command: the database over them, and the runtime that its queries run on.

use std::future::Future;

use anyhow::Result;
use tokio::runtime::{Builder, Runtime};

use super::logs::{Opened, open};
use super::{Interrupt, Interrupted};
use crate::cli::LogArgs;
use crate::console::Console;
use crate::requests::Tally;
use crate::tables::{Database, Params, QuerySet, TypedRow};

/// Logs that are about to be read, or have been.
pub(super) struct Reading {
    pub(super) opened: Opened,
    pub(super) database: Database,
    runtime: Runtime,
    console: Console,
}

impl Reading {
    /// Opens the logs, with the queries that come along, which may use as much memory as they need.
    pub(super) fn of(inputs: &[String], args: &LogArgs, console: Console) -> Result<Self> {
        Self::with(open(inputs, args, console)?, QuerySet::load(None)?, usize::MAX, console)
    }

    /// The same of logs that are open, with other queries or less memory.
    pub(super) fn with(opened: Opened, queries: QuerySet, memory_bytes: usize, console: Console) -> Result<Self> {
        let database = Database::new(&opened.logs, queries, memory_bytes)?;
        let runtime = Builder::new_multi_thread().enable_all().build()?;
        Ok(Self { opened, database, runtime, console })
    }

    /// Runs queries to their end, or until the user presses Ctrl-C, and shows how far they have come.
    pub(super) fn run<T>(&self, queries: impl Future<Output = Result<T>>) -> Result<T> {
        self.runtime.block_on(async {
            let _shown = self.console.progress(self.opened.logs.progress.clone());
            tokio::select! {
                done = queries => done,
                _ = tokio::signal::ctrl_c() => Err(Interrupted.into()),
            }
        })
    }

    /// The rows of a query, with values for some of its parameters.
    pub(super) fn ask<T: TypedRow>(&self, params: &Params) -> Result<Vec<T>> {
        self.run(async { Ok(self.database.rows_with(params).await?) })
    }

    /// What reading found.
    pub(super) fn tally(&self) -> Tally {
        self.opened.logs.tally().unwrap_or_default()
    }

    /// Watches for Ctrl-C while something is computed that isn't a query.
    pub(super) fn interrupt(&self) -> Interrupt {
        Interrupt::watch(&self.runtime)
    }
}
