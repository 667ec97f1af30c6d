//! The front door: one question, one function, a plain report.
//!
//! Open a [`Session`] over logs, then ask. Each question is a file with its options, its report and a function such as
//! [`storms()`]; none of them prints or knows a command line. A report is data: [`crate::report`] writes the sentences.

pub mod capacity;
pub mod doctor;
pub mod explain;
pub mod incident;
pub mod lint;
mod nearest_end;
pub mod propose;
pub mod query;
mod replay;
pub mod request;
pub mod seats;
mod session;
pub mod simulate;
pub mod storms;
mod time;
pub mod verify;

use serde::Serialize;

pub use capacity::capacity;
pub use doctor::doctor;
pub use explain::explain;
pub use incident::incident;
pub use lint::{lint, lint_with_logs};
pub use propose::propose;
pub use query::query;
pub use replay::{Change, ReplayMode, ReplayNote, ReplayOptions};
pub use request::explain_request;
pub use seats::seats;
pub use session::{Interrupt, Session, SessionOptions};
pub use simulate::simulate;
pub use storms::storms;
pub use time::{InvalidTime, LogTime};
pub use verify::verify;

use crate::apf::{Config, ConfigOrigin, Features, LevelLimits, UnknownGate, compute_idle_limits};
use crate::audit::Micros;
use crate::dimensions::{Dimensions, DimensionsError, Settings};
use crate::findings::{Death, as_instant};
use crate::kubernetes::Version;
use crate::requests::Tally;
use crate::source::SourceError;
use crate::tables::TablesError;
use crate::units;

