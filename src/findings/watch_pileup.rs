//! `watch-pileup`: a client holds far more watches of a resource open than it needs, and opens ever more.

use super::context::Context;
use super::episode::{Episode, Pattern};
use super::finding::{Finding, Kind};
use super::remedy::{Remedy, Unknown};
use super::severity::{Severity, SeverityReason};

/// Judges watches that pile up. The query has told them from the watches that a client needs.
pub(super) fn judge(episode: &Episode, context: &Context<'_>) -> Option<Finding> {
    // Where nothing shows how requests end, every watch looks as if it were open for ever.
    if episode.pattern != Pattern::WatchPileup || !context.has_request_ends {
        return None;
    }
    let (open, without_end) = (episode.open_watch_count, episode.open_count);
    let is_many = open >= context.thresholds.watch_pileup.warning_open_watches;
    let severity = if is_many { Severity::Warning } else { Severity::Info };
    let reason = SeverityReason::OpenWatches { open, needed: episode.needed_watch_count, without_end };
    let mut finding = Finding::from_episode(Kind::WatchPileup, (severity, reason), episode, context);
    finding.query = "watch_pileups";
    finding.peak_concurrency = Some(open);
    finding.peak_at = episode.peak_at;
    finding.remedies = vec![Remedy::StopWatches, Remedy::ShareInformer];
    if without_end > 0 {
        finding.unknowns.push(Unknown::OpenWhenLogEnds { watches: without_end });
    }
    Some(finding)
}

#[cfg(test)]
mod tests {
    use super::super::shape_cases::{found_in, found_without_ends, leak};
    use super::*;

    #[test]
    fn a_leak_is_as_bad_as_it_is_big() {
        let found = |open| found_in(&[leak(open, 300)]);
        assert_eq!(found(499)[0].severity, Severity::Info);
        let worse = found(2_400);
        assert_eq!((worse[0].kind, worse[0].severity), (Kind::WatchPileup, Severity::Warning));
        let reason = SeverityReason::OpenWatches { open: 2_400, needed: 300, without_end: 2_400 };
        assert_eq!((&worse[0].severity_reason, worse[0].peak_concurrency), (&reason, Some(2_400)));
        assert_eq!(worse[0].unknowns, [Unknown::OpenWhenLogEnds { watches: 2_400 }]);
    }

    /// A policy that omits ResponseComplete makes every watch look open.
    #[test]
    fn without_ends_in_the_log_nothing_is_known_to_be_open() {
        assert_eq!(found_without_ends(&[leak(2_400, 300)]), []);
    }
}
