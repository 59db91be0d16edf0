//! How often an interval is to hold the true value.

use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF as _, Normal};

/// A confidence level strictly between 0 and 1. By default 0.95.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Confidence {
    level: f64,
    z: f64,
}

/// A number that is no confidence level.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("expected a confidence level above 0 and below 1, found {found}")]
pub struct ConfidenceError {
    /// The number.
    pub found: f64,
}

impl Confidence {
    /// A confidence of this level, such as 0.95.
    ///
    /// # Errors
    /// [`ConfidenceError`] unless `0 < level < 1`, or if it is so near 1 that no number of standard errors reaches it.
    pub fn new(level: f64) -> Result<Self, ConfidenceError> {
        let is_level = level > 0.0 && level < 1.0;
        let z = if is_level { Normal::standard().inverse_cdf(f64::midpoint(level, 1.0)) } else { f64::NAN };
        if z.is_finite() { Ok(Self { level, z }) } else { Err(ConfidenceError { found: level }) }
    }

    /// The share of intervals that hold the true value.
    #[must_use]
    pub const fn level(self) -> f64 {
        self.level
    }

    /// The half width of a two-sided normal interval in standard errors.
    ///
    /// Source: Φ⁻¹((1 + level) / 2).
    #[must_use]
    pub const fn z(self) -> f64 {
        self.z
    }
}

impl Default for Confidence {
    fn default() -> Self {
        Self { level: 0.95, z: 1.959_963_984_540_054 }
    }
}

impl TryFrom<f64> for Confidence {
    type Error = ConfidenceError;

    fn try_from(level: f64) -> Result<Self, ConfidenceError> {
        Self::new(level)
    }
}

impl From<Confidence> for f64 {
    fn from(confidence: Confidence) -> Self {
        confidence.level
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_95_percent() {
        let computed = Confidence::new(0.95).unwrap();
        assert_eq!(computed.level().to_bits(), Confidence::default().level().to_bits());
        assert!((computed.z() - Confidence::default().z()).abs() < 1e-14);
    }

    #[test]
    fn what_is_no_level_is_refused() {
        for found in [0.0, 1.0, -0.5, 95.0, f64::NAN, f64::INFINITY, 1.0 - f64::EPSILON / 2.0] {
            let error = Confidence::new(found).unwrap_err();
            assert_eq!(error.found.to_bits(), found.to_bits());
        }
        assert!(serde_json::from_str::<Confidence>("95").is_err());
        assert_eq!(serde_json::to_string(&Confidence::default()).unwrap(), "0.95");
    }
}
