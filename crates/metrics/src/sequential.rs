//! Change detectors over a stream, one value at a time, and a monitor of a feature's bins.
//!
//! The detectors ([`adwin`], [`page_hinkley`], [`ddm`], [`eddm`], [`hddm_a`], [`hddm_w`]) depend on the order of their values and do not
//! merge; they promise nothing about how often they alarm falsely when looked at for ever. [`bin_monitor`] and
//! [`crate::risk_monitor`] do.
//!
//! All are plain data: a function without memory stores one as JSON and resumes it to the bit, if the JSON is read with `serde_json`'s
//! feature `float_roundtrip`.

use serde::{Deserialize, Serialize};

pub mod adwin;
pub mod bin_monitor;
pub mod ddm;
pub mod eddm;
pub(crate) mod evidence;
pub mod hddm_a;
pub mod hddm_w;
mod mean;
pub mod page_hinkley;
pub(crate) mod restarts;

/// What a detector says after a value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Signal {
    /// Nothing has changed.
    #[default]
    Stable,
    /// Something may have changed.
    Warning,
    /// It has changed: the next value starts the detector anew.
    Drift,
}

/// A setting out of its range.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{setting} must be {expected}, found {found}")]
pub struct SettingError {
    /// The setting's name.
    pub setting: &'static str,
    /// What it may be.
    pub expected: &'static str,
    /// What it is.
    pub found: f64,
}

impl SettingError {
    /// Refuses a level (a probability) that is not strictly between 0 and 1.
    pub(crate) fn check_level(setting: &'static str, found: f64) -> Result<(), Self> {
        let expected = "between 0 and 1, both excluded";
        Self::check(found > 0.0 && found < 1.0, Self { setting, expected, found })
    }

    /// Refuses a number that is not finite.
    pub(crate) fn check_finite(setting: &'static str, found: f64) -> Result<(), Self> {
        Self::check(found.is_finite(), Self { setting, expected: "a finite number", found })
    }

    /// The error, unless the setting holds.
    pub(crate) const fn check(holds: bool, otherwise: Self) -> Result<(), Self> {
        if holds { Ok(()) } else { Err(otherwise) }
    }
}
