//! Which clients' LIST and watch storms the logs hold.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{AnalysisError, LogTime, SCHEMA_VERSION, Session, Span};
use crate::audit::Micros;
use crate::dimensions::Dimensions;
use crate::findings::{
    BlindSpot, Bytes, ClientProfile, Episode, EpisodeClient, Finding, Measured, Presence, Pressure, Restart, Severity,
    Verdict, assess_coverage, blind_spots, judge, reach_verdict,
};
use crate::requests::{Tally, Window};
use crate::tables::{Database, Params, TypedRow};
use crate::units;

/// What to look for.
#[derive(Clone, Copy, Debug)]
pub struct StormOptions {
    /// Look at the minutes around this moment only, and rank who had lists in flight at it.
    pub at: Option<LogTime>,
    /// As many findings as are worst; `None` for all.
    pub top: Option<usize>,
    /// The mildest findings to report.
    pub min_severity: Severity,
}

impl Default for StormOptions {
    fn default() -> Self {
        Self { at: None, top: None, min_severity: Severity::Info }
    }
}

/// The answer of [`storms`].
#[derive(Clone, Debug)]
pub struct StormReport {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// What happened, who did it, how sure that is.
    pub verdict: Verdict,
    /// The moment asked about; `None` if none was.
    pub at: Option<String>,
    /// Who had lists in flight at that moment, those that held most first; empty if no moment was asked about.
    pub suspects: Vec<Suspect>,
    /// What was found, the worst first.
    pub findings: Vec<Finding>,
    /// Findings left out, being more than asked for or not severe enough.
    pub omitted_findings: usize,
    /// The worst severity of all findings, those left out too; `None` if nothing was found.
    pub worst_severity: Option<Severity>,
    /// The span of the logs, where the time asked for isn't in it.
    pub outside: Option<Span>,
    /// What the log could not show.
    pub blind_spots: Vec<BlindSpot>,
}

/// A client with lists in flight at a moment, or just before.
#[derive(Clone, Debug, Serialize)]
pub struct Suspect {
    /// The server; `None` where the log names none.
    pub apiserver: Option<String>,
    /// The client's type.
    pub client_type: String,
    /// The client.
    pub client: String,
    /// The resource.
    pub resource: Option<String>,
    /// The resource's API group.
    pub api_group: Option<String>,
    /// `list`, or `deletecollection`, which reads the collection too.
    pub verb: String,
    /// Lists in flight.
    pub inflight: u64,
    /// Those of them that have no end in the log.
    pub without_end: u64,
    /// What they held; `None` where unknown.
    pub estimated_bytes: Option<Bytes>,
    /// Lists received in the last minute before.
    pub recent_requests: u64,
    /// Instances that sent those.
    pub recent_instances: u64,
    /// Bytes that those returned; `None` where unknown.
    pub recent_bytes: Option<Bytes>,
}

/// What is looked at before the moment that was asked about, in microseconds.
const BEFORE_MICROS: Micros = 15 * 60 * 1_000_000;
/// What is looked at after it.
const AFTER_MICROS: Micros = 2 * 60 * 1_000_000;

/// Finds storms.
///
/// # Errors
/// When the logs can't be read or have no event.
pub async fn storms(session: &Session, options: &StormOptions) -> Result<StormReport, AnalysisError> {
    match options.at {
        None => storms_in(session, options, None).await,
        Some(time) => {
            let at = session.resolve(time)?.ok_or(AnalysisError::NoEventToCountFrom("--at"))?;
            let asked = session.window();
            let window = Window {
                from: Some(asked.from.unwrap_or(at - BEFORE_MICROS)),
                to: Some(asked.to.unwrap_or(at + AFTER_MICROS)),
            };
            let session = session.within(window, &Params::new())?;
            storms_in(&session, options, Some(at)).await
        }
    }
}

async fn storms_in(
    session: &Session,
    options: &StormOptions,
    at: Option<Micros>,
) -> Result<StormReport, AnalysisError> {
    let wanted = [&STORM_QUERIES[..], &[Pressure::QUERY]].concat();
    let dimensions = session.read(&wanted, &[Presence::QUERY]).await?;
    let rows = StormRows::read(session.database(), &dimensions, at).await?;
    let tally = session.tally_of_events()?;
    let findings = judge(rows.measured(&tally, session.window().from), session.thresholds());
    Ok(assemble(session, options, findings, &rows, (&tally, at)))
}

/// The queries that findings are based on; [`Presence::QUERY`] is to be kept besides.
pub(super) const STORM_QUERIES: [&str; 3] = [Episode::QUERY, EpisodeClient::QUERY, Restart::QUERY];

/// All rows that findings are based on.
pub(super) struct StormRows {
    presence: Vec<Presence>,
    episodes: Vec<Episode>,
    clients: Vec<EpisodeClient>,
    pub(super) restarts: Vec<Restart>,
    pressure: Vec<Pressure>,
    /// What is known of each client, by name.
    pub(super) profiles: BTreeMap<String, ClientProfile>,
}

