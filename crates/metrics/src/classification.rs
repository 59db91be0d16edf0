//! Metrics of predicted classes against true ones, from a confusion matrix.
//!
//! They are scikit-learn's with `labels` naming every class and `zero_division=0`. Single-label classification only: several labels
//! for a row are as many binary matrices.

mod agreement;
mod class_metric;
mod influence;
mod matrix;
mod ratio;

pub use class_metric::{Average, ClassMetric};
pub use matrix::{ConfusionError, ConfusionMatrix, MAX_CLASSES};
