//! What measured memory says of the estimate: whether it follows, what bounds it, and whose lists were in flight when it grew.

use serde::Serialize;

use super::falls::whole;
use super::thresholds::micros;
use super::{IncidentThresholds, ListPressure, MemoryFall, Moment, PressurePeak};
use crate::audit::Micros;
use crate::findings::Bytes;
use crate::memory::{Fit, Stretch, fit};

/// How measured memory compares with the estimate of what lists held. That the two line up in time is no proof of a cause.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct MemoryGrowth {
    /// Samples that were compared: those before an end, or all that are shown.
    pub sample_count: usize,
    /// Pearson's r between the two, from -1 to 1; `None` where there are too few samples.
    pub correlation: Option<f64>,
    /// By how much the memory grew near the moment, all steps up together, in bytes.
    pub growth_bytes: u64,
    /// The part of that growth that came while lists of known size were in flight, from 0 to 1.
    pub explained_share: f64,
    /// The part of that growth by type of client, the most first.
    pub by_client_type: Vec<(String, f64)>,
    /// The highest sample, in bytes.
    pub peak_bytes: u64,
    /// The lowest sample of the same process up to its highest one near the moment, in bytes.
    pub base_bytes: u64,
    /// The highest sample near the moment over the base, in bytes; garbage is in it.
    pub rise_bytes: u64,
    /// What lists held at most, in bytes: the rise, and what may have been free in the base. `None` where no sample is near
    /// enough to the peak to show it.
    pub at_most_bytes: Option<u64>,
    /// The fall of measured memory at the moment; `None` where it didn't fall.
    pub fall: Option<MemoryFall>,
}

/// Measured memory, and what it is compared with.
#[derive(Clone, Copy, Debug)]
pub struct GrowthInput<'g> {
    /// All samples (time, bytes) of the server, by time.
    pub samples: &'g [(Micros, f64)],
    /// When the process that the moment is about began at the latest: samples before are of another.
    pub born_at: Micros,
    /// What lists held, in buckets of `step`.
    pub pressure: &'g [ListPressure],
    /// The length of a bucket.
    pub step: Micros,
    /// The span that is looked at.
    pub window: (Micros, Micros),
}

/// Compares samples with what lists held on the moment's server. Samples after an end are of another process. Only growth near
/// the moment counts; the correlation is that of all of the time.
pub fn measure_growth(input: &GrowthInput<'_>, moment: &Moment, thresholds: &IncidentThresholds) -> MemoryGrowth {
    let (from, to) = input.window;
    let until = if moment.is_end() { moment.at } else { to };
    let own: Vec<&ListPressure> = input.pressure.iter().filter(|row| row.apiserver == moment.apiserver).collect();
    let mut types: Vec<&str> = own.iter().map(|row| row.client_type.as_str()).collect();
    types.sort_unstable();
    types.dedup();
    let first = own.iter().map(|row| row.bucket_at).min().unwrap_or(from);
    let from_bucket = from - (from - first).rem_euclid(input.step);
    let stretches = held_by_bucket(&own, &types, (from_bucket, until), input.step);
    let of_process = |(at, _): &&(Micros, f64)| (input.born_at..=until).contains(at);
    let process: Vec<(Micros, f64)> = input.samples.iter().filter(of_process).copied().collect();
    let within = |from: Micros, to: Micros| -> Vec<(Micros, f64)> {
        process.iter().copied().filter(|(at, _)| (from..=to).contains(at)).collect()
    };
    let (before, near) = (within(from, until), within(moment.at - thresholds.run_up(), near_end(moment, thresholds)));
    let fits = (fit(&before, &stretches), fit(&near, &stretches));
    let rise = Rise::measure(&process, &near);
    MemoryGrowth {
        base_bytes: whole(rise.base),
        rise_bytes: whole(rise.rise()),
        at_most_bytes: is_peak_sampled(&near, moment, thresholds)
            .then(|| whole(rise.rise() + thresholds.free_share * rise.base)),
        ..MemoryGrowth::from_fits(fits, &types)
    }
}

/// Until when what is measured is of the moment: to an end, or as long after the moment as a run-up is before.
fn near_end(moment: &Moment, thresholds: &IncidentThresholds) -> Micros {
    if moment.is_end() { moment.at } else { moment.at + thresholds.run_up() }
}

/// Whether a sample shows what was held at the last peak. A process that goes on gives memory back over minutes; one that is
/// killed grows until it is.
fn is_peak_sampled(near: &[(Micros, f64)], moment: &Moment, thresholds: &IncidentThresholds) -> bool {
    let since = if moment.is_end() {
        moment.at - micros(thresholds.sample_near_secs)
    } else {
        moment.final_peak.map_or(moment.at, |peak| peak.at)
    };
    near.iter().any(|(at, _)| *at >= since)
}

