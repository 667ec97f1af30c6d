//! What a report was made from: the logs, and the span of them that it is about.

use serde::Serialize;

use crate::findings::as_instant;
use crate::units::{self, Zone};

/// A span of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Window {
    /// From when, in microseconds since 1970.
    #[serde(serialize_with = "as_instant")]
    pub from: i64,
    /// To when.
    #[serde(serialize_with = "as_instant")]
    pub to: i64,
}

/// What was read.
#[derive(Clone, Debug, Serialize)]
pub struct LogFacts {
    /// The first stage of all.
    #[serde(serialize_with = "as_instant")]
    pub from: i64,
    /// The last.
    #[serde(serialize_with = "as_instant")]
    pub to: i64,
    /// Events.
    pub events: u64,
    /// Bytes, uncompressed.
    pub bytes: u64,
    /// Files.
    pub files: usize,
    /// Lines or parts of lines that could not be read.
    pub unreadable: u64,
}

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
