//! `query`: a built-in query or SQL over logs.

use std::fs;

use anyhow::{Context, Result, bail};

use super::ask::{Asked, Asking};
use super::errors::Advice;
use super::query_list;
use super::report::check_format;
use super::rows::{answer_rows, given_limit};
use super::settings::read_settings;
use super::side_files::side_files;
use crate::analysis::query::Question;
use crate::cli::QueryArgs;
use crate::console::Console;
use crate::tables::{Params, QuerySet};

pub(super) fn run(args: &QueryArgs, console: Console) -> Result<()> {
    if args.columns {
        return query_list::show_columns(console);
    }
    if args.list || args.show.is_some() {
        let queries = QuerySet::load(args.queries.as_deref())?;
        return match &args.show {
            Some(name) => query_list::show_sql(&queries, name, console),
            None => query_list::list_queries(&queries, args.all, console),
        };
    }
    check_format(&args.output)?;
    let (question, inputs) = read_question(args)?;
    let params = read_params(&args.param)?;
    let asking = Asking {
        settings: read_settings(&args.clients, &args.sizes, &args.flows, console)?.into(),
        zone: args.output.timezone.clone(),
        queries: args.queries.clone(),
        memory_bytes: Some(usize::try_from(args.query_memory).unwrap_or(usize::MAX)),
        side_files: side_files(&[&args.clients, &args.sizes, &args.flows]),
        ..Asking::default()
    };
    let asked = Asked::open(inputs, &args.logs, asking, console)?;
    answer_rows(&asked, (&question, &params), &args.output, given_limit(args.limit), console)
}

/// The question, and the logs to ask it of.
fn read_question(args: &QueryArgs) -> Result<(Question, &[String])> {
    if let Some(text) = &args.sql {
        return Ok((Question::Sql { name: "--sql".into(), text: text.clone() }, &args.args));
    }
    if let Some(path) = &args.file {
        let text = fs::read_to_string(path).with_context(|| format!("can't read {}", path.display()))?;
        return Ok((Question::Sql { name: path.display().to_string(), text }, &args.args));
    }
    match args.args.split_first() {
        Some((name, inputs)) => Ok((Question::Named(name.clone()), inputs)),
        None => Err(Advice {
            message: "no query given".into(),
            hint: "name a query (stormglass query --list shows them), or give SQL with --sql TEXT or --file FILE"
                .into(),
        }
        .into()),
    }
}

fn read_params(given: &[String]) -> Result<Params> {
    let mut params = Params::new();
    for param in given {
        let Some((name, value)) = param.split_once('=') else {
            bail!("invalid --param {param:?}: expected NAME=VALUE");
        };
        params.set(name.trim_start_matches('$'), value);
    }
    Ok(params)
}
