//! What to do, and what the log leaves open, in words.

use crate::findings::{Finding, Remedy, Unknown};
use crate::units;

/// What to do at the client.
pub fn remedy(remedy: &Remedy) -> String {
    let words = match remedy {
        Remedy::ClientAdvice { client, advice } => return format!("{client}: {advice}"),
        Remedy::ListFromCacheOrInPages => {
            "list from the watch cache (resourceVersion=0) where slightly stale data will do; else page with limit=500"
        }
        Remedy::NarrowBySelector => {
            "use selectors: with resourceVersion=0 the server ignores the limit, and only selectors make the response smaller"
        }
        Remedy::SelectOwnNode => "on a node, list only the node's own pods: fieldSelector=spec.nodeName=NODE",
        Remedy::WatchInsteadOfListing => {
            "watch instead of listing: an informer (shared, with a lister) keeps the collection in memory"
        }
        Remedy::ListLessOften => "or list far less often: minutes apart, with jitter",
        Remedy::WatchOrPageLessOften => "watch instead of listing in a loop, or page less often",
        Remedy::ReadPagesFaster => {
            "read the pages of a chain before etcd compacts their snapshot (5 min by default), or use larger pages"
        }
        Remedy::MakeListSmaller => {
            "make the LIST small enough to end before the request timeout: page it, or narrow it by a selector"
        }
        Remedy::BackOff => "back off exponentially with jitter, and respect Retry-After",
        Remedy::StaggerRestarts => {
            "restart the instances a few at a time (maxUnavailable), with a random delay before the first LIST"
        }
        Remedy::ResumeFromCache => {
            "let informers start from the watch cache (resourceVersion=0) or with watch-lists, and resume from their last \
             resourceVersion"
        }
        Remedy::LimitHeaviestClients => {
            "limit the heaviest of these clients by API Priority and Fairness, so that they come back one after the other"
        }
        Remedy::LetWatchesLast => {
            "let watches last: ask for timeoutSeconds of 300 to 600, and resume from the last resourceVersion"
        }
        Remedy::UseBookmarks => {
            "ask for bookmarks (allowWatchBookmarks=true), so that the resourceVersion stays recent"
        }
        Remedy::FindWhatCutConnections => {
            "find out what cut the connections: a load balancer's idle timeout, a network change, a restarted proxy"
        }
        Remedy::KeepDiscoveryCache => {
            "keep the discovery cache: give kubectl a writable --cache-dir that outlives the call"
        }
        Remedy::FindFullLevel => {
            "find the priority level that is full, and who fills it, with: stormglass apf explain; the log itself does not \
             say whether API Priority and Fairness rejected a request or the server's limit of requests in flight"
        }
        Remedy::ReuseClient => "in programs, create one client and reuse it",
    };
    words.to_owned()
}

/// What to do first about a finding, without the client's name; `None` where it has no remedy.
pub(in crate::report) fn first_remedy(finding: &Finding) -> Option<String> {
    Some(match finding.remedies.first()? {
        Remedy::ClientAdvice { advice, .. } => advice.clone(),
        other => remedy(other),
    })
}

/// What to do first at a client that is part of a finding, after the client's name; `None` where it has no remedy.
pub(in crate::report) fn first_step(finding: &Finding, client: &str) -> Option<String> {
    Some(match finding.remedies.first()? {
        named @ Remedy::ClientAdvice { .. } => remedy(named),
        other => format!("{client}: {}", remedy(other)),
    })
}

/// What the log leaves open about a finding.
pub fn unknown(unknown: &Unknown) -> String {
    match unknown {
        Unknown::SomeSizes { unknown, all } => format!(
            "the size of {} of its {} LISTs; the estimate leaves them out, so it is too low",
            units::count(*unknown),
            units::count(*all)
        ),
        Unknown::SharedUser { clients } => format!(
            "which requests are its own for API Priority and Fairness: its user also serves {}",
            clients.join(", ")
        ),
        Unknown::CauseOfDeath => "what killed it: check the node's kernel log and the kubelet's events".to_owned(),
        Unknown::InFlightAtDeath => {
            "what was in flight: the audit policy omits RequestReceived, so LISTs that did not end left no line"
                .to_owned()
        }
        Unknown::CommonCause => {
            "why the instances listed at the same time: look for a rollout, a configuration change, or a lost apiserver"
                .to_owned()
        }
        Unknown::WhoCutWatches => "who cut the watches: every watch ends with code 200 in the log".to_owned(),
    }
}
