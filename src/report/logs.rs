//! What a report was made from.

use super::counted;
use crate::analysis::LogFacts;
use crate::units::{self, Zone};

impl LogFacts {
    /// All that in a line.
    pub(super) fn line(&self, zone: &Zone) -> String {
        let in_all = if self.files == 1 { "" } else { " in all" };
        let unreadable = match self.unreadable {
            0 => String::new(),
            count => format!("; {} could not be read", units::pieces(count)),
        };
        format!(
            "Based on {} of {}{in_all} with {} (one or more for each request), from {} to {}{unreadable}.",
            counted(self.files as u64, "log file"),
            units::bytes(self.bytes),
            counted(self.events, "audit event"),
            zone.second(self.from),
            zone.second(self.to)
        )
    }
}
