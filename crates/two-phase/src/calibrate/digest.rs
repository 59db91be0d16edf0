//! What tells calibration data from other data, however its files were laid out.

use sha2::{Digest as _, Sha256};

use super::Observed;
use crate::sample::hexadecimal;

/// The SHA-256 of rows in their order, as 64 hexadecimal digits. Times are no part of it.
#[must_use]
pub fn digest(rows: &[Observed]) -> String {
    let mut sha = Sha256::new();
    for row in rows {
        for text in [&row.client, &row.key, row.segment.as_ref().unwrap_or(&row.client)] {
            sha.update((text.len() as u64).to_le_bytes());
            sha.update(text);
        }
        for numbers in [&row.probabilities, &row.features] {
            sha.update((numbers.len() as u64).to_le_bytes());
            numbers.iter().for_each(|number| sha.update(number.to_le_bytes()));
        }
        for class in [Some(row.label), row.truth, row.cloud_label] {
            sha.update(class.map_or(u64::MAX, |class| class as u64).to_le_bytes());
        }
    }
    hexadecimal(&sha.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_of_what_rows_say_and_not_of_how_long_they_took() {
        let row =
            |key: &str| Observed { key: key.to_owned(), probabilities: vec![1.0], ..Observed::default() };
        let timed = Observed { edge_ms: Some(1.0), ..row("a") };
        assert_eq!(digest(&[row("a")]), digest(&[timed]));
        assert_eq!(digest(&[]).len(), 64);
        let other = Observed { truth: Some(0), ..row("a") };
        assert_ne!(digest(&[row("a")]), digest(&[other]));
        assert_ne!(digest(&[row("a"), row("b")]), digest(&[row("b"), row("a")]));
    }
}
