//! `apf verify`: whether a change that is in force does what its replay said.

use anyhow::{Context, Result, bail};

use super::super::Interrupt;
use super::super::dimensions::Dimensions;
use super::super::logs::report;
use super::super::reading::Reading;
use super::super::report::{check_format, write};
use super::super::settings::Settings;
use super::recorded::{Law, Recorded, RecordedServer, record};
use super::replays::{Change, caught_schemas, check, client_names, logged_side, scenario_with, sides};
use super::{origin_words, version_words};
use crate::apf::NEWEST_KNOWN;
use crate::cli::{LogArgs, VerifyArgs};
use crate::console::Console;
use crate::report::{ApiserverCheck, SCHEMA_VERSION, ServerFacts, VerifyReport, verdict_words};
use crate::simulation::{Facts, Memory, Scenario, checks, facts};

pub(super) fn run(args: &VerifyArgs, console: Console) -> Result<()> {
    check_format(&args.output)?;
    let settings = Settings::with_flows(&args.clients, &args.sizes, &args.flows)?;
    settings.flows.notes.iter().for_each(|note| console.note(note));
    if args.inputs.iter().chain(&args.after).filter(|input| *input == "-").count() > 1 {
        bail!("standard input can be the logs of before or those of after, but not both");
    }
    let change = Change::read(&args.candidate).with_context(|| format!("in --candidate {}", args.candidate))?;
    let before = read(&args.inputs, &args.logs, args, &settings, console)?;
    change.check(&before.recorded.flows.config)?;
    let after_args = LogArgs { from: None, to: None, ..args.logs.clone() };
    let after = read(&args.after, &after_args, args, &settings, console)?;
    let interrupt = after.reading.interrupt();
    let verifying = Verifying { args, settings: &settings, change: &change, interrupt };
    let verified = verifying.report(&before, &after)?;
    write(&verified, |_| verified.page(), &args.output, console)?;
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
    let (dimensions, recorded) = reading.run(record(&reading.database, settings, "", &[], Law::of(&args.replay)))?;
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
        let schemas = caught_schemas(&self.change.config, &before.recorded.flows.config);
        let mut apiservers = Vec::new();
        for server in &after.recorded.servers {
            let clients = client_names(&after.recorded);
            let logged = facts(&logged_side(server, &now, self.memory(), &clients).0, &schemas);
            let replayed = self.replayed(server, &now, &after.recorded, &schemas)?;
            let foreseen = match counterpart(server, &before.recorded) {
                Some(server) => self.replayed(server, &then, &before.recorded, &schemas)?,
                None => Facts::default(),
            };
            let checks = checks(&foreseen, &replayed, &logged);
            let sentence = verdict_words(&checks, &foreseen, &logged);
            let apiserver = server.apiserver.clone();
            apiservers.push(ApiserverCheck { apiserver, sentence, foreseen, replayed, logged, checks });
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

    fn memory(&self) -> Memory {
        Memory { base: self.args.replay.memory_base.unwrap_or_default(), limit: None }
    }

    /// What a replay of the requests under the change says of those that it catches.
    fn replayed(
        &self,
        server: &RecordedServer,
        scenario: &Scenario,
        recorded: &Recorded,
        schemas: &[String],
    ) -> Result<Facts> {
        let clients = client_names(recorded);
        let seeds = self.args.replay.seeds;
        let sides = sides(server, &[scenario], (seeds, self.memory()), &clients, &self.interrupt)?;
        Ok(sides.first().map(|side| facts(side, schemas)).unwrap_or_default())
    }
}

/// The same apiserver before. They are told apart by their labels; where those are others, the busiest stands for all.
fn counterpart<'b>(server: &RecordedServer, before: &'b Recorded) -> Option<&'b RecordedServer> {
    let same = before.servers.iter().find(|other| other.apiserver == server.apiserver);
    same.or_else(|| before.servers.iter().max_by_key(|server| server.traffic.requests.len()))
}

fn notes(settings: &Settings, after: &Read) -> Vec<String> {
    let mut notes = vec![
        "foreseen is a replay of the logs before the change, with it; replayed is one of the logs since; logged is what the \
         server did"
            .to_owned(),
        "the log doesn't say which priority level a request went through: those that the change should catch are counted, \
         whether it did or not"
            .to_owned(),
        "waits under half a second are in no log: what took less may have run or waited, which makes a range".to_owned(),
    ];
    if settings.flows.config.is_none() {
        notes.push(
            "the configuration before is that of a fresh cluster: give the server's own with --config".to_owned(),
        );
    }
    if after.dimensions.server.version.is_none() {
        let newest = version_words(Some(NEWEST_KNOWN)).unwrap_or_default();
        notes.push(format!("the server's version is not known; it is replayed as {newest}, see --kube-version"));
    }
    notes
}
