//! What measured memory says of the estimate: whether it follows, and whose lists were in flight when it grew.

use serde::Serialize;

use super::{IncidentThresholds, ListPressure, Moment};
use crate::audit::Micros;
use crate::memory::{Fit, Stretch, fit};

/// How measured memory compares with the estimate of what lists held. That the two line up in time is no proof of a cause.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MemoryGrowth {
    /// Samples before the moment.
    pub sample_count: usize,
    /// Pearson's r between the two, from -1 to 1; `None` where there are too few samples.
    pub correlation: Option<f64>,
    /// By how much the memory grew in the run-up, all steps up together, in bytes.
    pub growth_bytes: u64,
    /// The part of that growth that came while lists of known size were in flight, from 0 to 1.
    pub explained_share: f64,
    /// The part of that growth by type of client, the most first.
    pub by_client_type: Vec<(String, f64)>,
    /// The highest sample, in bytes.
    pub peak_bytes: u64,
}

/// Compares samples (time, bytes) with what lists held on the moment's server, in buckets of `step` from `from` on. Samples
/// after an end are of another process. Only growth in the run-up counts; the correlation is that of all of the time.
pub fn measure_growth(
    samples: &[(Micros, f64)],
    moment: &Moment,
    pressure: &[ListPressure],
    (from, to): (Micros, Micros),
    step: Micros,
    thresholds: &IncidentThresholds,
) -> MemoryGrowth {
    let until = if moment.back_at.is_some() { moment.at } else { to };
    let own: Vec<&ListPressure> = pressure.iter().filter(|row| row.apiserver == moment.apiserver).collect();
    let mut types: Vec<&str> = own.iter().map(|row| row.client_type.as_str()).collect();
    types.sort_unstable();
    types.dedup();
    let stretches = held_by_bucket(&own, &types, (from.div_euclid(step) * step, until), step);
    let before: Vec<(Micros, f64)> = samples.iter().copied().filter(|(at, _)| *at <= until).collect();
    let run_up = until - thresholds.run_up();
    let last: Vec<(Micros, f64)> = before.iter().copied().filter(|(at, _)| *at >= run_up).collect();
    MemoryGrowth::from_fits(fit(&before, &stretches), fit(&last, &stretches), &types)
}

/// What each type of client held in each bucket.
fn held_by_bucket(
    rows: &[&ListPressure],
    types: &[&str],
    (from, until): (Micros, Micros),
    step: Micros,
) -> Vec<Stretch> {
    let buckets = usize::try_from((until - from).div_euclid(step) + 1).unwrap_or_default();
    let bucket =
        |at: Micros| Stretch { from: from + at * step, to: from + (at + 1) * step, held: vec![0.0; types.len()] };
    let mut stretches: Vec<Stretch> = (0..).take(buckets).map(bucket).collect();
    for row in rows {
        let bucket = usize::try_from((row.bucket_at - from).div_euclid(step)).ok();
        let stretch = bucket.and_then(|bucket| stretches.get_mut(bucket));
        let index = types.iter().position(|name| *name == row.client_type);
        if let (Some(stretch), Some(index)) = (stretch, index) {
            #[expect(clippy::cast_precision_loss, reason = "estimates of bytes")]
            let middle = f64::midpoint(row.inflight_low_bytes as f64, row.inflight_high_bytes as f64);
            stretch.held[index] += middle;
        }
    }
    stretches
}

impl MemoryGrowth {
    /// From the fit over all of the time and that over the run-up, both made for these types of client.
    fn from_fits(all: Option<Fit>, run_up: Option<Fit>, types: &[&str]) -> Self {
        let (all, run_up) = (all.unwrap_or_default(), run_up.unwrap_or_default());
        let shares = types.iter().map(|name| (*name).to_owned()).zip(run_up.growth_shares.iter().copied());
        let mut by_client_type: Vec<(String, f64)> = shares.filter(|(_, share)| *share > 0.0).collect();
        by_client_type.sort_by(|one, other| other.1.total_cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bytes of a process")]
        let whole = |bytes: f64| bytes.max(0.0) as u64;
        Self {
            sample_count: all.sample_count,
            correlation: all.correlation,
            growth_bytes: whole(run_up.growth_bytes),
            explained_share: run_up.explained_share,
            by_client_type,
            peak_bytes: whole(all.peak_bytes),
        }
    }
}