impl StormRows {
    /// The rows, once the session has read its logs for [`STORM_QUERIES`].
    pub(super) async fn read(
        database: &Database,
        dimensions: &Dimensions,
        at: Option<Micros>,
    ) -> Result<Self, AnalysisError> {
        let pressure = async {
            match at {
                None => Ok(Vec::new()),
                Some(at) => database.rows_with(&Params::new().with("at_micros", at)).await,
            }
        };
        let (presence, episodes, clients, restarts, pressure) =
            tokio::try_join!(database.rows(), database.rows(), database.rows(), database.rows(), pressure)?;
        Ok(Self { presence, episodes, clients, restarts, pressure, profiles: client_profiles(dimensions) })
    }

    pub(super) fn measured<'m>(&'m self, tally: &'m Tally, from: Option<Micros>) -> Measured<'m> {
        Measured {
            tally,
            episodes: &self.episodes,
            clients: &self.clients,
            restarts: &self.restarts,
            profiles: &self.profiles,
            from,
        }
    }

    /// What the log could not show.
    pub(super) fn blind_spots(&self, tally: &Tally, findings: &[Finding]) -> Vec<BlindSpot> {
        blind_spots(&assess_coverage(tally, &self.presence), findings)
    }
}

/// What is known of each client. Of several identities of one client, the one known best is taken.
fn client_profiles(dimensions: &Dimensions) -> BTreeMap<String, ClientProfile> {
    let mut of_user: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (caller, client) in &dimensions.clients {
        if let Some(user) = &caller.identity.user_name {
            of_user.entry(user).or_default().insert(&client.client);
        }
    }
    let mut profiles: BTreeMap<String, ClientProfile> = BTreeMap::new();
    let mut by_confidence: Vec<_> = dimensions.clients.iter().collect();
    by_confidence.sort_by_key(|(_, client)| std::cmp::Reverse(client.confidence));
    for (caller, client) in by_confidence {
        let profile = profiles.entry(client.client.clone()).or_insert_with(|| ClientProfile {
            confidence: client.confidence.name(),
            evidence: client.evidence.clone(),
            advice: client.advice.clone(),
            can_be_spared: client.client_type.can_be_spared(),
            shares_user_with: Vec::new(),
        });
        let others = caller.identity.user_name.as_deref().and_then(|user| of_user.get(user)).into_iter().flatten();
        for other in others.filter(|other| **other != client.client) {
            if !profile.shares_user_with.iter().any(|known| known == other) {
                profile.shares_user_with.push((*other).to_owned());
            }
        }
    }
    profiles
}

fn assemble(
    session: &Session,
    options: &StormOptions,
    findings: Vec<Finding>,
    rows: &StormRows,
    (tally, at): (&Tally, Option<Micros>),
) -> StormReport {
    let verdict = reach_verdict(&findings, rows.measured(tally, None), session.thresholds());
    let mut blind_spots = rows.blind_spots(tally, &findings);
    if session.window() != Window::default() {
        blind_spots.push(BlindSpot::PartOfLog);
    }
    let all = findings.len();
    let worst_severity = findings.iter().map(|finding| finding.severity).max();
    let is_shown = |finding: &Finding| finding.severity >= options.min_severity;
    let shown: Vec<_> = findings.into_iter().filter(is_shown).take(options.top.unwrap_or(usize::MAX)).collect();
    StormReport {
        schema_version: SCHEMA_VERSION,
        verdict,
        at: at.map(units::instant),
        suspects: rows.pressure.iter().map(suspect).collect(),
        omitted_findings: all - shown.len(),
        worst_severity,
        outside: asked_outside(session.window(), tally, at),
        findings: shown,
        blind_spots,
    }
}

/// The logs' span, where the time asked for isn't in it.
fn asked_outside(window: Window, tally: &Tally, at: Option<Micros>) -> Option<Span> {
    let from = tally.servers.values().filter_map(|server| server.first_at).min()?;
    let to = tally.servers.values().filter_map(|server| server.last_at).max()?;
    let is_outside = at.is_some_and(|at| at < from || at > to)
        || window.from.is_some_and(|asked| asked > to)
        || window.to.is_some_and(|asked| asked < from);
    is_outside.then_some(Span { from, to })
}

fn suspect(row: &Pressure) -> Suspect {
    Suspect {
        apiserver: row.apiserver.clone(),
        client_type: row.client_type.clone(),
        client: row.client.clone(),
        resource: row.resource.clone(),
        api_group: row.api_group.clone(),
        verb: row.verb.clone(),
        inflight: row.inflight_count,
        without_end: row.open_count,
        estimated_bytes: row.inflight_low_bytes.map(|low| Bytes { low, high: row.inflight_high_bytes }),
        recent_requests: row.recent_count,
        recent_instances: row.recent_instance_count,
        recent_bytes: row.recent_low_bytes.map(|low| Bytes { low, high: row.recent_high_bytes }),
    }
}
