//! Products of rows, summed in more digits than the numbers have, in an order that only the rows' length decides: the same bits on every
//! machine and for every place of a row, and what is left of large terms that cancel is right.

/// How many sums a product has, each of every so many elements.
const LANES: usize = 4;

/// The sum of the products of two rows.
pub(crate) fn dot(a: &[f32], b: &[f32]) -> f64 {
    fold(a, b, |a, b| a * b)
}

/// The sum of the squared differences of two rows.
pub(crate) fn squared_distance(a: &[f32], b: &[f32]) -> f64 {
    fold(a, b, |a, b| (a - b) * (a - b))
}

fn fold(a: &[f32], b: &[f32], term: impl Fn(f64, f64) -> f64) -> f64 {
    let mut sums = [0.0_f64; LANES];
    let (a_chunks, a_rest) = a.as_chunks::<LANES>();
    let (b_chunks, b_rest) = b.as_chunks::<LANES>();
    for (a, b) in a_chunks.iter().zip(b_chunks) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += term((*a).into(), (*b).into());
        }
    }
    for ((sum, a), b) in sums.iter_mut().zip(a_rest).zip(b_rest) {
        *sum += term((*a).into(), (*b).into());
    }
    let [a, b, c, d] = sums;
    (a + c) + (b + d)
}
