//! `delete-pileup`: deletecollections run for minutes, or several at a time, and each holds the collection.

use super::context::Context;
use super::episode::{Episode, Pattern};
use super::finding::{Finding, Kind};
use super::impact::Impact;
use super::remedy::{Remedy, Unknown};
use super::severity::{Severity, SeverityReason};

/// Judges deletecollections. Those of a namespace that is deleted are as many, but done in an instant.
pub(super) fn judge(episode: &Episode, context: &Context<'_>) -> Option<Finding> {
    let thresholds = &context.thresholds.delete_pileup;
    if episode.pattern != Pattern::Deletions || !context.has_request_ends {
        return None;
    }
    let longest_secs = episode.max_duration_secs.unwrap_or_default();
    let deletions = episode.peak_concurrency.unwrap_or(1);
    let is_long = longest_secs >= thresholds.long_secs;
    let is_pile = deletions >= thresholds.min_concurrency && longest_secs >= thresholds.min_secs;
    if !is_long && !is_pile {
        return None;
    }
    let reason = SeverityReason::DeletionsInFlight { deletions, longest_secs, without_end: episode.open_count };
    let judgement = match context.impact(episode) {
        Impact::Critical(reason) => (Severity::Critical, reason),
        Impact::Warning(reason) => (Severity::Warning, reason),
        _ if longest_secs >= thresholds.warning_secs || is_long && is_pile => (Severity::Warning, reason),
        _ => (Severity::Info, reason),
    };
    let mut finding = Finding::from_episode(Kind::DeletePileup, judgement, episode, context);
    finding.query = "collection_deletes";
    finding.remedies = vec![Remedy::DeleteOneAtATime, Remedy::DeleteInSteps];
    if episode.open_count > 0 {
        finding.unknowns.push(Unknown::UnfinishedDeletions { deletions: episode.open_count });
    }
    Some(finding)
}

#[cfg(test)]
mod tests {
    use super::super::shape_cases::{deletions, found_in, found_without_ends};
    use super::*;

    fn severity(at_once: u64, longest_secs: f64) -> Option<Severity> {
        found_in(&[deletions(at_once, longest_secs)]).first().map(|finding| finding.severity)
    }

    #[test]
    fn deletions_of_minutes_or_several_at_a_time_are_found() {
        assert_eq!(severity(6, 300.0), Some(Severity::Warning));
        assert_eq!(severity(1, 900.0), Some(Severity::Warning), "one of a quarter of an hour");
        assert_eq!(severity(1, 70.0), Some(Severity::Info), "its client has got a 504");
        assert_eq!(severity(4, 20.0), Some(Severity::Info));
    }

    /// A namespace that is deleted: one deletecollection for each resource, several at once, each done in milliseconds.
    #[test]
    fn quick_ones_and_few_slow_ones_are_nothing() {
        assert_eq!(severity(10, 0.4), None);
        assert_eq!(severity(2, 40.0), None);
        assert_eq!(found_without_ends(&[deletions(6, 300.0)]), []);
    }

    #[test]
    fn what_they_hold_is_judged_as_with_lists() {
        let holding =
            |high| Episode { held_low_bytes: Some(high / 2), held_high_bytes: Some(high), ..deletions(6, 20.0) };
        let holding = |high| Episode { cluster_list_count: 21, ..holding(high) };
        assert_eq!(found_in(&[holding(1 << 30)])[0].severity, Severity::Warning);
        assert_eq!(found_in(&[holding(1 << 20)])[0].severity, Severity::Info);
    }
}
