//! `page-storm`: chains of pages, one after the other.

use super::context::{Context, Worth};
use super::episode::Episode;
use super::explain::Explanation;
use super::finding::{Finding, Kind, Severity};
use crate::units;

pub(super) const EXPLANATION: Explanation = Explanation {
    reason: "Paging keeps each response small, and that is right. A client that reads the whole collection in pages again \
             and again is still a load: before 1.34 each page after the first is read from etcd. A chain whose snapshot is \
             compacted away (410) makes many clients start again without pages, with everything at once.",
    rule: "A client reads page_storm.min_pages further pages of a resource in page_storm.min_chains chains, or \
           page_storm.warning_gone chains break off with 410. Chains are told by their snapshot's revision. It is a warning \
           from page_storm.warning_rps pages per second, or when chains break off; critical when held.critical_bytes are held \
           (low end) or a server died meanwhile. One long chain is a backup or a person, and nothing.",
    limits: "Tokens that are not upstream's have no revision, so their chains can't be counted. The last page of a chain can't \
             be told from one that was given up.",
};

/// Judges chains of pages.
pub(super) fn judge(episode: &Episode, context: &Context<'_>) -> Option<Finding> {
    let thresholds = &context.thresholds.page_storm;
    let is_broken = episode.gone_count >= thresholds.warning_gone;
    let is_storm = episode.request_count >= thresholds.min_pages && episode.chain_count >= thresholds.min_chains;
    if episode.pattern != "pages" || !(is_storm || is_broken) {
        return None;
    }
    let rate = format!("{} pages a second", units::number(episode.rps()));
    let (severity, reason) = match context.worth(episode) {
        Worth::Critical(reason) => (Severity::Critical, reason),
        _ if is_broken => (
            Severity::Warning,
            format!("{} pages got 410; clients then usually list everything at once", episode.gone_count),
        ),
        _ if episode.rps() >= thresholds.warning_rps => (Severity::Warning, rate),
        _ => (Severity::Info, rate),
    };
    let mut finding = Finding::of(Kind::PageStorm, episode).judged(severity, reason);
    finding.query = "pages".to_owned();
    finding.remedies = context.remedies(episode);
    finding.remedies.insert(0, "watch instead of listing in a loop, or page less often".to_owned());
    if episode.gone_count > 0 {
        finding
            .remedies
            .push("read pages faster than etcd compacts (5 min by default), or use larger pages".to_owned());
    }
    Some(finding)
}
