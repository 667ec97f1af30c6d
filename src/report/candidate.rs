//! Candidates in words: what they select and why, how they did in the replay, and why a storm has none.

use std::collections::BTreeSet;

use super::comparison::{byte_words, comparison_sentence, secs, to_count};
use super::findings::{remedy, summary, unknown};
use super::{
    BudgetCheck, Confidence, ConfidenceLevel, Doubt, JointReplay, Proposal, RejectedProposal, ServerComparison,
    counted, listed,
};
use crate::apf::{ResourceRule, Subject};
use crate::candidates::{CandidateRejection, ClientRef, DraftNote, MatchedClient, SeatChange};
use crate::findings::Finding;
use crate::units;

impl ServerComparison {
    /// The verdict in one sentence, with the apiserver where there are several.
    pub fn sentence(&self) -> String {
        let sentence = comparison_sentence(&self.comparison);
        match &self.apiserver {
            Some(name) => format!("{sentence} (on {name}, which has most of its LISTs)"),
            None => sentence,
        }
    }
}

impl Confidence {
    /// Such as `medium: the server's version is unknown`; `max_wait_secs` is how long clients without a storm may wait.
    pub fn words(&self, max_wait_secs: f64) -> String {
        let level = match self.level {
            ConfidenceLevel::High => "high",
            ConfidenceLevel::Medium => "medium",
            ConfidenceLevel::Low => "low",
        };
        let doubts: Vec<String> = self.doubts.iter().map(|doubt| doubt_words(*doubt, max_wait_secs)).collect();
        if doubts.is_empty() { level.to_owned() } else { format!("{level}: {}", doubts.join("; ")) }
    }
}

fn doubt_words(doubt: Doubt, max_wait_secs: f64) -> String {
    let words = match doubt {
        Doubt::MatchesVitalTraffic => "it matches requests that the cluster depends on",
        Doubt::MayExceedBudget => "LISTs may exceed the budget",
        Doubt::UnknownSizes => "the size of its LISTs is unknown",
        Doubt::SomeUnknownSizes => "the size of some of its LISTs is unknown",
        Doubt::OthersUnknownSizes => "the size of some LISTs of other clients is unknown",
        Doubt::HoldsMore => "all LISTs together hold more with it, since others finish sooner",
        Doubt::MatchesOthers => "it matches other clients too",
        Doubt::MostlyRejected => "most of what it matches is rejected",
        Doubt::OftenRejected => "more than a tenth of what it matches is rejected",
        Doubt::LongWaits => return format!("some of what it matches waits longer than {}", secs(max_wait_secs)),
        Doubt::UncertainSeats => "the seats of its LISTs are known only as a range",
        Doubt::DefaultConfiguration => "the server's configuration was not given",
        Doubt::UnknownVersion => "the server's version is unknown",
        Doubt::UnloggedRestart => "an apiserver restarted, and LISTs being served at that moment left no line",
        Doubt::BaselineMismatch => "the baseline replay does not reproduce the log",
    };
    words.to_owned()
}

impl Proposal {
    /// Remedies at the client, each once.
    pub fn remedies(&self) -> Vec<String> {
        let mut remedies: Vec<String> = Vec::new();
        for words in self.findings.iter().flat_map(|finding| &finding.remedies).map(remedy) {
            if !remedies.contains(&words) {
                remedies.push(words);
            }
        }
        remedies
    }
}

/// All there is to say of a candidate, in sentences.
pub(super) fn proposal_evidence(proposal: &Proposal, max_wait_secs: f64) -> Vec<String> {
    let draft = &proposal.draft;
    let mut evidence: Vec<String> = proposal.findings.iter().map(finding_words).collect();
    let rules: Vec<String> = draft.rules.iter().map(rule_words).collect();
    evidence.push(format!("selects {} by {}", rules.join(" and "), listed(&draft.subjects, subject_words)));
    evidence.push(format!("in the log it matches {}", matched_words(&draft.matched)));
    if draft.replaces {
        evidence.push(format!("replaces {} on the server, at its precedence", draft.name));
    }
    if !draft.matched_today.is_empty() {
        let today =
            draft.matched_today.iter().map(|schema| format!("{} ({})", schema.name, schema.matching_precedence));
        let noun = if draft.matched_today.len() == 1 { "FlowSchema" } else { "FlowSchemas" };
        evidence.push(format!(
            "matched today by {noun} {}; this one ({}) is tried first",
            today.collect::<Vec<_>>().join(", "),
            draft.matching_precedence
        ));
    }
    evidence.extend(size_words(proposal));
    evidence.extend(replay_words(proposal, max_wait_secs));
    evidence.extend(draft.notes.iter().map(note_words));
    evidence
}

fn finding_words(finding: &Finding) -> String {
    format!(
        "for the {} from {} to {}: {}",
        finding.kind.name(),
        units::second(finding.started_at),
        units::second(finding.ended_at),
        summary(finding)
    )
}

