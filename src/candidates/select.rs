//! Whom a candidate selects: the narrowest subjects that cover a storm, and whoever else that catches.

use std::collections::{BTreeMap, BTreeSet};

use super::manifest::object_name;
use super::{Caught, Declined, Draft, Requests, Situation};
use crate::apf::{Config, ResourceRule, Subject, matches};
use crate::findings::{Finding, Kind, Severity};
use crate::memory::Held;

/// A group whose users pass by every limit.
const MASTERS: &str = "system:masters";
/// The group of all kubelets.
const NODES: &str = "system:nodes";
const NODE_USER: &str = "system:node:";
const SERVICE_ACCOUNT: &str = "system:serviceaccount:";
const SYSTEM_NAMESPACE: &str = "kube-system";
/// The control plane's own users, which nothing should limit.
const CONTROL_PLANE: [&str; 4] =
    ["system:apiserver", "system:kube-controller-manager", "system:kube-scheduler", "system:cloud-controller-manager"];
/// More users than this are selected by a group.
const MOST_SUBJECTS: usize = 20;
/// More namespaces than this are selected as all.
const MOST_NAMESPACES: usize = 10;

/// Candidates for the storms among the findings, and why there is none for others. Storms of the same users become one;
/// each FlowSchema has a precedence of its own, the worst storm's first.
pub fn draft(situation: &Situation<'_>) -> (Vec<Draft>, Vec<Declined>) {
    let (mut drafts, mut declined): (Vec<Draft>, Vec<Declined>) = (Vec::new(), Vec::new());
    for (place, finding) in situation.findings.iter().enumerate() {
        if finding.severity < Severity::Warning || finding.kind == Kind::ApiserverRestart {
            continue;
        }
        match of_finding(situation, place, finding) {
            Err(reason) => declined.push(Declined {
                finding: place,
                storm: storm_words(finding),
                reason,
                remedies: finding.remedies.clone(),
            }),
            Ok(draft) => match drafts.iter().position(|known| known.subjects == draft.subjects) {
                Some(known) => merge(&mut drafts[known], draft),
                None => drafts.push(draft),
            },
        }
    }
    let mut taken: BTreeSet<i32> =
        situation.config.flow_schemas.iter().map(|schema| schema.matching_precedence).collect();
    for draft in &mut drafts {
        complete(situation, draft, &mut taken);
    }
    (drafts, declined)
}

/// What was found, in a few words.
fn storm_words(finding: &Finding) -> String {
    let resource = finding.resource.as_deref().unwrap_or("several resources");
    format!("{} of {} on {resource}", finding.kind.name(), finding.client)
}

fn of_finding(situation: &Situation<'_>, place: usize, finding: &Finding) -> Result<Draft, String> {
    if finding.client == "many" {
        return Err(
            "it is of many clients, and a limit for all of them would be one for the whole cluster; what is made for \
             its largest parts limits it too"
                .to_owned(),
        );
    }
    if finding.list_kinds.is_empty() {
        return Err("it has no LIST: a watch that goes on from a version costs one seat for a moment only".to_owned());
    }
    let is_of_storm = |requests: &&Requests<'_>| {
        requests.client == finding.client && requests.is_list && is_resource_of(finding, requests)
    };
    let all: Vec<&Requests<'_>> = situation.requests.iter().filter(is_of_storm).collect();
    if all.is_empty() {
        return Err("none of its requests came as far as API Priority and Fairness".to_owned());
    }
    let (free, masters): (Vec<&Requests<'_>>, Vec<_>) = all.into_iter().partition(|requests| !is_master(requests));
    if free.is_empty() {
        let users: BTreeSet<&str> = masters.iter().map(|requests| requests.digest.user.as_str()).collect();
        let users: Vec<&str> = users.into_iter().take(3).collect();
        return Err(format!(
            "it comes with the credentials of {MASTERS} ({}), which pass by every limit: it needs credentials of its own",
            users.join(", ")
        ));
    }
    let subjects = subjects(&free)?;
    check_protected(situation, &subjects, &free)?;
    let mut notes = Vec::new();
    if !masters.is_empty() {
        notes.push(format!("what the same client sends with the credentials of {MASTERS} passes by"));
    }
    Ok(Draft {
        name: String::new(),
        findings: vec![place],
        clients: vec![finding.client.clone()],
        subjects,
        rule: rule(&free),
        from: Vec::new(),
        matching_precedence: 0,
        flow_count: 0,
        caught: Vec::new(),
        list_seats: (0, 0),
        held: None,
        notes,
    })
}

/// Whether requests are for a finding's resource. A herd lists all that it needs, and any of it may be the heaviest.
fn is_resource_of(finding: &Finding, requests: &Requests<'_>) -> bool {
    let Some(api_group) = requests.digest.api_group.as_deref() else {
        return false;
    };
    let resource = requests.digest.resource.as_str();
    let is_main =
        finding.resource.as_deref() == Some(resource) && finding.api_group.as_deref().unwrap_or_default() == api_group;
    let is_herd = matches!(finding.kind, Kind::RelistHerd | Kind::ListPileup);
    let is_other = |other: &String| {
        other.strip_prefix(resource).is_some_and(|group| group.strip_prefix('.').unwrap_or_default() == api_group)
    };
    is_main || is_herd && finding.other_resources.iter().any(is_other)
}

