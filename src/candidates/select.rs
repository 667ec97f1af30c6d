//! Which requests a candidate selects: those of a storm, and whatever else its subjects and resources match.

use std::collections::{BTreeMap, BTreeSet};

use super::name::object_name;
use super::protect;
use super::subjects::find_subjects;
use super::{
    CandidateRejection, ClientRef, Draft, DraftNote, MatchedClient, PrecededSchema, ProposalInput, RejectedCandidate,
    RequestGroup,
};
use crate::apf::{Config, FlowSchema, ObjectLocation, ResourceRule, Rule, Subject, matches_flow_schema};
use crate::findings::{Culprit, Finding, Kind, Severity};
use crate::kubernetes::resource_name;
use crate::memory::MemoryCost;

/// More namespaces than this are selected as all.
const MOST_NAMESPACES: usize = 10;

/// Drafts candidates for the storms among the findings, the worst first, and says why others have none. Storms that share
/// users and resources become one; each FlowSchema has a precedence of its own, the worst storm's is tried first.
pub fn draft_candidates(input: &ProposalInput<'_>) -> (Vec<Draft>, Vec<RejectedCandidate>) {
    let (mut storms, mut rejected): (Vec<Storm<'_>>, Vec<RejectedCandidate>) = (Vec::new(), Vec::new());
    for (index, finding) in input.findings.iter().enumerate() {
        if finding.severity < Severity::Warning || !finding.is_storm() {
            continue;
        }
        match find_storm(input, index, finding) {
            Err(reason) => rejected.push(RejectedCandidate { finding: index, reason }),
            Ok(storm) => match storms.iter_mut().find(|known| known.overlaps(&storm)) {
                Some(known) => known.merge(storm),
                None => storms.push(storm),
            },
        }
    }
    let mut taken: BTreeSet<i32> = input.config.flow_schemas.iter().map(|schema| schema.matching_precedence).collect();
    let mut drafts = Vec::new();
    // The last one takes the nearest free precedence, so that the first is tried before it.
    for storm in storms.iter().rev() {
        match storm.draft(input, &mut taken) {
            Ok(draft) => drafts.push(draft),
            Err(reason) => {
                let rejection = |finding: &usize| RejectedCandidate { finding: *finding, reason: reason.clone() };
                rejected.extend(storm.findings.iter().map(rejection));
            }
        }
    }
    drafts.reverse();
    (drafts, rejected)
}

/// Findings that one candidate limits, and the requests that it is for.
struct Storm<'s> {
    findings: Vec<usize>,
    clients: Vec<ClientRef>,
    subjects: BTreeSet<Subject>,
    requests: Vec<&'s RequestGroup<'s>>,
    notes: BTreeSet<DraftNote>,
}

fn find_storm<'s>(input: &ProposalInput<'s>, index: usize, finding: &Finding) -> Result<Storm<'s>, CandidateRejection> {
    let Culprit::One { client_type, client } = &finding.culprit else {
        return Err(CandidateRejection::ManyClients);
    };
    match finding.kind {
        Kind::DiscoveryLoop => return Err(CandidateRejection::DiscoveryOnly),
        _ if finding.list_kinds.is_empty() => return Err(CandidateRejection::NoLists),
        _ => {}
    }
    let is_of_storm = |requests: &&RequestGroup<'s>| {
        finding.culprit.is(requests.client_type, requests.client)
            && requests.is_list
            && count_in_storm(requests, index) > 0
            && is_resource_of(finding, requests)
    };
    let all: Vec<&'s RequestGroup<'s>> =
        without_quiet_users(input.requests.iter().filter(is_of_storm).collect(), index);
    if all.is_empty() {
        return Err(CandidateRejection::NeverReachedApf);
    }
    let (masters, limited): (Vec<_>, Vec<_>) = all.into_iter().partition(|requests| protect::is_master(requests));
    if limited.is_empty() {
        let users: BTreeSet<&str> = masters.iter().map(|requests| requests.digest.user.as_str()).collect();
        return Err(CandidateRejection::ExemptCredentials {
            users: users.into_iter().take(3).map(str::to_owned).collect(),
        });
    }
    let mut notes = BTreeSet::new();
    if !masters.is_empty() {
        notes.insert(DraftNote::MastersAreExempt);
    }
    let subjects = find_subjects(input, &limited, &mut notes)?;
    protect::check(input, &subjects, &limited)?;
    let client = ClientRef { client: client.clone(), client_type: client_type.clone() };
    Ok(Storm { findings: vec![index], clients: vec![client], subjects, requests: limited, notes })
}

