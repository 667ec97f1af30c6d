//! Findings in words: a sentence for each, and one page's worth for all.

use std::collections::BTreeSet;

use super::finding::{Finding, Kind, Severity, resource_name};
use super::{Coverage, Measured, Note};
use crate::units;

/// What happened, in a sentence without its end.
pub(super) fn summary(finding: &Finding) -> String {
    let count = |number: u64, one: &str, many: &str| {
        format!("{} {}", units::count(number), if number == 1 { one } else { many })
    };
    let who = format!("{} of {}", count(finding.instances, "instance", "instances"), finding.client);
    let what = resources(finding);
    let long = units::span(finding.ended_at - finding.started_at);
    let lists = count(finding.requests, "list", "lists");
    let each = match finding.instances {
        0 | 1 => String::new(),
        instances => format!(", {} each", units::count(finding.requests / instances)),
    };
    let sentence = match finding.kind {
        Kind::ApiserverRestart => String::new(),
        Kind::RestartHerd => format!(
            "after the start of the apiserver, {} of all clients sent {} lists and watches within {long}",
            count(finding.instances, "instance", "instances"),
            units::count(finding.requests)
        ),
        Kind::RelistHerd => format!("{who} listed {what} within {long}: {lists}"),
        Kind::ListLoop => format!("{who} listed {what} again and again for {long}: {lists}{each}"),
        Kind::RetryLoop => format!("{who} tried to list {what} again at once for {long}: {lists}{each}"),
        Kind::UnpaginatedList => format!("{who} listed all of {what} without pages, {lists} in {long}"),
        Kind::PageStorm => format!(
            "{who} read {what} in pages again and again for {long}: {}",
            count(finding.requests, "page", "pages")
        ),
        Kind::WatchChurn => format!(
            "{who} opened {} of {what} in {long} whose watches had been cut or lived short",
            count(finding.requests, "watch", "watches")
        ),
        Kind::ListPileup if finding.client == "many" => format!("lists of many clients piled up for {long}"),
        Kind::ListPileup => format!("lists of {what}, most by {who}, piled up for {long}"),
        Kind::DiscoveryLoop => {
            format!(
                "{who} read the API's description again and again for {long}: {} reads",
                units::count(finding.requests)
            )
        }
    };
    let at_once = finding.peak_concurrency.filter(|peak| *peak > 1);
    let at_once = at_once.map(|peak| format!(", {} in flight at once", units::count(peak))).unwrap_or_default();
    let of = if finding.other_resources.is_empty() { String::new() } else { format!(" for {}", resource(finding)) };
    let held = finding.estimated_bytes.map(|bytes| format!(", holding an estimated {}{of}", bytes.words()));
    format!("{sentence}{at_once}{}", held.unwrap_or_default())
}

/// The resource, and how many more.
fn resources(finding: &Finding) -> String {
    let resource = resource(finding);
    match finding.other_resources.len() {
        0 => resource,
        1 => format!("{resource} and {}", finding.other_resources[0]),
        more => format!("{resource} and {more} more resources"),
    }
}

fn resource(finding: &Finding) -> String {
    let name = finding.resource.as_ref().map(|resource| resource_name(resource, finding.api_group.as_deref()));
    name.unwrap_or_else(|| "several resources".to_owned())
}

