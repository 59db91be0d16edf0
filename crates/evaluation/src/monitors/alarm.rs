//! What monitors say: how far each is from its alarm, and the alarms as sentences.

use std::fmt;

use metrics::Interval;
use serde::{Deserialize, Serialize};

/// What a monitor watches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Watched {
    /// How many labelled rows are wrong, as the accuracy counts them.
    Errors,
    /// How many absolute errors of a regression are above the 90 % quantile of the baseline's.
    LargeErrors,
    /// Into which bins the values of a feature fall, by its name.
    Feature(String),
    /// Into which bins the predictions fall.
    Prediction,
}

impl Watched {
    /// Whether it is how often the model is wrong.
    #[must_use]
    pub const fn is_loss(&self) -> bool {
        matches!(self, Self::Errors | Self::LargeErrors)
    }
}

impl fmt::Display for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Errors => f.write_str("error rate"),
            Self::LargeErrors => f.write_str("large errors"),
            Self::Feature(name) => write!(f, "feature {name}"),
            Self::Prediction => f.write_str("prediction"),
        }
    }
}

/// What a monitor has seen.
///
/// Its e-value is the gain of a bet against the hypothesis that nothing has changed, from a stake of 1, in a game that is fair or worse if
/// that is so. That it ever reaches the threshold then has a probability of half the test's level at most.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MonitorReport {
    /// What it watches, as people read it: `error rate`, `large errors`, `feature x` or `prediction`.
    pub name: String,
    /// What it watches.
    pub watched: Watched,
    /// How many rows it has seen; of the loss, labelled ones.
    pub n: u64,
    /// The natural logarithm of the e-value at the last look.
    pub log_e_value: f64,
    /// The largest of all looks.
    pub max_log_e_value: f64,
    /// The logarithm from which it alarms.
    pub log_threshold: f64,
    /// The probability that this monitor ever alarms falsely is this at most.
    pub test_level: f64,
    /// Where the look was that first alarmed; none without an alarm.
    pub since: Option<String>,
    /// How many rows it had seen then.
    pub alarmed_at: Option<u64>,
    /// The loss itself, if that is what it watches.
    pub loss: Option<LossReport>,
}

/// How often a model was wrong since its monitors began.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LossReport {
    /// The share of wrong rows; none without rows.
    pub mean: Option<f64>,
    /// Between what it lies, all looks taken together, but for the test's level. The lower bound is above the upper one if it has changed.
    pub bounds: Interval,
    /// Above what it is worse than the baseline's may be.
    pub threshold: f64,
}

/// An alarm of a monitor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Alarm {
    /// What the monitor watches: `error rate`, `large errors`, `feature x` or `prediction`.
    pub subject: String,
    /// Where the look was that first alarmed.
    pub since: String,
    /// How many rows the monitor had seen then.
    pub n: u64,
    /// The natural logarithm of its largest e-value.
    pub log_e_value: f64,
    /// The logarithm from which it alarms.
    pub log_threshold: f64,
    /// What has happened and how sure that is, as a sentence without its subject.
    pub text: String,
}

impl MonitorReport {
    /// The alarm, if it has alarmed.
    #[must_use]
    pub fn alarm(&self) -> Option<Alarm> {
        Some(Alarm {
            subject: self.name.clone(),
            since: self.since.clone()?,
            n: self.alarmed_at?,
            log_e_value: self.max_log_e_value,
            log_threshold: self.log_threshold,
            text: self.sentence(),
        })
    }

    fn sentence(&self) -> String {
        let what = match (&self.watched, &self.loss) {
            (Watched::LargeErrors, Some(loss)) => {
                loss.sentence(self.n, "absolute errors are above the 90 % quantile of the baseline's")
            }
            (_, Some(loss)) => loss.sentence(self.n, "labelled rows are wrong"),
            (Watched::Prediction, None) => "what is predicted has moved".to_owned(),
            (_, None) => "its values have moved".to_owned(),
        };
        format!("{what}; {}", self.evidence())
    }

    /// How sure an alarm is, and what that promises.
    pub(crate) fn evidence(&self) -> String {
        format!(
            "evidence {}, an alarm from {} on, which at most {} of models without a change ever reach",
            e_value(self.max_log_e_value),
            e_value(self.log_threshold),
            percent(self.test_level)
        )
    }
}

impl LossReport {
    fn sentence(&self, n: u64, what: &str) -> String {
        let mean = self.mean.unwrap_or_default();
        let (threshold, lower) = (self.threshold, self.bounds.lower);
        format!(
            "more than {threshold:.4} of the {what}, always or lately: {mean:.4} of all {n}, at least {lower:.4}"
        )
    }
}

/// An e-value by its natural logarithm, as people read it; a large one is rounded down to a power of ten.
pub(crate) fn e_value(log: f64) -> String {
    let tens = log / std::f64::consts::LN_10;
    if tens >= 5.0 {
        return format!("1e{:.0}", tens.floor());
    }
    let digits = if tens >= 1.0 { 0 } else { 2 };
    format!("{:.digits$}", libm::exp(log))
}

/// A share in percent with two significant digits.
pub(crate) fn percent(share: f64) -> String {
    let digits = format!("{:.1e}", share * 100.0).parse::<f64>().unwrap_or(share * 100.0);
    format!("{digits} %")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn e_values_are_short() {
        let logs = [0.0, 2.0 * std::f64::consts::LN_10, 12.5 * std::f64::consts::LN_10, -1e9];
        assert_eq!(logs.map(e_value), ["1.00", "100", "1e12", "0.00"]);
        assert_eq!([0.05, 0.025, 0.025 / 65.0].map(percent), ["5 %", "2.5 %", "0.038 %"]);
    }
}