/// The clients that a candidate matches.
fn matched_words(clients: &[MatchedClient]) -> String {
    let words = clients.iter().map(|matched| {
        format!(
            "{} ({}{}): {} of its {}",
            matched.client,
            counted(matched.users as u64, "user"),
            if matched.is_target { "" } else { ", not a target" },
            units::count(matched.request_count),
            counted(matched.of_requests, "request")
        )
    });
    words.collect::<Vec<_>>().join("; ")
}

/// A subject as people write it.
fn subject_words(subject: &Subject) -> String {
    match subject {
        Subject::User(user) => format!("user {user:?}"),
        Subject::Group(group) => format!("group {group:?}"),
        Subject::ServiceAccount { namespace, name } => format!("service account {namespace}/{name}"),
    }
}

/// What a rule selects: `list of pods across all namespaces, and in the namespaces apps-0`.
fn rule_words(rule: &ResourceRule) -> String {
    let namespaces = match rule.namespaces.as_slice() {
        [all] if all == "*" => Some("in any namespace".to_owned()),
        [] => None,
        [only] => Some(format!("in the namespace {only}")),
        some => Some(format!("in the namespaces {}", some.join(", "))),
    };
    let cluster = rule.cluster_scope.then(|| "across all namespaces".to_owned());
    let scopes: Vec<String> = [cluster, namespaces].into_iter().flatten().collect();
    format!("{} of {} {}", rule.verbs.join(" and "), rule.resources.join(", "), scopes.join(" and "))
}

/// The numbers behind the size, and what it takes from other priority levels.
fn size_words(proposal: &Proposal) -> Vec<String> {
    let (plan, draft) = (&proposal.candidate.plan, &proposal.draft);
    let range = |(low, high): (u32, u32)| if low == high { low.to_string() } else { format!("{low} to {high}") };
    let shares = match plan.nominal_concurrency_shares {
        1 => "1 share".to_owned(),
        shares => format!("{shares} shares"),
    };
    let seats = |(low, high): (u32, u32)| match (low, high) {
        (1, 1) => "1 seat".to_owned(),
        _ => format!("{} seats", range((low, high))),
    };
    let mut sizes = vec![format!(
        "{shares}: {} of the {} seats of each apiserver; each LIST takes {}, so {} run at once; the level doesn't borrow",
        plan.nominal_seats,
        proposal.server_concurrency,
        seats(plan.seats_per_list),
        range(plan.lists_at_once)
    )];
    sizes.push(match plan.queues {
        true => format!(
            "up to {} of one flow may wait in queues, for 15 s at most; more are rejected",
            counted(plan.waiting.into(), "LIST")
        ),
        false => "nothing waits: a request that finds no free seat is rejected at once (429), with a time after which to retry".to_owned(),
    });
    let memory = draft.list_memory.and_then(|memory| memory.per_list.high.map(|high| (memory.per_list.low, high)));
    sizes.push(match memory {
        Some((low, high)) => {
            let others = if draft.has_unbounded { "; the size of some is unknown" } else { "" };
            format!("each of these LISTs holds an estimated {} to {}{others}", units::bytes(low), units::bytes(high))
        }
        None => "the memory of these LISTs is unknown; give sizes with --metrics FILE or --resource".to_owned(),
    });
    if !proposal.seat_changes.is_empty() {
        let words = |change: &SeatChange| format!("{} {} to {}", change.priority_level, change.before, change.after);
        let changes: Vec<String> = proposal.seat_changes.iter().map(words).collect();
        sizes.push(format!("its shares change the seats of other levels: {}", changes.join(", ")));
    }
    sizes
}

/// How the candidate did in the replay.
fn replay_words(proposal: &Proposal, max_wait_secs: f64) -> Vec<String> {
    let (from, to) = proposal.replayed_micros;
    let matched = &proposal.matched;
    let mut words = vec![
        format!(
            "replayed around the storm, {} to {}, with {}: it {}",
            units::second(from),
            units::second(to),
            counted(proposal.seeds, "seed"),
            proposal.comparison.sentence()
        ),
        format!(
            "of the {} that it matches there, {}; the p99 wait of those that wait is {}",
            counted(matched.request_count, "request"),
            match to_count(matched.rejected) {
                0 => "none is rejected".to_owned(),
                1 => "1 is rejected".to_owned(),
                rejected => format!("{} are rejected", units::count(rejected)),
            },
            secs(matched.wait_p99_secs)
        ),
        limit_words(&proposal.budget),
        format!("confidence: {}", proposal.confidence.words(max_wait_secs)),
    ];
    let unknowns: BTreeSet<String> =
        proposal.findings.iter().flat_map(|finding| &finding.unknowns).map(unknown).collect();
    words.extend(unknowns.into_iter().map(|unknown| format!("not in the log: {unknown}")));
    words
}