/// The version of all JSON objects. A field that goes, or changes its meaning, raises it; a new one doesn't.
pub const SCHEMA_VERSION: u32 = 2;

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
pub enum AnalysisError {
    /// The logs can't be found.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// A query can't be planned or fails.
    #[error(transparent)]
    Tables(#[from] TablesError),
    /// A query file can't be used.
    #[error(transparent)]
    QueryFile(#[from] crate::tables::QueryFileError),
    /// A feature gate was given that is not known.
    #[error(transparent)]
    UnknownGate(#[from] UnknownGate),
    /// The logs hold no audit event; [`Session::tally`] says what they hold instead.
    #[error("the logs hold no audit event")]
    NoEvents,
    /// A time counts back from the last event, and a pipe has to be read to find it.
    #[error("a time relative to the logs' last event can't be resolved before standard input is read")]
    NoLastEvent,
    /// The logs have no event to count a time from.
    #[error("the logs have no event to count {0} from")]
    NoEventToCountFrom(&'static str),
    /// The span ends before it begins.
    #[error("--from {} is later than --to {}", units::second(*from), units::second(*to))]
    EmptyWindow {
        /// Microseconds since 1970.
        from: Micros,
        /// Microseconds since 1970.
        to: Micros,
    },
    /// A time that was asked for is outside of the logs.
    #[error(transparent)]
    OutsideLogs(#[from] Box<OutsideLogs>),
    /// No request of the logs reached API Priority and Fairness.
    #[error("no request in these logs reached API Priority and Fairness, so there is nothing to replay")]
    NothingToReplay,
    /// A FlowSchema of a change leads to a priority level that doesn't exist.
    #[error(
        "FlowSchema {flow_schema} of {change} refers to priority level {priority_level}, which is neither in it nor on the server"
    )]
    MissingPriorityLevel {
        /// The change's name.
        change: String,
        /// The FlowSchema's name.
        flow_schema: String,
        /// The priority level's name.
        priority_level: String,
    },
    /// A target client that the logs don't have.
    #[error("--target-client {0}: no client in these logs has that name")]
    UnknownTargetClient(String),
    /// A sweep of shares over a change without a limited priority level.
    #[error("--sweep needs a limited priority level to try shares of, and {0} has none")]
    NothingToSweep(String),
    /// A week together with a span.
    #[error("--week already says from when to when: leave out --from and --to")]
    WeekAndSpan,
    /// A week that isn't one.
    #[error("invalid ISO week {0:?}")]
    InvalidWeek(String),
    /// A configuration that lacks an object that every server has.
    #[error("the configuration has no catch-all FlowSchema")]
    NoCatchAll,
    /// A request that no client can send.
    #[error(transparent)]
    InvalidRequest(#[from] request::InvalidRequest),
    /// [`Interrupt::interrupt`] was called.
    #[error("interrupted")]
    Interrupted,
}

/// A time that was asked for, and the logs that it is outside of.
#[derive(Debug, thiserror::Error)]
#[error(
    "{option} {} is outside the logs, which go from {} to {}{}",
    units::instant(*asked), units::instant(span.from), units::instant(span.to), nearest_end_words(nearest_end.as_ref())
)]
pub struct OutsideLogs {
    /// The option, such as `--at`.
    pub option: &'static str,
    /// The time, in microseconds since 1970.
    pub asked: Micros,
    /// The first and the last event of the logs.
    pub span: Span,
    /// The end of an apiserver that is nearest to the time; `None` if none is in the logs.
    pub nearest_end: Option<Death>,
}

fn nearest_end_words(nearest_end: Option<&Death>) -> String {
    nearest_end.map_or_else(
        || "; no end of an apiserver is in them".to_owned(),
        |end| format!("; the nearest end of an apiserver in them is at {}", units::instant(end.at)),
    )
}

impl From<DimensionsError> for AnalysisError {
    fn from(error: DimensionsError) -> Self {
        match error {
            DimensionsError::Tables(error) => Self::Tables(error),
            DimensionsError::UnknownGate(error) => Self::UnknownGate(error),
        }
    }
}

/// A span of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Span {
    /// Microseconds since 1970.
    #[serde(serialize_with = "as_instant")]
    pub from: Micros,
    /// Microseconds since 1970.
    #[serde(serialize_with = "as_instant")]
    pub to: Micros,
}

/// What was read.
#[derive(Clone, Debug, Serialize)]
pub struct LogFacts {
    /// When the first stage of all was reached, in microseconds since 1970.
    #[serde(serialize_with = "as_instant")]
    pub from: Micros,
    /// When the last stage of all was reached, in microseconds since 1970.
    #[serde(serialize_with = "as_instant")]
    pub to: Micros,
    /// Events: one or more for each request.
    pub events: u64,
    /// Bytes, uncompressed.
    pub bytes: u64,
    /// Files.
    pub files: usize,
    /// Lines or parts of lines that could not be read.
    pub unreadable: u64,
}

impl LogFacts {
    fn from_tally(tally: &Tally) -> Self {
        Self {
            from: tally.first_at().unwrap_or_default(),
            to: tally.last_at().unwrap_or_default(),
            events: tally.events(),
            bytes: tally.files.values().map(|file| file.bytes).sum(),
            files: tally.files.len(),
            unreadable: tally.unreadable_count(),
        }
    }
}

/// What a report about API Priority and Fairness assumes of the server.
#[derive(Clone, Debug, Serialize)]
pub struct ServerFacts {
    /// Major and minor version, such as 1.34; `None` if it isn't known.
    pub version: Option<Version>,
    /// Seats of one apiserver.
    pub server_concurrency: u32,
    /// Where the FlowSchemas and priority levels come from.
    pub configuration: ConfigOrigin,
}

impl ServerFacts {
    fn new(dimensions: &Dimensions, settings: &Settings, origin: ConfigOrigin) -> Self {
        Self { version: dimensions.version, server_concurrency: settings.apf.server_concurrency, configuration: origin }
    }
}

/// The seats of a priority level on one apiserver.
#[derive(Clone, Debug, Default, Serialize)]
pub struct LevelSeats {
    /// The level.
    pub priority_level: String,
    /// Whether it lets everything through.
    pub is_exempt: bool,
    /// `nominalConcurrencyShares`.
    pub nominal_concurrency_shares: i32,
    /// Its share of the seats.
    pub nominal: u32,
    /// What it may lend of that.
    pub lendable: u32,
    /// What it keeps in any case.
    pub min: u32,
    /// What it never exceeds.
    pub max: u32,
    /// Its seats while the server is idle; `None` if the division has no solution.
    pub idle: Option<u32>,
    /// The most seats of one request: as the level has it, or as the version has it for all.
    pub max_seats_per_request: u32,
    /// The same before the change; `None` without a change, and for a level that is new.
    pub before: Option<Box<LevelSeats>>,
}

/// The seats of each priority level, in the order of the configuration.
fn level_seats(config: &Config, limits: &[LevelLimits], features: &Features) -> Vec<LevelSeats> {
    let idle = compute_idle_limits(limits).ok();
    let levels = config.priority_levels.iter().zip(limits).enumerate();
    let seats = levels.map(|(index, (level, limits))| LevelSeats {
        priority_level: level.name.clone(),
        is_exempt: level.is_exempt(),
        nominal_concurrency_shares: level.nominal_concurrency_shares(),
        nominal: limits.nominal,
        lendable: limits.lendable,
        min: limits.min,
        max: limits.max,
        idle: idle.as_ref().map(|idle| idle.seats[index]),
        max_seats_per_request: limits.max_seats_per_request.unwrap_or(u32::MAX).min(features.most_list_seats()),
        before: None,
    });
    seats.collect()
}

/// Seconds of a bucket in microseconds.
#[expect(clippy::cast_possible_truncation, reason = "seconds of a bucket")]
fn micros(secs: f64) -> Micros {
    (secs * 1e6) as Micros
}
