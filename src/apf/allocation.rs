//! How seats are divided among priority levels: each gets the same proportion of its target, within its bounds
//! (`k8s.io/apiserver/pkg/util/flowcontrol/conc_alloc.go`, `computeConcurrencyAllocation`).
//!
//! The solution is the proportion p at which the sum of clamp(p · target, lower, upper) over all classes equals the
//! required sum. The sum grows with p, and linearly between two values of p at which a class reaches a bound. So those
//! values are sorted, the two around the solution are found by bisection, and the linear equation is solved between
//! them. Upstream walks along the sorted bounds instead, with the same result.

use thiserror::Error;

/// Smaller targets are raised to this, so that all proportions are finite (`conc_alloc.go`, `MinTarget`).
const MINIMUM_TARGET: f64 = 0.001;
/// Sums that differ by less count as equal (`conc_alloc.go`, `epsilon`).
const TOLERANCE: f64 = 1e-7;

/// A participant in the division; all fields are in seats.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Class {
    /// The seats it wants; at least `lower`.
    pub target: f64,
    /// The fewest seats it may get; not negative.
    pub lower: f64,
    /// The most seats it may get; at least `lower`.
    pub upper: f64,
}

/// The result of a division.
#[derive(Clone, Debug, PartialEq)]
pub struct Allocation {
    /// The proportion of its target that a class gets if neither bound applies.
    pub fair_proportion: f64,
    /// The seats of each class, in the order given.
    pub parts: Vec<f64>,
}

/// Why there is no division. The server then keeps its current limits.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
pub enum AllocationError {
    /// Something is not a number, a bound is negative, or bounds and target are not in order.
    #[error("class {index} has a target of {target} and bounds of {lower} and {upper}, which are not in order")]
    Class {
        /// Index of the class, from 0.
        index: usize,
        /// Its target.
        target: f64,
        /// Its lower bound.
        lower: f64,
        /// Its upper bound.
        upper: f64,
    },
    /// The sum of the lower bounds exceeds the required sum.
    #[error("the lower bounds come to {lower}, more than there is to divide: {required_sum}")]
    TooLittle {
        /// The sum of the lower bounds.
        lower: f64,
        /// The sum to divide.
        required_sum: u32,
    },
    /// The sum of the upper bounds is below the required sum.
    #[error("the upper bounds come to {upper}, less than there is to divide: {required_sum}")]
    TooMuch {
        /// The sum of the upper bounds.
        upper: f64,
        /// The sum to divide.
        required_sum: u32,
    },
}

/// Divides `required_sum` among the classes.
///
/// # Errors
///
/// When there is no such division.
pub fn allocate(required_sum: u32, classes: &[Class]) -> Result<Allocation, AllocationError> {
    check(classes)?;
    let sum = f64::from(required_sum);
    let (lower, upper) =
        classes.iter().fold((0.0, 0.0), |(lower, upper), class| (lower + class.lower, upper + class.upper));
    if lower - sum > TOLERANCE {
        return Err(AllocationError::TooLittle { lower, required_sum });
    }
    if sum - upper > TOLERANCE {
        return Err(AllocationError::TooMuch { upper, required_sum });
    }
    let proportions = |bound: fn(&Class) -> f64| classes.iter().map(move |class| bound(class) / class.divisor());
    if required_sum == 0 {
        return Ok(Allocation { fair_proportion: 0.0, parts: vec![0.0; classes.len()] });
    }
    if lower - sum > -TOLERANCE {
        let fair_proportion = proportions(|class| class.lower).fold(f64::INFINITY, f64::min);
        return Ok(Allocation { fair_proportion, parts: classes.iter().map(|class| class.lower).collect() });
    }
    if sum - upper > -TOLERANCE {
        let fair_proportion = proportions(|class| class.upper).fold(0.0, f64::max);
        return Ok(Allocation { fair_proportion, parts: classes.iter().map(|class| class.upper).collect() });
    }
    let mut bounds: Vec<f64> = proportions(|class| class.lower).chain(proportions(|class| class.upper)).collect();
    bounds.sort_unstable_by(f64::total_cmp);
    let fair_proportion = solve(sum, classes, &bounds);
    Ok(Allocation { fair_proportion, parts: classes.iter().map(|class| class.part(fair_proportion)).collect() })
}

fn check(classes: &[Class]) -> Result<(), AllocationError> {
    for (index, Class { target, lower, upper }) in classes.iter().copied().enumerate() {
        if !(upper.is_finite() && target.is_finite() && 0.0 <= lower && lower <= target && lower <= upper) {
            return Err(AllocationError::Class { index, target, lower, upper });
        }
    }
    Ok(())
}

/// The smallest proportion at which the parts add up to `sum`, which lies between their sums at the first and the last
/// bound.
fn solve(sum: f64, classes: &[Class], bounds: &[f64]) -> f64 {
    let total = |proportion: f64| classes.iter().map(|class| class.part(proportion)).sum::<f64>();
    let above = bounds.partition_point(|bound| total(*bound) < sum);
    // Only rounding errors can put `sum` above the parts' sum at the last bound.
    let (Some(from), Some(to)) = (bounds.get(above.saturating_sub(1)), bounds.get(above)) else {
        return bounds.last().copied().unwrap_or_default();
    };
    // Divided the same way as the bounds, so that equal values compare equal.
    let has_room = |class: &&Class| {
        let (lower, upper) = (class.lower / class.divisor(), class.upper / class.divisor());
        lower <= *from && *from < upper
    };
    let slope: f64 = classes.iter().filter(has_room).map(Class::divisor).sum();
    if slope > 0.0 { (from + (sum - total(*from)) / slope).clamp(*from, *to) } else { *to }
}

