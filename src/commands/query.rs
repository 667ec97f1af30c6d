//! `query`: SQL over logs.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::{Context, Result, bail};

use super::dimensions::prepare;
use super::logs::{Opened, open, report};
use super::report::show as show_page;
use super::settings::Settings;
use super::{Advice, Interrupted, MEMORY_BYTES};
use crate::cli::{OutputFormat, QueryArgs};
use crate::console::Console;
use crate::report::page::{Page, Table};
use crate::report::terminal;
use crate::tables::{Answer, Database, Format, QuerySet, TextTable, dimension_columns, request_columns};
use crate::units;

/// What a table shows unless told otherwise.
const TABLE_ROWS: usize = 50;

pub(super) fn run(args: QueryArgs, console: Console) -> Result<()> {
    let queries = QuerySet::load(args.queries.as_deref())?;
    if args.list {
        return list(&queries, &args, console);
    }
    if args.columns {
        return columns(console);
    }
    if let Some(name) = &args.show {
        return show(&queries, name, console);
    }
    let (question, inputs) = question(&args)?;
    let params = params(&args.param)?;
    let memory = units::parse_bytes(&args.memory).context("--memory is no size, such as 512MiB")?;
    let settings = Settings::with_flows(&args.clients, &args.sizes, &args.flows)?;
    settings.flows.notes.iter().for_each(|note| console.note(note));
    let opened = open(inputs, &args.logs, console)?;
    let database = Database::new(&opened.logs, queries, usize::try_from(memory).unwrap_or(usize::MAX))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        tokio::select! {
            done = answer(&args, &question, (&params, &settings), &database, &opened, console) => done,
            _ = tokio::signal::ctrl_c() => Err(Interrupted.into()),
        }
    })
}

/// What is asked.
enum Question {
    Named(String),
    Sql { name: String, text: String },
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
            message: "nothing is asked".into(),
            hint: "name a query (stormglass query --list shows them), or ask with --sql TEXT or --file FILE",
        }
        .into()),
    }
}

fn params(given: &[String]) -> Result<BTreeMap<String, String>> {
    let mut params = BTreeMap::new();
    for param in given {
        let Some((name, value)) = param.split_once('=') else {
            bail!("--param {param:?} is not of the form NAME=VALUE");
        };
        params.insert(name.trim_start_matches('$').to_owned(), value.to_owned());
    }
    Ok(params)
}

async fn answer(
    args: &QueryArgs,
    question: &Question,
    (params, settings): (&BTreeMap<String, String>, &Settings),
    database: &Database,
    opened: &Opened,
    console: Console,
) -> Result<()> {
    let progress = console.progress(opened.logs.progress.clone());
    let (Question::Named(text) | Question::Sql { text, .. }) = question;
    prepare(database, text, &[], settings).await?;
    let answer = match question {
        Question::Named(name) => database.query(name, params).await?,
        Question::Sql { name, text } => database.sql(name, text, params).await?,
    };
    let show = Show { format: args.format, limit: args.limit, output: args.output.as_deref() };
    show_answer(answer, &show, opened, console).await?;
    drop(progress);
    match opened.logs.tally() {
        Some(tally) => report(opened, &tally, args.logs.strict, console),
        None => Ok(()),
    }
}

/// How to show an answer.
pub(super) struct Show<'s> {
    pub(super) format: OutputFormat,
    pub(super) limit: Option<usize>,
    pub(super) output: Option<&'s Path>,
}

/// Runs an answer and shows it.
async fn show_answer(answer: Answer, show: &Show<'_>, opened: &Opened, console: Console) -> Result<()> {
    let Some(format) = format(show.format) else {
        return print(table(answer, show.limit).await?, show, opened, console);
    };
    let answer = match show.limit {
        None | Some(0) => answer,
        Some(rows) => answer.limit(rows)?,
    };
    match show.output {
        Some(path) => drop(answer.write(format, create(path, opened)?).await?),
        None => drop(answer.write(format, console.stdout()).await?),
    }
    Ok(())
}

/// Answers a query that comes along and reads the dimension tables.
pub(super) fn show_named(
    name: &str,
    opened: &Opened,
    settings: &Settings,
    show: &Show<'_>,
    console: Console,
) -> Result<()> {
    let database = Database::new(&opened.logs, QuerySet::load(None)?, MEMORY_BYTES)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let answer = async {
        let progress = console.progress(opened.logs.progress.clone());
        prepare(&database, name, &[], settings).await?;
        let answer = database.query(name, &BTreeMap::new()).await?;
        drop(progress);
        show_answer(answer, show, opened, console).await
    };
    runtime.block_on(async {
        tokio::select! {
            done = answer => done,
            _ = tokio::signal::ctrl_c() => Err(Interrupted.into()),
        }
    })
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
fn create(path: &Path, opened: &Opened) -> Result<BufWriter<File>> {
    let here = path.canonicalize().ok();
    let logs = opened.logs.files.iter().filter_map(|file| file.path.as_ref()?.canonicalize().ok());
    if here.is_some_and(|here| logs.into_iter().any(|log| log == here)) {
        bail!("{} is one of the logs that are read", path.display());
    }
    let file = File::create(path).with_context(|| format!("can't write {}", path.display()))?;
    Ok(BufWriter::new(file))
}

/// The rows to show, and one more if there are more.
async fn table(answer: Answer, limit: Option<usize>) -> Result<TextTable> {
    let answer = match limit.unwrap_or(TABLE_ROWS) {
        0 => answer,
        rows => answer.limit(rows.saturating_add(1))?,
    };
    Ok(answer.text().await?)
}

fn print(mut table: TextTable, args: &Show<'_>, opened: &Opened, console: Console) -> Result<()> {
    let limit = args.limit.unwrap_or(TABLE_ROWS);
    let has_more = limit > 0 && table.rows.len() > limit;
    if has_more {
        table.rows.truncate(limit);
    }
    let page = Page::of_table("Answer", table);
    match args.output {
        Some(path) => create(path, opened)?.write_all(terminal(&page, None).text.as_bytes())?,
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
    match queries.get(name) {
        Some(query) => Ok(console.print(&format!("{}\n", query.sql.trim_end()))?),
        None => Err(crate::tables::TablesError::NoSuchQuery(name.to_owned()).into()),
    }
}
