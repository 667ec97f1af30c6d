//! Answers with rows: a table on the terminal, or data for machines in a file or on standard output.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::ask::{Asked, Asking};
use super::report::{format, show};
use crate::analysis;
use crate::analysis::query::Question;
use crate::analysis::{AnalysisError, Session};
use crate::cli::{LogArgs, OutputArgs, RowFormat};
use crate::console::Console;
use crate::dimensions::Settings;
use crate::report::page::Page;
use crate::tables::{Format, Params, QueryResult};
use crate::units::Zone;

/// How many rows to show; `None` for all.
#[derive(Clone, Copy)]
pub(super) struct Limit {
    table: Option<usize>,
    data: Option<usize>,
}

impl Limit {
    /// All rows, even on the terminal.
    pub(super) const ALL: Self = Self { table: None, data: None };
}

/// The limit of `--limit`, where 0 is none. Unless it is given, only tables are limited.
pub(super) fn given_limit(limit: Option<usize>) -> Limit {
    const TABLE_ROWS: usize = 50;
    let some = |rows: usize| (rows > 0).then_some(rows);
    Limit { table: some(limit.unwrap_or(TABLE_ROWS)), data: limit.and_then(some) }
}

/// Answers a built-in query that returns little more than a row for each client.
pub(super) fn answer_named(
    name: &str,
    (inputs, logs): (&[String], &LogArgs),
    (settings, side_files): (Settings, Vec<PathBuf>),
    (output, limit): (&OutputArgs<RowFormat>, Limit),
    console: Console,
) -> Result<()> {
    const MEMORY_BYTES: usize = 1 << 30;
    let asking = Asking {
        settings: settings.into(),
        zone: output.timezone.clone(),
        memory_bytes: Some(MEMORY_BYTES),
        side_files,
        ..Asking::default()
    };
    let asked = Asked::open(inputs, logs, asking, console)?;
    answer_rows(&asked, (&Question::Named(name.to_owned()), &Params::new()), output, limit, console)
}

/// Runs a question, and writes its rows.
pub(super) fn answer_rows(
    asked: &Asked,
    (question, params): (&Question, &Params),
    output: &OutputArgs<RowFormat>,
    limit: Limit,
    console: Console,
) -> Result<()> {
    let session = &asked.session;
    let format = data_format(format(output)?);
    let answer = asked.answer(analysis::query(session, question, params))?;
    let Some(format) = format else {
        show_table(asked, answer, limit.table, &output.timezone, console)?;
        asked.answer(session.check_time())?;
        return asked.report_unreadable();
    };
    let answer = match limit.data {
        None => answer,
        Some(rows) => answer.limit(rows)?,
    };
    match &output.output {
        None => asked.answer(write(answer, format, console.stdout()))?,
        Some(path) => {
            asked.answer(write(answer, format, create(path, session)?))?;
            console.note(&format!("written to {}", path.display()));
        }
    }
    asked.answer(session.check_time())?;
    asked.report_unreadable()
}

const fn data_format(format: RowFormat) -> Option<Format> {
    match format {
        RowFormat::Table => None,
        RowFormat::Csv => Some(Format::Csv),
        RowFormat::Json => Some(Format::Json),
        RowFormat::Ndjson => Some(Format::Ndjson),
        RowFormat::Parquet => Some(Format::Parquet),
        RowFormat::Arrow => Some(Format::Arrow),
    }
}

async fn write(answer: QueryResult, format: Format, out: impl Write + Send) -> Result<(), AnalysisError> {
    answer.write(format, out).await?;
    Ok(())
}

/// Creates the file for the rows, unless that would overwrite one of the logs.
fn create(path: &Path, session: &Session) -> Result<BufWriter<File>> {
    let target = path.canonicalize().ok();
    let mut logs = session.logs().files.iter().filter_map(|file| file.path.as_ref()?.canonicalize().ok());
    if target.is_some_and(|target| logs.any(|log| log == target)) {
        bail!("{} is one of the logs being read", path.display());
    }
    let file = File::create(path).with_context(|| format!("can't write to {}", path.display()))?;
    Ok(BufWriter::new(file))
}

/// Shows the rows as a table, and says whether there are more.
fn show_table(asked: &Asked, answer: QueryResult, limit: Option<usize>, zone: &Zone, console: Console) -> Result<()> {
    let answer = match limit {
        None => answer,
        // One more row tells whether any is left out.
        Some(rows) => answer.limit(rows.saturating_add(1))?,
    };
    let mut table = asked.answer(async { Ok(answer.text(zone).await?) })?;
    let cut_at = limit.filter(|rows| table.rows.len() > *rows);
    if let Some(rows) = cut_at {
        table.rows.truncate(rows);
    }
    show(&Page::of_table("Answer", table), console)?;
    if let Some(rows) = cut_at {
        console.note(&format!(
            "only the first {rows} rows are shown; show all with --limit 0, or write them with -o FILE"
        ));
    }
    Ok(())
}
