//! From arguments as typed to the options of an analysis.

use super::{
    CapacityArgs, CompareWith, ExplainArgs, IncidentArgs, LintSeverityName, ProposeArgs, ReplayArgs, ServiceName,
    SeverityName, SimulateArgs, StormsArgs,
};
use crate::analysis::capacity::CapacityOptions;
use crate::analysis::explain::ExplainOptions;
use crate::analysis::incident::IncidentOptions;
use crate::analysis::propose::ProposeOptions;
use crate::analysis::simulate::SimulateOptions;
use crate::analysis::storms::StormOptions;
use crate::analysis::{ReplayMode, ReplayOptions};
use crate::apf::lint::LintSeverity;
use crate::findings::Severity;

impl From<&StormsArgs> for StormOptions {
    fn from(args: &StormsArgs) -> Self {
        Self { at: args.at, top: args.top, min_severity: args.min_severity.into() }
    }
}

impl From<SeverityName> for Severity {
    fn from(name: SeverityName) -> Self {
        match name {
            SeverityName::Info => Self::Info,
            SeverityName::Warning => Self::Warning,
            SeverityName::Critical => Self::Critical,
        }
    }
}

impl From<LintSeverityName> for LintSeverity {
    fn from(name: LintSeverityName) -> Self {
        match name {
            LintSeverityName::Info => Self::Info,
            LintSeverityName::Warning => Self::Warning,
            LintSeverityName::Error => Self::Error,
        }
    }
}

/// The measured memory is in a file, which the command reads.
impl From<&IncidentArgs> for IncidentOptions {
    fn from(args: &IncidentArgs) -> Self {
        Self {
            at: args.at,
            window: args.window,
            memory: None,
            memory_limit: args.memory_limit,
            proposes_candidates: !args.no_candidates,
            includes_system: args.include_system,
        }
    }
}

impl From<&CapacityArgs> for CapacityOptions {
    fn from(args: &CapacityArgs) -> Self {
        Self {
            week: args.week.clone(),
            compares: args.compare == CompareWith::Previous,
            memory_limit: args.memory_limit,
        }
    }
}

impl From<&ExplainArgs> for ExplainOptions {
    fn from(args: &ExplainArgs) -> Self {
        Self { top: (args.top > 0).then_some(args.top) }
    }
}

impl From<&ReplayArgs> for ReplayOptions {
    fn from(args: &ReplayArgs) -> Self {
        let capacity = match args.service {
            ServiceName::Fixed => Some(f64::INFINITY),
            ServiceName::Shared => args.capacity,
        };
        let mode = ReplayMode { capacity, is_closed_loop: args.closed_loop };
        Self { seeds: args.seeds, memory_base: args.memory_base, mode }
    }
}

impl From<&ProposeArgs> for ProposeOptions {
    fn from(args: &ProposeArgs) -> Self {
        Self {
            memory_budget: args.memory_budget,
            max_wait_secs: args.max_wait.as_secs_f64(),
            includes_system: args.include_system,
            replay: (&args.replay).into(),
        }
    }
}

/// The candidates are in files, which the command reads.
impl From<&SimulateArgs> for SimulateOptions {
    fn from(args: &SimulateArgs) -> Self {
        Self {
            candidates: Vec::new(),
            memory_limit: args.memory_limit,
            sweep: args.sweep,
            target_clients: args.target_client.clone(),
            tolerated_wait_secs: args.tolerated_wait.as_secs_f64(),
            replay: (&args.replay).into(),
        }
    }
}
