//! How answers are written: where to, in which format, with times of which zone.

use std::path::PathBuf;

use clap::{Args, ValueEnum, ValueHint};

use crate::units::Zone;

/// How an answer is written.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Output")]
pub struct OutputArgs<F: FormatName = ReportFormat> {
    /// The file to write to; `None` for standard output.
    #[arg(
        long,
        short,
        value_name = "FILE",
        value_hint = ValueHint::FilePath,
        help = format!("Write to FILE instead of standard output, in the format of its name: {}", F::ENDINGS)
    )]
    pub output: Option<PathBuf>,
    /// Write in FORMAT, whatever the file's name is [default: a table on the terminal]
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub format: Option<F>,
    /// Show times in ZONE, such as Europe/Berlin, and read times without a zone as of ZONE; formats for machines always
    /// use UTC
    #[arg(long, value_name = "ZONE", default_value = "UTC", value_parser = Zone::named)]
    pub timezone: Zone,
}

/// The formats of a command: those of every report and maybe some of its own, or those of rows.
pub trait FormatName: ValueEnum + Copy + Send + Sync + 'static {
    /// The format for the terminal.
    const TABLE: Self;

    /// How names of files may end, for help and hints.
    const ENDINGS: &'static str = ".html, .md or .json";

    /// The format of every report that it is; `None` for one of the command's own.
    fn of_report(self) -> Option<ReportFormat>;

    /// The format of files with that extension, in lower case and without the dot.
    fn from_extension(extension: &str) -> Option<Self>;
}

/// Formats of every report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    /// Text for the terminal.
    #[default]
    #[value(alias = "text")]
    Table,
    /// One self-contained page for a browser.
    Html,
    /// Markdown for tickets and chat.
    Markdown,
    /// One JSON object.
    Json,
}

impl FormatName for ReportFormat {
    const TABLE: Self = Self::Table;

    fn of_report(self) -> Option<ReportFormat> {
        Some(self)
    }

    fn from_extension(extension: &str) -> Option<Self> {
        match extension {
            "html" | "htm" => Some(Self::Html),
            "md" | "markdown" => Some(Self::Markdown),
            "json" => Some(Self::Json),
            _ => None,
        }
    }
}

/// Formats of `storms`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum StormFormat {
    /// Text for the terminal.
    #[value(alias = "text")]
    Table,
    /// One self-contained page for a browser.
    Html,
    /// Markdown for tickets and chat.
    Markdown,
    /// One JSON object.
    Json,
    /// The findings alone, one JSON object per line.
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
    const TABLE: Self = Self::Table;
    const ENDINGS: &'static str = ".html, .md, .json or .ndjson";

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
            _ => ReportFormat::from_extension(extension).map(Self::from),
        }
    }
}

/// Formats of `apf propose`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ProposeFormat {
    /// Text for the terminal.
    #[value(alias = "text")]
    Table,
    /// One self-contained page for a browser.
    Html,
    /// Markdown for tickets and chat.
    Markdown,
    /// One JSON object.
    Json,
    /// The manifests alone, ready to apply.
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
    const TABLE: Self = Self::Table;
    const ENDINGS: &'static str = ".html, .md, .json or .yaml";

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
            _ => ReportFormat::from_extension(extension).map(Self::from),
        }
    }
}

/// Formats of rows: what `query`, `clients` and `resources` answer with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum RowFormat {
    /// A table on the terminal.
    #[value(alias = "text")]
    Table,
    /// Comma-separated values.
    Csv,
    /// One JSON array.
    Json,
    /// One JSON object per line.
    Ndjson,
    /// Apache Parquet.
    Parquet,
    /// An Arrow IPC file.
    Arrow,
}

impl FormatName for RowFormat {
    const TABLE: Self = Self::Table;
    const ENDINGS: &'static str = ".csv, .json, .ndjson, .parquet or .arrow";

    fn of_report(self) -> Option<ReportFormat> {
        (self == Self::Table).then_some(ReportFormat::Table)
    }

    fn from_extension(extension: &str) -> Option<Self> {
        match extension {
            "csv" => Some(Self::Csv),
            "json" => Some(Self::Json),
            "ndjson" | "jsonl" => Some(Self::Ndjson),
            "parquet" => Some(Self::Parquet),
            "arrow" => Some(Self::Arrow),
            _ => None,
        }
    }
}