impl Class {
    /// The target by which bounds are divided; never 0.
    fn divisor(&self) -> f64 {
        self.target.max(MINIMUM_TARGET)
    }

    /// The seats of the class at that proportion.
    fn part(&self, proportion: f64) -> f64 {
        (proportion * self.divisor()).clamp(self.lower, self.upper)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn classes(classes: &[(f64, f64, f64)]) -> Vec<Class> {
        classes.iter().map(|&(target, lower, upper)| Class { target, lower, upper }).collect()
    }

    fn is_near(left: f64, right: f64) -> bool {
        (left - right).abs() < 1e-6
    }

    #[test]
    fn all_get_the_same_proportion_unless_a_bound_stops_them() {
        for (required_sum, given, fair_proportion, parts) in [
            // No bound matters.
            (30, &[(10.0, 0.0, 90.0), (20.0, 0.0, 90.0)][..], 1.0, &[10.0, 20.0][..]),
            // The second one's lower bound, the first one's upper bound.
            (30, &[(10.0, 0.0, 90.0), (20.0, 20.0, 90.0), (30.0, 0.0, 90.0)], 0.25, &[2.5, 20.0, 7.5]),
            (60, &[(10.0, 0.0, 5.0), (20.0, 0.0, 90.0), (30.0, 0.0, 90.0)], 1.1, &[5.0, 22.0, 33.0]),
            // Equals, and those that are after nothing.
            (600, &[(0.0, 0.0, 600.0), (0.0, 0.0, 600.0)], 300_000.0, &[300.0, 300.0]),
            (9, &[(3.0, 1.0, 7.0), (3.0, 1.0, 7.0), (3.0, 1.0, 7.0)], 1.0, &[3.0, 3.0, 3.0]),
            // No choice at all.
            (7, &[(5.0, 5.0, 9.0), (4.0, 2.0, 9.0)], 0.5, &[5.0, 2.0]),
            (18, &[(5.0, 5.0, 9.0), (4.0, 2.0, 9.0)], 2.25, &[9.0, 9.0]),
            (0, &[(5.0, 0.0, 9.0)], 0.0, &[0.0]),
            (0, &[], 0.0, &[]),
            // The second begins at 1, when the first has long stopped at 0.5: the least proportion that does is taken.
            (6, &[(10.0, 0.0, 5.0), (1.0, 1.0, 9.0)], 0.5, &[5.0, 1.0]),
        ] {
            let allocation = allocate(required_sum, &classes(given)).unwrap();
            assert!(is_near(allocation.fair_proportion, fair_proportion), "{given:?}: {allocation:?}");
            assert_eq!(allocation.parts.len(), parts.len());
            assert!(allocation.parts.iter().zip(parts).all(|(a, b)| is_near(*a, *b)), "{given:?}: {allocation:?}");
        }
    }

    #[test]
    fn what_cannot_be_divided_is_an_error() {
        for (required_sum, given, message) in [
            (5, &[(5.0, 3.0, 9.0), (4.0, 3.0, 9.0)][..], "the lower bounds come to 6, more than there is to divide: 5"),
            (19, &[(5.0, 3.0, 9.0), (4.0, 3.0, 9.0)], "the upper bounds come to 18, less than there is to divide: 19"),
            (5, &[], "the upper bounds come to 0, less than there is to divide: 5"),
            (5, &[(2.0, 3.0, 9.0)], "class 0 has a target of 2 and bounds of 3 and 9, which are not in order"),
            (5, &[(5.0, 3.0, 2.0)], "class 0 has a target of 5 and bounds of 3 and 2, which are not in order"),
            (5, &[(5.0, -1.0, 9.0)], "class 0 has a target of 5 and bounds of -1 and 9, which are not in order"),
            (5, &[(f64::NAN, 0.0, 9.0)], "class 0 has a target of NaN and bounds of 0 and 9, which are not in order"),
        ] {
            assert_eq!(allocate(required_sum, &classes(given)).unwrap_err().to_string(), message);
        }
    }

    proptest! {
        #[test]
        fn parts_come_to_the_sum_within_their_bounds(
            given in prop::collection::vec((0_u32..300, 0_u32..300, 0_u32..900), 1..12),
            share in 0.0..1.0_f64,
        ) {
            let given: Vec<Class> = given
                .into_iter()
                .map(|(lower, above, room)| Class {
                    target: f64::from(lower) + f64::from(above) / 7.0,
                    lower: f64::from(lower),
                    upper: f64::from(lower + room),
                })
                .collect();
            let lower: f64 = given.iter().map(|class| class.lower).sum();
            let upper: f64 = given.iter().map(|class| class.upper).sum();
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small and not negative")]
            let required_sum = (lower + share * (upper - lower)).round() as u32;
            let Allocation { fair_proportion, parts } = allocate(required_sum, &given).unwrap();
            prop_assert!((parts.iter().sum::<f64>() - f64::from(required_sum)).abs() < 1e-6);
            for (class, part) in given.iter().zip(parts) {
                prop_assert!(class.lower <= part && part <= class.upper);
                if required_sum > 0 && class.lower < part && part < class.upper {
                    prop_assert!((part - fair_proportion * class.target.max(0.001)).abs() < 1e-6);
                }
            }
        }
    }
}
