//! What `capacity` answers.

use serde::Serialize;

use crate::analysis::{LogFacts, ServerFacts, Span};
use crate::findings::{
    BlindSpot, CapacityReview, Finding, LevelHour, ListPressure, PeriodCoverage, ServerActivity, Visibility, as_instant,
};

/// A period's capacity, as data. [`CapacityReport::json`] adds the words.
#[derive(Clone, Debug, Serialize)]
pub struct CapacityReport {
    /// [`SCHEMA_VERSION`](crate::analysis::SCHEMA_VERSION).
    pub schema_version: u32,
    /// The week that was asked for, such as `2026-W47`; `None` where none was.
    pub week: Option<String>,
    /// The period.
    pub window: Span,
    /// The period before; `None` where it isn't compared with.
    pub window_before: Option<Span>,
    /// How much of the period before the logs cover; `None` where they don't reach back.
    pub coverage_of_before: Option<PeriodCoverage>,
    /// Why there is no comparison; `None` where there is one.
    #[serde(rename = "not_compared_code")]
    pub not_compared: Option<NotCompared>,
    /// What the logs hold in all.
    pub logs: LogFacts,
    /// What the server was assumed to be.
    pub server: ServerFacts,
    /// What is concluded about the period.
    #[serde(flatten)]
    pub review: CapacityReview,
    /// What each apiserver was asked, by bucket.
    pub activity: Vec<ServerActivity>,
    /// What lists held, by bucket and type of client.
    pub pressure: Vec<ListPressure>,
    /// What priority levels were asked for, by bucket.
    pub level_hours: Vec<LevelHour>,
    /// The length of those buckets, in seconds.
    pub bucket_secs: f64,
    /// An apiserver's memory limit, in bytes; `None` where none was given.
    pub memory_limit_bytes: Option<u64>,
    /// What was found in the period, the worst first.
    pub findings: Vec<Finding>,
    /// What the log can't show.
    pub blind_spots: Vec<BlindSpot>,
    /// What the log can show at all.
    pub visibility: Visibility,
    /// What else there is to know.
    #[serde(rename = "note_codes")]
    pub notes: Vec<CapacityNote>,
}

/// Why a period isn't compared with the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum NotCompared {
    /// The logs hold nothing of the period before.
    NothingBefore,
    /// The logs cover too little of this period or of the one before.
    TooLittleCovered,
    /// No comparison was asked for.
    NotAskedFor,
}

/// Something to know about how a period was measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum CapacityNote {
    /// Sizes are estimated once for the whole log.
    OneSizePerResource,
    /// Seats of LISTs follow from sizes; short waits are not logged.
    SeatsFromSizes,
    /// Objects that are not deleted one by one have no line.
    BulkDeletesUnseen,
    /// Instances are counted by reads of collections only.
    WritersWithoutInstances,
    /// The logs hold far less than the period.
    PartlyCovered {
        /// The first event.
        #[serde(serialize_with = "as_instant")]
        from: i64,
        /// The last event.
        #[serde(serialize_with = "as_instant")]
        to: i64,
    },
    /// The span that was asked for was widened to whole buckets.
    SpanWidened {
        /// Where the span that was asked for begins.
        #[serde(serialize_with = "as_instant")]
        from: i64,
        /// Where it ends.
        #[serde(serialize_with = "as_instant")]
        to: i64,
    },
    /// FlowSchemas and priority levels are those of a new cluster.
    DefaultConfiguration,
}
