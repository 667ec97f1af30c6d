//! A session: logs that are open, what is known about their cluster, and one shared reading for each question.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::nearest_end::nearest_end;
use super::{AnalysisError, LogTime, OutsideLogs, Span};
use crate::audit::Micros;
use crate::dimensions::{Dimensions, Flows, Settings, derive_dimensions};
use crate::findings::Thresholds;
use crate::requests::{Progress, Tally, Window, last_event_at};
use crate::source::{Skipped, discover};
use crate::tables::{Database, Logs, Params, QuerySet};
use crate::units::Zone;

/// Which logs to open, and how.
#[derive(Debug, Default)]
pub struct SessionOptions {
    /// Files, directories, glob patterns, or `-` for standard input; `NAME=PATH` names the apiserver.
    pub inputs: Vec<String>,
    /// Leave out requests that ended before this; `None` for the logs' beginning.
    pub from: Option<LogTime>,
    /// Leave out requests received after this; `None` for the logs' end.
    pub to: Option<LogTime>,
    /// The zone of times that name none.
    pub zone: Zone,
    /// Whether to read to the end even if the answer needs less, so that every unreadable line is counted.
    pub reads_all: bool,
    /// What the logs cannot tell about their cluster.
    pub settings: Arc<Settings>,
    /// What counts as a storm.
    pub thresholds: Thresholds,
    /// A folder of queries that add to the built-in ones or replace them.
    pub queries: Option<PathBuf>,
    /// Bytes that sorting and grouping may use before they go to disk; `None` for as much as they need.
    pub memory_bytes: Option<usize>,
    /// Where to count what has been read, for a progress bar.
    pub progress: Arc<Progress>,
    /// Ends long computations when it is set.
    pub interrupt: Interrupt,
}

/// Logs that questions can be asked of.
pub struct Session {
    shared: Arc<Shared>,
    window: Window,
    /// The moment that the session is about; `None` for sessions over a span.
    asked_at: Option<Micros>,
    logs: Arc<Logs>,
    database: Database,
    /// The digests behind flow keys can be taken only once from a reading.
    flows: OnceLock<Arc<Flows>>,
}

/// What sessions over different spans of the same logs have in common.
struct Shared {
    files: Vec<Arc<crate::source::LogFile>>,
    skipped: Vec<Skipped>,
    told_apart: Vec<Arc<str>>,
    zone: Zone,
    reads_all: bool,
    settings: Arc<Settings>,
    thresholds: Thresholds,
    queries: QuerySet,
    memory_bytes: Option<usize>,
    progress: Arc<Progress>,
    interrupt: Interrupt,
    /// The logs as the latest session over them reads them.
    latest: Mutex<Option<Arc<Logs>>>,
}

impl Session {
    /// Opens logs with all settings at their defaults.
    ///
    /// # Errors
    /// As [`Session::new`].
    pub fn open<S: AsRef<str>>(inputs: &[S]) -> Result<Self, AnalysisError> {
        let inputs = inputs.iter().map(|input| input.as_ref().to_owned()).collect();
        Self::new(SessionOptions { inputs, ..SessionOptions::default() })
    }

    /// Finds the files. A time that counts back from the last event reads the logs' ends to find it.
    ///
    /// # Errors
    /// When a file or a query can't be found, or the times don't make a span.
    pub fn new(options: SessionOptions) -> Result<Self, AnalysisError> {
        let found = discover(&options.inputs)?;
        let queries = QuerySet::load(options.queries.as_deref())?;
        let shared = Arc::new(Shared {
            files: found.files,
            skipped: found.skipped,
            told_apart: found.told_apart,
            zone: options.zone,
            reads_all: options.reads_all,
            settings: options.settings,
            thresholds: options.thresholds,
            queries,
            memory_bytes: options.memory_bytes,
            progress: options.progress,
            interrupt: options.interrupt,
            latest: Mutex::default(),
        });
        let resolve = |time: Option<LogTime>| time.map(|time| shared.resolve(time)).transpose();
        let window = Window { from: resolve(options.from)?.flatten(), to: resolve(options.to)?.flatten() };
        if let (Some(from), Some(to)) = (window.from, window.to)
            && from > to
        {
            return Err(AnalysisError::EmptyWindow { from, to });
        }
        Self::over(shared, window, &Params::new())
    }

