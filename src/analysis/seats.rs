//! The limits of all priority levels, before and after a change.

use serde::Serialize;

use super::{LevelSeats, SCHEMA_VERSION, ServerFacts, level_seats};
use crate::apf::{Config, DEFAULT_SERVER_CONCURRENCY, Features, NEWEST_KNOWN, compute_limits, live_config};
use crate::kubernetes::Version;

/// A server, and a change to it.
#[derive(Clone, Debug)]
pub struct SeatsOptions {
    /// The server's version; `None` for the newest that is known.
    pub version: Option<Version>,
    /// The server's FlowSchemas and priority levels; `None` for those of a fresh cluster.
    pub config: Option<Config>,
    /// What is to be applied.
    pub change: Option<Config>,
    /// Seats of one apiserver.
    pub server_concurrency: u32,
}

impl Default for SeatsOptions {
    fn default() -> Self {
        Self { version: None, config: None, change: None, server_concurrency: DEFAULT_SERVER_CONCURRENCY }
    }
}

/// The answer of [`seats`].
#[derive(Clone, Debug, Serialize)]
pub struct SeatsReport {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// What is assumed of the server.
    pub server: ServerFacts,
    /// The priority levels, the largest first; with a change as they are after it.
    pub priority_levels: Vec<LevelSeats>,
    /// Whether a change was given.
    pub is_change: bool,
    /// The sum of all nominal limits, which is more than the server's seats as each is rounded up.
    #[serde(skip)]
    pub nominal_sum: u32,
    /// What to know about the numbers.
    #[serde(rename = "note_codes")]
    pub notes: Vec<SeatsNote>,
}

/// What to know about seats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SeatsNote {
    /// Seats are those of one apiserver, and rounded up.
    EachApiserver,
    /// A LIST takes several seats, and shares are relative.
    SeatsAreNotCalls,
    /// Every 10 s seats go to where they are needed.
    SeatsAreLent,
    /// Before 1.26 no seats are lent.
    SeatsAreNotLent,
    /// Before 1.28 the exempt level has no part in the seats.
    ExemptTakesNoPart,
}

/// Divides a server's seats.
pub fn seats(options: &SeatsOptions) -> SeatsReport {
    let version = options.version.unwrap_or(NEWEST_KNOWN);
    let (before, origin) = live_config(options.config.as_ref(), version);
    let features = Features::for_version(version);
    let seats = |config: &Config| {
        level_seats(config, &compute_limits(&config.priority_levels, options.server_concurrency, &features), &features)
    };
    let mut priority_levels = seats(&before);
    if let Some(change) = &options.change {
        priority_levels = changed(priority_levels, seats(&before.clone().with(change)));
    }
    priority_levels.sort_by_key(|level| (std::cmp::Reverse(level.nominal), level.priority_level.clone()));
    SeatsReport {
        schema_version: SCHEMA_VERSION,
        server: ServerFacts {
            version: Some(version),
            server_concurrency: options.server_concurrency,
            configuration: origin,
        },
        nominal_sum: priority_levels.iter().map(|level| level.nominal).sum(),
        priority_levels,
        is_change: options.change.is_some(),
        notes: notes(&features),
    }
}

/// The levels after a change, each with what it was before.
fn changed(before: Vec<LevelSeats>, after: Vec<LevelSeats>) -> Vec<LevelSeats> {
    let was = |name: &str| before.iter().find(|level| level.priority_level == name).cloned().map(Box::new);
    after.into_iter().map(|level| LevelSeats { before: was(&level.priority_level), ..level }).collect()
}

fn notes(features: &Features) -> Vec<SeatsNote> {
    let lending = if features.lends_seats { SeatsNote::SeatsAreLent } else { SeatsNote::SeatsAreNotLent };
    let exempt = (!features.exempt_takes_part).then_some(SeatsNote::ExemptTakesNoPart);
    [SeatsNote::EachApiserver, SeatsNote::SeatsAreNotCalls, lending].into_iter().chain(exempt).collect()
}
