//! The report of `apf propose`: candidates, and storms for which there is none.

use std::path::Path;

use super::candidate::{joint_limit_words, proposal_evidence, rejection_words};
use super::comparison::{byte_words, secs};
use super::findings::remedy;
use super::{
    Block, JointReplay, Proposal, ProposeReport, ReplayNote, SlowClient, between, bullets, mismatch_words, or_dash,
    rounded, section, table,
};
use crate::candidates::Plan;
use crate::units::{self, legible};

impl ProposeReport {
    /// The report for a terminal; `out` is where the manifests were written.
    pub fn blocks(&self, out: Option<&Path>) -> Vec<Block> {
        let mut blocks = vec![
            Block::Line(self.server.line()),
            Block::Line(format!(
                "Memory budget for LISTs: {}; clients without a storm may wait up to {} because of a candidate; seeds: {}.",
                units::bytes(self.memory_budget_bytes),
                secs(self.max_wait_secs),
                self.seeds
            )),
        ];
        if let Some(doubt) = self.doubt_words() {
            blocks.push(Block::Line(format!(
                "\nDoubtful: the baseline replay does not reproduce the log: {doubt}. The server has another version, \
                 configuration or object sizes, or the log lacks requests."
            )));
        }
        if self.proposals.is_empty() {
            let why = if self.rejected.is_empty() { ": the log has no storm of severity warning or above" } else { "" };
            blocks.push(Block::Line(format!("\nNo candidate{why}.")));
        }
        blocks.extend(self.proposals.iter().flat_map(proposal_blocks));
        if let Some(joint) = &self.joint {
            let heading = match self.proposals.len() {
                1 => "Over the whole log",
                _ => "All candidates at once, over the whole log",
            };
            blocks.extend(section(heading, Block::Line(joint_words(joint))));
        }
        if !self.rejected.is_empty() {
            blocks.extend(section("Storms without a candidate", self.rejected_words()));
        }
        if let Some(out) = out {
            let written = if self.proposals.is_empty() { "nothing written to" } else { "written to" };
            blocks.push(Block::Line(format!("\n{written} {}", out.display())));
        }
        blocks.extend(section("About these candidates", bullets(&self.note_sentences())));
        blocks
    }

    /// What the baseline replays do not reproduce; `None` where they reproduce the log.
    pub fn doubt_words(&self) -> Option<String> {
        let words: Vec<String> = self.mismatches.iter().map(mismatch_words).collect();
        (!words.is_empty()).then(|| words.join("; "))
    }

    pub(super) fn note_sentences(&self) -> Vec<String> {
        self.notes.iter().map(ReplayNote::sentence).collect()
    }

    fn rejected_words(&self) -> Block {
        let words = self.rejected.iter().map(|rejected| {
            let instead = rejected.finding.remedies.first().map(remedy);
            let remedy = instead.map(|remedy| format!("\n    instead: {}", legible(&remedy)));
            let (storm, reason) = (legible(&rejected.storm_words()), legible(&rejection_words(rejected)));
            format!("  - {storm}: {reason}{}", remedy.unwrap_or_default())
        });
        Block::Line(words.collect::<Vec<_>>().join("\n"))
    }
}

fn proposal_blocks(proposal: &Proposal) -> Vec<Block> {
    let mut blocks = section(&proposal.draft.name, bullets(&proposal_evidence(proposal))).to_vec();
    let columns = [
        ("", false),
        ("LISTs at once", true),
        ("seats", true),
        ("peak memory", true),
        ("matched: rejected", true),
        ("p99 wait (s)", true),
        ("others too slow", true),
        ("worse off", false),
    ];
    let rows = proposal.tried.iter().map(|tried| {
        let of_plan = |of: &dyn Fn(&Plan) -> String| or_dash(tried.plan.as_ref().map(of));
        vec![
            match tried.plan {
                None => "today".to_owned(),
                Some(_) if tried.is_chosen => "→".to_owned(),
                Some(_) => String::new(),
            },
            of_plan(&|plan| between(plan.lists_at_once.0.into(), plan.lists_at_once.1.into())),
            of_plan(&|plan| format!("{}{}", plan.nominal_seats, if plan.queues { "" } else { ", rejecting" })),
            format!("{}–{}", byte_words(tried.peak_low_bytes), byte_words(tried.peak_high_bytes)),
            or_dash(tried.caught_rejected.map(rounded)),
            or_dash(tried.caught_wait_p99_secs.map(rounded)),
            of_plan(&|_| units::count(tried.slow as u64)),
            or_dash(Some(tried.regressed.join(", ")).filter(|names| !names.is_empty()).map(|names| legible(&names))),
        ]
    });
    blocks.push(Block::Line("  Sizes that were tried:".to_owned()));
    blocks.push(table(&columns, rows.collect()));
    let mut more = Vec::new();
    if !proposal.slow.is_empty() {
        more.push(format!("waits too long: {}", slow_words(&proposal.slow)));
    }
    more.extend(proposal.remedies().iter().map(|remedy| format!("at the client: {remedy}")));
    more.extend(proposal.lint.iter().map(|finding| format!("lint: {}: {}", finding.rule, finding.message)));
    if !more.is_empty() {
        blocks.push(bullets(&more));
    }
    blocks
}

fn slow_words(slow: &[SlowClient]) -> String {
    let words = slow.iter().map(|slow| {
        let (now, before) = (secs(slow.wait_max_secs), secs(slow.wait_max_before_secs));
        format!("{} {now}, was {before}", legible(&slow.client))
    });
    words.collect::<Vec<_>>().join(", ")
}

fn joint_words(joint: &JointReplay) -> String {
    let mut words = format!("  {}\n  {}", legible(&joint.comparison.sentence()), joint_limit_words(joint));
    if !joint.slow.is_empty() {
        words = format!("{words}\n  waits too long: {}", slow_words(&joint.slow));
    }
    words
}
