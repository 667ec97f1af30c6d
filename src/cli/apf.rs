//! What is typed after `apf`.

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand, ValueEnum, ValueHint};

use super::replay::{ProposeArgs, SimulateArgs, VerifyArgs};
use super::{ClientArgs, FlowArgs, LogArgs, OutputArgs, SizeArgs};
use crate::apf::lint::{self, LintRule, RULES};
use crate::kubernetes::Version;

/// The subcommands of `apf`.
#[derive(Debug, Subcommand)]
pub enum ApfCommand {
    /// Explain which FlowSchema each client hits, and how many seats it takes
    Explain(ExplainArgs),
    /// Show the seats of each priority level, before and after a change
    Seats(SeatsArgs),
    /// Check FlowSchemas and priority levels for mistakes before you apply them
    Lint(LintArgs),
    /// Design FlowSchemas and priority levels that limit the storms in logs, and try each in a replay
    Propose(ProposeArgs),
    /// Replay the logged requests with changed FlowSchemas and priority levels
    Simulate(SimulateArgs),
    /// Verify that an applied change has the effect that its replay predicted
    Verify(VerifyArgs),
}

/// Arguments of `apf explain`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  stormglass apf explain /var/log/kubernetes/audit/ --config live.yaml --kube-version 1.34
  stormglass apf explain audit.log --httplog kube-apiserver.log
  stormglass apf explain --user system:serviceaccount:monitoring:prometheus --verb list --path /api/v1/pods")]
pub struct ExplainArgs {
    /// Audit logs
    #[arg(value_name = "LOGS", value_hint = ValueHint::AnyPath, required_unless_present = "user")]
    pub inputs: Vec<String>,
    /// Explain, step by step, one request of user NAME instead of those in logs
    #[arg(long, value_name = "NAME", conflicts_with_all = ["inputs", "httplog", "from", "to"], requires = "path")]
    pub user: Option<String>,
    /// Set the groups of the user [default: those that the server adds by itself]
    #[arg(long, value_name = "GROUP", value_delimiter = ',', requires = "user")]
    pub groups: Vec<String>,
    /// Set the request's verb, such as list, or its HTTP method
    #[arg(long, value_name = "VERB", default_value = "get", requires = "user")]
    pub verb: String,
    /// Set the request's path, with its query string, such as /api/v1/pods?limit=500
    #[arg(long, value_name = "PATH", requires = "user")]
    pub path: Option<String>,
    /// Show only the N rows of clients that took the most seats; 0 for all
    #[arg(long, value_name = "N", default_value_t = 30)]
    pub top: usize,
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

/// Arguments of `apf seats`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  stormglass apf seats
  stormglass apf seats --config live.yaml --server-concurrency 1200
  stormglass apf seats --config live.yaml new-level.yaml")]
pub struct SeatsArgs {
    /// FlowSchemas and priority levels to apply
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub change: Vec<PathBuf>,
    /// Read the server's priority levels from FILE, as kubectl get -o yaml prints them [default: those of a new cluster]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub config: Vec<PathBuf>,
    /// Set the server's version, such as 1.34 [default: the newest one known]
    #[arg(long, value_name = "VERSION")]
    pub kube_version: Option<Version>,
    /// Set the seats of one apiserver: --max-requests-inflight plus --max-mutating-requests-inflight
    #[arg(long, value_name = "N", default_value_t = 600, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub server_concurrency: u32,
    /// File, format and time zone.
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
    /// FlowSchemas and priority levels in YAML or JSON; with audit logs as well, it shows which requests they would match
    #[arg(value_name = "FILE|LOGS", value_hint = ValueHint::AnyPath, required_unless_present_any = ["explain", "rules"])]
    pub inputs: Vec<String>,
    /// Exit with 1 if there is a finding of this severity or worse
    #[arg(long, value_enum, value_name = "SEVERITY")]
    pub fail_on: Option<LintSeverityName>,
    /// Explain a rule: what the server does, and why that is a problem
    #[arg(long, value_name = "RULE", conflicts_with = "inputs", value_parser = parse_rule())]
    pub explain: Option<LintRule>,
    /// List the rules
    #[arg(long, conflicts_with_all = ["inputs", "explain"])]
    pub rules: bool,
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

/// Names of rules, so that help, completions and suggestions know them.
fn parse_rule() -> impl TypedValueParser<Value = LintRule> {
    let names = RULES.map(|rule| rule.name);
    PossibleValuesParser::new(names).try_map(|name| lint::explain(&name).copied().ok_or("unknown rule"))
}

/// How severe a finding of `apf lint` is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LintSeverityName {
    /// Worth knowing.
    Info,
    /// Does not do what it seems meant to do, or harms other clients.
    Warning,
    /// The server rejects, ignores or deletes it.
    Error,
}
