//! How long a LIST takes while others run.
//!
//! On a busy server LISTs share the CPU: one that took 14 s among 50 takes far less among 6, so that the durations of a
//! log can't be replayed as they are under another limit. The model is processor sharing. With n LISTs running on a
//! server that has the capacity for c of them, each progresses at the rate min(1, c / n), and ends when its progress has
//! reached its work. The work of each LIST follows from the starts and ends in a log; replayed by the same model, it takes
//! another time where other LISTs run.
//!
//! c is not the number of CPUs, and no log has it. But equal LISTs have about the same work, so the likely c is the one
//! under which their works differ least ([`estimate_capacity`]). Where all of them ran among many, any c below that number
//! explains them as well, and it doesn't matter which one it is: only the proportions of their works do. What the log
//! doesn't determine stays a range.
//!
//! Requests other than LISTs are so short that their logged durations are used.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use serde::Serialize;

/// A LIST that the log shows running.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExecutedList {
    /// When it started to run, after all waiting, in nanoseconds.
    pub started_ns: u64,
    /// When it ended, in nanoseconds.
    pub ended_ns: u64,
    /// LISTs of one group ask for the same, so their works should be alike.
    pub group: u32,
    /// Whether it ended because it was done, and not because it was cut off.
    pub is_whole: bool,
}

/// The number of LISTs that run at full speed at once.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ListCapacity {
    /// At least.
    pub low: f64,
    /// The likely value.
    pub likely: f64,
    /// At most.
    pub high: f64,
    /// What the estimate is based on.
    pub basis: ListCapacityBasis,
}

/// What a capacity is based on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum ListCapacityBasis {
    /// It was given.
    Given,
    /// LISTs of the same shape, under the assumption that they have the same work.
    Fitted {
        /// These LISTs.
        list_count: usize,
        /// The most LISTs that ran at once.
        most_at_once: usize,
    },
    /// Too few LISTs ran at the same time to tell; any value of the range explains the log.
    Unknown {
        /// The most LISTs that ran at once.
        most_at_once: usize,
    },
    /// There is no limit: LISTs take as long as in the log.
    Unlimited,
}

impl ListCapacity {
    /// A known capacity.
    pub const fn given(capacity: f64) -> Self {
        Self { low: capacity, likely: capacity, high: capacity, basis: ListCapacityBasis::Given }
    }

    /// A capacity with which LISTs take as long as in the log, whatever else runs.
    pub const fn unlimited() -> Self {
        Self { low: f64::INFINITY, likely: f64::INFINITY, high: f64::INFINITY, basis: ListCapacityBasis::Unlimited }
    }

    /// A possible capacity: the lowest for 0, the highest for 1, and even in its logarithm between them.
    pub fn at(&self, share: f64) -> f64 {
        if self.low.is_infinite() { self.low } else { self.low * (self.high / self.low).powf(share) }
    }
}

/// Fewer LISTs of one group say nothing of how alike they are.
const SMALLEST_GROUP: usize = 3;
/// Fewer LISTs say nothing of the capacity.
const FEWEST_LISTS: usize = 8;
/// By how much the logarithm of the likelihood may fall short of the best within 95 % confidence: half of the chi-square
/// quantile of one degree of freedom.
const LIKELIHOOD_DROP: f64 = 1.92;
/// Capacities that are tried, for each doubling.
const STEPS_PER_DOUBLING: i32 = 2;

/// Estimates the capacity under which the works of equal LISTs are most alike.
///
/// The logarithms of the works are taken for normal within each group. The range holds all capacities that are no worse
/// than the best within 95 % confidence, and the likely one is its middle, in logarithms.
pub fn estimate_capacity(executed: &[ExecutedList]) -> ListCapacity {
    let most_at_once = most_at_once(executed);
    let mut sizes: BTreeMap<u32, usize> = BTreeMap::new();
    for list in executed.iter().filter(|list| list.is_whole) {
        *sizes.entry(list.group).or_default() += 1;
    }
    let list_count: usize = sizes.values().filter(|size| **size >= SMALLEST_GROUP).sum();
    let highest = as_float(most_at_once.max(1));
    if list_count < FEWEST_LISTS || most_at_once < 2 {
        let likely = highest.sqrt();
        return ListCapacity { low: 1.0, likely, high: highest, basis: ListCapacityBasis::Unknown { most_at_once } };
    }
    let deviations: Vec<(f64, f64)> =
        tried(highest).map(|capacity| (capacity, deviation(executed, &infer_works(executed, capacity)))).collect();
    let least = deviations.iter().map(|(_, deviation)| *deviation).fold(f64::INFINITY, f64::min).max(1e-6);
    let is_possible = |deviation: f64| as_float(list_count) * (deviation.max(1e-6) / least).ln() <= LIKELIHOOD_DROP;
    let mut possible =
        deviations.iter().filter(|(_, deviation)| is_possible(*deviation)).map(|(capacity, _)| *capacity);
    let low = possible.next().unwrap_or(1.0);
    let high = possible.next_back().unwrap_or(low);
    ListCapacity {
        low,
        likely: (low * high).sqrt(),
        high,
        basis: ListCapacityBasis::Fitted { list_count, most_at_once },
    }
}

