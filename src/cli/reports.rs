//! What is typed after `incident` and `capacity`: the reports that people read.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum, ValueHint};

use super::replay::{parse_duration, parse_size};
use super::{ClientArgs, FlowArgs, LogArgs, OutputArgs, SizeArgs};
use crate::analysis::LogTime;

/// Arguments of `incident`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  stormglass incident /var/log/kubernetes/audit/ -o incident.html
  stormglass incident audit*.log.gz --metrics metrics.txt --memory resident.csv --memory-limit 16GiB -o incident.html
  stormglass incident audit.log --at 2026-07-23T18:32:10Z --window 1h --timezone Europe/Berlin -o incident.md")]
pub struct IncidentArgs {
    /// The logs
    #[arg(value_name = "LOGS", value_hint = ValueHint::AnyPath, required = true)]
    pub inputs: Vec<String>,
    /// The moment that it is about: RFC 3339, or like -30m. By default the worst end of an apiserver in the logs
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub at: Option<LogTime>,
    /// How much to show: so long before the moment, and a third of it after
    #[arg(long, value_name = "DURATION", default_value = "30m", value_parser = parse_window)]
    pub window: Duration,
    /// The server's resident memory over time, to be drawn over the estimate: CSV, or a Prometheus range query's JSON
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub memory: Option<PathBuf>,
    /// What an apiserver's memory is limited to; candidates are to keep LISTs within a quarter of it
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub memory_limit: Option<u64>,
    /// Don't look for candidates of API Priority and Fairness, which takes longer than all the rest
    #[arg(long)]
    pub no_candidates: bool,
    /// Let candidates limit nodes and kube-system too
    #[arg(long)]
    pub include_system: bool,
    /// How it is written.
    #[command(flatten)]
    pub output: OutputArgs,
    /// Who is who.
    #[command(flatten)]
    pub clients: ClientArgs,
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

/// Arguments of `capacity`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  stormglass capacity /var/log/kubernetes/audit/ -o capacity.html
  stormglass capacity audit/ --week 2026-W47 --metrics metrics.txt --config live.yaml --memory-limit 16GiB -o w47.html
  stormglass capacity audit/ --from -7d --compare none --format markdown")]
pub struct CapacityArgs {
    /// The logs; those of two weeks to compare
    #[arg(value_name = "LOGS", value_hint = ValueHint::AnyPath, required = true)]
    pub inputs: Vec<String>,
    /// The week to review, as in ISO 8601: 2026-W47. By default the last seven days of the logs, or all of them if they are less.
    /// --from and --to are widened to whole hours, and to whole minutes if they are six hours or less apart
    #[arg(long, value_name = "WEEK")]
    pub week: Option<String>,
    /// What to compare with, if the logs have it
    #[arg(long, value_enum, default_value_t, value_name = "PERIOD")]
    pub compare: CompareWith,
    /// What an apiserver's memory is limited to: when a trend would meet it
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub memory_limit: Option<u64>,
    /// How it is written.
    #[command(flatten)]
    pub output: OutputArgs,
    /// Who is who.
    #[command(flatten)]
    pub clients: ClientArgs,
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

/// What to compare a period with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum CompareWith {
    /// The period of the same length before.
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
    if is_fit { Ok(window) } else { Err("it should be from 10s to 168h".to_owned()) }
}
