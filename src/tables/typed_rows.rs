//! Rows of queries as plain structs, and plain structs as rows of tables.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use serde::de::value::Error as ProbeError;
use serde::de::{DeserializeOwned, Deserializer, Error as _, Visitor};
use serde::forward_to_deserialize_any;

use super::dimensions::{DimensionRow, schema as dimension_schema};
use super::error::TablesError;

/// A row of a query, as a plain struct. Its fields are the columns that the query must have, by name. Timestamps are read
/// into integers as microseconds since 1970.
pub trait TypedRow: DeserializeOwned {
    /// The query.
    const QUERY: &'static str;
}

/// Where the columns of a typed row are in batches of a query.
pub(super) struct RowReader {
    query: &'static str,
    columns: Vec<usize>,
}

impl RowReader {
    /// # Errors
    /// When the query lacks a column that `T` has a field for.
    pub(super) fn new<T: TypedRow>(schema: &Schema) -> Result<Self, TablesError> {
        let index = |column: &&'static str| {
            schema.index_of(column).map_err(|_| contract(T::QUERY, format!("it must have the column {column}")))
        };
        let columns = field_names::<T>().iter().map(index).collect::<Result<_, _>>()?;
        Ok(Self { query: T::QUERY, columns })
    }

    /// The rows of a batch.
    ///
    /// # Errors
    /// When a column is of another type than its field.
    pub(super) fn read<T: TypedRow>(&self, batch: &RecordBatch) -> Result<Vec<T>, TablesError> {
        let batch = with_micros(&batch.project(&self.columns)?)?;
        serde_arrow::from_record_batch(&batch).map_err(|error| contract(self.query, error.to_string()))
    }
}

fn contract(query: &str, message: String) -> TablesError {
    TablesError::Contract { query: query.to_owned(), message }
}

/// Rows of a dimension table as one batch.
///
/// # Errors
/// When the row's fields are not the table's columns, which is a bug.
pub(super) fn to_batch<T: DimensionRow>(rows: &[T]) -> Result<RecordBatch, TablesError> {
    let schema = dimension_schema(T::COLUMNS);
    let columns = serde_arrow::to_arrow(schema.fields(), rows).map_err(|error| TablesError::Run(error.to_string()))?;
    Ok(RecordBatch::try_new(schema, columns)?)
}

/// The same with all timestamps in microseconds, whatever unit a function in SQL gave them.
fn with_micros(batch: &RecordBatch) -> Result<RecordBatch, TablesError> {
    let is_other =
        |data_type: &DataType| matches!(data_type, DataType::Timestamp(unit, _) if *unit != TimeUnit::Microsecond);
    let schema = batch.schema();
    if !schema.fields().iter().any(|field| is_other(field.data_type())) {
        return Ok(batch.clone());
    }
    let (mut fields, mut columns) = (Vec::new(), Vec::new());
    for (field, column) in schema.fields().iter().zip(batch.columns()) {
        let data_type = match field.data_type() {
            DataType::Timestamp(_, zone) => DataType::Timestamp(TimeUnit::Microsecond, zone.clone()),
            other => other.clone(),
        };
        columns.push(cast(column, &data_type)?);
        fields.push(Field::new(field.name(), data_type, true));
    }
    let schema: SchemaRef = Arc::new(Schema::new(fields));
    Ok(RecordBatch::try_new(schema, columns)?)
}

/// The names of a struct's fields, as serde reads them.
fn field_names<T: DeserializeOwned>() -> &'static [&'static str] {
    let mut names: &'static [&'static str] = &[];
    let _never_a_row = T::deserialize(FieldNames(&mut names));
    assert!(!names.is_empty(), "rows of queries are structs without flattened fields");
    names
}

/// Takes the names of the fields that a struct asks for, and gives it no value.
struct FieldNames<'n>(&'n mut &'static [&'static str]);

impl<'de> Deserializer<'de> for FieldNames<'_> {
    type Error = ProbeError;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, ProbeError> {
        *self.0 = fields;
        Err(ProbeError::custom("only the fields' names are read"))
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, ProbeError> {
        Err(ProbeError::custom("only structs have fields"))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{
        ArrayRef, Float64Array, Int64Array, ListBuilder, StringViewArray, StringViewBuilder, TimestampMicrosecondArray,
        TimestampNanosecondArray,
    };
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Row {
        name: Option<String>,
        count: u64,
        secs: f64,
        at: i64,
        maybe_at: Option<i64>,
        names: Option<Vec<String>>,
    }

    impl TypedRow for Row {
        const QUERY: &'static str = "rows";
    }

    fn batch(is_in_nanos: bool) -> RecordBatch {
        let mut names = ListBuilder::new(StringViewBuilder::new());
        names.values().append_value("a");
        names.append(true);
        names.append(false);
        let at: ArrayRef = match is_in_nanos {
            true => Arc::new(TimestampNanosecondArray::from(vec![5_000, 6_000]).with_timezone("UTC")),
            false => Arc::new(TimestampMicrosecondArray::from(vec![5, 6]).with_timezone("UTC")),
        };
        let columns: [(&str, ArrayRef); 7] = [
            ("other", Arc::new(Int64Array::from(vec![1, 2]))),
            ("maybe_at", Arc::new(TimestampMicrosecondArray::from(vec![Some(7), None]).with_timezone("UTC"))),
            ("name", Arc::new(StringViewArray::from(vec![Some("a name longer than twelve bytes"), None]))),
            ("count", Arc::new(Int64Array::from(vec![3, 4]))),
            ("secs", Arc::new(Float64Array::from(vec![0.5, 1.5]))),
            ("at", at),
            ("names", Arc::new(names.finish())),
        ];
        RecordBatch::try_from_iter(columns).unwrap()
    }

    #[test]
    fn rows_are_read_from_columns_by_name() {
        for is_in_nanos in [false, true] {
            let batch = batch(is_in_nanos);
            let rows: Vec<Row> = RowReader::new::<Row>(&batch.schema()).unwrap().read(&batch).unwrap();
            let full = Row {
                name: Some("a name longer than twelve bytes".to_owned()),
                count: 3,
                secs: 0.5,
                at: 5,
                maybe_at: Some(7),
                names: Some(vec!["a".to_owned()]),
            };
            let empty = Row { name: None, count: 4, secs: 1.5, at: 6, maybe_at: None, names: None };
            assert_eq!(rows, [full, empty]);
        }
    }

    #[test]
    fn a_column_that_is_not_there_is_named_even_if_its_field_is_optional() {
        let batch = batch(false).project(&[2, 3, 4, 5, 6]).unwrap();
        let error = RowReader::new::<Row>(&batch.schema()).err().unwrap();
        assert_eq!(error.to_string(), "query rows: it must have the column maybe_at");
    }
}
