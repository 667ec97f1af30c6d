//! What a chart over time shows, and the same as a table.

use super::Table;
use crate::report::rounded;
use crate::units::{self, Zone};

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
            Self::Count => rounded(value),
            Self::PerSecond => format!("{}/s", rounded(value)),
            Self::Seconds => format!("{} s", short(value)),
            Self::Share => format!("{} %", rounded(value * 100.0)),
        }
    }
}

/// Seconds to the millisecond below ten, else to the tenth.
fn short(secs: f64) -> String {
    if secs < 10.0 { units::number((secs * 1_000.0).round() / 1_000.0) } else { rounded(secs) }
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