/// How many of the requests came while a finding lasted.
fn count_in_storm(requests: &RequestGroup<'_>, finding: usize) -> u64 {
    requests.storms.iter().find(|(storm, _)| *storm == finding).map_or(0, |(_, count)| *count)
}

/// Without the requests of users who sent few of them: others of the same client, that aren't of the storm.
fn without_quiet_users<'s>(requests: Vec<&'s RequestGroup<'s>>, finding: usize) -> Vec<&'s RequestGroup<'s>> {
    /// Who sends less than this part of what the loudest sends isn't of the storm.
    const FEW: u64 = 10;
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for requests in &requests {
        *counts.entry(&requests.digest.user).or_default() += count_in_storm(requests, finding);
    }
    let most = counts.values().max().copied().unwrap_or_default();
    requests.into_iter().filter(|requests| counts[requests.digest.user.as_str()] * FEW >= most).collect()
}

/// Whether requests are for a finding's resource. A herd lists all that it needs, and any of it may be the heaviest.
fn is_resource_of(finding: &Finding, requests: &RequestGroup<'_>) -> bool {
    let Some(api_group) = requests.digest.api_group.as_deref() else {
        return false;
    };
    let resource = requests.digest.resource.as_str();
    let named = resource_name(resource, Some(api_group));
    let is_main =
        finding.resource.as_deref() == Some(resource) && finding.api_group.as_deref().unwrap_or_default() == api_group;
    let is_herd = matches!(finding.kind, Kind::RelistHerd | Kind::ListPileup);
    is_main || is_herd && finding.other_resources.contains(&named)
}

impl<'s> Storm<'s> {
    /// Whether both would catch some of the same requests.
    fn overlaps(&self, other: &Self) -> bool {
        let resources = |storm: &Self| -> BTreeSet<(Option<String>, String)> {
            let of =
                |requests: &&RequestGroup<'_>| (requests.digest.api_group.clone(), requests.digest.resource.clone());
            storm.requests.iter().map(of).collect()
        };
        self.subjects == other.subjects
            || !self.subjects.is_disjoint(&other.subjects) && !resources(self).is_disjoint(&resources(other))
    }

    fn merge(&mut self, other: Self) {
        self.findings.extend(other.findings);
        self.subjects.extend(other.subjects);
        self.notes.extend(other.notes);
        for client in other.clients {
            if !self.clients.contains(&client) {
                self.clients.push(client);
            }
        }
        for requests in other.requests {
            if !self.requests.iter().any(|known| std::ptr::eq(*known, requests)) {
                self.requests.push(requests);
            }
        }
    }

    /// One rule for each API group, with its own resources and namespaces.
    fn rules(&self, input: &ProposalInput<'_>) -> Vec<ResourceRule> {
        let groups: BTreeSet<&str> =
            self.requests.iter().filter_map(|requests| requests.digest.api_group.as_deref()).collect();
        let of_group = |group: &str| {
            let requests = || {
                self.requests
                    .iter()
                    .filter(|requests| requests.digest.api_group.as_deref() == Some(group))
                    .map(|requests| requests.digest)
            };
            let set = |values: BTreeSet<String>| values.into_iter().collect::<Vec<String>>();
            let namespaces: BTreeSet<String> =
                requests().map(|digest| digest.namespace.clone()).filter(|namespace| !namespace.is_empty()).collect();
            // A client that gets no watch-list falls back to a LIST, and the other way round.
            let streams = input.features.watch_list && requests().any(|digest| digest.verb == "watch");
            ResourceRule {
                verbs: if streams {
                    vec!["list".to_owned(), "watch".to_owned()]
                } else {
                    set(requests().map(|digest| digest.verb.clone()).collect())
                },
                api_groups: vec![group.to_owned()],
                resources: set(requests().map(|digest| digest.resource.clone()).collect()),
                cluster_scope: requests().any(|digest| digest.namespace.is_empty()),
                namespaces: if namespaces.len() > MOST_NAMESPACES { vec!["*".to_owned()] } else { set(namespaces) },
            }
        };
        groups.into_iter().map(of_group).collect()
    }

