//! What is typed after `synth`.

use std::path::PathBuf;

use clap::{Args, ValueEnum, ValueHint};

/// Write a large audit log that looks like a real cluster's
///
/// For benchmarks, and for trying things out where no real log may leave the house. The same flags give the same bytes on
/// every machine. The log is that of one kube-apiserver whose audit policy records Metadata, and bodies for a few requests.
#[derive(Args, Clone, Debug)]
pub struct SynthArgs {
    /// How much to write, such as 500MB, 4GB or 64MiB
    #[arg(long, value_name = "SIZE", default_value = "1GB", value_parser = parse_size)]
    pub bytes: u64,
    /// Other seeds give other logs
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// How many nodes the cluster has; each brings some 35 watches and a lease
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(4..=20_000))]
    pub nodes: u32,
    /// Requests per second outside of a storm; leases and watches of many nodes may take more
    #[arg(long, value_name = "RPS", default_value_t = 50.0, value_parser = parse_rate)]
    pub rate: f64,
    /// Let something go wrong when two fifths of the log are written
    #[arg(long, value_name = "KIND", value_enum)]
    pub storm: Option<StormKind>,
    /// Leave out stage RequestReceived, as most audit policies do
    #[arg(long)]
    pub omit_request_received: bool,
    /// How many lines in a hundred carry request or response objects
    #[arg(long, value_name = "PERCENT", default_value_t = 1.0, value_parser = parse_percent)]
    pub bodies: f64,
    /// The time of the first line
    #[arg(long, value_name = "RFC3339", default_value = "2026-01-15T08:00:00Z", value_parser = parse_start)]
    pub start: i64,
    /// Where to write, standard output unless given; a name that ends in .gz is compressed
    #[arg(long, short, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub output: Option<PathBuf>,
}

/// What goes wrong in a log of `synth`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum StormKind {
    /// All calico-node agents restart within two seconds and list everything.
    CalicoRelist,
    /// Forty pods of one Python program list all pods, over and over, for three minutes.
    PythonListLoop,
    /// Five workers of an operator list all pods each second, for two minutes.
    OperatorListLoop,
    /// The server is killed, is gone for some ten seconds, and everybody reconnects.
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
