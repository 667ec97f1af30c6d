//! Whether a replay of the server as it was comes out as its log: if not, nothing that rests on it is worth much.

use super::side::{Side, Spread};
use crate::units;

/// A replay that is off by more than this isn't one of that server.
const FAR: f64 = 1.5;
/// So many LISTs, or rejections, more or less make no difference.
const SLACK_LISTS: f64 = 3.0;
const SLACK_REJECTIONS: f64 = 10.0;

/// Where the replay of the current configuration is far from the log, in words; `None` where it isn't.
pub fn doubt(logged: &Side, current: &Side) -> Option<String> {
    let mut doubts = Vec::new();
    if is_far(logged.most_lists, current.most_lists, SLACK_LISTS) {
        let (current, logged) = (range(current.most_lists), range(logged.most_lists));
        doubts.push(format!("{current} LISTs at once, where the log has {logged}"));
    }
    if is_far(logged.rejected.all, current.rejected.all, SLACK_REJECTIONS) {
        let (current, logged) = (range(current.rejected.all), range(logged.rejected.all));
        doubts.push(format!("{current} requests rejected, where the log has {logged}"));
    }
    (!doubts.is_empty()).then(|| doubts.join("; "))
}

fn is_far(logged: Spread, current: Spread, slack: f64) -> bool {
    logged.low > current.high * FAR + slack || logged.high * FAR + slack < current.low
}

fn range(spread: Spread) -> String {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count")]
    let [low, high] = [spread.low, spread.high].map(|count| units::count(count.round() as u64));
    if low == high { low } else { format!("{low} to {high}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_more_or_less_are_no_reason_to_doubt() {
        let spread = |low, high| Spread { low, mid: low, high };
        for (logged, current, is_doubtful) in [
            (spread(89.0, 89.0), spread(50.0, 132.0), false),
            (spread(2.0, 2.0), spread(0.0, 0.0), false),
            (spread(299.0, 299.0), spread(54.0, 183.0), true),
            (spread(10.0, 20.0), spread(40.0, 50.0), true),
        ] {
            assert_eq!(is_far(logged, current, SLACK_LISTS), is_doubtful, "{logged:?} {current:?}");
        }
        assert_eq!(range(spread(1_370.0, 2_464.0)), "1,370 to 2,464");
    }
}
