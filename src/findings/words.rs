//! A finding in words, handed in by `report` to the stages that still write sentences of their own.

use super::Finding;
use crate::units::legible;

/// A finding in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FindingWords {
    /// What happened, in a sentence without its end.
    pub summary: String,
    /// What makes it as severe as it is.
    pub severity_reason: String,
    /// What the log leaves open about it.
    pub unknowns: Vec<String>,
    /// What to do at the client, what helps most first.
    pub remedies: Vec<String>,
}

/// How a finding is worded.
pub type WordFinding = fn(&Finding) -> FindingWords;

impl FindingWords {
    /// What to do first at a client that is part of it; `None` where nothing is to be done.
    pub(super) fn first_step(&self, client: &str) -> Option<String> {
        let remedy = self.remedies.first()?;
        let is_named = remedy.starts_with(client);
        Some(if is_named { remedy.clone() } else { format!("{}: {remedy}", legible(client)) })
    }
}
