//! The SQL functions `most_at_once(begins, ends, amount)`, the largest sum of the amounts of intervals that overlap, and
//! `when_most_at_once(begins, ends, amount)`, the first instant at which it is so large.
//!
//! SQL can say it by a running sum over the sorted ends of all intervals, but takes several times as long for it as for
//! reading the log. At one instant intervals end before others begin; one without a length, or without an end, counts for
//! nothing.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Int64Array, ListArray};
use arrow::buffer::{OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, Field, FieldRef, Int64Type};
use datafusion::common::{Result, ScalarValue, exec_datafusion_err};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, EmitTo, GroupsAccumulator, Signature, Volatility,
};

/// The functions, to be registered.
pub(super) fn most_at_once() -> [AggregateUDF; 2] {
    let signature = Signature::exact(vec![DataType::Int64; 3], Volatility::Immutable);
    [PeakOutput::Amount, PeakOutput::Instant]
        .map(|output| AggregateUDF::new_from_impl(MostAtOnce { signature: signature.clone(), output }))
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct MostAtOnce {
    signature: Signature,
    output: PeakOutput,
}

/// What the function returns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
enum PeakOutput {
    /// The largest sum.
    #[default]
    Amount,
    /// When it is reached.
    Instant,
}

impl AggregateUDFImpl for MostAtOnce {
    fn name(&self) -> &str {
        match self.output {
            PeakOutput::Amount => "most_at_once",
            PeakOutput::Instant => "when_most_at_once",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int64)
    }

    fn accumulator(&self, _: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(PeakAccumulator(PeakGroups::new(self.output))))
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        Ok(vec![Arc::new(Field::new_list(args.name, item(), true))])
    }

    fn groups_accumulator_supported(&self, _: AccumulatorArgs<'_>) -> bool {
        true
    }

    fn create_groups_accumulator(&self, _: AccumulatorArgs<'_>) -> Result<Box<dyn GroupsAccumulator>> {
        Ok(Box::new(PeakGroups::new(self.output)))
    }
}

fn item() -> FieldRef {
    Arc::new(Field::new_list_field(DataType::Int64, true))
}

/// The intervals of each group.
#[derive(Debug, Default)]
struct PeakGroups {
    output: PeakOutput,
    groups: Vec<Vec<Interval>>,
}

/// When it begins, when it ends, and its amount.
type Interval = [i64; 3];

impl PeakGroups {
    fn new(output: PeakOutput) -> Self {
        Self { output, ..Self::default() }
    }

    fn take(&mut self, emit_to: EmitTo) -> Vec<Vec<Interval>> {
        emit_to.take_needed(&mut self.groups)
    }
}

impl GroupsAccumulator for PeakGroups {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        group_count: usize,
    ) -> Result<()> {
        self.groups.resize_with(group_count, Vec::new);
        let [begins, ends, amounts] = [0, 1, 2].map(|index| values[index].as_primitive::<Int64Type>());
        for (row, &group) in groups.iter().enumerate() {
            let is_known = begins.is_valid(row) && ends.is_valid(row) && amounts.is_valid(row);
            if is_known && filter.is_none_or(|filter| filter.is_valid(row) && filter.value(row)) {
                let interval = [begins.value(row), ends.value(row), amounts.value(row)];
                if interval[0] < interval[1] {
                    self.groups[group].push(interval);
                }
            }
        }
        Ok(())
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let output = self.output;
        let peaks = self.take(emit_to).into_iter().map(|intervals| peak(&intervals, output));
        Ok(Arc::new(peaks.collect::<Int64Array>()))
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        let groups = self.take(emit_to);
        let mut offsets = vec![0_i32];
        let mut values: Vec<i64> = Vec::with_capacity(3 * groups.iter().map(Vec::len).sum::<usize>());
        for intervals in groups {
            values.extend(intervals.into_iter().flatten());
            let end =
                i32::try_from(values.len()).map_err(|_| exec_datafusion_err!("too many intervals in one group"))?;
            offsets.push(end);
        }
        let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
        Ok(vec![Arc::new(ListArray::new(item(), offsets, Arc::new(Int64Array::from(values)), None))])
    }

    fn merge_batch(&mut self, values: &[ArrayRef], groups: &[usize], group_count: usize) -> Result<()> {
        self.groups.resize_with(group_count, Vec::new);
        let lists = values[0].as_list::<i32>();
        for (list, &group) in lists.iter().zip(groups) {
            if let Some(list) = list {
                let (intervals, _) = list.as_primitive::<Int64Type>().values().as_chunks::<3>();
                self.groups[group].extend_from_slice(intervals);
            }
        }
        Ok(())
    }

    fn convert_to_state(&self, values: &[ArrayRef], filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        let mut each = Self::new(self.output);
        let rows: Vec<usize> = (0..values[0].len()).collect();
        each.update_batch(values, &rows, filter, rows.len())?;
        each.state(EmitTo::All)
    }

    fn size(&self) -> usize {
        let held: usize = self.groups.iter().map(Vec::capacity).sum();
        held * size_of::<Interval>() + self.groups.capacity() * size_of::<Vec<Interval>>()
    }
}

