//! A report as a page of parts, whatever it is about: what [`terminal`](super::terminal()), [`html`](super::html()) and
//! [`markdown`](super::markdown()) each write in their own way.
//!
//! Any text may come from logs. It stands here as it is: the renderers, and nobody else, make it inert. A text is one line
//! for all of them, except that of [`Code`]. Tables and charts name the query that their numbers are from, so that a reader
//! can run it.

use crate::tables::{Cell, TextTable};
use crate::units::{self, Zone};

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

/// A chart over time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Chart {
    /// What it shows.
    pub title: String,
    /// What to know to read it.
    pub note: String,
    /// The query behind it.
    pub query: String,
    /// What its values are.
    pub unit: Unit,
    /// Whether series are put on top of each other.
    pub is_stacked: bool,
    /// When its first bucket begins, in microseconds since 1970.
    pub from: i64,
    /// How long a bucket is, in microseconds.
    pub step: i64,
    /// What is drawn, all with one value for each bucket. Those that are stacked come first.
    pub series: Vec<Series>,
    /// Moments worth a mark.
    pub marks: Vec<Mark>,
    /// A value worth a line across.
    pub limit: Option<(f64, String)>,
    /// Something that was measured besides, at times of its own.
    pub measured: Option<Measured>,
}

/// A series of values.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series {
    /// What they are of.
    pub name: String,
    /// The values; `None` where nothing is known.
    pub values: Vec<Option<f64>>,
    /// How it is drawn.
    pub look: Look,
}

/// How a series is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Look {
    /// As an area, on those before it where the chart is stacked.
    #[default]
    Area,
    /// As a line.
    Line,
    /// As a faint line, such as the bound of an estimate.
    Bound,
}

/// A moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Mark {
    /// When, in microseconds since 1970.
    pub at: i64,
    /// What happened, in a few words.
    pub label: String,
    /// Whether the words stand before it, as of an end.
    pub is_end: bool,
}

/// What was measured besides.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    /// What it is.
    pub name: String,
    /// When, in microseconds since 1970, and the value.
    pub points: Vec<(i64, f64)>,
}

/// What the values of a chart are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unit {
    /// So many.
    #[default]
    Count,
    /// Bytes.
    Bytes,
    /// So many a second.
    PerSecond,
    /// Seconds.
    Seconds,
    /// Parts of a whole.
    Share,
}

impl Unit {
    /// A value as people read it.
    pub fn words(self, value: f64) -> String {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "bytes and counts are not negative"
        )]
        let whole = value.round().max(0.0) as u64;
        match self {
            Self::Bytes => units::bytes(whole),
            Self::Count if (value - value.round()).abs() < 1e-9 => units::count(whole),
            Self::Count => super::rounded(value),
            Self::PerSecond => format!("{}/s", super::rounded(value)),
            Self::Seconds => format!("{} s", short(value)),
            Self::Share => format!("{} %", super::rounded(value * 100.0)),
        }
    }
}

/// Seconds to the millisecond below ten, else to the tenth.
fn short(secs: f64) -> String {
    if secs < 10.0 { units::number((secs * 1_000.0).round() / 1_000.0) } else { super::rounded(secs) }
}

impl Chart {
    /// How many buckets there are.
    pub fn buckets(&self) -> usize {
        self.series.iter().map(|series| series.values.len()).max().unwrap_or_default()
    }

    /// When it ends, in microseconds since 1970.
    pub fn to(&self) -> i64 {
        self.from + self.step * i64::try_from(self.buckets()).unwrap_or_default()
    }

    /// The same with no more than so many buckets: each of the new ones has the highest of the values that it takes the
    /// place of.
    #[must_use]
    pub fn coarser(&self, most: usize) -> Self {
        let together = self.buckets().div_ceil(most.max(1)).max(1);
        let highest = |values: &[Option<f64>]| values.iter().flatten().copied().reduce(f64::max);
        let mut chart = self.clone();
        chart.step = self.step * i64::try_from(together).unwrap_or(1);
        for series in &mut chart.series {
            series.values = series.values.chunks(together).map(highest).collect();
        }
        chart
    }

    /// The values as a table; buckets in which nothing is are left out where `is_sparse`.
    pub fn table(&self, zone: &Zone, is_sparse: bool) -> Table {
        let mut columns = vec![(format!("from ({zone})"), false)];
        columns.extend(self.series.iter().map(|series| (series.name.clone(), true)));
        columns.extend(self.measured.iter().map(|measured| (measured.name.clone(), true)));
        let value = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |value| self.unit.words(value));
        let row = |bucket: usize| {
            let mut row = vec![zone.format(self.bucket_at(bucket), self.time_format())];
            row.extend(self.series.iter().map(|series| value(series.values.get(bucket).copied().flatten())));
            row.extend(self.measured.iter().map(|_| value(self.measured_in(bucket))));
            row
        };
        let is_empty = |bucket: &usize| {
            let of = |series: &Series| series.values.get(*bucket).copied().flatten().unwrap_or_default();
            self.series.iter().all(|series| of(series).abs() < f64::EPSILON)
        };
        let buckets = (0..self.buckets()).filter(|bucket| !is_sparse || !is_empty(bucket));
        Table { caption: self.title.clone(), query: self.query.clone(), columns, rows: buckets.map(row).collect() }
    }

    /// When a bucket begins, in microseconds since 1970.
    pub fn bucket_at(&self, bucket: usize) -> i64 {
        self.from + self.step * i64::try_from(bucket).unwrap_or_default()
    }

    /// Days have to be told apart where there are several.
    fn time_format(&self) -> &'static str {
        const DAY: i64 = 86_400_000_000;
        if self.to() - self.from > DAY { "%Y-%m-%d %H:%M" } else { "%H:%M:%S" }
    }

    /// The highest of what was measured in a bucket.
    fn measured_in(&self, bucket: usize) -> Option<f64> {
        let (from, to) = (self.bucket_at(bucket), self.bucket_at(bucket + 1));
        let points = self.measured.iter().flat_map(|measured| &measured.points);
        points.filter(|(at, _)| (from..to).contains(at)).map(|(_, value)| *value).reduce(f64::max)
    }
}

