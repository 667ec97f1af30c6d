//! What is typed after `apf`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum, ValueHint};

use super::replay::{ProposeArgs, SimulateArgs, VerifyArgs};
use super::{ClientArgs, FlowArgs, LogArgs, OutputArgs, SizeArgs};
use crate::kubernetes::Version;

/// The subcommands of `apf`.
#[derive(Debug, Subcommand)]
pub enum ApfCommand {
    /// Tell which client goes by which FlowSchema and priority level, and what that takes of the server's seats
    Explain(ExplainArgs),
    /// Print the limits of each priority level in seats, before and after a change
    Seats(SeatsArgs),
    /// Tell what is wrong with FlowSchemas and priority levels before they are applied
    Lint(LintArgs),
    /// Design FlowSchemas and priority levels against the logs' storms, and try them on the logged requests
    Propose(ProposeArgs),
    /// Replay the logged requests under a change, and tell what it would do
    Simulate(SimulateArgs),
    /// Tell whether a change does what the replay said, by the logs since it is in force
    Verify(VerifyArgs),
}

/// Arguments of `apf explain`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  stormglass apf explain /var/log/kubernetes/audit/ --config live.yaml --kube-version 1.34
  stormglass apf explain audit.log --httplog kube-apiserver.log
  stormglass apf explain --user system:serviceaccount:monitoring:prometheus --verb list --path /api/v1/pods")]
pub struct ExplainArgs {
    /// The logs
    #[arg(value_name = "LOGS", value_hint = ValueHint::AnyPath, required_unless_present = "user")]
    pub inputs: Vec<String>,
    /// Explain one request of this user, step by step, instead of logs
    #[arg(long, value_name = "NAME", conflicts_with_all = ["inputs", "httplog", "from", "to"], requires = "path")]
    pub user: Option<String>,
    /// The groups of --user; by default those that the server itself gives to such a user
    #[arg(long, value_name = "GROUP", value_delimiter = ',', requires = "user")]
    pub groups: Vec<String>,
    /// The verb of that request, such as list, or its HTTP method
    #[arg(long, value_name = "VERB", default_value = "get", requires = "user")]
    pub verb: String,
    /// Its path, with its query if it has one, such as /api/v1/pods?limit=500
    #[arg(long, value_name = "PATH", requires = "user")]
    pub path: Option<String>,
    /// Show the N rows of clients that took most; 0 for all
    #[arg(long, value_name = "N", default_value_t = 30)]
    pub top: usize,
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

/// Arguments of `apf seats`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  stormglass apf seats
  stormglass apf seats --config live.yaml --server-concurrency 1200
  stormglass apf seats --config live.yaml new-level.yaml")]
pub struct SeatsArgs {
    /// FlowSchemas and priority levels that are to be applied
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub change: Vec<PathBuf>,
    /// The server's priority levels, as kubectl get -o yaml prints them; by default those of a fresh cluster
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub config: Vec<PathBuf>,
    /// The server's version, such as 1.34; by default the newest that is known
    #[arg(long, value_name = "VERSION")]
    pub kube_version: Option<Version>,
    /// The seats of one apiserver: --max-requests-inflight and --max-mutating-requests-inflight together
    #[arg(long, value_name = "SEATS", default_value_t = 600, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub server_concurrency: u32,
    /// How it is written.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// Arguments of `apf lint`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  stormglass apf lint limiter.yaml
  stormglass apf lint limiter.yaml --config live.yaml /var/log/kubernetes/audit/
  stormglass apf lint manifests/*.yaml --format json --fail-on warning
  stormglass apf lint --explain misses-cluster-lists")]
pub struct LintArgs {
    /// FlowSchemas and priority levels in YAML or JSON; and logs, whose requests show what they would catch
    #[arg(value_name = "FILE|LOGS", value_hint = ValueHint::AnyPath, required_unless_present_any = ["explain", "rules"])]
    pub inputs: Vec<String>,
    /// Exit with 1 if a finding is of this severity or worse
    #[arg(long, value_enum, value_name = "SEVERITY")]
    pub fail_on: Option<LintSeverityName>,
    /// Explain a rule: why the pattern is bad
    #[arg(long, value_name = "RULE", conflicts_with = "inputs")]
    pub explain: Option<String>,
    /// List the rules
    #[arg(long, conflicts_with_all = ["inputs", "explain"])]
    pub rules: bool,
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

/// How bad a finding of `apf lint` is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LintSeverityName {
    /// Worth knowing.
    Info,
    /// Does something else than it seems to be meant for, or hurts others.
    Warning,
    /// The server refuses, ignores or deletes it.
    Error,
}
