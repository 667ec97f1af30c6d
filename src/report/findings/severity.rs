//! What makes a finding as severe as it is, in words.

use super::{count, list_seconds, rate, span, whole_secs};
use crate::findings::SeverityReason;
use crate::report::size_words::held_estimate_and_hint;
use crate::units;

/// What makes a finding as severe as it is.
pub fn severity_reason(reason: &SeverityReason) -> String {
    use SeverityReason as Reason;
    match reason {
        Reason::Held { bytes } => format!("LISTs held {} at the peak", held_estimate_and_hint(*bytes)),
        Reason::DiedMeanwhile { died_at, bytes, lists } => format!(
            "the apiserver died at {}, during it or shortly after; up to {} in flight at once, and they held {} at the peak",
            units::second(*died_at),
            count(*lists, "LIST was", "LISTs were"),
            bytes.map_or_else(|| "an unknown amount of memory".to_owned(), held_estimate_and_hint)
        ),
        Reason::InFlightForLong { mean_lists, list_secs } => format!(
            "{} LISTs of a whole collection were in flight on average, {} in all",
            rate(*mean_lists),
            list_seconds(*list_secs)
        ),
        Reason::LongestList { secs } => format!("a LIST took {}", units::span(whole_secs(*secs))),
        Reason::ReturnedPerSec { bytes_per_sec, high_bytes_per_sec } => {
            format!("LISTs return {} per second", units::bytes_range(*bytes_per_sec, *high_bytes_per_sec))
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
        Reason::InFlightNotLogged => {
            "how many were in flight at once is unknown: the audit policy leaves the ends of requests out".to_owned()
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
        other => of_loops(other).or_else(|| of_other_shapes(other)).unwrap_or_else(|| of_restarts(other)),
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
            "of the tries before, {} rejected (429), {} failed (5xx), {} timed out",
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

/// The reasons of what isn't made of LISTs; `None` for others.
fn of_other_shapes(reason: &SeverityReason) -> Option<String> {
    use SeverityReason as Reason;
    Some(match reason {
        Reason::CutByOwnTimeout { lived_secs, asked_secs } => format!(
            "the client itself cuts its watches after {} s (the `timeout` in their URIs), though they ask for {} s",
            units::number(lived_secs.round()),
            units::number(asked_secs.round())
        ),
        Reason::OpenWatches { open, needed, without_end } => format!(
            "{} open at once, where {} would do; {}",
            count(*open, "watch was", "watches were"),
            units::count(*needed),
            match without_end {
                0 => "all have ended".to_owned(),
                1 => "the log ends while one of them was open".to_owned(),
                more => format!("the log ends while {} of them were open", units::count(*more)),
            }
        ),
        Reason::DeletionsInFlight { deletions, longest_secs, without_end } => format!(
            "up to {} in flight at once, the longest for {}{}",
            count(*deletions, "deletecollection", "deletecollections"),
            seconds(*longest_secs),
            match without_end {
                0 => String::new(),
                more => format!("; {} no end in the log", count(*more, "has", "have")),
            }
        ),
        Reason::GetsPerSec { gets_per_sec, objects } => {
            format!("{} GETs per second{}", rate(*gets_per_sec), of_objects(*objects))
        }
        Reason::FailedWritesPerSec { writes_per_sec, conflicts, invalid, objects } => format!(
            "{} failing writes per second{}: {}",
            rate(*writes_per_sec),
            of_objects(*objects),
            parts(&[
                (*conflicts, "with 409 (exists already, or changed meanwhile)"),
                (*invalid, "with 422 (not valid)")
            ])
        ),
        Reason::RefusedPerSec { requests_per_sec, unauthenticated, forbidden, not_admitted } => format!(
            "{} refused requests per second: {}",
            rate(*requests_per_sec),
            parts(&[
                (*unauthenticated, "with 401 (credentials not valid)"),
                (*forbidden, "with 403 (not authorized)"),
                (*not_admitted, "with 403 by quota, admission or impersonation"),
            ])
        ),
        _ => return None,
    })
}

#[expect(clippy::cast_possible_truncation, reason = "a duration of hours at most")]
fn seconds(secs: f64) -> String {
    span((secs * 1e6) as i64)
}

/// The parts of a number that there are any of.
fn parts(parts: &[(u64, &str)]) -> String {
    let parts = parts.iter().filter(|(count, _)| *count > 0);
    parts.map(|(count, how)| format!("{} {how}", units::count(*count))).collect::<Vec<_>>().join(", ")
}

/// How many objects requests were for, where the log tells.
fn of_objects(objects: Option<u64>) -> String {
    objects.map(|objects| format!(" of {}", count(objects, "object", "objects"))).unwrap_or_default()
}

/// The reasons of an apiserver's restart.
fn of_restarts(reason: &SeverityReason) -> String {
    use SeverityReason as Reason;
    match reason {
        Reason::CutOff { watches, lists } | Reason::CutOffOrLogMissing { watches, lists } => {
            let kinds = [(*watches, "watch", "watches"), (*lists, "LIST", "LISTs")];
            let open = kinds.iter().filter(|(open, ..)| *open > 0).map(|(open, one, many)| count(*open, one, many));
            format!("{} without an end in the log", open.collect::<Vec<_>>().join(" and "))
        }
        Reason::LogBegins => "the log begins with it".to_owned(),
        Reason::OnlyEndsLogged => {
            "the audit policy logs only how requests end, so nothing shows whether any were cut off".to_owned()
        }
        Reason::EndsNotLogged => {
            "the audit policy leaves the ends of requests out, so nothing shows whether any were cut off".to_owned()
        }
        _ => "no request was cut off, as far as the log shows".to_owned(),
    }
}
