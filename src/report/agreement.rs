//! How far the calculated FlowSchemas, priority levels and seats agree with the server's own log.

use super::page::Section;
use super::{between, bullets_section, counted};
use crate::analysis::explain::{Agreement, Handling};
use crate::units;

impl Agreement {
    /// The comparison as a section of a page.
    pub(super) fn section(&self) -> Section {
        /// More differences than that are of the same cause.
        const SHOWN: usize = 10;
        let mut lines = vec![
            format!(
                "FlowSchema and priority level: the same for {} of {}",
                units::count(self.same_flow_schema_count),
                counted(self.request_count, "request")
            ),
            format!(
                "seats of LISTs and watches: the same for {} of {}; for {} more the server's number is within the calculated range",
                units::count(self.same_seats_count),
                units::count(self.list_count),
                units::count(self.possible_seats_count)
            ),
        ];
        lines.extend(self.differences.iter().take(SHOWN).map(|difference| {
            format!(
                "differs: {} as calculated, {} by the server's log: {}, such as {}",
                handling_words(&difference.reading),
                handling_words(&difference.server),
                counted(difference.request_count, "request"),
                difference.audit_id
            )
        }));
        let more = self.differences.len().saturating_sub(SHOWN);
        if more > 0 {
            lines.push(format!("{more} more: see --format json"));
        }
        bullets_section("Compared with the server's own log", &lines)
    }
}

fn handling_words(handling: &Handling) -> String {
    match handling {
        Handling::Bypasses => "bypasses API Priority and Fairness".to_owned(),
        Handling::Matches { flow_schema, priority_level } => format!("{flow_schema} ({priority_level})"),
        Handling::TakesSeats { low_seats: 1, high_seats: 1, flow_schema } => format!("1 seat in {flow_schema}"),
        Handling::TakesSeats { flow_schema, low_seats, high_seats } => {
            format!("{} seats in {flow_schema}", between(*low_seats, *high_seats))
        }
    }
}
