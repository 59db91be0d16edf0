//! Metrics of predicted numbers against true ones, from sums.
