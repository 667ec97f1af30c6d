//! Which of the findings come first: the worst, and of equally bad ones those that cost most.
//!
//! Bytes tell that only where the sizes of most LISTs are known. Else the cost is how long LISTs were in flight, all of them
//! together: that is in the log.

use std::cmp::Ordering;

use super::finding::Finding;

/// Puts the findings in order, and gives each its share of the highest estimate.
pub(super) fn rank(findings: &mut [Finding]) {
    let is_by_bytes = is_mostly_known(findings);
    set_shares(findings, is_by_bytes);
    findings.sort_by(|one, other| {
        other
            .severity
            .cmp(&one.severity)
            .then_with(|| compare_cost(other, one, is_by_bytes))
            .then_with(|| one.started_at.cmp(&other.started_at))
            .then_with(|| {
                let names =
                    |finding: &Finding| (finding.kind, finding.culprit.names().1.to_owned(), finding.resource.clone());
                names(one).cmp(&names(other))
            })
    });
}

/// Which of two findings costs more: by known bytes, if those are to count, then by time in flight, then by requests.
pub(super) fn compare_cost(one: &Finding, other: &Finding, is_by_bytes: bool) -> Ordering {
    let held = |finding: &Finding| if is_by_bytes { known_high(finding) } else { None };
    let list_secs = |finding: &Finding| finding.list_secs.unwrap_or_default();
    held(one)
        .cmp(&held(other))
        .then(list_secs(one).total_cmp(&list_secs(other)))
        .then(one.requests.cmp(&other.requests))
}

/// Whether the sizes of most LISTs in flight at the findings' peaks are known.
pub(super) fn is_mostly_known(findings: &[Finding]) -> bool {
    let lists = |finding: &Finding| finding.peak_concurrency.unwrap_or_default();
    let known: u64 = findings.iter().filter(|finding| known_high(finding).is_some()).map(lists).sum();
    let all: u64 = findings.iter().map(lists).sum();
    2 * known >= all
}

/// The high end of what a finding's LISTs held; `None` where that is unknown.
fn known_high(finding: &Finding) -> Option<u64> {
    finding.estimated_bytes.filter(|bytes| !bytes.is_unknown())?.high
}

fn set_shares(findings: &mut [Finding], is_by_bytes: bool) {
    let highest = findings.iter().filter_map(known_high).max().unwrap_or(0);
    for finding in findings.iter_mut().filter(|_| is_by_bytes && highest > 0) {
        finding.peak_share = known_high(finding).map(|high| high as f64 / highest as f64);
    }
}
