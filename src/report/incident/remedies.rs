//! What to do now, and what to log next time.

use super::IncidentReport;
use super::reasons::volume_words;
use crate::findings::{Remedy, Role};
use crate::report::findings::remedy as remedy_words;
use crate::report::page::{Card, Code, Part, Table, Tone, Unit};
use crate::report::{ProposeReport, counted, manifest_files, rejection_words, rounded};
use crate::units::{self, Zone};

impl IncidentReport {
    /// At the client first, then with Priority and Fairness.
    pub(super) fn remedies(&self, zone: &Zone) -> Vec<Part> {
        let mut parts = Vec::new();
        let of_culprits = self.incident.suspects.iter().filter(|suspect| suspect.role >= Role::Contributor);
        let mut remedies: Vec<String> = Vec::new();
        for index in of_culprits.flat_map(|suspect| &suspect.findings) {
            let finding = &self.findings[*index];
            for remedy in &finding.remedies {
                let words = match (remedy, finding.culprit.client()) {
                    (Remedy::ClientAdvice { .. }, _) | (_, None) => remedy_words(remedy),
                    (_, Some(client)) => format!("{client}: {}", remedy_words(remedy)),
                };
                if !remedies.contains(&words) {
                    remedies.push(words);
                }
            }
        }
        if !remedies.is_empty() {
            parts.push(Part::Text("At the clients, for a lasting fix:".to_owned()));
            parts.push(Part::Bullets(remedies));
        }
        match &self.candidates {
            None => {}
            Some(proposed) => parts.extend(candidate_parts(proposed, self.memory_limit_bytes.is_some(), zone)),
        }
        if parts.is_empty() {
            parts.push(Part::Text("Nothing in this log calls for action.".to_owned()));
        }
        parts
    }

    pub(super) fn next_time(&self) -> Vec<Part> {
        let volume = &self.policy.volume;
        let columns = [("audit policy", false), ("lines a day", true), ("bytes a day", true)];
        let mut table =
            Table::of("What the policy would write, at the request rate of these logs", "server_activity", &columns);
        let row = |what: &str, lines, bytes| vec![what.to_owned(), units::count(lines), units::bytes(bytes)];
        table.rows = vec![
            row("current policy", volume.lines_per_day_now, volume.bytes_per_day_now),
            row("the policy above", volume.lines_per_day, volume.bytes_per_day),
        ];
        vec![
            Part::Text(
                "With the audit policy below, each LIST that is in flight when an apiserver is killed leaves a line in the log, which is \
                 the strongest evidence there is."
                    .to_owned(),
            ),
            Part::Code(Code {
                caption: "Audit policy for the apiserver's --audit-policy-file".to_owned(),
                language: "yaml",
                text: self.policy.yaml.to_owned(),
                is_short: true,
            }),
            Part::Table(table),
            Part::Text(volume_words(volume)),
        ]
    }
}

/// Candidates in short: what each does and how that was tried; the manifests to copy.
fn candidate_parts(proposed: &ProposeReport, has_limit: bool, zone: &Zone) -> Vec<Part> {
    let mut parts = Vec::new();
    if !proposed.proposals.is_empty() {
        parts.push(Part::Text(format!(
            "With API Priority and Fairness, until the clients are fixed. Each candidate was tried by replaying the logged requests with \
             {}; LISTs had to stay within {} ({}; `apf propose --memory-budget` takes another).",
            counted(proposed.seeds, "seed"),
            units::bytes(proposed.memory_budget_bytes),
            if has_limit { "a quarter of the memory limit" } else { "half of what they held at their peak, 64 MiB at least" }
        )));
    }
    if let Some(doubt) = proposed.doubt_words() {
        parts.push(Part::Text(format!("Doubtful: the baseline replay does not reproduce the log: {doubt}.")));
    }
    let manifests = manifest_files(proposed);
    for (index, proposal) in proposed.proposals.iter().enumerate() {
        let budget = &proposal.budget;
        let size = |bytes: f64| Unit::Bytes.words(bytes);
        let before = proposal.tried.iter().find(|tried| tried.plan.is_none());
        let mut details = vec![
            ("limits".to_owned(), proposal.draft.clients.join(", ")),
            ("in the replay".to_owned(), format!("it {}", zone.in_sentence(&proposal.comparison.sentence()))),
            (
                "LISTs at once".to_owned(),
                format!(
                    "{} → {}, of all clients",
                    rounded(proposal.lists_at_once_before),
                    rounded(proposal.lists_at_once)
                ),
            ),
            ("memory held by LISTs".to_owned(), {
                let after = format!("{} to {}", size(budget.peak_low_bytes), size(budget.peak_high_bytes));
                before.map_or(after.clone(), |before| {
                    format!("{} to {} → {after}", size(before.peak_low_bytes), size(before.peak_high_bytes))
                })
            }),
            ("confidence".to_owned(), proposal.confidence.words(proposed.max_wait_secs)),
        ];
        let others = proposal.draft.matched.iter().filter(|client| !client.is_target);
        let others: Vec<String> =
            others.map(|client| format!("{} ({})", client.client, counted(client.request_count, "request"))).collect();
        details.push((
            "also matches".to_owned(),
            if others.is_empty() { "no other client".to_owned() } else { others.join(", ") },
        ));
        parts.push(Part::Card(Card {
            tone: Tone::Plain,
            title: format!("Candidate {}", proposal.draft.name),
            details,
        }));
        let texts = manifests.iter().skip(2 * index).take(2);
        let texts: Vec<&str> = texts.map(|manifest| manifest.text.trim_end()).collect();
        parts.push(Part::Code(Code {
            caption: format!("Manifests of {}", proposal.draft.name),
            language: "yaml",
            text: texts.join("\n---\n"),
            is_short: false,
        }));
    }
    let rejected: Vec<String> = proposed
        .rejected
        .iter()
        .map(|rejected| format!("{}: {}", rejected.storm_words(), zone.in_sentence(&rejection_words(rejected))))
        .collect();
    if !rejected.is_empty() {
        parts.push(Part::Text("Storms without a candidate:".to_owned()));
        parts.push(Part::Bullets(rejected));
    }
    parts
}
