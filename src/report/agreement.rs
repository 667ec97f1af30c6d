//! How far our reading of requests agrees with the server's own log.

use super::bullets_section;
use super::page::Section;
use crate::analysis::explain::Agreement;
use crate::units;

impl Agreement {
    /// The sum as a section of a page.
    pub(super) fn section(&self) -> Section {
        /// More differences than that are of the same cause.
        const SHOWN: usize = 10;
        let mut lines = vec![
            format!(
                "FlowSchema and priority level: {} of {} requests agree",
                units::count(self.same_flow_schema_count),
                units::count(self.request_count)
            ),
            format!(
                "seats of lists and watches: {} of {} agree, {} more are within what is known",
                units::count(self.same_seats_count),
                units::count(self.list_count),
                units::count(self.possible_seats_count)
            ),
        ];
        lines.extend(self.differences.iter().take(SHOWN).map(|difference| {
            format!(
                "differs: {} by our reading, {} by the server's word: {} requests, such as {}",
                difference.reading,
                difference.server,
                units::count(difference.request_count),
                difference.audit_id
            )
        }));
        let more = self.differences.len().saturating_sub(SHOWN);
        if more > 0 {
            lines.push(format!("{more} more differences are in --format json"));
        }
        bullets_section("The server's own word", &lines)
    }
}
