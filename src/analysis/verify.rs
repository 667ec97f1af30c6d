//! `apf verify`: whether a change that is in force does what its replay predicted.

use super::replay::{
    Change, RecordedServer, RecordedTraffic, ReplayNote, ReplayOptions, client_names, matched_schemas, scenario_with,
    summarize_log, summarize_replays,
};
use super::{AnalysisError, SCHEMA_VERSION, ServerFacts, Session};
use crate::apf::NEWEST_KNOWN;
use crate::dimensions::{Dimensions, Settings};
use crate::simulation::{
    MatchedFacts, PredictionCheck, Scenario, ServerMemory, VerifyVerdict, check_predictions, collect_facts,
    judge_checks,
};

/// The change, and how requests are replayed.
#[derive(Clone, Debug)]
pub struct VerifyOptions {
    /// The change that is in force in the logs of after.
    pub candidate: Change,
    /// How requests are replayed.
    pub replay: ReplayOptions,
}

/// The answer of [`verify`].
#[derive(Clone, Debug)]
pub struct VerifyReport {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// What the server was taken to be.
    pub server: ServerFacts,
    /// The name of the change: its folder or file.
    pub candidate: String,
    /// One for each apiserver of the logs after.
    pub apiservers: Vec<ApiserverCheck>,
    /// What to know of these numbers.
    pub notes: Vec<ReplayNote>,
}

/// The effect of a change on one apiserver.
#[derive(Clone, Debug)]
pub struct ApiserverCheck {
    /// Its label; `None` where the log has none.
    pub apiserver: Option<String>,
    /// Whether the server does as predicted.
    pub verdict: VerifyVerdict,
    /// By a replay of the logs before the change.
    pub predicted: MatchedFacts,
    /// By a replay of the logs after it.
    pub replayed: MatchedFacts,
    /// By the logs after it.
    pub logged: MatchedFacts,
    /// Number by number.
    pub checks: Vec<PredictionCheck>,
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
        let schemas = matched_schemas(&change.config, &before.recorded.flows.config);
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
            server: ServerFacts::new(&after.dimensions, settings, before.recorded.flows.origin),
            candidate: change.name.clone(),
            apiservers,
            notes: notes(settings, after),
        })
    }

    fn memory(&self) -> ServerMemory {
        ServerMemory { base: self.options.replay.memory_base.unwrap_or_default(), limit: None }
    }

    /// Replays the requests under the change; what becomes of those that it matches.
    fn replayed(
        &self,
        server: &RecordedServer,
        scenario: &Scenario,
        recorded: &RecordedTraffic,
        schemas: &[String],
    ) -> Result<MatchedFacts, AnalysisError> {
        let clients = client_names(recorded);
        let seeds = self.options.replay.seeds;
        let summaries =
            summarize_replays(server, &[scenario], (seeds, self.memory()), &clients, self.session.interrupt())?;
        Ok(summaries.first().map(|summary| collect_facts(summary, schemas)).unwrap_or_default())
    }
}

/// The same apiserver before. They are told apart by their labels; where those are others, the busiest stands for all.
fn counterpart<'b>(server: &RecordedServer, before: &'b RecordedTraffic) -> Option<&'b RecordedServer> {
    let same = before.servers.iter().find(|other| other.apiserver == server.apiserver);
    same.or_else(|| before.servers.iter().max_by_key(|server| server.traffic.requests.len()))
}

fn notes(settings: &Settings, after: &ReadLogs) -> Vec<ReplayNote> {
    let mut notes =
        vec![ReplayNote::PredictedReplayedLogged, ReplayNote::LevelsNotLogged, ReplayNote::ShortWaitsAreRanges];
    if settings.apf.config.is_none() {
        notes.push(ReplayNote::DefaultConfiguration);
    }
    if after.dimensions.version.is_none() {
        notes.push(ReplayNote::VersionUnknown { assumed: NEWEST_KNOWN });
    }
    notes
}
