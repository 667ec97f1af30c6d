//! The columns that the plans of one scan read, each filled once.
//!
//! A column that only one plan reads, and that one of few rows, is filled with those rows alone. All others are filled
//! once, with all rows, and each plan picks its own rows out of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, RecordBatch, RecordBatchOptions};
use arrow::compute::{FilterBuilder, FilterPredicate};
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;

use super::columns::{COLUMNS, schema};
use super::row_filter::RowFilter;
use super::rows::{FilledColumns, RequestRows};
use crate::requests::Joined;

/// What one plan reads of `requests`.
#[derive(Clone, Debug)]
pub(super) struct ScanRequest {
    /// The columns, by their index in `requests`.
    pub(super) columns: Vec<usize>,
    /// What it asks of its rows; it may be given others all the same.
    pub(super) filter: Option<RowFilter>,
}

/// Columns to fill, with the rows that a filter lets through, or with all.
#[derive(Clone, Debug)]
pub(super) struct ColumnSet {
    /// The columns, by their index in `requests`.
    pub(super) columns: Vec<usize>,
    pub(super) filter: Option<Arc<RowFilter>>,
}

impl ColumnSet {
    pub(super) fn needs_uri(&self) -> bool {
        self.columns.iter().any(|index| COLUMNS[*index].needs_uri)
            || self.filter.as_ref().is_some_and(|filter| filter.needs_uri())
    }
}

/// The columns that a scan fills, and which of them each plan gets.
#[derive(Debug)]
pub(super) struct ScanColumns {
    /// First the set that is filled with all rows, then those that are filled for one plan.
    pub(super) sets: Vec<ColumnSet>,
    plans: Vec<PlanColumns>,
}

/// The columns of one plan.
#[derive(Debug)]
struct PlanColumns {
    schema: SchemaRef,
    /// The index of the set that only this plan reads.
    own_set: Option<usize>,
    /// Where each column of the schema comes from.
    sources: Vec<ColumnSource>,
}

#[derive(Debug)]
enum ColumnSource {
    /// The index in the set of all rows.
    Shared(usize),
    /// The index in the plan's own set.
    Own(usize),
}

impl ScanColumns {
    pub(super) fn new(requests: &[ScanRequest]) -> Self {
        let mut readers: BTreeMap<usize, usize> = BTreeMap::new();
        for column in requests.iter().flat_map(|request| &request.columns) {
            *readers.entry(*column).or_default() += 1;
        }
        let is_own = |request: &ScanRequest, column: usize| request.filter.is_some() && readers[&column] == 1;
        let shared =
            requests.iter().flat_map(|request| request.columns.iter().filter(|column| !is_own(request, **column)));
        let mut shared: Vec<usize> = shared.copied().collect();
        shared.sort_unstable();
        shared.dedup();
        let mut sets = vec![ColumnSet { columns: shared.clone(), filter: None }];
        let plans = requests.iter().map(|request| {
            let own: Vec<usize> = request.columns.iter().copied().filter(|column| is_own(request, *column)).collect();
            let index_in = |columns: &[usize], column: usize| {
                let Some(index) = columns.iter().position(|one| *one == column) else {
                    unreachable!("a column is shared, or it is the plan's own");
                };
                index
            };
            let source = |column: &usize| match is_own(request, *column) {
                true => ColumnSource::Own(index_in(&own, *column)),
                false => ColumnSource::Shared(index_in(&shared, *column)),
            };
            let sources = request.columns.iter().map(source).collect();
            let schema = match schema().project(&request.columns) {
                Ok(schema) => Arc::new(schema),
                Err(error) => unreachable!("a plan reads a column that requests doesn't have: {error}"),
            };
            let own_set = (!own.is_empty()).then_some(sets.len());
            if own_set.is_some() {
                sets.push(ColumnSet { columns: own, filter: request.filter.clone().map(Arc::new) });
            }
            PlanColumns { schema, own_set, sources }
        });
        let plans = plans.collect();
        Self { sets, plans }
    }

    /// A batch for each plan; `None` where it has no rows.
    ///
    /// # Errors
    /// When Arrow can't allocate or disagrees on a type, which is a bug.
    pub(super) fn batches(&self, joined: Joined<RequestRows>) -> Vec<Result<Option<RecordBatch>, ArrowError>> {
        let Joined { rows, dropped, started } = joined;
        let mut is_kept = vec![true; rows.count()];
        for row in &dropped {
            is_kept[*row as usize] = false;
        }
        let filled = rows.finish(&started);
        self.plans.iter().map(|plan| plan.batch(&filled, &is_kept)).collect()
    }
}

impl PlanColumns {
    /// Of all rows those that its own set has, if it has one, and that are kept.
    fn batch(&self, filled: &[FilledColumns], is_kept: &[bool]) -> Result<Option<RecordBatch>, ArrowError> {
        let own = self.own_set.map(|index| &filled[index]);
        let own_rows = own.and_then(|own| own.rows.as_deref());
        let is_own_kept: Vec<bool> = own_rows.into_iter().flatten().map(|row| is_kept[*row as usize]).collect();
        let mut is_wanted = is_kept.to_vec();
        if let Some(rows) = own_rows {
            is_wanted.fill(false);
            rows.iter().for_each(|row| is_wanted[*row as usize] = is_kept[*row as usize]);
        }
        let count = is_wanted.iter().filter(|is_wanted| **is_wanted).count();
        if count == 0 {
            return Ok(None);
        }
        let (of_all, of_own) = (picking(is_wanted), picking(is_own_kept));
        let columns = self.sources.iter().map(|source| match (source, own) {
            (ColumnSource::Own(index), Some(own)) => pick(&own.columns[*index], of_own.as_ref()),
            (ColumnSource::Own(index) | ColumnSource::Shared(index), _) => {
                pick(&filled[0].columns[*index], of_all.as_ref())
            }
        });
        let options = RecordBatchOptions::new().with_row_count(Some(count));
        RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns.collect::<Result<_, _>>()?, &options)
            .map(Some)
    }
}

/// How to pick the wanted rows; `None` where all are wanted.
fn picking(is_wanted: Vec<bool>) -> Option<FilterPredicate> {
    let are_all = is_wanted.iter().all(|is_wanted| *is_wanted);
    (!are_all).then(|| FilterBuilder::new(&BooleanArray::from(is_wanted)).optimize().build())
}

fn pick(column: &ArrayRef, picking: Option<&FilterPredicate>) -> Result<ArrayRef, ArrowError> {
    picking.map_or_else(|| Ok(Arc::clone(column)), |picking| picking.filter(column.as_ref() as &dyn Array))
}
