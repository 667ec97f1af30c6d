//! What is typed after `apf simulate`, `apf propose` and `apf verify`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum, ValueHint};

use super::{ClientArgs, FindingArgs, FlowArgs, LogArgs, Manifests, OutputArgs, ReportOr, SizeArgs};
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
    /// Audit logs
    #[arg(value_name = "LOGS", value_hint = ValueHint::AnyPath, required = true)]
    pub inputs: Vec<String>,
    /// Replay under this change: a directory of FlowSchemas and priority levels, or files joined by commas. Repeat it to
    /// compare several changes
    #[arg(long, value_name = "DIR|FILE[,FILE]", value_hint = ValueHint::AnyPath)]
    pub candidate: Vec<String>,
    /// Report for how long the server's memory exceeds SIZE
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub memory_limit: Option<u64>,
    /// Try several values of the candidate's nominalConcurrencyShares, such as shares=1..50
    #[arg(long, value_name = "shares=FROM..TO", value_parser = parse_sweep)]
    pub sweep: Option<Sweep>,
    /// Name a client that the candidates are meant to throttle; delays to it do not count as harm [default: each client with
    /// at least a fifth of the LISTs that a candidate matches]
    #[arg(long, value_name = "CLIENT")]
    pub target_client: Vec<String>,
    /// Set the added wait above which a client counts as worse off
    #[arg(long, value_name = "DURATION", default_value = "1s", value_parser = parse_duration)]
    pub tolerated_wait: Duration,
    /// Show the N most affected clients; 0 for all
    #[arg(long, value_name = "N", default_value_t = 15)]
    pub top: usize,
    /// How the replay works.
    #[command(flatten)]
    pub replay: ReplayArgs,
    /// Part of the logs.
    #[command(flatten)]
    pub logs: LogArgs,
    /// File, format and time zone.
    #[command(flatten)]
    pub output: OutputArgs,
    /// Classification of clients.
    #[command(flatten)]
    pub clients: ClientArgs,
    /// Sizes of resources, and the server.
    #[command(flatten)]
    pub sizes: SizeArgs,
    /// Configuration of API Priority and Fairness.
    #[command(flatten)]
    pub flows: FlowArgs,
}

/// How requests are replayed.
#[derive(Args, Debug)]
#[command(next_help_heading = "Replay")]
pub struct ReplayArgs {
    /// Replay N times with different random seeds, to cover what logs don't record
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    pub seeds: u64,
    /// Add SIZE, the memory that the server uses without any LIST, to what LISTs hold
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub memory_base: Option<u64>,
    /// Choose the model of how long LISTs take in a replay
    #[arg(long, value_enum, default_value_t, value_name = "MODEL")]
    pub service: ServiceName,
    /// Let N LISTs run at full speed at the same time [default: as measured in the log]
    #[arg(long, value_name = "N", value_parser = parse_capacity, conflicts_with = "service")]
    pub capacity: Option<f64>,
    /// Let clients wait for each response before they send the next request, and retry rejected requests, as client-go does
    #[arg(long)]
    pub closed_loop: bool,
}

/// How long LISTs take in a replay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ServiceName {
    /// LISTs share the server: the fewer run at once, the faster each is.
    #[default]
    Shared,
    /// Each LIST takes as long as in the log, whatever else runs.
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
        .ok_or_else(|| "expected shares=FROM..TO, such as shares=1..50, with at most 1,000 values".to_owned())
}

pub(super) fn parse_size(text: &str) -> Result<u64, String> {
    units::parse_bytes(text)
        .filter(|bytes| *bytes > 0)
        .ok_or_else(|| "expected a size such as 16GiB or 500MB".to_owned())
}

pub(super) fn parse_duration(text: &str) -> Result<Duration, String> {
    let secs = parse_duration_secs(text).filter(|secs| (0.0..1e9).contains(secs));
    secs.map(Duration::from_secs_f64).ok_or_else(|| "expected a duration such as 10s or 1m30s".to_owned())
}

