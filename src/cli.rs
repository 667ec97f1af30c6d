//! The command line as typed. Its doc comments are the help.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};

/// Tells which clients' LISTs and watches burden a kube-apiserver, from its audit logs
///
/// LOGS are files, directories, glob patterns or - for standard input, plain or compressed with gzip or zstd. The
/// apiserver that wrote a log is told by its path, or given as NAME=PATH.
///
/// Exit codes: 0 done, 2 couldn't be done, 130 interrupted.
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
    /// Answer a question about the requests in audit logs: a query that comes along, or SQL
    Query(QueryArgs),
    /// Tell what audit logs can and cannot tell
    Doctor(DoctorArgs),
    // /// Write a realistic audit log of any size, for trying things out
    // Synth(SynthArgs),
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
    pub from: Option<String>,
    /// Leave out requests received after TIME
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub to: Option<String>,
    /// Fail if any line can't be read
    #[arg(long)]
    pub strict: bool,
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
    /// List the columns of the table requests
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

/// Arguments of `doctor`.
#[derive(Args, Debug)]
pub struct DoctorArgs {
    /// The logs
    #[arg(value_name = "LOGS", value_hint = ValueHint::AnyPath)]
    pub inputs: Vec<String>,
    /// How to write the findings
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub format: DoctorFormat,
    /// The logs' part.
    #[command(flatten)]
    pub logs: LogArgs,
}

/// Formats of `doctor`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum DoctorFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object.
    Json,
}
