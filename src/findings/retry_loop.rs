//! `retry-loop`: lists fail and are tried again at once.

use super::context::{Context, Worth};
use super::episode::Episode;
use super::explain::Explanation;
use super::finding::{Finding, Kind, Severity};

pub(super) const EXPLANATION: Explanation = Explanation {
    reason: "A list that takes longer than the server's limit of 60 s is cut off, and the client asks again at once: the \
             server does all the work again, and again for nothing. The more clients do it, the slower each list gets, so \
             that none ever succeeds. The audit log shows such lists with code 200.",
    rule: "The same instance asks for the same list within 35 s of its failure (429, 5xx, another error, or the limit of 60 s), at \
           least 3 times on end; retry_loop.min_tries tries in all. It is a warning from retry_loop.warning_tries tries \
           after 429, 5xx or time-outs, or retry_loop.warning_timed_out time-outs; critical when half of the tries time out \
           and whole collections are listed, or a server died meanwhile. Tries after a 403 or 404 are information: they \
           cost little.",
    limits: "The client's own limit may be shorter than the server's; lists that the client gave up look like any other. \
             Whether a retry was the client library's or the program's is not in the log.",
};

/// Judges tries that follow failures.
pub(super) fn judge(episode: &Episode, context: &Context<'_>) -> Option<Finding> {
    let thresholds = &context.thresholds.retry_loop;
    if episode.pattern != "retry" || episode.request_count < thresholds.min_tries {
        return None;
    }
    let failed = episode.failed_count;
    let is_doomed = episode.timed_out_count >= thresholds.warning_timed_out
        && 2 * episode.timed_out_count >= episode.request_count
        && episode.is_of_whole_collections();
    let (severity, reason) = match context.worth(episode) {
        Worth::Critical(reason) if failed > 0 => (Severity::Critical, reason),
        _ if is_doomed => (
            Severity::Critical,
            format!(
                "{} of the lists ran into the limit of 60 s: all of their work was for nothing",
                episode.timed_out_count
            ),
        ),
        _ if episode.timed_out_count >= thresholds.warning_timed_out || failed >= thresholds.warning_tries => (
            Severity::Warning,
            format!(
                "{} were refused (429), {} failed, {} timed out",
                episode.rejected_count, episode.error_count, episode.timed_out_count
            ),
        ),
        _ => (Severity::Info, "the tries are few, or fail without much work".to_owned()),
    };
    let mut finding = Finding::of(Kind::RetryLoop, episode).judged(severity, reason);
    finding.query = "loops".to_owned();
    finding.remedies = context.remedies(episode);
    finding.remedies.push("back off exponentially, with jitter, and heed Retry-After".to_owned());
    if episode.timed_out_count > 0 {
        finding
            .remedies
            .insert(0, "make the list small enough to end in time: page it, or narrow it by selector".to_owned());
    }
    Some(finding)
}
