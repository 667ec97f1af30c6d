//! Fills Arrow columns with requests; only those columns that a query asks for.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, BooleanBuilder, Float64Builder, Int32Builder, Int64Builder, ListBuilder, RecordBatch,
    RecordBatchOptions, StringViewBuilder, TimestampMicrosecondArray, TimestampMicrosecondBuilder,
};
use arrow::compute::filter_record_batch;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;

use super::columns::{COLUMNS, Value, latency_secs, schema};
use super::flow_digests::FlowDigests;
use super::keys::flow_key;
use super::row::Row;
use crate::audit::Micros;
use crate::requests::{Joined, ListOptions, Request, Rows};

/// Requests in Arrow columns, as far as a query asks for them.
pub struct RequestRows {
    columns: Vec<Building>,
    needs_uri: bool,
    count: usize,
    flows: Arc<FlowDigests>,
    /// For resolving escapes.
    scratch: String,
    uri: String,
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

    fn finish(self, started: &[(u32, Micros)]) -> ArrayRef {
        match self {
            Self::Text(mut builder) => Arc::new(builder.finish()),
            Self::Texts(mut builder) => Arc::new(builder.finish()),
            Self::Instant(mut builder) => Arc::new(builder.finish()),
            Self::StartedAt(mut values) => {
                for (row, at) in started {
                    values[*row as usize] = Some(*at);
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
        Self::new(&(0..COLUMNS.len()).collect::<Vec<_>>(), Arc::default())
    }

    /// Empty rows of the columns with these indices; what stands behind flow keys is noted in `flows`.
    pub(super) fn new(projection: &[usize], flows: Arc<FlowDigests>) -> Self {
        let columns = projection.iter().map(|index| {
            let value = COLUMNS[*index].value;
            Building { value, builder: Builder::of(value) }
        });
        Self {
            columns: columns.collect(),
            needs_uri: projection.iter().any(|index| COLUMNS[*index].needs_uri),
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
        let joined = Joined { rows: self, dropped: Vec::new(), started: Vec::new() };
        let batch = Self::finish(joined, &schema())?;
        Ok(batch.unwrap_or_else(|| RecordBatch::new_empty(schema())))
    }

    /// The rows as one batch; `None` if nothing is left of them.
    ///
    /// # Errors
    /// When Arrow can't allocate or disagrees on a type, which is a bug.
    pub(super) fn finish(joined: Joined<Self>, schema: &SchemaRef) -> Result<Option<RecordBatch>, ArrowError> {
        let Joined { rows, dropped, started } = joined;
        if rows.count == dropped.len() {
            return Ok(None);
        }
        let arrays = rows.columns.into_iter().map(|column| column.builder.finish(&started)).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(rows.count));
        let batch = RecordBatch::try_new_with_options(Arc::clone(schema), arrays, &options)?;
        if dropped.is_empty() {
            return Ok(Some(batch));
        }
        let mut kept = vec![true; rows.count];
        for row in dropped {
            kept[row as usize] = false;
        }
        filter_record_batch(&batch, &BooleanArray::from(kept)).map(Some)
    }
}

impl Rows for RequestRows {
    fn append(&mut self, request: &Request<'_>) {
        let no_options = ListOptions::default();
        let uri = match request.event.request_uri {
            Some(uri) if self.needs_uri => uri.decode_in(&mut self.uri),
            _ => "",
        };
        let options = if self.needs_uri { ListOptions::of(uri) } else { no_options };
        let row = Row::of(request, uri, &options);
        for column in &mut self.columns {
            append_value(column, &row, &self.flows, &mut self.scratch);
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
