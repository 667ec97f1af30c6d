//! Running replays: each configuration under each seed, and what a candidate catches.

mod traffic;

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::{AnalysisError, Interrupt};
use crate::apf::lint::{LintInput, Traffic, lint};
use crate::apf::{Config, compute_limits};
use crate::dimensions::{Dimensions, Settings};
use crate::simulation::{Catch, Chance, Memory, Outcome, Scenario, Side, logged, outcome, replay, side};

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

/// What each scenario comes to, over all seeds.
pub(super) fn sides(
    server: &RecordedServer,
    scenarios: &[&Scenario],
    (seeds, memory): (u64, Memory),
    clients: &[(String, String)],
    interrupt: &Interrupt,
) -> Result<Vec<Side>, AnalysisError> {
    let chances: Vec<Chance> = (0..seeds).map(|seed| Chance::drawn(seed, &server.capacity)).collect();
    let works: Vec<Vec<u64>> = chances.par_iter().map(|chance| server.lists.works(chance.capacity)).collect();
    let runs: Vec<(usize, usize)> =
        (0..scenarios.len()).flat_map(|scenario| (0..chances.len()).map(move |chance| (scenario, chance))).collect();
    let outcomes = runs.par_iter().map(|(scenario, chance)| {
        interrupt.check()?;
        let scenario = scenarios[*scenario];
        let run = replay(&server.traffic, &works[*chance], scenario, &chances[*chance], memory);
        Ok(outcome(&server.traffic, scenario, &run))
    });
    let outcomes: Vec<Outcome> = outcomes.collect::<Result<_, AnalysisError>>()?;
    let of_scenario = scenarios.iter().zip(outcomes.chunks(chances.len()));
    Ok(of_scenario.map(|(scenario, runs)| side(runs, scenario, clients)).collect())
}

/// What the log itself says of an apiserver's requests, as a side of its own; and when its LISTs may have been above the
/// memory limit, in nanoseconds: from, to.
pub(super) fn logged_side(
    server: &RecordedServer,
    scenario: &Scenario,
    memory: Memory,
    clients: &[(String, String)],
) -> (Side, Vec<(u64, u64)>) {
    let readings = logged(&server.traffic, &server.times, scenario, memory);
    let outcomes = readings.each_ref().map(|reading| outcome(&server.traffic, scenario, reading));
    let [_, all] = readings;
    (side(&outcomes, scenario, clients), all.above_ns)
}

/// The clients' types and names, for reports.
pub(super) fn client_names(recorded: &RecordedTraffic) -> Vec<(String, String)> {
    recorded.clients.iter().map(|(client_type, client)| (client_type.name().to_owned(), client.clone())).collect()
}

/// The FlowSchemas that a change has, or whose priority level it changes.
pub(super) fn caught_schemas(change: &Config, live: &Config) -> Vec<String> {
    let is_changed = |level: &str| change.priority_level(level).is_some();
    let own = change.flow_schemas.iter().map(|schema| schema.name.clone());
    let others = live
        .flow_schemas
        .iter()
        .filter(|schema| change.flow_schema(&schema.name).is_none() && is_changed(&schema.priority_level));
    own.chain(others.map(|schema| schema.name.clone())).collect()
}

/// What a change catches of the requests of one apiserver.
pub(super) fn catch(
    change: &Config,
    scenario: &Scenario,
    server: &RecordedServer,
    recorded: &RecordedTraffic,
    settings: &Settings,
) -> Catch {
    let schemas = caught_schemas(change, &recorded.flows.config);
    let is_caught: Vec<bool> = scenario.flow_schemas.iter().map(|name| schemas.contains(name)).collect();
    let clients = client_names(recorded);
    let level_of = |name: &String| {
        let schema = change.flow_schema(name).or_else(|| recorded.flows.config.flow_schema(name))?;
        Some(schema.priority_level.clone())
    };
    let mut catch = Catch {
        priority_levels: schemas.iter().filter_map(level_of).collect(),
        flow_schemas: schemas,
        ..Catch::default()
    };
    for request in &server.traffic.requests {
        let kind = &scenario.kinds[request.kind as usize];
        if kind.level.is_none() || !is_caught[kind.flow_schema as usize] {
            continue;
        }
        catch.request_count += 1;
        if request.list.is_some() {
            catch.list_count += 1;
            let client = clients.get(request.client as usize).map(|(_, client)| client.clone()).unwrap_or_default();
            *catch.lists_by_client.entry(client).or_default() += 1;
        }
    }
    if catch.list_count == 0 {
        catch.reasons = reasons(change, recorded, settings);
    }
    catch
}

/// What lint has to say about a change that catches nothing.
fn reasons(change: &Config, recorded: &RecordedTraffic, settings: &Settings) -> Vec<String> {
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
        version: settings.server.version,
        features: flows.features,
        server_concurrency: settings.apf.server_concurrency,
        traffic: Some(&traffic),
        demand: &[],
    });
    let place = |rule: &str| MISSING_RULES.iter().position(|name| *name == rule);
    let mut telling: Vec<_> =
        findings.into_iter().filter_map(|finding| Some((place(finding.rule)?, finding))).collect();
    telling.sort_by_key(|(place, _)| *place);
    telling.dedup_by_key(|(place, _)| *place);
    telling.into_iter().take(2).map(|(_, finding)| format!("{} ({})", finding.message, finding.rule)).collect()
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
    fn the_rules_that_tell_why_nothing_is_caught_are_there() {
        assert!(MISSING_RULES.iter().all(|name| RULES.iter().any(|rule| rule.name == *name)));
    }
}
