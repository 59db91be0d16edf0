//! Metrics against labels, compared with scikit-learn, SciPy and statsmodels by what `golden/performance.py` wrote.
//!
//! Counts are exact, sums within 1e-12 of themselves, and what goes through special functions or the delta method within 1e-9, each
//! relative or absolute, whichever is wider. Resampled intervals are met within 12 % of their width.

#![cfg(test)]

mod classification;
mod golden;
mod interval;
mod merging;
mod probability;
mod ranking;
mod regression;
