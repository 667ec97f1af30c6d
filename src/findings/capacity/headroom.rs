//! How near each priority level came to its limits.

use std::collections::BTreeMap;

use serde::Serialize;

use super::LevelHour;
use crate::audit::Micros;
use crate::findings::finding::as_maybe_instant;

/// A priority level's limits on one apiserver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LevelBounds {
    /// Its name.
    pub priority_level: String,
    /// Whether it lets everything through.
    pub is_exempt: bool,
    /// Its own seats.
    pub nominal_seats: u32,
    /// All that it may borrow included.
    pub max_seats: u32,
}

/// A priority level's demand against that.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Headroom {
    /// The level.
    pub priority_level: String,
    /// Whether it lets everything through.
    pub is_exempt: bool,
    /// Its own seats on one apiserver.
    pub nominal_seats: u32,
    /// All that it may borrow included.
    pub max_seats: u32,
    /// Requests in the period.
    pub requests: u64,
    /// Seats in use on average in its fullest bucket on one apiserver, at least.
    pub busiest_low_seats: f64,
    /// The same, at most.
    pub busiest_high_seats: f64,
    /// When that bucket began; `None` if it was never used.
    #[serde(serialize_with = "as_maybe_instant")]
    pub busiest_at: Option<Micros>,
    /// Requests with a wait that was logged.
    pub waited: u64,
    /// Requests that were refused: known where they hit a level that the configuration names.
    pub rejected: u64,
    /// How that is to be taken, in a word or two.
    pub verdict: &'static str,
}

impl Headroom {
    /// Whether half of its own seats or more are in use in the fullest bucket.
    pub(super) fn is_half_full(&self) -> bool {
        self.share() >= 0.5
    }

    /// The part of its own seats that is in use in the fullest bucket, middle of the range; 0 for exempt ones.
    pub fn share(&self) -> f64 {
        if self.is_exempt || self.nominal_seats == 0 {
            return 0.0;
        }
        f64::midpoint(self.busiest_low_seats, self.busiest_high_seats) / f64::from(self.nominal_seats)
    }
}

/// Levels by what they use of their own seats, the fullest first.
pub(super) fn headroom(hours: &[LevelHour], bounds: &[LevelBounds]) -> Vec<Headroom> {
    let mut by_level: BTreeMap<&str, Vec<&LevelHour>> = BTreeMap::new();
    for hour in hours {
        by_level.entry(&hour.priority_level).or_default().push(hour);
    }
    let mut levels: Vec<Headroom> = bounds
        .iter()
        .map(|bounds| {
            let hours = by_level.get(bounds.priority_level.as_str()).map_or(&[] as &[&LevelHour], Vec::as_slice);
            let middle = |hour: &LevelHour| f64::midpoint(hour.mean_low_seats, hour.mean_high_seats);
            let busiest = hours.iter().max_by(|one, other| middle(one).total_cmp(&middle(other)));
            let mut level = Headroom {
                priority_level: bounds.priority_level.clone(),
                is_exempt: bounds.is_exempt,
                nominal_seats: bounds.nominal_seats,
                max_seats: bounds.max_seats,
                requests: hours.iter().map(|hour| hour.request_count).sum(),
                busiest_low_seats: busiest.map_or(0.0, |hour| hour.mean_low_seats),
                busiest_high_seats: busiest.map_or(0.0, |hour| hour.mean_high_seats),
                busiest_at: busiest.map(|hour| hour.bucket_at),
                waited: hours.iter().map(|hour| hour.waited_count).sum(),
                rejected: hours.iter().map(|hour| hour.rejected_count).sum(),
                verdict: "",
            };
            level.verdict = verdict(&level);
            level
        })
        .collect();
    levels.sort_by(|one, other| {
        (other.rejected, other.share()).partial_cmp(&(one.rejected, one.share())).unwrap_or(std::cmp::Ordering::Equal)
    });
    levels
}

fn verdict(level: &Headroom) -> &'static str {
    match level.share() {
        _ if level.requests == 0 => "unused",
        _ if level.is_exempt => "no limit",
        _ if level.rejected > 0 => "refuses requests",
        share if share >= 1.0 => "lives on borrowed seats",
        _ if level.is_half_full() => "half full or more",
        _ => "ample",
    }
}
