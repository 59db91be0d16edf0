//! What the looks of an e-process have said so far: the alarm, and how strong the case for it was at most. Not the e-process itself.

use serde::{Deserialize, Serialize};

/// The log e-values of the last look and of the strongest, and the first alarm.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Evidence {
    log_e_value: f64,
    max_log_e_value: f64,
    alarmed_at: Option<u64>,
}

impl Evidence {
    /// Takes a look in after `n` values; whether there is an alarm, now or before. Half of `test_level` is spent on the reference.
    pub(crate) fn look(&mut self, log_e_value: f64, n: u64, test_level: f64) -> bool {
        self.log_e_value = log_e_value;
        self.max_log_e_value = self.max_log_e_value.max(log_e_value);
        if self.alarmed_at.is_none() && log_e_value >= libm::log(2.0 / test_level) {
            self.alarmed_at = Some(n);
        }
        self.alarmed_at.is_some()
    }

    pub(crate) const fn log_e_value(&self) -> f64 {
        self.log_e_value
    }

    pub(crate) const fn max_log_e_value(&self) -> f64 {
        self.max_log_e_value
    }

    pub(crate) const fn alarmed_at(&self) -> Option<u64> {
        self.alarmed_at
    }
}
