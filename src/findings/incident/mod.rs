//! An incident: which moment it is about, who had filled the server's memory by then, who suffered, who came back.
//!
//! ```text
//! Finding, ListPressure ─▶ find_moments ─▶ Moment ─▶ (rows about it) ─▶ analyze_incident ─▶ Incident
//! ```
//!
//! A server dies of what is in flight at that time, and that is what logs are worst at: with the usual policy a request
//! without an end leaves no line. So a suspect is judged by the run-up (the last two minutes), by the lists it left without
//! an end where those are logged, and by whether a storm of its own was going on. All results are data: `report` writes the
//! words.

#[cfg(test)]
mod cases;
mod certainty;
mod ends;
mod falls;
mod growth;
mod moment;
mod policy;
mod reasons;
mod returns;
mod rows;
mod shares;
mod suspects;
mod thresholds;
mod verdict;
mod victims;

pub use certainty::Certainty;
pub use ends::{EndSources, find_end_moments};
pub use falls::{MemoryFall, find_falls};
pub use growth::{GrowthInput, MemoryGrowth, measure_growth};
pub(super) use moment::peaks;
pub use moment::{EarlierPeak, Moment, MomentKind, PeakSources, PressurePeak, find_moments};
pub use policy::{AuditPolicy, PolicyVolume, propose_audit_policy};
pub use reasons::{Doubt, IncidentStep, RunningAs, Support};
pub use returns::ReturnWave;
pub use rows::{ClientReturn, CutOff, CutOffVerb, HarmedClient, ListLoad, ListPressure, ServerActivity, ServerLoad};
pub use shares::ShareBasis;
pub use suspects::{IncidentSuspect, Role};
pub use thresholds::IncidentThresholds;
pub use victims::{HarmSpan, Victim, harm_span};

use serde::Serialize;

use super::{Finding, Measured, Pressure, Thresholds};
use crate::audit::{Micros, Stage};

/// What is known of a moment.
#[derive(Clone, Copy, Debug)]
pub struct IncidentInput<'s> {
    /// The moment.
    pub moment: &'s Moment,
    /// All moments that the logs offer, this one among them.
    pub moments: &'s [Moment],
    /// What was found in the logs.
    pub findings: &'s [Finding],
    /// What the findings are based on.
    pub measured: Measured<'s>,
    /// Rows of `list_pressure` for the time that is looked at.
    pub pressure: &'s [ListPressure],
    /// Rows of `list_loads` for the run-up.
    pub loads: &'s [ListLoad],
    /// Rows of `pressure_at` for the last peak.
    pub at_peak: &'s [Pressure],
    /// Rows of `pressure_at` for the moment itself.
    pub at_end: &'s [Pressure],
    /// Rows of `cut_off_reads` for the moment.
    pub cut_off: &'s [CutOff],
    /// Rows of `harmed_clients` for the [`harm_span`].
    pub harmed: &'s [HarmedClient],
    /// Rows of `returns` since the server was back.
    pub returns: &'s [ClientReturn],
    /// How measured memory compares; `None` where none was given.
    pub growth: Option<&'s MemoryGrowth>,
    /// The server's memory limit, in bytes; `None` where it is unknown.
    pub memory_limit: Option<u64>,
    /// What to judge by.
    pub thresholds: &'s Thresholds,
}

/// What is concluded about a moment.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Incident {
    /// How sure the conclusion is.
    pub certainty: Certainty,
    /// What speaks for it, the strongest first.
    #[serde(rename = "support_codes")]
    pub supports: Vec<Support>,
    /// What speaks against it, or isn't known, the strongest first.
    #[serde(rename = "doubt_codes")]
    pub doubts: Vec<Doubt>,
    /// What to do first; `None` where nothing is to be done.
    #[serde(rename = "first_step_code")]
    pub first_step: Option<IncidentStep>,
    /// When lists held far more in the time that was looked at, and the server outlived it; `None` if they never did.
    pub earlier_peak: Option<EarlierPeak>,
    /// What the shares of the suspects are of.
    pub share_basis: ShareBasis,
    /// Clients that had lists in flight, culprits first.
    pub suspects: Vec<IncidentSuspect>,
    /// Clients that suffered, the most harmed first.
    pub victims: Vec<Victim>,
    /// Clients that came back; `None` where no server did.
    pub wave: Option<ReturnWave>,
    /// What all that was judged by.
    pub thresholds: IncidentThresholds,
}

impl Incident {
    /// Suspects taken for culprits.
    pub fn culprits(&self) -> Vec<&IncidentSuspect> {
        self.suspects.iter().filter(|suspect| suspect.role == Role::Culprit).collect()
    }

    /// Suspects with a storm near the moment.
    pub fn storming(&self) -> Vec<&IncidentSuspect> {
        self.suspects.iter().filter(|suspect| suspect.is_storming).collect()
    }
}

impl IncidentInput<'_> {
    /// Whether any event of the stage RequestReceived is logged, so that lists in flight at an end leave a line.
    fn logs_request_received(&self) -> bool {
        self.measured.tally.has_stage(Stage::RequestReceived)
    }
}

/// Concludes who is to blame for a moment, who suffered and who came back.
pub fn analyze_incident(input: &IncidentInput<'_>) -> Incident {
    let (suspects, share_basis) = suspects::find_suspects(input);
    let victims = victims::find_victims(input, &suspects);
    let wave = returns::summarize_returns(input);
    let verdict::Judgement { certainty, supports, doubts, first_step } = verdict::judge(input, &suspects);
    let thresholds = input.thresholds.incident;
    let earlier_peak = moment::earlier_peak(input.pressure, input.moment, &thresholds);
    Incident { certainty, supports, doubts, first_step, earlier_peak, share_basis, suspects, victims, wave, thresholds }
}

/// Whether a finding was going on at a moment, or ended no longer than `before` ahead of it.
fn is_at(finding: &Finding, moment: &Moment, before: Micros) -> bool {
    finding.started_at <= moment.at && moment.at - finding.ended_at <= before
}
