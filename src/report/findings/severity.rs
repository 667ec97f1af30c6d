//! What makes a finding as severe as it is, in words.

use super::{count, rate};
use crate::findings::SeverityReason;
use crate::units;

/// What makes a finding as severe as it is.
pub fn severity_reason(reason: &SeverityReason) -> String {
    use SeverityReason as Reason;
    match reason {
        Reason::Held { bytes } => format!("LISTs held an estimated {} at the peak", bytes.words()),
        Reason::DiedMeanwhile { died_at, bytes } => format!(
            "the apiserver died at {} while it was going on; LISTs held an estimated {} at the peak",
            units::instant(*died_at),
            bytes.words()
        ),
        Reason::ReturnedPerSec { bytes_per_sec } => {
            format!("LISTs return about {} per second", units::bytes(*bytes_per_sec))
        }
        Reason::LargestResponse { low_bytes } => {
            format!("the largest response has at least {}", units::bytes(*low_bytes))
        }
        Reason::UnknownSize => "the size of the responses is unknown".to_owned(),
        Reason::WholeCollectionsOfUnknownSize => "whole collections of unknown size were listed".to_owned(),
        Reason::UnknownSizeAtThisRate { requests_per_sec } => {
            format!("a whole collection of unknown size is listed {} times per second", rate(*requests_per_sec))
        }
        Reason::FewOrNarrowOfUnknownSize => {
            "the size of the responses is unknown, but the LISTs are few, or narrowed by namespace or selector"
                .to_owned()
        }
        Reason::SlowOrNarrow => "the LISTs come slowly, or are narrowed by namespace or selector".to_owned(),
        Reason::InFlight { lists } => format!("{} in flight at once", count(*lists, "LIST", "LISTs")),
        Reason::InFlightOfUnknownSize { lists, unknown } => format!(
            "{} in flight at once, {} of them of one resource of unknown size",
            count(*lists, "LIST", "LISTs"),
            units::count(*unknown)
        ),
        Reason::Refused { failed } => {
            format!("{} rejected, failed or timed out", count(*failed, "request was", "requests were"))
        }
        Reason::RefusedShare { failed, all } => {
            format!("{} of the LISTs were rejected, failed or timed out", units::percent(*failed, *all))
        }
        Reason::WorstPart { kind, culprit, reason } => {
            format!("{} by {}: {}", kind.name(), culprit.client().unwrap_or("several clients"), severity_reason(reason))
        }
        other => of_loops(other).unwrap_or_else(|| of_restarts(other)),
    }
}

/// The reasons of loops and churn; `None` for others.
fn of_loops(reason: &SeverityReason) -> Option<String> {
    use SeverityReason as Reason;
    Some(match reason {
        Reason::RanIntoTimeout { timed_out, timeout_secs } => format!(
            "{} cut off at the request timeout of {} s: the server's work for them was wasted",
            count(*timed_out, "LIST was", "LISTs were"),
            units::number(*timeout_secs)
        ),
        Reason::FailedTries { rejected, errors, timed_out } => format!(
            "of the tries before, {} were rejected (429), {} failed (5xx), {} timed out",
            units::count(*rejected),
            units::count(*errors),
            units::count(*timed_out)
        ),
        Reason::FewOrCheapTries => "the retries are few, or fail without much work for the server".to_owned(),
        Reason::PagesGone { pages } => format!(
            "{} failed with 410 (the snapshot was compacted away); clients then usually list everything at once",
            count(*pages, "page", "pages")
        ),
        Reason::PagesPerSec { pages_per_sec } => format!("{} pages per second", rate(*pages_per_sec)),
        Reason::ListedAfterwards { watches } => format!(
            "{} followed by a LIST at once: the resourceVersion was too old",
            count(*watches, "watch was", "watches were")
        ),
        Reason::WatchesPerSec { watches_per_sec } => format!("{} watches per second", rate(*watches_per_sec)),
        Reason::ReopenedAtOnce { watches } => {
            format!("{} opened again at once", count(*watches, "watch was", "watches were"))
        }
        Reason::WatchesWithoutLists => "watches without LISTs cost the server little".to_owned(),
        Reason::DiscoveryPerSec { reads_per_sec, paths } => {
            format!("{} reads per second of {}", rate(*reads_per_sec), count(*paths, "path", "paths"))
        }
        Reason::Rejected { rejected, bystanders, busiest } => {
            let busiest = busiest.as_ref().map_or_else(String::new, |client| {
                format!("; most LISTs in flight on that server were of {client}, which was rejected too")
            });
            format!(
                "{} rejected with 429, {} of them of clients that had next to no LIST in flight{busiest}",
                count(*rejected, "request was", "requests were"),
                units::count(*bystanders)
            )
        }
        _ => return None,
    })
}

/// The reasons of an apiserver's restart.
fn of_restarts(reason: &SeverityReason) -> String {
    use SeverityReason as Reason;
    match reason {
        Reason::CutOff { watches, lists } | Reason::CutOffOrLogMissing { watches, lists } => format!(
            "{} and {} have no end in the log",
            count(*watches, "watch", "watches"),
            count(*lists, "LIST", "LISTs")
        ),
        Reason::LogBegins => "the log begins with it".to_owned(),
        Reason::OnlyEndsLogged => {
            "the audit policy logs only how requests end, so nothing shows whether any were cut off".to_owned()
        }
        _ => "no request was cut off, as far as the log shows".to_owned(),
    }
}
