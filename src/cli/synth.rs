//! What is typed after `synth`.

use std::path::PathBuf;

use clap::{Args, ValueEnum, ValueHint};

/// Generate an audit log that looks like a real cluster's
///
/// Use it for benchmarks, and to try things out where no real log may be shared. The same flags give the same bytes on
/// every machine. The log is that of one kube-apiserver whose audit policy records Metadata, and bodies for a few requests.
#[derive(Args, Clone, Debug)]
pub struct SynthArgs {
    /// Write about SIZE, such as 500MB, 4GB or 64MiB
    #[arg(long, value_name = "SIZE", default_value = "1GB", value_parser = parse_size)]
    pub bytes: u64,
    /// Set the random seed
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Set the number of nodes; each adds about 35 watches and a lease
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(4..=20_000))]
    pub nodes: u32,
    /// Set the requests per second outside a storm; the leases and watches of many nodes may add up to more
    #[arg(long, value_name = "RPS", default_value_t = 50.0, value_parser = parse_rate)]
    pub rate: f64,
    /// Add a storm after two fifths of the log
    #[arg(long, value_name = "KIND", value_enum)]
    pub storm: Option<StormKind>,
    /// Leave out the stage RequestReceived, as most audit policies do
    #[arg(long)]
    pub omit_request_received: bool,
    /// Set the percentage of lines that carry request or response objects
    #[arg(long, value_name = "PERCENT", default_value_t = 1.0, value_parser = parse_percent)]
    pub bodies: f64,
    /// Set the time of the first line
    #[arg(long, value_name = "TIME", default_value = "2026-01-15T08:00:00Z", value_parser = parse_start)]
    pub start: i64,
    /// Write to FILE instead of standard output; compress it if its name ends in .gz
    #[arg(long, short, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub output: Option<PathBuf>,
}

/// What goes wrong in a log of `synth`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum StormKind {
    /// All calico-node agents restart within two seconds, and list everything.
    CalicoRelist,
    /// Forty pods of one Python program list all pods again and again for three minutes.
    PythonListLoop,
    /// Five workers of an operator list all pods every second for two minutes.
    OperatorListLoop,
    /// The server is killed, stays down for about ten seconds, and all clients reconnect.
    ApiserverRestart,
}

fn parse_size(text: &str) -> Result<u64, String> {
    crate::units::parse_bytes(text).ok_or_else(|| "expected a size such as 500MB, 1GB or 64MiB".into())
}

fn parse_rate(text: &str) -> Result<f64, String> {
    let rate = text.parse::<f64>().ok().filter(|rate| (0.1..=100_000.0).contains(rate));
    rate.ok_or_else(|| "expected requests per second, from 0.1 to 100000".into())
}

fn parse_percent(text: &str) -> Result<f64, String> {
    let percent = text.parse::<f64>().ok().filter(|percent| (0.0..=100.0).contains(percent));
    percent.ok_or_else(|| "expected a percentage from 0 to 100".into())
}

fn parse_start(text: &str) -> Result<i64, String> {
    crate::audit::parse_instant(text).ok_or_else(|| "expected a time such as 2026-01-15T08:00:00Z".into())
}
