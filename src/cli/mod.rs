//! The command line as typed. Its doc comments are the help.

mod apf;
mod options;
mod output;
mod query;
mod replay;
mod reports;
mod synth;

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};

use crate::analysis::LogTime;
use crate::findings::Kind;
use crate::kubernetes::Version;

pub use apf::{ApfCommand, ExplainArgs, LintArgs, LintSeverityName, SeatsArgs};
pub use output::{FindingLines, FormatName, Manifests, OutputArgs, OwnFormat, ReportFormat, ReportOr, RowFormat};
pub use query::{ClientsArgs, QueryArgs, ResourcesArgs};
pub use replay::{ProposeArgs, ReplayArgs, ServiceName, SimulateArgs, VerifyArgs};
pub use reports::{CapacityArgs, CompareWith, IncidentArgs};
pub use synth::{StormKind, SynthArgs};

/// Find out which clients' LISTs and watches overload a kube-apiserver, from its audit logs
///
/// LOGS are files, directories, glob patterns, or - for standard input, plain or compressed with gzip or zstd. Name the
/// apiserver that wrote a log with NAME=PATH; otherwise its name is taken from the path.
///
/// Exit codes: 0 success, 1 success with a finding at or above --fail-on, 2 error, 130 interrupted.
#[derive(Debug, Parser)]
#[command(name = "stormglass", version, max_term_width = 100)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Choose when to use colour; auto respects NO_COLOR
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN")]
    pub color: ColorWhen,
    /// Print only results and errors: no progress, notes or warnings
    #[arg(long, short, global = true)]
    pub quiet: bool,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Find LIST and watch storms
    Storms(StormsArgs),
    /// Explain why an apiserver died: who filled its memory, and what to do about it
    Incident(Box<IncidentArgs>),
    /// Review a week: what each client cost, against the week before and the servers' limits
    Capacity(Box<CapacityArgs>),
    /// List the clients, with their type and how it was determined
    Clients(ClientsArgs),
    /// List the resources, with their estimated size and what it is based on
    Resources(ResourcesArgs),
    /// Work with API Priority and Fairness: explain the current limits, check a change, and replay logs under it
    Apf {
        /// What to do.
        #[command(subcommand)]
        command: ApfCommand,
    },
    /// Run a built-in query or SQL over the requests in audit logs
    Query(QueryArgs),
    /// Check what audit logs can and cannot show
    Doctor(DoctorArgs),
    /// Generate a realistic audit log of any size
    Synth(SynthArgs),
    /// Print a shell's completion script
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Write the man pages of all commands
    Man {
        /// The directory to write to; it is created if it does not exist
        #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
        dir: PathBuf,
    },
}

/// When to use colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ColorWhen {
    /// On a terminal only.
    #[default]
    Auto,
    /// Even when the output is not a terminal.
    Always,
    /// No colour.
    Never,
}

/// Which part of the logs to read.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Logs")]
pub struct LogArgs {
    /// Leave out requests that ended before TIME: 2026-07-23T18:00:00Z, 2026-07-23 18:00 or 18:00:00 (both in --timezone),
    /// or -30m for 30 minutes before the logs' last event
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub from: Option<LogTime>,
    /// Leave out requests received after TIME, written as in --from
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub to: Option<LogTime>,
    /// Fail if any line cannot be read
    #[arg(long)]
    pub strict: bool,
}

/// How clients are classified.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Clients")]
pub struct ClientArgs {
    /// Apply the client rules in FILE before the built-in ones
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub clients: Option<PathBuf>,
}

/// How large resources are, and what the server is: what no audit log says.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Sizes and server")]
pub struct SizeArgs {
    /// Take sizes, version and feature gates from FILE, a saved copy of an apiserver's /metrics; write FILE@TIME to say when
    /// it was taken
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub metrics: Vec<String>,
    /// Set a resource's object count, object size or both, such as pods=10000x17KiB, deployments.apps=300 or secrets=x4KiB
    #[arg(long, value_name = "RESOURCE=SIZE")]
    pub resource: Vec<String>,
    /// Set the server's version, such as 1.34 [default: from --metrics, or else the user agent of the server's
    /// own client]
    #[arg(long, value_name = "VERSION")]
    pub kube_version: Option<Version>,
    /// Set a feature gate that is not at its default on the server: NAME=on or NAME=off
    #[arg(long, value_name = "NAME=STATE", value_delimiter = ',')]
    pub server_features: Vec<String>,
    /// Set the seats of one apiserver: --max-requests-inflight plus --max-mutating-requests-inflight [default: 600]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub server_concurrency: Option<u32>,
}