    /// A session over another span of the same logs, with values for parameters of its queries.
    ///
    /// # Errors
    /// When DataFusion can't be set up.
    pub(super) fn within(&self, window: Window, params: &Params) -> Result<Self, AnalysisError> {
        Self::over(Arc::clone(&self.shared), window, params)
    }

    /// A session over the time around a moment.
    ///
    /// # Errors
    /// When DataFusion can't be set up.
    pub(super) fn around(&self, at: Micros, window: Window) -> Result<Self, AnalysisError> {
        Ok(Self { asked_at: Some(at), ..self.within(window, &Params::new())? })
    }

    fn over(shared: Arc<Shared>, window: Window, params: &Params) -> Result<Self, AnalysisError> {
        let logs = Logs::with_progress(shared.files.clone(), window, shared.reads_all, Arc::clone(&shared.progress));
        *shared.latest.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&logs));
        let memory_bytes = shared.memory_bytes.unwrap_or(usize::MAX);
        let mut database = Database::new(&logs, shared.queries.clone(), memory_bytes)?;
        for (name, value) in shared.thresholds.replaced_query_params() {
            database.set_param(name, value);
        }
        for (name, value) in params.iter() {
            database.set_param(name, value.clone());
        }
        Ok(Self { shared, window, asked_at: None, logs, database, flows: OnceLock::new() })
    }

    /// Reads the logs once for all queries in `wanted`, and everything those need, and keeps their rows; `also` names
    /// queries to keep from the same reading that nothing in `wanted` reads.
    pub(super) async fn read(&self, wanted: &[&str], also: &[&str]) -> Result<Dimensions, AnalysisError> {
        self.read_needs(&self.database.needs(wanted), also).await
    }

    /// The same for SQL given by hand.
    pub(super) async fn read_for_sql(&self, sql: &str) -> Result<Dimensions, AnalysisError> {
        self.read_needs(&self.database.needs_of_sql(sql)?, &[]).await
    }

    async fn read_needs(&self, needs: &BTreeSet<String>, also: &[&str]) -> Result<Dimensions, AnalysisError> {
        let dimensions = self.read_unchecked(needs, also).await?;
        self.check_time().await?;
        Ok(dimensions)
    }

    /// Reads what one query needs, whether or not the time asked for is in the logs.
    pub(super) async fn read_whatever_the_time(&self, query: &str) -> Result<Dimensions, AnalysisError> {
        self.read_unchecked(&self.database.needs(&[query]), &[]).await
    }

    async fn read_unchecked(&self, needs: &BTreeSet<String>, also: &[&str]) -> Result<Dimensions, AnalysisError> {
        let known = self.flows.get().map(Arc::clone);
        let dimensions = derive_dimensions(&self.database, needs, also, (&self.shared.settings, known)).await?;
        if let Some(flows) = &dimensions.flows {
            let _known_already = self.flows.set(Arc::clone(flows));
        }
        Ok(dimensions)
    }

    /// Refuses a time that is outside the logs, once those were read: that nothing happened then would be no answer.
    ///
    /// # Errors
    /// [`AnalysisError::OutsideLogs`], with the end of an apiserver that is nearest.
    pub async fn check_time(&self) -> Result<(), AnalysisError> {
        let tally = self.tally();
        let Some(span) = tally.first_at().zip(tally.last_at()).map(|(from, to)| Span { from, to }) else {
            return Ok(());
        };
        let Some((option, asked)) = self.time_outside(span) else { return Ok(()) };
        let nearest_end = nearest_end(self, asked).await?;
        Err(Box::new(OutsideLogs { option, asked, span, nearest_end }).into())
    }

    fn time_outside(&self, span: Span) -> Option<(&'static str, Micros)> {
        if let Some(at) = self.asked_at {
            return (at < span.from || at > span.to).then_some(("--at", at));
        }
        let from = self.window.from.filter(|from| *from > span.to).map(|from| ("--from", from));
        from.or_else(|| self.window.to.filter(|to| *to < span.from).map(|to| ("--to", to)))
    }

    /// Whether none of the logs is a pipe.
    pub(super) fn can_be_read_again(&self) -> bool {
        self.shared.files.iter().all(|file| file.compression.is_some())
    }

    /// Resolves a time against these logs; `None` if that needs an event and the logs have none.
    ///
    /// # Errors
    /// When it counts back from the last event of a pipe.
    pub fn resolve(&self, time: LogTime) -> Result<Option<Micros>, AnalysisError> {
        self.shared.resolve(time)
    }

    /// SQL over the logs.
    pub const fn database(&self) -> &Database {
        &self.database
    }

    /// The logs that are read, and how far.
    pub fn logs(&self) -> &Arc<Logs> {
        &self.logs
    }

    /// Files that were named or found but are not read.
    pub fn skipped(&self) -> &[Skipped] {
        &self.shared.skipped
    }

    /// Apiservers without a given name that were told apart by their events, each named after its file.
    pub fn told_apart(&self) -> &[Arc<str>] {
        &self.shared.told_apart
    }

    /// What the reading found, be it over a narrower span for a question about a moment; empty if nothing has been read.
    pub fn tally(&self) -> Tally {
        let latest = self.shared.latest.lock().unwrap_or_else(PoisonError::into_inner).clone();
        self.logs.tally().or_else(|| latest?.tally()).unwrap_or_default()
    }

    /// How far the reading has come.
    pub fn progress(&self) -> Arc<Progress> {
        Arc::clone(&self.shared.progress)
    }

    /// The span of time that was asked for.
    pub const fn window(&self) -> Window {
        self.window
    }

    /// What the logs cannot tell about their cluster.
    pub fn settings(&self) -> &Settings {
        &self.shared.settings
    }

    /// What counts as a storm.
    pub fn thresholds(&self) -> &Thresholds {
        &self.shared.thresholds
    }

    /// The built-in queries, and those that were added.
    pub fn queries(&self) -> &QuerySet {
        &self.shared.queries
    }

    pub(super) fn interrupt(&self) -> &Interrupt {
        &self.shared.interrupt
    }

    pub(super) fn zone(&self) -> &Zone {
        &self.shared.zone
    }

    /// What the reading found, if there was any event in it.
    pub(super) fn tally_of_events(&self) -> Result<Tally, AnalysisError> {
        let tally = self.tally();
        if tally.events() == 0 { Err(AnalysisError::NoEvents) } else { Ok(tally) }
    }
}

impl Shared {
    fn resolve(&self, time: LogTime) -> Result<Option<Micros>, AnalysisError> {
        time.resolve(&self.zone, || self.last_event_at())
    }

    /// When the last event of all logs was received.
    fn last_event_at(&self) -> Result<Option<Micros>, AnalysisError> {
        if self.files.iter().any(|file| file.compression.is_none()) {
            return Err(AnalysisError::NoLastEvent);
        }
        Ok(last_event_at(&self.files, &self.progress))
    }
}

/// Asks long computations to end; clones share one flag.
#[derive(Clone, Debug, Default)]
pub struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Asks whatever computes with this flag to end.
    pub fn interrupt(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// # Errors
    /// [`AnalysisError::Interrupted`] once it was asked to end.
    pub fn check(&self) -> Result<(), AnalysisError> {
        if self.0.load(Ordering::Relaxed) { Err(AnalysisError::Interrupted) } else { Ok(()) }
    }
}
