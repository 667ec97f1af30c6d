//! Whether a replay of the current configuration reproduces the log: if it doesn't, its predictions aren't worth much.

use serde::Serialize;

use super::summary::{ReplaySummary, Spread};

/// A replay that is off by more than this factor is not one of that server.
const FAR: f64 = 1.5;
/// A difference of so many LISTs, or rejections, doesn't count.
const SLACK_LISTS: f64 = 3.0;
const SLACK_REJECTIONS: f64 = 10.0;

/// What the replay of the current configuration does not reproduce.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BaselineMismatch {
    /// LISTs at once; `None` where the replay is near the log.
    pub most_lists: Option<Mismatch>,
    /// Rejected requests; `None` where the replay is near the log.
    pub rejected: Option<Mismatch>,
}

/// A number that the replay and the log disagree on.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Mismatch {
    /// By the log.
    pub logged: Spread,
    /// By the replay.
    pub replayed: Spread,
}

/// Compares the replay of the current configuration with the log; `None` where it reproduces the log.
pub fn check_baseline(logged: &ReplaySummary, current: &ReplaySummary) -> Option<BaselineMismatch> {
    let mismatch = |of: fn(&ReplaySummary) -> Spread, slack: f64| {
        let (logged, replayed) = (of(logged), of(current));
        is_far(logged, replayed, slack).then_some(Mismatch { logged, replayed })
    };
    let most_lists = mismatch(|summary| summary.most_lists, SLACK_LISTS);
    let rejected = mismatch(|summary| summary.rejected.all, SLACK_REJECTIONS);
    (most_lists.is_some() || rejected.is_some()).then_some(BaselineMismatch { most_lists, rejected })
}

fn is_far(logged: Spread, replayed: Spread, slack: f64) -> bool {
    logged.low > replayed.high * FAR + slack || logged.high * FAR + slack < replayed.low
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_more_or_less_are_no_mismatch() {
        let spread = |low, high| Spread { low, mid: low, high };
        for (logged, replayed, expected) in [
            (spread(89.0, 89.0), spread(50.0, 132.0), false),
            (spread(2.0, 2.0), spread(0.0, 0.0), false),
            (spread(299.0, 299.0), spread(54.0, 183.0), true),
            (spread(10.0, 20.0), spread(40.0, 50.0), true),
        ] {
            assert_eq!(is_far(logged, replayed, SLACK_LISTS), expected, "{logged:?} {replayed:?}");
        }
    }
}
