//! Which clients had lists in flight near a moment, and what part each had in it.

use std::collections::BTreeMap;

use serde::Serialize;

use super::shares::{Load, ShareBasis, Shares};
use super::{CutOff, CutOffVerb, IncidentInput, ListLoad, is_at};
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
    /// Its share, from 0 to 1, of what lists had in flight near the moment, what was nearer counting for more: of what they
    /// held times time, by the middle of the estimate; or of their number times time (see `share_basis`).
    pub share: f64,
    /// Its lists in flight times time in the run-up, in seconds.
    pub inflight_secs: f64,
    /// Its lists in flight at the last peak.
    pub inflight: u64,
    /// What they held, at most what measured memory allows; `None` where no size is known.
    pub estimated_bytes: Option<Bytes>,
    /// Those of its lists at the last peak whose size nothing tells, which the bytes leave out.
    pub unknown: u64,
    /// Its deletions of whole collections in flight at the moment, which read them.
    pub deletes: u64,
    /// The resources it listed, what it had most of in flight first.
    pub resources: Vec<String>,
    /// Lists that it sent in the last minute before the moment.
    pub recent_lists: u64,
    /// Instances that sent those.
    pub recent_instances: u64,
    /// Its lists and deletions of collections without an end when the server died; 0 says nothing where the policy omits
    /// RequestReceived.
    pub cut_off_lists: u64,
    /// Lists that it sent again once the server was back, of resources it had listed before.
    pub returned_lists: u64,
    /// Whether it is a culprit because it came back for what the main culprit came back for.
    pub is_told_by_return: bool,
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
    /// It had `contributor_share` or more, or stormed with `negligible_share` or more.
    Contributor,
    /// It stormed, and had `culprit_share` or more, alone or together with others of comparable weight.
    Culprit,
}

/// What is known of one client near the moment.
#[derive(Default)]
struct Rows<'r> {
    loads: Vec<&'r ListLoad>,
    at_peak: Vec<&'r Pressure>,
    at_end: Vec<&'r Pressure>,
    cut_off: Vec<&'r CutOff>,
}

/// All clients with lists in flight in the run-up, culprits first, then by share; and what the shares are of.
pub(super) fn find_suspects(input: &IncidentInput<'_>) -> (Vec<IncidentSuspect>, ShareBasis) {
    let by_client = rows_by_client(input);
    let shares = Shares::new(by_client.values().map(|rows| Load::of_rows(&rows.loads)));
    let mut suspects: Vec<IncidentSuspect> = by_client
        .iter()
        .map(|((client_type, client), rows)| {
            describe_suspect(input, (client_type, client), rows, shares.share(Load::of_rows(&rows.loads)))
        })
        .collect();
    blame(input, &by_client, &mut suspects);
    suspects.sort_by(|one, other| {
        (other.role, other.share, other.inflight, other.recent_lists)
            .partial_cmp(&(one.role, one.share, one.inflight, one.recent_lists))
            .unwrap_or(std::cmp::Ordering::Equal)
            .then_with(|| one.client.cmp(&other.client))
    });
    (suspects, shares.basis())
}

type ByClient<'r> = BTreeMap<(&'r str, &'r str), Rows<'r>>;

/// The rows about the moment's server.
fn rows_by_client<'r>(input: &IncidentInput<'r>) -> ByClient<'r> {
    let mut by_client = ByClient::new();
    let here = |apiserver: &Option<String>| *apiserver == input.moment.apiserver;
    for row in input.loads.iter().filter(|row| here(&row.apiserver)) {
        by_client.entry((&row.client_type, &row.client)).or_default().loads.push(row);
    }
    for row in input.at_peak.iter().filter(|row| here(&row.apiserver)) {
        by_client.entry((&row.client_type, &row.client)).or_default().at_peak.push(row);
    }
    for row in input.at_end.iter().filter(|row| here(&row.apiserver)) {
        by_client.entry((&row.client_type, &row.client)).or_default().at_end.push(row);
    }
    for row in input.cut_off.iter().filter(|row| row.verb.reads_collection()) {
        by_client.entry((&row.client_type, &row.client)).or_default().cut_off.push(row);
    }
    by_client
}