/// Capacities from 1 up to a highest one.
fn tried(highest: f64) -> impl Iterator<Item = f64> {
    let steps = (0..).map(|step| 2.0_f64.powf(f64::from(step) / f64::from(STEPS_PER_DOUBLING)));
    steps.take_while(move |capacity| *capacity < highest).chain([highest])
}

/// The standard deviation of the logarithms of works within their groups.
fn deviation(executed: &[ExecutedList], works: &[u64]) -> f64 {
    /// How many, their sum, and the sum of their squares.
    type Sums = (f64, f64, f64);
    let mut groups: BTreeMap<u32, Sums> = BTreeMap::new();
    for (list, work) in executed.iter().zip(works).filter(|(list, _)| list.is_whole) {
        let logarithm = as_float(usize::try_from((*work).max(1)).unwrap_or(usize::MAX)).ln();
        let (count, sum, squares) = groups.entry(list.group).or_default();
        *count += 1.0;
        *sum += logarithm;
        *squares += logarithm * logarithm;
    }
    let large = groups.values().filter(|(count, ..)| *count >= as_float(SMALLEST_GROUP));
    let (count, squares) = large.fold((0.0, 0.0), |(counted, total), (count, sum, squares)| {
        (counted + count, total + (squares - sum * sum / count).max(0.0))
    });
    (squares / f64::max(count, 1.0)).sqrt()
}

/// Infers the work of each LIST: the nanoseconds that it would take alone.
pub fn infer_works(executed: &[ExecutedList], capacity: f64) -> Vec<u64> {
    let mut works = vec![0; executed.len()];
    let mut progress_at_start = vec![0.0; executed.len()];
    let (mut at_ns, mut running, mut progress) = (0, 0_usize, 0.0);
    for (edge_ns, is_end, index) in edges(executed) {
        progress += elapsed(at_ns, edge_ns) * rate(capacity, running);
        at_ns = edge_ns;
        if is_end {
            running -= 1;
            works[index] = whole_ns(progress - progress_at_start[index]);
        } else {
            running += 1;
            progress_at_start[index] = progress;
        }
    }
    works
}

/// Starts and ends in order; of one moment, starts first, so that what takes no time has no work.
fn edges(executed: &[ExecutedList]) -> Vec<(u64, bool, usize)> {
    let of_one = |(index, list): (usize, &ExecutedList)| {
        [(list.started_ns, false, index), (list.ended_ns.max(list.started_ns), true, index)]
    };
    let mut edges: Vec<_> = executed.iter().enumerate().flat_map(of_one).collect();
    edges.sort_unstable();
    edges
}

fn most_at_once(executed: &[ExecutedList]) -> usize {
    let mut ends_first: Vec<(u64, bool)> = executed
        .iter()
        .filter(|list| list.ended_ns > list.started_ns)
        .flat_map(|list| [(list.started_ns, true), (list.ended_ns, false)])
        .collect();
    ends_first.sort_unstable();
    let mut running = 0_usize;
    let at_once = ends_first.into_iter().map(|(_, is_start)| {
        running = if is_start { running + 1 } else { running - 1 };
        running
    });
    at_once.max().unwrap_or(0)
}

/// LISTs that share a server while they are replayed.
#[derive(Debug)]
pub(super) struct Processor {
    capacity: f64,
    /// How far a LIST would have got that runs since the beginning, in nanoseconds.
    progress: f64,
    at_ns: u64,
    /// By how far the others must have got when they end: a positive float, whose bits are in its order.
    running: BinaryHeap<Reverse<(u64, u32)>>,
}

impl Processor {
    pub(super) const fn new(capacity: f64) -> Self {
        Self { capacity, progress: 0.0, at_ns: 0, running: BinaryHeap::new() }
    }

    /// Lets a LIST begin that has so much work.
    pub(super) fn start(&mut self, now_ns: u64, work_ns: u64, slot: u32) {
        self.advance(now_ns);
        let target = self.progress + elapsed(0, work_ns);
        self.running.push(Reverse((target.to_bits(), slot)));
    }

    /// When the next one ends, if none begins before.
    pub(super) fn next_end_ns(&self) -> Option<u64> {
        let Reverse((target, _)) = self.running.peek()?;
        let left = (f64::from_bits(*target) - self.progress).max(0.0);
        Some(self.at_ns.saturating_add(whole_ns((left / rate(self.capacity, self.running.len())).ceil())))
    }

