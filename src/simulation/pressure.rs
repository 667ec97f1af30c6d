//! What the LISTs that run at a time hold of the server's memory, as it goes up and down.
//!
//! A burst of LISTs that begin together is one thing; where they follow one another, as under a limit, there is also the
//! garbage of those that have ended ([`sustained`]).

use crate::memory::{Held, Range, sustained};

/// The bytes held now, and what they came to so far.
#[derive(Clone, Debug)]
pub struct Pressure<'h> {
    held: &'h [Option<Held>],
    memory: Memory,
    /// LISTs that run, of each kind.
    counts: Vec<u32>,
    low: u64,
    high: u64,
    /// The upper bound where LISTs follow one another.
    sustained_high: u64,
    /// LISTs that run of which nothing bounds what they hold.
    unbounded: u32,
    running: u32,
    /// LISTs that have ended since none ran.
    ended: u32,
    at_ns: u64,
    outcome: PressureOutcome,
}

/// What is known of a server's memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// What it holds without LISTs, in bytes; 0 where that isn't known, and only what LISTs hold is counted.
    pub base: u64,
    /// Bytes of which it is asked for how long they were exceeded.
    pub limit: Option<u64>,
}

/// What a server held, over the time of a replay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PressureOutcome {
    /// The most bytes at a time: the highest of all lower bounds, and the highest of all upper ones.
    pub peak: Range,
    /// When the lower bound was highest, in nanoseconds.
    pub peak_ns: u64,
    /// The most LISTs that ran at once.
    pub most_lists: u32,
    /// LISTs of which no size is known.
    pub unknown_lists: u64,
    /// For how long the lower bound was above the limit, in nanoseconds.
    pub surely_above_ns: u64,
    /// For how long the upper bound was above the limit, in nanoseconds.
    pub possibly_above_ns: u64,
}

impl PressureOutcome {
    const NOTHING: Self = Self {
        peak: Range::ZERO,
        peak_ns: 0,
        most_lists: 0,
        unknown_lists: 0,
        surely_above_ns: 0,
        possibly_above_ns: 0,
    };
}

impl<'h> Pressure<'h> {
    /// No LIST runs.
    pub fn new(held: &'h [Option<Held>], memory: Memory) -> Self {
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
            outcome: PressureOutcome { peak: Range::exactly(memory.base), ..PressureOutcome::NOTHING },
        }
    }

    /// A LIST begins to run.
    pub fn begin(&mut self, now_ns: u64, list: u32) {
        self.pass_until(now_ns);
        self.running += 1;
        self.counts[list as usize] += 1;
        match &self.held[list as usize] {
            Some(held) => {
                let each = held.each;
                self.low += each.low;
                self.high += each.high.unwrap_or(0);
                self.sustained_high += sustained(*held).each.high.unwrap_or(0);
                self.unbounded += u32::from(each.high.is_none());
            }
            None => {
                self.unbounded += 1;
                self.outcome.unknown_lists += 1;
            }
        }
        self.note(now_ns);
    }

    /// A LIST has ended.
    pub fn end(&mut self, now_ns: u64, list: u32) {
        self.pass_until(now_ns);
        self.running -= 1;
        self.ended = if self.running == 0 { 0 } else { self.ended + 1 };
        self.counts[list as usize] -= 1;
        match &self.held[list as usize] {
            Some(held) => {
                let each = held.each;
                self.low -= each.low;
                self.high -= each.high.unwrap_or(0);
                self.sustained_high -= sustained(*held).each.high.unwrap_or(0);
                self.unbounded -= u32::from(each.high.is_none());
            }
            None => self.unbounded -= 1,
        }
    }

    /// All LISTs are cut off.
    pub fn clear(&mut self, now_ns: u64) {
        self.pass_until(now_ns);
        self.counts.fill(0);
        (self.low, self.high, self.sustained_high) = (0, 0, 0);
        (self.unbounded, self.running, self.ended) = (0, 0, 0);
    }

    /// What it came to.
    pub const fn outcome(&self) -> PressureOutcome {
        self.outcome
    }

    /// What is held now.
    fn now(&self) -> Range {
        let base = Range::exactly(self.memory.base);
        if self.running == 0 {
            return base;
        }
        // Where some have ended and others run still, there is garbage of the former.
        let is_sustained = self.ended > 0;
        let with_garbage = |held: &Held| if is_sustained { sustained(*held) } else { *held };
        let running = self.held.iter().zip(&self.counts).filter(|(_, count)| **count > 0);
        let slacks = running.filter_map(|(held, _)| held.as_ref()).map(|held| with_garbage(held).slack);
        let slack = slacks.fold(Range::ZERO, Range::or_more);
        let high = if is_sustained { self.sustained_high } else { self.high };
        let each = Range { low: self.low, high: (self.unbounded == 0).then_some(high) };
        base.plus(each).plus(slack)
    }

    fn pass_until(&mut self, now_ns: u64) {
        let passed = now_ns - self.at_ns;
        if let Some(limit) = self.memory.limit.filter(|_| passed > 0) {
            let now = self.now();
            self.outcome.surely_above_ns += if now.low > limit { passed } else { 0 };
            self.outcome.possibly_above_ns += if now.high.is_none_or(|high| high > limit) { passed } else { 0 };
        }
        self.at_ns = now_ns;
    }

    fn note(&mut self, now_ns: u64) {
        let now = self.now();
        let outcome = &mut self.outcome;
        outcome.peak_ns = if now.low > outcome.peak.low { now_ns } else { outcome.peak_ns };
        outcome.peak = outcome.peak.or_more(now);
        outcome.most_lists = outcome.most_lists.max(self.running);
    }
}
