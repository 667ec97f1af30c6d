//! Fills Arrow columns with requests; only those columns that a query asks for.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanBuilder, Float64Builder, Int32Builder, Int64Builder, ListBuilder, RecordBatch, StringViewBuilder,
    TimestampMicrosecondArray, TimestampMicrosecondBuilder,
};
use arrow::error::ArrowError;

use super::columns::{COLUMNS, Value, latency_secs, schema};
use super::flow_digests::FlowDigests;
use super::keys::flow_key;
use super::row::Row;
use super::row_filter::RowFilter;
use super::scan_columns::ColumnSet;
use crate::audit::Micros;
use crate::kubernetes::ListOptions;
use crate::requests::{Request, Rows};

/// Requests in Arrow columns, as far as queries ask for them.
pub struct RequestRows {
    sets: Vec<ColumnSetBuilder>,
    needs_uri: bool,
    count: usize,
    flows: Arc<FlowDigests>,
    /// For resolving escapes.
    scratch: String,
    uri: String,
}

/// Columns that are filled with the same rows.
struct ColumnSetBuilder {
    filter: Option<Arc<RowFilter>>,
    columns: Vec<ColumnBuilder>,
    /// Which rows of all those are, where there is a filter.
    rows: Vec<u32>,
}

/// The columns of a set, once they are filled.
pub(super) struct FilledColumns {
    pub(super) columns: Vec<ArrayRef>,
    /// Which of the requests it has, ascending; all where it has no filter.
    pub(super) rows: Option<Vec<u32>>,
}

struct ColumnBuilder {
    value: Value,
    builder: ValueBuilder,
}

enum ValueBuilder {
    Utf8(StringViewBuilder),
    Utf8List(ListBuilder<StringViewBuilder>),
    Timestamp(TimestampMicrosecondBuilder),
    StartedAt(Vec<Option<Micros>>),
    Float64(Float64Builder),
    Int64(Int64Builder),
    Int32(Int32Builder),
    Boolean(BooleanBuilder),
}

impl ValueBuilder {
    fn new(value: Value) -> Self {
        match value {
            Value::Utf8(_) => Self::Utf8(StringViewBuilder::new()),
            Value::Utf8List(_) => Self::Utf8List(ListBuilder::new(StringViewBuilder::new())),
            Value::Timestamp(_) => Self::Timestamp(TimestampMicrosecondBuilder::new().with_timezone("UTC")),
            Value::StartedAt => Self::StartedAt(Vec::new()),
            Value::Float64(_) | Value::Latency(_) => Self::Float64(Float64Builder::new()),
            Value::Int64(_) | Value::FlowKey => Self::Int64(Int64Builder::new()),
            Value::Int32(_) => Self::Int32(Int32Builder::new()),
            Value::Boolean(_) => Self::Boolean(BooleanBuilder::new()),
        }
    }

    fn finish(self, started: &[(usize, Micros)]) -> ArrayRef {
        match self {
            Self::Utf8(mut builder) => Arc::new(builder.finish()),
            Self::Utf8List(mut builder) => Arc::new(builder.finish()),
            Self::Timestamp(mut builder) => Arc::new(builder.finish()),
            Self::StartedAt(mut values) => {
                for (row, at) in started {
                    values[*row] = Some(*at);
                }
                Arc::new(TimestampMicrosecondArray::from(values).with_timezone("UTC"))
            }
            Self::Float64(mut builder) => Arc::new(builder.finish()),
            Self::Int64(mut builder) => Arc::new(builder.finish()),
            Self::Int32(mut builder) => Arc::new(builder.finish()),
            Self::Boolean(mut builder) => Arc::new(builder.finish()),
        }
    }
}

impl RequestRows {
    /// Empty rows of all columns.
    pub fn all() -> Self {
        Self::new(&[ColumnSet { columns: (0..COLUMNS.len()).collect(), filter: None }], Arc::default())
    }

