//! The exact law of the one-sample Kolmogorov-Smirnov statistic as a power of a matrix, for small statistics.

/// What a number is divided by when it grows too large, as a power of two.
const SCALE_EXPONENT: i32 = 400;

/// A square matrix times a power of two.
#[derive(Clone)]
struct Matrix {
    size: usize,
    // Row-major.
    cells: Vec<f64>,
    exponent: i32,
}

impl Matrix {
    fn from_fn(size: usize, cell: impl Fn(usize, usize) -> f64) -> Self {
        let cells = (0..size * size).map(|idx| cell(idx / size, idx % size)).collect();
        Self { size, cells, exponent: 0 }
    }

    fn times(&self, other: &Self) -> Self {
        let mut cells = vec![0.0; self.cells.len()];
        for (row, left) in cells.chunks_exact_mut(self.size).zip(self.cells.chunks_exact(self.size)) {
            for (factor, right) in left.iter().zip(other.cells.chunks_exact(self.size)) {
                row.iter_mut().zip(right).for_each(|(cell, number)| *cell += factor * number);
            }
        }
        Self { size: self.size, cells, exponent: self.exponent + other.exponent }.scaled()
    }

    fn scaled(mut self) -> Self {
        if self.middle() > libm::ldexp(1.0, SCALE_EXPONENT) {
            let scale = libm::ldexp(1.0, -SCALE_EXPONENT);
            self.cells.iter_mut().for_each(|cell| *cell *= scale);
            self.exponent += SCALE_EXPONENT;
        }
        self
    }

    fn power(mut self, mut exponent: u32) -> Self {
        let mut product = Self::from_fn(self.size, |row, column| if row == column { 1.0 } else { 0.0 });
        while exponent > 0 {
            if exponent % 2 == 1 {
                product = product.times(&self);
            }
            exponent /= 2;
            if exponent > 0 {
                self = self.times(&self);
            }
        }
        product
    }

    fn middle(&self) -> f64 {
        self.cells.get(self.cells.len() / 2).copied().unwrap_or_default()
    }
}

/// The probability that the statistic of `n` values is at most `scaled / n`; `scaled` is above 1/2, and small.
///
/// Source: G. Marsaglia, W. W. Tsang and J. Wang, "Evaluating Kolmogorov's Distribution", 2003.
pub(super) fn cumulative(n: f64, scaled: f64) -> f64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "n is whole, both are small")]
    let (n_values, steps) = (n as u32, scaled.ceil() as usize);
    let size = 2 * steps - 1;
    let power = transitions(size, steps as f64 - scaled).power(n_values);
    times_factorial_over_power(power.middle(), power.exponent, n_values)
}

fn transitions(size: usize, rest: f64) -> Matrix {
    let inverse_factorials: Vec<f64> = (1..=size)
        .scan(1.0, |inverse, factor| {
            *inverse /= factor as f64;
            Some(*inverse)
        })
        .collect();
    let inverse_factorial = |n: usize| {
        n.checked_sub(1).map_or(1.0, |idx| inverse_factorials.get(idx).copied().unwrap_or_default())
    };
    let edge = |idx: usize| {
        let power = libm::pow(rest, (idx + 1) as f64);
        let corner =
            if idx + 1 == size { libm::pow((2.0 * rest - 1.0).max(0.0), size as f64) - power } else { 0.0 };
        (1.0 - power + corner) * inverse_factorial(idx + 1)
    };
    Matrix::from_fn(size, |row, column| {
        if column == 0 {
            edge(row)
        } else if row + 1 == size {
            edge(size - 1 - column)
        } else {
            (row + 1).checked_sub(column).map_or(0.0, inverse_factorial)
        }
    })
}

/// `p 2^exponent n! / n^n`.
fn times_factorial_over_power(mut p: f64, mut exponent: i32, n: u32) -> f64 {
    for factor in 1..=n {
        p *= f64::from(factor) / f64::from(n);
        if p < libm::ldexp(1.0, -SCALE_EXPONENT) {
            p = libm::ldexp(p, SCALE_EXPONENT);
            exponent -= SCALE_EXPONENT;
        }
    }
    libm::ldexp(p, exponent)
}
