//! Performance estimated from calibrated probabilities, without labels.
//!
//! Confidence-based performance estimation holds as long as the probabilities are calibrated on the data at hand: it sees a change of
//! the inputs, never one of what the labels mean. [`GapSums`] tells the two apart once some labels are known. How probabilities are
//! calibrated is [`crate::isotonic`] and [`crate::calibration`].

mod concept_drift;
mod curve;
mod metric;
mod multiclass;
mod reference;
mod sums;

pub use concept_drift::{Gap, GapSums};
pub use curve::{
    ScoredRow, average_precision, macro_average_precision, macro_roc_auc, reference_roc_auc_spread, roc_auc,
};
pub use metric::{CountMetric, ExpectedConfusion, SamplingError};
pub use multiclass::{MulticlassCbpeSums, MulticlassReference, MulticlassSamplingError, normalised};
pub use reference::{MACRO_ROC_AUC_WIDENING, REFERENCE_SIGMAS, ReferenceCounts, Spread};
pub use sums::{CbpeSums, MergeError, Row};
