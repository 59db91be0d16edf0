//! What cannot be evaluated.

/// Why not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A task that cannot be evaluated.
    #[error("cannot evaluate this task: {reason}")]
    Task {
        /// Why not.
        reason: String,
    },
    /// Counters of two baselines, which do not merge.
    #[error("these profiles are of different baselines: their {what} differ")]
    Mismatch {
        /// What differs.
        what: &'static str,
    },
    /// What was counted against another baseline.
    #[error("the {what} are of another baseline: expected one with the digest {expected}, found {found}")]
    OtherBaseline {
        /// What was counted.
        what: &'static str,
        /// The digest of the baseline that was given.
        expected: String,
        /// The digest of the one it was counted against.
        found: String,
    },
    /// A setting of the monitors that is out of its range.
    #[error("expected {setting} {expected}, found {found}")]
    Setting {
        /// Its name.
        setting: &'static str,
        /// Its range.
        expected: &'static str,
        /// What was found.
        found: String,
    },
    /// A baseline without a row.
    #[error("a baseline needs rows: found none")]
    Empty,
    /// A captured row that is none.
    #[error("expected a captured row: {reason}")]
    Record {
        /// What is wrong with it.
        reason: String,
    },
    /// A length of windows that is none.
    #[error("expected a window such as `1h`, `1d`, `30m` or `1000rows`, found `{found}`")]
    Window {
        /// What was found.
        found: String,
    },
    /// A time that is none.
    #[error("expected a time such as `2026-11-27T10:00:00Z` or seconds since 1970, found `{found}`")]
    Time {
        /// What was found.
        found: String,
    },
}
