//! Running replays: each configuration under each seed, and what a candidate matches.

mod note;
mod traffic;

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::{AnalysisError, Interrupt};
use crate::apf::lint::{LintFinding, LintInput, Traffic, lint};
use crate::apf::{Config, compute_limits};
use crate::dimensions::{Dimensions, Settings};
use crate::simulation::{
    CandidateMatch, MatchFailure, ReplayAssumptions, ReplayOutcome, ReplaySummary, Scenario, ServerMemory,
    reconstruct_logged, replay, summarize_outcome, summarize_replay,
};

pub use note::ReplayNote;
pub(super) use traffic::{RecordedServer, RecordedTraffic};

/// How requests are replayed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ReplayOptions {
    /// How often, each time with another draw of what the log can't tell.
    pub seeds: u64,
    /// What the server holds without LISTs, in bytes; `None` if that isn't known.
    pub memory_base: Option<u64>,
    /// How LISTs take their time, and clients theirs.
    pub mode: ReplayMode,
}

impl Default for ReplayOptions {
    fn default() -> Self {
        Self { seeds: 8, memory_base: None, mode: ReplayMode::default() }
    }
}

/// How LISTs take their time in a replay, and clients theirs.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ReplayMode {
    /// How many LISTs run side by side at full speed: infinitely many if each takes as long as in the log; `None` to
    /// estimate it from the log.
    pub capacity: Option<f64>,
    /// Whether clients wait for the end of a request before they send the next, and retry what was rejected.
    pub is_closed_loop: bool,
}

/// A change to replay requests under.
#[derive(Clone, Debug)]
pub struct Change {
    /// What it is called.
    pub name: String,
    /// Its objects.
    pub config: Config,
}

impl Change {
    /// # Errors
    /// When a FlowSchema leads to a priority level that is neither in the change nor on the server.
    pub(super) fn check(&self, live: &Config) -> Result<(), AnalysisError> {
        let exists = |level: &str| [live, &self.config].iter().any(|config| config.priority_level(level).is_some());
        let missing = self.config.flow_schemas.iter().find(|schema| !exists(&schema.priority_level));
        let Some(schema) = missing else { return Ok(()) };
        Err(AnalysisError::MissingPriorityLevel {
            change: self.name.clone(),
            flow_schema: schema.name.clone(),
            priority_level: schema.priority_level.clone(),
        })
    }
}

/// The server's configuration with a change, ready to be replayed.
pub(super) fn scenario_with(
    change: Option<&Config>,
    recorded: &RecordedTraffic,
    dimensions: &Dimensions,
    settings: &Settings,
) -> Scenario {
    let live = recorded.flows.config.clone();
    let config = match change {
        Some(change) => live.with(change),
        None => live,
    };
    let limits = compute_limits(&config.priority_levels, settings.apf.server_concurrency, &recorded.flows.features);
    let classifier = recorded.flows.classifier(&config, &limits, &dimensions.known_sizes);
    recorded.scenario(&config, &limits, &classifier)
}

/// Replays each scenario under all seeds.
pub(super) fn summarize_replays(
    server: &RecordedServer,
    scenarios: &[&Scenario],
    (seeds, memory): (u64, ServerMemory),
    clients: &[(String, String)],
    interrupt: &Interrupt,
) -> Result<Vec<ReplaySummary>, AnalysisError> {
    let draws: Vec<ReplayAssumptions> =
        (0..seeds).map(|seed| ReplayAssumptions::draw(seed, &server.capacity)).collect();
    let works: Vec<Vec<u64>> =
        draws.par_iter().map(|assumptions| server.lists.estimate_works(assumptions.capacity)).collect();
    let runs: Vec<(usize, usize)> =
        (0..scenarios.len()).flat_map(|scenario| (0..draws.len()).map(move |draw| (scenario, draw))).collect();
    let outcomes = runs.par_iter().map(|(scenario, draw)| {
        interrupt.check()?;
        let scenario = scenarios[*scenario];
        let run = replay(&server.traffic, &works[*draw], scenario, &draws[*draw], memory);
        Ok(summarize_outcome(&server.traffic, scenario, &run))
    });
    let outcomes: Vec<ReplayOutcome> = outcomes.collect::<Result<_, AnalysisError>>()?;
    let of_scenario = scenarios.iter().zip(outcomes.chunks(draws.len()));
    Ok(of_scenario.map(|(scenario, runs)| summarize_replay(runs, scenario, clients)).collect())
}

/// Summarizes what the log itself says of an apiserver's requests; and when its LISTs may have been above the
/// memory limit, in nanoseconds: from, to.
pub(super) fn summarize_log(
    server: &RecordedServer,
    scenario: &Scenario,
    memory: ServerMemory,
    clients: &[(String, String)],
) -> (ReplaySummary, Vec<(u64, u64)>) {
    let readings = reconstruct_logged(&server.traffic, &server.times, scenario, memory);
    let outcomes = readings.each_ref().map(|reading| summarize_outcome(&server.traffic, scenario, reading));
    let [_, all] = readings;
    (summarize_replay(&outcomes, scenario, clients), all.above_ns)
}

