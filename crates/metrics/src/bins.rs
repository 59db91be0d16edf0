//! Equal-width bins of [0, 1]. Not the bins of drift, which follow a baseline.

/// The bin among `n_bins` that holds a number of [0, 1]: each holds its upper edge, the first also 0.
///
/// Source: C. Guo, G. Pleiss, Y. Sun, K. Q. Weinberger, "On Calibration of Modern Neural Networks", 2017; scikit-learn's
/// `calibration_curve` has the same bins.
pub(crate) fn bin_of(number: f64, n_bins: usize) -> usize {
    let (mut first, mut last) = (0, n_bins.saturating_sub(1));
    while first < last {
        let middle = usize::midpoint(first, last);
        if number > upper_edge(middle, n_bins) {
            first = middle + 1;
        } else {
            last = middle;
        }
    }
    first
}

/// The upper edge of a bin, as NumPy's `linspace(0, 1, n_bins + 1)` rounds it.
pub(crate) fn upper_edge(bin: usize, n_bins: usize) -> f64 {
    if bin + 1 >= n_bins { 1.0 } else { (bin + 1) as f64 * (1.0 / n_bins as f64) }
}
