//! What capacity is judged by: the section `capacity` of `thresholds.yaml`, which gives each unit and reason.

use serde::{Deserialize, Serialize};

/// Thresholds of a capacity report.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "thresholds.yaml says what each means, with its unit and its reason")]
pub struct CapacityThresholds {
    pub min_coverage: f64,
    pub notable_rejected: u64,
    pub min_change: f64,
    pub min_explained_lists: u64,
    pub half_full_share: f64,
    pub min_saved_lists: u64,
    pub min_regular_polls: u64,
    pub min_trend_days: usize,
    pub max_trend_ahead: f64,
    pub whole_day_share: f64,
}
