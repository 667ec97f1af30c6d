//! Who had lists in flight when they held most, and what speaks for or against each.

use std::collections::BTreeMap;

use serde::Serialize;

use super::moment::FINAL_MICROS;
use super::{Scene, is_at};
use crate::findings::finding::resource_name;
use crate::findings::{Bytes, Culprit, Finding, Kind, Pressure, Severity};

/// A client that had lists in flight.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Suspect {
    /// The client's type.
    pub client_type: String,
    /// The client.
    pub client: String,
    /// What it is taken for.
    pub role: Role,
    /// Its share of what all lists held at the last peak, from 0 to 1, by the middle of the estimate; of the number of lists
    /// where no size is known.
    pub share: f64,
    /// Its lists in flight then.
    pub inflight: u64,
    /// What they held; `None` where no size is known.
    pub estimated_bytes: Option<Bytes>,
    /// What they were of, by falling estimate.
    pub resources: Vec<String>,
    /// Lists that it began in the last minute before the moment.
    pub recent_lists: u64,
    /// Instances that did.
    pub recent_instances: u64,
    /// Its lists without an end when the server was last heard of; 0 says nothing where the policy omits RequestReceived.
    pub cut_off_lists: u64,
    /// Findings about it near the moment, by their places in the report.
    pub findings: Vec<usize>,
    /// Whether one of those is a warning or worse.
    pub is_storming: bool,
}

/// What a client is taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// It had lists in flight as everybody does.
    Bystander,
    /// It held a part worth speaking of.
    Contributor,
    /// It stormed when it mattered, and held a good part of what was held.
    Culprit,
}

/// A share that makes a storming client a culprit, and any client a contributor.
const GOOD_SHARE: f64 = 0.2;
const SOME_SHARE: f64 = 0.1;

/// Everybody with lists in flight at the last peak or in the last minute, culprits first, then by share.
pub(super) fn suspects(scene: &Scene<'_>) -> Vec<Suspect> {
    let mut by_client: BTreeMap<(&str, &str), Vec<&Pressure>> = BTreeMap::new();
    let here = |rows: &&Pressure| rows.apiserver == scene.moment.apiserver;
    for row in scene.at_peak.iter().filter(here) {
        by_client.entry((&row.client_type, &row.client)).or_default().push(row);
    }
    for row in scene.at_end.iter().filter(here) {
        by_client.entry((&row.client_type, &row.client)).or_default();
    }
    for row in scene.cut_off.iter().filter(|row| row.verb == "list") {
        by_client.entry((&row.client_type, &row.client)).or_default();
    }
    let middle = |row: &Pressure| Some(Bytes { low: row.inflight_low_bytes?, high: row.inflight_high_bytes }.middle());
    let rows = || by_client.values().flatten();
    let all_bytes: u64 = rows().filter_map(|row| middle(row)).sum();
    let all_lists: u64 = rows().map(|row| row.inflight_count).sum();
    let share = |rows: &[&Pressure]| match (all_bytes, all_lists) {
        (0, 0) => 0.0,
        (0, lists) => part(rows.iter().map(|row| row.inflight_count).sum(), lists),
        (bytes, _) => part(rows.iter().filter_map(|row| middle(row)).sum(), bytes),
    };
    let mut suspects: Vec<Suspect> = by_client
        .iter()
        .map(|((client_type, client), rows)| suspect(scene, (client_type, client), rows, share(rows)))
        .collect();
    suspects.sort_by(|one, other| {
        (other.role, other.share, other.inflight, other.recent_lists)
            .partial_cmp(&(one.role, one.share, one.inflight, one.recent_lists))
            .unwrap_or(std::cmp::Ordering::Equal)
            .then_with(|| one.client.cmp(&other.client))
    });
    suspects
}

fn suspect(scene: &Scene<'_>, (client_type, client): (&str, &str), rows: &[&Pressure], share: f64) -> Suspect {
    let is_own = |other_type: &str, other: &str| (other_type, other) == (client_type, client);
    let mut rows = rows.to_vec();
    rows.sort_by_key(|row| std::cmp::Reverse((row.inflight_high_bytes, row.inflight_count)));
    let inflight: Vec<&Pressure> = rows.iter().copied().filter(|row| row.inflight_count > 0).collect();
    let low: Option<u64> = inflight.iter().filter_map(|row| row.inflight_low_bytes).reduce(|one, other| one + other);
    let high = inflight.iter().filter(|row| row.inflight_low_bytes.is_some()).map(|row| row.inflight_high_bytes);
    let estimated_bytes = low.map(|low| Bytes { low, high: high.sum::<Option<u64>>() });
    let findings = findings_of(scene, client_type, client);
    let recent = scene
        .at_end
        .iter()
        .filter(|row| is_own(&row.client_type, &row.client) && row.apiserver == scene.moment.apiserver);
    let cut_off = scene.cut_off.iter().filter(|row| row.verb == "list" && is_own(&row.client_type, &row.client));
    let cut_off_lists = cut_off.map(|row| row.open_count).sum();
    let is_storming = findings.iter().any(|place| scene.findings[*place].severity >= Severity::Warning);
    let role = match share {
        // One list is no storm, however big; that it stood alone is told by the numbers.
        share if is_storming && (share >= GOOD_SHARE || cut_off_lists > 0) => Role::Culprit,
        share if share >= SOME_SHARE || is_storming => Role::Contributor,
        _ => Role::Bystander,
    };
    Suspect {
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
        findings,
        is_storming,
    }
}

/// Findings of lists about a client that were going on when it mattered, by their places. A pile of many clients is of the one
/// that held most of it.
fn findings_of(scene: &Scene<'_>, client_type: &str, client: &str) -> Vec<usize> {
    let is_about = |finding: &Finding| {
        let first = finding.clients.first();
        match finding.culprit {
            Culprit::One { .. } => finding.culprit.is(client_type, client),
            Culprit::Many => first.is_some_and(|first| first.client == client),
        }
    };
    let is_of_lists =
        |finding: &Finding| !matches!(finding.kind, Kind::ApiserverRestart | Kind::WatchChurn | Kind::DiscoveryLoop);
    let near = (0..)
        .zip(scene.findings)
        .filter(|(_, finding)| is_about(finding) && is_of_lists(finding) && is_at(finding, scene.moment, FINAL_MICROS));
    near.map(|(place, _)| place).collect()
}

#[expect(clippy::cast_precision_loss, reason = "shares of bytes and counts")]
pub(super) fn part(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}