    /// Empty rows of these columns; the digests behind flow keys are added to `flows`.
    pub(super) fn new(sets: &[ColumnSet], flows: Arc<FlowDigests>) -> Self {
        let building = |index: &usize| {
            let value = COLUMNS[*index].value;
            ColumnBuilder { value, builder: ValueBuilder::new(value) }
        };
        let builders = sets.iter().map(|set| ColumnSetBuilder {
            filter: set.filter.clone(),
            columns: set.columns.iter().map(building).collect(),
            rows: Vec::new(),
        });
        Self {
            sets: builders.collect(),
            needs_uri: sets.iter().any(ColumnSet::needs_uri),
            count: 0,
            flows,
            scratch: String::new(),
            uri: String::new(),
        }
    }

    /// The rows as they are, as one batch of all columns.
    ///
    /// # Errors
    /// When Arrow can't allocate or disagrees on a type, which is a bug.
    pub fn into_batch(self) -> Result<RecordBatch, ArrowError> {
        let columns = self.finish(&[]).into_iter().flat_map(|filled| filled.columns).collect();
        RecordBatch::try_new(schema(), columns)
    }

    /// How many requests were appended.
    pub(super) const fn count(&self) -> usize {
        self.count
    }

    /// The columns, set by set. For rows in `started`, the start of the response was found after the row was made.
    pub(super) fn finish(self, started: &[(u32, Micros)]) -> Vec<FilledColumns> {
        self.sets.into_iter().map(|set| set.finish(started)).collect()
    }
}

impl ColumnSetBuilder {
    fn finish(self, started: &[(u32, Micros)]) -> FilledColumns {
        let rows = self.filter.map(|_| self.rows);
        let index_of = |(row, at): &(u32, Micros)| match &rows {
            None => Some((*row as usize, *at)),
            Some(rows) => rows.binary_search(row).ok().map(|index| (index, *at)),
        };
        let started: Vec<(usize, Micros)> = started.iter().filter_map(index_of).collect();
        FilledColumns {
            columns: self.columns.into_iter().map(|column| column.builder.finish(&started)).collect(),
            rows,
        }
    }
}

impl Rows for RequestRows {
    fn append(&mut self, request: &Request<'_>) {
        let no_options = ListOptions::default();
        let uri = match request.event.request_uri {
            Some(uri) if self.needs_uri => uri.decode_in(&mut self.uri),
            _ => "",
        };
        let options = if self.needs_uri { ListOptions::from_uri(uri) } else { no_options };
        let row = Row::of(request, uri, &options);
        for set in &mut self.sets {
            if let Some(filter) = &set.filter {
                if !filter.holds(&row) {
                    continue;
                }
                set.rows.push(u32::try_from(self.count).unwrap_or(u32::MAX));
            }
            for column in &mut set.columns {
                append_value(column, &row, &self.flows, &mut self.scratch);
            }
        }
        self.count += 1;
    }
}

fn append_value<'r>(column: &mut ColumnBuilder, row: &'r Row<'r>, flows: &FlowDigests, scratch: &mut String) {
    match (column.value, &mut column.builder) {
        (Value::Utf8(of), ValueBuilder::Utf8(builder)) => match of(row) {
            Some(text) => builder.append_value(text.decode_in(scratch)),
            None => builder.append_null(),
        },
        (Value::Utf8List(of), ValueBuilder::Utf8List(builder)) => {
            let list = of(row);
            for text in list.iter().flat_map(|list| list.iter()) {
                builder.values().append_value(text.decode_in(scratch));
            }
            builder.append(list.is_some());
        }
        (Value::Timestamp(of), ValueBuilder::Timestamp(builder)) => builder.append_option(of(row)),
        (Value::StartedAt, ValueBuilder::StartedAt(values)) => values.push(row.request.started_at),
        (Value::Float64(of), ValueBuilder::Float64(builder)) => builder.append_option(of(row)),
        (Value::Latency(part), ValueBuilder::Float64(builder)) => builder.append_option(latency_secs(row, part)),
        (Value::Int64(of), ValueBuilder::Int64(builder)) => builder.append_option(of(row)),
        (Value::FlowKey, ValueBuilder::Int64(builder)) => {
            let key = flow_key(row);
            flows.note(key, row);
            builder.append_value(key);
        }
        (Value::Int32(of), ValueBuilder::Int32(builder)) => builder.append_option(of(row)),
        (Value::Boolean(of), ValueBuilder::Boolean(builder)) => builder.append_option(of(row)),
        _ => unreachable!("a builder is made for its column's type"),
    }
}
