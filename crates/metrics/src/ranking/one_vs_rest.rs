//! Areas under curves of more than two classes: each class against the rest, averaged.

mod histograms;
mod scores;

pub use histograms::ClassHistograms;
pub use scores::ClassScores;

/// How the metrics of each class against the rest become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OneVsRest {
    /// The mean over the classes.
    Macro,
    /// The mean over the classes, weighted by how often each is true.
    Weighted,
}

impl OneVsRest {
    /// What a class counts that is true of `n_true` among `n` rows.
    fn weight(self, n_true: u64, n: u64, n_classes: usize) -> f64 {
        match self {
            Self::Macro => 1.0 / n_classes as f64,
            Self::Weighted => n_true as f64 / n as f64,
        }
    }
}
