//! Which FlowSchema and priority level each client hits, and how many of the server's seats that takes.

mod agreement;
mod report;

use std::collections::BTreeSet;

use serde::Serialize;

pub use agreement::{Agreement, Difference, Handling, VerdictCheck};
pub use report::{ClientUse, ExplainReport, LevelLoad, LevelPeak, LevelRejections, LevelUse, SchemaUse};

use super::{AnalysisError, LevelSeats, SCHEMA_VERSION, ServerFacts, Session, level_seats};
use crate::apf::{Matcher, NEWEST_KNOWN};
use crate::dimensions::{Dimensions, Flows, Settings};
use crate::kubernetes::Version;
use crate::tables::TypedRow;
use agreement::agreement;

/// What to show.
#[derive(Clone, Copy, Debug, Default)]
pub struct ExplainOptions {
    /// As many rows of clients as take most; `None` for all.
    pub top: Option<usize>,
}

/// What the numbers are based on, or what the log can't tell.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum ExplainNote {
    /// The configuration is that of a fresh cluster.
    ConfigurationNotGiven,
    /// The server's own log has priority levels that the configuration lacks.
    LevelsNotConfigured {
        /// Their names.
        priority_levels: Vec<String>,
    },
    /// A FlowSchema is skipped because its priority level doesn't exist.
    DanglingFlowSchema {
        /// The FlowSchema's name.
        flow_schema: String,
        /// The missing priority level's name.
        priority_level: String,
    },
    /// Users that have no groups in the log, though every server gives them some.
    UsersWithoutGroups {
        /// How many.
        count: u64,
    },
    /// The server's version isn't known.
    ServerVersionUnknown {
        /// The version that is assumed.
        assumed: Version,
    },
    /// The server calls itself one version, but reads LISTs from etcd as older ones do.
    ServerVersionContradicted {
        /// The version that it calls itself, which is assumed.
        version: Version,
    },
    /// Nothing says how many objects a list returns.
    SizesNotGiven,
    /// Requests without an end in the log, and watches without a start.
    EndlessRequests {
        /// How many.
        count: u64,
    },
    /// Only waits over half a second are logged, and none of watches.
    ShortWaitsNotLogged,
    /// Seats of an apiserver are assumed.
    ServerConcurrencyAssumed {
        /// Seats.
        seats: u32,
    },
    /// Seats of writes are based on the watches open on average.
    WatchersAveraged,
    /// More seats were in use than a level can have.
    BeyondLimits {
        /// The levels.
        levels: Vec<LevelBeyondLimit>,
    },
}

/// A priority level with more seats in use than it can have.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LevelBeyondLimit {
    /// Its name.
    pub priority_level: String,
    /// Seats that were in use at once, at least.
    pub seats: u64,
    /// The most that it can have.
    pub max_seats: u64,
}

/// Matches all requests of the logs and adds up what they take.
///
/// # Errors
/// When the logs can't be read or have no event.
pub async fn explain(session: &Session, options: &ExplainOptions) -> Result<ExplainReport, AnalysisError> {
    let wanted = [
        LevelLoad::QUERY,
        LevelPeak::QUERY,
        LevelRejections::QUERY,
        SchemaUse::QUERY,
        ClientUse::QUERY,
        VerdictCheck::QUERY,
    ];
    let dimensions = session.read(&wanted, &[]).await?;
    let database = session.database();
    let has_verdicts = !session.settings().apf.verdicts.is_empty();
    let checks = async { if has_verdicts { database.rows().await } else { Ok(Vec::new()) } };
    let (loads, peaks, rejections, schemas, clients, checks) =
        tokio::try_join!(database.rows(), database.rows(), database.rows(), database.rows(), database.rows(), checks)?;
    let rows = Rows { loads, peaks, rejections, schemas, clients, checks };
    session.tally_of_events()?;
    Ok(assemble(options, session.settings(), &dimensions, rows))
}

struct Rows {
    loads: Vec<LevelLoad>,
    peaks: Vec<LevelPeak>,
    rejections: Vec<LevelRejections>,
    schemas: Vec<SchemaUse>,
    clients: Vec<ClientUse>,
    checks: Vec<VerdictCheck>,
}

fn assemble(options: &ExplainOptions, settings: &Settings, dimensions: &Dimensions, rows: Rows) -> ExplainReport {
    let flows = dimensions.flows();
    let seats = level_seats(&flows.config, &flows.limits, &flows.features);
    let is_configured = |load: &&LevelLoad| seats.iter().any(|seats| seats.priority_level == load.priority_level);
    let only_logged = rows.loads.iter().filter(|load| !is_configured(load)).map(|load| &load.priority_level);
    let mut priority_levels: Vec<LevelUse> =
        seats.iter().map(|seats| level_use(&seats.priority_level, Some(seats), &rows)).collect();
    priority_levels.extend(only_logged.map(|name| level_use(name, None, &rows)));
    let order = |level: &LevelUse| level.load.as_ref().and_then(|load| load.high_seat_secs).unwrap_or(-1.0);
    priority_levels.sort_by(|a, b| order(b).total_cmp(&order(a)).then_with(|| a.priority_level.cmp(&b.priority_level)));
    let mut notes = notes(settings, dimensions, flows, &rows);
    notes.extend(beyond_their_limits(&priority_levels));
    let mut clients = rows.clients;
    let hit = clients.iter().filter(|client| client.rejected_count + client.waited_count > 0).cloned().collect();
    let omitted_clients = clients.len().saturating_sub(options.top.unwrap_or(usize::MAX));
    clients.truncate(options.top.unwrap_or(usize::MAX));
    ExplainReport {
        schema_version: SCHEMA_VERSION,
        server: ServerFacts::new(dimensions, settings, flows.origin),
        held_back: hit,
        priority_levels,
        flow_schemas: rows.schemas,
        omitted_clients,
        clients,
        agreement: (!settings.apf.verdicts.is_empty()).then(|| agreement(&rows.checks)),
        notes,
    }
}

