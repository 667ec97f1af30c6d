//! `apiserver-restart`: an apiserver started; perhaps the one before was killed.

use super::context::{Context, End};
use super::episode::secs;
use super::explain::Explanation;
use super::finding::{Finding, Kind, Severity, evidence};
use crate::units;

pub(super) const EXPLANATION: Explanation = Explanation {
    reason: "A server that is killed takes with it all that was in flight, and every client comes back at once. The log has no \
             line that says so: the new process goes on writing to the same file.",
    rule: "A start is told by what the server asks of itself: system:apiserver lists a dozen resources and more within \
           seconds, and requests are marked as served while starting. The server before was killed if it left \
           apiserver_restart.min_open_watches watches without an end, or apiserver_restart.min_open_lists lists; a server \
           that stops in good order ends them first. Where the policy drops system:apiserver, a silence of the log after \
           which the watches before never end is taken for a restart.",
    limits: "Whether it was the kernel's OOM killer, a failed liveness probe or a person is not in the log. Lists in flight \
             at the end are in it only where RequestReceived is logged.",
};

/// Judges one start.
pub(super) fn judge(end: &End, context: &Context<'_>) -> Finding {
    let span = end.died_at.map(|died_at| secs(end.started_at - died_at));
    let cut =
        format!("{} watches and {} lists have no end", units::count(end.open_watches), units::count(end.open_lists));
    let (severity, reason, summary) = match (end.was_killed, span) {
        (true, Some(_)) if !end.is_seen => {
            (Severity::Warning, cut, "the apiserver died, or a piece of the log is missing".to_owned())
        }
        (true, Some(secs)) => (
            Severity::Critical,
            cut,
            format!("the apiserver died, and served again {} s later", units::number(secs.round())),
        ),
        (true, None) => (Severity::Critical, cut, "the apiserver died".to_owned()),
        (false, None) => (
            Severity::Info,
            "the log begins with it".to_owned(),
            "the log begins with a start of the apiserver".to_owned(),
        ),
        (false, Some(secs)) if end.was_silent && context.omits_received && context.omits_started => (
            Severity::Warning,
            "the policy logs ends of requests only, so nothing shows whether any were cut off".to_owned(),
            format!(
                "the apiserver started after a silence of {} s; whether it was killed can't be told",
                units::number(secs.round())
            ),
        ),
        (false, Some(_)) => (
            Severity::Info,
            "no request was cut off, as far as the log tells".to_owned(),
            "the apiserver was started again, it seems in good order".to_owned(),
        ),
    };
    let mut finding = blank(end);
    finding.severity = severity;
    finding.severity_reason = reason;
    finding.summary = summary;
    if end.was_killed {
        finding.unknowns.push("what killed it: look in the node's kernel log and the kubelet's events".to_owned());
        if end.open_lists == 0 && context.omits_received {
            finding.unknowns.push(
                "what was in flight: the policy omits RequestReceived, so lists that had no end left no line"
                    .to_owned(),
            );
        }
    }
    finding
}

fn blank(end: &End) -> Finding {
    Finding {
        kind: Kind::ApiserverRestart,
        severity: Severity::Info,
        severity_reason: String::new(),
        summary: String::new(),
        started_at: end.died_at.unwrap_or(end.started_at),
        ended_at: end.started_at,
        client_type: "apiserver".to_owned(),
        client: "kube-apiserver".to_owned(),
        client_confidence: None,
        user_names: Vec::new(),
        user_name_count: 0,
        user_agents: Vec::new(),
        instances: 1,
        worst_instances: Vec::new(),
        apiserver: end.apiserver.clone(),
        resource: None,
        api_group: None,
        other_resources: Vec::new(),
        scope: None,
        list_kinds: Vec::new(),
        requests: 0,
        rate_rps: 0.0,
        baseline_rps: None,
        peak_concurrency: None,
        peak_at: None,
        estimated_bytes: None,
        peak_share: None,
        clients: Vec::new(),
        evidence: evidence(&end.evidence_audit_ids, &end.evidence_places),
        query: "restarts".to_owned(),
        unknowns: Vec::new(),
        remedies: Vec::new(),
    }
}
