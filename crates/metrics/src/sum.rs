//! A sum of floating-point numbers that depends on the numbers alone, not on the order or the grouping of the additions.

use serde::{Deserialize, Serialize};

/// The exact sum of finite numbers, rounded once when it is read. Adding and merging are commutative and associative to the bit, so
/// that shards of a data set may be summed anywhere and merged in any order.
///
/// Numbers that are not finite are counted and left out.
///
/// Source: J. R. Shewchuk, "Adaptive Precision Floating-Point Arithmetic and Fast Robust Geometric Predicates", 1997.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ExactSum {
    /// Parts of the sum, none of which overlaps another, by growing magnitude.
    partials: Vec<f64>,
    #[serde(default, skip_serializing_if = "is_zero")]
    n_not_finite: u64,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl ExactSum {
    /// Adds a number.
    pub fn add(&mut self, number: f64) {
        if !number.is_finite() {
            self.n_not_finite += 1;
            return;
        }
        let mut carried = number;
        let mut kept = 0;
        for partial_idx in 0..self.partials.len() {
            let Some(&partial) = self.partials.get(partial_idx) else { break };
            let (sum, rest) = two_sum(carried, partial);
            if rest != 0.0 {
                if let Some(slot) = self.partials.get_mut(kept) {
                    *slot = rest;
                }
                kept += 1;
            }
            carried = sum;
        }
        self.partials.truncate(kept);
        if carried.is_finite() {
            self.partials.push(carried);
        } else {
            self.n_not_finite += 1;
        }
    }

    /// Adds everything that another sum has been given.
    pub fn merge(&mut self, other: &Self) {
        for &partial in &other.partials {
            self.add(partial);
        }
        self.n_not_finite += other.n_not_finite;
    }

    /// The sum, rounded to the nearest number, ties to even.
    #[must_use]
    pub fn value(&self) -> f64 {
        let mut partials = self.partials.iter().rev().copied();
        let Some(mut high) = partials.next() else { return 0.0 };
        let mut low = 0.0;
        for partial in partials.by_ref() {
            (high, low) = two_sum(high, partial);
            if low != 0.0 {
                break;
            }
        }
        let goes_on = partials.next().is_some_and(|below| below.is_sign_positive() == (low > 0.0));
        if low != 0.0 && goes_on { rounded_past_a_tie(high, low) } else { high }
    }

    /// How many numbers were left out because they are infinite or none.
    #[must_use]
    pub const fn n_not_finite(&self) -> u64 {
        self.n_not_finite
    }
}

impl PartialEq for ExactSum {
    fn eq(&self, other: &Self) -> bool {
        self.value().to_bits() == other.value().to_bits() && self.n_not_finite == other.n_not_finite
    }
}

impl FromIterator<f64> for ExactSum {
    fn from_iter<I: IntoIterator<Item = f64>>(numbers: I) -> Self {
        let mut sum = Self::default();
        numbers.into_iter().for_each(|number| sum.add(number));
        sum
    }
}

/// The rounded sum of two numbers, and what rounding took from it.
fn two_sum(left: f64, right: f64) -> (f64, f64) {
    let sum = left + right;
    let right_part = sum - left;
    let left_part = sum - right_part;
    (sum, (left - left_part) + (right - right_part))
}

/// `high + low` where `low` is half a unit of `high` and more of its sign follows.
fn rounded_past_a_tie(high: f64, low: f64) -> f64 {
    let doubled = low * 2.0;
    let moved = high + doubled;
    if (moved - high).to_bits() == doubled.to_bits() { moved } else { high }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn small_numbers_are_not_lost_beside_large_ones() {
        let sum: ExactSum = [1e100, 1.0, -1e100, 1e-100].into_iter().collect();
        assert_eq!(sum.value().to_bits(), 1.0_f64.to_bits());
        let tenths: ExactSum = std::iter::repeat_n(0.1, 10).collect();
        assert_eq!(tenths.value().to_bits(), 1.0_f64.to_bits());
    }

    #[test]
    fn a_tie_is_broken_by_what_follows() {
        let half_a_unit = f64::EPSILON / 2.0;
        let sum: ExactSum = [1.0, half_a_unit, 1e-300].into_iter().collect();
        assert_eq!(sum.value().to_bits(), (1.0 + f64::EPSILON).to_bits());
        let tie: ExactSum = [1.0, half_a_unit].into_iter().collect();
        assert_eq!(tie.value().to_bits(), 1.0_f64.to_bits());
    }

    #[test]
    fn what_is_not_finite_is_counted() {
        let sum: ExactSum = [f64::NAN, 2.0, f64::INFINITY].into_iter().collect();
        assert_eq!((sum.value().to_bits(), sum.n_not_finite()), (2.0_f64.to_bits(), 2));
    }

    fn numbers() -> impl Strategy<Value = Vec<f64>> {
        let number = prop_oneof![-1e3..1e3_f64, -1e300..1e300_f64, -1e-300..1e-300_f64, Just(f64::NAN)];
        prop::collection::vec(number, 0..40)
    }

    proptest! {
        #[test]
        fn order_and_grouping_do_not_matter(numbers in numbers(), cuts in (0_usize..40, 0_usize..40)) {
            let whole: ExactSum = numbers.iter().copied().collect();
            let reversed: ExactSum = numbers.iter().rev().copied().collect();
            let (first, second) = (cuts.0.min(numbers.len()), cuts.1.min(numbers.len()));
            let (a, b) = (first.min(second), first.max(second));
            let part = |range: std::ops::Range<usize>| numbers[range].iter().copied().collect::<ExactSum>();
            let mut left = part(0..a);
            left.merge(&part(a..b));
            left.merge(&part(b..numbers.len()));
            let mut right = part(b..numbers.len());
            let mut middle = part(0..a);
            middle.merge(&part(a..b));
            right.merge(&middle);
            prop_assert_eq!(&whole, &reversed);
            prop_assert_eq!(&whole, &left);
            prop_assert_eq!(&left, &right);
        }
    }
}
