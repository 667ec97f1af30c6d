//! What no log says, drawn from a seed: the same seed gives the same assumptions.

use super::levels::ADJUSTMENT_NANOS;
use super::{ListCapacity, ReplayAssumptions};

impl ReplayAssumptions {
    /// Draws the assumptions of a seed. Seed 0 takes the likely capacity, the others any possible one. Requests with a range of
    /// seats take the most for odd seeds, and the least for even ones.
    pub fn draw(seed: u64, capacity: &ListCapacity) -> Self {
        let mut state = seed;
        let first_adjustment_ns = 1 + next(&mut state) % ADJUSTMENT_NANOS;
        let share = unit(next(&mut state));
        Self {
            first_adjustment_ns,
            capacity: if seed == 0 { capacity.likely } else { capacity.at(share) },
            takes_most_seats: seed % 2 == 1,
        }
    }
}

/// SplitMix64 (Steele, Lea and Flood: Fast splittable pseudorandom number generators, 2014).
const fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// From 0 to 1.
#[expect(clippy::cast_precision_loss, reason = "53 bits are exact")]
fn unit(bits: u64) -> f64 {
    (bits >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_always_gives_the_same_and_others_give_others() {
        let capacity = ListCapacity { low: 1.0, likely: 2.0, high: 4.0, ..ListCapacity::given(2.0) };
        assert_eq!(ReplayAssumptions::draw(7, &capacity), ReplayAssumptions::draw(7, &capacity));
        assert_ne!(ReplayAssumptions::draw(7, &capacity), ReplayAssumptions::draw(8, &capacity));
        let all = (0..100).map(|seed| ReplayAssumptions::draw(seed, &capacity));
        assert!(all.into_iter().all(|assumptions| {
            (1.0..=4.0).contains(&assumptions.capacity)
                && (1..=ADJUSTMENT_NANOS).contains(&assumptions.first_adjustment_ns)
        }));
    }
}
