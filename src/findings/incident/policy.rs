//! What to log next time: an audit policy that keeps this kind of forensics possible, and what it would write.

use serde::Serialize;

use super::ServerActivity;
use crate::audit::Stage;
use crate::requests::Tally;

/// An audit policy, and its volume on the traffic of this log.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AuditPolicy {
    /// The policy, for `--audit-policy-file`.
    pub yaml: &'static str,
    /// What it would write.
    pub volume: PolicyVolume,
}

/// Lines and bytes a day, at the rate of this log. It counts two lines a LIST, three a watch and one for all else.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct PolicyVolume {
    /// Lines of this log.
    pub lines_per_day_now: u64,
    /// Bytes of this log, uncompressed.
    pub bytes_per_day_now: u64,
    /// Lines under the policy, for the requests that were looked at.
    pub lines_per_day: u64,
    /// Their bytes, at [`Self::line_bytes`] each.
    pub bytes_per_day: u64,
    /// The mean length of a line of this log, in bytes.
    pub line_bytes: u64,
    /// Whether this log has any event of the stage RequestReceived.
    pub logs_request_received: bool,
    /// Whether this log has any event of the stage ResponseStarted.
    pub logs_response_started: bool,
}

/// Rules are tried in order, and the first one that matches decides. A rule can omit stages of a verb, but can't tell watches
/// that begin with a list from others, so all watches keep theirs.
const POLICY: &str = include_str!("audit_policy.yaml");

/// The policy, with its volume from the requests of these rows, in buckets of so many seconds, and the lines that reading found.
/// The rows may be of a shorter time than the logs.
pub fn propose_audit_policy(activity: &[ServerActivity], bucket_secs: f64, tally: &Tally) -> AuditPolicy {
    let sum = |of: fn(&ServerActivity) -> u64| activity.iter().map(of).sum::<u64>();
    let (requests, lists) = (sum(|row| row.request_count), sum(|row| row.list_count));
    // A watch that is still open has no third line yet.
    let lines = requests + lists + 2 * sum(|row| row.watch_count);
    let first = activity.iter().map(|row| row.bucket_at).min().unwrap_or_default();
    let last = activity.iter().map(|row| row.bucket_at).max().unwrap_or_default();
    let secs = seconds(last - first) + bucket_secs;
    let log_secs = tally.first_at().zip(tally.last_at()).map_or(0.0, |(first, last)| seconds(last - first));
    let bytes_now: u64 = tally.files.values().map(|file| file.bytes).sum();
    let line_bytes = bytes_now / tally.lines().max(1);
    let volume = PolicyVolume {
        lines_per_day_now: per_day(tally.lines(), log_secs),
        bytes_per_day_now: per_day(bytes_now, log_secs),
        lines_per_day: per_day(lines, secs),
        bytes_per_day: per_day(line_bytes * lines, secs),
        line_bytes,
        logs_request_received: tally.has_stage(Stage::RequestReceived),
        logs_response_started: tally.has_stage(Stage::ResponseStarted),
    };
    AuditPolicy { yaml: POLICY, volume }
}

/// How many there are in a day at that rate; 0 if there was no time to count them in.
fn per_day(count: u64, secs: f64) -> u64 {
    const DAY_SECS: f64 = 86_400.0;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "an estimate of lines or bytes"
    )]
    let count = if secs > 0.0 { (count as f64 / secs * DAY_SECS) as u64 } else { 0 };
    count
}

#[expect(clippy::cast_precision_loss, reason = "the span of a log")]
fn seconds(micros: i64) -> f64 {
    micros as f64 / 1e6
}
