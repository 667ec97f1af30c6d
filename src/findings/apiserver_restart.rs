//! `apiserver-restart`: an apiserver started; perhaps the one before was killed.

use super::context::Context;
use super::culprit::Culprit;
use super::ends::End;
use super::finding::{Finding, Kind, evidence};
use super::remedy::Unknown;
use super::severity::{Severity, SeverityReason};

/// Judges one start.
pub(super) fn judge(end: &End, context: &Context<'_>) -> Finding {
    let (watches, lists) = (end.open_watches, end.open_lists);
    let judgement = if end.was_killed && !end.is_sure {
        (Severity::Warning, SeverityReason::CutOffOrLogMissing { watches, lists })
    } else if end.was_killed {
        (Severity::Critical, SeverityReason::CutOff { watches, lists })
    } else if end.died_at.is_none() {
        (Severity::Info, SeverityReason::LogBegins)
    } else if context.omits_ends {
        (Severity::Info, SeverityReason::EndsNotLogged)
    } else if end.was_silent && context.omits_received && context.omits_started && !end.ended_in_order {
        (Severity::Warning, SeverityReason::OnlyEndsLogged)
    } else {
        (Severity::Info, SeverityReason::NothingCutOff)
    };
    let mut finding = restart(end, judgement);
    if end.was_killed {
        finding.unknowns.push(Unknown::CauseOfDeath);
        if end.open_lists == 0 && context.omits_received {
            finding.unknowns.push(Unknown::InFlightAtDeath);
        }
    }
    finding
}

fn restart(end: &End, judgement: (Severity, SeverityReason)) -> Finding {
    let culprit = Culprit::one("apiserver", "kube-apiserver");
    let span = (end.died_at.unwrap_or(end.started_at), end.started_at);
    Finding {
        back_at: Some(end.started_at),
        ready_at: end.ready_at,
        instances: 1,
        apiserver: end.apiserver.clone(),
        evidence: evidence(&end.evidence_audit_ids, &end.evidence_places),
        ..Finding::new((Kind::ApiserverRestart, "restarts"), judgement, culprit, span)
    }
}