fn level_use(name: &str, seats: Option<&LevelSeats>, rows: &Rows) -> LevelUse {
    let clients: BTreeSet<&str> = rows
        .clients
        .iter()
        .filter(|client| client.priority_level == name)
        .map(|client| client.client.as_str())
        .collect();
    let of_level = rows.peaks.iter().filter(|peak| peak.priority_level == name);
    let peak = of_level.max_by_key(|peak| (peak.peak_high_seats, peak.peak_low_seats));
    LevelUse {
        priority_level: name.to_owned(),
        is_exempt: seats.is_some_and(|seats| seats.is_exempt),
        nominal_seats: seats.map(|seats| seats.nominal),
        min_seats: seats.map(|seats| seats.min),
        max_seats: seats.map(|seats| seats.max),
        idle_seats: seats.and_then(|seats| seats.idle),
        max_seats_per_request: seats.map(|seats| seats.max_seats_per_request),
        client_count: clients.len(),
        load: rows.loads.iter().find(|load| load.priority_level == name).cloned(),
        rejections: rejections(name, &rows.rejections),
        peak_seats: peak.map(|peak| {
            // Nothing takes more than the level can have, so an estimate above that is only a wide one.
            let limit = seats.filter(|seats| !seats.is_exempt).map_or(u64::MAX, |seats| seats.max.into());
            (peak.peak_low_seats, peak.peak_high_seats.min(limit.max(peak.peak_low_seats)))
        }),
        peak_apiserver: peak.and_then(|peak| peak.apiserver.clone()),
    }
}

/// What each apiserver rejected of a level, if any of them did.
fn rejections(name: &str, rows: &[LevelRejections]) -> Vec<LevelRejections> {
    let of_level: Vec<_> = rows.iter().filter(|row| row.priority_level == name).cloned().collect();
    if of_level.iter().any(|row| row.rejected_count > 0) { of_level } else { Vec::new() }
}

/// Levels with more seats in use than they can have: the configuration isn't the server's, or waits are missing.
fn beyond_their_limits(levels: &[LevelUse]) -> Option<ExplainNote> {
    let beyond = levels.iter().filter(|level| !level.is_exempt).filter_map(|level| {
        let (seats, max_seats) = (level.peak_seats?.0, u64::from(level.max_seats?));
        let priority_level = level.priority_level.clone();
        (seats > max_seats).then_some(LevelBeyondLimit { priority_level, seats, max_seats })
    });
    let levels: Vec<LevelBeyondLimit> = beyond.collect();
    (!levels.is_empty()).then_some(ExplainNote::BeyondLimits { levels })
}

fn notes(settings: &Settings, dimensions: &Dimensions, flows: &Flows, rows: &Rows) -> Vec<ExplainNote> {
    let mut notes = Vec::new();
    if settings.apf.config.is_none() {
        notes.push(ExplainNote::ConfigurationNotGiven);
    }
    notes.extend(config_notes(flows, rows));
    if dimensions.version.is_none() {
        notes.push(ExplainNote::ServerVersionUnknown { assumed: NEWEST_KNOWN });
    }
    if let Some(version) = dimensions.version.filter(|_| dimensions.is_version_contradicted) {
        notes.push(ExplainNote::ServerVersionContradicted { version });
    }
    if settings.metrics.is_empty() && settings.given.is_empty() {
        notes.push(ExplainNote::SizesNotGiven);
    }
    let count: u64 = rows.loads.iter().map(|load| load.endless_count).sum();
    if count > 0 {
        notes.push(ExplainNote::EndlessRequests { count });
    }
    notes.push(ExplainNote::ShortWaitsNotLogged);
    if !settings.apf.server_concurrency_is_given {
        notes.push(ExplainNote::ServerConcurrencyAssumed { seats: settings.apf.server_concurrency });
    }
    if flows.features.charges_watched_writes {
        notes.push(ExplainNote::WatchersAveraged);
    }
    notes
}

/// Where the configuration and the requests don't fit each other.
fn config_notes(flows: &Flows, rows: &Rows) -> Vec<ExplainNote> {
    let mut notes = Vec::new();
    let is_unknown = |load: &&LevelLoad| flows.config.priority_level(&load.priority_level).is_none();
    let unknown = rows.loads.iter().filter(is_unknown).map(|load| load.priority_level.clone());
    let priority_levels: Vec<String> = unknown.collect();
    if !priority_levels.is_empty() {
        notes.push(ExplainNote::LevelsNotConfigured { priority_levels });
    }
    notes.extend(Matcher::new(&flows.config).dangling().iter().map(|schema| ExplainNote::DanglingFlowSchema {
        flow_schema: schema.name.clone(),
        priority_level: schema.priority_level.clone(),
    }));
    let digests = flows.digests.iter().map(|(_, digest)| digest);
    let without_groups = digests.filter(|digest| !digest.user.is_empty() && digest.groups.is_empty());
    let users: BTreeSet<&str> = without_groups.map(|digest| digest.user.as_str()).collect();
    if !users.is_empty() {
        notes.push(ExplainNote::UsersWithoutGroups { count: users.len() as u64 });
    }
    notes
}
