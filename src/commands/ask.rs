//! Asks one question of logs: opens a session, shows progress, ends at Ctrl-C, and says what could not be read.

use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Result;
use tokio::runtime::{Builder, Runtime};

use super::unreadable;
use crate::analysis::{AnalysisError, Interrupt, Session, SessionOptions};
use crate::cli::LogArgs;
use crate::console::Console;
use crate::dimensions::Settings;
use crate::findings::Thresholds;
use crate::units::Zone;

/// What a command says about its logs beyond their names.
#[derive(Default)]
pub(super) struct Asking {
    pub(super) settings: Arc<Settings>,
    pub(super) thresholds: Thresholds,
    pub(super) zone: Zone,
    pub(super) queries: Option<PathBuf>,
    pub(super) memory_bytes: Option<usize>,
    /// Files that the arguments name beside the logs.
    pub(super) side_files: Vec<PathBuf>,
}

/// Logs that a command asks its question of.
pub(super) struct Asked {
    pub(super) session: Session,
    is_strict: bool,
    side_files: Vec<PathBuf>,
    runtime: Runtime,
    interrupt: Interrupt,
    console: Console,
}

impl Asked {
    /// Opens the logs.
    pub(super) fn open(inputs: &[String], args: &LogArgs, asking: Asking, console: Console) -> Result<Self> {
        let options = SessionOptions {
            inputs: inputs.to_vec(),
            from: args.from,
            to: args.to,
            zone: asking.zone,
            reads_all: args.strict,
            settings: asking.settings,
            thresholds: asking.thresholds,
            queries: asking.queries,
            memory_bytes: asking.memory_bytes,
            ..SessionOptions::default()
        };
        let interrupt = options.interrupt.clone();
        let shown = console.progress(options.progress.clone());
        let session = Session::new(options)?;
        drop(shown);
        let runtime = Builder::new_multi_thread().enable_all().build()?;
        let flag = interrupt.clone();
        runtime.spawn(async move {
            if tokio::signal::ctrl_c().await.is_ok() {
                flag.interrupt();
            }
        });
        Ok(Self { session, is_strict: args.strict, side_files: asking.side_files, runtime, interrupt, console })
    }

    /// Runs a question to its end, or until the user presses Ctrl-C, and shows how far it has come.
    pub(super) fn answer<T>(&self, question: impl Future<Output = Result<T, AnalysisError>>) -> Result<T> {
        let answer = self.runtime.block_on(async {
            let _shown = self.console.progress(self.session.progress());
            tokio::select! {
                answer = question => answer,
                _ = tokio::signal::ctrl_c() => Err(AnalysisError::Interrupted),
            }
        });
        self.interrupt.check()?;
        if let Err(AnalysisError::NoEvents) = answer {
            self.report_unreadable()?;
        }
        Ok(answer?)
    }

    /// Says what could not be read; an error if that was everything, or anything under `--strict`.
    pub(super) fn report_unreadable(&self) -> Result<()> {
        unreadable::report_skipped(self.session.skipped(), &self.side_files, self.console);
        unreadable::report_told_apart(self.session.told_apart(), self.console);
        unreadable::report(&self.session, self.is_strict, self.console)
    }
}
