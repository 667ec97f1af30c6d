//! `synth`: writes a synthetic audit log to a file or to standard output.

use std::fs::File;
use std::io;
use std::path::Path;

use anyhow::{Context, Result};
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::cli::{StormKind, SynthArgs};
use crate::console::Console;
use crate::synth::{RecordedStages, SynthOptions, SynthStorm, SynthSummary, write_log};
use crate::units;

pub(super) fn run(args: &SynthArgs, console: Console) -> Result<()> {
    let options = SynthOptions::from(args);
    let summary = match &args.output {
        None => write_log(&options, &mut console.stdout())?,
        Some(path) => write_file(&options, path).with_context(|| format!("can't write {}", path.display()))?,
    };
    console.note(&describe(&summary));
    Ok(())
}

fn write_file(options: &SynthOptions, path: &Path) -> io::Result<SynthSummary> {
    let mut file = File::create(path)?;
    if path.extension().is_none_or(|extension| extension != "gz") {
        return write_log(options, &mut file);
    }
    let mut encoder = GzEncoder::new(file, Compression::new(6));
    let summary = write_log(options, &mut encoder)?;
    encoder.finish()?;
    Ok(summary)
}

impl From<&SynthArgs> for SynthOptions {
    fn from(args: &SynthArgs) -> Self {
        Self {
            seed: args.seed,
            bytes: args.bytes,
            start: args.start,
            nodes: args.nodes,
            stages: if args.omit_request_received { RecordedStages::OmitRequestReceived } else { RecordedStages::All },
            bodies_percent: args.bodies,
            storm: args.storm.map(SynthStorm::from),
            requests_per_sec: args.rate,
        }
    }
}

impl From<StormKind> for SynthStorm {
    fn from(kind: StormKind) -> Self {
        match kind {
            StormKind::CalicoRelist => Self::CalicoRelist,
            StormKind::PythonListLoop => Self::PythonListLoop,
            StormKind::OperatorListLoop => Self::OperatorListLoop,
            StormKind::ApiserverRestart => Self::ApiserverRestart,
        }
    }
}

fn describe(summary: &SynthSummary) -> String {
    let storm =
        summary.storm.map(|(from, to)| format!("; storm from {} to {}", units::second(from), units::second(to)));
    format!(
        "wrote {} lines of {} requests ({}), from {} to {}{}",
        units::count(summary.lines),
        units::count(summary.requests),
        units::bytes(summary.bytes),
        units::second(summary.first_stage_at),
        units::second(summary.last_stage_at),
        storm.unwrap_or_default()
    )
}
