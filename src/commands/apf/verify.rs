//! `apf verify`: whether a change that is in force does what its replay said.

use anyhow::{Context, Result};

use super::super::dimensions::Dimensions;
use super::super::logs::{Opened, open, report};
use super::super::settings::Settings;
use super::super::{Interrupted, show_report};
use super::recorded::{Law, Recorded, RecordedServer, record};
use super::replays::{Change, check, client_names, scenario_with, sides};
use super::{origin_words, version_words};
use crate::cli::{LogArgs, VerifyArgs};
use crate::console::Console;
use crate::report::{ApiserverCheck, SCHEMA_VERSION, ServerFacts, VerifyReport, verdict_words};
use crate::simulation::{Facts, Memory, Scenario, checks, facts, logged, outcome, side};
use crate::tables::{Database, QuerySet};

pub(super) fn run(args: &VerifyArgs, console: Console) -> Result<()> {
    let settings = Settings::with_flows(&args.clients, &args.sizes, &args.flows)?;
    settings.flows.notes.iter().for_each(|note| console.note(note));
    let change = Change::read(&args.candidate).with_context(|| format!("in --candidate {}", args.candidate))?;
    let before = read(&args.inputs, &args.logs, args, &settings, console)?;
    change.check(&before.recorded.flows.config)?;
    let after_args = LogArgs { from: None, to: None, ..args.logs.clone() };
    let after = read(&args.after, &after_args, args, &settings, console)?;
    let verified = verify(args, &settings, &change, &before, &after);
    show_report(&verified, VerifyReport::blocks, args.format, console)?;
    for (read, logs) in [(&before, &args.logs), (&after, &after_args)] {
        report(&read.opened, &read.opened.logs.tally().unwrap_or_default(), logs.strict, console)?;
    }
    Ok(())
}

/// Logs that were read.
struct Read {
    opened: Opened,
    dimensions: Dimensions,
    recorded: Recorded,
}

fn read(inputs: &[String], logs: &LogArgs, args: &VerifyArgs, settings: &Settings, console: Console) -> Result<Read> {
    let opened = open(inputs, logs, console)?;
    let database = Database::new(&opened.logs, QuerySet::load(None)?, usize::MAX)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let (dimensions, recorded) = runtime.block_on(async {
        let _shown = console.progress(opened.logs.progress.clone());
        tokio::select! {
            recorded = record(&database, settings, "", &[], Law::of(&args.replay)) => recorded,
            _ = tokio::signal::ctrl_c() => Err(Interrupted.into()),
        }
    })?;
    if opened.logs.tally().unwrap_or_default().events() == 0 {
        report(&opened, &opened.logs.tally().unwrap_or_default(), logs.strict, console)?;
    }
    check(&recorded)?;
    Ok(Read { opened, dimensions, recorded })
}

fn verify(args: &VerifyArgs, settings: &Settings, change: &Change, before: &Read, after: &Read) -> VerifyReport {
    let memory = Memory { base: args.replay.memory_base.unwrap_or_default(), limit: None };
    let schemas: Vec<String> = change.config.flow_schemas.iter().map(|schema| schema.name.clone()).collect();
    let levels: Vec<String> = change.config.flow_schemas.iter().map(|schema| schema.priority_level.clone()).collect();
    let scenario = |read: &Read| scenario_with(Some(&change.config), &read.recorded, &read.dimensions, settings);
    let (then, now) = (scenario(before), scenario(after));
    let foreseen = |apiserver: &Option<String>| {
        // Apiservers are told apart by their labels; where those are others, the busiest stands for all.
        let servers = &before.recorded.servers;
        let same = servers.iter().find(|server| server.apiserver == *apiserver);
        let busiest = || servers.iter().max_by_key(|server| server.traffic.requests.len());
        same.or_else(busiest).map(|server| replayed(server, &then, args, memory, &before.recorded, (&schemas, &levels)))
    };
    let apiservers: Vec<ApiserverCheck> = after
        .recorded
        .servers
        .iter()
        .map(|server| {
            let clients = client_names(&after.recorded);
            let log = logged(&server.traffic, &server.times, &now, memory);
            let log = side(&[outcome(&server.traffic, &now, &log)], &now, &clients);
            let logged = facts(&log, &schemas, &levels);
            let replayed = replayed(server, &now, args, memory, &after.recorded, (&schemas, &levels));
            let foreseen = foreseen(&server.apiserver).unwrap_or_default();
            let checks = checks(&foreseen, &replayed, &logged);
            let sentence = verdict_words(&checks, &foreseen, &logged);
            ApiserverCheck { apiserver: server.apiserver.clone(), sentence, foreseen, replayed, logged, checks }
        })
        .collect();
    VerifyReport {
        schema_version: SCHEMA_VERSION,
        server: ServerFacts {
            version: version_words(after.dimensions.server.version),
            server_concurrency: settings.flows.server_concurrency,
            configuration: origin_words(before.recorded.flows.origin).to_owned(),
        },
        candidate: change.name.clone(),
        apiservers,
        notes: notes(),
    }
}

/// What a replay of the requests under the change says of those that it catches.
fn replayed(
    server: &RecordedServer,
    scenario: &Scenario,
    args: &VerifyArgs,
    memory: Memory,
    recorded: &Recorded,
    (schemas, levels): (&[String], &[String]),
) -> Facts {
    let clients = client_names(recorded);
    let sides = sides(server, &[scenario], (args.replay.seeds, memory), &clients);
    sides.first().map(|side| facts(side, schemas, levels)).unwrap_or_default()
}

fn notes() -> Vec<String> {
    vec![
        "foreseen is a replay of the logs before the change, with it; replayed is one of the logs since; logged is what the \
         server did"
            .to_owned(),
        "the log doesn't say which priority level a request went through: those that the change should catch are counted, \
         whether it did or not"
            .to_owned(),
        "waits under half a second are in no log, and count as none".to_owned(),
    ]
}
