//! What a calibration or a policy can find wrong with what it is given.

/// Why there is no policy, or none that may be used.
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum Error {
    /// The file is no JSON, or not of a policy's form.
    #[error("the policy cannot be read: {0}")]
    Json(String),
    /// The file's form is another one's.
    #[error("expected a policy of form {expected}, found form {found}: make it anew with `plinth calibrate`")]
    Form {
        /// The form that is read here.
        expected: u32,
        /// The file's.
        found: String,
    },
    /// A value of a policy or a setting that cannot be.
    #[error("`{field}`: expected {expected}, found {found}")]
    Field {
        /// Where it stands, such as `thresholds.ladder[2].threshold`.
        field: String,
        /// What may stand there.
        expected: String,
        /// What does.
        found: String,
    },
    /// The policy was made for another model.
    #[error(
        "the policy is for the {role} model `{name}` with onnx_sha256 {expected}, found {found}: calibrate this model, or use that one"
    )]
    OtherModel {
        /// `edge` or `cloud`.
        role: &'static str,
        /// The name of the model that the policy is for.
        name: String,
        /// The digest of that model.
        expected: String,
        /// The digest of the model at hand.
        found: String,
    },
    /// A row that cannot be used.
    #[error("row {row}: expected {expected}, found {found}")]
    Row {
        /// The index of the row.
        row: usize,
        /// What it should have.
        expected: String,
        /// What it has.
        found: String,
    },
    /// There is no row with what the promise is about.
    #[error("no row has {missing}, which a promise on {target} needs")]
    NoLabels {
        /// What the promise is about.
        target: &'static str,
        /// What rows lack.
        missing: &'static str,
    },
    /// Too little data for what is to be promised.
    #[error("needs ≥ {needed} accepted rows for {} at {}, found {found} rows to test on", percent(*max_risk), level(*confidence))]
    TooFewRows {
        /// How many accepted rows without a single error the promise needs.
        needed: u64,
        /// How many rows there are to test on.
        found: u64,
        /// The risk to be promised.
        max_risk: f64,
        /// The confidence of the promise.
        confidence: f64,
    },
    /// There is data enough, and it does not bear the promise out.
    #[error(
        "no threshold keeps {} at {}: of the {n_accepted} rows with confidence ≥ {threshold:.4} {n_wrong} are wrong, \
         at most {} may be", percent(*max_risk), level(*confidence), allowed.map_or_else(|| "none".to_owned(), |n| n.to_string())
    )]
    NotKept {
        /// The risk to be promised.
        max_risk: f64,
        /// The confidence of the promise.
        confidence: f64,
        /// The strictest threshold that was tested.
        threshold: f64,
        /// How many rows it accepts.
        n_accepted: u64,
        /// How many of them are wrong.
        n_wrong: u64,
        /// How many may be; none if the promise cannot be kept with so few rows.
        allowed: Option<u64>,
    },
    /// There is no class and no segment for which anything can be promised.
    #[error("nothing can be promised for any group: {reason}")]
    NoGroup {
        /// Of the first group.
        reason: String,
    },
    /// More rows must be escalated than the budget has.
    #[error("a budget of {} cannot be kept: {} of the rows are escalated at any threshold ({why})", percent(*budget), percent(*share))]
    Budget {
        /// The share that may be escalated.
        budget: f64,
        /// The share that must be.
        share: f64,
        /// What they are.
        why: &'static str,
    },
    /// A calibrator could not be fitted.
    #[error("the {calibrator} calibrator cannot be fitted: {cause}")]
    Calibrator {
        /// Which one.
        calibrator: &'static str,
        /// Why.
        cause: String,
    },
    /// A monitor could not be made or fed.
    #[error("the promise cannot be watched: {0}")]
    Monitor(String),
}

impl Error {
    pub(crate) fn field(field: impl Into<String>, expected: impl Into<String>, found: impl ToString) -> Self {
        Self::Field { field: field.into(), expected: expected.into(), found: found.to_string() }
    }
}

/// A share as a text, such as `1 %`.
pub(crate) fn percent(share: f64) -> String {
    format!("{} %", level(share * 100.0))
}

/// A confidence as a text, such as `0.95`, without the noise of its last digits.
pub(crate) fn level(number: f64) -> String {
    let text = format!("{number:.6}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_few_rows_says_how_many_are_needed() {
        let error = Error::TooFewRows { needed: 299, found: 150, max_risk: 0.01, confidence: 0.95 };
        let text = error.to_string();
        assert!(text.starts_with("needs ≥ 299 accepted rows for 1 % at 0.95"), "{text}");
    }

    #[test]
    fn shares_are_told_without_noise() {
        let texts = [0.01, 0.025, 0.0005, 1.0, 0.1].map(percent);
        assert_eq!(texts, ["1 %", "2.5 %", "0.05 %", "100 %", "10 %"]);
    }
}
