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
use super::wants::Fill;
use crate::audit::Micros;
use crate::kubernetes::ListOptions;
use crate::requests::{Request, Rows};

/// Requests in Arrow columns, as far as queries ask for them.
pub struct RequestRows {
    parts: Vec<Part>,
    needs_uri: bool,
    count: usize,
    flows: Arc<FlowDigests>,
    /// For resolving escapes.
    scratch: String,
    uri: String,
}

/// Columns that are filled with the same rows.
struct Part {
    filter: Option<Arc<RowFilter>>,
    columns: Vec<Building>,
    /// Which rows of all those are, where there is a filter.
    rows: Vec<u32>,
}

/// What a part became.
pub(super) struct Filled {
    pub(super) columns: Vec<ArrayRef>,
    /// Which of the requests it has, ascending; all where it has no filter.
    pub(super) rows: Option<Vec<u32>>,
}

struct Building {
    value: Value,
    builder: Builder,
}

enum Builder {
    Text(StringViewBuilder),
    Texts(ListBuilder<StringViewBuilder>),
    Instant(TimestampMicrosecondBuilder),
    StartedAt(Vec<Option<Micros>>),
    Secs(Float64Builder),
    Whole(Int64Builder),
    Code(Int32Builder),
    Flag(BooleanBuilder),
}

impl Builder {
    fn of(value: Value) -> Self {
        match value {
            Value::Text(_) => Self::Text(StringViewBuilder::new()),
            Value::Texts(_) => Self::Texts(ListBuilder::new(StringViewBuilder::new())),
            Value::Instant(_) => Self::Instant(TimestampMicrosecondBuilder::new().with_timezone("UTC")),
            Value::StartedAt => Self::StartedAt(Vec::new()),
            Value::Secs(_) | Value::Latency(_) => Self::Secs(Float64Builder::new()),
            Value::Whole(_) | Value::FlowKey => Self::Whole(Int64Builder::new()),
            Value::Code(_) => Self::Code(Int32Builder::new()),
            Value::Flag(_) => Self::Flag(BooleanBuilder::new()),
        }
    }

    fn finish(self, started: &[(usize, Micros)]) -> ArrayRef {
        match self {
            Self::Text(mut builder) => Arc::new(builder.finish()),
            Self::Texts(mut builder) => Arc::new(builder.finish()),
            Self::Instant(mut builder) => Arc::new(builder.finish()),
            Self::StartedAt(mut values) => {
                for (row, at) in started {
                    values[*row] = Some(*at);
                }
                Arc::new(TimestampMicrosecondArray::from(values).with_timezone("UTC"))
            }
            Self::Secs(mut builder) => Arc::new(builder.finish()),
            Self::Whole(mut builder) => Arc::new(builder.finish()),
            Self::Code(mut builder) => Arc::new(builder.finish()),
            Self::Flag(mut builder) => Arc::new(builder.finish()),
        }
    }
}

impl RequestRows {
    /// Empty rows of all columns.
    pub fn all() -> Self {
        Self::new(&[Fill { columns: (0..COLUMNS.len()).collect(), filter: None }], Arc::default())
    }

    /// Empty rows of columns that are filled so; what stands behind flow keys is noted in `flows`.
    pub(super) fn new(fills: &[Fill], flows: Arc<FlowDigests>) -> Self {
        let building = |index: &usize| {
            let value = COLUMNS[*index].value;
            Building { value, builder: Builder::of(value) }
        };
        let parts = fills.iter().map(|fill| Part {
            filter: fill.filter.clone(),
            columns: fill.columns.iter().map(building).collect(),
            rows: Vec::new(),
        });
        Self {
            parts: parts.collect(),
            needs_uri: fills.iter().any(Fill::needs_uri),
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

    /// The columns, part by part. Of rows in `started` it was found elsewhere when the response started.
    pub(super) fn finish(self, started: &[(u32, Micros)]) -> Vec<Filled> {
        self.parts.into_iter().map(|part| part.finish(started)).collect()
    }
}

impl Part {
    fn finish(self, started: &[(u32, Micros)]) -> Filled {
        let rows = self.filter.map(|_| self.rows);
        let place = |(row, at): &(u32, Micros)| match &rows {
            None => Some((*row as usize, *at)),
            Some(rows) => rows.binary_search(row).ok().map(|place| (place, *at)),
        };
        let started: Vec<(usize, Micros)> = started.iter().filter_map(place).collect();
        Filled { columns: self.columns.into_iter().map(|column| column.builder.finish(&started)).collect(), rows }
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
        for part in &mut self.parts {
            if let Some(filter) = &part.filter {
                if !filter.holds(&row) {
                    continue;
                }
                part.rows.push(u32::try_from(self.count).unwrap_or(u32::MAX));
            }
            for column in &mut part.columns {
                append_value(column, &row, &self.flows, &mut self.scratch);
            }
        }
        self.count += 1;
    }
}

fn append_value<'r>(column: &mut Building, row: &'r Row<'r>, flows: &FlowDigests, scratch: &mut String) {
    match (column.value, &mut column.builder) {
        (Value::Text(of), Builder::Text(builder)) => match of(row) {
            Some(text) => builder.append_value(text.decode_in(scratch)),
            None => builder.append_null(),
        },
        (Value::Texts(of), Builder::Texts(builder)) => {
            let list = of(row);
            for text in list.iter().flat_map(|list| list.iter()) {
                builder.values().append_value(text.decode_in(scratch));
            }
            builder.append(list.is_some());
        }
        (Value::Instant(of), Builder::Instant(builder)) => builder.append_option(of(row)),
        (Value::StartedAt, Builder::StartedAt(values)) => values.push(row.request.started_at),
        (Value::Secs(of), Builder::Secs(builder)) => builder.append_option(of(row)),
        (Value::Latency(part), Builder::Secs(builder)) => builder.append_option(latency_secs(row, part)),
        (Value::Whole(of), Builder::Whole(builder)) => builder.append_option(of(row)),
        (Value::FlowKey, Builder::Whole(builder)) => {
            let key = flow_key(row);
            flows.note(key, row);
            builder.append_value(key);
        }
        (Value::Code(of), Builder::Code(builder)) => builder.append_option(of(row)),
        (Value::Flag(of), Builder::Flag(builder)) => builder.append_option(of(row)),
        _ => unreachable!("a builder is made for its column's type"),
    }
}