#[cfg(test)]
pub(super) mod samples {
    //! Pages for the tests of the renderers.

    use proptest::prelude::*;

    use super::*;

    /// What logs could hold to fool a renderer or a reader: markup of all kinds, control characters, and characters that
    /// turn the direction of writing.
    pub(in crate::report) fn any_text() -> impl Strategy<Value = String> {
        let hostile = prop::sample::select(vec![
            "<script>",
            "</style>",
            "-->",
            "&amp;",
            "\"'",
            "\u{1b}[31m",
            "\u{9b}2J",
            "\u{7}",
            "\0",
            "\n",
            "\r",
            "\t",
            "\n# ",
            "\n- ",
            "# ",
            "- ",
            "+ ",
            "1. ",
            "9) ",
            "=== ",
            "--- ",
            "~~~ ",
            "> ",
            "    ",
            "|",
            "`",
            "```",
            "**",
            "_a_",
            "[a](b)",
            "![",
            "\\",
            "\u{202e}",
            "\u{2066}",
            "\u{200f}",
            "\u{61c}",
            "\u{2028}",
            "\u{2029}",
            "\u{85}",
            "x",
            "20",
            "ä",
        ]);
        prop::collection::vec(prop_oneof![hostile.prop_map(str::to_owned), "\\PC{1,3}"], 1..8)
            .prop_map(|pieces| pieces.concat())
    }

    /// A page with this text wherever text can stand, and one of everything.
    pub(in crate::report) fn page_of(text: &str) -> Page {
        let text = || text.to_owned();
        let table = |caption: String| Table {
            caption,
            query: text(),
            columns: vec![(text(), false), (text(), true)],
            rows: vec![vec![text(), text()]],
        };
        let chart = Chart {
            title: text(),
            note: text(),
            query: text(),
            step: 1_000_000,
            series: vec![Series { name: text(), values: vec![Some(1.0), None, Some(2.0)], look: Look::Line }],
            marks: vec![Mark { at: 1_000_000, label: text(), is_end: true }],
            limit: Some((2.0, text())),
            measured: Some(Measured { name: text(), points: vec![(1_500_000, 1.0)] }),
            ..Chart::default()
        };
        let card = |tone| Card { tone, title: text(), details: vec![(text(), text()), (String::new(), text())] };
        let parts = vec![
            Part::Text(text()),
            Part::Bullets(vec![text(), text()]),
            Part::Items(vec![Item::of(text(), text(), text()), Item::of(text(), text(), "")]),
            Part::Table(table(text())),
            Part::Table(table(String::new())),
            Part::Chart(chart),
            Part::Code(Code { caption: text(), language: "yaml", text: text() }),
            Part::Card(card(Tone::Critical)),
            Part::Card(card(Tone::Plain)),
        ];
        Page {
            kind: "Report",
            title: text(),
            about: vec![text()],
            certainty: Some((Tone::Warning, text())),
            verdict: vec![text(), text()],
            first_step: Some(text()),
            facts: vec![Fact { label: text(), value: text(), note: text() }],
            sections: vec![Section::of(text(), parts.clone()), Section::of("", parts)],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart() -> Chart {
        Chart {
            unit: Unit::Bytes,
            step: 1_000_000,
            series: vec![Series {
                name: "cni".to_owned(),
                values: vec![Some(1.0), None, Some(2048.0), Some(0.0), Some(5.0)],
                look: Look::Area,
            }],
            measured: Some(Measured { name: "resident".to_owned(), points: vec![(2_500_000, 3.0 * 1024.0)] }),
            ..Chart::default()
        }
    }

    #[test]
    fn a_coarser_chart_keeps_the_peaks() {
        let coarser = chart().coarser(3);
        assert_eq!(coarser.series[0].values, [Some(1.0), Some(2048.0), Some(5.0)]);
        assert_eq!((coarser.step, coarser.to()), (2_000_000, 6_000_000));
        assert_eq!(chart().coarser(100), chart());
    }

    #[test]
    fn the_table_has_what_the_chart_has() {
        let rows = chart().table(&Zone::default(), true).rows;
        assert_eq!(rows, [["00:00:00", "1 B", "–"], ["00:00:02", "2.0 KiB", "3.0 KiB"], ["00:00:04", "5 B", "–"]]);
        assert_eq!(chart().table(&Zone::default(), false).rows.len(), 5);
    }

    #[test]
    fn values_have_their_units() {
        let words = |unit: Unit, value| unit.words(value);
        assert_eq!(words(Unit::Count, 1234.0), "1,234");
        assert_eq!(words(Unit::PerSecond, 0.26), "0.3/s");
        assert_eq!(words(Unit::Seconds, 0.0123), "0.012 s");
        assert_eq!(words(Unit::Share, 0.123), "12.3 %");
    }
}