    /// The candidate, but for its size.
    fn draft(&self, input: &ProposalInput<'_>, taken: &mut BTreeSet<i32>) -> Result<Draft, CandidateRejection> {
        let rules = self.rules(input);
        let subjects: Vec<Subject> = self.subjects.iter().cloned().collect();
        let (name, own) = self.name(input.config, &rules);
        let probe = build_schema(&name, 1, subjects.clone(), rules.clone());
        let fits = |requests: &&RequestGroup<'_>| {
            !protect::is_master(requests) && matches_flow_schema(&probe, &requests.digest.attributes())
        };
        let matched: Vec<&RequestGroup<'_>> = input.requests.iter().filter(fits).collect();
        let matched_today = find_schemas_of(input.config, &matched, &name);
        let matching_precedence = match own {
            Some(precedence) => precedence,
            None => find_precedence(&matched_today, taken).ok_or_else(|| CandidateRejection::NoFreePrecedence {
                flow_schemas: matched_today.iter().map(|schema| schema.name.clone()).collect(),
            })?,
        };
        taken.insert(matching_precedence);
        let is_target = |requests: &&&RequestGroup<'_>| requests.is_list && self.is_for(requests);
        let targets = || matched.iter().filter(is_target);
        let bounded = targets().filter_map(|requests| requests.memory).filter(|memory| memory.per_list.high.is_some());
        let list_memory = bounded.reduce(MemoryCost::or_more);
        let mut draft = Draft {
            name,
            findings: self.findings.clone(),
            clients: self.clients.iter().map(|client| client.client.clone()).collect(),
            subjects,
            rules,
            matched_today,
            replaces: own.is_some(),
            matching_precedence,
            flow_count: matched.iter().map(|requests| requests.digest.user.as_str()).collect::<BTreeSet<_>>().len(),
            kinds: targets().map(|requests| requests.kind).collect(),
            list_seats: targets()
                .fold((u32::MAX, 1), |(low, high), requests| (low.min(requests.seats.0), high.max(requests.seats.1))),
            has_unbounded: targets()
                .any(|requests| requests.memory.is_none_or(|memory| memory.per_list.high.is_none())),
            list_memory,
            matched: self.find_matched_clients(input, &matched),
            notes: self.notes.iter().cloned().collect(),
        };
        draft.notes.extend(find_notes(&draft, &matched));
        Ok(draft)
    }

    fn is_for(&self, requests: &RequestGroup<'_>) -> bool {
        self.has_client(requests.client_type, requests.client)
    }

    fn has_client(&self, client_type: &str, client: &str) -> bool {
        self.clients.iter().any(|known| known.client_type == client_type && known.client == client)
    }

    /// The name of both objects, and the precedence of an earlier candidate of the same name on the server, which this
    /// one replaces. Someone else's objects are let alone.
    fn name(&self, config: &Config, rules: &[ResourceRule]) -> (String, Option<i32>) {
        let resources: BTreeSet<&str> = rules.iter().flat_map(|rule| &rule.resources).map(String::as_str).collect();
        let client = self.clients.first().map(|client| client.client.as_str()).unwrap_or_default();
        let named = match resources.len() {
            1 | 2 => resources.into_iter().collect::<Vec<_>>().join("-"),
            _ => "collections".to_owned(),
        };
        let name = object_name(&["limit", client, "list", &named]);
        let is_alone = |schema: &FlowSchema| {
            let users = config.flow_schemas.iter().filter(|other| other.priority_level == name);
            schema.priority_level == name && users.count() == 1
        };
        match (config.flow_schema(&name), config.priority_level(&name)) {
            (None, None) => (name, None),
            (Some(schema), Some(_)) if is_alone(schema) => {
                let precedence = schema.matching_precedence;
                (name, Some(precedence))
            }
            _ => (object_name(&["stormglass", "limit", client, "list", &named]), None),
        }
    }

    fn find_matched_clients(&self, input: &ProposalInput<'_>, matched: &[&RequestGroup<'_>]) -> Vec<MatchedClient> {
        #[derive(Default)]
        struct Sums<'s> {
            users: BTreeSet<&'s str>,
            request_count: u64,
        }
        let mut clients: BTreeMap<(&str, &str), Sums<'_>> = BTreeMap::new();
        for requests in matched {
            let sums = clients.entry((requests.client_type, requests.client)).or_default();
            sums.users.insert(&requests.digest.user);
            sums.request_count += requests.count;
        }
        let all_of = |client: (&str, &str)| {
            let same = input.requests.iter().filter(|requests| (requests.client_type, requests.client) == client);
            same.map(|requests| requests.count).sum()
        };
        let matched = clients.into_iter().map(|(client, sums)| MatchedClient {
            client_type: client.0.to_owned(),
            client: client.1.to_owned(),
            users: sums.users.len(),
            request_count: sums.request_count,
            of_requests: all_of(client),
            is_target: self.has_client(client.0, client.1),
        });
        let mut matched: Vec<MatchedClient> = matched.collect();
        matched.sort_by(|a, b| b.request_count.cmp(&a.request_count).then_with(|| a.client.cmp(&b.client)));
        matched
    }
}

