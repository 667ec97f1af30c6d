//! `apf verify`: whether a change that is in force does what its replay said.

use serde::Serialize;

use super::replay::{
    Change, RecordedServer, RecordedTraffic, ReplayOptions, caught_schemas, client_names, logged_side, scenario_with,
    sides,
};
use super::{AnalysisError, SCHEMA_VERSION, ServerFacts, Session};
use crate::apf::NEWEST_KNOWN;
use crate::dimensions::{Dimensions, Settings};
use crate::report::verdict_words;
use crate::simulation::{Check, Facts, Memory, Scenario, checks, facts};

/// The change, and how requests are replayed.
#[derive(Clone, Debug)]
pub struct VerifyOptions {
    /// The change that is in force in the logs of after.
    pub candidate: Change,
    /// How requests are replayed.
    pub replay: ReplayOptions,
}

/// The answer of [`verify`].
#[derive(Clone, Debug, Serialize)]
pub struct VerifyReport {
    /// [`SCHEMA_VERSION`](crate::analysis::SCHEMA_VERSION).
    pub schema_version: u32,
    /// What the server was taken to be.
    pub server: ServerFacts,
    /// What the change is called: its folder or file.
    pub candidate: String,
    /// One for each apiserver of the logs after.
    pub apiservers: Vec<ApiserverCheck>,
    /// What to know of these numbers.
    pub notes: Vec<String>,
}

/// What came of a change on one apiserver.
#[derive(Clone, Debug, Serialize)]
pub struct ApiserverCheck {
    /// Its label; `None` where the log has none.
    pub apiserver: Option<String>,
    /// Whether reality follows, in a sentence.
    pub sentence: String,
    /// What a replay of the logs before foresees.
    pub foreseen: Facts,
    /// What a replay of the logs after says.
    pub replayed: Facts,
    /// What the logs after say.
    pub logged: Facts,
    /// Number by number.
    pub checks: Vec<Check>,
}

/// Compares logs from after a change with what a replay of the logs from before it foresees. The settings are those of
/// the session before.
///
/// # Errors
/// When logs can't be read, have no event, or nothing in them reached API Priority and Fairness; or when the candidate
/// leads nowhere.
pub async fn verify(before: &Session, after: &Session, options: &VerifyOptions) -> Result<VerifyReport, AnalysisError> {
    let before_read = ReadLogs::of(before, options).await?;
    options.candidate.check(&before_read.recorded.flows.config)?;
    let after_read = ReadLogs::of(after, options).await?;
    Verifying { options, session: before }.report(&before_read, &after_read)
}

/// Logs that were read.
struct ReadLogs {
    dimensions: Dimensions,
    recorded: RecordedTraffic,
}

impl ReadLogs {
    async fn of(session: &Session, options: &VerifyOptions) -> Result<Self, AnalysisError> {
        let (dimensions, recorded) = RecordedTraffic::read(session, &[], &[], options.replay.mode).await?;
        session.tally_of_events()?;
        recorded.check()?;
        Ok(Self { dimensions, recorded })
    }
}

/// All that a verification rests on.
struct Verifying<'v> {
    options: &'v VerifyOptions,
    session: &'v Session,
}

impl Verifying<'_> {
    fn report(&self, before: &ReadLogs, after: &ReadLogs) -> Result<VerifyReport, AnalysisError> {
        let (change, settings) = (&self.options.candidate, self.session.settings());
        let scenario =
            |read: &ReadLogs| scenario_with(Some(&change.config), &read.recorded, &read.dimensions, settings);
        let (then, now) = (scenario(before), scenario(after));
        let schemas = caught_schemas(&change.config, &before.recorded.flows.config);
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
            server: ServerFacts::new(&after.dimensions, settings, before.recorded.flows.origin),
            candidate: change.name.clone(),
            apiservers,
            notes: notes(settings, after),
        })
    }

    fn memory(&self) -> Memory {
        Memory { base: self.options.replay.memory_base.unwrap_or_default(), limit: None }
    }

    /// What a replay of the requests under the change says of those that it catches.
    fn replayed(
        &self,
        server: &RecordedServer,
        scenario: &Scenario,
        recorded: &RecordedTraffic,
        schemas: &[String],
    ) -> Result<Facts, AnalysisError> {
        let clients = client_names(recorded);
        let seeds = self.options.replay.seeds;
        let sides = sides(server, &[scenario], (seeds, self.memory()), &clients, self.session.interrupt())?;
        Ok(sides.first().map(|side| facts(side, schemas)).unwrap_or_default())
    }
}

/// The same apiserver before. They are told apart by their labels; where those are others, the busiest stands for all.
fn counterpart<'b>(server: &RecordedServer, before: &'b RecordedTraffic) -> Option<&'b RecordedServer> {
    let same = before.servers.iter().find(|other| other.apiserver == server.apiserver);
    same.or_else(|| before.servers.iter().max_by_key(|server| server.traffic.requests.len()))
}

fn notes(settings: &Settings, after: &ReadLogs) -> Vec<String> {
    let mut notes = vec![
        "foreseen is a replay of the logs before the change, with it; replayed is one of the logs since; logged is what the \
         server did"
            .to_owned(),
        "the log doesn't say which priority level a request went through: those that the change should catch are counted, \
         whether it did or not"
            .to_owned(),
        "waits under half a second are in no log: what took less may have run or waited, which makes a range".to_owned(),
    ];
    if settings.apf.config.is_none() {
        notes.push(
            "the configuration before is that of a fresh cluster: give the server's own with --config".to_owned(),
        );
    }
    if after.dimensions.server.version.is_none() {
        notes.push(format!("the server's version is not known; it is replayed as {NEWEST_KNOWN}, see --kube-version"));
    }
    notes
}
