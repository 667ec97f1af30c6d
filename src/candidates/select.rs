//! Whom a candidate selects: the narrowest subjects that cover a storm, and whoever else that catches.

use std::collections::{BTreeMap, BTreeSet};

use super::manifest::object_name;
use super::protect;
use super::{Caught, Declined, Draft, Requests, Situation};
use crate::apf::{Config, FlowSchema, Place, ResourceRule, Rule, Subject, matches};
use crate::findings::{Finding, Kind, Severity};
use crate::memory::Held;
use crate::units;

/// The group of all kubelets.
const NODES: &str = "system:nodes";
const NODE_USER: &str = "system:node:";
const SERVICE_ACCOUNT: &str = "system:serviceaccount:";
/// Groups that everybody is in.
const EVERYBODY: [&str; 3] = ["system:authenticated", "system:unauthenticated", "system:serviceaccounts"];
/// More users than this are selected by a group.
const MOST_SUBJECTS: usize = 20;
/// More namespaces than this are selected as all.
const MOST_NAMESPACES: usize = 10;

/// Candidates for the storms among the findings, the worst first, and why there is none for others. Storms that share
/// users and resources become one; each FlowSchema has a precedence of its own, the worst storm's is asked first.
pub fn draft(situation: &Situation<'_>) -> (Vec<Draft>, Vec<Declined>) {
    let (mut storms, mut declined): (Vec<Storm<'_>>, Vec<Declined>) = (Vec::new(), Vec::new());
    for (place, finding) in situation.findings.iter().enumerate() {
        if finding.severity < Severity::Warning || !finding.is_storm() {
            continue;
        }
        match of_finding(situation, place, finding) {
            Err(reason) => declined.push(Declined::new(place, finding, reason)),
            Ok(storm) => match storms.iter_mut().find(|known| known.overlaps(&storm)) {
                Some(known) => known.merge(storm),
                None => storms.push(storm),
            },
        }
    }
    let mut taken: BTreeSet<i32> =
        situation.config.flow_schemas.iter().map(|schema| schema.matching_precedence).collect();
    let mut drafts = Vec::new();
    // The last one takes the nearest free precedence, so that the first is asked before it.
    for storm in storms.iter().rev() {
        match storm.draft(situation, &mut taken) {
            Ok(draft) => drafts.push(draft),
            Err(reason) => declined.extend(
                storm.findings.iter().map(|place| Declined::new(*place, &situation.findings[*place], reason.clone())),
            ),
        }
    }
    drafts.reverse();
    (drafts, declined)
}

impl Declined {
    /// A finding for which there is no candidate.
    pub fn new(place: usize, finding: &Finding, reason: String) -> Self {
        let resource = finding.resource.as_deref().map(|resource| format!(" on {resource}")).unwrap_or_default();
        let storm = format!("{} of {}{resource}", finding.kind.name(), finding.client);
        Self { finding: place, storm, reason, remedies: finding.remedies.clone() }
    }
}

/// Findings with one cure, and the requests that it is for.
struct Storm<'s> {
    findings: Vec<usize>,
    clients: Vec<(String, String)>,
    subjects: BTreeSet<Subject>,
    requests: Vec<&'s Requests<'s>>,
    notes: BTreeSet<String>,
}

fn of_finding<'s>(situation: &Situation<'s>, place: usize, finding: &Finding) -> Result<Storm<'s>, String> {
    if finding.client == "many" {
        return Err(
            "it is of many clients, and a limit for all of them would be one for the whole cluster; those of them \
                    that storm by themselves have candidates of their own"
                .to_owned(),
        );
    }
    match finding.kind {
        Kind::DiscoveryLoop => {
            return Err(
                "it reads the API's own description, which costs one seat and little memory each time".to_owned()
            );
        }
        _ if finding.list_kinds.is_empty() => {
            return Err(
                "it has no LIST: a watch that goes on from a version costs one seat for a moment only".to_owned()
            );
        }
        _ => {}
    }
    let is_of_storm = |requests: &&Requests<'s>| {
        (requests.client_type, requests.client) == (finding.client_type.as_str(), finding.client.as_str())
            && requests.is_list
            && in_storm(requests, place) > 0
            && is_resource_of(finding, requests)
    };
    let all: Vec<&'s Requests<'s>> = loud(situation.requests.iter().filter(is_of_storm).collect(), place);
    if all.is_empty() {
        return Err("none of its requests came as far as API Priority and Fairness".to_owned());
    }
    let (masters, free): (Vec<_>, Vec<_>) = all.into_iter().partition(|requests| protect::is_master(requests));
    if free.is_empty() {
        let users: BTreeSet<&str> = masters.iter().map(|requests| requests.digest.user.as_str()).collect();
        let users: Vec<&str> = users.into_iter().take(3).collect();
        return Err(format!(
            "it comes with the credentials of {} ({}), which pass by every limit: it needs credentials of its own",
            protect::MASTERS,
            users.join(", ")
        ));
    }
    let mut notes = BTreeSet::new();
    if !masters.is_empty() {
        notes.insert(format!("what the same client sends with the credentials of {} passes by", protect::MASTERS));
    }
    let subjects = subjects(situation, &free, &mut notes)?;
    protect::check(situation, &subjects, &free)?;
    let clients = vec![(finding.client_type.clone(), finding.client.clone())];
    Ok(Storm { findings: vec![place], clients, subjects, requests: free, notes })
}

