//! A report as a page of parts, whatever it is about: what [`terminal`](super::terminal()), [`html`](super::html()) and
//! [`markdown`](super::markdown()) each write in their own way.
//!
//! Any text may come from logs. It stands here as it is: the renderers, and nobody else, make it inert. A text is one line
//! for all of them, except that of [`Code`]. Tables and charts name the query that their numbers are from, so that a reader
//! can run it.

mod chart;

pub use chart::{Chart, Look, Mark, Measured, Series, Unit};

use crate::tables::{Cell, TextTable};
use crate::units;

/// A report.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    /// What kind of report it is.
    pub kind: &'static str,
    /// What it is of, such as a moment; empty where the kind says it all.
    pub title: String,
    /// What it was made from, a line each.
    pub about: Vec<String>,
    /// How sure the answer is, in a word or two, such as `high confidence`.
    pub certainty: Option<(Tone, String)>,
    /// The answer: some sentences, the most important first.
    pub verdict: Vec<String>,
    /// What to do first.
    pub first_step: Option<String>,
    /// Numbers to begin with.
    pub facts: Vec<Fact>,
    /// The rest, the most important first.
    pub sections: Vec<Section>,
}

impl Page {
    /// Sections alone, without a title or a verdict.
    pub fn of(kind: &'static str, about: Vec<String>, sections: Vec<Section>) -> Self {
        Self { kind, about, sections, ..Self::default() }
    }

    /// A table alone: the answer to a query, or a list.
    pub fn of_table(kind: &'static str, table: impl Into<Table>) -> Self {
        Self::of(kind, Vec::new(), vec![Section::of("", vec![Part::Table(table.into())])])
    }

    /// The kind, and what it is of.
    pub fn full_title(&self) -> String {
        if self.title.is_empty() { self.kind.to_owned() } else { format!("{}: {}", self.kind, self.title) }
    }

    /// Whether any number on it names its query.
    pub fn has_queries(&self) -> bool {
        self.sections.iter().flat_map(|section| &section.parts).any(|part| match part {
            Part::Table(table) => !table.query.is_empty(),
            Part::Chart(chart) => !chart.query.is_empty(),
            _ => false,
        })
    }
}

/// How something is to be taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tone {
    /// As it is.
    #[default]
    Plain,
    /// As good news.
    Good,
    /// As something to look at.
    Warning,
    /// As something that takes a server down.
    Critical,
}

/// A number to begin with.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fact {
    /// What it is of.
    pub label: String,
    /// The number, with its unit.
    pub value: String,
    /// What it means, or rests on.
    pub note: String,
}

/// A part of the page with a heading.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Section {
    /// The heading; empty where none is needed.
    pub heading: String,
    /// What stands under it.
    pub parts: Vec<Part>,
}

impl Section {
    /// A section with these parts.
    pub fn of(heading: impl Into<String>, parts: Vec<Part>) -> Self {
        Self { heading: heading.into(), parts }
    }
}

/// What stands under a heading.
#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    /// A paragraph.
    Text(String),
    /// Sentences, one under the other.
    Bullets(Vec<String>),
    /// Named things, one under the other, with what there is to say of each.
    Items(Vec<Item>),
    /// A table.
    Table(Table),
    /// A chart over time.
    Chart(Chart),
    /// Text to copy as it is, such as a manifest.
    Code(Code),
    /// One thing with all there is to say of it.
    Card(Card),
}

/// A named thing, and what there is to say of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Item {
    /// Its name.
    pub topic: String,
    /// What is said of it.
    pub text: String,
    /// What follows from that; empty where nothing does.
    pub note: String,
}

impl Item {
    /// An item.
    pub fn of(topic: impl Into<String>, text: impl Into<String>, note: impl Into<String>) -> Self {
        Self { topic: topic.into(), text: text.into(), note: note.into() }
    }
}

/// Text to copy.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Code {
    /// What it is.
    pub caption: String,
    /// Its language, such as `yaml`.
    pub language: &'static str,
    /// The text.
    pub text: String,
    /// Whether it is short enough to be printed on a terminal, too.
    pub is_short: bool,
}

/// One thing with all there is to say of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Card {
    /// How it is to be taken.
    pub tone: Tone,
    /// What it is.
    pub title: String,
    /// What is to say, each with its topic; a sentence that needs none has an empty one.
    pub details: Vec<(String, String)>,
}

impl Card {
    /// A card with a single sentence.
    pub fn of_sentence(tone: Tone, title: impl Into<String>, sentence: String) -> Self {
        Self { tone, title: title.into(), details: vec![(String::new(), sentence)] }
    }
}

/// A table.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// What is in it; empty where the heading above says that.
    pub caption: String,
    /// The query behind it; empty where there is none.
    pub query: String,
    /// Names of the columns, and whether they are of numbers.
    pub columns: Vec<(String, bool)>,
    /// The rows.
    pub rows: Vec<Vec<String>>,
}

impl Table {
    /// A table without rows.
    pub fn of(caption: impl Into<String>, query: impl Into<String>, columns: &[(&str, bool)]) -> Self {
        Self {
            caption: caption.into(),
            query: query.into(),
            columns: columns.iter().map(|(name, is_number)| ((*name).to_owned(), *is_number)).collect(),
            rows: Vec::new(),
        }
    }

    /// A table that the heading above it names.
    pub fn under_heading(query: impl Into<String>, columns: &[(&str, bool)], rows: Vec<Vec<String>>) -> Self {
        Self { rows, ..Self::of("", query, columns) }
    }
}

impl From<TextTable> for Table {
    fn from(table: TextTable) -> Self {
        let text = |cell: Cell| match cell {
            Cell::Null => "–".to_owned(),
            Cell::Number(number) => units::number(number),
            Cell::Text(text) => text,
        };
        let rows = table.rows.into_iter().map(|row| row.into_iter().map(text).collect());
        Self { caption: String::new(), query: String::new(), columns: table.columns, rows: rows.collect() }
    }
}

#[cfg(test)]
pub(super) mod samples;
