//! Rows that stay in memory, without the batches that their text was picked from.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringViewArray, StringViewBuilder};
use arrow::compute::concat;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use rayon::prelude::*;

/// Batches that are made into one.
const COMPACTED_BATCHES: usize = 16;

/// The same rows in few batches, with text of their own: text that was picked out of larger batches keeps all of those in
/// memory, and reading a batch means going through all the buffers that its text lies in.
pub(super) fn compact(schema: &SchemaRef, batches: &[RecordBatch]) -> Result<Vec<RecordBatch>, ArrowError> {
    let one = |batches: &[RecordBatch]| {
        let columns = (0..schema.fields().len()).into_par_iter().map(|index| {
            let columns: Vec<&dyn Array> = batches.iter().map(|batch| batch.column(index).as_ref()).collect();
            let column = concat(&columns)?;
            let own = column.as_string_view_opt().map(|text| Arc::new(own_text(text)) as ArrayRef);
            Ok::<ArrayRef, ArrowError>(own.unwrap_or(column))
        });
        RecordBatch::try_new(Arc::clone(schema), columns.collect::<Result<_, _>>()?)
    };
    batches.par_chunks(COMPACTED_BATCHES).map(one).collect()
}

/// The same text in buffers of its own; values that repeat are stored once.
fn own_text(text: &StringViewArray) -> StringViewArray {
    /// So many values show whether they repeat.
    const SAMPLED: usize = 500;
    let some: BTreeSet<&str> = text.iter().take(SAMPLED).flatten().collect();
    if 2 * some.len() > text.len().min(SAMPLED) {
        return text.gc();
    }
    let mut builder = StringViewBuilder::with_capacity(text.len()).with_deduplicate_strings();
    for value in text {
        builder.append_option(value);
    }
    builder.finish()
}