/// How many of the requests came while a finding lasted.
fn in_storm(requests: &Requests<'_>, place: usize) -> u64 {
    requests.storms.iter().find(|(storm, _)| *storm == place).map_or(0, |(_, count)| *count)
}

/// Without the requests of users who sent few of them: others of the same client, that aren't of the storm.
fn loud<'s>(requests: Vec<&'s Requests<'s>>, place: usize) -> Vec<&'s Requests<'s>> {
    /// Who sends less than this part of what the loudest sends isn't of the storm.
    const FEW: u64 = 10;
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for requests in &requests {
        *counts.entry(&requests.digest.user).or_default() += in_storm(requests, place);
    }
    let most = counts.values().max().copied().unwrap_or_default();
    requests.into_iter().filter(|requests| counts[requests.digest.user.as_str()] * FEW >= most).collect()
}

/// Whether requests are for a finding's resource. A herd lists all that it needs, and any of it may be the heaviest.
fn is_resource_of(finding: &Finding, requests: &Requests<'_>) -> bool {
    let Some(api_group) = requests.digest.api_group.as_deref() else {
        return false;
    };
    let resource = requests.digest.resource.as_str();
    let named = if api_group.is_empty() { resource.to_owned() } else { format!("{resource}.{api_group}") };
    let is_main =
        finding.resource.as_deref() == Some(resource) && finding.api_group.as_deref().unwrap_or_default() == api_group;
    let is_herd = matches!(finding.kind, Kind::RelistHerd | Kind::ListPileup);
    is_main || is_herd && finding.other_resources.contains(&named)
}

/// The narrowest subjects of these requests' users.
fn subjects(
    situation: &Situation<'_>,
    requests: &[&Requests<'_>],
    notes: &mut BTreeSet<String>,
) -> Result<BTreeSet<Subject>, String> {
    let users: BTreeSet<&str> = requests.iter().map(|requests| requests.digest.user.as_str()).collect();
    if users.contains("") {
        return Err("the log doesn't say who sends it, so that there is nobody to select".to_owned());
    }
    if users.contains("*") {
        return Err("a user is called \"*\", which as a subject would be everybody".to_owned());
    }
    let subjects: BTreeSet<Subject> = users.iter().map(|user| subject(user)).collect();
    if subjects.len() <= MOST_SUBJECTS {
        return Ok(subjects);
    }
    let group = group_of_all(situation, requests).ok_or_else(|| {
        format!("it is of {} users, and no group but those of everybody has all of them", users.len())
    })?;
    notes.insert(format!(
        "it selects the group {group}, as {} users are too many to name: members of it that aren't in the log are caught too",
        users.len()
    ));
    Ok(BTreeSet::from([Subject::Group(group)]))
}

/// The narrowest subject of a user. What no service account can be called is taken for any other user's name, which is
/// matched as it is.
fn subject(user: &str) -> Subject {
    let account = user.strip_prefix(SERVICE_ACCOUNT).and_then(|account| account.split_once(':'));
    match account {
        Some((namespace, name))
            if is_dns_label(namespace) && name.split('.').all(is_dns_label) && name.len() <= 253 =>
        {
            Subject::ServiceAccount { namespace: namespace.to_owned(), name: name.to_owned() }
        }
        None if user.starts_with(NODE_USER) => Subject::Group(NODES.to_owned()),
        _ => Subject::User(user.to_owned()),
    }
}

/// Whether a text is a DNS-1123 label (`apimachinery/pkg/util/validation`, `IsDNS1123Label`).
fn is_dns_label(text: &str) -> bool {
    let is_inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    (1..=63).contains(&text.len()) && text.chars().all(is_inner) && !text.starts_with('-') && !text.ends_with('-')
}

/// Of the groups that all these users are in, and not everybody, the one with the fewest users of the log.
fn group_of_all(situation: &Situation<'_>, requests: &[&Requests<'_>]) -> Option<String> {
    let first = requests.first()?;
    let has_all = |group: &&String| requests.iter().all(|requests| requests.digest.groups.contains(group));
    let members = |group: &String| -> usize {
        let of_group = situation.requests.iter().filter(|requests| requests.digest.groups.contains(group));
        of_group.map(|requests| requests.digest.user.as_str()).collect::<BTreeSet<_>>().len()
    };
    let shared = first.digest.groups.iter().filter(has_all).filter(|group| !EVERYBODY.contains(&group.as_str()));
    shared.min_by_key(|group| (members(group), (*group).clone())).cloned()
}

