//! What the plans that share a reading want of it: which columns, of which rows.
//!
//! A column that only one plan reads, and that one of few rows, is filled with those rows alone. All others are filled
//! once, with all rows, and each plan picks its own out of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, RecordBatch, RecordBatchOptions};
use arrow::compute::{FilterBuilder, FilterPredicate};
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;

use super::columns::{COLUMNS, schema};
use super::row_filter::RowFilter;
use super::rows::{Filled, RequestRows};
use crate::requests::Joined;

/// What one plan reads of `requests`.
#[derive(Clone, Debug)]
pub(super) struct Want {
    /// The columns, by their place in `requests`.
    pub(super) columns: Vec<usize>,
    /// What it asks of its rows; it may be given others all the same.
    pub(super) filter: Option<RowFilter>,
}

/// Columns to fill, with the rows that a filter lets through, or with all.
#[derive(Clone, Debug)]
pub(super) struct Fill {
    pub(super) columns: Vec<usize>,
    pub(super) filter: Option<Arc<RowFilter>>,
}

impl Fill {
    pub(super) fn needs_uri(&self) -> bool {
        self.columns.iter().any(|index| COLUMNS[*index].needs_uri)
            || self.filter.as_ref().is_some_and(|filter| filter.needs_uri())
    }
}

/// How the wants of all plans are met.
#[derive(Debug)]
pub(super) struct Wants {
    /// First what is filled with all rows, then what is filled for one plan.
    pub(super) fills: Vec<Fill>,
    plans: Vec<Plan>,
}

#[derive(Debug)]
struct Plan {
    schema: SchemaRef,
    /// The fill that is this plan's own.
    own: Option<usize>,
    /// Where each of its columns is.
    places: Vec<Place>,
}

#[derive(Debug)]
struct Place {
    is_own: bool,
    index: usize,
}

impl Wants {
    pub(super) fn of(wants: &[Want]) -> Self {
        let mut readers: BTreeMap<usize, usize> = BTreeMap::new();
        for column in wants.iter().flat_map(|want| &want.columns) {
            *readers.entry(*column).or_default() += 1;
        }
        let is_own = |want: &Want, column: usize| want.filter.is_some() && readers[&column] == 1;
        let shared = wants.iter().flat_map(|want| want.columns.iter().filter(|column| !is_own(want, **column)));
        let mut shared: Vec<usize> = shared.copied().collect();
        shared.sort_unstable();
        shared.dedup();
        let mut fills = vec![Fill { columns: shared.clone(), filter: None }];
        let plans = wants.iter().map(|want| {
            let columns: Vec<usize> = want.columns.iter().copied().filter(|column| is_own(want, *column)).collect();
            let place = |column: &usize| {
                let is_own = is_own(want, *column);
                let among = if is_own { &columns } else { &shared };
                let Some(index) = among.iter().position(|one| one == column) else {
                    unreachable!("a column is shared, or it is the plan's own");
                };
                Place { is_own, index }
            };
            let places = want.columns.iter().map(place).collect();
            let schema = match schema().project(&want.columns) {
                Ok(schema) => Arc::new(schema),
                Err(error) => unreachable!("a plan reads a column that requests doesn't have: {error}"),
            };
            let own = (!columns.is_empty()).then_some(fills.len());
            if own.is_some() {
                fills.push(Fill { columns, filter: want.filter.clone().map(Arc::new) });
            }
            Plan { schema, own, places }
        });
        let plans = plans.collect();
        Self { fills, plans }
    }

    /// A batch for each plan; `None` where nothing is in it.
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

impl Plan {
    /// Of all rows those that its own fill has, if it has one, and that are kept.
    fn batch(&self, filled: &[Filled], is_kept: &[bool]) -> Result<Option<RecordBatch>, ArrowError> {
        let own = self.own.map(|own| &filled[own]);
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
        let columns = self.places.iter().map(|place| match own.filter(|_| place.is_own) {
            Some(own) => picked(&own.columns[place.index], of_own.as_ref()),
            None => picked(&filled[0].columns[place.index], of_all.as_ref()),
        });
        let options = RecordBatchOptions::new().with_row_count(Some(count));
        RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns.collect::<Result<_, _>>()?, &options)
            .map(Some)
    }
}

/// How to pick the wanted; `None` where all are.
fn picking(is_wanted: Vec<bool>) -> Option<FilterPredicate> {
    let are_all = is_wanted.iter().all(|is_wanted| *is_wanted);
    (!are_all).then(|| FilterBuilder::new(&BooleanArray::from(is_wanted)).optimize().build())
}

fn picked(column: &ArrayRef, picking: Option<&FilterPredicate>) -> Result<ArrayRef, ArrowError> {
    picking.map_or_else(|| Ok(Arc::clone(column)), |picking| picking.filter(column.as_ref() as &dyn Array))
}