/// What is known of API Priority and Fairness on the server.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "API Priority and Fairness")]
pub struct FlowArgs {
    /// Read the server's FlowSchemas and priority levels from FILE, as kubectl get -o yaml prints them [default: those of a
    /// new cluster]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub config: Vec<PathBuf>,
    /// Compare with FILE, the apiserver's own log at -v=3, which names each request's FlowSchema, priority level and seats
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub httplog: Vec<PathBuf>,
}

/// What counts as a storm.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Findings")]
pub struct FindingArgs {
    /// Override individual thresholds with those in FILE (YAML); storms --show-thresholds prints them all
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub thresholds: Option<PathBuf>,
}

/// Names of kinds, so that help, completions and suggestions know them.
fn parse_kind() -> impl TypedValueParser<Value = Kind> {
    PossibleValuesParser::new(Kind::ALL.map(Kind::name)).try_map(|name| Kind::named(&name).ok_or("unknown kind"))
}

/// Arguments of `storms`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  stormglass storms /var/log/kubernetes/audit/
  stormglass storms audit.log --at 2026-07-23T18:32:10Z --metrics metrics.txt
  stormglass storms audit*.log.gz --format json --fail-on critical
  stormglass storms --explain relist-herd")]
pub struct StormsArgs {
    /// Audit logs
    #[arg(value_name = "LOGS", value_hint = ValueHint::AnyPath)]
    pub inputs: Vec<String>,
    /// Rank the clients whose LISTs were in flight at TIME, written as in --from; only the logs from 15 minutes before TIME
    /// to 2 minutes after it are read, unless --from or --to say otherwise
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub at: Option<LogTime>,
    /// Show only the N worst findings
    #[arg(long, value_name = "N")]
    pub top: Option<usize>,
    /// Show only findings of this severity or worse
    #[arg(long, value_enum, default_value_t, value_name = "SEVERITY")]
    pub min_severity: SeverityName,
    /// Exit with 1 if there is a finding of this severity or worse
    #[arg(long, value_enum, value_name = "SEVERITY")]
    pub fail_on: Option<SeverityName>,
    /// Explain a kind of finding: why it matters, how it is found, and what it misses
    #[arg(long, value_name = "KIND", conflicts_with = "inputs", value_parser = parse_kind())]
    pub explain: Option<Kind>,
    /// Print the thresholds, with their units and reasons, to copy and change
    #[arg(long, conflicts_with = "inputs")]
    pub show_thresholds: bool,
    /// Add the queries in DIR, or replace built-in ones of the same name
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub queries: Option<PathBuf>,
    /// Thresholds.
    #[command(flatten)]
    pub findings: FindingArgs,
    /// Part of the logs.
    #[command(flatten)]
    pub logs: LogArgs,
    /// File, format and time zone.
    #[command(flatten)]
    pub output: OutputArgs<ReportOr<FindingLines>>,
    /// Classification of clients.
    #[command(flatten)]
    pub clients: ClientArgs,
    /// Sizes of resources, and the server.
    #[command(flatten)]
    pub sizes: SizeArgs,
}

/// How severe a finding is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum SeverityName {
    /// Worth knowing.
    #[default]
    Info,
    /// Puts load on the server.
    Warning,
    /// Can take a server down, or did.
    Critical,
}

/// Arguments of `doctor`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  stormglass doctor /var/log/kubernetes/audit/
  stormglass doctor audit.log -o doctor.md")]
pub struct DoctorArgs {
    /// Audit logs
    #[arg(value_name = "LOGS", value_hint = ValueHint::AnyPath)]
    pub inputs: Vec<String>,
    /// Fail if any line cannot be read
    #[arg(long)]
    pub strict: bool,
    /// File, format and time zone.
    #[command(flatten)]
    pub output: OutputArgs,
}
