//! What is typed after `apf simulate`, `apf propose` and `apf verify`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum, ValueHint};

use super::{ClientArgs, FlowArgs, LogArgs, OutputArgs, ProposeFormat, SizeArgs};
use crate::analysis::simulate::Sweep;
use crate::audit::parse_duration_secs;
use crate::units;

/// Arguments of `apf simulate`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  stormglass apf simulate audit.log --candidate limit-pods/ --resource pods=3000x5KB --kube-version 1.33
  stormglass apf simulate audit.log --candidate a.yaml --candidate b.yaml --config live.yaml --memory-limit 16GiB
  stormglass apf simulate audit.log --candidate limit-pods/ --memory-limit 4GiB --sweep shares=1..50")]
pub struct SimulateArgs {
    /// The logs
    #[arg(value_name = "LOGS", value_hint = ValueHint::AnyPath, required = true)]
    pub inputs: Vec<String>,
    /// A change to replay the requests under: a folder of FlowSchemas and priority levels, or files of them, joined by
    /// commas. May be given several times, to compare
    #[arg(long, value_name = "DIR|FILE[,FILE]", value_hint = ValueHint::AnyPath)]
    pub candidate: Vec<String>,
    /// Tell for how long the server's memory was above this
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub memory_limit: Option<u64>,
    /// Try several values of the candidate's nominalConcurrencyShares, such as shares=1..50
    #[arg(long, value_name = "shares=FROM..TO", value_parser = parse_sweep)]
    pub sweep: Option<Sweep>,
    /// Whom the candidates are for: that they are held back is no harm. By default those that have a good part of the LISTs
    /// that a candidate catches
    #[arg(long, value_name = "CLIENT")]
    pub meant: Vec<String>,
    /// Whoever waits longer than before by more than this is hurt
    #[arg(long, value_name = "DURATION", default_value = "1s", value_parser = parse_duration)]
    pub tolerate: Duration,
    /// Show the N clients to whom most happens; 0 for all
    #[arg(long, value_name = "N", default_value_t = 15)]
    pub top: usize,
    /// How it is written.
    #[command(flatten)]
    pub output: OutputArgs,
    /// Who is who.
    #[command(flatten)]
    pub clients: ClientArgs,
    /// How it is replayed.
    #[command(flatten)]
    pub replay: ReplayArgs,
    /// What is how big.
    #[command(flatten)]
    pub sizes: SizeArgs,
    /// What goes where.
    #[command(flatten)]
    pub flows: FlowArgs,
    /// The logs' part.
    #[command(flatten)]
    pub logs: LogArgs,
}

/// How requests are replayed.
#[derive(Args, Debug)]
#[command(next_help_heading = "Replaying")]
pub struct ReplayArgs {
    /// Replay N times, each with another draw of what the log can't tell
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    pub seeds: u64,
    /// What the server's memory is without LISTs; it is added to what they hold
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub memory_base: Option<u64>,
    /// How long LISTs take: by what runs beside them, or as in the log
    #[arg(long, value_enum, default_value_t, value_name = "LAW")]
    pub service: ServiceName,
    /// How many LISTs run side by side at full speed; by default as the log shows it
    #[arg(long, value_name = "N", value_parser = parse_capacity, conflicts_with = "service")]
    pub capacity: Option<f64>,
    /// Let a client ask again only when it has its answer, and try again what was rejected, as client-go does
    #[arg(long)]
    pub closed_loop: bool,
}

/// How long LISTs take in a replay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ServiceName {
    /// They share the server: fewer at once take less time.
    #[default]
    Shared,
    /// As long as in the log, whatever runs beside them.
    Fixed,
}

fn parse_sweep(text: &str) -> Result<Sweep, String> {
    let range = text.strip_prefix("shares=").and_then(|range| range.split_once(".."));
    let whole = |text: &str| text.trim_start_matches('=').parse::<i32>().ok();
    let parsed = range.and_then(|(first, last)| Some(Sweep { first: whole(first)?, last: whole(last)? }));
    /// Each takes a replay.
    const MOST_TRIED: i32 = 1_000;
    parsed
        .filter(|sweep| 0 <= sweep.first && sweep.first <= sweep.last && sweep.last - sweep.first < MOST_TRIED)
        .ok_or_else(|| "it should look like shares=1..50, of no more than 1,000".to_owned())
}

