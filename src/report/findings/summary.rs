//! What happened, in a sentence: who did what, how often, for how long, at what cost.

use super::{count, span};
use crate::findings::{Culprit, Finding, Kind, SeverityReason, resource_name};
use crate::units;

/// What happened, in a sentence without its end.
pub(in crate::report) fn summary(finding: &Finding) -> String {
    let who = who(finding);
    let what = resources(finding);
    let long = span(finding.ended_at - finding.started_at);
    let times = count(finding.requests, "time", "times");
    let each = match finding.instances {
        0 | 1 => String::new(),
        instances => format!(" ({} per instance)", units::count(finding.requests / instances)),
    };
    let sentence = match finding.kind {
        Kind::ApiserverRestart => restart(finding),
        Kind::RestartHerd => format!(
            "after the apiserver started, {} of all clients sent {} within {long}",
            count(finding.instances, "instance", "instances"),
            count(finding.requests, "LIST or watch", "LISTs and watches")
        ),
        Kind::RelistHerd => format!("{who} listed {what} {times} within {long}"),
        Kind::ListLoop => format!("{who} listed {what} {times} in {long}{each}"),
        Kind::RetryLoop => format!("{who} retried failed LISTs of {what} {times} in {long}{each}"),
        Kind::UnpaginatedList => format!("{who} listed all {what} without pagination {times} in {long}{each}"),
        Kind::PageStorm => {
            format!("{who} read {} of {what} in {long}{each}", count(finding.requests, "page", "pages"))
        }
        Kind::WatchChurn => format!(
            "{who} opened {} of {what} within {long} in place of watches that were cut or short-lived",
            count(finding.requests, "watch", "watches")
        ),
        Kind::ListPileup => match finding.culprit {
            Culprit::One { .. } => format!("LISTs of {what} piled up for {long}, most of them from {who}"),
            Culprit::Many => format!("LISTs of several clients piled up for {long}"),
        },
        Kind::Rejections => rejections(finding, &long),
        Kind::DiscoveryLoop => format!("{who} read API discovery documents {times} in {long}{each}"),
    };
    format!("{sentence}{}", held(finding))
}

/// Which server rejected whom.
fn rejections(finding: &Finding, long: &str) -> String {
    let server =
        finding.apiserver.as_ref().map_or_else(|| "an apiserver".to_owned(), |name| format!("apiserver {name}"));
    let clients = finding.clients.iter().map(|share| format!("{} of {}", units::count(share.requests), share.client));
    let clients: Vec<_> = clients.collect();
    let requests = count(finding.requests, "request", "requests");
    format!("{server} rejected {requests} with 429 in {long}: {}", clients.join(", "))
}

/// The instances and their client.
fn who(finding: &Finding) -> String {
    let client = finding.culprit.client().unwrap_or("several clients");
    match finding.instances {
        0 | 1 => client.to_owned(),
        instances => format!("{} instances of {client}", units::count(instances)),
    }
}

/// How many LISTs were in flight at once, and what they held.
fn held(finding: &Finding) -> String {
    let of = if finding.other_resources.is_empty() { String::new() } else { format!(" ({} only)", resource(finding)) };
    let bytes = finding.estimated_bytes.map(|bytes| format!("held an estimated {}{of}", bytes.words()));
    let at_once = finding.peak_concurrency.filter(|peak| *peak > 1);
    let at_once = at_once.map(|peak| format!("up to {} LISTs were in flight at once", units::count(peak)));
    match (at_once, bytes) {
        (Some(at_once), Some(bytes)) => format!("; {at_once} and {bytes}"),
        (Some(at_once), None) => format!("; {at_once}"),
        (None, Some(bytes)) => format!("; a LIST {bytes}"),
        (None, None) => String::new(),
    }
}

/// What is known of an apiserver's restart.
fn restart(finding: &Finding) -> String {
    let away = units::span((finding.ended_at - finding.started_at + 500_000) / 1_000_000 * 1_000_000);
    match finding.severity_reason {
        SeverityReason::CutOff { .. } => format!("the apiserver died, and was back {away} later"),
        SeverityReason::CutOffOrLogMissing { .. } => "the apiserver died, or a piece of the log is missing".to_owned(),
        SeverityReason::LogBegins => "the log begins with a start of the apiserver".to_owned(),
        SeverityReason::OnlyEndsLogged => {
            format!("the apiserver started after a silence of {away}; the log does not show whether it was killed")
        }
        _ => "the apiserver restarted, and seems to have shut down cleanly before".to_owned(),
    }
}

/// The resource, and how many more.
fn resources(finding: &Finding) -> String {
    let resource = resource(finding);
    match finding.other_resources.as_slice() {
        [] => resource,
        [one] => format!("{resource} and {one}"),
        more => format!("{resource} and {} more resources", more.len()),
    }
}

fn resource(finding: &Finding) -> String {
    let name = finding.resource.as_ref().map(|resource| resource_name(resource, finding.api_group.as_deref()));
    name.unwrap_or_else(|| "several resources".to_owned())
}
