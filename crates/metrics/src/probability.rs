//! Metrics of predicted probabilities: log loss, Brier score, calibration error, reliability curve.