/// Whether the server's LISTs stay within the budget.
pub(super) fn limit_words(budget: &BudgetCheck) -> String {
    let (low, high) = (budget.peak_low_bytes, budget.peak_high_bytes);
    let (which, unknown) = match budget.unbounded_lists {
        0 => ("all LISTs together", String::new()),
        count => {
            let (more, verb) = (units::count(count), if count == 1 { "is" } else { "are" });
            let unknown = format!("; {more} more {verb} of unknown size: give sizes with --metrics or --resource");
            ("all LISTs of known size together", unknown)
        }
    };
    let held =
        format!("under every seed, {which} hold at most {} to {} at the peak", byte_words(low), byte_words(high));
    let limit = byte_words(budget.budget_bytes);
    let verdict = match budget.is_kept {
        None => {
            return "unknown whether LISTs stay within the budget, as the size of the matched LISTs is unknown"
                .to_owned();
        }
        Some(true) => format!("{held}, within the budget of {limit}"),
        Some(false) if f64::midpoint(low, high) <= budget.budget_bytes => {
            format!("{held}: the middle of that range is within the budget of {limit}, the upper end is not")
        }
        Some(false) => format!("{held}, more than the budget of {limit}"),
    };
    verdict + &unknown
}

/// The same of all candidates at once.
pub(super) fn joint_limit_words(joint: &JointReplay) -> String {
    limit_words(&joint.budget)
}

fn note_words(note: &DraftNote) -> String {
    match note {
        DraftNote::SelectsGroup { group, user_count } => format!(
            "selects the group {group}, as {user_count} users are too many to name; members that aren't in the log are \
             matched too"
        ),
        DraftNote::MastersAreExempt => {
            "requests of the same client with credentials of system:masters are never limited".to_owned()
        }
        DraftNote::SharedIdentity { clients } => {
            let names: Vec<String> = clients.iter().map(client_words).collect();
            let (verb, own) = if names.len() == 1 { ("uses", "its own") } else { ("use", "their own") };
            format!(
                "{} {verb} the same identity, so APF can't tell them apart; give them credentials of {own}",
                names.join(", ")
            )
        }
        DraftNote::MatchesPlainWatches { request_count } => format!(
            "also matches watches that start from a resource version ({}); each takes a seat until it has started",
            counted(*request_count, "request")
        ),
    }
}

fn client_words(client: &ClientRef) -> String {
    format!("{} ({})", client.client, client.client_type)
}

impl RejectedProposal {
    /// Such as `list-loop of sync on pods`.
    pub fn storm_words(&self) -> String {
        let finding = &self.finding;
        let resource = finding.resource.as_deref().map(|resource| format!(" on {resource}")).unwrap_or_default();
        let client = finding.culprit.client().unwrap_or("several clients");
        format!("{} of {client}{resource}", finding.kind.name())
    }
}

/// Why a storm has no candidate.
pub fn rejection_words(rejected: &RejectedProposal) -> String {
    match &rejected.reason {
        CandidateRejection::ManyClients => {
            "many clients take part, and a limit for all of them would limit the whole cluster; clients that storm by \
             themselves have their own candidates"
                .to_owned()
        }
        CandidateRejection::DiscoveryOnly => {
            "it only reads the API's description, which costs one seat and little memory each time".to_owned()
        }
        CandidateRejection::NoLists => {
            "it has no LIST: a watch from a resource version costs one seat for a moment only".to_owned()
        }
        CandidateRejection::NeverReachedApf => "none of its requests reached API Priority and Fairness".to_owned(),
        CandidateRejection::ExemptCredentials { users } => format!(
            "it uses credentials of system:masters ({}), which are never limited; give it credentials of its own",
            users.join(", ")
        ),
        CandidateRejection::UnknownUser => "the log doesn't name its user, so no subject can select it".to_owned(),
        CandidateRejection::WildcardUser => {
            "its user is called \"*\", which as a subject would select everybody".to_owned()
        }
        CandidateRejection::NoCommonGroup { user_count } => {
            format!("it has {user_count} users, and the only groups with all of them are those of everybody")
        }
        CandidateRejection::ControlPlane(client) => {
            format!("it comes from {}, which a cluster can't run without", client_words(client))
        }
        CandidateRejection::SystemSubject { subject } => {
            format!(
                "it comes from {}, which belongs to the cluster itself: limit it only with --include-system",
                subject_words(subject)
            )
        }
        CandidateRejection::SystemClient(client) => {
            format!(
                "it comes from {}, which belongs to the cluster itself: limit it only with --include-system",
                client_words(client)
            )
        }
        CandidateRejection::NoFreePrecedence { flow_schemas } => {
            format!("no precedence is free before {}, which matches these requests today", flow_schemas.join(", "))
        }
        CandidateRejection::ListExceedsBudget { list_low_bytes, budget_bytes } => format!(
            "a single LIST holds at least {}, more than the budget of {}: no limit helps against that",
            units::bytes(*list_low_bytes),
            units::bytes(*budget_bytes)
        ),
        CandidateRejection::NoValidLevel => {
            "the server would accept no priority level that lets even one of its LISTs run".to_owned()
        }
        CandidateRejection::NoSizeHelps { tried } => {
            let limit =
                if *tried == 1 { "the only possible limit".to_owned() } else { format!("the best of {tried} limits") };
            let verdict = rejected.best.as_ref().map_or_else(|| "doesn't help".to_owned(), |best| best.sentence());
            format!("{limit} {verdict}")
        }
    }
}
