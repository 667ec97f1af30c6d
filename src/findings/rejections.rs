//! `rejections`: an apiserver rejects requests with 429 for longer than a start of its clients explains.
//!
//! The log says neither which priority level rejected, nor whether it was API Priority and Fairness at all or the limit of
//! requests in flight. What it does say is who was rejected, and whose LISTs were in flight on that server meanwhile. Only a
//! client that is both rejected and had most of them is named: it fills the level that it waits for. Others that were
//! rejected are victims.

use super::context::Context;
use super::culprit::Culprit;
use super::ends::End;
use super::episode::{row, secs, texts};
use super::finding::{Finding, Kind, Share, evidence};
use super::remedy::Remedy;
use super::severity::{Severity, SeverityReason};
use crate::audit::Micros;
use crate::tables::TypedRow;

row! {
    /// A row of the query `rejections`.
    RejectionEpisode of "rejections" {
        apiserver: Option<String>,
        started_at: Micros,
        ended_at: Micros,
        rejected_count: u64,
        client_count: u64,
        bystander_rejected_count: u64,
        #[serde(deserialize_with = "texts")]
        client_types: Vec<String>,
        #[serde(deserialize_with = "texts")]
        rejected_clients: Vec<String>,
        client_rejected_counts: Option<Vec<u64>>,
        busiest_client_type: Option<String>,
        busiest_client: Option<String>,
        busiest_list_secs: Option<f64>,
        all_list_secs: Option<f64>,
        #[serde(deserialize_with = "texts")]
        evidence_audit_ids: Vec<String>,
        #[serde(deserialize_with = "texts")]
        evidence_places: Vec<String>,
    }
}

/// Judges one episode of rejections.
pub(super) fn judge(episode: &RejectionEpisode, context: &Context<'_>) -> Option<Finding> {
    let thresholds = &context.thresholds.rejections;
    let rejected = episode.rejected_count;
    let goes_on = secs(episode.ended_at - episode.started_at) >= thresholds.min_secs;
    let is_many = rejected >= thresholds.warning_rejected;
    let after_start = context.ends.iter().any(|end| follows(episode, end, context));
    if rejected < thresholds.min_rejected || !(goes_on || is_many) || after_start {
        return None;
    }
    let bystanders = episode.bystander_rejected_count;
    let reason = SeverityReason::Rejected {
        rejected,
        bystanders,
        busiest: filling_client(episode, thresholds.busiest_share).map(|(_, client)| client.to_owned()),
    };
    let is_warning = is_many || bystanders >= thresholds.warning_bystander_rejected;
    let severity = if is_warning { Severity::Warning } else { Severity::Info };
    Some(finding(episode, (severity, reason), thresholds.busiest_share))
}

/// Whether the rejections are what the return of all clients after a start of the server brings: the herd tells of it.
fn follows(episode: &RejectionEpisode, end: &End, context: &Context<'_>) -> bool {
    let herd = &context.thresholds.restart_herd;
    end.is_of(episode.apiserver.as_deref())
        && secs(end.started_at - episode.started_at) <= herd.before_secs
        && secs(episode.started_at - end.started_at) <= herd.within_secs
        && secs(episode.ended_at - end.started_at) <= herd.within_secs + herd.after_secs
}

/// The type and name of the client that had most LISTs in flight, if it had so large a share of them and was itself
/// rejected.
fn filling_client(episode: &RejectionEpisode, min_share: f64) -> Option<(&str, &str)> {
    let (client_type, client) = (episode.busiest_client_type.as_deref()?, episode.busiest_client.as_deref()?);
    let is_rejected = episode.rejected_clients.iter().any(|rejected| rejected == client);
    let has_most = episode.busiest_list_secs? >= min_share * episode.all_list_secs?;
    (is_rejected && has_most).then_some((client_type, client))
}

