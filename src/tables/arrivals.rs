//! Requests as they came, by the million: the rows of the query `arrivals` as plain numbers.
//!
//! Other rows are read through JSON, which is fine for hundreds; here there is one for each request of the log.

use std::collections::HashMap;

use arrow::array::{Array, AsArray, BooleanArray, Int64Array, RecordBatch};
use arrow::datatypes::Int64Type;
use foldhash::fast::FixedState;
use futures::TryStreamExt;
use rayon::prelude::*;

use super::database::{Database, TablesError};

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
        let answer = self.query(QUERY, &std::collections::BTreeMap::new()).await?;
        let batches: Vec<RecordBatch> = answer.stream().await?.try_collect().await?;
        let mut arrivals = Arrivals { rows: Vec::new(), ..Arrivals::default() };
        arrivals.rows.reserve_exact(batches.iter().map(RecordBatch::num_rows).sum());
        let (mut apiservers, mut shapes) = (Names::default(), Names::default());
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

/// Text by numbers.
#[derive(Default)]
struct Names {
    names: Vec<Option<String>>,
    numbers: HashMap<Option<String>, u32, FixedState>,
}

impl Names {
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
    apiservers: &mut Names,
    shapes: &mut Names,
) -> Result<(), TablesError> {
    let [request_key, flow_key, caller_key, received, held_until, wait, repeat_key] =
        ["request_key", "flow_key", "caller_key", "received_micros", "held_until_micros", "wait_micros", "repeat_key"]
            .map(|name| whole(batch, name));
    let [has_reached_apf, is_rejected, is_cut] =
        ["has_reached_apf", "is_rejected", "is_cut"].map(|name| flag(batch, name));
    let (request_key, flow_key, caller_key) = (request_key?, flow_key?, caller_key?);
    let (received, held_until, wait, repeat_key) = (received?, held_until?, wait?, repeat_key?);
    let (has_reached_apf, is_rejected, is_cut) = (has_reached_apf?, is_rejected?, is_cut?);
    let (apiserver, shape) = (text(batch, "apiserver")?, text(batch, "shape")?);
    let given = |column: &Int64Array, at: usize| column.is_valid(at).then(|| column.value(at));
    for at in 0..batch.num_rows() {
        rows.push(Arrival {
            apiserver: apiservers.number(apiserver.is_valid(at).then(|| apiserver.value(at))),
            received_micros: received.value(at),
            request_key: request_key.value(at),
            flow_key: flow_key.value(at),
            caller_key: caller_key.value(at),
            repeat_key: given(repeat_key, at),
            held_until_micros: given(held_until, at),
            wait_micros: given(wait, at),
            shape: shape.is_valid(at).then(|| shapes.number(Some(shape.value(at)))),
            has_reached_apf: has_reached_apf.value(at),
            is_rejected: is_rejected.value(at),
            is_cut: is_cut.value(at),
        });
    }
    Ok(())
}

fn whole<'b>(batch: &'b RecordBatch, name: &str) -> Result<&'b Int64Array, TablesError> {
    batch.column_by_name(name).and_then(|column| column.as_primitive_opt::<Int64Type>()).ok_or_else(|| lacks(name))
}

fn flag<'b>(batch: &'b RecordBatch, name: &str) -> Result<&'b BooleanArray, TablesError> {
    batch.column_by_name(name).and_then(|column| column.as_boolean_opt()).ok_or_else(|| lacks(name))
}

fn text<'b>(batch: &'b RecordBatch, name: &str) -> Result<&'b arrow::array::StringViewArray, TablesError> {
    batch.column_by_name(name).and_then(|column| column.as_string_view_opt()).ok_or_else(|| lacks(name))
}

fn lacks(column: &str) -> TablesError {
    TablesError::Contract { query: QUERY.to_owned(), message: format!("it must have the column {column}") }
}