/// A FlowSchema with one rule, whose priority level has the same name.
pub(super) fn build_schema(
    name: &str,
    matching_precedence: i32,
    subjects: Vec<Subject>,
    resource_rules: Vec<ResourceRule>,
) -> FlowSchema {
    FlowSchema {
        name: name.to_owned(),
        priority_level: name.to_owned(),
        matching_precedence,
        distinguisher_method: None,
        rules: vec![Rule { subjects, resource_rules, non_resource_rules: Vec::new() }],
        is_autoupdated: None,
        location: ObjectLocation::default(),
    }
}

/// What to know of the requests that a draft matches.
fn find_notes(draft: &Draft, matched: &[&RequestGroup<'_>]) -> Vec<DraftNote> {
    let mut notes = Vec::new();
    let others = draft.matched.iter().filter(|client| !client.is_target);
    let others: BTreeSet<ClientRef> = others
        .map(|other| ClientRef { client: other.client.clone(), client_type: other.client_type.clone() })
        .collect();
    if !others.is_empty() {
        notes.push(DraftNote::SharedIdentity { clients: others.into_iter().collect() });
    }
    let plain = matched.iter().filter(|requests| requests.digest.verb == "watch" && !requests.is_list);
    let request_count: u64 = plain.map(|requests| requests.count).sum();
    if request_count > 0 {
        notes.push(DraftNote::MatchesPlainWatches { request_count });
    }
    notes
}

/// The FlowSchemas that match those requests today, by precedence; without the candidate's own.
fn find_schemas_of(config: &Config, matched: &[&RequestGroup<'_>], own: &str) -> Vec<PrecededSchema> {
    let names: BTreeSet<&str> =
        matched.iter().map(|requests| requests.flow_schema).filter(|name| *name != own).collect();
    let schemas = names.into_iter().filter_map(|name| config.flow_schema(name));
    let mut found: Vec<PrecededSchema> = schemas
        .map(|schema| PrecededSchema { name: schema.name.clone(), matching_precedence: schema.matching_precedence })
        .collect();
    found.sort_by_key(|schema| schema.matching_precedence);
    found
}

/// A free precedence before those FlowSchemas; `None` if there is none. The lowest that may be used is 2: 1 is `exempt`'s.
fn find_precedence(matched_today: &[PrecededSchema], taken: &BTreeSet<i32>) -> Option<i32> {
    /// Precedences go by tens, so that there is room between them.
    const STEP: i32 = 10;
    let before = matched_today.first().map_or(1_000, |schema| schema.matching_precedence);
    let tens = (1..).map(|step| before - step * STEP).take_while(|precedence| *precedence >= 2);
    let any = (2..before).rev();
    tens.chain(any).find(|precedence| !taken.contains(precedence))
}
