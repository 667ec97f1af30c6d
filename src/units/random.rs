//! Random numbers from a seed, for synthetic logs and for replays: the same seed gives the same numbers on every machine
//! and in every release.
//!
//! The generator is SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", OOPSLA 2014): a
//! counter that grows by a constant, and a mixing function over it. It is written out here rather than taken from a crate
//! because the mixing function is needed by itself, and because how a number is drawn from a range is as much a part of
//! the output as the generator: a crate may change that in any release.

/// SplitMix64.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// The generator of a seed; every seed is as good as another.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// 64 random bits.
    pub const fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// A number from 0 up to but not including 1.
    #[expect(clippy::cast_precision_loss, reason = "53 bits are exact")]
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A number below `end`, which must fit 32 bits; 0 if `end` is 0. The bias of `end` / 2³² is accepted.
    pub const fn below(&mut self, end: u64) -> u64 {
        ((self.bits() >> 32) * end) >> 32
    }

    /// `true` with a probability of `per_mille` / 1,000.
    pub const fn happens(&mut self, per_mille: u64) -> bool {
        self.below(1_000) < per_mille
    }

    /// A number from `start` up to but not including `end`, which is at most 2³² greater.
    pub const fn between(&mut self, start: i64, end: i64) -> i64 {
        start + self.below(end.saturating_sub(start).unsigned_abs()).cast_signed()
    }

    /// An index into a list of `length` items; 0 if the list is empty.
    pub fn index(&mut self, length: usize) -> usize {
        index_from(self.bits() >> 32, length)
    }
}

/// An index into a list of `length` items, derived from `bits`; 0 if the list is empty.
pub fn index_from(bits: u64, length: usize) -> usize {
    let length = u64::try_from(length).unwrap_or(u64::MAX).max(1);
    usize::try_from(bits % length).unwrap_or(0)
}

/// Spreads the bits of a number over all 64: the mixing function of SplitMix64. For numbers that follow from others
/// without a generator.
pub const fn mix(bits: u64) -> u64 {
    let bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Another stream would mean another log and another replay under the same seed. The numbers are those of the
    /// reference implementation (Vigna, splitmix64.c).
    #[test]
    fn the_stream_is_that_of_the_reference_implementation() {
        let mut random = Random::new(1_234_567);
        let first: Vec<u64> = (0..3).map(|_| random.bits()).collect();
        assert_eq!(first, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
    }

    #[test]
    fn drawn_numbers_stay_in_their_range() {
        let mut random = Random::new(7);
        for _ in 0..10_000 {
            assert!(random.below(3) < 3);
            assert!((5..9).contains(&random.between(5, 9)));
            assert!(random.index(2) < 2);
            assert!((0.0..1.0).contains(&random.unit()));
        }
        assert_eq!(random.below(0), 0);
        assert_eq!(random.index(0), 0);
    }
}
