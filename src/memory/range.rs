//! A quantity that is known only within bounds.

use serde::Serialize;

/// Bounds of a quantity, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Range {
    /// It is at least this.
    pub low: u64,
    /// It is at most this; `None` when nothing bounds it from above.
    pub high: Option<u64>,
}

impl Range {
    /// Nothing.
    pub const ZERO: Self = Self::exactly(0);

    /// A quantity that is known.
    pub const fn exactly(value: u64) -> Self {
        Self { low: value, high: Some(value) }
    }

    /// Between two values, whichever is the greater.
    pub fn between(one: u64, other: u64) -> Self {
        Self { low: one.min(other), high: Some(one.max(other)) }
    }

    /// A quantity without an upper bound.
    pub const fn at_least(low: u64) -> Self {
        Self { low, high: None }
    }

    /// The least range that holds both.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        Self { low: self.low.min(other.low), high: self.high.zip(other.high).map(|(one, other)| one.max(other)) }
    }

    /// The sum of two quantities.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        self.with(other, u64::saturating_add)
    }

    /// The product of two quantities.
    #[must_use]
    pub fn times(self, other: Self) -> Self {
        self.with(other, u64::saturating_mul)
    }

    /// The smaller of two quantities: a page of a collection, say. One known bound is enough.
    #[must_use]
    pub fn at_most(self, other: Self) -> Self {
        let high = match (self.high, other.high) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        Self { low: self.low.min(other.low), high }
    }

    /// The same quantity, known not to be above a bound, if there is one.
    #[must_use]
    pub fn capped(self, most: Option<u64>) -> Self {
        self.at_most(Self { low: most.unwrap_or(u64::MAX), high: most })
    }

    /// The larger of two quantities.
    #[must_use]
    pub fn or_more(self, other: Self) -> Self {
        self.with(other, u64::max)
    }

    /// The same quantity, or anything below it.
    #[must_use]
    pub const fn or_less(self) -> Self {
        Self { low: 0, high: self.high }
    }

    /// The quantity times a factor that is itself known only within bounds.
    #[must_use]
    pub fn scaled(self, (low, high): (f64, f64)) -> Self {
        Self { low: scale(self.low, low), high: self.high.map(|value| scale(value, high)) }
    }

    /// The quantity divided by another; `None` when that may be zero in full.
    #[must_use]
    pub fn over(self, other: Self) -> Option<Self> {
        let most = other.high.filter(|most| *most > 0)?;
        let high = self.high.filter(|_| other.low > 0).map(|high| high.div_ceil(other.low));
        Some(Self { low: self.low / most, high })
    }

    fn with(self, other: Self, combine: impl Fn(u64, u64) -> u64) -> Self {
        Self {
            low: combine(self.low, other.low),
            high: self.high.zip(other.high).map(|(one, other)| combine(one, other)),
        }
    }
}

/// A whole number times a factor, to the nearest whole; factors here are never negative.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float-to-integer cast saturates, and sixteen digits are more than any estimate has"
)]
fn scale(value: u64, factor: f64) -> u64 {
    (value as f64 * factor).round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_bound_stays_unknown_unless_the_other_is_enough() {
        let (known, open) = (Range::between(7, 3), Range::at_least(5));
        assert_eq!(known.plus(open), Range::at_least(8));
        assert_eq!(known.union(open), Range::at_least(3));
        assert_eq!(open.at_most(Range::exactly(500)), Range::between(5, 500));
        assert_eq!(open.or_less(), Range::at_least(0));
        assert_eq!((known.capped(None), open.capped(Some(9))), (known, Range::between(5, 9)));
        assert_eq!(known.capped(Some(2)), Range::exactly(2));
    }

    #[test]
    fn dividing_turns_the_bounds_around() {
        assert_eq!(Range::between(100, 200).over(Range::between(10, 20)), Some(Range::between(5, 20)));
        assert_eq!(Range::exactly(100).over(Range::at_least(10)), None);
        assert_eq!(Range::exactly(100).over(Range::between(0, 20)), Some(Range::at_least(5)));
        assert_eq!(Range::exactly(100).over(Range::ZERO), None);
    }
}
