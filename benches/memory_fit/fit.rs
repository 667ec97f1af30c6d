//! The ranges that follow from the prices, and how many runs they hold.

use super::prices::{self, AllPrices, Part, Prices, maps, once_and_each, terms};
use super::runs::{Content, Form, LeavesOut, Run, Set, is_same_kind, nothing};

/// Bounds, both included.
pub(super) type Interval = (f64, f64);

/// What LISTs that follow one another hold at most, against a burst: this factor on what each holds, and at least so many
/// bytes of garbage.
///
/// Go's collector lets the heap grow to twice what was live at its last cycle. So for each LIST in flight there is garbage
/// of finished ones, up to the size of its live part; and the live heap of the idle server allows for as much garbage. A
/// burst has some of the first in what each LIST holds, and ends before it reaches the second.
pub(super) const TURNOVER: f64 = 1.25;
pub(super) const STANDING_GARBAGE: f64 = 150e6;

/// Built-in kinds that weren't measured may be to those that were what pods are to the rest: nearly twice as much.
pub(super) const UNSEEN_KIND: Interval = (0.7, 1.8);

/// What of a pod's price any object has: metadata alone are a quarter of the largest struct.
pub(super) const LEAST_STRUCT: f64 = 0.25;

/// What of their price big strings from the cache take at least: all of it is garbage, and where less lives, less of that
/// stands. Two storms on a real server, with less in its caches than when this was measured, held as little.
pub(super) const LEAST_OF_STRINGS: f64 = 1.0 / 3.0;

/// Maps in a custom resource: its metadata have ten (labels, annotations, managed fields), unless it is tiny; and at most
/// there is one for so many bytes.
pub(super) const METADATA_MAPS: f64 = 10.0;
pub(super) const BYTES_PER_MAP: Interval = (50.0, 100.0);

/// Bytes for each map where they are closest, of all that was measured.
const DENSEST: f64 = 1467.0 / 27.0;

/// Garbage that pages of a chain leave, once for all chains: for each byte of the collection, and in all.
pub(super) const PAGE_GARBAGE: f64 = 60.0;
pub(super) const MOST_PAGE_GARBAGE: f64 = 520e6;

/// All that is fitted.
pub(super) struct Fit<'r> {
    pub(super) runs: &'r [Run],
    pub(super) prices: AllPrices,
    /// Measured / fitted of all whole LISTs; of those in a series only the lower end, as garbage stands above it.
    pub(super) spread: Interval,
    /// LISTs that follow one another: MB of garbage of the idle server, and a factor on what each LIST holds.
    pub(super) turnover: [f64; 2],
}

/// How a run compares with what other runs predict.
pub(super) struct Judged<'r> {
    pub(super) run: &'r Run,
    /// Predicted / measured − 1; `None` for pages, whose garbage has bounds only.
    pub(super) error: Option<f64>,
    pub(super) range: Interval,
}

impl Judged<'_> {
    pub(super) fn is_in(&self) -> bool {
        // The run at the end of an interval is in it, whatever the last digit.
        self.range.0 * (1.0 - 1e-6) <= self.run.rise_bytes && self.run.rise_bytes <= self.range.1 * (1.0 + 1e-6)
    }
}

/// What is known of a kind.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// It was measured. Of custom resources only the size is known all the same.
    Measured,
    /// A built-in one that wasn't.
    Unseen,
}

impl<'r> Fit<'r> {
    pub(super) fn new(runs: &'r [Run]) -> Self {
        let prices = prices::fit(runs, &runs[0], nothing);
        let capped = runs.iter().filter(|run| run.set == Set::Capped);
        let turnover = capped.map(|run| ([1e6, each(run, &prices)], run.rise_bytes));
        Self {
            runs,
            prices,
            spread: spread(runs, &prices, &runs[0], nothing),
            turnover: prices::solve(turnover, &[0.0; 2]),
        }
    }

