//! How results are written: where to, in which format, with times of which zone.

use std::path::PathBuf;

use clap::builder::PossibleValue;
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
    /// Write in FORMAT, whatever the file's name [default: a table on the terminal]
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub format: Option<F>,
    /// Show times in ZONE, such as Europe/Berlin, and read times given without a zone as times in ZONE; machine-readable
    /// formats always use UTC
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

/// The format that a command has besides those of every report.
pub trait OwnFormat: Copy + Send + Sync + 'static {
    /// All formats of the command, in the order of its help.
    const ALL: &'static [ReportOr<Self>];

    /// How names of files may end, for help and hints.
    const ENDINGS: &'static str;

    /// The format's name, with its help.
    fn possible_value() -> PossibleValue;

    /// The format of files with that extension, in lower case and without the dot.
    fn from_extension(extension: &str) -> Option<Self>;
}

/// The formats of every report, and one of the command's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReportOr<F> {
    /// A format of every report.
    Report(ReportFormat),
    /// The command's own.
    Own(F),
}

impl<F: Copy> ReportOr<F> {
    /// The formats of every report, then the command's own.
    const fn with(own: F) -> [Self; 5] {
        [
            Self::Report(ReportFormat::Table),
            Self::Report(ReportFormat::Html),
            Self::Report(ReportFormat::Markdown),
            Self::Report(ReportFormat::Json),
            Self::Own(own),
        ]
    }
}

impl<F: OwnFormat> ValueEnum for ReportOr<F> {
    fn value_variants<'a>() -> &'a [Self] {
        F::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        match self {
            Self::Report(format) => format.to_possible_value(),
            Self::Own(_) => Some(F::possible_value()),
        }
    }
}

impl<F: OwnFormat> FormatName for ReportOr<F> {
    const TABLE: Self = Self::Report(ReportFormat::Table);
    const ENDINGS: &'static str = F::ENDINGS;

    fn of_report(self) -> Option<ReportFormat> {
        match self {
            Self::Report(format) => Some(format),
            Self::Own(_) => None,
        }
    }

    fn from_extension(extension: &str) -> Option<Self> {
        F::from_extension(extension)
            .map(Self::Own)
            .or_else(|| ReportFormat::from_extension(extension).map(Self::Report))
    }
}

/// The findings of `storms` alone, one JSON object per line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FindingLines;

impl OwnFormat for FindingLines {
    const ALL: &'static [ReportOr<Self>] = &ReportOr::with(Self);
    const ENDINGS: &'static str = ".html, .md, .json or .ndjson";

    fn possible_value() -> PossibleValue {
        PossibleValue::new("ndjson").help("The findings alone, one JSON object per line")
    }

    fn from_extension(extension: &str) -> Option<Self> {
        matches!(extension, "ndjson" | "jsonl").then_some(Self)
    }
}

/// The manifests of `apf propose` alone, ready to apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Manifests;

impl OwnFormat for Manifests {
    const ALL: &'static [ReportOr<Self>] = &ReportOr::with(Self);
    const ENDINGS: &'static str = ".html, .md, .json or .yaml";

    fn possible_value() -> PossibleValue {
        PossibleValue::new("yaml").help("The manifests alone, ready to apply")
    }

    fn from_extension(extension: &str) -> Option<Self> {
        matches!(extension, "yaml" | "yml").then_some(Self)
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
