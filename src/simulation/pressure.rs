//! The memory that the running LISTs hold together, over the time of a replay.
//!
//! A burst of LISTs that begin together is one thing; where they follow one another, as under a limit, there is also the
//! garbage of those that have ended ([`estimate_sustained`]).

use crate::memory::{MemoryCost, Range, estimate_sustained};

/// The memory of the LISTs that run now, and its peak so far.
#[derive(Clone, Debug)]
pub struct MemoryPressure<'h> {
    held: &'h [Option<MemoryCost>],
    memory: ServerMemory,
    /// LISTs that run, of each kind.
    counts: Vec<u32>,
    low: u128,
    high: u128,
    /// The upper bound where LISTs follow one another.
    sustained_high: u128,
    /// LISTs that run of which nothing bounds what they hold.
    unbounded: u32,
    running: u32,
    /// LISTs that have ended since none ran.
    ended: u32,
    at_ns: u64,
    outcome: PressureOutcome,
    /// When the upper bound was above the limit: from, to.
    above_ns: Vec<(u64, u64)>,
}

/// What is known of a server's memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ServerMemory {
    /// The memory without LISTs, in bytes; 0 where that is unknown, and only the LISTs' memory counts.
    pub base: u64,
    /// The limit, in bytes, for which the time above it is summed.
    pub limit: Option<u64>,
}

/// The memory of all LISTs over one replay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PressureOutcome {
    /// The most bytes at a time: the highest of all lower bounds, and the highest of all upper ones.
    pub peak: Range,
    /// The highest upper bound of LISTs of known size.
    pub known_peak_high: u64,
    /// The most LISTs that ran at once.
    pub most_lists: u32,
    /// LISTs of which nothing bounds what they hold.
    pub unbounded_lists: u64,
    /// For how long the lower bound was above the limit, in nanoseconds.
    pub surely_above_ns: u64,
    /// For how long the upper bound of LISTs of known size was above the limit, in nanoseconds.
    pub possibly_above_ns: u64,
}

impl PressureOutcome {
    const NOTHING: Self = Self {
        peak: Range::ZERO,
        known_peak_high: 0,
        most_lists: 0,
        unbounded_lists: 0,
        surely_above_ns: 0,
        possibly_above_ns: 0,
    };
}

impl<'h> MemoryPressure<'h> {
    /// A server without running LISTs.
    pub fn new(held: &'h [Option<MemoryCost>], memory: ServerMemory) -> Self {
        Self {
            held,
            memory,
            counts: vec![0; held.len()],
            low: 0,
            high: 0,
            sustained_high: 0,
            unbounded: 0,
            running: 0,
            ended: 0,
            at_ns: 0,
            above_ns: Vec::new(),
            outcome: PressureOutcome {
                peak: Range::exactly(memory.base),
                known_peak_high: memory.base,
                ..PressureOutcome::NOTHING
            },
        }
    }

    /// Starts a LIST.
    pub fn begin(&mut self, now_ns: u64, list: u32) {
        self.pass_until(now_ns);
        self.running += 1;
        self.counts[list as usize] += 1;
        let is_unbounded = match &self.held[list as usize] {
            Some(held) => {
                self.low += u128::from(held.per_list.low);
                self.high += u128::from(held.per_list.high.unwrap_or(0));
                self.sustained_high += u128::from(estimate_sustained(*held).per_list.high.unwrap_or(0));
                held.per_list.high.is_none()
            }
            None => true,
        };
        self.unbounded += u32::from(is_unbounded);
        self.outcome.unbounded_lists += u64::from(is_unbounded);
        self.note();
    }

    /// Ends a LIST.
    pub fn end(&mut self, now_ns: u64, list: u32) {
        self.pass_until(now_ns);
        self.running -= 1;
        self.ended = if self.running == 0 { 0 } else { self.ended + 1 };
        self.counts[list as usize] -= 1;
        let is_unbounded = self.held[list as usize].as_ref().is_none_or(|held| {
            self.low -= u128::from(held.per_list.low);
            self.high -= u128::from(held.per_list.high.unwrap_or(0));
            self.sustained_high -= u128::from(estimate_sustained(*held).per_list.high.unwrap_or(0));
            held.per_list.high.is_none()
        });
        self.unbounded -= u32::from(is_unbounded);
    }

