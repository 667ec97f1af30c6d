//! From events to requests: the stages of one request joined, in one streaming pass.
//!
//! [`scan()`] reads files, decodes chunks of them on all cores, and joins the stages in the order of the log on
//! (apiserver, auditID, requestReceivedTimestamp). Rows are filled where the decoding happens, so what is handed on in
//! order is only a few words a request. The state kept is what is in flight at one time, never the log's length.

mod decode;
mod ends_logged;
mod join;
mod recent;
mod scan;
mod tally;

use crate::audit::{Event, Micros, Stage};

pub use join::{Joined, MAX_OPEN_BYTES};
pub use recent::REMEMBERED_REQUESTS;
pub use scan::{Progress, last_event_at, scan, tallied};
pub use tally::{FileTally, Gap, Noted, ServerTally, Tally};

/// One API request, as its last logged stage tells it.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The event of the last stage that was logged: it says all that earlier ones say, and more.
    pub event: &'a Event<'a>,
    /// The apiserver that served it; `None` where neither path nor line says.
    pub apiserver: Option<&'a str>,
    /// The file of that event.
    pub file: &'a str,
    /// The line of that event, from 1.
    pub line: u64,
    /// When the response started (stage ResponseStarted); `None` for short requests, and where the log doesn't say.
    pub started_at: Option<Micros>,
    /// When the request ended; `None` while it is open, and in v1alpha1.
    pub completed_at: Option<Micros>,
    /// How it ended.
    pub outcome: Outcome,
}

/// How a request ended, as far as the log tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// The response was finished, with whatever code.
    Complete,
    /// No end is in the log: it was in flight when the log, or the server, ended.
    Open,
    /// The handler panicked.
    Panic,
    /// The log doesn't tell whether or when it ended: the policy leaves the ends of such requests out, or its stages
    /// contradict each other. It counts as a request; that it was in flight at any time is not known.
    Unknown,
}

impl Outcome {
    /// The outcome's name in the `outcome` column.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Open => "open",
            Self::Panic => "panic",
            Self::Unknown => "unknown",
        }
    }
}

impl Request<'_> {
    /// Seconds from its being received to its end.
    pub fn duration_secs(&self) -> Option<f64> {
        let micros = self.completed_at? - self.event.request_received_at?;
        #[expect(clippy::cast_precision_loss, reason = "microseconds of a request stay far below 2^53")]
        let seconds = micros as f64 / 1e6;
        Some(seconds)
    }
}

/// Where requests are put as they are decoded, in order within one chunk of a file.
pub trait Rows: Send + 'static {
    /// Appends one request.
    fn append(&mut self, request: &Request<'_>);
}

/// A span of time; a request belongs to it when its own interval meets it. An open end is `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Window {
    /// The earliest instant.
    pub from: Option<Micros>,
    /// The latest instant, itself included.
    pub to: Option<Micros>,
}

impl Window {
    /// Whether a request's interval meets the window. An end that isn't known lies in the future; a request without any
    /// time is in no bounded window. Where the server's clock stepped back, the interval reaches from the earlier to the
    /// later instant.
    pub fn meets(&self, received_at: Option<Micros>, completed_at: Option<Micros>) -> bool {
        let Some(first) = [received_at, completed_at].into_iter().flatten().min() else {
            return *self == Self::default();
        };
        let last = completed_at.map(|completed_at| completed_at.max(first).max(received_at.unwrap_or(first)));
        let begins_in_time = self.to.is_none_or(|to| first <= to);
        let ends_in_time = self.from.is_none_or(|from| last.is_none_or(|last| last >= from));
        begins_in_time && ends_in_time
    }
}

/// Whether the stage ends a request.
const fn is_end(stage: Stage) -> bool {
    matches!(stage, Stage::ResponseComplete | Stage::Panic)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_in_a_window_that_its_interval_meets() {
        let window = Window { from: Some(10), to: Some(20) };
        for (received_at, completed_at, expected) in [
            (Some(5), Some(9), false),
            (Some(5), Some(10), true),
            (Some(5), Some(30), true),
            (Some(20), Some(30), true),
            (Some(21), Some(30), false),
            (Some(5), None, true),
            (Some(21), None, false),
            (None, None, false),
            // The clock was set back in between.
            (Some(12), Some(9), true),
        ] {
            assert_eq!(window.meets(received_at, completed_at), expected, "{received_at:?} {completed_at:?}");
        }
        assert!(Window::default().meets(None, None));
    }
}
