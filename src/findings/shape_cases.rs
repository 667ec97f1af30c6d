//! What the tests of the kinds that aren't made of LISTs share.

use std::collections::BTreeMap;

use super::episode::{Episode, Pattern};
use super::{Finding, Measured, Thresholds, judge};
use crate::audit::Stage;
use crate::requests::Tally;

/// What is found in a log of all stages.
pub(super) fn found_in(episodes: &[Episode]) -> Vec<Finding> {
    let mut tally = Tally::default();
    tally.stages[Stage::RequestReceived as usize] = 1;
    tally.stages[Stage::ResponseComplete as usize] = 1;
    found(episodes, &tally)
}

/// The same where the policy omits ResponseComplete.
pub(super) fn found_without_ends(episodes: &[Episode]) -> Vec<Finding> {
    found(episodes, &Tally::default())
}

fn found(episodes: &[Episode], tally: &Tally) -> Vec<Finding> {
    let profiles = BTreeMap::new();
    let measured =
        Measured { tally, episodes, clients: &[], restarts: &[], rejections: &[], profiles: &profiles, from: None };
    judge(measured, &Thresholds::embedded())
}

/// Requests of one instance.
pub(super) fn requests(pattern: Pattern, count: u64, secs: i64) -> Episode {
    Episode {
        pattern,
        ended_at: secs * 1_000_000,
        client_type: Some("operator".to_owned()),
        client: Some("ours".to_owned()),
        instance_count: 1,
        resource: Some("secrets".to_owned()),
        api_group: Some(String::new()),
        request_count: count,
        ..Episode::default()
    }
}

/// Watches of one instance, all of them open at the end.
pub(super) fn leak(open: u64, needed: u64) -> Episode {
    let watches = requests(Pattern::WatchPileup, open, 2_400);
    Episode { open_count: open, open_watch_count: open, needed_watch_count: needed, ..watches }
}

/// 21 deletecollections, six without an end.
pub(super) fn deletions(at_once: u64, longest_secs: f64) -> Episode {
    Episode {
        list_count: 21,
        open_count: 6,
        peak_concurrency: Some(at_once),
        max_duration_secs: Some(longest_secs),
        ..requests(Pattern::Deletions, 21, 600)
    }
}