/// A suspect, not yet blamed for anything.
fn describe_suspect(
    input: &IncidentInput<'_>,
    (client_type, client): (&str, &str),
    rows: &Rows<'_>,
    share: f64,
) -> IncidentSuspect {
    let is_list = |row: &&&Pressure| row.verb == CutOffVerb::LIST;
    let inflight: Vec<&Pressure> =
        rows.at_peak.iter().filter(is_list).filter(|row| row.inflight_count > 0).copied().collect();
    let low: Option<u64> = inflight.iter().filter_map(|row| row.inflight_low_bytes).reduce(|one, other| one + other);
    let high = inflight.iter().filter(|row| row.inflight_low_bytes.is_some()).map(|row| row.inflight_high_bytes);
    let estimate = low.map(|low| Bytes { low, high: high.sum::<Option<u64>>() });
    let most = input.growth.and_then(|growth| growth.at_most_bytes);
    let estimated_bytes = estimate.map(|bytes| most.map_or(bytes, |most| super::growth::cap(bytes, most)));
    let findings = findings_of(input, client_type, client);
    let recent = rows.at_end.iter().filter(is_list);
    let deletes = rows.at_end.iter().filter(|row| !is_list(row)).map(|row| row.inflight_count);
    IncidentSuspect {
        client_type: client_type.to_owned(),
        client: client.to_owned(),
        role: Role::Bystander,
        share,
        inflight_secs: rows.loads.iter().map(|row| row.inflight_secs).sum(),
        inflight: inflight.iter().map(|row| row.inflight_count).sum(),
        estimated_bytes,
        unknown: inflight.iter().map(|row| row.unknown_count).sum(),
        deletes: deletes.sum(),
        resources: resources_of(rows),
        recent_lists: recent.clone().map(|row| row.recent_count).sum(),
        recent_instances: recent.map(|row| row.recent_instance_count).max().unwrap_or_default(),
        cut_off_lists: rows.cut_off.iter().map(|row| row.open_count).sum(),
        returned_lists: rows.loads.iter().map(|row| row.returned_count).sum(),
        is_told_by_return: false,
        main_finding: findings.iter().copied().min_by_key(|index| rank(&input.findings[*index])),
        is_storming: findings.iter().any(|index| input.findings[*index].severity >= Severity::Warning),
        findings,
    }
}

/// The resources that a client listed, what it had most of in flight first.
fn resources_of(rows: &Rows<'_>) -> Vec<String> {
    let mut loads = rows.loads.clone();
    loads.sort_by(|one, other| {
        let weight = |row: &ListLoad| (row.near_low_byte_secs + row.near_high_byte_secs, row.near_secs);
        weight(other).partial_cmp(&weight(one)).unwrap_or(std::cmp::Ordering::Equal)
    });
    let mut names: Vec<String> = Vec::new();
    for row in loads {
        let name = row.resource.as_deref().map(|resource| resource_name(resource, row.api_group.as_deref()));
        names.extend(name.filter(|name| !names.contains(name)));
    }
    names
}

/// Gives each suspect its role. Storming clients of comparable weight are culprits together, however many share the load.
fn blame(input: &IncidentInput<'_>, by_client: &ByClient<'_>, suspects: &mut [IncidentSuspect]) {
    let thresholds = &input.thresholds.incident;
    let has_weight = |suspect: &&IncidentSuspect| suspect.is_storming && suspect.share >= thresholds.negligible_share;
    let top = suspects.iter().filter(has_weight).map(|suspect| suspect.share).fold(0.0, f64::max);
    let is_comparable =
        |suspect: &IncidentSuspect| has_weight(&suspect) && suspect.share >= thresholds.comparable_ratio * top;
    let together: f64 = suspects.iter().filter(|suspect| is_comparable(suspect)).map(|suspect| suspect.share).sum();
    for suspect in suspects.iter_mut() {
        suspect.role = match suspect.share {
            // One list is no storm, however big: a client that didn't storm is no culprit.
            _ if is_comparable(suspect) && together >= thresholds.culprit_share => Role::Culprit,
            share if share >= thresholds.contributor_share || has_weight(&&*suspect) => Role::Contributor,
            _ => Role::Bystander,
        };
    }
    blame_by_return(input, by_client, suspects);
}

