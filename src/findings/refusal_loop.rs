//! `refusal-loop`: a client asks again and again for what it is refused: with 401, or with 403.

use super::context::Context;
use super::episode::{Episode, Pattern, secs};
use super::finding::{Finding, Kind};
use super::remedy::{Remedy, Unknown};
use super::severity::{Severity, SeverityReason};

/// Judges refusals. The query has left out instances that are refused now and then.
pub(super) fn judge(episode: &Episode, context: &Context<'_>) -> Option<Finding> {
    let thresholds = &context.thresholds.refusal_loop;
    if episode.pattern != Pattern::Refusals
        || episode.request_count < thresholds.min_refusals
        || context.covered_secs(episode) < thresholds.min_secs
        || context.rps(episode) < thresholds.min_rps
    {
        return None;
    }
    let requests_per_sec = context.rps(episode);
    let (unauthenticated, forbidden) = (episode.unauthenticated_count, episode.forbidden_count);
    let not_admitted = episode.request_count.saturating_sub(unauthenticated + forbidden);
    let reason = SeverityReason::RefusedPerSec { requests_per_sec, unauthenticated, forbidden, not_admitted };
    let severity = if requests_per_sec >= thresholds.warning_rps { Severity::Warning } else { Severity::Info };
    let mut finding = Finding::from_episode(Kind::RefusalLoop, (severity, reason), episode, context);
    finding.query = "request_loops";
    finding.other_resources.clone_from(&episode.other_resources);
    let remedies = [
        (forbidden, Remedy::GrantOrStopAsking),
        (unauthenticated, Remedy::RenewCredentials),
        (not_admitted, Remedy::HeedAdmission),
    ];
    finding.remedies = remedies.into_iter().filter(|(count, _)| *count > 0).map(|(_, remedy)| remedy).collect();
    finding.remedies.push(Remedy::BackOff);
    if episode.client_type.as_deref() == Some("sdk") && episode.user_name_count > 1 {
        finding.unknowns.push(Unknown::ProgramBehindLibrary);
    }
    Some(finding)
}

/// Leaves out retried LISTs of a client that is refused at the same time, if they are no more than that: they are in the
/// refusals already.
pub(super) fn drop_retries(findings: Vec<Finding>, gap_secs: f64) -> Vec<Finding> {
    let refusals: Vec<Finding> = findings.iter().filter(|finding| finding.kind == Kind::RefusalLoop).cloned().collect();
    let is_in = |retry: &Finding, refusal: &Finding| {
        retry.culprit == refusal.culprit
            && secs(retry.started_at - refusal.ended_at) <= gap_secs
            && secs(refusal.started_at - retry.ended_at) <= gap_secs
    };
    let is_kept = |finding: &Finding| {
        finding.kind != Kind::RetryLoop
            || finding.severity > Severity::Info
            || !refusals.iter().any(|refusal| is_in(finding, refusal))
    };
    findings.into_iter().filter(is_kept).collect()
}

#[cfg(test)]
mod tests {
    use super::super::shape_cases::{found_in, requests};
    use super::*;

    fn refusals(count: u64, secs: i64, unauthenticated: u64, forbidden: u64) -> Episode {
        Episode {
            unauthenticated_count: unauthenticated,
            forbidden_count: forbidden,
            ..requests(Pattern::Refusals, count, secs)
        }
    }

    #[test]
    fn a_loop_of_refusals_is_a_warning_at_its_rate() {
        let found = found_in(&[refusals(4_545, 114, 0, 4_545)]);
        assert_eq!((found[0].kind, found[0].severity), (Kind::RefusalLoop, Severity::Warning));
        assert_eq!(found[0].remedies, [Remedy::GrantOrStopAsking, Remedy::BackOff]);
        let slow = found_in(&[refusals(200, 300, 50, 20)]);
        assert_eq!(slow[0].severity, Severity::Info);
        assert_eq!(slow[0].remedies[..3], [Remedy::GrantOrStopAsking, Remedy::RenewCredentials, Remedy::HeedAdmission]);
        assert_eq!(found_in(&[refusals(59, 100, 0, 59)]), [], "few");
        assert_eq!(found_in(&[refusals(500, 3_600, 500, 0)]), [], "one every few seconds is no load");
        assert_eq!(found_in(&[refusals(100, 10, 0, 100)]), [], "a server that starts forbids everything for seconds");
    }

    #[test]
    fn refused_lists_that_are_retried_are_told_once() {
        let retry = Episode { pattern: Pattern::Retry, list_count: 300, ..refusals(300, 100, 0, 0) };
        let kinds = |episodes: &[Episode]| found_in(episodes).iter().map(|finding| finding.kind).collect::<Vec<_>>();
        assert_eq!(kinds(&[retry.clone(), refusals(300, 100, 0, 300)]), [Kind::RefusalLoop]);
        let late = Episode { started_at: 1_000_000_000, ended_at: 1_100_000_000, ..retry };
        assert_eq!(kinds(&[late, refusals(300, 100, 0, 300)]).len(), 2);
    }
}
