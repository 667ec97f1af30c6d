//! Synthetic audit logs that look like those of a real cluster, with a storm on request: for benchmarks, and for trying
//! Stormglass where no log may leave the site. The same options give the same bytes on every machine, so that a
//! measurement can be repeated.
//!
//! It simulates a small cluster in the order of time (`cluster`, `timeline`). Clients with their identities (`clients`)
//! keep watches open and renew leases (`routine`), make other requests in between (`mix`), and a storm may begin
//! (`storms`). `draw` decides how each request ends; `line`, `outcome` and `bodies` write it as kube-apiserver does.
//! Memory holds only what is in flight. There is no clock here; random numbers come from the seed.

use std::io::{self, Write};

use cluster::Cluster;
use digits::Micros;
use line::{LineParts, LineWriter};
use timeline::{Request, Task};

mod bodies;
mod call;
mod clients;
mod cluster;
mod digits;
mod draw;
mod line;
mod mix;
mod names;
mod outcome;
mod routine;
mod storms;
mod template;
mod timeline;

/// What log to write.
#[derive(Clone, Debug)]
pub struct SynthOptions {
    /// Another seed gives another log.
    pub seed: u64,
    /// The approximate size: the log ends with the line that reaches it.
    pub bytes: u64,
    /// Time of the first line, in microseconds since 1970-01-01T00:00:00Z.
    pub start: i64,
    /// Nodes of the cluster, at least 4; each adds about 40 watches and a lease.
    pub nodes: u32,
    /// Stages that the audit policy records.
    pub stages: RecordedStages,
    /// Percentage of lines with a request object, a response object or both; limited by how many lines can have one.
    pub bodies_percent: f64,
    /// The storm that begins after two fifths of the log.
    pub storm: Option<SynthStorm>,
    /// Requests per second outside of a storm. Periodic requests such as lease renewals count, and may exceed it.
    pub requests_per_sec: f64,
}

impl Default for SynthOptions {
    /// A gigabyte: about two hours of a hundred nodes.
    fn default() -> Self {
        Self {
            seed: 1,
            bytes: 1_000_000_000,
            // 2026-01-15T08:00:00Z, a Thursday.
            start: 1_768_464_000_000_000,
            nodes: 100,
            stages: RecordedStages::All,
            bodies_percent: 1.0,
            storm: None,
            requests_per_sec: 50.0,
        }
    }
}

/// Stages that the audit policy records (`omitStages`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordedStages {
    /// Every stage.
    All,
    /// Every stage except RequestReceived, as in most policies.
    OmitRequestReceived,
}

/// A storm that a synthetic log can contain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SynthStorm {
    /// All calico-node agents restart within two seconds and list everything.
    CalicoRelist,
    /// Forty pods of one Python program list all pods in a loop for three minutes.
    PythonListLoop,
    /// Five workers of an operator list all pods every second for two minutes.
    OperatorListLoop,
    /// The server is killed: requests in flight never complete, the log has a gap of about ten seconds, and all clients
    /// reconnect.
    ApiserverRestart,
}

/// What was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SynthSummary {
    /// Lines, one event each.
    pub lines: u64,
    /// Bytes before compression.
    pub bytes: u64,
    /// Requests with at least one line.
    pub requests: u64,
    /// The earliest stage timestamp, in microseconds since 1970-01-01T00:00:00Z.
    pub first_stage_at: i64,
    /// The latest stage timestamp.
    pub last_stage_at: i64,
    /// Begin and end of the storm: until the last LIST of a loop is answered, or until the herd is served. `None` without a
    /// storm, and if the log was too short.
    pub storm: Option<(i64, i64)>,
}

/// Writes a log to `out`, in pieces large enough that `out` needs no buffer.
///
/// # Errors
/// When writing to `out` fails.
pub fn write_log(options: &SynthOptions, out: &mut dyn Write) -> io::Result<SynthSummary> {
    const FLUSH_AT: usize = 256 * 1024;
    let mut log = LogBuilder::new(options);
    while log.summary.bytes < options.bytes && log.step() {
        if log.buffer.len() >= FLUSH_AT {
            out.write_all(&log.buffer)?;
            log.buffer.clear();
        }
    }
    out.write_all(&log.buffer)?;
    out.flush()?;
    Ok(log.summary)
}

/// A log while it is written.
struct LogBuilder {
    cluster: Cluster,
    lines: LineWriter,
    /// Lines that are not yet written out.
    buffer: Vec<u8>,
    summary: SynthSummary,
    /// The storm that has not begun, and after how many bytes it does.
    storm: Option<(SynthStorm, u64)>,
}

impl LogBuilder {
    fn new(options: &SynthOptions) -> Self {
        let summary = SynthSummary {
            lines: 0,
            bytes: 0,
            requests: 0,
            first_stage_at: Micros::MAX,
            last_stage_at: Micros::MIN,
            storm: None,
        };
        Self {
            cluster: Cluster::new(options),
            lines: LineWriter::new(),
            buffer: Vec::new(),
            summary,
            storm: options.storm.map(|storm| (storm, options.bytes / 5 * 2)),
        }
    }

    /// Runs the next task. `false` if there is none, which never happens while a cluster has routines.
    fn step(&mut self) -> bool {
        let Some((now, task)) = self.cluster.timeline.next() else {
            return false;
        };
        match task {
            Task::Write(request) => self.write(request, now),
            Task::RunRoutine(routine) => self.cluster.run_routine(routine, now),
            Task::SendAdHoc => self.cluster.send_ad_hoc(now),
            Task::SendOnce(client, call) => self.cluster.send(client, call, None, now),
            Task::EndStorm => self.cluster.end_storm(),
        }
        if let Some((storm, _)) = self.storm.take_if(|(_, after)| self.summary.bytes >= *after) {
            let end = self.cluster.start_storm(storm, now);
            self.summary.storm = Some((now, end));
        }
        true
    }

    fn write(&mut self, request: Box<Request>, now: Micros) {
        let before = self.buffer.len();
        let parts = LineParts::new(&request, &self.cluster.clients, &self.cluster.calls);
        self.lines.push(&parts, &mut self.buffer);
        let length = u64::try_from(self.buffer.len() - before).unwrap_or(0);
        let stage_at = request.stage_at();
        self.summary.bytes += length;
        self.summary.lines += 1;
        self.summary.requests += u64::from(!request.is_seen);
        self.summary.first_stage_at = self.summary.first_stage_at.min(stage_at);
        self.summary.last_stage_at = self.summary.last_stage_at.max(stage_at);
        if let Some((_, end)) = self.summary.storm.as_mut().filter(|_| self.cluster.is_of_loop(&request)) {
            *end = stage_at.max(*end);
        }
        self.cluster.advance(request, now);
    }
}

#[cfg(test)]
mod tests;
