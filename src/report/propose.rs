//! The report of `apf propose`: candidates, and storms for which there is none.

use std::path::Path;

use super::{Block, between, bullets, or_dash, rounded, section, table};
use crate::analysis::propose::{Proposal, ProposeReport, SlowClient, Together};
use crate::candidates::Plan;
use crate::units::{self, legible};

/// Whether the server's LISTs stay within the budget, in a sentence; `keeps` is `None` where that can't be told, and
/// `unbounded` is how many LISTs aren't counted.
pub fn limit_words((low, high): (f64, f64), budget_bytes: f64, keeps: Option<bool>, unbounded: u64) -> String {
    let but = match unbounded {
        0 => String::new(),
        count => format!(", without {} of unknown size (see --metrics and --resource)", units::count(count)),
    };
    let held = format!("all LISTs together{but} hold {} to {} at the peak, whatever the seed", size(low), size(high));
    let budget = size(budget_bytes);
    match keeps {
        None => {
            "whether it keeps LISTs within the budget can't be told, as the size of those that it catches isn't known"
                .to_owned()
        }
        Some(true) => format!("{held}, within the budget of {budget}"),
        Some(false) if f64::midpoint(low, high) <= budget_bytes => {
            format!("{held}: the middle of that is within the budget of {budget}, its upper end is not")
        }
        Some(false) => format!("{held}, more than the budget of {budget}"),
    }
}

impl ProposeReport {
    /// The report for a terminal; `out` is where the manifests were written.
    pub fn blocks(&self, out: Option<&Path>) -> Vec<Block> {
        let mut blocks = vec![
            Block::Line(self.server.line()),
            Block::Line(format!(
                "LISTs may hold {}, and nobody without a storm may wait for more than {} s because of a candidate; seeds: {}.",
                units::bytes(self.memory_budget_bytes),
                rounded(self.max_wait_secs),
                self.seeds
            )),
        ];
        if let Some(doubt) = &self.doubt {
            blocks.push(Block::Line(format!(
                "\nDoubtful: the replay of the server as it is isn't what happened: {doubt}. Its version, configuration or sizes \
                 aren't those of the server, or the log lacks requests."
            )));
        }
        if self.proposals.is_empty() {
            let why = if self.declined.is_empty() { ": no storm at warning or above is in the log" } else { "" };
            blocks.push(Block::Line(format!("\nNo candidate{why}.")));
        }
        blocks.extend(self.proposals.iter().flat_map(proposal));
        if let Some(together) = &self.together {
            let heading = match self.proposals.len() {
                1 => "Over all of the log",
                _ => "All candidates at once, over all of the log",
            };
            blocks.extend(section(heading, Block::Line(together_words(together))));
        }
        if !self.declined.is_empty() {
            blocks.extend(section("Storms without a candidate", self.declined_words()));
        }
        if let Some(out) = out {
            let written = if self.proposals.is_empty() { "nothing is written to" } else { "written to" };
            blocks.push(Block::Line(format!("\n{written} {}", out.display())));
        }
        blocks.extend(section("What to know of these candidates", bullets(&self.notes)));
        blocks
    }

    fn declined_words(&self) -> Block {
        let words = self.declined.iter().map(|declined| {
            let remedy = declined.remedies.first().map(|remedy| format!("\n    instead: {}", legible(remedy)));
            format!("  - {}: {}{}", declined.storm, legible(&declined.reason), remedy.unwrap_or_default())
        });
        Block::Line(words.collect::<Vec<_>>().join("\n"))
    }
}

fn proposal(proposal: &Proposal) -> Vec<Block> {
    let mut blocks = section(&proposal.name, bullets(&proposal.evidence)).to_vec();
    let columns = [
        ("", false),
        ("LISTs at once", true),
        ("seats", true),
        ("held at the peak", true),
        ("caught: rejected", true),
        ("wait p99 s", true),
        ("others too slow", true),
        ("hurts", false),
    ];
    let rows = proposal.tried.iter().map(|tried| {
        let of_plan = |of: &dyn Fn(&Plan) -> String| or_dash(tried.plan.as_ref().map(of));
        vec![
            match tried.plan {
                None => "as it is".to_owned(),
                Some(_) if tried.is_chosen => "→".to_owned(),
                Some(_) => String::new(),
            },
            of_plan(&|plan| between(plan.lists_at_once.0.into(), plan.lists_at_once.1.into())),
            of_plan(&|plan| format!("{}{}", plan.nominal_seats, if plan.queues { "" } else { ", rejecting" })),
            format!("{}–{}", size(tried.peak_low_bytes), size(tried.peak_high_bytes)),
            or_dash(tried.caught_rejected.map(rounded)),
            or_dash(tried.caught_wait_p99_secs.map(rounded)),
            of_plan(&|_| units::count(tried.slow as u64)),
            or_dash(Some(tried.hurt.join(", ")).filter(|names| !names.is_empty()).map(|names| legible(&names))),
        ]
    });
    blocks.push(Block::Line("  sizes that were tried:".to_owned()));
    blocks.push(table(&columns, rows.collect()));
    let mut more = Vec::new();
    if !proposal.slow.is_empty() {
        more.push(format!("waits too long: {}", slow_words(&proposal.slow)));
    }
    more.extend(proposal.remedies.iter().map(|remedy| format!("at the client: {remedy}")));
    more.extend(proposal.lint.iter().map(|finding| format!("lint: {}: {}", finding.rule, finding.message)));
    if !more.is_empty() {
        blocks.push(bullets(&more));
    }
    blocks
}

fn slow_words(slow: &[SlowClient]) -> String {
    let words = slow.iter().map(|slow| {
        format!(
            "{} {} s (before {} s)",
            legible(&slow.client),
            rounded(slow.wait_max_secs),
            rounded(slow.wait_max_before_secs)
        )
    });
    words.collect::<Vec<_>>().join(", ")
}

fn together_words(together: &Together) -> String {
    let mut words = format!("  {}\n  {}", legible(&together.sentence), together.limit);
    if !together.slow.is_empty() {
        words = format!("{words}\n  waits too long: {}", slow_words(&together.slow));
    }
    words
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bytes that were whole numbers")]
fn size(value: f64) -> String {
    units::bytes(value.round() as u64)
}