/// The verdict: what happened, who did it, how sure that is; a sentence each.
pub fn verdict(findings: &[Finding], measured: Measured<'_>) -> Vec<String> {
    let mut sentences = Vec::new();
    let deaths: Vec<&Finding> = findings
        .iter()
        .filter(|finding| finding.kind == Kind::ApiserverRestart && finding.severity == Severity::Critical)
        .collect();
    sentences.extend(died(&deaths));
    let storms: Vec<&Finding> =
        findings.iter().filter(|finding| finding.is_storm() && finding.severity >= Severity::Warning).collect();
    let Some(worst) = storms.first() else {
        let looked = format!("{} events were looked at", units::count(measured.tally.events()));
        sentences.push(if deaths.is_empty() {
            format!("No storm: no finding at warning or above; {looked}.")
        } else {
            format!("No storm was found before it; {looked}, but see below what the log could not show.")
        });
        return sentences;
    };
    // Who stormed when a server died, else who stormed worst; herds that follow a start are told after it.
    let is_at_death = |finding: &Finding| {
        let died_in =
            |death: &&Finding| finding.started_at <= death.started_at && death.started_at - finding.ended_at <= SOON;
        deaths.iter().any(died_in)
    };
    let mut others = storms.iter().filter(|finding| finding.kind != Kind::RestartHerd);
    let culprit = others.clone().find(|finding| is_at_death(finding)).or_else(|| others.next()).unwrap_or(worst);
    sentences.push(format!("{}: {}.", at(culprit), culprit.summary));
    let herd = storms.iter().filter(|finding| finding.kind == Kind::RestartHerd && *finding != culprit);
    let after = deaths.iter().map(|death| death.started_at).min();
    if let Some(herd) =
        herd.filter(|herd| after.is_none_or(|death| herd.started_at >= death)).min_by_key(|herd| herd.started_at)
    {
        sentences.push(format!("{}: {}.", at(herd), herd.summary));
    }
    let more = storms.len().saturating_sub(sentences.len() - usize::from(!deaths.is_empty()));
    if more > 0 {
        sentences.push(format!("{more} more at warning or above are listed below."));
    }
    sentences.push(how_sure(culprit, measured));
    sentences
}

/// What ended so long before a server did, in microseconds, was going on when it did: its last lists are not in the log.
const SOON: i64 = 30_000_000;

fn at(finding: &Finding) -> String {
    units::second(finding.started_at)
}

fn died(deaths: &[&Finding]) -> Option<String> {
    let servers: BTreeSet<_> = deaths.iter().map(|death| &death.apiserver).collect();
    let mut times: Vec<_> = deaths.iter().map(|death| (death.started_at, &death.apiserver)).collect();
    times.sort_unstable();
    let time = |(at, server): (i64, &Option<String>)| match server {
        Some(server) if servers.len() > 1 => format!("{} ({server})", units::second(at)),
        _ => units::second(at),
    };
    let times: Vec<String> = times.into_iter().map(time).collect();
    match times.as_slice() {
        [] => None,
        [one] => Some(format!("The apiserver died at {one}.")),
        many => Some(format!("The apiserver died {} times: at {}.", many.len(), many.join(", "))),
    }
}

fn how_sure(culprit: &Finding, measured: Measured<'_>) -> String {
    let note = measured.notes.get(&culprit.client);
    let who = note.map_or_else(
        || "who it was is many clients".to_owned(),
        |note| format!("who it was rests on {} ({} confidence)", evidence(note), note.confidence),
    );
    let how_much = match culprit.estimated_bytes {
        Some(bytes) if bytes.high.is_none_or(|high| high > bytes.low.saturating_mul(5)) => {
            "how much it held is a rough estimate, better with --metrics or --resource"
        }
        Some(_) => "how much it held is an estimate",
        None if culprit.kind == Kind::WatchChurn || culprit.kind == Kind::DiscoveryLoop => {
            "what it cost is not in the log"
        }
        None => "how much it held is unknown; --metrics or --resource would tell",
    };
    format!("How sure: when and how often is in the log; {who}; {how_much}.")
}

fn evidence(note: &Note) -> &str {
    note.evidence.split(';').next().unwrap_or(&note.evidence)
}

/// What the log could not show, and what that means for the findings.
pub fn blind_spots(coverage: &[Coverage], findings: &[Finding]) -> Vec<String> {
    let limits = coverage.iter().filter(|one| one.is_limit);
    let mut spots: Vec<String> = limits.map(|one| format!("{}: {}; {}", one.topic, one.fact, one.meaning)).collect();
    let is_unknown = |finding: &&Finding| {
        finding.estimated_bytes.is_none() && (finding.peak_concurrency.is_some() || finding.kind == Kind::ListPileup)
    };
    let unknown = findings.iter().filter(is_unknown).count();
    if unknown > 0 {
        spots.push(format!(
            "sizes: of {unknown} of the findings there is no estimate of bytes, as nothing tells how many objects there are; give \
             --metrics or --resource"
        ));
    }
    spots
}
