//! The story of an incident: which moment, who had filled the server's memory by then, who suffered, who came back.
//!
//! ```text
//! Finding, ListPressure ─▶ moments ─▶ Moment ─▶ (rows about it) ─▶ incident ─▶ Incident
//! ```
//!
//! A server dies of what is in flight when it does, and that is what logs are worst at: with the usual policy a request that
//! has no end leaves no line. So a suspect is judged by the last two minutes, by what it left without an end where that
//! is logged, and by whether a storm of its was going on; and the verdict says what it rests on, and how sure that is.

mod moment;
mod policy;
mod rows;
mod story;
mod suspects;
mod victims;
mod wave;

pub(super) use moment::peaks;
pub use moment::{EarlierPeak, Moment, MomentKind, PressurePeak, moments};
pub use policy::{Policy, PolicyVolume, audit_policy};
pub use rows::{ClientReturn, CutOff, HarmedClient, ListPressure, ServerActivity, ServerLoad};
pub use story::Certainty;
pub use suspects::{Role, Suspect};
pub use victims::Victim;
pub use wave::Wave;

use serde::Serialize;

use super::{Finding, Measured, Pressure};
use crate::audit::Micros;
use crate::memory::Fit;
use crate::units;

/// What is known of a moment.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'s> {
    /// The moment.
    pub moment: &'s Moment,
    /// What was found in the logs.
    pub findings: &'s [Finding],
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

/// What measured memory says of the estimate.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Growth {
    /// Pearson's r between the two, from -1 to 1; `None` where there are too few samples.
    pub correlation: Option<f64>,
    /// By how much the memory grew in the last two minutes, all steps up together, in bytes.
    pub growth_bytes: u64,
    /// The part of that growth that came while lists of known size were in flight, from 0 to 1.
    pub explained_share: f64,
    /// The part of that growth by type of client, the most first.
    pub by_client_type: Vec<(String, f64)>,
    /// The highest sample, in bytes.
    pub peak_bytes: u64,
    /// All that in a sentence.
    pub summary: String,
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
    let story::Story { certainty, supports, doubts, verdict } = story::story(scene, moments, &suspects);
    let earlier_peak = moment::earlier_peak(scene.pressure, scene.moment);
    Incident { certainty, supports, doubts, verdict, earlier_peak, suspects, victims, wave }
}

/// Whether a finding was going on at a moment, or ended so shortly before that it matters.
fn is_at(finding: &Finding, moment: &Moment, before: Micros) -> bool {
    finding.started_at <= moment.at && moment.at - finding.ended_at <= before
}

impl Growth {
    /// What two fits say in words: that of all of the time, and that of the last two minutes; `types` are the groups that they
    /// were made for.
    pub fn of(all: Option<Fit>, last: Option<Fit>, types: &[&str]) -> Self {
        let (all, last) = (all.unwrap_or_default(), last.unwrap_or_default());
        let shares = types.iter().map(|name| (*name).to_owned()).zip(last.growth_shares.iter().copied());
        let mut by_client_type: Vec<(String, f64)> = shares.filter(|(_, share)| *share > 0.0).collect();
        by_client_type.sort_by(|one, other| other.1.total_cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bytes of a process")]
        let whole = |bytes: f64| bytes.max(0.0) as u64;
        let (growth_bytes, peak_bytes) = (whole(last.growth_bytes), whole(all.peak_bytes));
        Self {
            correlation: all.correlation,
            growth_bytes,
            explained_share: last.explained_share,
            summary: growth_words(&all, &last, &by_client_type),
            by_client_type,
            peak_bytes,
        }
    }
}

fn growth_words(all: &Fit, last: &Fit, by_client_type: &[(String, f64)]) -> String {
    if all.sample_count < 2 {
        return "There are too few samples of the measured memory before the moment to compare with the estimate."
            .to_owned();
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bytes of a process")]
    let bytes = |bytes: f64| units::bytes(bytes.max(0.0) as u64);
    let samples = all.sample_count;
    let fits = match all.correlation {
        None => "too few samples, or too flat, to tell whether it follows the estimate".to_owned(),
        Some(r) if r >= 0.6 => format!("it follows the estimate well (r = {r:.2} over {samples} samples)"),
        Some(r) if r >= 0.3 => format!("it follows the estimate loosely (r = {r:.2} over {samples} samples)"),
        Some(r) => format!("it doesn't follow the estimate (r = {r:.2} over {samples} samples)"),
    };
    let shares: Vec<String> =
        by_client_type.iter().take(3).map(|(name, share)| format!("{name} {:.0} %", share * 100.0)).collect();
    let laid = if shares.is_empty() {
        "no LIST of known size was in flight meanwhile".to_owned()
    } else {
        format!("laid to those whose LISTs were in flight meanwhile, by what they held: {}", shares.join(", "))
    };
    format!(
        "Measured memory rose to {} before the moment; {fits}. In the last two minutes its steps up come to {}; {laid}. That they line \
         up in time is no proof of a cause.",
        bytes(all.peak_bytes),
        bytes(last.growth_bytes)
    )
}
