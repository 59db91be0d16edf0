//! Metrics of predicted classes against true ones, from a confusion matrix.
