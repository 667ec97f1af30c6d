//! The terminal: colour, width, progress, quiet. Nothing else prints.

use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, Table, TableComponent, Width};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::cli::ColorWhen;
use crate::requests::Progress;
use crate::tables::{Cell, TextTable};
use crate::units;

/// How to talk to whoever runs the program.
#[derive(Clone, Copy, Debug)]
pub struct Console {
    is_quiet: bool,
}

const BOLD: Style = Style::new().bold();
const RED: Style = AnsiColor::Red.on_default().bold();
const YELLOW: Style = AnsiColor::Yellow.on_default().bold();
const CYAN: Style = AnsiColor::Cyan.on_default().bold();

impl Console {
    /// A console that uses colour when told to, and says nothing but answers and errors when `is_quiet`.
    pub fn new(color: ColorWhen, is_quiet: bool) -> Self {
        let choice = match color {
            ColorWhen::Auto => anstream::ColorChoice::Auto,
            ColorWhen::Always => anstream::ColorChoice::Always,
            ColorWhen::Never => anstream::ColorChoice::Never,
        };
        choice.write_global();
        Self { is_quiet }
    }

    /// Prints text, with a line end, to standard output.
    ///
    /// # Errors
    /// When it is closed or full.
    pub fn line(self, text: &str) -> io::Result<()> {
        writeln!(anstream::stdout().lock(), "{text}")
    }

    /// Prints a heading.
    ///
    /// # Errors
    /// As [`Self::line`].
    pub fn heading(self, text: &str) -> io::Result<()> {
        writeln!(anstream::stdout().lock(), "{BOLD}{text}{BOLD:#}")
    }

    /// Prints an item of a list: what was found, and what it means.
    ///
    /// # Errors
    /// As [`Self::line`].
    pub fn item(self, topic: &str, fact: &str, meaning: &str) -> io::Result<()> {
        writeln!(anstream::stdout().lock(), "  {CYAN}{topic}{CYAN:#}: {fact}\n      {meaning}")
    }

    /// Prints a table, no wider than the terminal: long text is cut short, and columns that still don't fit are left out
    /// from the right, and named. Into a pipe everything goes as it is.
    ///
    /// # Errors
    /// As [`Self::line`].
    pub fn table(self, table: &TextTable) -> io::Result<()> {
        let Some(width) = terminal_width() else {
            return self.line(&render(table, None));
        };
        let shown = columns_that_fit(table, width);
        self.line(&render(&first_columns(table, shown), Some(width)))?;
        let hidden: Vec<_> = table.columns[shown..].iter().map(|(name, _)| name.as_str()).collect();
        if !hidden.is_empty() {
            self.note(&format!(
                "columns that don't fit here: {}; into a file or a pipe all are written",
                hidden.join(", ")
            ));
        }
        Ok(())
    }

    /// A table as text, nothing cut.
    pub fn plain(self, table: &TextTable) -> String {
        render(table, None)
    }

    /// Standard output for data: no colour, nothing added.
    pub fn stdout(self) -> impl Write + Send {
        io::BufWriter::new(io::stdout())
    }

    /// Tells something beside the answer, on standard error.
    pub fn note(self, text: &str) {
        self.say(CYAN, "note", text);
    }

    /// Tells of something that makes the answer less than it seems, on standard error.
    pub fn warn(self, text: &str) {
        self.say(YELLOW, "warning", text);
    }

    fn say(self, style: Style, word: &str, text: &str) {
        if !self.is_quiet {
            let _nobody_listens = writeln!(anstream::stderr().lock(), "{style}{word}{style:#}: {text}");
        }
    }

    /// Tells why the program gives up, with what to do about it.
    pub fn error(self, error: &anyhow::Error, hint: Option<&str>) {
        let mut out = anstream::stderr().lock();
        let _nobody_listens = writeln!(out, "{RED}error{RED:#}: {error:#}");
        if let Some(hint) = hint {
            let _nobody_listens = writeln!(out, "{CYAN}hint{CYAN:#}: {hint}");
        }
    }

    /// Shows how far a scan has come until the guard is dropped; only on a terminal.
    pub fn progress(self, progress: Arc<Progress>) -> ProgressGuard {
        if self.is_quiet || !io::stderr().is_terminal() {
            return ProgressGuard { showing: None };
        }
        let (stop, stopped) = mpsc::channel();
        let showing = thread::spawn(move || show_progress(&progress, &stopped));
        ProgressGuard { showing: Some((stop, showing)) }
    }
}

