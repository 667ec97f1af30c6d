//! A line through runs: its coefficients by least squares, its spread, and predictions from it.

use anyhow::{Context, Result};

use super::runs::Run;

/// Bounds, both included.
pub(super) type Interval = (f64, f64);

/// Whether the second run is left out when the first is predicted.
pub(super) type LeavesOut = fn(&Run, &Run) -> bool;

/// A line through runs.
pub(super) struct Line<'r> {
    pub(super) name: &'static str,
    pub(super) samples: Vec<Sample<'r>>,
    pub(super) variation: Variation,
    pub(super) coefficients: Vec<f64>,
    /// The smallest interval that holds what varies, as measured in all samples.
    pub(super) interval: Interval,
}

/// A run with the terms of its line.
pub(super) struct Sample<'r> {
    pub(super) run: &'r Run,
    pub(super) terms: Vec<f64>,
    /// Bytes that other lines explain.
    pub(super) known: f64,
}

/// What of a line varies from run to run.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Variation {
    /// All of it.
    Whole,
    /// Its only coefficient. The known part varies like whole lines.
    Slack,
    /// Nothing is fitted: it varies like whole lines.
    Known,
}

/// What other runs predict for one.
pub(super) struct Prediction {
    /// Predicted / measured − 1.
    pub(super) error: f64,
    /// Whether the run is in the range by the spread of its own line.
    pub(super) is_in_own: bool,
    /// Whether the run is in the range by the spread of all lines.
    pub(super) is_in_all: bool,
}

impl<'r> Line<'r> {
    pub(super) fn try_new(name: &'static str, samples: Vec<Sample<'r>>, variation: Variation) -> Result<Self> {
        let coefficients = fit(&samples).with_context(|| format!("the runs do not determine the line {name:?}"))?;
        let interval = hull(&samples, variation, &coefficients).with_context(|| format!("no runs for {name:?}"))?;
        Ok(Self { name, samples, variation, coefficients, interval })
    }

    /// A line all of whose parts are fitted.
    pub(super) fn try_whole(name: &'static str, runs: impl Iterator<Item = (&'r Run, Vec<f64>)>) -> Result<Self> {
        let samples = runs.map(|(run, terms)| Sample { run, terms, known: 0.0 }).collect();
        Self::try_new(name, samples, Variation::Whole)
    }

    /// Predicts a sample from those that are not left out with it; `None` if these do not determine the line. `elsewhere` is
    /// the spread of the other lines.
    pub(super) fn predict(
        &self,
        sample: &Sample<'_>,
        elsewhere: Interval,
        leaves_out: LeavesOut,
    ) -> Option<Prediction> {
        let others = || self.samples.iter().filter(|other| !leaves_out(sample.run, other.run));
        let coefficients = fit(others())?;
        let own = hull(others(), self.variation, &coefficients).unwrap_or(elsewhere);
        let all = if self.variation == Variation::Whole { join(own, elsewhere) } else { own };
        Some(Prediction {
            error: sample.predict(&coefficients) / sample.run.rise_bytes - 1.0,
            is_in_own: sample.is_in(&coefficients, self.variation, own, elsewhere),
            is_in_all: sample.is_in(&coefficients, self.variation, all, elsewhere),
        })
    }
}

impl Sample<'_> {
    fn predict(&self, coefficients: &[f64]) -> f64 {
        self.known + self.terms.iter().zip(coefficients).map(|(term, coefficient)| term * coefficient).sum::<f64>()
    }

    /// What varies, as measured in this run: measured / fitted, or the slack.
    fn measured(&self, coefficients: &[f64], variation: Variation) -> f64 {
        match variation {
            Variation::Whole | Variation::Known => self.run.rise_bytes / self.predict(coefficients),
            Variation::Slack => (self.run.rise_bytes - self.known) / self.terms[0],
        }
    }

    /// Whether it is in its range, given the spread of its own line and that of whole lines.
    fn is_in(&self, coefficients: &[f64], variation: Variation, own: Interval, whole: Interval) -> bool {
        let scale = |part: f64, (low, high): Interval| (part * low, part * high);
        let (low, high) = match variation {
            Variation::Whole => scale(self.predict(coefficients), own),
            Variation::Known => scale(self.predict(coefficients), whole),
            Variation::Slack => {
                let (slack, known) = (scale(self.terms[0], own), scale(self.known, whole));
                (slack.0 + known.0, slack.1 + known.1)
            }
        };
        // The run at the end of an interval is in it, whatever the last digit.
        low * (1.0 - 1e-9) <= self.run.rise_bytes && self.run.rise_bytes <= high * (1.0 + 1e-9)
    }
}

/// The smallest interval that holds both.
pub(super) fn join(one: Interval, other: Interval) -> Interval {
    (one.0.min(other.0), one.1.max(other.1))
}

/// The smallest interval that holds what varies in all of these samples; `None` if there are none.
fn hull<'s, 'r: 's>(
    samples: impl IntoIterator<Item = &'s Sample<'r>>,
    variation: Variation,
    coefficients: &[f64],
) -> Option<Interval> {
    let measured = samples.into_iter().map(|sample| sample.measured(coefficients, variation));
    measured.map(|value| (value, value)).reduce(join)
}

/// The coefficients that minimize the squares of the relative errors; `None` if the samples do not determine them.
fn fit<'s, 'r: 's>(samples: impl IntoIterator<Item = &'s Sample<'r>>) -> Option<Vec<f64>> {
    let mut equations: Vec<Vec<f64>> = Vec::new();
    for sample in samples {
        let relative = |value: &f64| value / sample.run.rise_bytes;
        let row: Vec<_> = sample.terms.iter().map(relative).chain([1.0 - relative(&sample.known)]).collect();
        equations.resize(sample.terms.len(), vec![0.0; row.len()]);
        for (equation, factor) in equations.iter_mut().zip(&row) {
            equation.iter_mut().zip(&row).for_each(|(sum, value)| *sum += factor * value);
        }
    }
    solve(equations)
}

/// Solves normal equations, with the right side last. They are symmetric and positive, so that no pivot search is needed.
fn solve(mut equations: Vec<Vec<f64>>) -> Option<Vec<f64>> {
    let diagonal: Vec<_> = equations.iter().enumerate().map(|(index, equation)| equation[index]).collect();
    for (index, whole) in diagonal.into_iter().enumerate() {
        let pivot = equations[index][index];
        if pivot <= whole * 1e-9 {
            return None;
        }
        let row: Vec<_> = equations[index].iter().map(|value| value / pivot).collect();
        for equation in &mut equations {
            let factor = equation[index];
            equation.iter_mut().zip(&row).for_each(|(value, part)| *value -= factor * part);
        }
        equations[index] = row;
    }
    equations.into_iter().map(|equation| equation.last().copied()).collect()
}
