//! `synth` writes large audit logs that look like a real cluster's: for benchmarks and for trying Stormglass where no log
//! may leave the house. The same options give the same bytes on every machine, so that a measurement can be repeated.
//!
//! A small cluster is played through in the order of time (`cluster`, `timeline`): clients with their identities
//! (`clients`) hold watches and renew leases (`routine`), ask this and that in between (`mix`), and a storm may break in
//! (`storms`); `draw` decides how each request ends. What comes of it is written as kube-apiserver writes it (`line`, `outcome`, `bodies`). Nothing is kept but
//! what is in flight. It reads no clock, and its random numbers are its own (`random`).

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use anyhow::{Context, Result};
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::cli::{StormKind, SynthArgs};
use crate::console::Console;
use crate::units;

use cluster::Cluster;
use digits::Micros;
use line::{Lines, Parts};
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
mod random;
mod routine;
mod storms;
mod template;
mod timeline;

/// What log to write.
#[derive(Clone, Debug)]
pub(super) struct Options {
    /// Other seeds give other logs.
    pub seed: u64,
    /// About how many bytes to write: the log ends with the line that reaches it.
    pub bytes: u64,
    /// The first line's time, in microseconds since 1970-01-01T00:00:00Z.
    pub start: i64,
    /// Nodes of the cluster, at least 4; each brings about 40 watches and a lease.
    pub nodes: u32,
    /// Which stages the audit policy keeps.
    pub stages: Stages,
    /// How many lines in a hundred carry a request object, a response object or both; at most those that can.
    pub bodies_percent: f64,
    /// What goes wrong when two fifths of the log are written.
    pub storm: Option<Storm>,
    /// Requests that arrive per second outside of a storm; routines such as leases take what they need of it, and may
    /// take more.
    pub requests_per_sec: f64,
}

impl Default for Options {
    /// A gigabyte: some two hours of a hundred nodes.
    fn default() -> Self {
        Self {
            seed: 1,
            bytes: 1_000_000_000,
            // 2026-01-15T08:00:00Z, a Thursday.
            start: 1_768_464_000_000_000,
            nodes: 100,
            stages: Stages::All,
            bodies_percent: 1.0,
            storm: None,
            requests_per_sec: 50.0,
        }
    }
}

/// Which stages the audit policy keeps (`omitStages`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stages {
    /// All of them.
    All,
    /// All but RequestReceived, as most policies have it.
    OmitRequestReceived,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Storm {
    /// All calico-node agents restart within two seconds and list everything.
    CalicoRelist,
    /// Forty pods of one Python program list all pods, over and over, for three minutes.
    PythonListLoop,
    /// Five workers of an operator list all pods each second, for two minutes.
    OperatorListLoop,
    /// The server is killed: requests without an end, a gap of some ten seconds, and everybody reconnects.
    ApiserverRestart,
}

/// What was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Summary {
    /// Lines.
    pub lines: u64,
    /// Bytes.
    pub bytes: u64,
    /// Requests of which there is at least one line.
    pub requests: u64,
    /// The earliest stage timestamp, in microseconds since 1970-01-01T00:00:00Z.
    pub first: i64,
    /// The latest stage timestamp.
    pub last: i64,
    /// From when to when the storm was, if one came; its traces go on a little longer.
    pub storm: Option<(i64, i64)>,
}

pub(super) fn run(args: &SynthArgs, console: Console) -> Result<()> {
    let options = Options::from(args);
    let summary = match &args.output {
        None => write_log(&options, &mut console.stdout())?,
        Some(path) => write_file(&options, path).with_context(|| format!("can't write {}", path.display()))?,
    };
    console.note(&describe(&summary));
    Ok(())
}

fn write_file(options: &Options, path: &Path) -> io::Result<Summary> {
    let mut file = File::create(path)?;
    if path.extension().is_none_or(|extension| extension != "gz") {
        return write_log(options, &mut file);
    }
    let mut encoder = GzEncoder::new(file, Compression::new(6));
    let summary = write_log(options, &mut encoder)?;
    encoder.finish()?;
    Ok(summary)
}

impl From<&SynthArgs> for Options {
    fn from(args: &SynthArgs) -> Self {
        Self {
            seed: args.seed,
            bytes: args.bytes,
            start: args.start,
            nodes: args.nodes,
            stages: if args.omit_request_received { Stages::OmitRequestReceived } else { Stages::All },
            bodies_percent: args.bodies,
            storm: args.storm.map(|kind| match kind {
                StormKind::CalicoRelist => Storm::CalicoRelist,
                StormKind::PythonListLoop => Storm::PythonListLoop,
                StormKind::OperatorListLoop => Storm::OperatorListLoop,
                StormKind::ApiserverRestart => Storm::ApiserverRestart,
            }),
            requests_per_sec: args.rate,
        }
    }
}

fn describe(summary: &Summary) -> String {
    let storm =
        summary.storm.map(|(from, to)| format!("; a storm from {} to {}", units::instant(from), units::instant(to)));
    format!(
        "{} lines of {} requests in {}, {} to {}{}",
        units::count(summary.lines),
        units::count(summary.requests),
        units::bytes(summary.bytes),
        units::instant(summary.first),
        units::instant(summary.last),
        storm.unwrap_or_default()
    )
}

/// Writes a log to `out`, which needs no buffer of its own.
///
/// # Errors
/// When `out` can't be written to.
pub(super) fn write_log(options: &Options, out: &mut dyn Write) -> io::Result<Summary> {
    const FLUSH_AT: usize = 256 * 1024;
    let mut log = Log::new(options);
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

/// A log that is being written.
struct Log {
    cluster: Cluster,
    lines: Lines,
    buffer: Vec<u8>,
    summary: Summary,
    /// The storm that is still to come, and after how many bytes.
    storm: Option<(Storm, u64)>,
}

impl Log {
    fn new(options: &Options) -> Self {
        Self {
            cluster: Cluster::new(options),
            lines: Lines::new(),
            buffer: Vec::new(),
            summary: Summary { lines: 0, bytes: 0, requests: 0, first: Micros::MAX, last: Micros::MIN, storm: None },
            storm: options.storm.map(|storm| (storm, options.bytes / 5 * 2)),
        }
    }

    /// Does what comes next; `false` when nothing does, which never happens while a cluster has routines.
    fn step(&mut self) -> bool {
        let Some((now, task)) = self.cluster.timeline.next() else {
            return false;
        };
        match task {
            Task::Write(request) => self.write(request, now),
            Task::Turn(routine) => self.cluster.turn(routine, now),
            Task::Ask => self.cluster.ask(now),
            Task::Once(client, call) => self.cluster.arrive(client, call, None, now),
            Task::Calm => self.cluster.calm(),
        }
        if let Some((storm, _)) = self.storm.take_if(|(_, after)| self.summary.bytes >= *after) {
            let end = self.cluster.storm(storm, now);
            self.summary.storm = Some((now, end));
        }
        true
    }

    fn write(&mut self, request: Box<Request>, now: Micros) {
        let before = self.buffer.len();
        let parts = Parts::new(&request, &self.cluster.clients, &self.cluster.calls);
        self.lines.push(&parts, &mut self.buffer);
        let length = u64::try_from(self.buffer.len() - before).unwrap_or(0);
        let stage_at = request.stage_at();
        self.summary.bytes += length;
        self.summary.lines += 1;
        self.summary.requests += u64::from(!request.is_seen);
        self.summary.first = self.summary.first.min(stage_at);
        self.summary.last = self.summary.last.max(stage_at);
        self.cluster.written(request, now);
    }
}

#[cfg(test)]
mod tests;
