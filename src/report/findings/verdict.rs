//! The verdict in sentences, and what the log can't show.

use std::collections::BTreeSet;

use super::coverage::CoverageJson;
use super::{summary, visibility};
use crate::findings::{BlindSpot, Culprit, Death, Finding, ListVisibility, SizeBasis, StormVerdict, Verdict};
use crate::units;

/// What happened, who did it, how sure that is; a sentence each.
pub(in crate::report) fn verdict(verdict: &Verdict) -> Vec<String> {
    let mut sentences: Vec<String> = visibility::request_ends(&verdict.visibility).into_iter().collect();
    sentences.extend(died(&verdict.deaths));
    let Some(storm) = &verdict.storm else {
        sentences.push(no_storm(verdict));
        if verdict.deaths.is_empty() {
            sentences.extend(visibility::server_ends(&verdict.visibility));
        }
        return sentences;
    };
    let told = |finding: &Finding| format!("{}: {}.", units::second(finding.started_at), summary(finding));
    sentences.push(told(&storm.culprit));
    sentences.extend(storm.herd.as_deref().map(told));
    sentences.extend(match storm.more {
        0 => None,
        1 => Some("1 more finding at warning or above is listed below.".to_owned()),
        more => Some(format!("{} more findings at warning or above are listed below.", units::count(more as u64))),
    });
    sentences.push(how_sure(storm));
    sentences
}

/// That no storm was found, unless that could not be seen.
fn no_storm(verdict: &Verdict) -> String {
    let read = format!("{} read", super::count(verdict.event_count, "event was", "events were"));
    let lists = visibility::lists(&verdict.visibility);
    match (&verdict.visibility.lists, lists) {
        (ListVisibility::NotLogged, Some(lists)) => format!("{lists}; {read}."),
        (ListVisibility::OfSomeResources { seen, seen_count, .. }, Some(lists)) => {
            let more = if *seen_count > seen.len() { " and others" } else { "" };
            let seen = seen.join(", ");
            format!("{lists}. Of what it has ({seen}{more}), no finding is at warning or above; {read}.")
        }
        _ if verdict.deaths.is_empty() => format!("No storm was found at severity warning or above; {read}."),
        _ => format!("No storm was found before it; {read}, but see below what the log can't show."),
    }
}

fn died(deaths: &[Death]) -> Option<String> {
    let servers: BTreeSet<_> = deaths.iter().map(|death| &death.apiserver).collect();
    let time = |death: &Death| match &death.apiserver {
        Some(server) if servers.len() > 1 => format!("{} ({})", units::second(death.at), server),
        _ => units::second(death.at),
    };
    let times: Vec<String> = deaths.iter().map(time).collect();
    match times.as_slice() {
        [] => None,
        [one] => Some(format!("The apiserver died at {one}.")),
        many => Some(format!("The apiserver died {} times: at {}.", many.len(), many.join(", "))),
    }
}

fn how_sure(storm: &StormVerdict) -> String {
    let client = match (&storm.evidence, &storm.culprit.culprit) {
        (Some(evidence), _) => {
            format!("the client is identified by {} ({} confidence)", evidence.strongest, evidence.confidence)
        }
        (None, Culprit::Many) => "several clients took part".to_owned(),
        (None, Culprit::One { .. }) => "nothing confirms the client's name".to_owned(),
    };
    let memory = match storm.size_basis {
        SizeBasis::Estimate => "the memory held is an estimate",
        SizeBasis::RoughEstimate => "the memory held is a rough estimate; narrow it with --metrics or --resource",
        SizeBasis::NotLogged => "the log does not show what it cost the server",
        SizeBasis::Unknown => "the memory held is unknown; give sizes with --metrics or --resource",
    };
    format!("Confidence: times and counts are from the log; {client}; {memory}.")
}

/// Something that the log could not show.
pub fn blind_spot(spot: &BlindSpot) -> String {
    match spot {
        BlindSpot::Coverage { limit } => {
            let CoverageJson { topic, fact, meaning, .. } = CoverageJson::from(limit);
            format!("{topic}: {fact}; {meaning}")
        }
        BlindSpot::UnknownSizes { findings } => format!(
            "sizes: the memory of {} is unknown, or known only to within a factor of ten or more; give sizes with --metrics \
             or --resource",
            super::count(*findings as u64, "finding", "findings")
        ),
        BlindSpot::PartOfLog => {
            "range: sizes, clients and the server's version come only from the part of the log that was asked for; the whole \
             log may give narrower estimates"
                .to_owned()
        }
    }
}
