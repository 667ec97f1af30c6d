//! What a report was made from.

use crate::analysis::LogFacts;
use crate::units::{self, Zone};

impl LogFacts {
    /// All that in a line.
    pub(super) fn line(&self, zone: &Zone) -> String {
        let (files, in_all) =
            if self.files == 1 { ("one file".to_owned(), "") } else { (format!("{} files", self.files), " in all") };
        let unreadable = match self.unreadable {
            0 => String::new(),
            count => format!("; {} could not be read", units::pieces(count)),
        };
        format!(
            "From {files} with {}{in_all}: {} events (one or more of each request), {} to {}{unreadable}.",
            units::bytes(self.bytes),
            units::count(self.events),
            zone.second(self.from),
            zone.second(self.to)
        )
    }
}