/// The lowest and the highest sample, in bytes.
#[derive(Clone, Copy, Default)]
struct Rise {
    base: f64,
    peak: f64,
}

impl Rise {
    /// Of a process with these samples, of which some are near a moment.
    fn measure(process: &[(Micros, f64)], near: &[(Micros, f64)]) -> Self {
        let Some((peak_at, peak)) = near.iter().copied().max_by(|one, other| one.1.total_cmp(&other.1)) else {
            return Self::default();
        };
        let earlier = process.iter().filter(|(at, _)| *at <= peak_at).map(|(_, bytes)| *bytes);
        Self { base: earlier.fold(peak, f64::min), peak }
    }

    fn rise(self) -> f64 {
        self.peak - self.base
    }
}

impl PressurePeak {
    /// The same peak with an estimate that is no more than measured memory allows.
    #[must_use]
    pub fn capped(self, growth: &MemoryGrowth) -> Self {
        let Some((most, bytes)) = growth.at_most_bytes.zip(self.estimated_bytes) else { return self };
        let capped = cap(bytes, most);
        let uncapped_bytes = (capped != bytes).then_some(bytes);
        Self { estimated_bytes: Some(capped), uncapped_bytes, ..self }
    }
}

/// An estimate that is no more than something else allows. Where that contradicts it, nothing but the bound is known.
pub(super) fn cap(bytes: Bytes, most: u64) -> Bytes {
    let low = if bytes.low > most { 0 } else { bytes.low };
    Bytes { low, high: Some(bytes.high.map_or(most, |high| high.min(most))) }
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
    /// From the fit over all of the time and that near the moment, both made for these types of client.
    fn from_fits((all, near): (Option<Fit>, Option<Fit>), types: &[&str]) -> Self {
        let (all, near) = (all.unwrap_or_default(), near.unwrap_or_default());
        let shares = types.iter().map(|name| (*name).to_owned()).zip(near.growth_shares.iter().copied());
        let mut by_client_type: Vec<(String, f64)> = shares.filter(|(_, share)| *share > 0.0).collect();
        by_client_type.sort_by(|one, other| other.1.total_cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
        Self {
            sample_count: all.sample_count,
            correlation: all.correlation,
            growth_bytes: whole(near.growth_bytes),
            explained_share: near.explained_share,
            by_client_type,
            peak_bytes: whole(all.peak_bytes),
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::{MomentKind, Thresholds};

    const SECOND: Micros = 1_000_000;

    fn growth(samples: &[(Micros, f64)], moment: &Moment) -> MemoryGrowth {
        let samples: Vec<(Micros, f64)> = samples.iter().map(|(secs, bytes)| (secs * SECOND, *bytes)).collect();
        let window = (0, 1_000 * SECOND);
        let input = GrowthInput { samples: &samples, born_at: 0, pressure: &[], step: 10 * SECOND, window };
        measure_growth(&input, moment, &Thresholds::embedded().incident)
    }

    #[test]
    fn what_lists_held_is_at_most_the_rise_and_what_was_free_before() {
        let died = Moment { back_at: Some(310 * SECOND), ..Moment::without_end(MomentKind::Death, 300 * SECOND) };
        let samples = [(0, 350.0), (100, 400.0), (250, 3_000.0), (298, 5_000.0), (310, 300.0)];
        let measured = growth(&samples, &died);
        assert_eq!((measured.base_bytes, measured.rise_bytes), (350, 4_650));
        assert_eq!(measured.at_most_bytes, Some(4_825));
        assert_eq!(growth(&samples[..3], &died).at_most_bytes, None, "the last 50 s have no sample");
    }

    #[test]
    fn of_a_server_that_goes_on_the_peak_may_be_sampled_later() {
        let peak = Moment::without_end(MomentKind::Peak, 300 * SECOND);
        assert_eq!(growth(&[(0, 350.0), (340, 1_000.0)], &peak).at_most_bytes, Some(825));
        assert_eq!(growth(&[(0, 350.0), (290, 1_000.0)], &peak).at_most_bytes, None);
    }

    #[test]
    fn a_cap_only_narrows() {
        let peak = PressurePeak {
            at: 0,
            inflight: 1,
            unknown: 0,
            estimated_bytes: Some(Bytes { low: 100, high: None }),
            uncapped_bytes: None,
        };
        let capped = |most| peak.capped(&MemoryGrowth { at_most_bytes: Some(most), ..MemoryGrowth::default() });
        assert_eq!(capped(300).estimated_bytes, Some(Bytes { low: 100, high: Some(300) }));
        assert_eq!(capped(60).estimated_bytes, Some(Bytes { low: 0, high: Some(60) }), "the estimate is wrong");
        assert_eq!(capped(60).uncapped_bytes, Some(Bytes { low: 100, high: None }));
        assert_eq!(peak.capped(&MemoryGrowth::default()), peak);
    }
}
