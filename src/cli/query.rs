//! What is typed after `query`, `clients` and `resources`: the commands that answer with rows.

use std::path::PathBuf;

use clap::{Args, ValueHint};

use super::replay::parse_size;
use super::{ClientArgs, FlowArgs, LogArgs, OutputArgs, RowFormat, SizeArgs};

/// Arguments of `query`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  stormglass query top_clients /var/log/kubernetes/audit/
  stormglass query slow_lists --param min_count=20 audit.log.gz
  stormglass query lists audit.log -o lists.parquet
  stormglass query --sql \"select count(*) from requests where verb = 'list'\" audit*.log")]
pub struct QueryArgs {
    /// The query's name (left out with --sql or --file), then the audit logs
    #[arg(value_name = "NAME|LOGS", value_hint = ValueHint::AnyPath)]
    pub args: Vec<String>,
    /// Run this SQL, over the table requests and the views of all queries
    #[arg(long, value_name = "TEXT", conflicts_with = "file")]
    pub sql: Option<String>,
    /// Read the SQL from FILE
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub file: Option<PathBuf>,
    /// List the queries
    #[arg(long, conflicts_with_all = ["sql", "file", "show", "columns", "output", "format"])]
    pub list: bool,
    /// Also list the queries that only the program itself uses
    #[arg(long, requires = "list")]
    pub all: bool,
    /// Print the SQL of a query, to read, or to copy and change
    #[arg(long, value_name = "NAME", conflicts_with_all = ["sql", "file", "columns", "output", "format"])]
    pub show: Option<String>,
    /// List the columns of the table requests, and of the tables that can be joined to it: clients, resources, list_costs,
    /// flows
    #[arg(long, conflicts_with_all = ["sql", "file", "output", "format"])]
    pub columns: bool,
    /// Set a parameter of the query; --list shows their names and defaults
    #[arg(long, value_name = "NAME=VALUE")]
    pub param: Vec<String>,
    /// Add the queries in DIR, or replace built-in ones of the same name
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub queries: Option<PathBuf>,
    /// Return at most N rows; 0 for all [default: 50 in a table on the terminal, otherwise all]
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
    /// Let sorting and grouping use this much memory before they spill to disk
    #[arg(long, value_name = "SIZE", default_value = "1GiB", value_parser = parse_size)]
    pub query_memory: u64,
    /// Part of the logs.
    #[command(flatten)]
    pub logs: LogArgs,
    /// File, format and time zone.
    #[command(flatten)]
    pub output: OutputArgs<RowFormat>,
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

/// Arguments of `clients`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  stormglass clients /var/log/kubernetes/audit/
  stormglass clients audit.log --clients ours.yaml -o clients.csv
  stormglass clients --check ours.yaml")]
pub struct ClientsArgs {
    /// Audit logs
    #[arg(value_name = "LOGS", value_hint = ValueHint::AnyPath)]
    pub inputs: Vec<String>,
    /// Check a client catalogue, and report each mistake with its line
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, conflicts_with = "inputs")]
    pub check: Option<PathBuf>,
    /// List the rules of the client catalogue, in order
    #[arg(long, conflicts_with = "inputs")]
    pub rules: bool,
    /// Return at most N rows; 0 for all [default: 50 in a table on the terminal, otherwise all]
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
    /// Part of the logs.
    #[command(flatten)]
    pub logs: LogArgs,
    /// File, format and time zone.
    #[command(flatten)]
    pub output: OutputArgs<RowFormat>,
    /// Classification of clients.
    #[command(flatten)]
    pub clients: ClientArgs,
}

/// Arguments of `resources`.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  stormglass resources /var/log/kubernetes/audit/
  stormglass resources audit.log --metrics metrics.txt -o resources.csv")]
pub struct ResourcesArgs {
    /// Audit logs
    #[arg(value_name = "LOGS", value_hint = ValueHint::AnyPath)]
    pub inputs: Vec<String>,
    /// Part of the logs.
    #[command(flatten)]
    pub logs: LogArgs,
    /// File, format and time zone.
    #[command(flatten)]
    pub output: OutputArgs<RowFormat>,
    /// Sizes of resources, and the server.
    #[command(flatten)]
    pub sizes: SizeArgs,
}
