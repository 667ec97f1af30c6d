//! `write-loop`: a client sends writes that fail again and again: the object exists already (409), or isn't valid (422).

use super::context::Context;
use super::episode::{Episode, Pattern};
use super::finding::{Finding, Kind};
use super::remedy::Remedy;
use super::severity::{Severity, SeverityReason};

/// Judges failing writes. The query has left out those that succeed in the same minute, as an update does that is tried
/// again after a conflict.
pub(super) fn judge(episode: &Episode, context: &Context<'_>) -> Option<Finding> {
    let thresholds = &context.thresholds.write_loop;
    if episode.pattern != Pattern::FailingWrites || context.covered_secs(episode) < thresholds.min_secs {
        return None;
    }
    let writes_per_sec = context.rps(episode);
    let conflicts = episode.conflict_count;
    let invalid = episode.request_count.saturating_sub(conflicts);
    let reason =
        SeverityReason::FailedWritesPerSec { writes_per_sec, conflicts, invalid, objects: episode.object_count };
    let severity = if writes_per_sec >= thresholds.warning_rps { Severity::Warning } else { Severity::Info };
    let mut finding = Finding::from_episode(Kind::WriteLoop, (severity, reason), episode, context);
    finding.query = "request_loops";
    finding.other_resources.clone_from(&episode.other_resources);
    if conflicts > 0 {
        finding.remedies.push(Remedy::ExpectExistingObjects);
    }
    if invalid > 0 {
        finding.remedies.push(Remedy::FixInvalidObjects);
    }
    finding.remedies.push(Remedy::BackOff);
    Some(finding)
}

#[cfg(test)]
mod tests {
    use super::super::shape_cases::{found_in, requests};
    use super::*;

    fn writes(count: u64, secs: i64, conflicts: u64) -> Vec<Finding> {
        found_in(&[Episode {
            conflict_count: conflicts,
            object_count: Some(3),
            other_resources: vec!["secrets".to_owned()],
            ..requests(Pattern::FailingWrites, count, secs)
        }])
    }

    #[test]
    fn a_loop_of_creates_is_a_warning_at_its_rate() {
        let found = writes(2_775, 185, 2_775);
        let reason =
            SeverityReason::FailedWritesPerSec { writes_per_sec: 15.0, conflicts: 2_775, invalid: 0, objects: Some(3) };
        assert_eq!((found[0].severity, &found[0].severity_reason), (Severity::Warning, &reason));
        assert_eq!(found[0].remedies, [Remedy::ExpectExistingObjects, Remedy::BackOff]);
        assert_eq!(found[0].other_resources, ["secrets"]);
        assert_eq!(writes(300, 200, 0)[0].severity, Severity::Info);
        assert_eq!(writes(300, 200, 0)[0].remedies, [Remedy::FixInvalidObjects, Remedy::BackOff]);
        assert_eq!(writes(100, 20, 100), [], "twenty seconds of a start");
    }
}
