//! What `incident` answers.

use serde::Serialize;

use crate::analysis::propose::ProposeReport;
use crate::analysis::{LogFacts, Span};
use crate::findings::{
    AuditPolicy, BlindSpot, CutOff, Death, Finding, Incident, ListPressure, MemoryGrowth, Moment, ServerActivity,
    ServerLoad, Visibility,
};
use crate::units;

/// The answer of [`incident`](super::incident).
#[derive(Clone, Debug, Serialize)]
pub struct IncidentReport {
    /// [`SCHEMA_VERSION`](crate::analysis::SCHEMA_VERSION).
    pub schema_version: u32,
    /// The moment that it is about.
    pub moment: Moment,
    /// The other moments that the logs offer, the worst first.
    pub other_moments: Vec<Moment>,
    /// The span that is shown.
    pub window: Span,
    /// What the logs hold in all.
    pub logs: LogFacts,
    /// Who is to blame, who suffered, who came back.
    #[serde(flatten)]
    pub incident: Incident,
    /// What lists held over time, by type of client.
    pub pressure: Vec<ListPressure>,
    /// The length of a bucket of that, in seconds.
    pub pressure_secs: f64,
    /// What each apiserver was asked over time.
    pub activity: Vec<ServerActivity>,
    /// The length of a bucket of that, in seconds.
    pub activity_secs: f64,
    /// Measured memory; `None` where none was given.
    pub memory: Option<MemoryFacts>,
    /// The server's memory limit, in bytes; `None` where none was given.
    pub memory_limit_bytes: Option<u64>,
    /// What was in flight at the moment, as far as the log has it.
    pub cut_off: Vec<CutOff>,
    /// What was found, the worst first.
    pub findings: Vec<Finding>,
    /// How evenly the load falls on the apiservers.
    pub apiservers: Vec<ServerLoad>,
    /// What the log can't show.
    pub blind_spots: Vec<BlindSpot>,
    /// What the log can show at all.
    pub visibility: Visibility,
    /// The end of an apiserver nearest to the time asked for, where none is near; `None` where one is, or there is none.
    pub nearest_end: Option<Death>,
    /// What to log next time.
    pub policy: AuditPolicy,
    /// Changes of API Priority and Fairness, each tried on the logged requests; `None` where they were not asked for.
    pub candidates: Option<ProposeReport>,
    /// What else there is to know.
    #[serde(rename = "note_codes")]
    pub notes: Vec<IncidentNote>,
}

/// Something to know about how an incident was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum IncidentNote {
    /// Only the time around the one asked for was read.
    ReadAroundTime,
    /// The logs offer other moments.
    OtherMoments,
    /// No apiserver ended near the time asked for; the nearest end is named.
    NearestEnd,
}

/// Measured memory, and how it compares with the estimate.
#[derive(Clone, Debug, Serialize)]
pub struct MemoryFacts {
    /// The file.
    pub file: String,
    /// The series in it; `None` where it has no name.
    pub series: Option<String>,
    /// How many series the file has.
    pub series_count: usize,
    /// Samples in the window: when, and bytes.
    #[serde(serialize_with = "as_samples")]
    pub samples: Vec<(i64, f64)>,
    /// How they compare with the estimate.
    pub growth: MemoryGrowth,
}

fn as_samples<S: serde::Serializer>(samples: &[(i64, f64)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(samples.iter().map(|(at, bytes)| (units::instant(*at), bytes)))
}