    /// Ends the one that is next.
    pub(super) fn end(&mut self, now_ns: u64) -> Option<u32> {
        self.advance(now_ns);
        self.running.pop().map(|Reverse((_, slot))| slot)
    }

    /// Ends all of them.
    pub(super) fn clear(&mut self) {
        self.running.clear();
    }

    fn advance(&mut self, now_ns: u64) {
        self.progress += elapsed(self.at_ns, now_ns) * rate(self.capacity, self.running.len());
        self.at_ns = now_ns;
    }
}

/// How fast each of so many gets on.
fn rate(capacity: f64, running: usize) -> f64 {
    if running == 0 { 1.0 } else { (capacity / as_float(running)).min(1.0) }
}

#[expect(clippy::cast_precision_loss, reason = "nanoseconds of a log are exact up to 104 days, and fine beyond")]
fn elapsed(from_ns: u64, to_ns: u64) -> f64 {
    to_ns.saturating_sub(from_ns) as f64
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates")]
fn whole_ns(ns: f64) -> u64 {
    ns.round() as u64
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
fn as_float(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn ran(started_ns: u64, ended_ns: u64) -> ExecutedList {
        ExecutedList { started_ns, ended_ns, group: 0, is_whole: true }
    }

    /// Replays LISTs that all may run at once; when each ended.
    fn replay(starts: &[u64], works: &[u64], capacity: f64) -> Vec<u64> {
        let (mut processor, mut ended) = (Processor::new(capacity), vec![0; starts.len()]);
        let mut next = 0;
        while next < starts.len() || processor.next_end_ns().is_some() {
            let end = processor.next_end_ns().filter(|end| starts.get(next).is_none_or(|start| end <= start));
            if let Some(end) = end {
                let slot = processor.end(end).unwrap();
                ended[slot as usize] = end;
            } else {
                processor.start(starts[next], works[next], u32::try_from(next).unwrap());
                next += 1;
            }
        }
        ended
    }

    #[test]
    fn two_on_a_server_for_one_take_twice_as_long() {
        assert_eq!(infer_works(&[ran(0, 4 * SECOND), ran(0, 4 * SECOND)], 1.0), [2 * SECOND, 2 * SECOND]);
        assert_eq!(infer_works(&[ran(0, 4 * SECOND), ran(0, 4 * SECOND)], 2.0), [4 * SECOND, 4 * SECOND]);
        // The second runs alone for half of its time.
        assert_eq!(infer_works(&[ran(0, 2 * SECOND), ran(0, 4 * SECOND)], 1.0), [SECOND, 3 * SECOND]);
    }

    #[test]
    fn replayed_as_it_was_a_log_comes_out_as_it_was() {
        let lists: Vec<ExecutedList> =
            (0..40).map(|at| ran(at * SECOND / 7, at * SECOND / 7 + (1 + at * 13 % 17) * SECOND)).collect();
        let starts: Vec<u64> = lists.iter().map(|list| list.started_ns).collect();
        for capacity in [1.0, 2.5, 100.0] {
            let ended = replay(&starts, &infer_works(&lists, capacity), capacity);
            assert!(ended.iter().zip(&lists).all(|(end, list)| end.abs_diff(list.ended_ns) < 1_000), "{capacity}");
        }
    }

    #[test]
    fn the_capacity_shows_where_some_ran_among_few_and_some_among_many() {
        let starts: Vec<u64> = (0..30).map(|at| if at < 10 { at * 3 * SECOND } else { 40 * SECOND }).collect();
        let works: Vec<u64> = (0..30).map(|at| SECOND + at % 5 * SECOND / 20).collect();
        let ended = replay(&starts, &works, 4.0);
        let lists: Vec<ExecutedList> = starts.iter().zip(&ended).map(|(start, end)| ran(*start, *end)).collect();
        let capacity = estimate_capacity(&lists);
        assert!(capacity.low > 2.8 && capacity.high < 5.7, "{capacity:?}");
        assert_eq!(capacity.basis, ListCapacityBasis::Fitted { list_count: 30, most_at_once: 20 });
    }

    #[test]
    fn what_the_log_cannot_tell_stays_a_range() {
        let burst: Vec<ExecutedList> = (0..20).map(|_| ran(0, 10 * SECOND)).collect();
        let capacity = estimate_capacity(&burst);
        assert!((capacity.low, capacity.high) == (1.0, 20.0), "{capacity:?}");
        let few = estimate_capacity(&burst[..3]);
        assert_eq!((few.low, few.high, few.basis), (1.0, 3.0, ListCapacityBasis::Unknown { most_at_once: 3 }));
        assert!(estimate_capacity(&[]).likely >= 1.0);
    }
}
