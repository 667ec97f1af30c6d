//! Which requests were seen lately, and in which stages: what tells a duplicate, and a stage that comes late.

use crate::audit::Stage;

/// The stages of one request that were seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Stages(u8);

impl Stages {
    /// None yet.
    pub(super) const NONE: Self = Self(0);

    /// With `stage` among them.
    pub(super) const fn with(self, stage: Stage) -> Self {
        Self(self.0 | 1 << stage as u8)
    }

    /// Whether `stage` is among them.
    pub(super) const fn has(self, stage: Stage) -> bool {
        self.0 & 1 << stage as u8 != 0
    }

    /// Those of `self` that are not in `other`.
    pub(super) const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// How many there are.
    pub(super) fn count(self) -> u64 {
        u64::from(self.0.count_ones())
    }

    /// With all of `other` among them.
    pub(super) const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// How many stages are in both.
    pub(super) fn shared_with(self, other: Self) -> u64 {
        u64::from((self.0 & other.0).count_ones())
    }

    /// Whether the request has ended.
    pub(super) const fn has_end(self) -> bool {
        self.has(Stage::ResponseComplete) || self.has(Stage::Panic)
    }
}

/// A bounded memory of about the last million requests, in 8 MiB.
///
/// Requests are known by a 64-bit hash of their key, of which 60 bits are compared: among a billion events the chance of
/// one false match is about one in a thousand. A request is forgotten when four later ones fell into its bucket.
pub(super) struct Recent {
    buckets: Vec<[u64; WAYS]>,
}

const WAYS: usize = 4;
const BUCKET_BITS: u32 = 18;
const STAGE_BITS: u64 = 0xf;

/// How many requests are remembered at most.
pub const REMEMBERED_REQUESTS: usize = WAYS << BUCKET_BITS;

impl Recent {
    pub(super) fn new() -> Self {
        Self { buckets: vec![[0; WAYS]; 1 << BUCKET_BITS] }
    }

    /// Adds stages to the request `key`; the stages that were known of it before.
    pub(super) fn note(&mut self, key: u64, stages: Stages) -> Stages {
        let bucket = &mut self.buckets[(key >> (u64::BITS - BUCKET_BITS)) as usize];
        let tag = key & !STAGE_BITS;
        for slot in bucket.iter_mut() {
            let known = (*slot & STAGE_BITS) as u8;
            if *slot & !STAGE_BITS == tag && known != 0 {
                *slot |= u64::from(stages.0);
                return Stages(known);
            }
        }
        bucket.rotate_right(1);
        bucket[0] = tag | u64::from(stages.0);
        Stages::NONE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_add_up_and_old_requests_are_forgotten() {
        let mut recent = Recent::new();
        let started = Stages::NONE.with(Stage::ResponseStarted);
        let complete = Stages::NONE.with(Stage::ResponseComplete);
        assert_eq!(recent.note(0x10, started), Stages::NONE);
        assert_eq!(recent.note(0x10, complete), started);
        assert_eq!(recent.note(0x10, complete), Stages(0b110));
        for other in 2..6 {
            recent.note(other << 4, complete);
        }
        assert_eq!(recent.note(0x10, complete), Stages::NONE);
    }
}
