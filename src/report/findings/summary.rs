//! What happened, in a sentence: who did what, how often, for how long, at what cost.

use super::{count, span};
use crate::findings::{Cause, Culprit, Finding, Kind, SeverityReason, resource_name};
use crate::report::size_words::held_estimate;
use crate::units;

/// What happened, in a sentence without its end.
pub(in crate::report) fn summary(finding: &Finding) -> String {
    let who = who(finding);
    let what = resources(finding);
    let long = span(finding.ended_at - finding.started_at);
    let times = format!("{}{}", count(finding.requests, "time", "times"), by_watch(finding));
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
        Kind::RelistHerd => {
            let cause = finding.cause.map(cause).unwrap_or_default();
            format!("{who} listed {what} {times} within {long}{cause}")
        }
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
            Culprit::Many => format!("LISTs of several clients piled up for {long}{}", most_of_it(finding)),
        },
        Kind::Rejections => rejections(finding, &long),
        Kind::DiscoveryLoop => format!("{who} read API discovery documents {times} in {long}{each}"),
        Kind::WatchPileup => watch_pileup(finding, &who, &what),
        Kind::DeletePileup => {
            let deletions = count(finding.requests, "deletecollection", "deletecollections");
            format!("{who} sent {deletions} of {what} in {long}, each of which reads the collection into memory")
        }
        Kind::GetFlood => format!("{who} read {what} one by one, {times} in {long}{each}"),
        Kind::WriteLoop => format!("{who} failed to write {what} {times} in {long}{each}"),
        Kind::RefusalLoop => {
            let requests = count(finding.requests, "request", "requests");
            format!("{} sent {requests} for {what} in {long} that were refused{each}", users(finding))
        }
    };
    format!("{sentence}{}", held(finding))
}

/// That some of the LISTs were watch-lists.
fn by_watch(finding: &Finding) -> String {
    match finding.watch_lists {
        0 => String::new(),
        lists if lists >= finding.requests => " by watch-lists".to_owned(),
        lists => format!(" ({} of them by watch-lists)", units::count(lists)),
    }
}

/// Who has most of a pile that several clients share: those whose LISTs were in flight about as long as the first one's.
fn most_of_it(finding: &Finding) -> String {
    let longest = finding.clients.iter().map(|share| share.list_secs).fold(0.0, f64::max);
    let mut names: Vec<&str> = Vec::new();
    for share in finding.clients.iter().filter(|share| 3.0 * share.list_secs >= longest && longest > 0.0) {
        if !names.contains(&share.client.as_str()) {
            names.push(&share.client);
        }
    }
    match names.as_slice() {
        [] => String::new(),
        [one] => format!(", most of them from {one}"),
        [most @ .., last] => format!(", most of them from {} and {last}", most.join(", ")),
    }
}

fn cause(cause: Cause) -> &'static str {
    match cause {
        Cause::WatchesExpired => " because they had been cut off and their watches had expired (410)",
    }
}

fn watch_pileup(finding: &Finding, who: &str, what: &str) -> String {
    let SeverityReason::OpenWatches { open, needed, .. } = finding.severity_reason else {
        return format!("{who} held far more watches of {what} open than needed");
    };
    let opened = count(finding.requests, "watch", "watches");
    let long = span(finding.ended_at - finding.started_at);
    format!(
        "{who} opened {opened} of {what} in {long} and held up to {} open at once, where {} would do",
        units::count(open),
        units::count(needed)
    )
}

/// The users and the client they run; of one user, the instances.
fn users(finding: &Finding) -> String {
    match (finding.user_name_count, finding.culprit.client()) {
        (2.., Some(client)) => format!("{} users of {client}", units::count(finding.user_name_count)),
        _ => who(finding),
    }
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
    let requests = match finding.kind {
        Kind::WatchPileup => return String::new(),
        Kind::DeletePileup => "of them",
        _ => "LISTs",
    };
    let of = if finding.other_resources.is_empty() { String::new() } else { format!(" ({} only)", resource(finding)) };
    let bytes = finding.estimated_bytes.map(|bytes| format!("held {}{of}", held_estimate(bytes)));
    let at_once = finding.peak_concurrency.filter(|peak| *peak > 1);
    let at_once = at_once.map(|peak| format!("up to {} {requests} were in flight at once", units::count(peak)));
    match (at_once, bytes) {
        (Some(at_once), Some(bytes)) => format!("; {at_once} and {bytes}"),
        (Some(at_once), None) => format!("; {at_once}"),
        (None, Some(bytes)) => format!("; a LIST {bytes}"),
        (None, None) => String::new(),
    }
}

/// A start that takes longer than this is worth mentioning.
const SLOW_START_MICROS: i64 = 15_000_000;

fn whole_secs(micros: i64) -> String {
    units::span((micros + 500_000) / 1_000_000 * 1_000_000)
}

/// What is known of an apiserver's restart.
fn restart(finding: &Finding) -> String {
    let away = whole_secs(finding.ended_at - finding.started_at);
    // A server that is slow to be ready refuses or delays most of what it is asked.
    let ready = finding.ready_at.zip(finding.back_at).map(|(ready, back)| ready - back);
    let ready = ready.filter(|micros| *micros >= SLOW_START_MICROS).map(whole_secs);
    match finding.severity_reason {
        SeverityReason::CutOff { .. } => match ready {
            Some(ready) => format!("the apiserver died, was back {away} later, and was starting for another {ready}"),
            None => format!("the apiserver died, and was back {away} later"),
        },
        SeverityReason::EndsNotLogged => {
            format!("the apiserver started {away} after its last request; the log does not show how it ended before")
        }
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
