//! The busiest buckets of time, of each kind of load.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{CapacityInput, highest_peak};
use crate::audit::Micros;
use crate::findings::finding::as_instant;
use crate::findings::{PressurePeak, ServerActivity};

/// The bucket that had most of a kind of load.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct BusyBucket {
    /// When it began.
    #[serde(serialize_with = "as_instant")]
    pub at: Micros,
    /// What it had most of.
    #[serde(rename = "load_code")]
    pub load: BusyLoad,
}

/// A kind of load, and how much of it there was. All apiservers are counted together, but for memory, which each has for
/// itself.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum BusyLoad {
    /// Requests of all kinds.
    Requests {
        /// How many.
        count: u64,
    },
    /// LISTs.
    Lists {
        /// How many.
        count: u64,
    },
    /// Requests rejected by API Priority and Fairness.
    Rejected {
        /// How many.
        count: u64,
    },
    /// Memory held by LISTs.
    MemoryHeld {
        /// The highest peak.
        peak: PressurePeak,
    },
}

pub(super) fn find_busiest(input: &CapacityInput<'_>) -> Vec<BusyBucket> {
    let most = |of: fn(&ServerActivity) -> u64, load: fn(u64) -> BusyLoad| {
        let mut sums: BTreeMap<Micros, u64> = BTreeMap::new();
        for row in input.activity.iter().filter(|row| row.bucket_at >= input.period.0) {
            *sums.entry(row.bucket_at).or_default() += of(row);
        }
        let (at, count) = sums.into_iter().max_by_key(|(_, count)| *count).filter(|(_, count)| *count > 0)?;
        Some(BusyBucket { at, load: load(count) })
    };
    let counted = [
        most(|row| row.request_count, |count| BusyLoad::Requests { count }),
        most(|row| row.list_count, |count| BusyLoad::Lists { count }),
        most(|row| row.rejected_count, |count| BusyLoad::Rejected { count }),
    ];
    let mut busiest: Vec<BusyBucket> = counted.into_iter().flatten().collect();
    #[expect(clippy::cast_possible_truncation, reason = "seconds of a bucket")]
    let bucket = (input.bucket_secs * 1e6) as Micros;
    busiest.extend(
        highest_peak(input, true)
            .map(|peak| BusyBucket { at: peak.at.div_euclid(bucket) * bucket, load: BusyLoad::MemoryHeld { peak } }),
    );
    busiest
}