/// The clients' types and names, for reports.
pub(super) fn client_names(recorded: &RecordedTraffic) -> Vec<(String, String)> {
    recorded.clients.iter().map(|(client_type, client)| (client_type.name().to_owned(), client.clone())).collect()
}

/// The FlowSchemas that a change has, or whose priority level it changes.
pub(super) fn matched_schemas(change: &Config, live: &Config) -> Vec<String> {
    let is_changed = |level: &str| change.priority_level(level).is_some();
    let own = change.flow_schemas.iter().map(|schema| schema.name.clone());
    let others = live
        .flow_schemas
        .iter()
        .filter(|schema| change.flow_schema(&schema.name).is_none() && is_changed(&schema.priority_level));
    own.chain(others.map(|schema| schema.name.clone())).collect()
}

/// The requests of one apiserver that a change matches.
pub(super) fn match_candidate(
    change: &Config,
    scenario: &Scenario,
    server: &RecordedServer,
    recorded: &RecordedTraffic,
    settings: &Settings,
) -> CandidateMatch {
    let schemas = matched_schemas(change, &recorded.flows.config);
    let is_matched: Vec<bool> = scenario.flow_schemas.iter().map(|name| schemas.contains(name)).collect();
    let clients = client_names(recorded);
    let level_of = |name: &String| {
        let schema = change.flow_schema(name).or_else(|| recorded.flows.config.flow_schema(name))?;
        Some(schema.priority_level.clone())
    };
    let mut matched = CandidateMatch {
        priority_levels: schemas.iter().filter_map(level_of).collect(),
        flow_schemas: schemas,
        ..CandidateMatch::default()
    };
    for request in &server.traffic.requests {
        let kind = &scenario.kinds[request.kind as usize];
        if kind.level.is_none() || !is_matched[kind.flow_schema as usize] {
            continue;
        }
        matched.request_count += 1;
        if request.list.is_some() {
            matched.list_count += 1;
            let client = clients.get(request.client as usize).map(|(_, client)| client.clone()).unwrap_or_default();
            *matched.lists_by_client.entry(client).or_default() += 1;
        }
    }
    if matched.list_count == 0 {
        matched.reasons = find_match_failures(change, recorded, settings);
    }
    matched
}

/// Why a change matches no LIST, as far as lint can tell.
fn find_match_failures(change: &Config, recorded: &RecordedTraffic, settings: &Settings) -> Vec<MatchFailure> {
    let flows = &recorded.flows;
    let mut counts: BTreeMap<u32, u64> = BTreeMap::new();
    for request in recorded.servers.iter().flat_map(|server| &server.traffic.requests) {
        *counts.entry(request.kind).or_default() += 1;
    }
    let seats = |row: &crate::tables::FlowRow| {
        let whole = |seats: i64| u32::try_from(seats).unwrap_or(u32::MAX);
        (whole(row.low_seats), whole(row.high_seats))
    };
    let traffic: Vec<Traffic> = (0..)
        .zip(flows.digests.iter().zip(&flows.rows))
        .map(|(kind, ((_, digest), row))| Traffic {
            digest: digest.clone(),
            request_count: counts.get(&kind).copied().unwrap_or_default(),
            seats: seats(row),
        })
        .collect();
    let findings = lint(&LintInput {
        change,
        problems: &[],
        before: &flows.config,
        after: &flows.config.clone().with(change),
        version: settings.version_and_gates().0,
        features: flows.features,
        server_concurrency: settings.apf.server_concurrency,
        traffic: Some(&traffic),
        demand: &[],
    });
    let rank = |rule: &str| MISSING_RULES.iter().position(|name| *name == rule);
    let mut telling: Vec<_> = findings.into_iter().filter_map(|finding| Some((rank(finding.rule)?, finding))).collect();
    telling.sort_by_key(|(rank, _)| *rank);
    telling.dedup_by_key(|(rank, _)| *rank);
    let failure = |(_, finding): (usize, LintFinding)| MatchFailure { rule: finding.rule, message: finding.message };
    telling.into_iter().take(2).map(failure).collect()
}

/// The rules of lint that tell why a FlowSchema misses requests, the most telling first.
const MISSING_RULES: [&str; 7] = [
    "dangling-priority-level",
    "misses-cluster-lists",
    "shadowed",
    "meant-for-masters",
    "misses-streaming-lists",
    "matches-nothing",
    "goes-to-exempt",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::apf::lint::RULES;

    #[test]
    fn the_rules_that_tell_why_nothing_is_matched_are_there() {
        assert!(MISSING_RULES.iter().all(|name| RULES.iter().any(|rule| rule.name == *name)));
    }
}
