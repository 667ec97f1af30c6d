//! `watch-churn`: watches that end long before their time and are opened again.

use super::context::{Context, Worth};
use super::episode::Episode;
use super::explain::Explanation;
use super::finding::{Finding, Kind, Severity};
use crate::units;

pub(super) const EXPLANATION: Explanation = Explanation {
    reason: "A watch is made to last 5 to 10 minutes. When connections are cut, all of them are opened again at once, and \
             those whose resourceVersion has become too old list first. A client that asks for watches of a few seconds \
             does the same all day.",
    rule: "Either watches that follow a cut one come in a burst (as for relist-herd), at least watch_churn.min_reopened by \
           watch_churn.min_instances instances; or a client's watches live less than 30 s, and half of what they asked for \
           or less by request, at least watch_churn.min_watches and watch_churn.min_instance_watches of each instance. It is \
           a warning from watch_churn.warning_reopened at once, from watch_churn.warning_rps on end, or when \
           watch_churn.warning_before_list are followed by a list. A burst that comes with the same client's lists is that \
           relist-herd's, and not told twice.",
    limits: "Who cut a watch, client, server or something between, is not in the log: it ends with code 200 in any case.",
};

/// Judges watches that were cut, in a burst or on end.
pub(super) fn judge(episode: &Episode, context: &Context<'_>) -> Option<Finding> {
    let thresholds = &context.thresholds.watch_churn;
    let is_burst = episode.pattern == "burst"
        && episode.read_kind.as_deref() == Some("watch")
        && episode.instance_count >= thresholds.min_instances
        && episode.request_count >= thresholds.min_reopened
        && !context.is_beside_lists(episode);
    let goes_on = episode.pattern == "short-watches"
        && episode.request_count >= thresholds.min_watches
        && episode.median_instance_reads.is_some_and(|reads| reads >= thresholds.min_instance_watches);
    if !is_burst && !goes_on {
        return None;
    }
    let lists = episode.before_list_count;
    let (severity, reason) = match context.worth(episode) {
        _ if goes_on && lists >= thresholds.warning_before_list => (
            Severity::Warning,
            format!("{lists} of them were followed by a list at once: their resourceVersion was too old"),
        ),
        _ if goes_on && episode.rps() >= thresholds.warning_rps => {
            (Severity::Warning, format!("{} watches a second", units::number(episode.rps())))
        }
        Worth::Critical(reason) | Worth::Warning(reason) => (Severity::Warning, reason),
        _ if is_burst && episode.request_count >= thresholds.warning_reopened => {
            (Severity::Warning, format!("{} watches were opened again at once", units::count(episode.request_count)))
        }
        _ => (Severity::Info, "watches without lists cost the server little".to_owned()),
    };
    let mut finding = Finding::of(Kind::WatchChurn, episode).judged(severity, reason);
    finding.query = if is_burst { "bursts" } else { "short_watches" }.to_owned();
    finding.remedies = if goes_on {
        vec![
            "let watches last: ask for timeoutSeconds of 300 to 600, and go on from the last resourceVersion"
                .to_owned(),
            "ask for bookmarks (allowWatchBookmarks=true), so that the resourceVersion stays young".to_owned(),
        ]
    } else {
        vec!["look for what cut the connections: a load balancer's idle limit, a network change, a proxy that was restarted".to_owned()]
    };
    finding.unknowns.push("who cut the watches: the log has code 200 for all ends".to_owned());
    Some(finding)
}
