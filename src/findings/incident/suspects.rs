//! Which clients had lists in flight when they held most, and what part each had in it.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{CutOffVerb, IncidentInput, is_at};
use crate::findings::finding::resource_name;
use crate::findings::{Bytes, Culprit, Finding, Kind, Pressure, Severity};

/// A client that had lists in flight, with the part it had in an incident.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct IncidentSuspect {
    /// What kind of client it is, such as `operator`.
    pub client_type: String,
    /// Its name.
    pub client: String,
    /// Its part in the incident.
    pub role: Role,
    /// Its share of what all lists held at the last peak, from 0 to 1, by the middle of the estimate; of the number of lists
    /// where no size is known.
    pub share: f64,
    /// Its lists in flight at the last peak.
    pub inflight: u64,
    /// What they held; `None` where no size is known.
    pub estimated_bytes: Option<Bytes>,
    /// The resources they listed, by falling estimate.
    pub resources: Vec<String>,
    /// Lists that it sent in the last minute before the moment.
    pub recent_lists: u64,
    /// Instances that sent those.
    pub recent_instances: u64,
    /// Its lists without an end when the server died; 0 says nothing where the policy omits RequestReceived.
    pub cut_off_lists: u64,
    /// Findings about it near the moment, as indexes into the report's findings.
    pub findings: Vec<usize>,
    /// The one of those that says best what it did; `None` where there are none.
    pub main_finding: Option<usize>,
    /// Whether one of those is a warning or worse.
    pub is_storming: bool,
}

/// The part a client had in an incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// It had lists in flight, as most clients do.
    Bystander,
    /// It held `contributor_share` or more, or stormed.
    Contributor,
    /// It stormed, and held `culprit_share` or more or had lists cut off by the end.
    Culprit,
}

/// All clients with lists in flight at the last peak or in the last minute, culprits first, then by share.
pub(super) fn find_suspects(input: &IncidentInput<'_>) -> Vec<IncidentSuspect> {
    let mut by_client: BTreeMap<(&str, &str), Vec<&Pressure>> = BTreeMap::new();
    let here = |rows: &&Pressure| rows.apiserver == input.moment.apiserver;
    for row in input.at_peak.iter().filter(here) {
        by_client.entry((&row.client_type, &row.client)).or_default().push(row);
    }
    for row in input.at_end.iter().filter(here) {
        by_client.entry((&row.client_type, &row.client)).or_default();
    }
    for row in input.cut_off.iter().filter(|row| row.verb == CutOffVerb::List) {
        by_client.entry((&row.client_type, &row.client)).or_default();
    }
    let middle = |row: &Pressure| Some(Bytes { low: row.inflight_low_bytes?, high: row.inflight_high_bytes }.middle());
    let rows = || by_client.values().flatten();
    let all_bytes: u64 = rows().filter_map(|row| middle(row)).sum();
    let all_lists: u64 = rows().map(|row| row.inflight_count).sum();
    let share = |rows: &[&Pressure]| match (all_bytes, all_lists) {
        (0, 0) => 0.0,
        (0, lists) => ratio(rows.iter().map(|row| row.inflight_count).sum(), lists),
        (bytes, _) => ratio(rows.iter().filter_map(|row| middle(row)).sum(), bytes),
    };
    let mut suspects: Vec<IncidentSuspect> = by_client
        .iter()
        .map(|((client_type, client), rows)| judge_suspect(input, (client_type, client), rows, share(rows)))
        .collect();
    suspects.sort_by(|one, other| {
        (other.role, other.share, other.inflight, other.recent_lists)
            .partial_cmp(&(one.role, one.share, one.inflight, one.recent_lists))
            .unwrap_or(std::cmp::Ordering::Equal)
            .then_with(|| one.client.cmp(&other.client))
    });
    suspects
}

