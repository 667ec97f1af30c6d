//! The report of `apf seats`: the limits of each priority level, before and after a change.

use serde::Serialize;

use super::page::Page;
use super::{ServerFacts, bullets_section, or_dash, table_section};

/// All there is to say.
#[derive(Clone, Debug, Serialize)]
pub struct SeatsReport {
    /// [`SCHEMA_VERSION`](super::SCHEMA_VERSION).
    pub schema_version: u32,
    /// What the server was taken to be.
    pub server: ServerFacts,
    /// The priority levels, the largest first; with a change as they are after it.
    pub priority_levels: Vec<LevelSeats>,
    /// Whether a change was given.
    pub is_change: bool,
    /// What to know of these numbers.
    pub notes: Vec<String>,
}

/// The seats of a priority level on one apiserver.
#[derive(Clone, Debug, Default, Serialize)]
pub struct LevelSeats {
    /// The level.
    pub priority_level: String,
    /// Whether it lets everything through.
    pub is_exempt: bool,
    /// `nominalConcurrencyShares`.
    pub nominal_concurrency_shares: i32,
    /// Its share of the seats.
    pub nominal: u32,
    /// What it may lend of that.
    pub lendable: u32,
    /// What it keeps in any case.
    pub min: u32,
    /// What it never exceeds.
    pub max: u32,
    /// What it has while nobody asks for anything; `None` where that can't be solved.
    pub idle: Option<u32>,
    /// The most seats of one request: as the level has it, or as the version has it for all.
    pub max_seats_per_request: u32,
    /// The same before the change; `None` without a change, and for a level that is new.
    pub before: Option<Box<LevelSeats>>,
}

impl SeatsReport {
    /// The report as a page.
    pub fn page(&self) -> Page {
        let heading = if self.is_change { "Seats, before → after" } else { "Seats" };
        let rows = self.priority_levels.iter().map(|level| row(level, self.is_change)).collect();
        let columns = [
            ("priority level", false),
            ("shares", true),
            ("nominal", true),
            ("lendable", true),
            ("min", true),
            ("max", true),
            ("idle", true),
            ("per request", true),
        ];
        let sections = vec![
            table_section(heading, "", &columns, rows),
            bullets_section("What to know of these numbers", &self.notes),
        ];
        Page::of("Priority and Fairness: seats", vec![self.server.line()], sections)
    }
}

fn row(level: &LevelSeats, is_change: bool) -> Vec<String> {
    let before = level.before.as_deref();
    let change = |of: &dyn Fn(&LevelSeats) -> String| match before {
        Some(before) if of(before) != of(level) => format!("{} → {}", of(before), of(level)),
        None if is_change => format!("new → {}", of(level)),
        _ => of(level),
    };
    let max = |level: &LevelSeats| if level.is_exempt { "none".to_owned() } else { level.max.to_string() };
    vec![
        level.priority_level.clone(),
        change(&|level| level.nominal_concurrency_shares.to_string()),
        change(&|level| level.nominal.to_string()),
        change(&|level| level.lendable.to_string()),
        change(&|level| level.min.to_string()),
        change(&max),
        change(&|level| or_dash(level.idle.map(|seats| seats.to_string()))),
        change(&|level| level.max_seats_per_request.to_string()),
    ]
}
