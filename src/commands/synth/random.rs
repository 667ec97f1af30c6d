//! A seeded source of numbers, written out here because the same seed must give the same log on every machine and in
//! every release: no crate's stream of values is then part of our format.

/// SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014).
#[derive(Clone, Debug)]
pub(super) struct Random(u64);

impl Random {
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Any 64 bits.
    pub(super) const fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// A number below `end`, which must fit 32 bits; 0 where `end` is 0. Its bias (end / 2³²) is of no matter here.
    pub(super) const fn below(&mut self, end: u64) -> u64 {
        ((self.bits() >> 32) * end) >> 32
    }

    /// Whether something happens that does so `per_mille` times in a thousand.
    pub(super) const fn happens(&mut self, per_mille: u64) -> bool {
        self.below(1_000) < per_mille
    }

    /// A time from `start` up to `end`, which may be 71 minutes later at most.
    pub(super) const fn between(&mut self, start: i64, end: i64) -> i64 {
        start + self.below(end.saturating_sub(start).unsigned_abs()).cast_signed()
    }

    /// A place in a list of `length` items.
    pub(super) fn index(&mut self, length: usize) -> usize {
        place(self.bits() >> 32, length)
    }
}

/// A place in a list of `length` items that follows from `bits`.
pub(super) fn place(bits: u64, length: usize) -> usize {
    let length = u64::try_from(length).unwrap_or(u64::MAX).max(1);
    usize::try_from(bits % length).unwrap_or(0)
}

/// Spreads a number's bits (the finishing steps of SplitMix64).
pub(super) const fn mix(bits: u64) -> u64 {
    let bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Another stream of numbers would be another log under the same seed.
    #[test]
    fn the_stream_is_that_of_the_paper() {
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
        }
        assert_eq!(random.below(0), 0);
        assert_eq!(random.index(0), 0);
    }
}
