//! How severe a finding is, and what makes it so.

use serde::Serialize;

use super::culprit::Culprit;
use super::finding::{Bytes, Kind, as_instant};
use crate::audit::Micros;

/// How bad a finding is. Greater is worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing; the server copes with it well.
    Info,
    /// A load worth taking away.
    Warning,
    /// Takes a server down, or did.
    Critical,
}

impl Severity {
    /// The severity's name, as in the JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

/// What makes a finding as severe as it is. Counts are of requests of the finding.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum SeverityReason {
    /// The memory that its LISTs held at the peak.
    Held {
        /// The estimate.
        bytes: Bytes,
    },
    /// An apiserver died while it went on, or soon after.
    DiedMeanwhile {
        /// The last sign of life before the start that followed.
        #[serde(serialize_with = "as_instant")]
        died_at: Micros,
        /// The memory held at the peak; `None` where no size is known.
        bytes: Option<Bytes>,
        /// LISTs in flight at the peak.
        lists: u64,
    },
    /// So many LISTs of whole collections were in flight all the time.
    InFlightForLong {
        /// LISTs in flight, on average over the finding's span.
        mean_lists: f64,
        /// How long they were in flight, all of them together, in seconds.
        list_secs: f64,
    },
    /// A single LIST took very long.
    LongestList {
        /// Its duration in seconds.
        secs: f64,
    },
    /// The rate at which its LISTs return data.
    ReturnedPerSec {
        /// Bytes per second over the finding's span, at least.
        bytes_per_sec: u64,
        /// At most; `None` where nothing bounds it.
        high_bytes_per_sec: Option<u64>,
    },
    /// The size of its largest response.
    LargestResponse {
        /// At least so many bytes.
        low_bytes: u64,
    },
    /// Nothing tells how big its responses are.
    UnknownSize,
    /// Whole collections were listed, and nothing tells how big they are.
    WholeCollectionsOfUnknownSize,
    /// A whole collection of unknown size is listed at this rate.
    UnknownSizeAtThisRate {
        /// Requests per second.
        requests_per_sec: f64,
    },
    /// The size is unknown, but the LISTs are few or narrowed by namespace or selector.
    FewOrNarrowOfUnknownSize,
    /// The LISTs are slow to come, or narrowed by namespace or selector.
    SlowOrNarrow,
    /// LISTs in flight at once.
    InFlight {
        /// At the peak.
        lists: u64,
    },
    /// LISTs in flight at once, some of them of one resource whose size nothing tells.
    InFlightOfUnknownSize {
        /// At the peak.
        lists: u64,
        /// Those of them that are of one client and one resource of unknown size.
        unknown: u64,
    },
    /// Requests were rejected, failed or timed out.
    Refused {
        /// How many.
        failed: u64,
    },
    /// A share of the LISTs was rejected, failed or timed out.
    RefusedShare {
        /// Those that were.
        failed: u64,
        /// All of them.
        all: u64,
    },
    /// LISTs were cut off at the server's request timeout: their work was for nothing.
    RanIntoTimeout {
        /// How many.
        timed_out: u64,
        /// The server's request timeout, in seconds.
        timeout_secs: f64,
    },
    /// The tries followed failures that cost the server work, or were rejected.
    FailedTries {
        /// Rejected with 429.
        rejected: u64,
        /// Failed with 5xx.
        errors: u64,
        /// Cut off at the server's request timeout.
        timed_out: u64,
    },
    /// The tries are few, or fail without much work for the server.
    FewOrCheapTries,
    /// Pages failed because their snapshot was compacted away (410).
    PagesGone {
        /// How many.
        pages: u64,
    },
    /// The rate of pages after the first.
    PagesPerSec {
        /// Pages per second.
        pages_per_sec: f64,
    },
    /// Short watches were followed by a LIST at once: their resourceVersion was too old.
    ListedAfterwards {
        /// How many watches.
        watches: u64,
    },
    /// The rate of short watches.
    WatchesPerSec {
        /// Watches per second.
        watches_per_sec: f64,
    },
    /// Watches were opened again at once.
    ReopenedAtOnce {
        /// How many.
        watches: u64,
    },
    /// Watches that no LIST follows cost the server little.
    WatchesWithoutLists,
    /// The rate of reads of the API's own description.
    DiscoveryPerSec {
        /// Reads per second.
        reads_per_sec: f64,
        /// Distinct paths.
        paths: u64,
    },
    /// Its watches were cut by its own `timeout`.
    CutByOwnTimeout {
        /// How long they lived, in seconds: their median.
        lived_secs: f64,
        /// How long they asked to live, in seconds: their median.
        asked_secs: f64,
    },
    /// Watches open at once.
    OpenWatches {
        /// At the peak, of all instances.
        open: u64,
        /// Those that would do: one for each namespace, name or selector of each instance.
        needed: u64,
        /// Those that have no end in the log.
        without_end: u64,
    },
    /// deletecollections in flight at once, and how long they take.
    DeletionsInFlight {
        /// At the peak.
        deletions: u64,
        /// Seconds that the longest took, or took at least.
        longest_secs: f64,
        /// Those that have no end in the log.
        without_end: u64,
    },
    /// The rate of GETs of single objects.
    GetsPerSec {
        /// GETs per second.
        gets_per_sec: f64,
        /// Objects; `None` where the log doesn't tell.
        objects: Option<u64>,
    },
    /// The rate of writes that fail.
    FailedWritesPerSec {
        /// Writes per second.
        writes_per_sec: f64,
        /// Failed with 409: the object exists, or was changed meanwhile.
        conflicts: u64,
        /// Failed with 422: the object isn't valid.
        invalid: u64,
        /// Objects; `None` where the log doesn't tell.
        objects: Option<u64>,
    },
    /// The rate of requests that are refused.
    RefusedPerSec {
        /// Requests per second.
        requests_per_sec: f64,
        /// Refused with 401: nobody that the server knows.
        unauthenticated: u64,
        /// Refused with 403 by the authorizer.
        forbidden: u64,
        /// Refused with 403 by quota, admission and the like.
        not_admitted: u64,
    },
    /// An apiserver rejected requests with 429.
    Rejected {
        /// How many.
        rejected: u64,
        /// Those of clients that had next to no LIST in flight meanwhile.
        bystanders: u64,
        /// The client that had most LISTs in flight meanwhile and was rejected too; `None` where none stands out.
        busiest: Option<String>,
    },
    /// An apiserver died: these requests have no end in the log.
    CutOff {
        /// Watches without an end.
        watches: u64,
        /// LISTs without an end.
        lists: u64,
    },
    /// Requests have no end in the log, but no start is seen, or no such request has an end anywhere in it: the apiserver
    /// died, or a piece of the log is missing.
    CutOffOrLogMissing {
        /// Watches without an end.
        watches: u64,
        /// LISTs without an end.
        lists: u64,
    },
    /// The log begins with the start.
    LogBegins,
    /// The policy logs only how requests end, so nothing shows whether any were cut off.
    OnlyEndsLogged,
    /// The policy leaves the ends of requests out, so nothing shows how many were in flight at once.
    InFlightNotLogged,
    /// The policy leaves the ends of requests out, so nothing shows whether any were cut off.
    EndsNotLogged,
    /// No request was cut off, as far as the log shows.
    NothingCutOff,
    /// A finding that is part of it is as severe.
    WorstPart {
        /// The part's kind.
        kind: Kind,
        /// The part's clients.
        #[serde(flatten)]
        culprit: Culprit,
        /// What makes the part as severe.
        reason: Box<SeverityReason>,
    },
}
