//! Sums in the order in which NumPy adds, where a last bit may decide the number of bins. What is merged uses [`crate::ExactSum`] instead.

/// Up to so many numbers are added in eight lanes; more are halved.
const BLOCK_LEN: usize = 128;
const N_LANES: usize = 8;

/// The sum of numbers by pairwise summation.
///
/// Source: `numpy.add.reduce` over a contiguous array.
pub(crate) fn pairwise_sum(numbers: &[f64]) -> f64 {
    if numbers.len() < N_LANES {
        return numbers.iter().fold(0.0, |sum, number| sum + number);
    }
    if numbers.len() <= BLOCK_LEN {
        return block_sum(numbers);
    }
    let half = numbers.len() / 2;
    let (left, right) = numbers.split_at(half - half % N_LANES);
    pairwise_sum(left) + pairwise_sum(right)
}

fn block_sum(numbers: &[f64]) -> f64 {
    let (rows, rest) = numbers.as_chunks::<N_LANES>();
    let mut lanes = [-0.0; N_LANES];
    for row in rows {
        lanes.iter_mut().zip(row).for_each(|(lane, number)| *lane += number);
    }
    let [a, b, c, d, e, f, g, h] = lanes;
    rest.iter().fold(((a + b) + (c + d)) + ((e + f) + (g + h)), |sum, number| sum + number)
}

pub(super) fn mean(numbers: &[f64]) -> f64 {
    pairwise_sum(numbers) / numbers.len() as f64
}

/// The standard deviation of a whole population; NaN of none.
///
/// Source: `numpy.std(numbers)`, `ddof` 0.
pub(crate) fn standard_deviation(numbers: &[f64]) -> f64 {
    let mean_value = mean(numbers);
    let squares: Vec<f64> = numbers.iter().map(|number| (number - mean_value).powi(2)).collect();
    mean(&squares).sqrt()
}

/// The third standardised moment, `mean(((x - mean) / deviation)^3)`.
pub(super) fn skewness(numbers: &[f64], deviation: f64) -> f64 {
    let mean_value = mean(numbers);
    let cubes: Vec<f64> = numbers.iter().map(|number| cube((number - mean_value) / deviation)).collect();
    mean(&cubes)
}

/// The cube, rounded once as a C library's `pow` does. NumPy's own differs in the last bit between processors with and without AVX-512.
fn cube(number: f64) -> f64 {
    let square = number * number;
    let square_rest = number.mul_add(number, -square);
    let product = square * number;
    product + (square.mul_add(number, -product) + square_rest * number)
}
