//! `watch-churn`: watches that end long before their time and are opened again.

use super::context::Context;
use super::episode::{Episode, Pattern, ReadKind};
use super::finding::{Finding, Kind};
use super::impact::Impact;
use super::remedy::{Remedy, Unknown};
use super::severity::{Severity, SeverityReason};

/// Judges watches that were cut, in a burst or on end.
pub(super) fn judge(episode: &Episode, context: &Context<'_>) -> Option<Finding> {
    let thresholds = &context.thresholds.watch_churn;
    let is_burst = episode.pattern == Pattern::Burst
        && episode.read_kind == Some(ReadKind::Watch)
        && episode.instance_count >= thresholds.min_instances
        && episode.request_count >= thresholds.min_reopened
        && !context.is_beside_lists(episode);
    let goes_on = episode.pattern == Pattern::ShortWatches
        && episode.request_count >= thresholds.min_watches
        && episode.median_instance_reads.is_some_and(|reads| reads >= thresholds.min_instance_watches);
    if !is_burst && !goes_on {
        return None;
    }
    let lists = episode.before_list_count;
    let own_timeout = own_timeout(episode).filter(|_| goes_on);
    let judgement = match context.impact(episode) {
        _ if goes_on && lists >= thresholds.warning_before_list => {
            (Severity::Warning, SeverityReason::ListedAfterwards { watches: lists })
        }
        _ if goes_on && context.rps(episode) >= thresholds.warning_rps => {
            (Severity::Warning, SeverityReason::WatchesPerSec { watches_per_sec: context.rps(episode) })
        }
        Impact::Critical(reason) | Impact::Warning(reason) => (Severity::Warning, reason),
        _ if let Some((reason, ratio)) = &own_timeout => {
            (if *ratio >= thresholds.warning_cut_ratio { Severity::Warning } else { Severity::Info }, reason.clone())
        }
        _ if is_burst && episode.request_count >= thresholds.warning_reopened => {
            (Severity::Warning, SeverityReason::ReopenedAtOnce { watches: episode.request_count })
        }
        _ => (Severity::Info, SeverityReason::WatchesWithoutLists),
    };
    let mut finding = Finding::from_episode(Kind::WatchChurn, judgement, episode, context);
    finding.query = if is_burst { "bursts" } else { "short_watches" };
    finding.remedies = remedies(episode, goes_on, own_timeout.is_some());
    if own_timeout.is_none() {
        finding.unknowns.push(Unknown::WhoCutWatches);
    }
    Some(finding)
}

/// That the client's own `timeout` cuts its watches, and how many times longer they asked to live; `None` where it doesn't.
fn own_timeout(episode: &Episode) -> Option<(SeverityReason, f64)> {
    let (lived_secs, asked_secs) = (episode.median_lifetime_secs?, episode.median_timeout_secs?);
    let is_most = 2 * episode.client_cut_count > episode.request_count;
    let reason = SeverityReason::CutByOwnTimeout { lived_secs, asked_secs };
    is_most.then_some((reason, asked_secs / lived_secs.max(0.001)))
}

fn remedies(episode: &Episode, goes_on: bool, is_cut_by_client: bool) -> Vec<Remedy> {
    match episode.median_lifetime_secs {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a time-out of seconds to minutes")]
        Some(lived_secs) if is_cut_by_client => {
            vec![Remedy::UnsetClientTimeout { timeout_secs: lived_secs.round() as u64 }]
        }
        _ if goes_on => vec![Remedy::LetWatchesLast, Remedy::UseBookmarks],
        _ => vec![Remedy::FindWhatCutConnections],
    }
}

#[cfg(test)]
mod tests {
    use super::super::episode::Pattern;
    use super::super::shape_cases::{found_in, requests};
    use super::*;

    fn short_watches(lived_secs: f64, asked_secs: Option<f64>, cut: u64) -> Episode {
        Episode {
            read_kind: Some(ReadKind::Watch),
            median_instance_reads: Some(50.0),
            median_lifetime_secs: Some(lived_secs),
            median_timeout_secs: asked_secs,
            client_cut_count: cut,
            ..requests(Pattern::ShortWatches, 100, 1_800)
        }
    }

    /// `timeout=10s` in the URI is the client's general time-out, which cuts its watches at 10 s.
    #[test]
    fn who_cuts_its_own_watches_is_told_so() {
        let found = found_in(&[short_watches(10.0, Some(450.0), 100)]);
        assert_eq!((found[0].kind, found[0].severity), (Kind::WatchChurn, Severity::Warning));
        let reason = SeverityReason::CutByOwnTimeout { lived_secs: 10.0, asked_secs: 450.0 };
        assert_eq!(found[0].severity_reason, reason);
        assert_eq!(found[0].remedies, [Remedy::UnsetClientTimeout { timeout_secs: 10 }]);
        assert_eq!(found[0].unknowns, []);
        assert_eq!(found_in(&[short_watches(60.0, Some(450.0), 100)])[0].severity, Severity::Info);
    }

    #[test]
    fn whose_watches_are_cut_by_others_is_not() {
        for episode in [short_watches(10.0, Some(450.0), 3), short_watches(10.0, None, 0)] {
            let found = found_in(&[episode]);
            assert_eq!((found[0].severity, &found[0].remedies[0]), (Severity::Info, &Remedy::LetWatchesLast));
            assert_eq!(found[0].unknowns, [Unknown::WhoCutWatches]);
        }
    }
}
