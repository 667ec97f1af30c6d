//! A candidate in words: what it selects and why, as comments of its manifests and in reports.

use super::select::subject_words;
use super::{Candidate, Caught, Draft, Situation};
use crate::apf::{ResourceRule, limits};
use crate::findings::Finding;
use crate::units;

/// Whom a candidate catches, in a sentence.
pub fn catch_words(caught: &[Caught]) -> String {
    let words = caught.iter().map(|caught| {
        let users = if caught.users == 1 { "1 user".to_owned() } else { format!("{} users", caught.users) };
        format!(
            "{}{} ({users}): {} of its {} requests",
            caught.client,
            if caught.is_meant { "" } else { ", which isn't meant" },
            units::count(caught.request_count),
            units::count(caught.of_requests)
        )
    });
    words.collect::<Vec<_>>().join("; ")
}

/// What stands above the manifests of a candidate; `verified` is what its replay came to, in sentences.
pub fn candidate_evidence(
    draft: &Draft,
    candidate: &Candidate,
    situation: &Situation<'_>,
    verified: &[String],
) -> Vec<String> {
    let mut evidence: Vec<String> = draft.findings.iter().map(|place| found(&situation.findings[*place])).collect();
    const NAMED: usize = 3;
    let mut subjects: Vec<String> = draft.subjects.iter().take(NAMED).map(subject_words).collect();
    if draft.subjects.len() > NAMED {
        subjects.push(format!("{} more", draft.subjects.len() - NAMED));
    }
    let rules: Vec<String> = draft.rules.iter().map(rule_words).collect();
    evidence.push(format!("selects {} by {}", rules.join(" and "), subjects.join(", ")));
    evidence.push(format!("in the log that catches {}", catch_words(&draft.caught)));
    if draft.replaces {
        evidence.push(format!("replaces {} on the server, at its precedence", draft.name));
    }
    if !draft.from.is_empty() {
        let from: Vec<String> =
            draft.from.iter().map(|(name, precedence)| format!("{name} (precedence {precedence})")).collect();
        evidence.push(format!("they go by {} today, before which this stands", from.join(", ")));
    }
    evidence.extend(sizes(draft, candidate, situation));
    evidence.extend(verified.iter().cloned());
    evidence.extend(draft.notes.iter().cloned());
    evidence
}

fn found(finding: &Finding) -> String {
    format!(
        "for the {} from {} to {}: {}",
        finding.kind.name(),
        units::second(finding.started_at),
        units::second(finding.ended_at),
        finding.summary
    )
}

/// What a rule selects: `list of pods in all namespaces at once, and in apps-0`.
fn rule_words(rule: &ResourceRule) -> String {
    let namespaces = match rule.namespaces.as_slice() {
        [all] if all == "*" => Some("in any namespace".to_owned()),
        [] => None,
        some => Some(format!("in the namespaces {}", some.join(", "))),
    };
    let cluster = rule.cluster_scope.then(|| "across all namespaces".to_owned());
    let scopes: Vec<String> = [cluster, namespaces].into_iter().flatten().collect();
    format!("{} of {} {}", rule.verbs.join(" and "), rule.resources.join(", "), scopes.join(" and "))
}

/// How its size came about, and what that takes from others.
fn sizes(draft: &Draft, candidate: &Candidate, situation: &Situation<'_>) -> Vec<String> {
    let plan = &candidate.plan;
    let range = |(low, high): (u32, u32)| if low == high { low.to_string() } else { format!("{low} to {high}") };
    let mut sizes = vec![format!(
        "{} of {} seats on each apiserver, by {} beside those of all levels; a LIST takes {} of them, so {} at once; it \
         borrows none",
        plan.nominal_seats,
        situation.server_concurrency,
        if plan.nominal_concurrency_shares == 1 {
            "1 share".to_owned()
        } else {
            format!("{} shares", plan.nominal_concurrency_shares)
        },
        range(plan.seats_per_list),
        range(plan.lists_at_once)
    )];
    sizes.push(match plan.queues {
        true => format!(
            "up to {} LISTs of one flow wait for their turn, for 15 s at most; further ones are rejected",
            units::count(plan.waiting.into())
        ),
        false => "nothing waits: what finds no seat is rejected at once, and told to come again".to_owned(),
    });
    let held = draft.held.and_then(|held| held.each.high.map(|high| (held.each.low, high)));
    let held = held.map(|(low, high)| {
        let others = if draft.has_unbounded { ", but some are of unknown size" } else { "" };
        format!("one of these LISTs holds an estimated {} to {}{others}", units::bytes(low), units::bytes(high))
    });
    sizes.push(held.unwrap_or_else(|| {
        "what one of these LISTs holds isn't known within bounds: see --metrics and --resource".to_owned()
    }));
    let others = others(candidate, situation);
    if !others.is_empty() {
        sizes.push(format!("its shares change the others' seats: {}", others.join(", ")));
    }
    sizes
}

/// The levels whose nominal limit changes.
fn others(candidate: &Candidate, situation: &Situation<'_>) -> Vec<String> {
    let after = situation.config.clone().with(&candidate.config());
    let seats = |config: &crate::apf::Config| -> Vec<(String, u32)> {
        let limits = limits(&config.priority_levels, situation.server_concurrency, situation.features);
        config
            .priority_levels
            .iter()
            .map(|level| level.name.clone())
            .zip(limits.iter().map(|limits| limits.nominal))
            .collect()
    };
    let now = seats(&after);
    let changed = seats(situation.config).into_iter().filter_map(|(name, before)| {
        let (_, after) = now.iter().find(|(other, _)| *other == name)?;
        (*after != before).then(|| format!("{name} {before} to {after}"))
    });
    changed.collect()
}
