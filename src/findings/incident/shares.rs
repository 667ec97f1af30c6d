//! What part of all that was in flight near a moment was a client's: by bytes where those are known, else by time.

use serde::Serialize;

use super::ListLoad;

/// What shares are of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ShareBasis {
    /// Bytes held times time, by the middle of the estimate.
    #[default]
    Bytes,
    /// Lists in flight times time, as the size of most of them is unknown.
    ListSeconds,
}

/// What one client or several had in flight near a moment. What was nearer counts for more.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Load {
    /// Lists times time, in seconds.
    pub(super) secs: f64,
    /// The part of that whose size nothing tells.
    pub(super) unknown_secs: f64,
    /// Bytes times time, at least.
    pub(super) low: f64,
    /// Bytes times time, at most, but for what is of unknown size.
    pub(super) high: f64,
}

impl Load {
    /// The sum over rows of a client.
    pub(super) fn of_rows(rows: &[&ListLoad]) -> Self {
        let loads = rows.iter().map(|row| Self {
            secs: row.near_secs,
            unknown_secs: row.near_unknown_secs,
            low: row.near_low_byte_secs,
            high: row.near_high_byte_secs,
        });
        loads.fold(Self::default(), Self::plus)
    }

    /// Both together.
    pub(super) fn plus(self, other: Self) -> Self {
        Self {
            secs: self.secs + other.secs,
            unknown_secs: self.unknown_secs + other.unknown_secs,
            low: self.low + other.low,
            high: self.high + other.high,
        }
    }

    /// Whether the size of all of it is known.
    fn is_bounded(self) -> bool {
        self.unknown_secs <= 0.0
    }

    /// Whether this may be, as far as is known, a share of all of it together with others: at least by time, and the bounds of the
    /// sizes don't rule it out; or for certain by the bounds.
    pub(super) fn has_share(self, share: f64, others: Self) -> bool {
        let at_most = if self.is_bounded() { part(self.high, others.low) } else { 1.0 };
        let at_least = if others.is_bounded() { part(self.low, others.high) } else { 0.0 };
        at_least >= share || (part(self.secs, others.secs) >= share && at_most >= share)
    }
}

/// The loads of all clients together.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Shares {
    all: Load,
}

impl Shares {
    pub(super) fn new(loads: impl Iterator<Item = Load>) -> Self {
        Self { all: loads.fold(Load::default(), Load::plus) }
    }

    /// Bytes, unless most of the time in flight is of unknown size.
    pub(super) fn basis(self) -> ShareBasis {
        if 2.0 * self.all.unknown_secs > self.all.secs || self.all.low + self.all.high <= 0.0 {
            ShareBasis::ListSeconds
        } else {
            ShareBasis::Bytes
        }
    }

    /// The part of one, from 0 to 1.
    pub(super) fn share(self, one: Load) -> f64 {
        let (one, all) = match self.basis() {
            ShareBasis::Bytes => (one.low + one.high, self.all.low + self.all.high),
            ShareBasis::ListSeconds => (one.secs, self.all.secs),
        };
        if all > 0.0 { (one / all).clamp(0.0, 1.0) } else { 0.0 }
    }
}

/// The share of one part of the sum with the other, from 0 to 1.
fn part(one: f64, other: f64) -> f64 {
    if one + other > 0.0 { one / (one + other) } else { 0.0 }
}

/// A count or a number of bytes, for shares of it.
#[expect(clippy::cast_precision_loss, reason = "shares of bytes and counts")]
pub(super) fn float(count: u64) -> f64 {
    count as f64
}

/// The share that a part has of the whole; 0 of nothing.
pub(super) fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { float(part) / float(whole) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(secs: f64, low: f64, high: f64) -> Load {
        Load { secs, unknown_secs: 0.0, low, high }
    }

    #[test]
    fn shares_are_of_bytes_only_where_most_sizes_are_known() {
        let (big, small) = (known(10.0, 900.0, 1_100.0), known(30.0, 100.0, 300.0));
        let shares = Shares::new([big, small].into_iter());
        assert_eq!(shares.basis(), ShareBasis::Bytes);
        assert!((shares.share(big) - 2_000.0 / 2_400.0).abs() < 1e-9);
        let unknown = Load { unknown_secs: 30.0, ..small };
        let shares = Shares::new([big, unknown].into_iter());
        assert_eq!(shares.basis(), ShareBasis::ListSeconds);
        assert!((shares.share(big) - 0.25).abs() < 1e-9);
        assert!(Shares::new(std::iter::empty()).share(Load::default()).abs() < 1e-9);
    }

    #[test]
    fn a_share_by_time_holds_until_the_bounds_rule_it_out() {
        let unknown = |secs| Load { secs, unknown_secs: secs, ..Load::default() };
        assert!(unknown(8.0).has_share(0.5, unknown(2.0)));
        assert!(known(8.0, 100.0, 300.0).has_share(0.5, unknown(2.0)));
        assert!(!known(8.0, 10.0, 30.0).has_share(0.5, known(2.0, 100.0, 300.0)), "big ones were others'");
        assert!(known(2.0, 100.0, 300.0).has_share(0.5, known(8.0, 10.0, 30.0)));
    }
}