fn render(table: &TextTable, width: Option<u16>) -> String {
    let mut out = Table::new();
    out.load_preset(comfy_table::presets::NOTHING).set_truncation_indicator("…");
    out.set_style(TableComponent::HeaderLines, '─').set_style(TableComponent::MiddleHeaderIntersections, '─');
    match width {
        Some(width) => out.set_content_arrangement(ContentArrangement::Dynamic).set_width(width),
        None => out.set_content_arrangement(ContentArrangement::Disabled),
    };
    out.set_header(table.columns.iter().map(|(name, _)| name));
    for row in &table.rows {
        let mut line = comfy_table::Row::from(row.iter().map(text_of));
        if width.is_some() {
            line.max_height(1);
        }
        out.add_row(line);
    }
    let least = least_widths(table);
    for ((column, (_, is_number)), least) in out.column_iter_mut().zip(&table.columns).zip(least) {
        column.set_padding((0, PADDING));
        if width.is_some() {
            column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(least + PADDING)));
        }
        if *is_number {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    out.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

const PADDING: u16 = 2;

/// Text is not cut shorter than this.
const LEAST_TEXT: usize = 24;

/// The width below which each column says too little: its name's, and its content's unless that is long.
fn least_widths(table: &TextTable) -> impl Iterator<Item = u16> {
    table.columns.iter().enumerate().map(|(at, (name, _))| {
        let content = table.rows.iter().map(|row| text_of(&row[at]).chars().count()).max().unwrap_or_default();
        u16::try_from(name.len().max(content.min(LEAST_TEXT))).unwrap_or(u16::MAX)
    })
}

/// How many columns, from the left, fit into `width`; at least one.
fn columns_that_fit(table: &TextTable, width: u16) -> usize {
    let ends = least_widths(table).scan(0_u16, |used, least| {
        *used = used.saturating_add(least + PADDING);
        Some(*used)
    });
    ends.take_while(|end| *end <= width).count().max(1)
}

fn first_columns(table: &TextTable, count: usize) -> TextTable {
    TextTable {
        columns: table.columns.iter().take(count).cloned().collect(),
        rows: table.rows.iter().map(|row| row.iter().take(count).cloned().collect()).collect(),
    }
}

fn terminal_width() -> Option<u16> {
    let is_terminal = io::stdout().is_terminal();
    is_terminal.then(|| Table::new().width().unwrap_or(100))
}

fn text_of(cell: &Cell) -> String {
    match cell {
        Cell::Null => "–".to_owned(),
        Cell::Number(number) => units::number(*number),
        Cell::Text(text) => units::legible(text),
    }
}

/// Ends a progress display when dropped.
pub struct ProgressGuard {
    showing: Option<(mpsc::Sender<()>, thread::JoinHandle<()>)>,
}

impl Drop for ProgressGuard {
    fn drop(&mut self) {
        if let Some((stop, showing)) = self.showing.take() {
            drop(stop);
            let _shown = showing.join();
        }
    }
}

fn show_progress(progress: &Progress, stopped: &mpsc::Receiver<()>) {
    const TEMPLATE: &str = "{bar:30} {bytes}/{total_bytes}  {binary_bytes_per_sec}  ETA {eta}  {msg}";
    let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template(TEMPLATE) {
        bar.set_style(style);
    }
    while stopped.recv_timeout(Duration::from_millis(100)) == Err(RecvTimeoutError::Timeout) {
        bar.set_length(progress.expected_bytes());
        bar.set_position(progress.disk_bytes());
        bar.set_message(format!("{} lines", units::count(progress.lines())));
    }
    bar.finish_and_clear();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> TextTable {
        TextTable {
            columns: vec![("user_agent".to_owned(), false), ("request_count".to_owned(), true)],
            rows: vec![
                vec![
                    Cell::Text("calico-node/v0.0.0 (linux/amd64) kubernetes/$Format".to_owned()),
                    Cell::Text("12".to_owned()),
                ],
                vec![Cell::Null, Cell::Number(0.5)],
            ],
        }
    }

    #[test]
    fn a_table_fits_the_terminal_and_a_pipe_gets_all() {
        assert_eq!(columns_that_fit(&table(), 45), 2);
        for line in render(&table(), Some(45)).lines() {
            assert!(line.chars().count() <= 45, "{line}");
        }
        assert_eq!(columns_that_fit(&table(), 30), 1);
        assert!(render(&table(), None).contains("kubernetes/$Format"));
    }
}
