//! What `capacity` answers.

use serde::Serialize;

use crate::analysis::{LogFacts, ServerFacts, Span};
use crate::findings::{Finding, LevelHour, ListPressure, Review, ServerActivity};

/// The answer of [`capacity`](super::capacity).
#[derive(Clone, Debug, Serialize)]
pub struct CapacityReport {
    /// [`SCHEMA_VERSION`](crate::analysis::SCHEMA_VERSION).
    pub schema_version: u32,
    /// The week that was asked for, such as `2026-W47`; `None` where none was.
    pub week: Option<String>,
    /// The period.
    pub window: Span,
    /// The period before; `None` where it isn't compared with.
    pub before: Option<Span>,
    /// Why there is no comparison; `None` where there is one.
    pub not_compared: Option<String>,
    /// What the logs hold in all.
    pub logs: LogFacts,
    /// What the server was taken to be.
    pub server: ServerFacts,
    /// The review.
    #[serde(flatten)]
    pub review: Review,
    /// What each apiserver was asked, by bucket.
    pub activity: Vec<ServerActivity>,
    /// What lists held, by bucket and type of client.
    pub pressure: Vec<ListPressure>,
    /// What priority levels were asked for, by bucket.
    pub level_hours: Vec<LevelHour>,
    /// How long a bucket of those is, in seconds.
    pub bucket_secs: f64,
    /// What an apiserver's memory is limited to, in bytes; `None` where nobody said.
    pub memory_limit_bytes: Option<u64>,
    /// What was found in the period, the worst first.
    pub findings: Vec<Finding>,
    /// What the log could not show.
    pub blind_spots: Vec<String>,
    /// What else there is to know.
    pub notes: Vec<String>,
}
