//! What incidents are judged by: the section `incident` of `thresholds.yaml`, which gives each unit and reason.

use serde::{Deserialize, Serialize};

use crate::audit::Micros;

/// Thresholds of an incident report.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "thresholds.yaml says what each means, with its unit and its reason")]
pub struct IncidentThresholds {
    pub run_up_secs: u32,
    pub asked_near_secs: u32,
    pub earlier_peak_ratio: f64,
    pub half_life_secs: f64,
    pub logged_half_life_secs: f64,
    pub culprit_share: f64,
    pub comparable_ratio: f64,
    pub contributor_share: f64,
    pub negligible_share: f64,
    pub majority_share: f64,
    pub growth_share: f64,
    pub free_share: f64,
    pub far_below_ratio: f64,
    pub sample_near_secs: u32,
    pub fall_ratio: f64,
    pub fall_secs: u32,
    pub agreeing_correlation: f64,
    pub loose_correlation: f64,
    pub memory_limit_share: f64,
    pub min_harmed: u64,
    pub harmed_ratio: f64,
    pub min_harm_secs: u32,
    pub max_harm_secs: u32,
    pub recovery_secs: u32,
    pub wave_secs: u32,
    pub died_again_secs: u32,
}

impl IncidentThresholds {
    /// How long before a moment its run-up begins.
    pub(super) fn run_up(&self) -> Micros {
        micros(self.run_up_secs)
    }

    /// How long clients come back once a server is.
    pub(super) fn wave(&self) -> Micros {
        micros(self.wave_secs)
    }
}

/// Seconds in microseconds.
pub(super) fn micros(secs: u32) -> Micros {
    Micros::from(secs) * 1_000_000
}
