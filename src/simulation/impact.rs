//! Which clients are worse off with a candidate, and which are better off.

use std::collections::BTreeMap;

use serde::Serialize;

use super::compare::{CandidateMatch, is_target};
use super::summary::{GroupSummary, ReplaySummary, Spread};

/// A client that is worse off.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Regressed {
    /// Its type, as in the client catalogue.
    pub client_type: String,
    /// Its name.
    pub client: String,
    /// Whether the candidate is meant to throttle it.
    pub is_target: bool,
    /// Its requests.
    pub request_count: u64,
    /// Requests that are rejected and were not before.
    pub more_rejected: f64,
    /// The median wait of its requests that have to wait, in seconds, in the FlowSchema where that is longest: before.
    pub wait_p50_before_secs: f64,
    /// The same with the candidate.
    pub wait_p50_after_secs: f64,
    /// The 99th percentile of these waits, in seconds: before.
    pub wait_p99_before_secs: f64,
    /// The same with the candidate.
    pub wait_p99_after_secs: f64,
}

/// A client that is better off.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Improved {
    /// Its name.
    pub client: String,
    /// Requests that were rejected and are not any more.
    pub fewer_rejected: f64,
    /// As [`Regressed::wait_p99_before_secs`].
    pub wait_p99_before_secs: f64,
    /// The same with the candidate.
    pub wait_p99_after_secs: f64,
}

/// A client in one replay: rejections, and the longest waits of its FlowSchemas.
#[derive(Clone, Copy, Default)]
struct ClientTotals {
    requests: u64,
    rejected: Spread,
    wait_p50: Spread,
    wait_p99: Spread,
}

/// By the client's type and name.
fn sum_clients(summary: &ReplaySummary) -> BTreeMap<(&str, &str), ClientTotals> {
    let mut clients: BTreeMap<(&str, &str), ClientTotals> = BTreeMap::new();
    for GroupSummary { client_type, client, request_count, rejected, wait_p50_secs, wait_p99_secs, .. } in
        &summary.groups
    {
        let totals = clients.entry((client_type, client)).or_default();
        totals.requests += request_count;
        totals.rejected = totals.rejected.plus(rejected.all);
        totals.wait_p50 = totals.wait_p50.or_more(*wait_p50_secs);
        totals.wait_p99 = totals.wait_p99.or_more(*wait_p99_secs);
    }
    clients
}

pub(super) fn find_regressed(
    current: &ReplaySummary,
    candidate: &ReplaySummary,
    matched: &CandidateMatch,
    tolerated_secs: f64,
) -> Vec<Regressed> {
    let before = sum_clients(current);
    let regressed = sum_clients(candidate).into_iter().filter_map(|((client_type, client), after)| {
        let before = before.get(&(client_type, client)).copied().unwrap_or_default();
        let more_rejected = after.rejected.mid - before.rejected.mid;
        // What other seeds give without any change is not the candidate's doing.
        let is_rejected = more_rejected >= 1.0 && after.rejected.mid > before.rejected.high;
        let waits =
            after.wait_p99.mid > before.wait_p99.mid + tolerated_secs && after.wait_p99.mid > before.wait_p99.high;
        (is_rejected || waits).then(|| Regressed {
            client_type: client_type.to_owned(),
            client: client.to_owned(),
            is_target: is_target(matched, client),
            request_count: after.requests,
            more_rejected: more_rejected.max(0.0),
            wait_p50_before_secs: before.wait_p50.mid,
            wait_p50_after_secs: after.wait_p50.mid,
            wait_p99_before_secs: before.wait_p99.mid,
            wait_p99_after_secs: after.wait_p99.mid,
        })
    });
    let mut regressed: Vec<Regressed> = regressed.collect();
    regressed.sort_by(|a, b| {
        a.is_target.cmp(&b.is_target).then(b.more_rejected.total_cmp(&a.more_rejected)).then(a.client.cmp(&b.client))
    });
    regressed
}

pub(super) fn find_improved(
    current: &ReplaySummary,
    candidate: &ReplaySummary,
    matched: &CandidateMatch,
    tolerated_secs: f64,
) -> Vec<Improved> {
    let after = sum_clients(candidate);
    let others = sum_clients(current).into_iter().filter(|((_, client), _)| !is_target(matched, client));
    let improved = others.filter_map(|((client_type, client), before)| {
        let now = after.get(&(client_type, client)).copied().unwrap_or_default();
        let fewer_rejected = before.rejected.mid - now.rejected.mid;
        let is_rejected = fewer_rejected >= 1.0 && now.rejected.mid < before.rejected.low;
        let waits = now.wait_p99.mid + tolerated_secs < before.wait_p99.mid && now.wait_p99.mid < before.wait_p99.low;
        (is_rejected || waits).then(|| Improved {
            client: client.to_owned(),
            fewer_rejected: fewer_rejected.max(0.0),
            wait_p99_before_secs: before.wait_p99.mid,
            wait_p99_after_secs: now.wait_p99.mid,
        })
    });
    let mut improved: Vec<Improved> = improved.collect();
    improved.sort_by(|a, b| b.fewer_rejected.total_cmp(&a.fewer_rejected).then(a.client.cmp(&b.client)));
    improved
}
