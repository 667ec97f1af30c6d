//! `get-flood`: an instance gets single objects at a rate that one LIST and a watch would spare.

use super::context::Context;
use super::episode::{Episode, Pattern};
use super::finding::{Finding, Kind};
use super::remedy::Remedy;
use super::severity::{Severity, SeverityReason};

/// Judges GETs of objects. The query has left out instances that make few of them in each minute, however many they are.
pub(super) fn judge(episode: &Episode, context: &Context<'_>) -> Option<Finding> {
    let thresholds = &context.thresholds.get_flood;
    if episode.pattern != Pattern::Gets || context.covered_secs(episode) < thresholds.min_secs {
        return None;
    }
    let gets_per_sec = context.rps(episode);
    let reason = SeverityReason::GetsPerSec { gets_per_sec, objects: episode.object_count };
    let severity = if gets_per_sec >= thresholds.warning_rps { Severity::Warning } else { Severity::Info };
    let mut finding = Finding::from_episode(Kind::GetFlood, (severity, reason), episode, context);
    finding.query = "request_loops";
    finding.remedies = vec![Remedy::WatchInsteadOfGetting];
    Some(finding)
}

#[cfg(test)]
mod tests {
    use super::super::shape_cases::{found_in, requests};
    use super::*;

    #[test]
    fn a_flood_goes_on_and_is_a_warning_at_its_rate() {
        let gets = |count, secs| found_in(&[requests(Pattern::Gets, count, secs)]);
        assert_eq!(gets(12_000, 240)[0].severity, Severity::Warning);
        assert_eq!(gets(4_000, 240)[0].severity, Severity::Info);
        assert_eq!(gets(1_200, 60), [], "a controller that starts looks at each of its objects once");
    }
}
