//! The terminal: colour, width, progress, quiet. Nothing else prints.

use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::cli::ColorWhen;
use crate::requests::Progress;
use crate::units::{self, legible_lines};

/// The terminal, and what may be said on it.
#[derive(Clone, Copy, Debug)]
pub struct Console {
    is_quiet: bool,
}

const RED: Style = AnsiColor::Red.on_default().bold();
const YELLOW: Style = AnsiColor::Yellow.on_default().bold();
const CYAN: Style = AnsiColor::Cyan.on_default().bold();

impl Console {
    /// A console that prints only answers and errors if `is_quiet`.
    pub fn new(color: ColorWhen, is_quiet: bool) -> Self {
        let choice = match color {
            ColorWhen::Auto => anstream::ColorChoice::Auto,
            ColorWhen::Always => anstream::ColorChoice::Always,
            ColorWhen::Never => anstream::ColorChoice::Never,
        };
        choice.write_global();
        Self { is_quiet }
    }

    /// Prints text to standard output, its styles only where there is colour. The text has to be inert already.
    ///
    /// # Errors
    /// When it is closed or full.
    pub fn print(self, text: &str) -> io::Result<()> {
        anstream::stdout().lock().write_all(text.as_bytes())
    }

    /// The terminal's width in columns; `None` if standard output is no terminal, so that nothing needs to be cut.
    pub fn width(self) -> Option<u16> {
        io::stdout().is_terminal().then(|| comfy_table::Table::new().width().unwrap_or(100))
    }

    /// Standard output for data: no colour, nothing added.
    pub fn stdout(self) -> impl Write + Send {
        io::BufWriter::new(io::stdout())
    }

    /// Prints something that is not part of the answer, on standard error. As in warnings and errors, text from logs is made
    /// inert here.
    pub fn note(self, text: &str) {
        self.say(CYAN, "note", text);
    }

    /// Prints what limits the answer, on standard error.
    pub fn warn(self, text: &str) {
        self.say(YELLOW, "warning", text);
    }

    fn say(self, style: Style, word: &str, text: &str) {
        if !self.is_quiet {
            let _ignored = writeln!(anstream::stderr().lock(), "{style}{word}{style:#}: {}", legible_lines(text));
        }
    }

    /// Prints why a command failed, and what to do about it.
    pub fn error(self, error: &anyhow::Error, hint: Option<&str>) {
        let mut out = anstream::stderr().lock();
        let _ignored = writeln!(out, "{RED}error{RED:#}: {}", legible_lines(&format!("{error:#}")));
        if let Some(hint) = hint {
            let _ignored = writeln!(out, "{CYAN}hint{CYAN:#}: {}", legible_lines(hint));
        }
    }

    /// Shows the progress of a scan until the guard is dropped; only on a terminal.
    pub fn progress(self, progress: Arc<Progress>) -> ProgressGuard {
        if self.is_quiet || !io::stderr().is_terminal() {
            return ProgressGuard { showing: None };
        }
        let (stop, stopped) = mpsc::channel();
        let showing = thread::spawn(move || show_progress(&progress, &stopped));
        ProgressGuard { showing: Some((stop, showing)) }
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
