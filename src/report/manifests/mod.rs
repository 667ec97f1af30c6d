//! The manifests of candidates, as files to apply.

mod comments;
mod objects;
#[cfg(test)]
mod tests;
mod yaml;

use serde::Serialize;

use super::candidate::{joint_limit_words, proposal_evidence};
use super::{Proposal, ProposeReport};
use objects::{flow_schema_yaml, kustomization_yaml, priority_level_yaml};

/// A manifest.
#[derive(Clone, Debug, Serialize)]
pub struct ManifestFile {
    /// The name of its file.
    pub file: String,
    /// The text of its file.
    pub text: String,
}

/// The manifests of all proposals, in their order.
pub fn manifest_files(report: &ProposeReport) -> Vec<ManifestFile> {
    report.proposals.iter().flat_map(|proposal| proposal_files(report, proposal)).collect()
}

/// The priority level and the FlowSchema of a proposal, each with the evidence as comments.
pub(super) fn proposal_files(report: &ProposeReport, proposal: &Proposal) -> [ManifestFile; 2] {
    let mut evidence = Vec::new();
    if let Some(joint) = &report.joint {
        let sentence = joint.comparison.sentence();
        evidence.push(format!("with all candidates of these logs in force, over the whole log: it {sentence}"));
        evidence.push(joint_limit_words(joint));
    }
    evidence.extend(proposal_evidence(proposal, report.max_wait_secs));
    let (name, candidate) = (&proposal.draft.name, &proposal.candidate);
    [
        ManifestFile {
            file: format!("{name}.prioritylevelconfiguration.yaml"),
            text: priority_level_yaml(&candidate.priority_level, &evidence),
        },
        ManifestFile {
            file: format!("{name}.flowschema.yaml"),
            text: flow_schema_yaml(&candidate.flow_schema, &evidence),
        },
    ]
}

/// The `kustomization.yaml` of these manifests.
pub fn kustomization(files: &[ManifestFile]) -> String {
    let names: Vec<String> = files.iter().map(|manifest| manifest.file.clone()).collect();
    kustomization_yaml(&names, &["Candidates against the storms of a log; each file has its evidence.".to_owned()])
}