fn finding(episode: &RejectionEpisode, judgement: (Severity, SeverityReason), busiest_share: f64) -> Finding {
    let culprit = filling_client(episode, busiest_share)
        .map_or(Culprit::Many, |(client_type, client)| Culprit::one(client_type, client));
    let counts = episode.client_rejected_counts.iter().flatten();
    let clients = episode.client_types.iter().zip(&episode.rejected_clients).zip(counts);
    let clients = clients.map(|((client_type, client), requests)| Share {
        client_type: client_type.clone(),
        client: client.clone(),
        resource: None,
        instances: 0,
        requests: *requests,
        peak_concurrency: 0,
        estimated_bytes: None,
        list_secs: 0.0,
    });
    let span = (episode.started_at, episode.ended_at);
    Finding {
        apiserver: episode.apiserver.clone(),
        requests: episode.rejected_count,
        rate_rps: episode.rejected_count as f64 / secs(episode.ended_at - episode.started_at).max(1.0),
        clients: clients.collect(),
        evidence: evidence(&episode.evidence_audit_ids, &episode.evidence_places),
        remedies: vec![Remedy::FindFullLevel, Remedy::BackOff],
        ..Finding::new((Kind::Rejections, "rejections"), judgement, culprit, span)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::{Measured, Restart, Thresholds, judge as judge_all};
    use super::*;
    use crate::requests::Tally;

    const SECOND: i64 = 1_000_000;

    /// Rejections of an agent that lists all the time, and of another client that doesn't.
    fn rejections(secs: i64, agent: u64, other: u64) -> RejectionEpisode {
        RejectionEpisode {
            apiserver: Some("m1".into()),
            started_at: 1_000 * SECOND,
            ended_at: (1_000 + secs) * SECOND,
            rejected_count: agent + other,
            client_count: 2,
            bystander_rejected_count: other,
            client_types: vec!["unknown".into(), "cni".into()],
            rejected_clients: vec!["agent".into(), "cni".into()],
            client_rejected_counts: Some(vec![agent, other]),
            busiest_client_type: Some("unknown".into()),
            busiest_client: Some("agent".into()),
            busiest_list_secs: Some(90.0),
            all_list_secs: Some(100.0),
            ..RejectionEpisode::default()
        }
    }

    fn found(episode: RejectionEpisode, restarts: &[Restart]) -> Vec<Finding> {
        let (tally, profiles) = (Tally::default(), BTreeMap::new());
        let rejections = &[episode];
        let measured = Measured {
            tally: &tally,
            episodes: &[],
            clients: &[],
            restarts,
            rejections,
            profiles: &profiles,
            from: None,
        };
        let mut findings = judge_all(measured, &Thresholds::embedded());
        findings.retain(|finding| finding.kind == Kind::Rejections);
        findings
    }

    fn severity(episode: RejectionEpisode) -> Option<Severity> {
        found(episode, &[]).first().map(|finding| finding.severity)
    }

    #[test]
    fn many_rejections_or_those_of_bystanders_are_a_warning() {
        assert_eq!(severity(rejections(3_600, 1_134, 240)), Some(Severity::Warning));
        assert_eq!(severity(rejections(20, 1_000, 0)), Some(Severity::Warning), "a thousand within seconds");
        assert_eq!(severity(rejections(80, 60, 60)), Some(Severity::Warning), "who lists nothing is rejected");
        assert_eq!(severity(rejections(80, 600, 0)), Some(Severity::Info), "who lists without end is held back");
    }

    #[test]
    fn what_all_clients_together_meet_at_a_start_is_none() {
        assert_eq!(severity(rejections(18, 210, 74)), None, "it is over in seconds");
        assert_eq!(severity(rejections(3_600, 60, 30)), None, "few");
        let start = super::super::cases::start(990, 0);
        assert_eq!(found(rejections(80, 210, 74), std::slice::from_ref(&start)).len(), 0, "the herd tells of it");
        assert_eq!(found(rejections(600, 210, 74), &[start]).len(), 1, "it went on");
    }

    #[test]
    fn only_who_lists_most_and_is_rejected_too_is_named() {
        let culprit = |episode| found(episode, &[])[0].culprit.clone();
        assert_eq!(culprit(rejections(3_600, 1_134, 240)), Culprit::one("unknown", "agent"));
        let even = RejectionEpisode { busiest_list_secs: Some(40.0), ..rejections(3_600, 1_134, 240) };
        assert_eq!(culprit(even), Culprit::Many);
        let exempt = RejectionEpisode { busiest_client: Some("admin".into()), ..rejections(3_600, 1_134, 240) };
        assert_eq!(culprit(exempt), Culprit::Many, "it lists in a level of its own");
    }
}
