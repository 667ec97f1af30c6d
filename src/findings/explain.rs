//! What each kind of finding is about, for those who ask.

use super::finding::Kind;
use super::{
    apiserver_restart, discovery_loop, list_loop, list_pileup, page_storm, relist_herd, restart_herd, retry_loop,
    unpaginated_list, watch_churn,
};

/// Why a kind of finding matters, how it is found, and what it can't see.
#[derive(Clone, Copy, Debug)]
pub struct Explanation {
    /// Why it matters.
    pub reason: &'static str,
    /// How it is found; the thresholds are named as in their file.
    pub rule: &'static str,
    /// What it can't see.
    pub limits: &'static str,
}

/// The explanation of a kind.
pub const fn explain(kind: Kind) -> Explanation {
    match kind {
        Kind::ApiserverRestart => apiserver_restart::EXPLANATION,
        Kind::RestartHerd => restart_herd::EXPLANATION,
        Kind::ListPileup => list_pileup::EXPLANATION,
        Kind::RelistHerd => relist_herd::EXPLANATION,
        Kind::ListLoop => list_loop::EXPLANATION,
        Kind::RetryLoop => retry_loop::EXPLANATION,
        Kind::UnpaginatedList => unpaginated_list::EXPLANATION,
        Kind::PageStorm => page_storm::EXPLANATION,
        Kind::WatchChurn => watch_churn::EXPLANATION,
        Kind::DiscoveryLoop => discovery_loop::EXPLANATION,
    }
}
