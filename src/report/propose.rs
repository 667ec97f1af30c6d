//! The report of `apf propose`: candidates, and storms for which there is none.

use std::path::Path;

use serde::Serialize;

use super::candidate::{joint_limit_words, proposal_evidence, rejection_words};
use super::comparison::{byte_words, secs};
use super::{Block, ReplayNote, ServerFacts, between, bullets, mismatch_words, or_dash, rounded, section, table};
use crate::apf::lint::LintFinding;
use crate::candidates::{Candidate, CandidateRejection, Draft, Plan, SeatChange};
use crate::findings::Finding;
use crate::simulation::{BaselineMismatch, Comparison};
use crate::units::{self, legible};

/// What `apf propose` found.
#[derive(Clone, Debug)]
pub struct ProposeReport {
    /// [`SCHEMA_VERSION`](super::SCHEMA_VERSION).
    pub schema_version: u32,
    /// What the server was taken to be.
    pub server: ServerFacts,
    /// The memory that LISTs may hold at once, in bytes.
    pub memory_budget_bytes: u64,
    /// How long clients without a storm may wait because of a candidate, in seconds.
    pub max_wait_secs: f64,
    /// How often each candidate was replayed.
    pub seeds: u64,
    /// What the baseline replays do not reproduce, of each apiserver where there is such a thing.
    pub mismatches: Vec<BaselineMismatch>,
    /// The candidates, the worst storm's first.
    pub proposals: Vec<Proposal>,
    /// Storms without a candidate.
    pub rejected: Vec<RejectedProposal>,
    /// All candidates at once, over the whole log; `None` without any.
    pub joint: Option<JointReplay>,
    /// What to know of these numbers.
    pub notes: Vec<ReplayNote>,
}

/// A candidate that helps.
#[derive(Clone, Debug)]
pub struct Proposal {
    /// Which requests it selects.
    pub draft: Draft,
    /// The findings that it is for, the worst first.
    pub findings: Vec<Finding>,
    /// Its objects.
    pub candidate: Candidate,
    /// The seats of one apiserver.
    pub server_concurrency: u32,
    /// Other priority levels whose nominal limit it changes.
    pub seat_changes: Vec<SeatChange>,
    /// The time that was replayed, from and to, in microseconds since 1970.
    pub replayed_micros: (i64, i64),
    /// How often it was replayed.
    pub seeds: u64,
    /// The candidate beside the current configuration.
    pub comparison: ServerComparison,
    /// The requests that it matches, in the replay.
    pub matched: MatchedReplay,
    /// The memory of all LISTs against the budget.
    pub budget: BudgetCheck,
    /// The storm without the candidate, and the sizes that were tried.
    pub tried: Vec<TriedSize>,
    /// LISTs of all clients that ran at once before.
    pub lists_at_once_before: f64,
    /// LISTs of all clients that run at once with it.
    pub lists_at_once: f64,
    /// Clients without a storm that wait longer than they may.
    pub slow: Vec<SlowClient>,
    /// How far it can be trusted.
    pub confidence: Confidence,
    /// Lint findings of its objects.
    pub lint: Vec<LintFinding>,
}

/// A comparison on one apiserver.
#[derive(Clone, Debug, PartialEq)]
pub struct ServerComparison {
    /// The apiserver with most matched LISTs; `None` where there is only one.
    pub apiserver: Option<String>,
    /// The comparison there. Clients that are worse off on other apiservers are added.
    pub comparison: Comparison,
}

/// The requests that a candidate matches, in its replay: the median over all seeds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MatchedReplay {
    /// Requests.
    pub request_count: u64,
    /// Requests that are rejected.
    pub rejected: f64,
    /// The 99th percentile of the waits of those that wait, in seconds.
    pub wait_p99_secs: f64,
    /// LISTs that run at once on one apiserver.
    pub lists_at_once: f64,
}

