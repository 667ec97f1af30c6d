//! SQL's `any_value`, fast where there are many groups: DataFusion's own looks at each row on its own, which takes five
//! times as long as reading the log.
//!
//! It takes the first value that isn't null. Which that is depends on how batches come, so it is for columns that are the
//! same throughout a group.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, ListArray, UInt32Array, new_null_array};
use arrow::compute::{interleave, nullif, take};
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{Result, ScalarValue, exec_datafusion_err};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, EmitTo, GroupsAccumulator, Signature, Volatility,
};

/// The function, to be registered in place of DataFusion's.
pub(super) fn any_value() -> AggregateUDF {
    AggregateUDF::new_from_impl(AnyValue { signature: Signature::any(1, Volatility::Immutable) })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct AnyValue {
    signature: Signature,
}

impl AggregateUDFImpl for AnyValue {
    fn name(&self) -> &str {
        "any_value"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        Ok(types[0].clone())
    }

    fn accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(AnyValueAccumulator { value: ScalarValue::try_from(args.return_field.data_type())? }))
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        Ok(vec![Arc::new(Field::new(args.name, args.return_type().clone(), true))])
    }

    fn groups_accumulator_supported(&self, _: AccumulatorArgs<'_>) -> bool {
        true
    }

    fn create_groups_accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn GroupsAccumulator>> {
        let data_type = args.return_field.data_type().clone();
        Ok(Box::new(AnyValueGroups {
            null: new_null_array(&data_type, 1),
            positions: Vec::new(),
            taken: Vec::new(),
            taken_bytes: 0,
        }))
    }
}

/// The value where there are no groups.
#[derive(Debug)]
struct AnyValueAccumulator {
    value: ScalarValue,
}

impl Accumulator for AnyValueAccumulator {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let first = (0..values[0].len()).find(|&row| values[0].is_valid(row));
        if let Some(row) = first.filter(|_| self.value.is_null()) {
            self.value = ScalarValue::try_from_array(&values[0], row)?;
        }
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        Ok(self.value.clone())
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.value.size()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![self.value.clone()])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.update_batch(states)
    }
}

/// The values of many groups.
#[derive(Debug)]
struct AnyValueGroups {
    null: ArrayRef,
    /// By group, where its value is: which of `taken`, and which row of it; [`NOWHERE`] if there is none yet. Small, as each
    /// row of a batch looks at another part of it.
    positions: Vec<(u32, u32)>,
    taken: Vec<ArrayRef>,
    /// Of all that was taken.
    taken_bytes: usize,
}

const NOWHERE: (u32, u32) = (u32::MAX, 0);

impl GroupsAccumulator for AnyValueGroups {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        group_count: usize,
    ) -> Result<()> {
        let values = &values[0];
        self.positions.resize(group_count, NOWHERE);
        let mut rows: Vec<u32> = Vec::new();
        let taking = small_index(self.taken.len())?;
        for (row, &group) in (0_u32..).zip(groups) {
            let index = row as usize;
            let is_wanted = self.positions[group] == NOWHERE
                && values.is_valid(index)
                && filter.is_none_or(|filter| filter.is_valid(index) && filter.value(index));
            if is_wanted {
                self.positions[group] = (taking, small_index(rows.len())?);
                rows.push(row);
            }
        }
        if !rows.is_empty() {
            let taken = own(&take(values, &UInt32Array::from(rows), None)?);
            self.taken_bytes += taken.get_array_memory_size();
            self.taken.push(taken);
        }
        Ok(())
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let positions = emit_to.take_needed(&mut self.positions);
        let nothing = self.taken.len();
        let position = |(taken, row): (u32, u32)| ((taken as usize).min(nothing), row as usize);
        let positions: Vec<(usize, usize)> = positions.into_iter().map(position).collect();
        let arrays: Vec<&dyn Array> = self.taken.iter().chain([&self.null]).map(AsRef::as_ref).collect();
        let values = interleave(&arrays, &positions)?;
        if self.positions.is_empty() {
            self.taken.clear();
            self.taken_bytes = 0;
        }
        Ok(values)
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        Ok(vec![self.evaluate(emit_to)?])
    }

    fn merge_batch(&mut self, values: &[ArrayRef], groups: &[usize], group_count: usize) -> Result<()> {
        self.update_batch(values, groups, None, group_count)
    }

    fn convert_to_state(&self, values: &[ArrayRef], filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        let Some(filter) = filter else {
            return Ok(vec![Arc::clone(&values[0])]);
        };
        let is_left_out: BooleanArray = filter.iter().map(|is_wanted| Some(is_wanted != Some(true))).collect();
        Ok(vec![nullif(&values[0], &is_left_out)?])
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.taken_bytes + self.positions.capacity() * size_of::<(u32, u32)>()
    }
}

fn small_index(index: usize) -> Result<u32> {
    u32::try_from(index).map_err(|_| exec_datafusion_err!("any_value of more rows than can be told apart"))
}

/// The same values with text of their own, so that they don't hold on to the batch that they came from.
fn own(values: &ArrayRef) -> ArrayRef {
    if let Some(text) = values.as_string_view_opt() {
        return Arc::new(text.gc());
    }
    let (DataType::List(field), Some(list)) = (values.data_type(), values.as_list_opt::<i32>()) else {
        return Arc::clone(values);
    };
    let items = own(list.values());
    Arc::new(ListArray::new(Arc::clone(field), list.offsets().clone(), items, list.nulls().cloned()))
}
