//! All lines, and the ranges that follow from them.

use anyhow::{Context, Result};

use super::line::{Interval, LeavesOut, Line, Prediction, Sample, Variation, join};
use super::runs::{Route, Run};

/// What LISTs that follow one another hold at most, against a burst: this factor on what each holds, and at least so many
/// bytes of garbage.
///
/// Go's collector lets the heap grow to twice what was live at its last cycle. So for each LIST in flight there is garbage
/// of finished ones, up to the size of its live part; and the live heap of the idle server allows for as much garbage. A
/// burst has some of the first in what each LIST holds, and ends before it reaches the second.
pub(super) const TURNOVER: f64 = 1.25;
pub(super) const STANDING_GARBAGE: f64 = 150e6;

/// The lines through all runs.
pub(super) struct Fit<'r> {
    /// The lines of whole LISTs.
    pub(super) whole: Vec<Line<'r>>,
    /// The lines that build on those.
    pub(super) further: Vec<Line<'r>>,
    /// Lines of one encoding each, for comparison with the one line of both.
    pub(super) single: Vec<Line<'r>>,
    /// LISTs that follow one another: MB of garbage of the idle server, and a factor on what each LIST holds.
    pub(super) turnover: Line<'r>,
    /// The spread of all lines of whole LISTs.
    pub(super) spread: Interval,
    /// The runs under APF.
    pub(super) limited: Vec<&'r Run>,
}

/// How many runs are in their range.
pub(super) struct Coverage {
    pub(super) runs: usize,
    /// By the spread of their own line.
    pub(super) in_own: usize,
    /// By the spread of all lines.
    pub(super) in_all: usize,
}

/// What a run holds, at least and at most.
pub(super) struct Ranges {
    /// If its LISTs start together.
    pub(super) burst: Interval,
    /// If its LISTs follow one another.
    pub(super) sustained: Interval,
}

impl<'r> Fit<'r> {
    pub(super) fn try_new(runs: &'r [Run]) -> Result<Self> {
        let burst = || runs.iter().filter(|run| run.set == "burst");
        let whole = whole_lines(runs)?;
        let single = |name, is_json| {
            let runs = burst()
                .filter(move |run| run.is_whole() && run.route() == Route::EtcdBuffered && run.is_json == is_json);
            Line::try_whole(name, runs.map(|run| (run, run.terms()[..2].to_vec())))
        };
        let paged = |name, is_new| {
            let sample =
                |run: &'r Run| Some(Sample { run, terms: vec![run.terms()[0]], known: slack_and_sum(&whole, run)?.1 });
            let samples = burst().filter(|run| run.is_paged() && run.is_new() == is_new).filter_map(sample).collect();
            Line::try_new(name, samples, Variation::Slack)
        };
        let sum = |run: &'r Run| slack_and_sum(&whole, run);
        let protobuf = burst().filter(|run| run.is_single()).filter_map(|run| {
            let (slack, sum) = sum(run)?;
            Some(Sample { run, terms: Vec::new(), known: slack + sum })
        });
        let protobuf = Line::try_new("cache, buffered, protobuf", protobuf.collect(), Variation::Known)?;
        let capped = runs.iter().filter(|run| run.set == "capped");
        let turnover = capped.filter_map(|run| Some((run, vec![1e6, sum(run)?.1])));
        Ok(Self {
            further: vec![paged("pages, old route", false)?, paged("pages, new route", true)?, protobuf],
            single: vec![single("etcd, only JSON", true)?, single("etcd, only protobuf", false)?],
            turnover: Line::try_whole("turnover", turnover)?,
            spread: whole.iter().map(|line| line.interval).reduce(join).context("no lines")?,
            limited: runs.iter().filter(|run| run.set != "burst").collect(),
            whole,
        })
    }

    pub(super) fn lines(&self) -> impl Iterator<Item = &Line<'r>> {
        self.whole.iter().chain(&self.further)
    }

    /// Predicts each run of a line from those that are not left out with it; `None` where these do not determine the line.
    pub(super) fn predict(&self, line: &Line<'_>, leaves_out: LeavesOut) -> Vec<Option<Prediction>> {
        let others = self.whole.iter().filter(|other| other.name != line.name);
        let elsewhere = others.map(|other| other.interval).reduce(join).unwrap_or(self.spread);
        line.samples.iter().map(|sample| line.predict(sample, elsewhere, leaves_out)).collect()
    }

    pub(super) fn coverage(&self, leaves_out: LeavesOut) -> Coverage {
        let all: Vec<_> = self.lines().flat_map(|line| self.predict(line, leaves_out)).collect();
        let count =
            |is_in: fn(&Prediction) -> bool| all.iter().flatten().filter(|prediction| is_in(prediction)).count();
        Coverage {
            runs: all.len(),
            in_own: count(|prediction| prediction.is_in_own),
            in_all: count(|prediction| prediction.is_in_all),
        }
    }

    pub(super) fn ranges(&self, run: &Run) -> Ranges {
        let (slack, sum) = slack_and_sum(&self.whole, run).unwrap_or_default();
        let (low, high) = self.spread;
        let least = (slack + sum) * low;
        Ranges {
            burst: (least, (slack + sum) * high),
            sustained: (least, (slack * high).max(STANDING_GARBAGE) + sum * high * TURNOVER),
        }
    }
}

fn whole_lines(runs: &[Run]) -> Result<Vec<Line<'_>>> {
    let line = |name, route| {
        let runs = runs.iter().filter(|run| run.set == "burst");
        let of_route = runs.filter(move |run| run.is_whole() && run.route() == route);
        Line::try_whole(name, of_route.map(|run| (run, run.terms())))
    };
    Ok(vec![
        line("etcd, buffered", Route::EtcdBuffered)?,
        line("cache, buffered, JSON", Route::CacheBuffered)?,
        line("cache, streamed", Route::CacheStreamed)?,
    ])
}

/// Bytes that are held once, and bytes that all LISTs in flight hold, by the lines of whole LISTs; `None` if there is no
/// line for the route of the run.
fn slack_and_sum(whole: &[Line<'_>], run: &Run) -> Option<(f64, f64)> {
    let line = whole.iter().find(|line| line.samples[0].run.route() == run.route())?;
    let parts: Vec<_> = run.terms().iter().zip(&line.coefficients).map(|(term, price)| term * price).collect();
    Some((parts[0], parts[1..].iter().sum()))
}