/// The most at once, or when that is; `None` without intervals.
fn peak(intervals: &[Interval], output: PeakOutput) -> Option<i64> {
    let mut edges: Vec<(i64, i64)> = intervals.iter().flat_map(|[from, to, by]| [(*from, *by), (*to, -*by)]).collect();
    // What is given back comes before what is taken at the same instant.
    edges.sort_unstable();
    let sums = edges.into_iter().scan(0_i64, |sum, (at, by)| {
        *sum += by;
        Some((*sum, at))
    });
    // Of equal sums the first; where all is 0, that is where the first interval begins.
    let (sum, at) = sums.reduce(|most, next| if next.0 > most.0 { next } else { most })?;
    Some(match output {
        PeakOutput::Amount => sum.max(0),
        PeakOutput::Instant => at,
    })
}

/// Where there are no groups, there is one.
#[derive(Debug)]
struct PeakAccumulator(PeakGroups);

impl Accumulator for PeakAccumulator {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.0.update_batch(values, &vec![0; values[0].len()], None, 1)
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        Ok(ScalarValue::Int64(self.0.groups.first().and_then(|intervals| peak(intervals, self.0.output))))
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.0.size()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        self.0.groups.resize_with(1, Vec::new);
        let state = self.0.state(EmitTo::All)?;
        Ok(vec![ScalarValue::try_from_array(&state[0], 0)?])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.0.merge_batch(states, &vec![0; states[0].len()], 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_that_touch_do_not_overlap() {
        let both =
            |intervals: &[Interval]| [PeakOutput::Amount, PeakOutput::Instant].map(|output| peak(intervals, output));
        assert_eq!(both(&[]), [None, None]);
        assert_eq!(both(&[[0, 10, 2], [10, 20, 3]]), [Some(3), Some(10)]);
        assert_eq!(both(&[[0, 11, 2], [10, 20, 3]]), [Some(5), Some(10)]);
        assert_eq!(both(&[[0, 11, 2], [10, 20, 3], [30, 31, 5]]), [Some(5), Some(10)]);
        assert_eq!(both(&[[1, 10, 0]]), [Some(0), Some(1)]);
    }

    #[test]
    fn states_put_together_are_as_good_as_one() {
        let columns = |rows: &[Interval]| -> Vec<ArrayRef> {
            let column = |index: usize| -> ArrayRef {
                Arc::new(rows.iter().map(|row| Some(row[index])).collect::<Int64Array>())
            };
            vec![column(0), column(1), column(2)]
        };
        let (mut one, mut other, mut both) = (PeakGroups::default(), PeakGroups::default(), PeakGroups::default());
        one.update_batch(&columns(&[[0, 10, 2], [5, 5, 9], [3, 4, 7]]), &[0, 0, 1], None, 2).unwrap();
        other.update_batch(&columns(&[[9, 12, 4]]), &[0], None, 1).unwrap();
        both.merge_batch(&one.state(EmitTo::All).unwrap(), &[0, 1], 2).unwrap();
        both.merge_batch(&other.state(EmitTo::All).unwrap(), &[0], 2).unwrap();
        let peaks = both.evaluate(EmitTo::All).unwrap();
        assert_eq!(peaks.as_primitive::<Int64Type>().values(), &[6, 7]);
    }
}
