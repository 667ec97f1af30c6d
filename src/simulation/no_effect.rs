//! Why a candidate changes nothing.

use serde::Serialize;

use super::compare::{CandidateMatch, MatchFailure, acts};
use super::summary::{LevelSummary, ReplaySummary, Spread};

/// Why a candidate changes nothing.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum NoEffect {
    /// It has no FlowSchema, and no FlowSchema of the server uses its priority levels.
    NoFlowSchema,
    /// Its FlowSchemas match no request of the log.
    NoRequestMatched {
        /// These FlowSchemas.
        flow_schemas: Vec<String>,
        /// Why, as far as lint can tell.
        reasons: Vec<MatchFailure>,
    },
    /// Its FlowSchemas match requests, but no LIST.
    NoListMatched {
        /// These FlowSchemas.
        flow_schemas: Vec<String>,
        /// Why, as far as lint can tell.
        reasons: Vec<MatchFailure>,
    },
    /// Its requests go to an exempt priority level.
    ExemptLevel {
        /// That level.
        priority_level: String,
    },
    /// Its priority level borrows seats instead of limiting.
    Borrows(Borrowing),
    /// No request ever waits: the limit is above the load.
    NothingWaits {
        /// The priority level.
        priority_level: String,
        /// The most seats that it had, the median over all seeds.
        seats: f64,
    },
    /// LISTs don't run at the same time under the current configuration.
    NoConcurrentLists,
    /// The LISTs that it holds back are not those of the peak.
    NotThePeak,
}

/// A priority level that had more seats than its nominal limit.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Borrowing {
    /// Its name.
    pub priority_level: String,
    /// Its nominal limit, in seats.
    pub nominal_seats: u32,
    /// The most seats that it had under any seed.
    pub most_seats: f64,
    /// LISTs that ran in it at once, at most.
    pub most_lists: Spread,
}

pub(super) fn explain_no_effect(
    current: &ReplaySummary,
    candidate: &ReplaySummary,
    matched: &CandidateMatch,
) -> NoEffect {
    let (flow_schemas, reasons) = (matched.flow_schemas.clone(), matched.reasons.clone());
    if flow_schemas.is_empty() {
        return NoEffect::NoFlowSchema;
    }
    if matched.request_count == 0 {
        return NoEffect::NoRequestMatched { flow_schemas, reasons };
    }
    if matched.list_count == 0 {
        return NoEffect::NoListMatched { flow_schemas, reasons };
    }
    if let Some(level) = levels(candidate, matched).find(|level| level.is_exempt) {
        return NoEffect::ExemptLevel { priority_level: level.priority_level.clone() };
    }
    if let Some(borrowing) = find_borrowing(candidate, matched) {
        return NoEffect::Borrows(borrowing);
    }
    if let Some(level) = levels(candidate, matched).next().filter(|_| !acts(candidate, matched)) {
        let (priority_level, seats) = (level.priority_level.clone(), level.most_limit.mid);
        return NoEffect::NothingWaits { priority_level, seats };
    }
    if current.most_lists.mid <= 1.0 { NoEffect::NoConcurrentLists } else { NoEffect::NotThePeak }
}

/// The first level of a candidate that had seats of others; `None` if none had.
pub(super) fn find_borrowing(candidate: &ReplaySummary, matched: &CandidateMatch) -> Option<Borrowing> {
    let borrows = |level: &&LevelSummary| {
        !level.is_exempt
            && level.max_seats > level.nominal_seats
            && level.most_limit.mid > f64::from(level.nominal_seats)
    };
    let level = levels(candidate, matched).find(borrows)?;
    Some(Borrowing {
        priority_level: level.priority_level.clone(),
        nominal_seats: level.nominal_seats,
        most_seats: level.most_limit.high,
        most_lists: level.most_lists,
    })
}

fn levels<'s>(candidate: &'s ReplaySummary, matched: &'s CandidateMatch) -> impl Iterator<Item = &'s LevelSummary> {
    candidate.levels.iter().filter(|level| matched.priority_levels.contains(&level.priority_level))
}
