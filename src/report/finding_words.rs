//! What other reports quote of a finding: its summary, the reason for its severity, its first remedy.

use crate::findings::Finding;
use crate::units::Zone;

/// What happened, in a sentence without its end.
pub(super) fn summary(finding: &Finding, zone: &Zone) -> String {
    zone.in_sentence(&finding.summary)
}

/// What makes it that bad.
pub(super) fn severity_reason(finding: &Finding, zone: &Zone) -> String {
    zone.in_sentence(&finding.severity_reason)
}

/// Its first remedy, for a client that is part of it, without the client's name; `None` where it has no remedy.
pub(super) fn first_remedy(finding: &Finding, client: &str) -> Option<String> {
    let remedy = finding.remedies.first()?;
    let own = remedy.strip_prefix(client).and_then(|rest| rest.strip_prefix(": "));
    Some(own.unwrap_or(remedy).to_owned())
}

/// What to do first at a client that is part of a finding: its first remedy, named for the client.
pub(super) fn first_step(finding: &Finding, client: &str) -> Option<String> {
    let remedy = finding.remedies.first()?;
    let is_named = client == "many" || remedy.starts_with(client);
    Some(if is_named { remedy.clone() } else { format!("{client}: {remedy}") })
}
