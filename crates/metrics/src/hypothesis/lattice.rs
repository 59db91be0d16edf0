//! The exact law of the two-sample Kolmogorov-Smirnov statistic, as shares of lattice paths.

/// The share of paths from (0, 0) to (n, n) that come `steps` or more away from the diagonal.
///
/// Source: B. V. Gnedenko and V. S. Korolyuk, 1951: the alternating sum of `2 C(2n, n - kh) / C(2n, n)`, nested.
pub(super) fn p_outside_square(n: u64, steps: u64) -> f64 {
    let size = n as f64;
    let nested = (0..=n / steps).rev().fold(0.0, |inner, reflection| {
        let shift = (reflection * steps) as f64;
        let ratio = (0..steps).fold(1.0, |ratio, step| {
            let step = step as f64;
            (size - shift - step) * ratio / (size + shift + step + 1.0)
        });
        ratio * (1.0 - inner)
    });
    2.0 * nested
}

/// The share of paths from (0, 0) to (n, m) with `|x / n - y / m|` somewhere at least `steps` over the least common multiple.
///
/// Source: T. Viehmann, "Numerically more stable computation of the p-values for the two-sample Kolmogorov-Smirnov test", 2021.
pub(super) fn p_outside_rectangle((n, m): (u64, u64), divisor: u64, steps: u64) -> f64 {
    let (long, short) = (n.max(m), n.min(m));
    let (long_step, short_step) = (long / divisor, short / divisor);
    // The share of paths to (x, y) that have left the band, over y; outside the band all have.
    let mut column = vec![1.0; usize::try_from(short + 1).unwrap_or_default()];
    let mut first_before = 0;
    for x in 0..=long {
        let height = short_step * x;
        let first = if height < steps { 0 } else { (height - steps) / long_step + 1 };
        let last = ((height + steps).div_ceil(long_step)).min(short + 1);
        let mut cells = column.iter_mut().zip(0_u64..);
        let before = cells.by_ref().take(to_len(first));
        before.skip(to_len(first_before)).for_each(|(cell, _)| *cell = 1.0);
        cells.take(to_len(last.saturating_sub(first))).fold(
            if first == 0 { 0.0 } else { 1.0 },
            |below, (cell, y)| {
                *cell = share_of_both(*cell, below, x, y);
                *cell
            },
        );
        first_before = first;
    }
    column.last().copied().unwrap_or(1.0)
}

/// The share at (x, y) from the shares at (x - 1, y) and (x, y - 1).
fn share_of_both(left: f64, below: f64, x: u64, y: u64) -> f64 {
    if x == 0 && y == 0 {
        return 0.0;
    }
    let (x, y) = (x as f64, y as f64);
    if x == 0.0 { below } else { (left * x + below * y) / (x + y) }
}

fn to_len(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}