fn parse_capacity(text: &str) -> Result<f64, String> {
    let capacity = text.parse::<f64>().ok().filter(|capacity| *capacity >= 0.1 && capacity.is_finite());
    capacity.ok_or_else(|| "expected a number of at least 0.1, such as 4".to_owned())
}

/// Arguments of `apf propose`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  stormglass apf propose audit.log --config live.yaml --metrics metrics.txt --memory-budget 4GiB --manifests candidates/
  stormglass apf propose audit*.log.gz --resource pods=12000x6KB --include-system
  stormglass apf propose audit.log --format yaml | kubectl apply --dry-run=server -f -")]
pub struct ProposeArgs {
    /// Audit logs
    #[arg(value_name = "LOGS", value_hint = ValueHint::AnyPath, required = true)]
    pub inputs: Vec<String>,
    /// Keep the memory that LISTs hold on one apiserver within SIZE
    #[arg(long, value_name = "SIZE", default_value = "4GiB", value_parser = parse_size)]
    pub memory_budget: u64,
    /// Let a candidate delay clients that have no storm by at most DURATION; of limits that reject the same number of
    /// requests, prefer one that delays the storm's own LISTs by no more than that
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = parse_duration)]
    pub max_wait: Duration,
    /// Allow limits on nodes, kube-system and similar clients, too
    #[arg(long)]
    pub include_system: bool,
    /// Write the manifests to DIR, one file per object, with a kustomization
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub manifests: Option<PathBuf>,
    /// Overwrite existing files in the --manifests directory
    #[arg(long, requires = "manifests")]
    pub force: bool,
    /// How the replay works.
    #[command(flatten)]
    pub replay: ReplayArgs,
    /// Thresholds.
    #[command(flatten)]
    pub findings: FindingArgs,
    /// Part of the logs.
    #[command(flatten)]
    pub logs: LogArgs,
    /// File, format and time zone.
    #[command(flatten)]
    pub output: OutputArgs<ReportOr<Manifests>>,
    /// Classification of clients.
    #[command(flatten)]
    pub clients: ClientArgs,
    /// Sizes of resources, and the server.
    #[command(flatten)]
    pub sizes: SizeArgs,
    /// Configuration of API Priority and Fairness.
    #[command(flatten)]
    pub flows: FlowArgs,
}

/// Arguments of `apf verify`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  stormglass apf verify before.log --after after.log --candidate candidates/
  stormglass apf verify monday/ --after tuesday/ --candidate limit-pods.yaml --config live-before.yaml --metrics metrics.txt")]
pub struct VerifyArgs {
    /// Audit logs from before the change
    #[arg(value_name = "BEFORE", value_hint = ValueHint::AnyPath, required = true)]
    pub inputs: Vec<String>,
    /// Audit logs from after the change took effect
    #[arg(long, value_name = "LOGS", value_hint = ValueHint::AnyPath, num_args = 1.., required = true)]
    pub after: Vec<String>,
    /// The change that was applied: a directory of FlowSchemas and priority levels, or files joined by commas
    #[arg(long, value_name = "DIR|FILE[,FILE]", value_hint = ValueHint::AnyPath, required = true)]
    pub candidate: String,
    /// How the replay works.
    #[command(flatten)]
    pub replay: ReplayArgs,
    /// Part of the logs before the change; those after it are read whole.
    #[command(flatten)]
    pub logs: LogArgs,
    /// File, format and time zone.
    #[command(flatten)]
    pub output: OutputArgs,
    /// Classification of clients.
    #[command(flatten)]
    pub clients: ClientArgs,
    /// Sizes of resources, and the server.
    #[command(flatten)]
    pub sizes: SizeArgs,
    /// Configuration before the change.
    #[command(flatten)]
    pub flows: FlowArgs,
}
