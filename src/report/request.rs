//! The report of `apf explain` on one hypothetical request: how the server comes to its FlowSchema.

use serde::Serialize;

use super::{Block, bullets, section, table};

/// All there is to say.
#[derive(Clone, Debug, Serialize)]
pub struct RequestReport {
    /// [`SCHEMA_VERSION`](super::SCHEMA_VERSION).
    pub schema_version: u32,
    /// The user.
    pub user: String,
    /// The user's groups.
    pub groups: Vec<String>,
    /// The request in words, as the server reads it.
    pub request: String,
    /// The FlowSchemas that were asked, in order.
    pub steps: Vec<RequestStep>,
    /// The FlowSchema that has the request.
    pub flow_schema: String,
    /// Its priority level.
    pub priority_level: String,
    /// What tells its flow from others; `None` where nothing does.
    pub flow_distinguisher: Option<String>,
    /// Whether such a request passes by API Priority and Fairness.
    pub is_outside: bool,
    /// What comes of it, in sentences.
    pub outcome: Vec<String>,
}

/// One FlowSchema that was asked.
#[derive(Clone, Debug, Serialize)]
pub struct RequestStep {
    /// Its precedence.
    pub matching_precedence: i32,
    /// Its name.
    pub flow_schema: String,
    /// Whether it matches.
    pub is_match: bool,
    /// Why, or why not.
    pub reason: String,
}

impl RequestReport {
    /// The report for a terminal.
    pub fn blocks(&self) -> Vec<Block> {
        let mut blocks = vec![
            Block::Line(format!("{} of user {}", self.request, self.user)),
            Block::Line(format!("groups: {}", self.groups.join(", "))),
        ];
        let row = |step: &RequestStep| {
            vec![
                step.matching_precedence.to_string(),
                step.flow_schema.clone(),
                if step.is_match { "matches" } else { "passed over" }.to_owned(),
                step.reason.clone(),
            ]
        };
        let columns = [("precedence", true), ("FlowSchema", false), ("", false), ("why", false)];
        blocks.extend(section("FlowSchemas in order", table(&columns, self.steps.iter().map(row).collect())));
        blocks.extend(section("What comes of it", bullets(&self.outcome)));
        blocks
    }
}
