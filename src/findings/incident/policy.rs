//! What to log next time: an audit policy that keeps this kind of forensics possible, and what it would write.

use serde::Serialize;

use super::ServerActivity;
use crate::audit::Stage;
use crate::requests::Tally;

/// An audit policy, and its volume on the traffic of this log.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Policy {
    /// The policy, for `--audit-policy-file`.
    pub yaml: &'static str,
    /// What it would write.
    pub volume: PolicyVolume,
}

/// Lines and bytes a day, at the rate of this log.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct PolicyVolume {
    /// Lines of this log.
    pub lines_per_day_now: u64,
    /// Bytes of this log, uncompressed.
    pub bytes_per_day_now: u64,
    /// Lines under the policy, for the requests that were looked at.
    pub lines_per_day: u64,
    /// Their bytes, at the length that a line of this log has on average.
    pub bytes_per_day: u64,
    /// What the numbers rest on, in words.
    pub basis: String,
}

/// Rules are tried in order, and the first one that matches decides. Stages that are omitted can be told by rule, not by
/// whether a watch begins with a list, so all watches keep theirs.
const POLICY: &str = r#"apiVersion: audit.k8s.io/v1
kind: Policy
rules:
  # Probes and metrics: thousands of lines that tell nothing.
  - level: None
    nonResourceURLs: ["/healthz*", "/livez*", "/readyz*", "/metrics", "/version"]
  # LISTs and watch-lists with all of their stages: one that is in flight when the server is killed has no
  # ResponseComplete, so that RequestReceived is all that will ever be known of it.
  - level: Metadata
    verbs: ["list", "watch"]
  # All else once, when it is done: that line has both times.
  - level: Metadata
    omitStages: ["RequestReceived"]
"#;

/// The policy, with its volume from the requests of these rows, in buckets of so many seconds, and the lines that reading found.
/// The rows may be of a shorter time than the logs.
pub fn audit_policy(activity: &[ServerActivity], bucket_secs: f64, tally: &Tally) -> Policy {
    let sum = |of: fn(&ServerActivity) -> u64| activity.iter().map(of).sum::<u64>();
    let (requests, lists, watches) =
        (sum(|row| row.request_count), sum(|row| row.list_count), sum(|row| row.watch_count));
    // A watch that is still open has no third line yet.
    let lines = requests + lists + 2 * watches;
    let first = activity.iter().map(|row| row.bucket_at).min().unwrap_or_default();
    let last = activity.iter().map(|row| row.bucket_at).max().unwrap_or_default();
    let secs = secs(last - first) + bucket_secs;
    let log_secs = tally.first_at().zip(tally.last_at()).map_or(0.0, |(first, last)| self::secs(last - first));
    let bytes_now: u64 = tally.files.values().map(|file| file.bytes).sum();
    let line_bytes = bytes_now / tally.lines().max(1);
    let has = |stage: Stage| if tally.stages[stage as usize] > 0 { "logged" } else { "not logged" };
    let basis = format!(
        "the requests of this log, with two lines a LIST, three a watch and one for all else, each as long as a line of this log \
         is on average ({line_bytes} bytes); RequestReceived is {} now, ResponseStarted {}. What this log's own policy drops isn't \
         counted; probes are, so it is rather too high",
        has(Stage::RequestReceived),
        has(Stage::ResponseStarted)
    );
    let volume = PolicyVolume {
        lines_per_day_now: per_day(tally.lines(), log_secs),
        bytes_per_day_now: per_day(bytes_now, log_secs),
        lines_per_day: per_day(lines, secs),
        bytes_per_day: per_day(line_bytes * lines, secs),
        basis,
    };
    Policy { yaml: POLICY, volume }
}

/// So many in a day at that rate; of no time none.
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
fn secs(micros: i64) -> f64 {
    micros as f64 / 1e6
}
