//! The report of `apf propose`: candidates, and storms for which there is none.

use super::candidate::{joint_limit_words, proposal_evidence, rejection_words};
use super::comparison::{byte_words, secs};
use super::findings::remedy;
use super::manifests::proposal_files;
use super::page::{Card, Code, Item, Page, Part, Section, Table, Tone};
use super::{
    JointReplay, Proposal, ProposeReport, RejectedProposal, ReplayNote, SlowClient, between, bullets_section, counted,
    mismatch_words, or_dash, rounded,
};
use crate::candidates::Plan;
use crate::units::{self, Zone};

impl ProposeReport {
    /// The report as a page.
    pub fn page(&self, zone: &Zone) -> Page {
        let about = vec![
            self.server.line(),
            format!(
                "Memory budget for LISTs: {}; a candidate may delay clients without a storm by up to {}; each replay runs with {}.",
                units::bytes(self.memory_budget_bytes),
                secs(self.max_wait_secs),
                counted(self.seeds, "seed")
            ),
        ];
        let mut sections = Vec::new();
        sections.extend(self.doubt_words().map(|doubt| Section::of("", vec![Part::Card(doubt_card(&doubt))])));
        if self.proposals.is_empty() {
            let why = if self.rejected.is_empty() { ": the log has no storm of severity warning or above" } else { "" };
            sections.push(Section::of("", vec![Part::Text(format!("No candidate{why}."))]));
        }
        sections.extend(self.proposals.iter().map(|proposal| self.proposal_section(proposal, zone)));
        if let Some(joint) = &self.joint {
            let heading = match self.proposals.len() {
                1 => "Over the whole log",
                _ => "All candidates at once, over the whole log",
            };
            sections.push(bullets_section(heading, &joint_sentences(joint)));
        }
        if !self.rejected.is_empty() {
            let items = self.rejected.iter().map(rejected_item).collect();
            sections.push(Section::of("Storms without a candidate", vec![Part::Items(items)]));
        }
        sections.push(bullets_section("About these candidates", &self.note_sentences()));
        Page::of("Priority and Fairness: candidates", about, sections)
    }

    /// What the baseline replays do not reproduce; `None` where they reproduce the log.
    pub fn doubt_words(&self) -> Option<String> {
        let words: Vec<String> = self.mismatches.iter().map(mismatch_words).collect();
        (!words.is_empty()).then(|| words.join("; "))
    }

    pub(super) fn note_sentences(&self) -> Vec<String> {
        self.notes.iter().map(ReplayNote::sentence).collect()
    }

    fn proposal_section(&self, proposal: &Proposal, zone: &Zone) -> Section {
        let evidence =
            proposal_evidence(proposal, self.max_wait_secs).iter().map(|sentence| zone.in_sentence(sentence)).collect();
        let mut more = Vec::new();
        if !proposal.slow.is_empty() {
            more.push(format!("delayed too long: {}", slow_words(&proposal.slow)));
        }
        more.extend(proposal.remedies().iter().map(|remedy| format!("at the client: {remedy}")));
        more.extend(proposal.lint.iter().map(|finding| format!("lint: {}: {}", finding.rule, finding.message)));
        let mut parts = vec![Part::Bullets(evidence), Part::Table(sizes_table(proposal))];
        if !more.is_empty() {
            parts.push(Part::Bullets(more));
        }
        parts.extend(proposal_files(self, proposal).map(|manifest| {
            Part::Code(Code { caption: manifest.file, language: "yaml", text: manifest.text, is_short: false })
        }));
        Section::of(&proposal.draft.name, parts)
    }
}

fn doubt_card(doubt: &str) -> Card {
    let sentence = format!(
        "the baseline replay does not reproduce the log: {doubt}. The server probably has another version, other \
         configuration or other object sizes than assumed, or the log lacks requests."
    );
    Card::of_sentence(Tone::Warning, "Doubtful", sentence)
}

fn rejected_item(rejected: &RejectedProposal) -> Item {
    let instead = rejected.finding.remedies.first().map(|first| format!("instead: {}", remedy(first)));
    Item::of(rejected.storm_words(), rejection_words(rejected), instead.unwrap_or_default())
}

fn sizes_table(proposal: &Proposal) -> Table {
    let columns = [
        ("", false),
        ("LISTs at once", true),
        ("seats", true),
        ("seats per LIST", true),
        ("when full", false),
        ("peak memory", true),
        ("matched requests rejected", true),
        ("their p99 wait (s)", true),
        ("clients delayed too long", true),
        ("clients worse off", false),
    ];
    let rows = proposal.tried.iter().map(|tried| {
        let of_plan = |of: &dyn Fn(&Plan) -> String| or_dash(tried.plan.as_ref().map(of));
        vec![
            match tried.plan {
                None => "today".to_owned(),
                Some(_) if tried.is_chosen => "chosen".to_owned(),
                Some(_) => String::new(),
            },
            of_plan(&|plan| between(plan.lists_at_once.0.into(), plan.lists_at_once.1.into())),
            of_plan(&|plan| plan.nominal_seats.to_string()),
            of_plan(&|plan| between(plan.seats_per_list.0.into(), plan.seats_per_list.1.into())),
            of_plan(&|plan| if plan.queues { "queues" } else { "rejects" }.to_owned()),
            format!("{}–{}", byte_words(tried.peak_low_bytes), byte_words(tried.peak_high_bytes)),
            or_dash(tried.caught_rejected.map(rounded)),
            or_dash(tried.caught_wait_p99_secs.map(rounded)),
            of_plan(&|_| units::count(tried.slow as u64)),
            or_dash(Some(tried.regressed.join(", ")).filter(|names| !names.is_empty())),
        ]
    });
    Table { rows: rows.collect(), ..Table::of("Sizes that were tried, with what the replay shows", "", &columns) }
}

fn slow_words(slow: &[SlowClient]) -> String {
    let words = slow.iter().map(|slow| {
        let (now, before) = (secs(slow.wait_max_secs), secs(slow.wait_max_before_secs));
        format!("{} waits up to {now}, before {before}", slow.client)
    });
    words.collect::<Vec<_>>().join(", ")
}

fn joint_sentences(joint: &JointReplay) -> Vec<String> {
    let mut sentences = vec![joint.comparison.sentence(), joint_limit_words(joint)];
    if !joint.slow.is_empty() {
        sentences.push(format!("delayed too long: {}", slow_words(&joint.slow)));
    }
    sentences
}
