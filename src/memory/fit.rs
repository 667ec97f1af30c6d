//! How far measured memory and the estimate of what LISTs held go together.
//!
//! The two are not the same thing: a process keeps memory for a while that it no longer needs, and holds caches and watches
//! besides. So the correlation (Pearson's r) is taken between each sample and the highest estimate since the one before, and
//! growth is looked at by itself: each step up of the measured memory is laid to whoever's LISTs held most of the estimate
//! then. That shows what lines up in time, which is no proof of a cause.

use serde::Serialize;

/// What LISTs held in a stretch of time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stretch {
    /// When it begins, in microseconds since 1970.
    pub from: i64,
    /// When it ends.
    pub to: i64,
    /// What each group of clients held at the worst instant, middle of the estimate, in bytes.
    pub held: Vec<f64>,
}

/// How far the two go together.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Fit {
    /// Samples that lie in the time that was looked at.
    pub sample_count: usize,
    /// The highest of them, in bytes.
    pub peak_bytes: f64,
    /// When that was, in microseconds since 1970.
    #[serde(skip)]
    pub peak_at: i64,
    /// The lowest, in bytes.
    pub least_bytes: f64,
    /// Pearson's r, from -1 to 1; `None` of fewer than 8 samples, or where either doesn't change at all.
    pub correlation: Option<f64>,
    /// By how much the memory grew in all steps up together, in bytes.
    pub growth_bytes: f64,
    /// The part of that during which LISTs of known size were in flight, from 0 to 1.
    pub explained_share: f64,
    /// The part of the growth that came while each group held some of the estimate, in proportion to it, by group.
    pub growth_shares: Vec<f64>,
}

/// Fewer samples tell of no correlation.
const LEAST_SAMPLES: usize = 8;

/// Compares samples (time, bytes) with what LISTs held, both by time; `None` if no sample lies in that time.
pub fn fit(samples: &[(i64, f64)], stretches: &[Stretch]) -> Option<Fit> {
    let (first, last) = (stretches.first()?.from, stretches.last()?.to);
    let samples: Vec<(i64, f64)> = samples.iter().copied().filter(|(at, _)| (first..=last).contains(at)).collect();
    let (peak_at, peak_bytes) = samples.iter().copied().max_by(|one, other| one.1.total_cmp(&other.1))?;
    let least_bytes = samples.iter().map(|(_, bytes)| *bytes).fold(f64::INFINITY, f64::min);
    let groups = stretches.iter().map(|stretch| stretch.held.len()).max().unwrap_or_default();
    let (mut estimates, mut measured) = (Vec::new(), Vec::new());
    let (mut growth, mut explained, mut growth_of) = (0.0, 0.0, vec![0.0; groups]);
    for pair in samples.windows(2) {
        let [(from, before), (to, after)] = pair else { continue };
        let held = held_between(stretches, *from, *to, groups);
        let sum: f64 = held.iter().sum();
        estimates.push(sum);
        measured.push(*after);
        let step = (after - before).max(0.0);
        growth += step;
        if sum > 0.0 {
            explained += step;
            growth_of.iter_mut().zip(&held).for_each(|(growth, held)| *growth += step * held / sum);
        }
    }
    let share = |part: f64| if growth > 0.0 { part / growth } else { 0.0 };
    Some(Fit {
        sample_count: samples.len(),
        peak_bytes,
        peak_at,
        least_bytes,
        correlation: correlation(&estimates, &measured),
        growth_bytes: growth,
        explained_share: share(explained),
        growth_shares: growth_of.into_iter().map(share).collect(),
    })
}

/// What the groups held in the worst stretch that meets a span of time.
fn held_between(stretches: &[Stretch], from: i64, to: i64, groups: usize) -> Vec<f64> {
    let meets = stretches.iter().filter(|stretch| stretch.from < to && stretch.to > from);
    let sum = |stretch: &&Stretch| stretch.held.iter().sum::<f64>();
    let worst = meets.max_by(|one, other| sum(one).total_cmp(&sum(other)));
    let mut held = worst.map(|stretch| stretch.held.clone()).unwrap_or_default();
    held.resize(groups, 0.0);
    held
}

fn correlation(one: &[f64], other: &[f64]) -> Option<f64> {
    if one.len() < LEAST_SAMPLES {
        return None;
    }
    #[expect(clippy::cast_precision_loss, reason = "a number of samples")]
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let (mean_one, mean_other) = (mean(one), mean(other));
    let sum = |of: &dyn Fn(f64, f64) -> f64| -> f64 {
        one.iter().zip(other).map(|(a, b)| of(a - mean_one, b - mean_other)).sum()
    };
    let (both, squares_one, squares_other) = (sum(&|a, b| a * b), sum(&|a, _| a * a), sum(&|_, b| b * b));
    let divisor = (squares_one * squares_other).sqrt();
    (divisor > 0.0).then(|| (both / divisor).clamp(-1.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stretches(held: &[[f64; 2]]) -> Vec<Stretch> {
        (0..).zip(held).map(|(at, held)| Stretch { from: at * 10, to: (at + 1) * 10, held: held.to_vec() }).collect()
    }

    #[test]
    fn growth_is_laid_to_whoever_held_most_meanwhile() {
        let samples = [(0, 100.0), (10, 100.0), (20, 400.0), (30, 350.0), (40, 450.0)];
        let fit = fit(&samples, &stretches(&[[0.0, 0.0], [30.0, 10.0], [0.0, 0.0], [0.0, 0.0]])).unwrap();
        assert_eq!((fit.sample_count, fit.peak_at), (5, 40));
        assert!((fit.growth_bytes - 400.0).abs() < 1e-9);
        assert!((fit.explained_share - 0.75).abs() < 1e-9);
        assert!((fit.growth_shares[0] - 0.5625).abs() < 1e-9);
        assert_eq!(fit.correlation, None);
    }

    #[test]
    fn what_rises_and_falls_together_correlates() {
        let held: Vec<[f64; 2]> = (0..20).map(|at| [f64::from(at % 5) * 10.0, 0.0]).collect();
        let samples: Vec<(i64, f64)> =
            (0..=20).map(|at| (at * 10, f64::from(i32::try_from((at + 4) % 5).unwrap()) + 50.0)).collect();
        let with = fit(&samples, &stretches(&held)).unwrap();
        assert!(with.correlation.unwrap() > 0.999, "{with:?}");
        let flat: Vec<(i64, f64)> = samples.iter().map(|(at, _)| (*at, 5.0)).collect();
        assert_eq!(fit(&flat, &stretches(&held)).unwrap().correlation, None);
        assert_eq!(fit(&[(1_000, 1.0)], &stretches(&held)), None);
    }
}