/// Where lists that an end cut off left no line, whose they were shows in who comes back for the same as the main culprit does,
/// with as many instances, having listed it before.
fn blame_by_return(input: &IncidentInput<'_>, by_client: &ByClient<'_>, suspects: &mut [IncidentSuspect]) {
    if !input.moment.is_end() || input.logs_request_received() {
        return;
    }
    let culprits = suspects.iter().filter(|suspect| suspect.role == Role::Culprit);
    let Some(main) = culprits.max_by(|one, other| one.share.total_cmp(&other.share)) else { return };
    let loads_of = |suspect: &IncidentSuspect| {
        by_client.get(&(suspect.client_type.as_str(), suspect.client.as_str())).map(|rows| rows.loads.clone())
    };
    let most = |one: &&&ListLoad, other: &&&ListLoad| one.near_secs.total_cmp(&other.near_secs);
    let Some(lead) = loads_of(main).and_then(|loads| loads.iter().max_by(most).copied().cloned()) else { return };
    let is_alike = |load: &ListLoad| {
        (&load.api_group, &load.resource, load.verb) == (&lead.api_group, &lead.resource, lead.verb)
            && 2 * load.returned_instance_count >= lead.returned_instance_count
    };
    for suspect in suspects.iter_mut().filter(|suspect| suspect.role != Role::Culprit) {
        let came_back = loads_of(suspect).unwrap_or_default().iter().any(|load| is_alike(load));
        if lead.returned_instance_count > 0 && came_back && storms_around(input, suspect) {
            suspect.role = Role::Culprit;
            suspect.is_told_by_return = true;
        }
    }
}

/// Whether a client stormed by itself, not as everybody does after a start, before the end or once the server was back.
fn storms_around(input: &IncidentInput<'_>, suspect: &IncidentSuspect) -> bool {
    let (run_up, wave) = (input.thresholds.incident.run_up(), input.thresholds.incident.wave());
    let until = input.moment.back_at.unwrap_or(input.moment.at) + wave;
    input.findings.iter().any(|finding| {
        let by_itself = matches!(
            finding.kind,
            Kind::ListLoop | Kind::RetryLoop | Kind::UnpaginatedList | Kind::PageStorm | Kind::ListPileup
        );
        by_itself
            && finding.severity >= Severity::Warning
            && finding.started_at <= until
            && finding.ended_at >= input.moment.at - run_up
            && is_about(input, finding, &suspect.client_type, &suspect.client)
    })
}

/// Whether a finding is about a client. A pile of many clients is about those that had a comparable part of it; what else is of
/// many, about the one that comes first.
fn is_about(input: &IncidentInput<'_>, finding: &Finding, client_type: &str, client: &str) -> bool {
    if let Culprit::One { .. } = finding.culprit {
        return finding.culprit.is(client_type, client);
    }
    let Some(first) = finding.clients.first() else { return false };
    let least = input.thresholds.incident.comparable_ratio * super::shares::float(first.peak_concurrency);
    finding.clients.iter().enumerate().any(|(index, part)| {
        let is_comparable = finding.kind == Kind::ListPileup && super::shares::float(part.peak_concurrency) >= least;
        (index == 0 || is_comparable) && part.client == client && part.client_type == client_type
    })
}

/// The indexes of findings about what a client read that were going on in the run-up.
fn findings_of(input: &IncidentInput<'_>, client_type: &str, client: &str) -> Vec<usize> {
    let is_of_lists = |finding: &Finding| finding.kind != Kind::ApiserverRestart && finding.kind.holds_collections();
    let run_up = input.thresholds.incident.run_up();
    let near = (0..).zip(input.findings).filter(|(_, finding)| {
        is_of_lists(finding) && is_at(finding, input.moment, run_up) && is_about(input, finding, client_type, client)
    });
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
