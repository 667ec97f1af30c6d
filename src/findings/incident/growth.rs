//! What measured memory says of the estimate: whether it follows, and whose lists were in flight when it grew.

use serde::Serialize;

use super::moment::FINAL_MICROS;
use super::{ListPressure, Moment};
use crate::audit::Micros;
use crate::memory::{Fit, Stretch, fit};
use crate::units;

/// What measured memory says of the estimate.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Growth {
    /// Pearson's r between the two, from -1 to 1; `None` where there are too few samples.
    pub correlation: Option<f64>,
    /// By how much the memory grew in the last two minutes, all steps up together, in bytes.
    pub growth_bytes: u64,
    /// The part of that growth that came while lists of known size were in flight, from 0 to 1.
    pub explained_share: f64,
    /// The part of that growth by type of client, the most first.
    pub by_client_type: Vec<(String, f64)>,
    /// The highest sample, in bytes.
    pub peak_bytes: u64,
    /// All that in a sentence.
    pub summary: String,
}

/// Compares samples (time, bytes) with what lists held on the moment's server, in buckets of `step` from `from` on. What came
/// after an end is of another process. Growth that matters is that of the last two minutes; how well the two follow each
/// other is told by all of the time.
pub fn growth(
    samples: &[(Micros, f64)],
    moment: &Moment,
    pressure: &[ListPressure],
    (from, to): (Micros, Micros),
    step: Micros,
) -> Growth {
    let until = if moment.back_at.is_some() { moment.at } else { to };
    let own: Vec<&ListPressure> = pressure.iter().filter(|row| row.apiserver == moment.apiserver).collect();
    let mut types: Vec<&str> = own.iter().map(|row| row.client_type.as_str()).collect();
    types.sort_unstable();
    types.dedup();
    let stretches = stretches(&own, &types, (from.div_euclid(step) * step, until), step);
    let before: Vec<(Micros, f64)> = samples.iter().copied().filter(|(at, _)| *at <= until).collect();
    let last: Vec<(Micros, f64)> = before.iter().copied().filter(|(at, _)| *at >= until - FINAL_MICROS).collect();
    Growth::of(fit(&before, &stretches), fit(&last, &stretches), &types)
}

/// What each type of client held in each bucket.
fn stretches(rows: &[&ListPressure], types: &[&str], (from, until): (Micros, Micros), step: Micros) -> Vec<Stretch> {
    let buckets = usize::try_from((until - from).div_euclid(step) + 1).unwrap_or_default();
    let bucket =
        |at: Micros| Stretch { from: from + at * step, to: from + (at + 1) * step, held: vec![0.0; types.len()] };
    let mut stretches: Vec<Stretch> = (0..).take(buckets).map(bucket).collect();
    for row in rows {
        let bucket = usize::try_from((row.bucket_at - from).div_euclid(step)).ok();
        let stretch = bucket.and_then(|bucket| stretches.get_mut(bucket));
        let place = types.iter().position(|name| *name == row.client_type);
        if let (Some(stretch), Some(place)) = (stretch, place) {
            #[expect(clippy::cast_precision_loss, reason = "estimates of bytes")]
            let middle = f64::midpoint(row.inflight_low_bytes as f64, row.inflight_high_bytes as f64);
            stretch.held[place] += middle;
        }
    }
    stretches
}

impl Growth {
    /// What two fits say: that of all of the time, and that of the last two minutes; `types` are the groups that they were made
    /// for.
    fn of(all: Option<Fit>, last: Option<Fit>, types: &[&str]) -> Self {
        let (all, last) = (all.unwrap_or_default(), last.unwrap_or_default());
        let shares = types.iter().map(|name| (*name).to_owned()).zip(last.growth_shares.iter().copied());
        let mut by_client_type: Vec<(String, f64)> = shares.filter(|(_, share)| *share > 0.0).collect();
        by_client_type.sort_by(|one, other| other.1.total_cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bytes of a process")]
        let whole = |bytes: f64| bytes.max(0.0) as u64;
        let (growth_bytes, peak_bytes) = (whole(last.growth_bytes), whole(all.peak_bytes));
        Self {
            correlation: all.correlation,
            growth_bytes,
            explained_share: last.explained_share,
            summary: growth_words(&all, &last, &by_client_type),
            by_client_type,
            peak_bytes,
        }
    }
}

fn growth_words(all: &Fit, last: &Fit, by_client_type: &[(String, f64)]) -> String {
    if all.sample_count < 2 {
        return "There are too few samples of the measured memory before the moment to compare with the estimate."
            .to_owned();
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bytes of a process")]
    let bytes = |bytes: f64| units::bytes(bytes.max(0.0) as u64);
    let samples = all.sample_count;
    let fits = match all.correlation {
        None => "too few samples, or too flat, to tell whether it follows the estimate".to_owned(),
        Some(r) if r >= 0.6 => format!("it follows the estimate well (r = {r:.2} over {samples} samples)"),
        Some(r) if r >= 0.3 => format!("it follows the estimate loosely (r = {r:.2} over {samples} samples)"),
        Some(r) => format!("it doesn't follow the estimate (r = {r:.2} over {samples} samples)"),
    };
    let shares: Vec<String> =
        by_client_type.iter().take(3).map(|(name, share)| format!("{name} {:.0} %", share * 100.0)).collect();
    let laid = if shares.is_empty() {
        "no LIST of known size was in flight meanwhile".to_owned()
    } else {
        format!("laid to those whose LISTs were in flight meanwhile, by what they held: {}", shares.join(", "))
    };
    format!(
        "Measured memory rose to {} before the moment; {fits}. In the last two minutes its steps up come to {}; {laid}. That they line \
         up in time is no proof of a cause.",
        bytes(all.peak_bytes),
        bytes(last.growth_bytes)
    )
}
