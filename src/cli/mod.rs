//! The command line as typed. Its doc comments are the help.

mod apf;
mod options;
mod output;
mod replay;
mod reports;
mod synth;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};

use crate::analysis::LogTime;

pub use apf::{ApfCommand, ExplainArgs, LintArgs, LintSeverityName, SeatsArgs};
pub use output::{FormatName, OutputArgs, ProposeFormat, ReportFormat, StormFormat};
pub use replay::{ProposeArgs, ReplayArgs, ServiceName, SimulateArgs, VerifyArgs};
pub use reports::{CapacityArgs, CompareWith, IncidentArgs};
pub use synth::{StormKind, SynthArgs};

use crate::kubernetes::Version;

/// Tells which clients' LISTs and watches burden a kube-apiserver, from its audit logs
///
/// LOGS are files, directories, glob patterns or - for standard input, plain or compressed with gzip or zstd. The
/// apiserver that wrote a log is told by its path, or given as NAME=PATH.
///
/// Exit codes: 0 done, 1 done and a finding reached --fail-on, 2 couldn't be done, 130 interrupted.
#[derive(Debug, Parser)]
#[command(name = "stormglass", version, max_term_width = 100)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// When to use colour; auto also heeds NO_COLOR
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN")]
    pub color: ColorWhen,
    /// Print nothing but the answer: no progress, no notes
    #[arg(long, short, global = true)]
    pub quiet: bool,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Find the LIST and watch storms in audit logs: who, when, how bad, and what to do
    Storms(StormsArgs),
    /// Tell the story of an apiserver's end: who filled its memory, how sure that is, and what to do
    Incident(Box<IncidentArgs>),
    /// Review a week: what each client asked, against the week before and against what the servers can bear
    Capacity(Box<CapacityArgs>),
    /// Tell who calls the server, and how that is known
    Clients(ClientsArgs),
    /// Tell how many objects each resource has and how big they are, and what that rests on
    Resources(ResourcesArgs),
    /// API Priority and Fairness: who hits which FlowSchema, what it costs, and what is wrong with a change
    Apf {
        /// What to do.
        #[command(subcommand)]
        command: ApfCommand,
    },
    /// Answer a question about the requests in audit logs: a query that comes along, or SQL
    Query(QueryArgs),
    /// Tell what audit logs can and cannot tell
    Doctor(DoctorArgs),
    /// Write a realistic audit log of any size, for trying things out
    Synth(SynthArgs),
    /// Print the completion script of a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// When to use colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ColorWhen {
    /// On a terminal.
    #[default]
    Auto,
    /// Even into a pipe.
    Always,
    /// Not at all.
    Never,
}

/// Which part of which logs.
#[derive(Args, Clone, Debug)]
pub struct LogArgs {
    /// Leave out requests that ended before TIME: RFC 3339, or like -30m, back from the logs' last event
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub from: Option<LogTime>,
    /// Leave out requests received after TIME
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub to: Option<LogTime>,
    /// Fail if any line can't be read
    #[arg(long)]
    pub strict: bool,
}

/// How clients are told.
#[derive(Args, Clone, Debug, Default)]
pub struct ClientArgs {
    /// Tell clients by the rules in FILE first, then by those that come along
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub clients: Option<PathBuf>,
}

/// How big resources are, and what the server is: what no audit log says.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Sizes")]
pub struct SizeArgs {
    /// Take object counts and sizes from an apiserver's /metrics in FILE; FILE@TIME says when it was taken
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub metrics: Vec<String>,
    /// Give a resource's size by hand, such as pods=10000x17KiB, deployments.apps=300 or secrets=x4KiB
    #[arg(long, value_name = "RESOURCE=SIZE")]
    pub resource: Vec<String>,
    /// The server's version, such as 1.34; by default what its own client's user agent says in the log
    #[arg(long, value_name = "VERSION")]
    pub kube_version: Option<Version>,
    /// A feature gate of the server that isn't at its default: NAME=on or NAME=off
    #[arg(long, value_name = "NAME=STATE", value_delimiter = ',')]
    pub server_features: Vec<String>,
    /// The seats of one apiserver: --max-requests-inflight and --max-mutating-requests-inflight together; 600 by default
    #[arg(long, value_name = "SEATS", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub server_concurrency: Option<u32>,
}

/// What is known of API Priority and Fairness on the server.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "API Priority and Fairness")]
pub struct FlowArgs {
    /// The server's FlowSchemas and priority levels, as kubectl get -o yaml prints them; by default those of a fresh cluster
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub config: Vec<PathBuf>,
    /// The apiserver's own log at -v=3: its word on FlowSchema, priority level and seats of each request
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub httplog: Vec<PathBuf>,
}

/// Arguments of `query`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  stormglass query top_clients /var/log/kubernetes/audit/
  stormglass query slow_lists --param min_count=20 audit.log.gz
  stormglass query --sql \"select count(*) from requests where verb = 'list'\" audit*.log")]
