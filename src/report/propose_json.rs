//! The JSON of `apf propose`: the report's numbers and codes, with the sentences beside them.

use serde::{Serialize, Serializer};

use super::candidate::{limit_words, proposal_evidence};
use super::findings::{remedy, summary};
use super::manifests::proposal_files;
use super::{
    ConfidenceLevel, Doubt, JointReplay, ManifestFile, Proposal, ProposeReport, RejectedProposal, ReplayNote,
    ServerFacts, SlowClient, TriedSize, rejection_words,
};
use crate::apf::lint::LintFinding;
use crate::candidates::{CandidateRejection, MatchedClient, Plan};
use crate::simulation::{BaselineMismatch, ComparisonRemark, Effect, NoEffect, Regressed};

impl Serialize for ProposeReport {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let proposals = self.proposals.iter().map(|proposal| ProposalJson::new(self, proposal));
        let report = ReportJson {
            schema_version: self.schema_version,
            server: &self.server,
            memory_budget_bytes: self.memory_budget_bytes,
            max_wait_secs: self.max_wait_secs,
            seeds: self.seeds,
            doubt: self.doubt_words(),
            baseline_mismatches: &self.mismatches,
            proposals: proposals.collect(),
            declined: self.rejected.iter().map(RejectedJson::from).collect(),
            together: self.joint.as_ref().map(JointJson::from),
            notes: self.note_sentences(),
            note_codes: &self.notes,
        };
        report.serialize(serializer)
    }
}

#[derive(Serialize)]
struct ReportJson<'r> {
    schema_version: u32,
    server: &'r ServerFacts,
    memory_budget_bytes: u64,
    max_wait_secs: f64,
    seeds: u64,
    doubt: Option<String>,
    baseline_mismatches: &'r [BaselineMismatch],
    proposals: Vec<ProposalJson<'r>>,
    declined: Vec<RejectedJson<'r>>,
    together: Option<JointJson<'r>>,
    notes: Vec<String>,
    note_codes: &'r [ReplayNote],
}

#[derive(Serialize)]
struct ProposalJson<'r> {
    name: &'r str,
    clients: &'r [String],
    storms: Vec<String>,
    plan: Plan,
    matching_precedence: i32,
    caught: &'r [MatchedClient],
    effect: Effect,
    sentence: String,
    remarks: &'r [ComparisonRemark],
    regressed: &'r [Regressed],
    keeps_within_budget: Option<bool>,
    peak_low_bytes: f64,
    peak_high_bytes: f64,
    unbounded_lists: u64,
    tried: &'r [TriedSize],
    lists_at_once_before: f64,
    lists_at_once: f64,
    caught_lists_at_once: f64,
    slow: &'r [SlowClient],
    confidence: String,
    confidence_level: ConfidenceLevel,
    doubts: &'r [Doubt],
    remedies: Vec<String>,
    lint: &'r [LintFinding],
    evidence: Vec<String>,
    manifests: [ManifestFile; 2],
}

impl<'r> ProposalJson<'r> {
    fn new(report: &'r ProposeReport, proposal: &'r Proposal) -> Self {
        let (draft, comparison) = (&proposal.draft, &proposal.comparison.comparison);
        Self {
            name: &draft.name,
            clients: &draft.clients,
            storms: proposal.findings.iter().map(summary).collect(),
            plan: proposal.candidate.plan,
            matching_precedence: draft.matching_precedence,
            caught: &draft.matched,
            effect: comparison.effect,
            sentence: proposal.comparison.sentence(),
            remarks: &comparison.remarks,
            regressed: &comparison.regressed,
            keeps_within_budget: proposal.budget.is_kept,
            peak_low_bytes: proposal.budget.peak_low_bytes,
            peak_high_bytes: proposal.budget.peak_high_bytes,
            unbounded_lists: proposal.budget.unbounded_lists,
            tried: &proposal.tried,
            lists_at_once_before: proposal.lists_at_once_before,
            lists_at_once: proposal.lists_at_once,
            caught_lists_at_once: proposal.matched.lists_at_once,
            slow: &proposal.slow,
            confidence: proposal.confidence.words(report.max_wait_secs),
            confidence_level: proposal.confidence.level,
            doubts: &proposal.confidence.doubts,
            remedies: proposal.remedies(),
            lint: &proposal.lint,
            evidence: proposal_evidence(proposal, report.max_wait_secs),
            manifests: proposal_files(report, proposal),
        }
    }
}

#[derive(Serialize)]
struct RejectedJson<'r> {
    storm: String,
    reason: String,
    rejection: &'r CandidateRejection,
    no_effect: Option<&'r NoEffect>,
    remedies: Vec<String>,
}

impl<'r> From<&'r RejectedProposal> for RejectedJson<'r> {
    fn from(rejected: &'r RejectedProposal) -> Self {
        Self {
            storm: rejected.storm_words(),
            reason: rejection_words(rejected),
            rejection: &rejected.reason,
            no_effect: rejected.best.as_ref().and_then(|best| best.comparison.no_effect.as_ref()),
            remedies: rejected.finding.remedies.iter().map(remedy).collect(),
        }
    }
}

#[derive(Serialize)]
struct JointJson<'r> {
    effect: Effect,
    sentence: String,
    remarks: &'r [ComparisonRemark],
    regressed: &'r [Regressed],
    keeps_within_budget: Option<bool>,
    limit: String,
    peak_high_bytes: f64,
    slow: &'r [SlowClient],
}

impl<'r> From<&'r JointReplay> for JointJson<'r> {
    fn from(joint: &'r JointReplay) -> Self {
        let comparison = &joint.comparison.comparison;
        Self {
            effect: comparison.effect,
            sentence: joint.comparison.sentence(),
            remarks: &comparison.remarks,
            regressed: &comparison.regressed,
            keeps_within_budget: joint.budget.is_kept,
            limit: limit_words(&joint.budget),
            peak_high_bytes: joint.budget.peak_high_bytes,
            slow: &joint.slow,
        }
    }
}
