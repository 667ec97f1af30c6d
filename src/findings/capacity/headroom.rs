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
    /// Whether it is exempt from limits.
    pub is_exempt: bool,
    /// Its own seats.
    pub nominal_seats: u32,
    /// Its own seats and all that it may borrow.
    pub max_seats: u32,
}

/// A priority level's demand against its limits.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Headroom {
    /// Its name.
    pub priority_level: String,
    /// Whether it is exempt from limits.
    pub is_exempt: bool,
    /// Its own seats on one apiserver.
    pub nominal_seats: u32,
    /// Its own seats and all that it may borrow, on one apiserver.
    pub max_seats: u32,
    /// Requests in the period.
    pub requests: u64,
    /// Mean seats in use in its busiest bucket on one apiserver: the low end of the range.
    pub busiest_low_seats: f64,
    /// Mean seats in use in that bucket: the high end of the range.
    pub busiest_high_seats: f64,
    /// When that bucket began; `None` if the level was never used.
    #[serde(serialize_with = "as_maybe_instant")]
    pub busiest_at: Option<Micros>,
    /// Requests with a wait that was logged.
    pub waited: u64,
    /// Requests that were rejected: known where they hit a level that the configuration names.
    pub rejected: u64,
    /// How near it is to its limits.
    #[serde(rename = "state_code")]
    pub state: LevelState,
}

/// How near a priority level came to its limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LevelState {
    /// It had no requests.
    Unused,
    /// It is exempt from limits.
    Exempt,
    /// It rejected requests.
    Rejecting,
    /// It needed more than its own seats in its busiest bucket.
    Borrowing,
    /// It needed `half_full_share` of its own seats or more in its busiest bucket.
    HalfFull,
    /// It had seats to spare.
    Ample,
}

impl Headroom {
    /// The part of its own seats in use in its busiest bucket, middle of the range; 0 for exempt levels.
    pub fn share(&self) -> f64 {
        if self.is_exempt || self.nominal_seats == 0 {
            return 0.0;
        }
        f64::midpoint(self.busiest_low_seats, self.busiest_high_seats) / f64::from(self.nominal_seats)
    }
}

/// The fullest limited level that had requests.
pub fn fullest_level(levels: &[Headroom]) -> Option<&Headroom> {
    let limited = levels.iter().filter(|level| !level.is_exempt && level.requests > 0);
    limited.max_by(|one, other| one.share().total_cmp(&other.share()))
}

/// Levels by what they use of their own seats, those with rejections first, then the fullest.
pub(super) fn measure_headroom(hours: &[LevelHour], bounds: &[LevelBounds], half_full_share: f64) -> Vec<Headroom> {
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
                state: LevelState::Unused,
            };
            level.state = rate_level(&level, half_full_share);
            level
        })
        .collect();
    levels.sort_by(|one, other| {
        (other.rejected, other.share()).partial_cmp(&(one.rejected, one.share())).unwrap_or(std::cmp::Ordering::Equal)
    });
    levels
}

fn rate_level(level: &Headroom, half_full_share: f64) -> LevelState {
    match level.share() {
        _ if level.requests == 0 => LevelState::Unused,
        _ if level.is_exempt => LevelState::Exempt,
        _ if level.rejected > 0 => LevelState::Rejecting,
        share if share >= 1.0 => LevelState::Borrowing,
        share if share >= half_full_share => LevelState::HalfFull,
        _ => LevelState::Ample,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_is_rated_by_rejections_first_and_then_by_its_busiest_bucket() {
        let state = |mean_low_seats, rejected_count| {
            let bounds = LevelBounds {
                priority_level: "workload-low".to_owned(),
                is_exempt: false,
                nominal_seats: 10,
                max_seats: 20,
            };
            let hour = LevelHour {
                priority_level: "workload-low".to_owned(),
                request_count: 1,
                mean_low_seats,
                mean_high_seats: mean_low_seats,
                rejected_count,
                ..LevelHour::default()
            };
            measure_headroom(&[hour], &[bounds], 0.5)[0].state
        };
        assert_eq!(state(1.0, 0), LevelState::Ample);
        assert_eq!(state(5.0, 0), LevelState::HalfFull);
        assert_eq!(state(10.0, 0), LevelState::Borrowing);
        assert_eq!(state(1.0, 1), LevelState::Rejecting);
    }
}
