//! What to know of the numbers of a replay: what was assumed, and what no log says.

use super::{ReplayNote, counted};
use crate::units;

impl ReplayNote {
    /// The note in a sentence.
    pub fn sentence(&self) -> String {
        match self {
            Self::AssumedDurations { request_count } => format!(
                "requests that were rejected in the log or have no end in it ({}) are replayed with the duration of similar requests",
                units::count(*request_count)
            ),
            Self::Restarts { count } => {
                let restarts = counted(*count as u64, "restart");
                format!(
                    "the log shows {restarts} of an apiserver; each replay cuts off what runs at that moment, even where the \
                     candidate would have kept the server alive; LISTs that were cut off may be missing from the log"
                )
            }
            Self::ImplausibleTimes { request_count } => {
                format!(
                    "requests left out, because their time is years away from that of all others: {}",
                    units::count(*request_count)
                )
            }
            Self::UncertainSeats { uncertain, all } => format!(
                "the log doesn't determine the seats of {} of {} kinds of requests; every other seed takes the most, the others \
                 the least; narrow it with --metrics and --resource",
                units::count(*uncertain as u64),
                units::count(*all as u64)
            ),
            Self::VersionUnknown { assumed } => {
                format!("the server's version is unknown; it is replayed as {assumed}; give it with --kube-version")
            }
            Self::NotReplayed { request_count } => format!(
                "requests that were refused before API Priority and Fairness, bypass it, or are retries in a closed loop are not replayed \
                 ({})",
                units::count(*request_count)
            ),
            other => other.fixed_sentence().to_owned(),
        }
    }

    /// The sentence of a note without numbers.
    fn fixed_sentence(&self) -> &'static str {
        match self {
            Self::DrawnFromSeed => {
                "a server divides its seats anew every 10 s; no log says when exactly, so each seed draws that at random, and draws the \
                 capacity from the possible range"
            }
            Self::FixedDurations => "LISTs take as long as in the log, although fewer at once would take less",
            Self::OpenLoop => {
                "requests come when they came in the log, whatever happened to earlier ones, and rejected requests are not \
                 retried; --closed-loop replays clients that wait and retry"
            }
            Self::ClosedLoop => {
                "every client retries as client-go does, up to 10 times, which other clients may not; waits are summed over all \
                 tries, and pages of one list come when they came in the log"
            }
            Self::DefaultConfiguration => {
                "the current configuration is that of a new cluster; give the server's own with --config"
            }
            Self::UnloggedWaits => {
                "no log has waits under half a second, or the limits of priority levels; a logged 429 that didn't wait for long counts \
                 as queue-full where its level queues; each request has 60 s (--request-timeout)"
            }
            Self::ListMemoryOnly => {
                "memory is what LISTs hold, without the rest of the server's memory; add that with --memory-base"
            }
            Self::WatchesAndServers => {
                "a watch holds its seats until it has started; no log has its wait, so each is replayed with a start no slower than \
                 the quickest quarter of starts; each apiserver is replayed by itself, starting with idle levels"
            }
            Self::StormWindow => {
                "a candidate is replayed in the window of its own storms, together with the candidates above it; its numbers \
                 include all other clients, so a limit on one client may not keep all LISTs within the budget"
            }
            Self::ChoiceOfSize => {
                "only sizes that shares can give are tried, up to a tenth of the server's seats; of those within the budget the \
                 least harmful is chosen, and the smallest of equals"
            }
            Self::TryDryRun => {
                "try a candidate on the server with kubectl apply --dry-run=server, and check it with stormglass apf simulate, \
                 which lists the limits of a replay"
            }
            Self::ApiVersionNotServed => {
                "flowcontrol.apiserver.k8s.io/v1 is served from 1.29 on: this server does not accept the manifests as they are"
            }
            Self::PredictedReplayedLogged => {
                "predicted is a replay of the logs before the change, with the change; replayed is a replay of the logs after it; \
                 logged is what the server did"
            }
            Self::LevelsNotLogged => {
                "the log doesn't say which priority level a request used: all requests that the change should match are counted"
            }
            Self::ShortWaitsAreRanges => {
                "no log has waits under half a second: such a request may have run or waited, so the counts are ranges"
            }
            Self::AssumedDurations { .. }
            | Self::Restarts { .. }
            | Self::ImplausibleTimes { .. }
            | Self::UncertainSeats { .. }
            | Self::VersionUnknown { .. }
            | Self::NotReplayed { .. } => unreachable!("its sentence has numbers"),
        }
    }
}