pub struct QueryArgs {
    /// The query's name, unless --sql or --file is given; then the logs
    #[arg(value_name = "NAME|LOGS", value_hint = ValueHint::AnyPath)]
    pub args: Vec<String>,
    /// Ask in SQL over the table requests and the queries' views
    #[arg(long, value_name = "TEXT", conflicts_with = "file")]
    pub sql: Option<String>,
    /// Ask what is in a file of SQL
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub file: Option<PathBuf>,
    /// List the queries
    #[arg(long, conflicts_with_all = ["sql", "file", "show", "columns"])]
    pub list: bool,
    /// Print a query's text, to read, or to copy and change
    #[arg(long, value_name = "NAME", conflicts_with_all = ["sql", "file", "columns"])]
    pub show: Option<String>,
    /// List the columns of the table requests, and of those that can be joined to it: clients, resources, list_costs, flows
    #[arg(long, conflicts_with_all = ["sql", "file"])]
    pub columns: bool,
    /// Set a parameter of the query
    #[arg(long, value_name = "NAME=VALUE")]
    pub param: Vec<String>,
    /// Add or replace queries by those in DIR
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub queries: Option<PathBuf>,
    /// How to write the answer
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub format: OutputFormat,
    /// At most N rows; 0 for all. A table shows 50 unless told otherwise
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
    /// Write to FILE instead of standard output
    #[arg(long, short, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub output: Option<PathBuf>,
    /// Memory that sorting and grouping may use before they go to disk
    #[arg(long, value_name = "SIZE", default_value = "1GiB")]
    pub memory: String,
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

/// Formats of answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum OutputFormat {
    /// For people.
    #[default]
    Table,
    /// Comma-separated values.
    Csv,
    /// A JSON array.
    Json,
    /// A JSON object a line.
    Ndjson,
    /// Apache Parquet.
    Parquet,
    /// An Arrow IPC file.
    Arrow,
}

/// Arguments of `storms`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  stormglass storms /var/log/kubernetes/audit/
  stormglass storms audit.log --at 2026-07-23T18:32:10Z --metrics metrics.txt
  stormglass storms audit*.log.gz --format json --fail-on critical
  stormglass storms --explain relist-herd")]
pub struct StormsArgs {
    /// The logs
    #[arg(value_name = "LOGS", value_hint = ValueHint::AnyPath)]
    pub inputs: Vec<String>,
    /// Look at the minutes before TIME, and rank who had lists in flight at it: RFC 3339, or like -30m
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub at: Option<LogTime>,
    /// Show the N worst findings; by default all
    #[arg(long, value_name = "N")]
    pub top: Option<usize>,
    /// Show findings of this severity and worse
    #[arg(long, value_enum, default_value_t, value_name = "SEVERITY")]
    pub min_severity: SeverityName,
    /// Exit with 1 if a finding is of this severity or worse
    #[arg(long, value_enum, value_name = "SEVERITY")]
    pub fail_on: Option<SeverityName>,
    /// Explain a kind of finding: why it matters, how it is found, what it can't see
    #[arg(long, value_name = "KIND", conflicts_with = "inputs")]
    pub explain: Option<String>,
    /// Replace thresholds by those in FILE, of YAML
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub thresholds: Option<PathBuf>,
    /// Print the thresholds, with their units and reasons, to copy and change
    #[arg(long, conflicts_with = "inputs")]
    pub show_thresholds: bool,
    /// Add or replace queries by those in DIR
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub queries: Option<PathBuf>,
    /// How it is written.
    #[command(flatten)]
    pub output: OutputArgs<StormFormat>,
    /// Who is who.
    #[command(flatten)]
    pub clients: ClientArgs,
    /// What is how big.
    #[command(flatten)]
    pub sizes: SizeArgs,
    /// The logs' part.
    #[command(flatten)]
    pub logs: LogArgs,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum SeverityName {
    /// Worth knowing.
    #[default]
    Info,
    /// A burden.
    Warning,
    /// Takes a server down, or did.
    Critical,
}

/// Arguments of `clients`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  stormglass clients /var/log/kubernetes/audit/
  stormglass clients audit.log --clients ours.yaml --format csv
  stormglass clients --check ours.yaml")]
pub struct ClientsArgs {
    /// The logs
    #[arg(value_name = "LOGS", value_hint = ValueHint::AnyPath)]
    pub inputs: Vec<String>,
    /// Check a catalogue of clients: say what is wrong with it, line by line
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, conflicts_with = "inputs")]
    pub check: Option<PathBuf>,
    /// List the rules of the catalogue, in order
    #[arg(long, conflicts_with = "inputs")]
    pub rules: bool,
    /// How to write the answer
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub format: OutputFormat,
    /// At most N rows; 0 for all. A table shows 50 unless told otherwise
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
    /// Who is who.
    #[command(flatten)]
    pub clients: ClientArgs,
    /// The logs' part.
    #[command(flatten)]
    pub logs: LogArgs,
}

/// Arguments of `resources`.
#[derive(Args, Debug)]
pub struct ResourcesArgs {
    /// The logs
    #[arg(value_name = "LOGS", value_hint = ValueHint::AnyPath)]
    pub inputs: Vec<String>,
    /// How to write the answer
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub format: OutputFormat,
    /// What is how big.
    #[command(flatten)]
    pub sizes: SizeArgs,
    /// The logs' part.
    #[command(flatten)]
    pub logs: LogArgs,
}

/// Arguments of `doctor`.
#[derive(Args, Debug)]
pub struct DoctorArgs {
    /// The logs
    #[arg(value_name = "LOGS", value_hint = ValueHint::AnyPath)]
    pub inputs: Vec<String>,
    /// How it is written.
    #[command(flatten)]
    pub output: OutputArgs,
    /// Fail if any line can't be read
    #[arg(long)]
    pub strict: bool,
}
