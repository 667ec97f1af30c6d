//! Where measured memory shows that a process ended: it falls, at once, to what a new process has.
//!
//! A process that goes on gives garbage back too, but over minutes, and never below what it had at first. As samples come
//! seconds apart, the two can look alike; so a fall makes an end more certain, or one out of a silence of the log, but none by
//! itself.

use serde::Serialize;

use super::IncidentThresholds;
use super::thresholds::micros;
use crate::audit::Micros;
use crate::findings::finding::as_instant;

/// Two samples in a row of one series, the later one of a new process as it seems.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct MemoryFall {
    /// When the earlier sample was taken.
    #[serde(serialize_with = "as_instant")]
    pub from_at: Micros,
    /// The earlier sample, in bytes.
    pub from_bytes: u64,
    /// When the later sample was taken.
    #[serde(serialize_with = "as_instant")]
    pub to_at: Micros,
    /// The later sample, in bytes.
    pub to_bytes: u64,
}

impl MemoryFall {
    /// Whether an instant lies between the two samples, or next to them.
    pub(super) fn is_near(&self, at: Micros, spare: Micros) -> bool {
        (self.from_at - spare..=self.to_at + spare).contains(&at)
    }
}

/// All falls in samples (time, bytes) by time.
pub fn find_falls(samples: &[(Micros, f64)], thresholds: &IncidentThresholds) -> Vec<MemoryFall> {
    let most = micros(thresholds.fall_secs);
    let mut falls = Vec::new();
    let mut least = f64::INFINITY;
    for pair in samples.windows(2) {
        let [(from_at, from), (to_at, to)] = *pair else { continue };
        least = least.min(from);
        if to < thresholds.fall_ratio * from && to <= least && to_at - from_at <= most {
            falls.push(MemoryFall { from_at, from_bytes: whole(from), to_at, to_bytes: whole(to) });
            least = f64::INFINITY;
        }
    }
    falls
}

/// Bytes of a process as a whole number.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bytes of a process")]
pub(super) fn whole(bytes: f64) -> u64 {
    bytes.max(0.0) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::Thresholds;

    fn falls(samples: &[(i64, f64)]) -> Vec<(i64, u64)> {
        let samples: Vec<(Micros, f64)> = samples.iter().map(|(secs, bytes)| (secs * 1_000_000, *bytes)).collect();
        let found = find_falls(&samples, &Thresholds::embedded().incident);
        found.iter().map(|fall| (fall.to_at / 1_000_000, fall.to_bytes)).collect()
    }

    #[test]
    fn a_new_process_has_less_than_the_old_one_ever_had() {
        assert_eq!(falls(&[(0, 400.0), (30, 3_000.0), (60, 5_000.0), (90, 300.0), (120, 900.0)]), [(90, 300)]);
        let twice = [(0, 400.0), (10, 5_000.0), (20, 350.0), (30, 4_000.0), (40, 340.0)];
        assert_eq!(falls(&twice), [(20, 350), (40, 340)]);
    }

    #[test]
    fn garbage_that_is_given_back_is_no_end() {
        let in_steps = [(0, 400.0), (30, 5_000.0), (60, 3_800.0), (90, 2_600.0), (120, 1_400.0), (150, 800.0)];
        assert_eq!(falls(&in_steps), []);
        assert_eq!(falls(&[(0, 400.0), (30, 5_000.0), (60, 900.0)]), [], "at once, but not below what it had at first");
        assert_eq!(falls(&[(0, 400.0), (30, 5_000.0), (630, 300.0)]), [], "ten minutes without a sample");
    }
}
