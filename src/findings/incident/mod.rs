//! The story of an incident: which moment, who had filled the server's memory by then, who suffered, who came back.
//!
//! ```text
//! Finding, ListPressure ─▶ moments ─▶ Moment ─▶ (rows about it) ─▶ incident ─▶ Incident
//! ```
//!
//! A server dies of what is in flight when it does, and that is what logs are worst at: with the usual policy a request that
//! has no end leaves no line. So a suspect is judged by the last two minutes, by what it left without an end where that
//! is logged, and by whether a storm of its was going on; and the verdict says what it rests on, and how sure that is.

mod growth;
mod moment;
mod policy;
mod rows;
mod story;
mod suspects;
mod victims;
mod wave;

pub use growth::{Growth, growth};
pub(super) use moment::peaks;
pub use moment::{EarlierPeak, Moment, MomentKind, PressurePeak, moments};
pub use policy::{Policy, PolicyVolume, audit_policy};
pub use rows::{ClientReturn, CutOff, HarmedClient, ListPressure, ServerActivity, ServerLoad};
pub use story::Certainty;
pub use suspects::{Role, Suspect};
pub use victims::{Victim, harm_began};
pub use wave::Wave;

use serde::Serialize;

use super::{Finding, Measured, Pressure, WordFinding};
use crate::audit::Micros;

/// What is known of a moment.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'s> {
    /// The moment.
    pub moment: &'s Moment,
    /// What was found in the logs.
    pub findings: &'s [Finding],
    /// How a finding is worded.
    pub words: WordFinding,
    /// What that rests on.
    pub measured: Measured<'s>,
    /// Rows of `list_pressure` for the time that is looked at.
    pub pressure: &'s [ListPressure],
    /// Rows of `pressure_at` for the last peak.
    pub at_peak: &'s [Pressure],
    /// Rows of `pressure_at` for the moment itself.
    pub at_end: &'s [Pressure],
    /// Rows of `cut_off_reads` for the moment.
    pub cut_off: &'s [CutOff],
    /// Rows of `harmed_clients` for the time before the moment.
    pub harmed: &'s [HarmedClient],
    /// Rows of `returns` since the server was back.
    pub returns: &'s [ClientReturn],
    /// What measured memory says; `None` where there is none.
    pub growth: Option<&'s Growth>,
    /// What the server's memory is limited to, in bytes.
    pub memory_limit: Option<u64>,
}

/// The story.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Incident {
    /// How sure the verdict is.
    pub certainty: Certainty,
    /// What speaks for it.
    pub supports: Vec<String>,
    /// What speaks against it, or isn't known.
    pub doubts: Vec<String>,
    /// What happened, who did it, how sure that is: three sentences.
    pub verdict: Vec<String>,
    /// What to do first; `None` where nothing is to be done.
    pub first_step: Option<String>,
    /// When lists held far more in the time that was looked at, and the server outlived it; `None` if it was never so.
    pub earlier_peak: Option<EarlierPeak>,
    /// Who had lists in flight, culprits first.
    pub suspects: Vec<Suspect>,
    /// Who suffered.
    pub victims: Vec<Victim>,
    /// Who came back; `None` where no server did.
    pub wave: Option<Wave>,
}

/// Puts the story together; `moments` are all that the logs offer.
pub fn incident(scene: &Scene<'_>, moments: &[Moment]) -> Incident {
    let suspects = suspects::suspects(scene);
    let victims = victims::victims(scene, &suspects);
    let wave = wave::wave(scene, moments);
    let story::Story { certainty, supports, doubts, verdict, first_step } = story::story(scene, moments, &suspects);
    let earlier_peak = moment::earlier_peak(scene.pressure, scene.moment);
    Incident { certainty, supports, doubts, verdict, first_step, earlier_peak, suspects, victims, wave }
}

/// Whether a finding was going on at a moment, or ended so shortly before that it matters.
fn is_at(finding: &Finding, moment: &Moment, before: Micros) -> bool {
    finding.started_at <= moment.at && moment.at - finding.ended_at <= before
}
