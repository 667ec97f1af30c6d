//! All requests in the order in which they came: the rows of the query `arrivals` as plain numbers.
//!
//! There is one for each request of the log, so they are read from the columns directly, and their text by numbers.

use std::collections::HashMap;

use arrow::array::{Array, AsArray, BooleanArray, Int64Array, RecordBatch};
use arrow::datatypes::Int64Type;
use foldhash::fast::FixedState;
use futures::TryStreamExt;
use rayon::prelude::*;

use super::database::Database;
use super::error::TablesError;
use super::params::Params;

/// All requests of the logs, ordered by apiserver and by when they were received.
#[derive(Clone, Debug, Default)]
pub struct Arrivals {
    /// The requests.
    pub rows: Vec<Arrival>,
    /// The apiservers' labels, as far as the log tells them apart.
    pub apiservers: Vec<Option<String>>,
    /// The shapes of lists, as the query `list_shapes` has them.
    pub shapes: Vec<String>,
}

/// One request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// Which of the apiservers.
    pub apiserver: u32,
    /// When it was received, in microseconds since 1970.
    pub received_micros: i64,
    /// A number of its own, which decides where others were received at the same time.
    pub request_key: i64,
    /// What it is to API Priority and Fairness.
    pub flow_key: i64,
    /// Whose it is.
    pub caller_key: i64,
    /// Equal where a client asks for the same again; `None` where it isn't a read of a collection.
    pub repeat_key: Option<i64>,
    /// Until when it held its seats; `None` where the log doesn't say.
    pub held_until_micros: Option<i64>,
    /// How long it waited in a queue; `None` where the log doesn't say, as for all that took less than half a second.
    pub wait_micros: Option<i64>,
    /// Which of the shapes; `None` where it is no list.
    pub shape: Option<u32>,
    /// Whether it came as far as API Priority and Fairness.
    pub has_reached_apf: bool,
    /// Whether it was rejected there.
    pub is_rejected: bool,
    /// Whether it ended before its answer was complete.
    pub is_cut: bool,
}

impl Database {
    /// Runs the query `arrivals`.
    ///
    /// # Errors
    /// When it fails, or lacks a column.
    pub async fn arrivals(&self) -> Result<Arrivals, TablesError> {
        let result = self.query(QUERY, &Params::new()).await?;
        let batches: Vec<RecordBatch> = result.stream().await?.try_collect().await?;
        let mut arrivals = Arrivals { rows: Vec::new(), ..Arrivals::default() };
        arrivals.rows.reserve_exact(batches.iter().map(RecordBatch::num_rows).sum());
        let (mut apiservers, mut shapes) = (NameNumbers::default(), NameNumbers::default());
        for batch in &batches {
            append(batch, &mut arrivals.rows, &mut apiservers, &mut shapes)?;
        }
        arrivals.apiservers = apiservers.names;
        arrivals.shapes = shapes.names.into_iter().flatten().collect();
        let order = |row: &Arrival| (row.apiserver, row.received_micros, row.request_key);
        arrivals.rows.par_sort_unstable_by_key(order);
        Ok(arrivals)
    }
}

const QUERY: &str = "arrivals";

/// Numbers for text.
#[derive(Default)]
struct NameNumbers {
    names: Vec<Option<String>>,
    numbers: HashMap<Option<String>, u32, FixedState>,
}

impl NameNumbers {
    fn number(&mut self, name: Option<&str>) -> u32 {
        // The same ones come again and again.
        if let Some(last) = self.names.last().filter(|last| last.as_deref() == name) {
            return self.numbers[last];
        }
        let name = name.map(str::to_owned);
        if let Some(number) = self.numbers.get(&name) {
            return *number;
        }
        let number = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
        self.numbers.insert(name.clone(), number);
        self.names.push(name);
        number
    }
}

fn append(
    batch: &RecordBatch,
    rows: &mut Vec<Arrival>,
    apiservers: &mut NameNumbers,
    shapes: &mut NameNumbers,
) -> Result<(), TablesError> {
    let [request_key, flow_key, caller_key, received, held_until, wait, repeat_key] =
        ["request_key", "flow_key", "caller_key", "received_micros", "held_until_micros", "wait_micros", "repeat_key"]
            .map(|name| int64(batch, name));
    let [has_reached_apf, is_rejected, is_cut] =
        ["has_reached_apf", "is_rejected", "is_cut"].map(|name| boolean(batch, name));
    let (request_key, flow_key, caller_key) = (request_key?, flow_key?, caller_key?);
    let (received, held_until, wait, repeat_key) = (received?, held_until?, wait?, repeat_key?);
    let (has_reached_apf, is_rejected, is_cut) = (has_reached_apf?, is_rejected?, is_cut?);
    let (apiserver, shape) = (utf8(batch, "apiserver")?, utf8(batch, "shape")?);
    let given = |column: &Int64Array, row: usize| column.is_valid(row).then(|| column.value(row));
    for row in 0..batch.num_rows() {
        rows.push(Arrival {
            apiserver: apiservers.number(apiserver.is_valid(row).then(|| apiserver.value(row))),
            received_micros: received.value(row),
            request_key: request_key.value(row),
            flow_key: flow_key.value(row),
            caller_key: caller_key.value(row),
            repeat_key: given(repeat_key, row),
            held_until_micros: given(held_until, row),
            wait_micros: given(wait, row),
            shape: shape.is_valid(row).then(|| shapes.number(Some(shape.value(row)))),
            has_reached_apf: has_reached_apf.value(row),
            is_rejected: is_rejected.value(row),
            is_cut: is_cut.value(row),
        });
    }
    Ok(())
}

fn int64<'b>(batch: &'b RecordBatch, name: &str) -> Result<&'b Int64Array, TablesError> {
    batch.column_by_name(name).and_then(|column| column.as_primitive_opt::<Int64Type>()).ok_or_else(|| missing(name))
}

fn boolean<'b>(batch: &'b RecordBatch, name: &str) -> Result<&'b BooleanArray, TablesError> {
    batch.column_by_name(name).and_then(|column| column.as_boolean_opt()).ok_or_else(|| missing(name))
}

fn utf8<'b>(batch: &'b RecordBatch, name: &str) -> Result<&'b arrow::array::StringViewArray, TablesError> {
    batch.column_by_name(name).and_then(|column| column.as_string_view_opt()).ok_or_else(|| missing(name))
}

fn missing(column: &str) -> TablesError {
    TablesError::Contract { query: QUERY.to_owned(), message: format!("it must have the column {column}") }
}