    /// Each run against the range made without those that are left out with it.
    pub(super) fn judge(&self, leaves_out: LeavesOut) -> Vec<Judged<'r>> {
        self.runs.iter().filter(|run| run.is_judged()).map(|run| self.judge_run(run, leaves_out)).collect()
    }

    fn judge_run(&self, run: &'r Run, leaves_out: LeavesOut) -> Judged<'r> {
        let prices = prices::fit(self.runs, run, leaves_out);
        let is_kind_left = self.runs.iter().any(|other| is_same_kind(run, other) && !leaves_out(run, other));
        let kind = if is_kind_left || run.content() == Content::Maps { Kind::Measured } else { Kind::Unseen };
        let spread = match kind {
            Kind::Measured => spread(self.runs, &prices, run, leaves_out),
            Kind::Unseen => UNSEEN_KIND,
        };
        let custom = self.runs.iter().filter(|other| other.content() == Content::Maps && !leaves_out(run, other));
        let density = custom.map(|other| other.maps_per_object() / other.object_bytes()).fold(0.0, f64::max);
        let range = range(run, &prices, spread, kind, density * DENSEST / BYTES_PER_MAP.0);
        let error = (!run.is_paged()).then(|| point(run, &prices) / run.rise_bytes - 1.0);
        Judged { run, error, range }
    }

    /// The range of a run by all runs.
    pub(super) fn range(&self, run: &Run) -> Interval {
        range(run, &self.prices, self.spread, Kind::Measured, 1.0 / BYTES_PER_MAP.0)
    }

    /// What a run under API Priority and Fairness holds: as a burst, and if its LISTs follow one another.
    pub(super) fn limited(&self, run: &Run) -> (Interval, Interval) {
        let (once, each) = once_and_each(&terms(run, run.content(), 0.0), self.prices.of(run.content()));
        let (low, high) = self.spread;
        let least = (once + each) * low;
        let sustained = (once * high).max(STANDING_GARBAGE) + each * high * TURNOVER;
        ((least, (once + each) * high), (least, sustained))
    }

    /// What indenting costs, for each byte of JSON that isn't indented, by run.
    pub(super) fn pretty(&self) -> Vec<(&'r Run, f64)> {
        let pretty = self.runs.iter().filter(|run| run.form == Form::Pretty);
        pretty.map(|run| (run, (run.rise_bytes - point(run, &self.prices)) / (run.count() * run.bytes()))).collect()
    }

    /// What chains of pages hold beyond their pages: bytes in all, and for each byte of the collection, by run.
    pub(super) fn page_garbage(&self) -> Vec<(&'r Run, f64, f64)> {
        let paged = self.runs.iter().filter(|run| run.is_paged());
        paged
            .map(|run| {
                let garbage = run.rise_bytes - point(run, &self.prices);
                (run, garbage, garbage / run.collection_bytes())
            })
            .collect()
    }
}

/// What a run should hold, knowing its maps.
pub(super) fn point(run: &Run, prices: &AllPrices) -> f64 {
    let (once, each) = once_and_each(&terms(run, run.content(), maps(run)), prices.of(run.content()));
    once + each
}

fn each(run: &Run, prices: &AllPrices) -> f64 {
    once_and_each(&terms(run, run.content(), maps(run)), prices.of(run.content())).1
}

fn spread(runs: &[Run], prices: &AllPrices, left_out: &Run, leaves_out: LeavesOut) -> Interval {
    let included = runs.iter().filter(|run| run.is_fitted() && !leaves_out(left_out, run));
    included.fold((f64::INFINITY, 0.0), |(low, high), run| {
        let ratio = run.rise_bytes / point(run, prices);
        (ratio.min(low), if run.set == Set::Burst { ratio.max(high) } else { high })
    })
}

fn range(run: &Run, prices: &AllPrices, (low, high): Interval, kind: Kind, densest: f64) -> Interval {
    let content = if kind == Kind::Unseen { Content::Structs } else { run.content() };
    let maps = match content {
        Content::Maps => {
            let least = (METADATA_MAPS * run.objects()).min(run.bytes() / BYTES_PER_MAP.1);
            (least, run.bytes() * densest)
        }
        _ => (0.0, 0.0),
    };
    let (least, most) = bounds(prices, content, kind);
    let (low_once, low_each) = once_and_each(&terms(run, content, maps.0), &least);
    let (high_once, high_each) = once_and_each(&terms(run, content, maps.1), &most);
    let (mut once, mut each) = (high_once * high, high_each * high);
    if run.is_paged() {
        once = (PAGE_GARBAGE * run.collection_bytes()).min(MOST_PAGE_GARBAGE);
    }
    if run.set == Set::Series {
        once = once.max(STANDING_GARBAGE);
        each *= TURNOVER;
    }
    ((low_once + low_each) * low, once + each)
}

/// The least and the highest price of each part.
fn bounds(prices: &AllPrices, content: Content, kind: Kind) -> (Prices, Prices) {
    let mut least_of_strings = prices.strings;
    least_of_strings[Part::CacheByte as usize] *= LEAST_OF_STRINGS;
    if kind == Kind::Measured {
        let most = *prices.of(content);
        return (if content == Content::Strings { least_of_strings } else { most }, most);
    }
    let (mut least, mut most) = (prices.structs, prices.structs);
    let object = Part::CacheObject as usize;
    for index in (0..least.len()).filter(|index| *index != object) {
        least[index] = least[index].min(least_of_strings[index]);
        most[index] = most[index].max(prices.strings[index]);
    }
    least[object] *= LEAST_STRUCT;
    (least, most)
}