fn is_master(requests: &Requests<'_>) -> bool {
    requests.digest.groups.iter().any(|group| group == MASTERS)
}

/// The narrowest subjects of these requests' users.
fn subjects(requests: &[&Requests<'_>]) -> Result<Vec<Subject>, String> {
    let users: BTreeSet<&str> = requests.iter().map(|requests| requests.digest.user.as_str()).collect();
    if users.iter().any(|user| user.is_empty()) {
        return Err("the log doesn't say who sends it, so that there is nobody to select".to_owned());
    }
    let mut subjects = BTreeSet::new();
    for user in &users {
        subjects.insert(match user.strip_prefix(SERVICE_ACCOUNT).and_then(|account| account.split_once(':')) {
            Some((namespace, name)) => {
                Subject::ServiceAccount { namespace: namespace.to_owned(), name: name.to_owned() }
            }
            None if user.starts_with(NODE_USER) => Subject::Group(NODES.to_owned()),
            None => Subject::User((*user).to_owned()),
        });
    }
    if subjects.len() <= MOST_SUBJECTS {
        return Ok(subjects.into_iter().collect());
    }
    group_of_all(requests)
        .map(|group| vec![Subject::Group(group)])
        .ok_or_else(|| format!("it is of {} users, and no group but those of everybody has all of them", users.len()))
}

/// A group that all these users are in, and not everybody.
fn group_of_all(requests: &[&Requests<'_>]) -> Option<String> {
    let everybody = ["system:authenticated", "system:unauthenticated", "system:serviceaccounts"];
    let first = requests.first()?;
    let has_all = |group: &&String| requests.iter().all(|requests| requests.digest.groups.contains(group));
    let shared = first.digest.groups.iter().filter(has_all).filter(|group| !everybody.contains(&group.as_str()));
    // The one of a namespace is narrower than others.
    shared.max_by_key(|group| (group.starts_with("system:serviceaccounts:"), group.len())).cloned()
}

fn check_protected(situation: &Situation<'_>, subjects: &[Subject], requests: &[&Requests<'_>]) -> Result<(), String> {
    let control_plane = requests.iter().find(|requests| CONTROL_PLANE.contains(&requests.digest.user.as_str()));
    if let Some(requests) = control_plane {
        return Err(format!("it is of {}, which a cluster can't do without", requests.digest.user));
    }
    let system = subjects.iter().find(|subject| match subject {
        Subject::Group(group) | Subject::User(group) => group.starts_with("system:"),
        Subject::ServiceAccount { namespace, .. } => namespace == SYSTEM_NAMESPACE,
    });
    match system.filter(|_| !situation.includes_system) {
        None => Ok(()),
        Some(subject) => Err(format!(
            "it is of {}, which belongs to the cluster itself: only --include-system limits that",
            subject_words(subject)
        )),
    }
}

/// A subject as people write it.
pub(super) fn subject_words(subject: &Subject) -> String {
    match subject {
        Subject::User(user) => format!("the user {user}"),
        Subject::Group(group) => format!("the group {group}"),
        Subject::ServiceAccount { namespace, name } => format!("the service account {namespace}/{name}"),
    }
}

/// The verbs, resources and namespaces of these requests.
fn rule(requests: &[&Requests<'_>]) -> ResourceRule {
    let of = |value: &dyn Fn(&Requests<'_>) -> String| -> Vec<String> {
        let values: BTreeSet<String> = requests.iter().map(|requests| value(requests)).collect();
        values.into_iter().collect()
    };
    let namespaces: Vec<String> =
        of(&|requests| requests.digest.namespace.clone()).into_iter().filter(|name| !name.is_empty()).collect();
    ResourceRule {
        verbs: of(&|requests| requests.digest.verb.clone()),
        api_groups: of(&|requests| requests.digest.api_group.clone().unwrap_or_default()),
        resources: of(&|requests| requests.digest.resource.clone()),
        cluster_scope: requests.iter().any(|requests| requests.digest.namespace.is_empty()),
        namespaces: if namespaces.len() > MOST_NAMESPACES { vec!["*".to_owned()] } else { namespaces },
    }
}

/// Two storms of the same users have one cure.
fn merge(known: &mut Draft, other: Draft) {
    known.findings.extend(other.findings);
    let lists = |known: &mut Vec<String>, other: Vec<String>| {
        let all: BTreeSet<String> = known.drain(..).chain(other).collect();
        known.extend(all);
    };
    lists(&mut known.clients, other.clients);
    lists(&mut known.rule.verbs, other.rule.verbs);
    lists(&mut known.rule.api_groups, other.rule.api_groups);
    lists(&mut known.rule.resources, other.rule.resources);
    lists(&mut known.rule.namespaces, other.rule.namespaces);
    if known.rule.namespaces.iter().any(|namespace| namespace == "*") || known.rule.namespaces.len() > MOST_NAMESPACES {
        known.rule.namespaces = vec!["*".to_owned()];
    }
    known.rule.cluster_scope |= other.rule.cluster_scope;
    lists(&mut known.notes, other.notes);
}

/// What follows from whom a draft selects: its name, its place, and whom it catches.
fn complete(situation: &Situation<'_>, draft: &mut Draft, taken: &mut BTreeSet<i32>) {
    let resources: Vec<&str> = draft.rule.resources.iter().map(String::as_str).collect();
    let client = draft.clients.first().map(String::as_str).unwrap_or_default();
    let named = if resources.len() > 2 { "collections".to_owned() } else { resources.join("-") };
    draft.name = object_name(&["limit", client, "list", &named]);
    let probe = crate::apf::FlowSchema {
        name: draft.name.clone(),
        priority_level: draft.name.clone(),
        matching_precedence: 1,
        distinguisher_method: None,
        rules: vec![crate::apf::Rule {
            subjects: draft.subjects.clone(),
            resource_rules: vec![draft.rule.clone()],
            non_resource_rules: Vec::new(),
        }],
        is_autoupdated: None,
        place: crate::apf::Place::default(),
    };
    let fitting = |requests: &&Requests<'_>| !is_master(requests) && matches(&probe, &requests.digest.attributes());
    let caught: Vec<&Requests<'_>> = situation.requests.iter().filter(fitting).collect();
    draft.from = from(situation.config, &caught);
    draft.matching_precedence = precedence(&draft.from, taken);
    taken.insert(draft.matching_precedence);
    draft.flow_count = caught.iter().map(|requests| requests.digest.user.as_str()).collect::<BTreeSet<_>>().len();
    let meant: Vec<&&Requests<'_>> =
        caught.iter().filter(|requests| draft.clients.iter().any(|client| client == requests.client)).collect();
    draft.list_seats = meant
        .iter()
        .fold((u32::MAX, 1), |(low, high), requests| (low.min(requests.seats.0), high.max(requests.seats.1)));
    draft.held = meant
        .iter()
        .filter_map(|requests| requests.held)
        .reduce(|one, other| Held { each: one.each.or_more(other.each), slack: one.slack.or_more(other.slack) });
    draft.caught = who(situation, draft, &caught);
    if draft.caught.iter().any(|caught| !caught.is_meant) {
        let others: Vec<&str> =
            draft.caught.iter().filter(|caught| !caught.is_meant).map(|caught| caught.client.as_str()).collect();
        draft.notes.push(format!(
            "{} comes with the same identity, and APF can't tell them apart: only a service account of its own would",
            others.join(", ")
        ));
    }
}

/// The FlowSchemas that have those requests today, with their precedence.
fn from(config: &Config, caught: &[&Requests<'_>]) -> Vec<(String, i32)> {
    let names: BTreeSet<&str> = caught.iter().map(|requests| requests.flow_schema).collect();
    let mut from: Vec<(String, i32)> = names
        .into_iter()
        .filter_map(|name| config.flow_schema(name))
        .map(|schema| (schema.name.clone(), schema.matching_precedence))
        .collect();
    from.sort_by_key(|(_, precedence)| *precedence);
    from
}

/// A precedence before those FlowSchemas, that no other has. The lowest that may be used is 2: 1 is `exempt`'s.
fn precedence(from: &[(String, i32)], taken: &BTreeSet<i32>) -> i32 {
    /// Precedences go by tens, so that there is room between them.
    const STEP: i32 = 10;
    let before = from.first().map_or(1_000, |(_, precedence)| *precedence);
    let tens = (1..).map(|step| before - step * STEP).take_while(|precedence| *precedence >= 2);
    let any = (2..before).rev();
    tens.chain(any).find(|precedence| !taken.contains(precedence)).unwrap_or(2)
}

fn who(situation: &Situation<'_>, draft: &Draft, caught: &[&Requests<'_>]) -> Vec<Caught> {
    /// Users and requests.
    type Sum<'s> = (BTreeSet<&'s str>, u64);
    let mut clients: BTreeMap<(&str, &str), Sum<'_>> = BTreeMap::new();
    for requests in caught {
        let (users, count) = clients.entry((requests.client_type, requests.client)).or_default();
        users.insert(&requests.digest.user);
        *count += requests.count;
    }
    let all_of = |client: &str| {
        situation.requests.iter().filter(|requests| requests.client == client).map(|requests| requests.count).sum()
    };
    let mut who: Vec<Caught> = clients
        .into_iter()
        .map(|((client_type, client), (users, request_count))| Caught {
            client_type: client_type.to_owned(),
            client: client.to_owned(),
            users: users.len(),
            request_count,
            of_requests: all_of(client),
            is_meant: draft.clients.iter().any(|meant| meant == client),
        })
        .collect();
    who.sort_by(|a, b| b.request_count.cmp(&a.request_count).then_with(|| a.client.cmp(&b.client)));
    who
}
