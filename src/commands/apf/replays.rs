//! Running replays: each configuration under each seed, and what a candidate catches.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use rayon::prelude::*;

use super::super::dimensions::Dimensions;
use super::super::flows::{read_manifests, sound};
use super::super::settings::Settings;
use super::super::{Advice, Interrupt};
use super::lint::manifests_in;
use super::recorded::{Recorded, RecordedServer, ReplayMode};
use crate::apf::lint::{LintFinding, LintInput, Traffic, lint};
use crate::apf::{Config, limits};
use crate::cli::{ReplayArgs, ServiceName};
use crate::simulation::{
    CandidateMatch, MatchFailure, ReplayAssumptions, ReplayOutcome, ReplaySummary, Scenario, ServerMemory,
    reconstruct_logged, replay, summarize_outcome, summarize_replay,
};

/// A change to replay requests under.
#[derive(Clone, Debug)]
pub(super) struct Change {
    /// What it is called.
    pub(super) name: String,
    /// Its objects.
    pub(super) config: Config,
}

impl Change {
    /// Reads a candidate: a folder, or files joined by commas.
    pub(super) fn read(text: &str) -> Result<Self> {
        let path = Path::new(text);
        let files: Vec<PathBuf> =
            if path.is_dir() { manifests_in(path)? } else { text.split(',').map(PathBuf::from).collect() };
        if files.is_empty() {
            return Err(Advice {
                message: format!("no FlowSchema and no PriorityLevelConfiguration is in the folder {text}"),
                hint: "name a folder of manifests in YAML or JSON, or the files",
            }
            .into());
        }
        let config = sound(read_manifests(&files)?, text)?;
        let name = if path.is_dir() { path.file_name() } else { path.file_stem() };
        let name = name.filter(|_| files.len() == 1 || path.is_dir());
        let name = name.map_or_else(|| text.to_owned(), |name| name.to_string_lossy().into_owned());
        Ok(Self { name, config })
    }

    /// Fails if the change names a priority level that is nowhere.
    pub(super) fn check(&self, live: &Config) -> Result<()> {
        let exists = |level: &str| [live, &self.config].iter().any(|config| config.priority_level(level).is_some());
        let missing = self.config.flow_schemas.iter().find(|schema| !exists(&schema.priority_level));
        let Some(schema) = missing else { return Ok(()) };
        Err(Advice {
            message: format!(
                "FlowSchema {} of {} goes to the priority level {}, which is neither in it nor on the server",
                schema.name, self.name, schema.priority_level
            ),
            hint: "name both objects, joined by a comma or in one folder; the server's own come with --config",
        }
        .into())
    }
}

impl ReplayMode {
    /// How LISTs are replayed, as the arguments have it.
    pub(super) fn from_args(args: &ReplayArgs) -> Self {
        let capacity = match args.service {
            ServiceName::Fixed => Some(f64::INFINITY),
            ServiceName::Shared => args.capacity,
        };
        Self { capacity, is_closed_loop: args.closed_loop }
    }
}

/// The server's configuration with a change, ready to be replayed.
pub(super) fn scenario_with(
    change: Option<&Config>,
    recorded: &Recorded,
    dimensions: &Dimensions,
    settings: &Settings,
) -> Scenario {
    let live = recorded.flows.config.clone();
    let config = match change {
        Some(change) => live.with(change),
        None => live,
    };
    let limits = limits(&config.priority_levels, settings.flows.server_concurrency, &recorded.flows.features);
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
) -> Result<Vec<ReplaySummary>> {
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
    let outcomes: Vec<ReplayOutcome> = outcomes.collect::<Result<_>>()?;
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
pub(super) fn client_names(recorded: &Recorded) -> Vec<(String, String)> {
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
    recorded: &Recorded,
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
fn find_match_failures(change: &Config, recorded: &Recorded, settings: &Settings) -> Vec<MatchFailure> {
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
        server_concurrency: settings.flows.server_concurrency,
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

/// Fails where nothing can be replayed.
pub(in crate::commands) fn check(recorded: &Recorded) -> Result<()> {
    if recorded.servers.is_empty() {
        bail!("no request of these logs came as far as API Priority and Fairness, so that there is nothing to replay");
    }
    Ok(())
}

/// The only candidate, where only one makes sense.
pub(super) fn single<'c>(changes: &'c [Change], what: &str) -> Result<&'c Change> {
    let [change] = changes else {
        bail!("{what} takes one candidate, and {} are given", changes.len());
    };
    Ok(change)
}

/// Reads the candidates.
pub(super) fn changes(candidates: &[String]) -> Result<Vec<Change>> {
    let read = |text: &String| Change::read(text).with_context(|| format!("in --candidate {text}"));
    let mut changes = candidates.iter().map(read).collect::<Result<Vec<Change>>>()?;
    let names: Vec<String> = changes.iter().map(|change| change.name.clone()).collect();
    for (change, text) in changes.iter_mut().zip(candidates) {
        // Where two are called the same, their paths tell them apart.
        if names.iter().filter(|name| **name == change.name).count() > 1 {
            change.name.clone_from(text);
        }
    }
    Ok(changes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::apf::lint::RULES;

    #[test]
    fn the_rules_that_tell_why_nothing_is_matched_are_there() {
        assert!(MISSING_RULES.iter().all(|name| RULES.iter().any(|rule| rule.name == *name)));
    }
}
