//! Findings that are one: of one kind and client, at the same time, over several resources.

use super::ends::End;
use super::episode::secs;
use super::finding::{Finding, Kind, resource_name};
use super::ranking::{compare_cost, is_mostly_known};
use super::severity::SeverityReason;

/// Puts findings of several resources together under the one that costs most, unless the end of a server lies between.
pub(super) fn merge_over_resources(mut findings: Vec<Finding>, gap_secs: f64, ends: &[End]) -> Vec<Finding> {
    let is_by_bytes = is_mostly_known(&findings);
    findings.sort_by(|one, other| {
        let by_cost = other.severity.cmp(&one.severity).then_with(|| compare_cost(other, one, is_by_bytes));
        by_cost.then_with(|| {
            let place = |finding: &Finding| {
                (finding.started_at, finding.resource.clone(), finding.culprit.names().1.to_owned())
            };
            place(one).cmp(&place(other))
        })
    });
    let mut together: Vec<Finding> = Vec::new();
    for finding in findings {
        match together.iter_mut().find(|first| belongs(&finding, first, gap_secs, ends)) {
            Some(first) => join(first, finding),
            None => together.push(finding),
        }
    }
    together
}

fn belongs(finding: &Finding, first: &Finding, gap_secs: f64, ends: &[End]) -> bool {
    let is_between = |end: &End| (finding.started_at < end.started_at) != (first.started_at < end.started_at);
    let is_apart = finding.started_at > first.ended_at || first.started_at > finding.ended_at;
    (finding.kind, &finding.culprit) == (first.kind, &first.culprit)
        && !(is_apart && ends.iter().any(|end| end.is_of(finding.apiserver.as_deref()) && is_between(end)))
        && (finding.kind != Kind::ListPileup || finding.apiserver == first.apiserver)
        && secs(finding.started_at - first.ended_at) <= gap_secs
        && secs(first.started_at - finding.ended_at) <= gap_secs
}

/// The first keeps its span: the others' may be longer and cost nothing. But what goes on with the same is a part of it.
fn join(first: &mut Finding, other: Finding) {
    let is_apart = other.started_at > first.ended_at || first.started_at > other.ended_at;
    let is_same = (&first.resource, &first.api_group) == (&other.resource, &other.api_group);
    let add = |one: Option<f64>, other: Option<f64>| one.map(|one| one + other.unwrap_or_default()).or(other);
    first.requests += other.requests;
    first.watch_lists += other.watch_lists;
    first.list_secs = add(first.list_secs, other.list_secs);
    first.rate_rps += other.rate_rps;
    first.mean_concurrency = add(first.mean_concurrency, other.mean_concurrency);
    if is_apart && is_same {
        first.started_at = first.started_at.min(other.started_at);
        first.ended_at = first.ended_at.max(other.ended_at);
        let span_secs = secs(first.ended_at - first.started_at).max(1.0);
        first.rate_rps = first.requests as f64 / span_secs;
        first.mean_concurrency = first.list_secs.map(|list_secs| list_secs / span_secs);
        first.peak_concurrency = first.peak_concurrency.max(other.peak_concurrency);
    }
    first.instances = first.instances.max(other.instances);
    first.cause = first.cause.or(other.cause);
    let name = |finding: &Finding| Some(resource_name(finding.resource.as_ref()?, finding.api_group.as_deref()));
    let (known, further) = (name(first), name(&other));
    if further != known {
        first.other_resources.extend(further.filter(|name| !first.other_resources.contains(name)));
    }
    for kind in other.list_kinds {
        if !first.list_kinds.contains(&kind) {
            first.list_kinds.push(kind);
        }
    }
}

/// Leaves out what a loop says already: herds that are its beginning, of instances that start together and then go on; and
/// that its LISTs, of whole collections, are in flight for long.
pub(super) fn drop_parts_of_loops(findings: Vec<Finding>, gap_secs: f64) -> Vec<Finding> {
    let is_loop = |finding: &Finding| matches!(finding.kind, Kind::ListLoop | Kind::RetryLoop | Kind::PageStorm);
    let loops: Vec<Finding> = findings.iter().filter(|finding| is_loop(finding)).cloned().collect();
    let is_of = |part: &Finding, other: &Finding| {
        (&part.culprit, &part.resource) == (&other.culprit, &other.resource)
            && secs(part.started_at - other.ended_at) <= gap_secs
            && secs(other.started_at - part.ended_at) <= gap_secs
            && 2 * other.requests >= part.requests
            && 2 * other.instances >= part.instances
            && other.severity >= part.severity
    };
    let is_part = |finding: &Finding| match finding.kind {
        Kind::RelistHerd => true,
        Kind::UnpaginatedList => matches!(finding.severity_reason, SeverityReason::InFlightForLong { .. }),
        _ => false,
    };
    let is_kept = |finding: &Finding| !is_part(finding) || !loops.iter().any(|other| is_of(finding, other));
    findings.into_iter().filter(is_kept).collect()
}
