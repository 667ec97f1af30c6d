//! Work in seat-seconds, which is what fair queuing shares out
//! (`k8s.io/apiserver/pkg/util/flowcontrol/request/seat_seconds.go`).
//!
//! It is counted in whole units and rounded where upstream rounds: which of two queues comes first may hang on the last
//! unit. Upstream's number has no sign and is wound back before it overflows; ours has one, and lasts for 9e10
//! seat-seconds, as many as 1,000 seats come to in three years.

use std::ops::{Add, AddAssign, SubAssign};

use crate::apf::WorkEstimate;

/// How long a request is taken to run before it has run, in nanoseconds: G of the papers on fair queuing
/// (`fairqueuing/queueset/queueset.go`, `estimatedServiceDuration`).
const ESTIMATED_SERVICE_NS: i64 = 3_000_000;
/// Nanoseconds in a unit, of one seat (`seat_seconds.go`, `ssScale`).
const UNIT_NS: f64 = 10.0;

/// Work, or a reading of virtual time, in 1e-8 seat-seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct SeatSeconds(i64);

/// The same work with no more seats in the final phase than the limit, which then lasts longer
/// (`queueset.go`, `findDispatchQueueToBoundLocked`).
pub(super) fn within(limit: u32, work: WorkEstimate) -> WorkEstimate {
    if work.final_seats <= limit {
        return work;
    }
    let additional_latency_nanos = SeatSeconds::of_final_phase(&work).ns_of(limit);
    WorkEstimate { final_seats: limit, additional_latency_nanos, ..work }
}

impl SeatSeconds {
    /// So many seats for so long, halves rounded away from zero.
    #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "as upstream rounds")]
    pub(super) fn of(seats: f64, ns: i64) -> Self {
        Self((seats * ns as f64 / UNIT_NS).round() as i64)
    }

    /// All that a request will take, as far as it can be told before it has run.
    pub(super) fn of_request(work: &WorkEstimate) -> Self {
        Self::of(f64::from(work.initial_seats), ESTIMATED_SERVICE_NS) + Self::of_final_phase(work)
    }

    /// What a request took beyond the estimate, having run for so long; less than 0 if it was quicker.
    pub(super) fn beyond_estimate(work: &WorkEstimate, service_ns: u64) -> Self {
        Self::of(f64::from(work.initial_seats), service_ns.cast_signed() - ESTIMATED_SERVICE_NS)
    }

    fn of_final_phase(work: &WorkEstimate) -> Self {
        Self::of(f64::from(work.final_seats), work.additional_latency_nanos.cast_signed())
    }

    /// How long so many seats take for it, in nanoseconds, rounded down.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        reason = "as upstream rounds, and work of a phase is not below 0"
    )]
    fn ns_of(self, seats: u32) -> u64 {
        (self.0 as f64 / f64::from(seats) * UNIT_NS) as u64
    }
}

impl Add for SeatSeconds {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl AddAssign for SeatSeconds {
    fn add_assign(&mut self, other: Self) {
        self.0 += other.0;
    }
}

impl SubAssign for SeatSeconds {
    fn sub_assign(&mut self, other: Self) {
        self.0 -= other.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_is_rounded_to_the_nearest_unit() {
        for (seats, ns, units) in [
            (1.0, 3_000_000, 300_000),
            (1.0, 14, 1),
            (1.0, 15, 2),
            (1.0, -15, -2),
            (0.5, 9, 0),
            (98.0 / 3.0, 1_000_001, 3_266_670),
            (0.0, 1 << 60, 0),
        ] {
            assert_eq!(SeatSeconds::of(seats, ns), SeatSeconds(units), "{seats} {ns}");
        }
    }

    #[test]
    fn a_final_phase_too_wide_for_the_limit_becomes_a_longer_one() {
        let work = WorkEstimate { initial_seats: 1, final_seats: 10, additional_latency_nanos: 5_000_000 };
        assert_eq!(within(10, work), work);
        assert_eq!(within(4, work), WorkEstimate { final_seats: 4, additional_latency_nanos: 12_500_000, ..work });
        assert_eq!(within(3, work), WorkEstimate { final_seats: 3, additional_latency_nanos: 16_666_666, ..work });
        assert_eq!(SeatSeconds::of_request(&work), SeatSeconds(300_000 + 5_000_000));
    }
}