/// A subject as people write it.
pub(super) fn subject_words(subject: &Subject) -> String {
    match subject {
        Subject::User(user) => format!("the user {user:?}"),
        Subject::Group(group) => format!("the group {group:?}"),
        Subject::ServiceAccount { namespace, name } => format!("the service account {namespace}/{name}"),
    }
}

impl<'s> Storm<'s> {
    /// Whether both would catch some of the same requests.
    fn overlaps(&self, other: &Self) -> bool {
        let resources = |storm: &Self| -> BTreeSet<(Option<String>, String)> {
            let of = |requests: &&Requests<'_>| (requests.digest.api_group.clone(), requests.digest.resource.clone());
            storm.requests.iter().map(of).collect()
        };
        self.subjects == other.subjects
            || !self.subjects.is_disjoint(&other.subjects) && !resources(self).is_disjoint(&resources(other))
    }

    fn merge(&mut self, other: Self) {
        self.findings.extend(other.findings);
        self.subjects.extend(other.subjects);
        self.notes.extend(other.notes);
        let is_new = |client: &(String, String), known: &[(String, String)]| !known.contains(client);
        for client in other.clients {
            if is_new(&client, &self.clients) {
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
    fn rules(&self, situation: &Situation<'_>) -> Vec<ResourceRule> {
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
            let streams = situation.features.watch_list && requests().any(|digest| digest.verb == "watch");
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
    fn draft(&self, situation: &Situation<'_>, taken: &mut BTreeSet<i32>) -> Result<Draft, String> {
        let rules = self.rules(situation);
        let subjects: Vec<Subject> = self.subjects.iter().cloned().collect();
        let (name, own) = self.name(situation.config, &rules);
        let probe = schema(&name, 1, subjects.clone(), rules.clone());
        let fits =
            |requests: &&Requests<'_>| !protect::is_master(requests) && matches(&probe, &requests.digest.attributes());
        let caught: Vec<&Requests<'_>> = situation.requests.iter().filter(fits).collect();
        let from = from(situation.config, &caught, &name);
        let matching_precedence = match own {
            Some(precedence) => precedence,
            None => precedence(&from, taken).ok_or_else(|| {
                let names: Vec<&str> = from.iter().map(|(name, _)| name.as_str()).collect();
                format!("no precedence is free before that of {}, which has these requests today", names.join(", "))
            })?,
        };
        taken.insert(matching_precedence);
        let is_meant = |requests: &&&Requests<'_>| requests.is_list && self.is_for(requests);
        let meant = || caught.iter().filter(is_meant);
        let bounded = meant().filter_map(|requests| requests.held).filter(|held| held.each.high.is_some());
        let held = bounded
            .reduce(|one, other| Held { each: one.each.or_more(other.each), slack: one.slack.or_more(other.slack) });
        let mut draft = Draft {
            name,
            findings: self.findings.clone(),
            clients: self.clients.iter().map(|(_, client)| client.clone()).collect(),
            subjects,
            rules,
            from,
            replaces: own.is_some(),
            matching_precedence,
            flow_count: caught.iter().map(|requests| requests.digest.user.as_str()).collect::<BTreeSet<_>>().len(),
            kinds: meant().map(|requests| requests.kind).collect(),
            list_seats: meant()
                .fold((u32::MAX, 1), |(low, high), requests| (low.min(requests.seats.0), high.max(requests.seats.1))),
            has_unbounded: meant().any(|requests| requests.held.is_none_or(|held| held.each.high.is_none())),
            held,
            caught: self.who(situation, &caught),
            notes: self.notes.iter().cloned().collect(),
        };
        draft.notes.extend(notes(&draft, &caught));
        Ok(draft)
    }

    fn is_for(&self, requests: &Requests<'_>) -> bool {
        self.clients.iter().any(|(client_type, client)| {
            (client_type.as_str(), client.as_str()) == (requests.client_type, requests.client)
        })
    }

    /// What both objects are called, and the precedence of an earlier candidate of the same name on the server, which this
    /// one replaces. Someone else's objects are let alone.
    fn name(&self, config: &Config, rules: &[ResourceRule]) -> (String, Option<i32>) {
        let resources: BTreeSet<&str> = rules.iter().flat_map(|rule| &rule.resources).map(String::as_str).collect();
        let client = self.clients.first().map(|(_, client)| client.as_str()).unwrap_or_default();
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

    fn who(&self, situation: &Situation<'_>, caught: &[&Requests<'_>]) -> Vec<Caught> {
        /// Users and requests.
        type Sum<'s> = (BTreeSet<&'s str>, u64);
        let mut clients: BTreeMap<(&str, &str), Sum<'_>> = BTreeMap::new();
        for requests in caught {
            let (users, count) = clients.entry((requests.client_type, requests.client)).or_default();
            users.insert(&requests.digest.user);
            *count += requests.count;
        }
        let all_of = |client: (&str, &str)| {
            let same = situation.requests.iter().filter(|requests| (requests.client_type, requests.client) == client);
            same.map(|requests| requests.count).sum()
        };
        let is_meant = |client: (&str, &str)| {
            self.clients.iter().any(|(client_type, name)| (client_type.as_str(), name.as_str()) == client)
        };
        let mut who: Vec<Caught> = clients
            .into_iter()
            .map(|(client, (users, request_count))| Caught {
                client_type: client.0.to_owned(),
                client: client.1.to_owned(),
                users: users.len(),
                request_count,
                of_requests: all_of(client),
                is_meant: is_meant(client),
            })
            .collect();
        who.sort_by(|a, b| b.request_count.cmp(&a.request_count).then_with(|| a.client.cmp(&b.client)));
        who
    }
}

/// A FlowSchema of these.
pub(super) fn schema(
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
        place: Place::default(),
    }
}

/// What to know of whom a draft catches.
fn notes(draft: &Draft, caught: &[&Requests<'_>]) -> Vec<String> {
    let mut notes = Vec::new();
    let others: BTreeSet<String> = draft
        .caught
        .iter()
        .filter(|caught| !caught.is_meant)
        .map(|caught| format!("{} ({})", caught.client, caught.client_type))
        .collect();
    if !others.is_empty() {
        let others: Vec<String> = others.into_iter().collect();
        notes.push(format!(
            "{} comes with the same identity, and APF can't tell them apart: only credentials of its own would",
            others.join(", ")
        ));
    }
    let plain = caught.iter().filter(|requests| requests.digest.verb == "watch" && !requests.is_list);
    let plain: u64 = plain.map(|requests| requests.count).sum();
    if plain > 0 {
        notes.push(format!(
            "{} watches that go on from a version are caught too: each takes a seat until it has begun",
            units::count(plain)
        ));
    }
    notes
}

/// The FlowSchemas that have those requests today, with their precedence.
fn from(config: &Config, caught: &[&Requests<'_>], own: &str) -> Vec<(String, i32)> {
    let names: BTreeSet<&str> =
        caught.iter().map(|requests| requests.flow_schema).filter(|name| *name != own).collect();
    let schemas = names.into_iter().filter_map(|name| config.flow_schema(name));
    let mut from: Vec<(String, i32)> =
        schemas.map(|schema| (schema.name.clone(), schema.matching_precedence)).collect();
    from.sort_by_key(|(_, precedence)| *precedence);
    from
}

/// A precedence before those FlowSchemas, that no other has; `None` if there is none. The lowest that may be used is 2: 1
/// is `exempt`'s.
fn precedence(from: &[(String, i32)], taken: &BTreeSet<i32>) -> Option<i32> {
    /// Precedences go by tens, so that there is room between them.
    const STEP: i32 = 10;
    let before = from.first().map_or(1_000, |(_, precedence)| *precedence);
    let tens = (1..).map(|step| before - step * STEP).take_while(|precedence| *precedence >= 2);
    let any = (2..before).rev();
    tens.chain(any).find(|precedence| !taken.contains(precedence))
}
