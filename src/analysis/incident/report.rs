//! What `incident` answers.

use serde::Serialize;

use crate::analysis::propose::ProposeReport;
use crate::analysis::{LogFacts, Span};
use crate::findings::{CutOff, Finding, Growth, Incident, ListPressure, Moment, Policy, ServerActivity, ServerLoad};
use crate::units;

/// The answer of [`incident`](super::incident).
#[derive(Clone, Debug, Serialize)]
pub struct IncidentReport {
    /// [`SCHEMA_VERSION`](crate::analysis::SCHEMA_VERSION).
    pub schema_version: u32,
    /// What the moment is.
    pub moment: Moment,
    /// The other moments that the logs offer, the worst first.
    pub other_moments: Vec<Moment>,
    /// The span that is shown.
    pub window: Span,
    /// What the logs hold in all.
    pub logs: LogFacts,
    /// The story.
    #[serde(flatten)]
    pub incident: Incident,
    /// What lists held over time, by type of client.
    pub pressure: Vec<ListPressure>,
    /// How long a bucket of that is, in seconds.
    pub pressure_secs: f64,
    /// What each apiserver was asked over time.
    pub activity: Vec<ServerActivity>,
    /// How long a bucket of that is, in seconds.
    pub activity_secs: f64,
    /// What measured memory says; `None` where none was given.
    pub memory: Option<MemoryFacts>,
    /// What the server's memory is limited to, in bytes; `None` where nobody said.
    pub memory_limit_bytes: Option<u64>,
    /// What was in flight at the moment, as far as the log has it.
    pub cut_off: Vec<CutOff>,
    /// What was found, the worst first.
    pub findings: Vec<Finding>,
    /// How evenly the load falls on the apiservers.
    pub apiservers: Vec<ServerLoad>,
    /// What the log could not show.
    pub blind_spots: Vec<String>,
    /// What to log next time.
    pub policy: Policy,
    /// Changes of API Priority and Fairness, each tried on the logged requests; `None` where nobody wanted any.
    pub candidates: Option<ProposeReport>,
    /// What else there is to know.
    pub notes: Vec<String>,
}

/// Measured memory.
#[derive(Clone, Debug, Serialize)]
pub struct MemoryFacts {
    /// The file, and the series in it.
    pub source: String,
    /// Samples in the window: when, and bytes.
    #[serde(serialize_with = "as_samples")]
    pub samples: Vec<(i64, f64)>,
    /// What they say of the estimate.
    pub growth: Growth,
}

fn as_samples<S: serde::Serializer>(samples: &[(i64, f64)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(samples.iter().map(|(at, bytes)| (units::instant(*at), bytes)))
}
