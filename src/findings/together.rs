//! Findings that are one: of one kind and client, at the same time, over several resources.

use super::episode::secs;
use super::finding::{Bytes, Finding, Kind, resource_name};

/// Puts findings of several resources together under the one that costs most.
pub(super) fn merge_over_resources(mut findings: Vec<Finding>, gap_secs: f64) -> Vec<Finding> {
    findings.sort_by(|one, other| {
        let cost = |finding: &Finding| (finding.severity, high(finding.estimated_bytes), finding.requests);
        cost(other).cmp(&cost(one)).then_with(|| {
            let place = |finding: &Finding| {
                (finding.started_at, finding.resource.clone(), finding.culprit.names().1.to_owned())
            };
            place(one).cmp(&place(other))
        })
    });
    let mut together: Vec<Finding> = Vec::new();
    for finding in findings {
        match together.iter_mut().find(|first| belongs(&finding, first, gap_secs)) {
            Some(first) => join(first, finding),
            None => together.push(finding),
        }
    }
    together
}

fn belongs(finding: &Finding, first: &Finding, gap_secs: f64) -> bool {
    (finding.kind, &finding.culprit) == (first.kind, &first.culprit)
        && (finding.kind != Kind::ListPileup || finding.apiserver == first.apiserver)
        && secs(finding.started_at - first.ended_at) <= gap_secs
        && secs(first.started_at - finding.ended_at) <= gap_secs
}

/// The first keeps its span: the others' may be longer and cost nothing.
fn join(first: &mut Finding, other: Finding) {
    first.requests += other.requests;
    first.rate_rps += other.rate_rps;
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

/// Leaves out herds that are the beginning of a loop: instances that start together and then go on.
pub(super) fn drop_herds_of_loops(findings: Vec<Finding>, gap_secs: f64) -> Vec<Finding> {
    let is_loop = |finding: &Finding| matches!(finding.kind, Kind::ListLoop | Kind::RetryLoop | Kind::PageStorm);
    let loops: Vec<Finding> = findings.iter().filter(|finding| is_loop(finding)).cloned().collect();
    let is_of = |herd: &Finding, other: &Finding| {
        (&herd.culprit, &herd.resource) == (&other.culprit, &other.resource)
            && secs(herd.started_at - other.ended_at) <= gap_secs
            && secs(other.started_at - herd.ended_at) <= gap_secs
            && 2 * other.requests >= herd.requests
            && 2 * other.instances >= herd.instances
            && other.severity >= herd.severity
    };
    let is_kept =
        |finding: &Finding| finding.kind != Kind::RelistHerd || !loops.iter().any(|other| is_of(finding, other));
    findings.into_iter().filter(is_kept).collect()
}

/// Gives each finding its share of the highest estimate.
pub(super) fn set_shares(findings: &mut [Finding]) {
    let highest = findings.iter().map(|finding| high(finding.estimated_bytes)).max().unwrap_or(0);
    for finding in findings.iter_mut().filter(|finding| finding.estimated_bytes.is_some() && highest > 0) {
        finding.peak_share = Some(high(finding.estimated_bytes) as f64 / highest as f64);
    }
}

fn high(bytes: Option<Bytes>) -> u64 {
    bytes.map_or(0, |bytes| bytes.high.unwrap_or(bytes.low))
}
