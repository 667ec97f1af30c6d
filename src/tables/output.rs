//! What a query gives: as a stream, as text for a table, or written in a format that machines read.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::csv;
use arrow::datatypes::{DataType, Float64Type, SchemaRef, TimeUnit, TimestampMicrosecondType};
use arrow::error::ArrowError;
use arrow::ipc::writer::FileWriter;
use arrow::json::WriterBuilder;
use arrow::json::writer::{JsonArray, JsonFormat, LineDelimited};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::dataframe::DataFrame;
use datafusion::execution::SendableRecordBatchStream;
use futures::StreamExt;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use super::error::TablesError;
use crate::units::Zone;

/// A format that machines read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Comma-separated values with a header line.
    Csv,
    /// One JSON array of objects.
    Json,
    /// One JSON object a line.
    Ndjson,
    /// Apache Parquet.
    Parquet,
    /// An Arrow IPC file.
    Arrow,
}

/// The result of a query as text.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TextTable {
    /// The columns' names, and whether they hold numbers.
    pub columns: Vec<(String, bool)>,
    /// The rows.
    pub rows: Vec<Vec<Cell>>,
}

/// One value of a [`TextTable`].
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// No value.
    Null,
    /// A number with a fraction, to be written as short as it may be.
    Number(f64),
    /// Anything else.
    Text(String),
}

/// A planned query, not yet run.
pub struct QueryResult {
    frame: DataFrame,
}

impl QueryResult {
    pub(super) const fn new(frame: DataFrame) -> Self {
        Self { frame }
    }

    pub(super) fn into_frame(self) -> DataFrame {
        self.frame
    }

    /// Names and types of the columns.
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(self.frame.schema().inner())
    }

    /// No more than so many rows.
    ///
    /// # Errors
    /// When DataFusion refuses, which is a bug.
    pub fn limit(self, rows: usize) -> Result<Self, TablesError> {
        Ok(Self { frame: self.frame.limit(0, Some(rows))? })
    }

    /// Runs the query.
    ///
    /// # Errors
    /// When it can't be planned to its end.
    pub async fn stream(self) -> Result<SendableRecordBatchStream, TablesError> {
        Ok(self.frame.execute_stream().await?)
    }

    /// Runs the query and keeps all of its rows as text, with instants in `zone`.
    ///
    /// # Errors
    /// When the query fails.
    pub async fn text(self, zone: &Zone) -> Result<TextTable, TablesError> {
        let mut stream = self.stream().await?;
        let schema = stream.schema();
        let columns = schema.fields().iter().map(|field| (field.name().clone(), field.data_type().is_numeric()));
        let mut table = TextTable { columns: columns.collect(), rows: Vec::new() };
        while let Some(batch) = stream.next().await {
            table.push(&batch?, zone)?;
        }
        Ok(table)
    }

    /// Runs the query and writes its rows as they come; their number.
    ///
    /// # Errors
    /// When the query fails or `out` does.
    pub async fn write(self, format: Format, out: impl Write + Send) -> Result<u64, TablesError> {
        let mut stream = self.stream().await?;
        let failure = Arc::default();
        let write_error = |error| write_error(error, &failure);
        let out = RememberingWriter { out, failure: Arc::clone(&failure) };
        let mut writer = Writer::new(format, out, &stream.schema()).map_err(write_error)?;
        let mut rows = 0;
        while let Some(batch) = stream.next().await {
            let batch = batch?;
            rows += batch.num_rows() as u64;
            writer.write(&batch).map_err(write_error)?;
        }
        writer.finish().map_err(write_error)?;
        Ok(rows)
    }
}

/// Why the writing failed: what Arrow says, unless the output itself failed, which Arrow keeps only as text.
fn write_error(error: ArrowError, failure: &Mutex<Option<io::Error>>) -> TablesError {
    let failure = failure.lock().unwrap_or_else(PoisonError::into_inner).take();
    TablesError::Write(failure.unwrap_or_else(|| io::Error::other(error)))
}

/// An output that remembers how it failed.
struct RememberingWriter<W> {
    out: W,
    failure: Arc<Mutex<Option<io::Error>>>,
}

impl<W> RememberingWriter<W> {
    fn remember<T>(&self, result: io::Result<T>) -> io::Result<T> {
        result.inspect_err(|error| {
            let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
            *failure = Some(io::Error::new(error.kind(), error.to_string()));
        })
    }
}

impl<W: Write> Write for RememberingWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let result = self.out.write(bytes);
        self.remember(result)
    }

    fn flush(&mut self) -> io::Result<()> {
        let result = self.out.flush();
        self.remember(result)
    }
}

impl TextTable {
    fn push(&mut self, batch: &RecordBatch, zone: &Zone) -> Result<(), ArrowError> {
        let options = FormatOptions::default();
        let mut columns = Vec::with_capacity(batch.num_columns());
        for array in batch.columns() {
            columns.push(cells(array, &options, zone)?);
        }
        for row in 0..batch.num_rows() {
            self.rows.push(columns.iter().map(|column| column[row].clone()).collect());
        }
        Ok(())
    }
}

