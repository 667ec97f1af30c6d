//! How long a rejected client is asked to wait: the header `Retry-After`
//! (`k8s.io/apiserver/pkg/server/filters/…/dropped_requests_tracker.go`).
//!
//! Each priority level begins with a second. When the first rejection of a new second comes, those of the last seconds are
//! counted, as many seconds as a client is asked to wait now: three times as many rejections or more, and the wait
//! doubles, up to 32 s, though not again before it has passed; fewer rejections than seconds, and it shrinks by one.

use std::collections::VecDeque;

const NANOS: u64 = 1_000_000_000;
/// The longest wait (`maxRetryAfter`).
const MOST_SECS: u64 = 32;

/// The rejections of one priority level.
#[derive(Debug)]
pub(super) struct RetryAfter {
    grows: bool,
    secs: u64,
    /// When it grew last, in seconds; `None` if never.
    grew_at: Option<u64>,
    /// Seconds with rejections, and how many.
    counts: VecDeque<(u64, u64)>,
}

impl RetryAfter {
    pub(super) const fn new(grows: bool) -> Self {
        Self { grows, secs: 1, grew_at: None, counts: VecDeque::new() }
    }

    /// Takes note of a rejection; what its client is asked to wait, in nanoseconds.
    pub(super) fn rejected(&mut self, now_ns: u64) -> u64 {
        let second = now_ns / NANOS;
        match self.counts.back_mut() {
            Some((last, count)) if *last == second => *count += 1,
            _ => {
                self.adjust(second);
                self.counts.push_back((second, 1));
            }
        }
        self.secs * NANOS
    }

    fn adjust(&mut self, second: u64) {
        if !self.grows {
            return;
        }
        let first = second.saturating_sub(self.secs);
        while self.counts.front().is_some_and(|(at, _)| *at < first) {
            self.counts.pop_front();
        }
        let rejected: u64 = self.counts.iter().map(|(_, count)| count).sum();
        let has_passed = self.grew_at.is_none_or(|grew_at| second - grew_at >= self.secs);
        if rejected >= 3 * self.secs && has_passed {
            self.secs = (2 * self.secs).min(MOST_SECS);
            self.grew_at = Some(second);
        } else if rejected < self.secs {
            self.secs = (self.secs - 1).max(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_doubles_under_a_storm_and_shrinks_after() {
        let mut level = RetryAfter::new(true);
        let mut asked = Vec::new();
        for second in 0..40 {
            for _ in 0..10 {
                asked.push(level.rejected(second * NANOS) / NANOS);
            }
        }
        assert_eq!((asked[0], asked[10], asked[399]), (1, 2, 32));
        assert!(level.rejected(1_000 * NANOS) < 32 * NANOS);
    }

    #[test]
    fn once_it_was_always_a_second() {
        let mut level = RetryAfter::new(false);
        assert!((0..1_000).all(|at| level.rejected(at * NANOS / 10) == NANOS));
    }
}
