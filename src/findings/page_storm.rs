//! `page-storm`: chains of pages, one after the other.

use super::context::Context;
use super::episode::{Episode, Pattern};
use super::finding::{Finding, Kind};
use super::impact::Impact;
use super::remedy::Remedy;
use super::severity::{Severity, SeverityReason};

/// Judges chains of pages.
pub(super) fn judge(episode: &Episode, context: &Context<'_>) -> Option<Finding> {
    let thresholds = &context.thresholds.page_storm;
    let is_broken = episode.gone_count >= thresholds.warning_gone;
    let is_storm = episode.request_count >= thresholds.min_pages && episode.chain_count >= thresholds.min_chains;
    if episode.pattern != Pattern::Pages || !(is_storm || is_broken) {
        return None;
    }
    let rate = SeverityReason::PagesPerSec { pages_per_sec: context.rps(episode) };
    let judgement = match context.impact(episode) {
        Impact::Critical(reason) => (Severity::Critical, reason),
        _ if is_broken => (Severity::Warning, SeverityReason::PagesGone { pages: episode.gone_count }),
        _ if context.rps(episode) >= thresholds.warning_rps => (Severity::Warning, rate),
        _ => (Severity::Info, rate),
    };
    let mut finding = Finding::from_episode(Kind::PageStorm, judgement, episode, context);
    finding.query = "pages";
    finding.remedies = context.remedies(episode);
    finding.remedies.insert(0, Remedy::WatchOrPageLessOften);
    if episode.gone_count > 0 {
        finding.remedies.push(Remedy::ReadPagesFaster);
    }
    Some(finding)
}
