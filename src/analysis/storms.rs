//! Which clients' LIST and watch storms the logs hold.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::nearest_end::nearest_end;
use super::{AnalysisError, LogTime, SCHEMA_VERSION, Session};
use crate::audit::Micros;
use crate::dimensions::Dimensions;
use crate::findings::{
    BlindSpot, Bytes, ClientProfile, CollectionDelete, Death, Episode, EpisodeClient, Finding, Impersonation, Measured,
    Presence, Pressure, RejectionEpisode, RequestLoop, Restart, Severity, SeverityReason, Verdict, Visibility,
    WatchPileup, assess_coverage, assess_visibility, blind_spots, judge, reach_verdict,
};
use crate::requests::{Tally, Window};
use crate::tables::{Database, Params, TablesError, TypedRow};
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
    /// The end of an apiserver nearest to the moment asked about, where none is near it; `None` where one is, or there is
    /// none.
    pub nearest_end: Option<Death>,
    /// What the log can't show.
    pub blind_spots: Vec<BlindSpot>,
}

impl StormReport {
    /// Whether an apiserver died, or may have died, within `near_secs` of a moment.
    fn has_end_near(&self, at: Micros, near_secs: f64) -> bool {
        let is_near = |died_at: Micros| (died_at - at).abs() <= super::micros(near_secs);
        self.verdict.deaths.iter().any(|death| is_near(death.at))
            || self.findings.iter().any(|finding| {
                let is_end = !finding.is_storm() && finding.severity_reason != SeverityReason::LogBegins;
                is_end && is_near(finding.started_at)
            })
    }
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
            let around = session.around(at, window)?;
            let mut report = storms_in(&around, options, Some(at)).await?;
            let near = session.thresholds().incident.asked_near_secs;
            if !report.has_end_near(at, f64::from(near)) {
                report.nearest_end = nearest_end(session, at).await?;
            }
            Ok(report)
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
pub(super) const STORM_QUERIES: [&str; 8] = [
    Episode::QUERY,
    EpisodeClient::QUERY,
    Restart::QUERY,
    WatchPileup::QUERY,
    CollectionDelete::QUERY,
    RequestLoop::QUERY,
    RejectionEpisode::QUERY,
    Impersonation::QUERY,
];

/// All rows that findings are based on.
pub(super) struct StormRows {
    presence: Vec<Presence>,
    episodes: Vec<Episode>,
    clients: Vec<EpisodeClient>,
    restarts: Vec<Restart>,
    rejections: Vec<RejectionEpisode>,
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
        let (presence, episodes, clients, restarts, rejections, impersonations, pressure) = tokio::try_join!(
            database.rows(),
            all_episodes(database),
            database.rows(),
            database.rows(),
            database.rows(),
            database.rows(),
            pressure
        )?;
        let profiles = client_profiles(dimensions, &impersonations);
        Ok(Self { presence, episodes, clients, restarts, rejections, pressure, profiles })
    }

    pub(super) fn measured<'m>(&'m self, tally: &'m Tally, from: Option<Micros>) -> Measured<'m> {
        Measured {
            tally,
            episodes: &self.episodes,
            clients: &self.clients,
            restarts: &self.restarts,
            rejections: &self.rejections,
            profiles: &self.profiles,
            from,
        }
    }

    /// What the log can show at all.
    pub(super) fn visibility(&self, tally: &Tally, session: &Session) -> Visibility {
        assess_visibility(tally, &self.presence, session.window() != Window::default())
    }

    /// What the log can't show.
    pub(super) fn blind_spots(&self, tally: &Tally, findings: &[Finding]) -> Vec<BlindSpot> {
        blind_spots(&assess_coverage(tally, &self.presence), findings)
    }
}

/// The episodes of LISTs and watches, and those of other shapes.
async fn all_episodes(database: &Database) -> Result<Vec<Episode>, TablesError> {
    let mut episodes: Vec<Episode> = database.rows().await?;
    let (watches, deletes, loops): (Vec<WatchPileup>, Vec<CollectionDelete>, Vec<RequestLoop>) =
        tokio::try_join!(database.rows(), database.rows(), database.rows())?;
    episodes.extend(watches.into_iter().map(Episode::from));
    episodes.extend(deletes.into_iter().map(Episode::from));
    episodes.extend(loops.into_iter().map(Episode::from));
    Ok(episodes)
}

/// What is known of each client. Of several identities of one client, the one known best is taken.
fn client_profiles(dimensions: &Dimensions, impersonations: &[Impersonation]) -> BTreeMap<String, ClientProfile> {
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
            impersonated_users: impersonated_users(&client.client, impersonations),
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

/// The users that a client impersonates, those with most requests first.
fn impersonated_users(client: &str, impersonations: &[Impersonation]) -> Vec<String> {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for one in impersonations.iter().filter(|one| one.client == client) {
        *counts.entry(&one.impersonated_user_name).or_default() += one.request_count;
    }
    let mut users: Vec<_> = counts.into_iter().collect();
    users.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    users.into_iter().map(|(user, _)| user.to_owned()).collect()
}

fn assemble(
    session: &Session,
    options: &StormOptions,
    findings: Vec<Finding>,
    rows: &StormRows,
    (tally, at): (&Tally, Option<Micros>),
) -> StormReport {
    let visibility = rows.visibility(tally, session);
    let verdict = reach_verdict(&findings, rows.measured(tally, None), visibility, session.thresholds());
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
        nearest_end: None,
        findings: shown,
        blind_spots,
    }
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