    /// Ends all LISTs at once.
    pub fn clear(&mut self, now_ns: u64) {
        self.pass_until(now_ns);
        self.counts.fill(0);
        (self.low, self.high, self.sustained_high) = (0, 0, 0);
        (self.unbounded, self.running, self.ended) = (0, 0, 0);
    }

    /// The peak and the times so far.
    pub const fn outcome(&self) -> PressureOutcome {
        self.outcome
    }

    /// When the upper bound was above the limit, in nanoseconds: from, to.
    pub fn above_ns(&self) -> &[(u64, u64)] {
        &self.above_ns
    }

    /// What is held now, without the upper bounds that aren't known.
    fn known_now(&self) -> (u64, u64) {
        let base = self.memory.base;
        if self.running == 0 {
            return (base, base);
        }
        // Where some have ended and others run still, there is garbage of the former.
        let is_sustained = self.ended > 0;
        let with_garbage = |held: &MemoryCost| if is_sustained { estimate_sustained(*held) } else { *held };
        let running = self.held.iter().zip(&self.counts).filter(|(_, count)| **count > 0);
        let (low, high) = running
            .filter_map(|(held, _)| held.as_ref())
            .map(|held| with_garbage(held).shared_garbage)
            .fold((0, 0), |(low, high), slack| {
                (u64::max(low, slack.low), u64::max(high, slack.high.unwrap_or_default()))
            });
        let each_high = if is_sustained { self.sustained_high } else { self.high };
        let sum =
            |each: u128, slack: u64| u64::try_from(u128::from(base) + each + u128::from(slack)).unwrap_or(u64::MAX);
        (sum(self.low, low), sum(each_high, high))
    }

    fn pass_until(&mut self, now_ns: u64) {
        let passed = now_ns - self.at_ns;
        if let Some(limit) = self.memory.limit.filter(|_| passed > 0) {
            let (low, high) = self.known_now();
            self.outcome.surely_above_ns += if low > limit { passed } else { 0 };
            self.outcome.possibly_above_ns += if high > limit { passed } else { 0 };
            match self.above_ns.last_mut() {
                _ if high <= limit => {}
                Some((_, until)) if *until == self.at_ns => *until = now_ns,
                _ => self.above_ns.push((self.at_ns, now_ns)),
            }
        }
        self.at_ns = now_ns;
    }

    fn note(&mut self) {
        let (low, high) = self.known_now();
        let now = Range { low, high: (self.unbounded == 0).then_some(high) };
        let outcome = &mut self.outcome;
        outcome.peak = outcome.peak.or_more(now);
        outcome.known_peak_high = outcome.known_peak_high.max(high);
        outcome.most_lists = outcome.most_lists.max(self.running);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn held(low: u64, high: Option<u64>) -> Option<MemoryCost> {
        Some(MemoryCost { per_list: Range { low, high }, shared_garbage: Range::between(5, 10) })
    }

    #[test]
    fn shared_garbage_comes_once_and_turnover_with_what_follows() {
        let lists = [held(100, Some(200))];
        let mut pressure = MemoryPressure::new(&lists, ServerMemory { base: 1_000, limit: Some(1_205) });
        pressure.begin(0, 0);
        pressure.begin(0, 0);
        assert_eq!(pressure.outcome().peak, Range::between(1_205, 1_410));
        pressure.end(SECOND, 0);
        pressure.begin(SECOND, 0);
        // 1.25 times as much, and standing garbage that is far more than such small lists.
        assert!(pressure.outcome().known_peak_high > 1_510);
        pressure.end(3 * SECOND, 0);
        pressure.end(3 * SECOND, 0);
        let outcome = pressure.outcome();
        assert_eq!((outcome.most_lists, outcome.surely_above_ns, outcome.possibly_above_ns), (2, 0, 3 * SECOND));
        assert_eq!(pressure.above_ns(), [(0, 3 * SECOND)]);
    }

    #[test]
    fn what_nothing_bounds_has_no_upper_bound_but_the_rest_has() {
        let lists = [held(100, None), None, held(7, Some(9))];
        let mut pressure = MemoryPressure::new(&lists, ServerMemory::default());
        for list in 0..3 {
            pressure.begin(0, list);
        }
        let outcome = pressure.outcome();
        assert_eq!((outcome.peak, outcome.known_peak_high), (Range::at_least(112), 19));
        assert_eq!(outcome.unbounded_lists, 2);
        pressure.clear(SECOND);
        assert_eq!(pressure.known_now(), (0, 0));
    }
}