pub(super) fn parse_size(text: &str) -> Result<u64, String> {
    units::parse_bytes(text).filter(|bytes| *bytes > 0).ok_or_else(|| "it should look like 16GiB or 500MB".to_owned())
}

pub(super) fn parse_duration(text: &str) -> Result<Duration, String> {
    let secs = parse_duration_secs(text).filter(|secs| (0.0..1e9).contains(secs));
    secs.map(Duration::from_secs_f64).ok_or_else(|| "it should look like 10s or 1m30s".to_owned())
}

fn parse_capacity(text: &str) -> Result<f64, String> {
    let capacity = text.parse::<f64>().ok().filter(|capacity| *capacity >= 0.1 && capacity.is_finite());
    capacity.ok_or_else(|| "it should be a number above 0, such as 4".to_owned())
}

/// Arguments of `apf propose`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  stormglass apf propose audit.log --config live.yaml --metrics metrics.txt --memory-budget 4GiB --out candidates/
  stormglass apf propose audit*.log.gz --resource pods=12000x6KB --include-system
  stormglass apf propose audit.log --format yaml | kubectl apply --dry-run=server -f -")]
pub struct ProposeArgs {
    /// The logs
    #[arg(value_name = "LOGS", value_hint = ValueHint::AnyPath, required = true)]
    pub inputs: Vec<String>,
    /// What LISTs may hold of an apiserver's memory at once
    #[arg(long, value_name = "SIZE", default_value = "4GiB", value_parser = parse_size)]
    pub memory_budget: u64,
    /// How long clients without a storm may wait because of a candidate; of sizes that reject as much, those under which the
    /// storm's own LISTs wait no longer are preferred
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = parse_duration)]
    pub max_wait: Duration,
    /// Limit nodes and kube-system too
    #[arg(long)]
    pub include_system: bool,
    /// Write the manifests to DIR, one file each, with a kustomization
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub out: Option<PathBuf>,
    /// Write also over files that are there
    #[arg(long, requires = "out")]
    pub force: bool,
    /// How it is written.
    #[command(flatten)]
    pub output: OutputArgs<ProposeFormat>,
    /// Who is who.
    #[command(flatten)]
    pub clients: ClientArgs,
    /// How it is replayed.
    #[command(flatten)]
    pub replay: ReplayArgs,
    /// What is how big.
    #[command(flatten)]
    pub sizes: SizeArgs,
    /// What goes where.
    #[command(flatten)]
    pub flows: FlowArgs,
    /// The logs' part.
    #[command(flatten)]
    pub logs: LogArgs,
}

/// Arguments of `apf verify`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  stormglass apf verify before.log --after after.log --candidate candidates/
  stormglass apf verify monday/ --after tuesday/ --candidate limit-pods.yaml --config live-before.yaml --metrics metrics.txt")]
pub struct VerifyArgs {
    /// The logs from before the change
    #[arg(value_name = "BEFORE", value_hint = ValueHint::AnyPath, required = true)]
    pub inputs: Vec<String>,
    /// The logs since the change is in force
    #[arg(long, value_name = "LOGS", value_hint = ValueHint::AnyPath, num_args = 1.., required = true)]
    pub after: Vec<String>,
    /// The change: a folder of FlowSchemas and priority levels, or files of them, joined by commas
    #[arg(long, value_name = "DIR|FILE[,FILE]", value_hint = ValueHint::AnyPath, required = true)]
    pub candidate: String,
    /// How it is written.
    #[command(flatten)]
    pub output: OutputArgs,
    /// Who is who.
    #[command(flatten)]
    pub clients: ClientArgs,
    /// How it is replayed.
    #[command(flatten)]
    pub replay: ReplayArgs,
    /// What is how big.
    #[command(flatten)]
    pub sizes: SizeArgs,
    /// What goes where before the change.
    #[command(flatten)]
    pub flows: FlowArgs,
    /// Which of the logs before the change; those after it are read whole.
    #[command(flatten)]
    pub logs: LogArgs,
}