fn judge_suspect(
    input: &IncidentInput<'_>,
    (client_type, client): (&str, &str),
    rows: &[&Pressure],
    share: f64,
) -> IncidentSuspect {
    let is_own = |other_type: &str, other: &str| (other_type, other) == (client_type, client);
    let mut rows = rows.to_vec();
    rows.sort_by_key(|row| std::cmp::Reverse((row.inflight_high_bytes, row.inflight_count)));
    let inflight: Vec<&Pressure> = rows.iter().copied().filter(|row| row.inflight_count > 0).collect();
    let low: Option<u64> = inflight.iter().filter_map(|row| row.inflight_low_bytes).reduce(|one, other| one + other);
    let high = inflight.iter().filter(|row| row.inflight_low_bytes.is_some()).map(|row| row.inflight_high_bytes);
    let estimated_bytes = low.map(|low| Bytes { low, high: high.sum::<Option<u64>>() });
    let findings = findings_of(input, client_type, client);
    let recent = input
        .at_end
        .iter()
        .filter(|row| is_own(&row.client_type, &row.client) && row.apiserver == input.moment.apiserver);
    let cut_off =
        input.cut_off.iter().filter(|row| row.verb == CutOffVerb::List && is_own(&row.client_type, &row.client));
    let cut_off_lists = cut_off.map(|row| row.open_count).sum();
    let is_storming = findings.iter().any(|index| input.findings[*index].severity >= Severity::Warning);
    let thresholds = &input.thresholds.incident;
    let role = match share {
        // One list is no storm, however big: a client that didn't storm is no culprit.
        share if is_storming && (share >= thresholds.culprit_share || cut_off_lists > 0) => Role::Culprit,
        share if share >= thresholds.contributor_share || is_storming => Role::Contributor,
        _ => Role::Bystander,
    };
    IncidentSuspect {
        client_type: client_type.to_owned(),
        client: client.to_owned(),
        role,
        share,
        inflight: inflight.iter().map(|row| row.inflight_count).sum(),
        estimated_bytes,
        resources: inflight
            .iter()
            .filter_map(|row| Some(resource_name(row.resource.as_deref()?, row.api_group.as_deref())))
            .collect(),
        recent_lists: recent.clone().map(|row| row.recent_count).sum(),
        recent_instances: recent.map(|row| row.recent_instance_count).max().unwrap_or_default(),
        cut_off_lists,
        main_finding: findings.iter().copied().min_by_key(|index| rank(&input.findings[*index])),
        findings,
        is_storming,
    }
}

/// The indexes of findings of lists about a client that were going on in the run-up. A pile of many clients belongs to the one
/// that held most of it.
fn findings_of(input: &IncidentInput<'_>, client_type: &str, client: &str) -> Vec<usize> {
    let is_about = |finding: &Finding| {
        let first = finding.clients.first();
        match finding.culprit {
            Culprit::One { .. } => finding.culprit.is(client_type, client),
            Culprit::Many => first.is_some_and(|first| first.client == client),
        }
    };
    let is_of_lists = |finding: &Finding| {
        !matches!(finding.kind, Kind::ApiserverRestart | Kind::WatchChurn | Kind::DiscoveryLoop | Kind::Rejections)
    };
    let run_up = input.thresholds.incident.run_up();
    let near = (0..)
        .zip(input.findings)
        .filter(|(_, finding)| is_about(finding) && is_of_lists(finding) && is_at(finding, input.moment, run_up));
    near.map(|(index, _)| index).collect()
}

/// Sorts findings by how well they say what a client did: loops and herds before piles, and the worst of those.
fn rank(finding: &Finding) -> (u8, std::cmp::Reverse<Severity>) {
    let kind = match finding.kind {
        Kind::ListLoop | Kind::RelistHerd | Kind::PageStorm | Kind::RetryLoop => 0,
        Kind::RestartHerd | Kind::UnpaginatedList => 1,
        _ => 2,
    };
    (kind, std::cmp::Reverse(finding.severity))
}

#[expect(clippy::cast_precision_loss, reason = "shares of bytes and counts")]
pub(super) fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}
