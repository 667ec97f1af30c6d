//! What no log says, drawn from a seed: the same seed gives the same assumptions.

use super::levels::ADJUSTMENT_NANOS;
use super::{ListCapacity, ReplayAssumptions};
use crate::units::Random;

impl ReplayAssumptions {
    /// Draws the assumptions of a seed. Seed 0 takes the likely capacity, the others any possible one. Requests with a range of
    /// seats take the most for odd seeds, and the least for even ones.
    pub fn draw(seed: u64, capacity: &ListCapacity) -> Self {
        let mut random = Random::new(seed);
        let first_adjustment_ns = 1 + random.bits() % ADJUSTMENT_NANOS;
        let share = random.unit();
        Self {
            first_adjustment_ns,
            capacity: if seed == 0 { capacity.likely } else { capacity.at(share) },
            takes_most_seats: seed % 2 == 1,
        }
    }
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
