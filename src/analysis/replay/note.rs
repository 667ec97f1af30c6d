//! What to know about the numbers of a replay.

use serde::Serialize;

use crate::kubernetes::Version;

/// What to know of the numbers of `apf simulate`, `apf propose` and `apf verify`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "code", rename_all = "kebab-case")]
pub enum ReplayNote {
    /// Requests without a logged duration are replayed with that of similar ones.
    AssumedDurations {
        /// Requests.
        request_count: u64,
    },
    /// Apiservers restarted during the log.
    Restarts {
        /// Restarts.
        count: usize,
    },
    /// Requests are left out since their time is years from all others.
    ImplausibleTimes {
        /// Requests.
        request_count: u64,
    },
    /// When a server divides its seats, and the capacity, are drawn from the seed.
    DrawnFromSeed,
    /// LISTs take as long as in the log, however many run at once.
    FixedDurations,
    /// Requests come when they came in the log; clients don't retry.
    OpenLoop,
    /// Clients wait for their previous response, and retry as client-go does.
    ClosedLoop,
    /// Kinds of requests whose seats the log leaves open.
    UncertainSeats {
        /// These kinds.
        uncertain: usize,
        /// All kinds.
        all: usize,
    },
    /// The configuration is that of a new cluster, as none was given.
    DefaultConfiguration,
    /// The server's version is unknown.
    VersionUnknown {
        /// The version that was assumed.
        assumed: Version,
    },
    /// Logged requests are not replayed.
    NotReplayed {
        /// Requests.
        request_count: u64,
    },
    /// Short waits and the limits of priority levels are in no log.
    UnloggedWaits,
    /// Sizes are of the LISTs alone.
    ListMemoryOnly,
    /// How watches and apiservers are replayed.
    WatchesAndServers,
    /// A candidate is replayed in the window of its own storms.
    StormWindow,
    /// How the size of a candidate is chosen.
    ChoiceOfSize,
    /// A candidate should be tried with a dry run.
    TryDryRun,
    /// The server doesn't serve the API version of the manifests.
    ApiVersionNotServed,
    /// What the columns of a verification are.
    PredictedReplayedLogged,
    /// The log doesn't name priority levels.
    LevelsNotLogged,
    /// Short waits make a range.
    ShortWaitsAreRanges,
}