/// The memory that LISTs of all clients held at the peak, against the budget.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BudgetCheck {
    /// The highest lower bound over all seeds, in bytes.
    pub peak_low_bytes: f64,
    /// The highest upper bound of LISTs of known size, in bytes.
    pub peak_high_bytes: f64,
    /// The budget, with the memory that the server holds without LISTs, in bytes.
    pub budget_bytes: f64,
    /// Whether the upper bound stayed within the budget; `None` where no size of a matched LIST is known.
    pub is_kept: Option<bool>,
    /// LISTs of all clients without an upper bound.
    pub unbounded_lists: u64,
}

/// How far a candidate can be trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confidence {
    /// In one word.
    pub level: ConfidenceLevel,
    /// Why it isn't higher.
    pub doubts: Vec<Doubt>,
}

/// How far a candidate can be trusted, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConfidenceLevel {
    /// Nothing speaks against it.
    High,
    /// A few things are uncertain.
    Medium,
    /// Many things are uncertain, or it rejects most of what it matches.
    Low,
}

/// Why a candidate can't be trusted further.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Doubt {
    /// It matches requests that a cluster depends on.
    MatchesVitalTraffic,
    /// LISTs may hold more than the budget.
    MayExceedBudget,
    /// The size of its LISTs is unknown.
    UnknownSizes,
    /// The size of some of its LISTs is unknown.
    SomeUnknownSizes,
    /// The size of some LISTs of other clients is unknown.
    OthersUnknownSizes,
    /// All LISTs together hold more with it.
    HoldsMore,
    /// It matches other clients too.
    MatchesOthers,
    /// Most of what it matches is rejected.
    MostlyRejected,
    /// More than a tenth of what it matches is rejected.
    OftenRejected,
    /// Some of what it matches waits longer than clients without a storm may.
    LongWaits,
    /// The seats of its LISTs are a range.
    UncertainSeats,
    /// The server's configuration was not given.
    DefaultConfiguration,
    /// The server's version is unknown.
    UnknownVersion,
    /// A server restarted, and the log lacks the LISTs that ran at that moment.
    UnloggedRestart,
    /// The baseline replay does not reproduce the log.
    BaselineMismatch,
}

/// A storm without a candidate.
#[derive(Clone, Debug, PartialEq)]
pub struct RejectedProposal {
    /// The storm.
    pub finding: Finding,
    /// Why there is no candidate.
    pub reason: CandidateRejection,
    /// What the best size of a limit would have changed; `None` unless sizes were replayed.
    pub best: Option<Box<ServerComparison>>,
}

/// A size of a candidate's priority level.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TriedSize {
    /// The numbers behind the size; `None` for the storm without a candidate.
    pub plan: Option<Plan>,
    /// The highest lower bound of the memory that LISTs of all clients held, in bytes.
    pub peak_low_bytes: f64,
    /// The highest upper bound, in bytes.
    pub peak_high_bytes: f64,
    /// Matched requests that are rejected; `None` for the storm without a candidate.
    pub caught_rejected: Option<f64>,
    /// The 99th percentile of the waits of matched requests, in seconds; `None` for the storm without a candidate.
    pub caught_wait_p99_secs: Option<f64>,
    /// Clients without a storm that wait longer than they may.
    pub slow: usize,
    /// Clients that are worse off and aren't targets.
    pub regressed: Vec<String>,
    /// Whether it is the size that is proposed.
    pub is_chosen: bool,
}

/// A client without a storm that a candidate lets wait too long.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SlowClient {
    /// Its name.
    pub client: String,
    /// The longest wait of its requests before, in seconds.
    pub wait_max_before_secs: f64,
    /// The longest wait with the candidate, in seconds.
    pub wait_max_secs: f64,
}

/// All candidates at once, over the whole log.
#[derive(Clone, Debug)]
pub struct JointReplay {
    /// The candidates beside the current configuration.
    pub comparison: ServerComparison,
    /// The memory of all LISTs against the budget.
    pub budget: BudgetCheck,
    /// Clients without a storm that wait longer than they may.
    pub slow: Vec<SlowClient>,
}

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
            let remedy = rejected.finding.remedies.first();
            let remedy = remedy.map(|remedy| format!("\n    instead: {}", legible(remedy)));
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
