//! What is typed after `incident` and `capacity`: the reports that people read.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum, ValueHint};

use super::replay::{parse_duration, parse_size};
use super::{ClientArgs, FindingArgs, FlowArgs, LogArgs, OutputArgs, SizeArgs};
use crate::analysis::LogTime;

/// Arguments of `incident`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  stormglass incident /var/log/kubernetes/audit/ -o incident.html
  stormglass incident audit*.log.gz --metrics metrics.txt --memory resident.csv --memory-limit 16GiB -o incident.html
  stormglass incident audit.log --at 2026-07-23T18:32:10Z --window 1h --timezone Europe/Berlin -o incident.md")]
pub struct IncidentArgs {
    /// Audit logs
    #[arg(value_name = "LOGS", value_hint = ValueHint::AnyPath, required = true)]
    pub inputs: Vec<String>,
    /// Report on the incident at TIME, written as in --from [default: the worst death of an apiserver in the logs]
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub at: Option<LogTime>,
    /// Show the logs from DURATION before the incident to a third of DURATION after it
    #[arg(long, value_name = "DURATION", default_value = "30m", value_parser = parse_window)]
    pub window: Duration,
    /// Draw the server's measured memory from FILE over the estimate: CSV (time, bytes), or the JSON of a Prometheus range
    /// query
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub memory: Option<PathBuf>,
    /// Set the memory limit of one apiserver; the limits that are designed keep LISTs within a quarter of it
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub memory_limit: Option<u64>,
    /// Do not design limits for API Priority and Fairness, which takes longer than everything else
    #[arg(long)]
    pub no_candidates: bool,
    /// Allow limits on nodes, kube-system and similar clients, too
    #[arg(long)]
    pub include_system: bool,
    /// Thresholds.
    #[command(flatten)]
    pub findings: FindingArgs,
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

/// Arguments of `capacity`.
#[derive(Args, Debug)]
#[command(
    after_help = "The review covers whole buckets of time: --from and --to are widened to whole hours, or to whole
minutes if they are at most six hours apart. The report says so.

Examples:
  stormglass capacity /var/log/kubernetes/audit/ -o capacity.html
  stormglass capacity audit/ --week 2026-W47 --metrics metrics.txt --config live.yaml --memory-limit 16GiB -o w47.html
  stormglass capacity audit/ --from -7d --compare none --format markdown"
)]
pub struct CapacityArgs {
    /// Audit logs; give two weeks of them to compare
    #[arg(value_name = "LOGS", value_hint = ValueHint::AnyPath, required = true)]
    pub inputs: Vec<String>,
    /// Review this ISO week, such as 2026-W47 [default: the last seven days of the logs, or all of a shorter log]
    #[arg(long, value_name = "WEEK")]
    pub week: Option<String>,
    /// Choose the period to compare with, if the logs cover it
    #[arg(long, value_enum, default_value_t, value_name = "PERIOD")]
    pub compare: CompareWith,
    /// Set the memory limit of one apiserver, to predict when a trend reaches it
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub memory_limit: Option<u64>,
    /// Thresholds.
    #[command(flatten)]
    pub findings: FindingArgs,
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

/// What to compare a period with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum CompareWith {
    /// The preceding period of the same length.
    #[default]
    Previous,
    /// Nothing.
    None,
}

fn parse_window(text: &str) -> Result<Duration, String> {
    /// What is shown in ten thousand buckets at most.
    const LONGEST: Duration = Duration::from_secs(7 * 24 * 3600);
    let window = parse_duration(text)?;
    let is_fit = (Duration::from_secs(10)..=LONGEST).contains(&window);
    if is_fit { Ok(window) } else { Err("expected a duration from 10s to 168h".to_owned()) }
}
