//! `apf verify`: whether a change that is in force does what its replay predicted.

use std::sync::Arc;

use anyhow::{Context, Result, bail};

use super::super::dimensions::Dimensions;
use super::super::logs::report;
use super::super::reading::Reading;
use super::super::settings::Settings;
use super::super::{Interrupt, show_report};
use super::recorded::{Recorded, RecordedServer, ReplayMode, record};
use super::replays::{Change, check, client_names, matched_schemas, scenario_with, summarize_log, summarize_replays};
use super::{origin_words, version_words};
use crate::apf::NEWEST_KNOWN;
use crate::cli::{LogArgs, VerifyArgs};
use crate::console::Console;
use crate::report::{ApiserverCheck, ReplayNote, SCHEMA_VERSION, ServerFacts, VerifyReport};
use crate::simulation::{MatchedFacts, Scenario, ServerMemory, check_predictions, collect_facts, judge_checks};

pub(super) fn run(args: &VerifyArgs, console: Console) -> Result<()> {
    let settings = Arc::new(read_settings(&args.clients, &args.sizes, &args.flows, console)?);
    if args.inputs.iter().chain(&args.after).filter(|input| *input == "-").count() > 1 {
        bail!("standard input can be the logs of before or those of after, but not both");
    }
    let candidate = read_change(&args.candidate).with_context(|| format!("in --candidate {}", args.candidate))?;
    let options = VerifyOptions { candidate, replay: (&args.replay).into() };
    let asking = Asking { settings: Arc::clone(&settings), ..Asking::default() };
    let before = Asked::open(&args.inputs, &args.logs, asking, console)?;
    let after_args = LogArgs { from: None, to: None, ..args.logs.clone() };
    let after = read(&args.after, &after_args, args, &settings, console)?;
    let interrupt = after.reading.interrupt();
    let verifying = Verifying { args, settings: &settings, change: &change, interrupt };
    let verified = verifying.report(&before, &after)?;
    show_report(&verified, VerifyReport::blocks, args.format, console)?;
    for (read, logs) in [(&before, &args.logs), (&after, &after_args)] {
        report(&read.reading.opened, &read.reading.tally(), logs.strict, console)?;
    }
    Ok(())
}

/// Logs that were read.
struct Read {
    reading: Reading,
    dimensions: Dimensions,
    recorded: Recorded,
}

fn read(inputs: &[String], logs: &LogArgs, args: &VerifyArgs, settings: &Settings, console: Console) -> Result<Read> {
    let reading = Reading::of(inputs, logs, console)?;
    let (dimensions, recorded) =
        reading.run(record(&reading.database, settings, "", &[], ReplayMode::from_args(&args.replay)))?;
    if reading.tally().events() == 0 {
        report(&reading.opened, &reading.tally(), logs.strict, console)?;
    }
    check(&recorded)?;
    Ok(Read { reading, dimensions, recorded })
}

/// All that a verification rests on.
struct Verifying<'v> {
    args: &'v VerifyArgs,
    settings: &'v Settings,
    change: &'v Change,
    interrupt: Interrupt,
}

impl Verifying<'_> {
    fn report(&self, before: &Read, after: &Read) -> Result<VerifyReport> {
        let scenario =
            |read: &Read| scenario_with(Some(&self.change.config), &read.recorded, &read.dimensions, self.settings);
        let (then, now) = (scenario(before), scenario(after));
        let schemas = matched_schemas(&self.change.config, &before.recorded.flows.config);
        let mut apiservers = Vec::new();
        for server in &after.recorded.servers {
            let clients = client_names(&after.recorded);
            let logged = collect_facts(&summarize_log(server, &now, self.memory(), &clients).0, &schemas);
            let replayed = self.replayed(server, &now, &after.recorded, &schemas)?;
            let predicted = match counterpart(server, &before.recorded) {
                Some(server) => self.replayed(server, &then, &before.recorded, &schemas)?,
                None => MatchedFacts::default(),
            };
            let checks = check_predictions(&predicted, &replayed, &logged);
            let verdict = judge_checks(&checks, &predicted, &logged);
            let apiserver = server.apiserver.clone();
            apiservers.push(ApiserverCheck { apiserver, verdict, predicted, replayed, logged, checks });
        }
        Ok(VerifyReport {
            schema_version: SCHEMA_VERSION,
            server: ServerFacts {
                version: version_words(after.dimensions.server.version),
                server_concurrency: self.settings.flows.server_concurrency,
                configuration: origin_words(before.recorded.flows.origin).to_owned(),
            },
            candidate: self.change.name.clone(),
            apiservers,
            notes: notes(self.settings, after),
        })
    }

    fn memory(&self) -> ServerMemory {
        ServerMemory { base: self.args.replay.memory_base.unwrap_or_default(), limit: None }
    }

    /// Replays the requests under the change; what becomes of those that it matches.
    fn replayed(
        &self,
        server: &RecordedServer,
        scenario: &Scenario,
        recorded: &Recorded,
        schemas: &[String],
    ) -> Result<MatchedFacts> {
        let clients = client_names(recorded);
        let seeds = self.args.replay.seeds;
        let summaries = summarize_replays(server, &[scenario], (seeds, self.memory()), &clients, &self.interrupt)?;
        Ok(summaries.first().map(|summary| collect_facts(summary, schemas)).unwrap_or_default())
    }
}

/// The same apiserver before. They are told apart by their labels; where those are others, the busiest stands for all.
fn counterpart<'b>(server: &RecordedServer, before: &'b Recorded) -> Option<&'b RecordedServer> {
    let same = before.servers.iter().find(|other| other.apiserver == server.apiserver);
    same.or_else(|| before.servers.iter().max_by_key(|server| server.traffic.requests.len()))
}

fn notes(settings: &Settings, after: &Read) -> Vec<ReplayNote> {
    let mut notes =
        vec![ReplayNote::PredictedReplayedLogged, ReplayNote::LevelsNotLogged, ReplayNote::ShortWaitsAreRanges];
    if settings.flows.config.is_none() {
        notes.push(ReplayNote::DefaultConfiguration);
    }
    if after.dimensions.server.version.is_none() {
        notes.push(ReplayNote::VersionUnknown { assumed: version_words(Some(NEWEST_KNOWN)).unwrap_or_default() });
    }
    notes
}
