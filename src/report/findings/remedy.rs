//! What to do, and what the log leaves open, in words.

use crate::findings::{Finding, Remedy, Unknown};
use crate::units;

/// What to do at the client.
#[expect(clippy::too_many_lines, reason = "one arm for each remedy")]
pub fn remedy(remedy: &Remedy) -> String {
    let words = match remedy {
        Remedy::ClientAdvice { client, advice } => return format!("{client}: {advice}"),
        Remedy::UnsetClientTimeout { timeout_secs } => {
            return format!(
                "leave the client's overall timeout unset (rest.Config.Timeout in client-go, here {timeout_secs} s): it cuts watches \
                 too; give individual requests a deadline instead (a context)"
            );
        }
        Remedy::ListFromCacheOrInPages => {
            "list from the watch cache (resourceVersion=0) where slightly stale data will do; otherwise page with limit=500"
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
            "find the full priority level, and who fills it, with stormglass apf explain; the log does not show whether API \
             Priority and Fairness rejected a request or --max-requests-inflight did"
        }
        Remedy::ReuseClient => "in programs, create one client and reuse it",
        Remedy::StopWatches => {
            "stop a watch (close its response, cancel its context) before opening another in its place, and give each a \
             timeoutSeconds, after which the server ends it"
        }
        Remedy::ShareInformer => {
            "share one informer for each resource in a program instead of opening a watch for each consumer"
        }
        Remedy::DeleteInSteps => {
            "delete in steps: list a page (limit=500) and delete its objects, or let them expire (the TTL of events, of \
             finished jobs, of the owner)"
        }
        Remedy::DeleteOneAtATime => {
            "don't send a deletecollection again when it timed out: the server goes on with the first; wait until the \
             objects are gone"
        }
        Remedy::WatchInsteadOfGetting => {
            "read from an informer's cache instead of getting objects one by one: one LIST and a watch replace these GETs"
        }
        Remedy::ExpectExistingObjects => {
            "treat \"already exists\" as success: get the object and update it only if it differs, or use server-side \
             apply; look for two controllers that contend for the same objects"
        }
        Remedy::FixInvalidObjects => "fix what the server reports as invalid: the same object will be rejected again",
        Remedy::RenewCredentials => "renew the credentials (token or certificate), and have the client reload them",
        Remedy::GrantOrStopAsking => {
            "grant the permission (kubectl auth can-i shows what is missing), or turn off the feature of the client that needs it"
        }
        Remedy::HeedAdmission => {
            "read the messages: a quota, an admission policy, a webhook or a denied impersonation refuses it"
        }
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
        Unknown::OpenWhenLogEnds { watches } => format!(
            "how long {} open: the log ends before {}",
            if *watches == 1 {
                "one of the watches stays".to_owned()
            } else {
                format!("{} of the watches stay", units::count(*watches))
            },
            if *watches == 1 { "it does" } else { "they do" }
        ),
        Unknown::UnfinishedDeletions { deletions } => format!(
            "how long {} that {} no end in the log went on",
            super::count(*deletions, "deletecollection", "deletecollections"),
            if *deletions == 1 { "has" } else { "have" }
        ),
        Unknown::ProgramBehindLibrary => {
            "which program it is: the user agent names a library that many programs use; ask one of its users"
                .to_owned()
        }
    }
}
