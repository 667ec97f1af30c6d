//! How reports are written: where to, in which format, with times of which zone.

use std::path::PathBuf;

use clap::{Args, ValueEnum, ValueHint};

use crate::units::Zone;

/// How a report is written.
#[derive(Args, Clone, Debug)]
pub struct OutputArgs<F: FormatName = ReportFormat> {
    /// Write to FILE; its name tells the format: .html, .md or .json
    #[arg(long, short, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub output: Option<PathBuf>,
    /// How to write it, whatever the name of the file; by default for people, on the terminal
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub format: Option<F>,
    /// The time zone to write times in; JSON is always in UTC
    #[arg(long, value_name = "ZONE", default_value = "UTC", value_parser = Zone::named)]
    pub timezone: Zone,
}

/// The formats of a command: those of every report, and maybe some of its own.
pub trait FormatName: ValueEnum + From<ReportFormat> + Copy + Send + Sync + 'static {
    /// The format of every report that it is; `None` for one of the command's own.
    fn of_report(self) -> Option<ReportFormat>;

    /// The format of files whose names end so.
    fn from_extension(extension: &str) -> Option<Self> {
        ReportFormat::of_extension(extension).map(Self::from)
    }
}

/// Formats of every report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    /// For a terminal.
    #[default]
    #[value(alias = "text")]
    Table,
    /// One file for a browser.
    Html,
    /// For tickets and chat.
    Markdown,
    /// One JSON object.
    Json,
}

impl ReportFormat {
    /// The format of files whose names end so.
    pub fn of_extension(extension: &str) -> Option<Self> {
        match extension {
            "html" | "htm" => Some(Self::Html),
            "md" | "markdown" => Some(Self::Markdown),
            "json" => Some(Self::Json),
            _ => None,
        }
    }
}

impl FormatName for ReportFormat {
    fn of_report(self) -> Option<ReportFormat> {
        Some(self)
    }
}

/// Formats of `storms`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum StormFormat {
    /// For a terminal.
    Table,
    /// One file for a browser.
    Html,
    /// For tickets and chat.
    Markdown,
    /// One JSON object.
    Json,
    /// The findings, a JSON object a line.
    Ndjson,
}

impl From<ReportFormat> for StormFormat {
    fn from(format: ReportFormat) -> Self {
        match format {
            ReportFormat::Table => Self::Table,
            ReportFormat::Html => Self::Html,
            ReportFormat::Markdown => Self::Markdown,
            ReportFormat::Json => Self::Json,
        }
    }
}

impl FormatName for StormFormat {
    fn of_report(self) -> Option<ReportFormat> {
        match self {
            Self::Table => Some(ReportFormat::Table),
            Self::Html => Some(ReportFormat::Html),
            Self::Markdown => Some(ReportFormat::Markdown),
            Self::Json => Some(ReportFormat::Json),
            Self::Ndjson => None,
        }
    }

    fn from_extension(extension: &str) -> Option<Self> {
        match extension {
            "ndjson" | "jsonl" => Some(Self::Ndjson),
            _ => ReportFormat::of_extension(extension).map(Self::from),
        }
    }
}

/// Formats of `apf propose`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ProposeFormat {
    /// For a terminal.
    Table,
    /// One file for a browser.
    Html,
    /// For tickets and chat.
    Markdown,
    /// One JSON object.
    Json,
    /// The manifests alone, to be applied.
    Yaml,
}

impl From<ReportFormat> for ProposeFormat {
    fn from(format: ReportFormat) -> Self {
        match format {
            ReportFormat::Table => Self::Table,
            ReportFormat::Html => Self::Html,
            ReportFormat::Markdown => Self::Markdown,
            ReportFormat::Json => Self::Json,
        }
    }
}

impl FormatName for ProposeFormat {
    fn of_report(self) -> Option<ReportFormat> {
        match self {
            Self::Table => Some(ReportFormat::Table),
            Self::Html => Some(ReportFormat::Html),
            Self::Markdown => Some(ReportFormat::Markdown),
            Self::Json => Some(ReportFormat::Json),
            Self::Yaml => None,
        }
    }

    fn from_extension(extension: &str) -> Option<Self> {
        match extension {
            "yaml" | "yml" => Some(Self::Yaml),
            _ => ReportFormat::of_extension(extension).map(Self::from),
        }
    }
}