fn cells(array: &Arc<dyn Array>, options: &FormatOptions<'_>, zone: &Zone) -> Result<Vec<Cell>, ArrowError> {
    if array.data_type() == &DataType::Float64 {
        let numbers = array.as_primitive::<Float64Type>().iter();
        return Ok(numbers.map(|number| number.map_or(Cell::Null, Cell::Number)).collect());
    }
    if matches!(array.data_type(), DataType::Timestamp(_, Some(_))) && *zone != Zone::default() {
        let instants = cast(array, &DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())))?;
        let instants = instants.as_primitive::<TimestampMicrosecondType>().iter();
        let text = |micros| Cell::Text(zone.format(micros, "%Y-%m-%dT%H:%M:%S%.f%:z"));
        return Ok(instants.map(|micros| micros.map_or(Cell::Null, text)).collect());
    }
    let formatter = ArrayFormatter::try_new(array, options)?;
    let nulls = array.logical_nulls();
    let is_null = |row| nulls.as_ref().is_some_and(|nulls| nulls.is_null(row));
    Ok((0..array.len())
        .map(|row| if is_null(row) { Cell::Null } else { Cell::Text(formatter.value(row).to_string()) })
        .collect())
}

enum Writer<W: Write + Send> {
    Csv(csv::Writer<W>),
    Json(arrow::json::Writer<W, JsonArray>),
    Ndjson(arrow::json::Writer<W, LineDelimited>),
    Parquet(Box<ArrowWriter<W>>),
    Arrow(FileWriter<W>),
}

impl<W: Write + Send> Writer<W> {
    fn new(format: Format, out: W, schema: &SchemaRef) -> Result<Self, ArrowError> {
        fn json<F: JsonFormat, W: Write>(out: W) -> arrow::json::Writer<W, F> {
            WriterBuilder::new().with_explicit_nulls(true).build::<W, F>(out)
        }
        Ok(match format {
            Format::Csv => {
                let mut writer = csv::WriterBuilder::new().with_header(true).build(out);
                // The header stands there even if no row follows.
                writer.write(&without_lists(&RecordBatch::new_empty(Arc::clone(schema)))?)?;
                Self::Csv(writer)
            }
            Format::Json => Self::Json(json(out)),
            Format::Ndjson => Self::Ndjson(json(out)),
            Format::Parquet => {
                let zstd = Compression::ZSTD(ZstdLevel::default());
                let properties = WriterProperties::builder().set_compression(zstd).build();
                Self::Parquet(Box::new(ArrowWriter::try_new(out, Arc::clone(schema), Some(properties))?))
            }
            Format::Arrow => Self::Arrow(FileWriter::try_new(out, schema)?),
        })
    }

    fn write(&mut self, batch: &RecordBatch) -> Result<(), ArrowError> {
        match self {
            Self::Csv(writer) => writer.write(&without_lists(batch)?),
            Self::Json(writer) => writer.write(batch),
            Self::Ndjson(writer) => writer.write(batch),
            Self::Parquet(writer) => Ok(writer.write(batch)?),
            Self::Arrow(writer) => writer.write(batch),
        }
    }

    fn finish(self) -> Result<(), ArrowError> {
        match self {
            Self::Csv(writer) => Ok(writer.into_inner().flush()?),
            Self::Json(mut writer) => {
                writer.finish()?;
                Ok(writer.into_inner().flush()?)
            }
            Self::Ndjson(mut writer) => {
                writer.finish()?;
                Ok(writer.into_inner().flush()?)
            }
            Self::Parquet(writer) => Ok(writer.into_inner()?.flush()?),
            Self::Arrow(mut writer) => writer.finish(),
        }
    }
}

/// CSV has no lists: their strings stand in one field, parted by spaces, which neither groups nor addresses hold.
fn without_lists(batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let has_list = |field: &Arc<arrow::datatypes::Field>| matches!(field.data_type(), DataType::List(_));
    if !batch.schema().fields().iter().any(has_list) {
        return Ok(batch.clone());
    }
    let mut fields = Vec::new();
    let mut arrays: Vec<Arc<dyn Array>> = Vec::new();
    for (field, array) in batch.schema().fields().iter().zip(batch.columns()) {
        let Some(list) = array.as_list_opt::<i32>() else {
            fields.push(field.as_ref().clone());
            arrays.push(Arc::clone(array));
            continue;
        };
        let options = FormatOptions::default();
        let mut joined = arrow::array::StringBuilder::new();
        for values in list.iter() {
            match values {
                None => joined.append_null(),
                Some(values) => {
                    let formatter = ArrayFormatter::try_new(&values, &options)?;
                    let texts: Vec<_> = (0..values.len()).map(|index| formatter.value(index).to_string()).collect();
                    joined.append_value(texts.join(" "));
                }
            }
        }
        fields.push(field.as_ref().clone().with_data_type(DataType::Utf8));
        arrays.push(Arc::new(joined.finish()));
    }
    RecordBatch::try_new(Arc::new(arrow::datatypes::Schema::new(fields)), arrays)
}
