//! `query`: SQL over logs.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::{Context, Result, bail};

use super::ask::{Asked, Asking};
use super::errors::Advice;
use super::report::{show as show_page, write_text};
use super::settings::read_settings;
use crate::analysis;
use crate::analysis::query::Question;
use crate::analysis::{AnalysisError, Session};
use crate::cli::{LogArgs, OutputFormat, QueryArgs};
use crate::console::Console;
use crate::dimensions::Settings;
use crate::report::page::{Page, Table};
use crate::report::terminal;
use crate::tables::{Format, Params, QueryResult, QuerySet, TextTable, dimension_columns, request_columns};
use crate::units;

/// What a table shows unless told otherwise.
const TABLE_ROWS: usize = 50;

pub(super) fn run(args: &QueryArgs, console: Console) -> Result<()> {
    if args.columns {
        return columns(console);
    }
    if args.list || args.show.is_some() {
        let queries = QuerySet::load(args.queries.as_deref())?;
        return match &args.show {
            Some(name) => show(&queries, name, console),
            None => list(&queries, args, console),
        };
    }
    let (question, inputs) = question(args)?;
    let params = params(&args.param)?;
    let memory = units::parse_bytes(&args.memory).context("--memory is no size, such as 512MiB")?;
    let asking = Asking {
        settings: read_settings(&args.clients, &args.sizes, &args.flows, console)?.into(),
        queries: args.queries.clone(),
        memory_bytes: Some(usize::try_from(memory).unwrap_or(usize::MAX)),
        ..Asking::default()
    };
    let show = Show { format: args.format, limit: args.limit, output: args.output.as_deref() };
    let asked = Asked::open(inputs, &args.logs, asking, console)?;
    show_question(&asked, (&question, &params), &show, console)
}

fn question(args: &QueryArgs) -> Result<(Question, &[String])> {
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
            hint: "name a query (stormglass query --list shows them), or ask with --sql TEXT or --file FILE",
        }
        .into()),
    }
}

fn params(given: &[String]) -> Result<Params> {
    let mut params = Params::new();
    for param in given {
        let Some((name, value)) = param.split_once('=') else {
            bail!("--param {param:?} is not of the form NAME=VALUE");
        };
        params.set(name.trim_start_matches('$'), value);
    }
    Ok(params)
}

/// How to show an answer.
pub(super) struct Show<'s> {
    pub(super) format: OutputFormat,
    pub(super) limit: Option<usize>,
    pub(super) output: Option<&'s Path>,
}

/// What queries may use that hold little more than a row for each client.
const MEMORY_BYTES: usize = 1 << 30;

/// Answers a built-in query.
pub(super) fn show_named(
    name: &str,
    (inputs, logs): (&[String], &LogArgs),
    settings: Settings,
    show: &Show<'_>,
    console: Console,
) -> Result<()> {
    let asking = Asking { settings: settings.into(), memory_bytes: Some(MEMORY_BYTES), ..Asking::default() };
    let asked = Asked::open(inputs, logs, asking, console)?;
    show_question(&asked, (&Question::Named(name.to_owned()), &Params::new()), show, console)
}

/// Runs a question and shows its answer.
fn show_question(
    asked: &Asked,
    (question, params): (&Question, &Params),
    show: &Show<'_>,
    console: Console,
) -> Result<()> {
    let session = &asked.session;
    let answer = asked.answer(analysis::query(session, question, params))?;
    match format(show.format) {
        None => print(asked.answer(table(answer, show.limit))?, show, session, console)?,
        Some(format) => {
            let answer = match show.limit {
                None | Some(0) => answer,
                Some(rows) => answer.limit(rows)?,
            };
            match show.output {
                Some(path) => {
                    let out = create(path, session)?;
                    asked.answer(write(answer, format, out))?;
                }
                None => asked.answer(write(answer, format, console.stdout()))?,
            }
        }
    }
    asked.report_unreadable()
}

async fn write(answer: QueryResult, format: Format, out: impl Write + Send) -> Result<(), AnalysisError> {
    answer.write(format, out).await?;
    Ok(())
}

const fn format(format: OutputFormat) -> Option<Format> {
    match format {
        OutputFormat::Table => None,
        OutputFormat::Csv => Some(Format::Csv),
        OutputFormat::Json => Some(Format::Json),
        OutputFormat::Ndjson => Some(Format::Ndjson),
        OutputFormat::Parquet => Some(Format::Parquet),
        OutputFormat::Arrow => Some(Format::Arrow),
    }
}

/// Makes the file for the answer; never out of one of the logs.
fn create(path: &Path, session: &Session) -> Result<BufWriter<File>> {
    let here = path.canonicalize().ok();
    let logs = session.logs().files.iter().filter_map(|file| file.path.as_ref()?.canonicalize().ok());
    if here.is_some_and(|here| logs.into_iter().any(|log| log == here)) {
        bail!("{} is one of the logs that are read", path.display());
    }
    let file = File::create(path).with_context(|| format!("can't write {}", path.display()))?;
    Ok(BufWriter::new(file))
}

/// The rows to show, and one more if there are more.
async fn table(answer: QueryResult, limit: Option<usize>) -> Result<TextTable, AnalysisError> {
    let answer = match limit.unwrap_or(TABLE_ROWS) {
        0 => answer,
        rows => answer.limit(rows.saturating_add(1))?,
    };
    Ok(answer.text().await?)
}

fn print(mut table: TextTable, args: &Show<'_>, session: &Session, console: Console) -> Result<()> {
    let limit = args.limit.unwrap_or(TABLE_ROWS);
    let has_more = limit > 0 && table.rows.len() > limit;
    if has_more {
        table.rows.truncate(limit);
    }
    let page = Page::of_table("Answer", table);
    match args.output {
        Some(path) => create(path, session)?.write_all(terminal(&page, None).text.as_bytes())?,
        None => show_page(&page, console)?,
    }
    if has_more {
        console.note(&format!("only the first {limit} rows are shown; --limit 0 shows all"));
    }
    Ok(())
}

fn list(queries: &QuerySet, args: &QueryArgs, console: Console) -> Result<()> {
    let rows = queries.iter().map(|query| {
        let params = query.params.iter().map(|param| format!("{}={}", param.name, param.default));
        let params = params.collect::<Vec<_>>().join(" ");
        vec![query.name.clone(), query.about.clone(), params]
    });
    let columns = ["query", "what one reads there", "parameters"].map(|name| (name, false));
    let page = Page::of_table("Queries", Table::under_heading("", &columns, rows.collect()));
    if args.format != OutputFormat::Table {
        bail!("--list is written as a table only");
    }
    show_page(&page, console)
}

fn columns(console: Console) -> Result<()> {
    let of_requests = request_columns().into_iter().map(|column| (column.name.to_owned(), column));
    let of_dimensions = dimension_columns().into_iter().flat_map(|(table, columns)| {
        columns.into_iter().map(move |column| (format!("{table}.{}", column.name), column))
    });
    let rows =
        of_requests.chain(of_dimensions).map(|(name, column)| vec![name, column.data_type, column.about.to_owned()]);
    let columns = ["column", "type", "what it means"].map(|name| (name, false));
    show_page(&Page::of_table("Columns", Table::under_heading("", &columns, rows.collect())), console)
}

fn show(queries: &QuerySet, name: &str, console: Console) -> Result<()> {
    write_text(&queries.find(name)?.sql, None, console)
}
