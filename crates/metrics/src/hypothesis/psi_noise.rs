//! How large a population stability index chance alone makes.

use statrs::distribution::{ChiSquared, ContinuousCDF};

use super::{Error, chi_square_survival};

/// The index that samples of one distribution stay below with probability `level`: `chi2_{B-1}(level) (1 / n + 1 / m)`. A reference that
/// is not a sample but a fixed distribution has an infinite length.
///
/// # Errors
/// [`Error::Bins`] of fewer than two bins, [`Error::Empty`] or [`Error::Probability`] (a level of 1 has no bound).
///
/// Source: B. Yurdakul, "Statistical Properties of Population Stability Index", 2018.
pub fn psi_noise_floor(n_bins: usize, lens: (f64, f64), level: f64) -> Result<f64, Error> {
    let unit = unit(n_bins, lens)?;
    if !(0.0..1.0).contains(&level) {
        return Err(Error::Probability { found: level });
    }
    let law = ChiSquared::new(n_bins as f64 - 1.0);
    let bins = Error::Bins { expected: 2, reference: n_bins, current: n_bins };
    law.map(|law| law.inverse_cdf(level) * unit).map_err(|_| bins)
}

/// How likely an index of at least `psi` is if both samples have one distribution: `P(chi2_{B-1} > psi / (1 / n + 1 / m))`.
///
/// # Errors
/// [`Error::Bins`] of fewer than two bins, or [`Error::Empty`].
///
/// Source: B. Yurdakul, "Statistical Properties of Population Stability Index", 2018.
pub fn psi_p_value(psi: f64, n_bins: usize, lens: (f64, f64)) -> Result<f64, Error> {
    let unit = unit(n_bins, lens)?;
    Ok(chi_square_survival(psi / unit, n_bins as f64 - 1.0))
}

fn unit(n_bins: usize, (n_reference, n_current): (f64, f64)) -> Result<f64, Error> {
    if n_bins < 2 {
        return Err(Error::Bins { expected: 2, reference: n_bins, current: n_bins });
    }
    let unit = 1.0 / n_reference + 1.0 / n_current;
    let is_length = n_reference > 0.0 && n_current > 0.0 && unit > 0.0;
    if is_length {
        Ok(unit)
    } else {
        Err(Error::Empty { reference: u64::from(n_reference > 0.0), current: u64::from(n_current > 0.0) })
    }
}
