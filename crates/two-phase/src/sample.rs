//! Which rows are in a sample, told by their keys alone: the same on every replica, in every run and every batch.

use sha2::{Digest as _, Sha256};

/// Where a row lies between 0 and 1 by its client and its key as JSON: the first eight bytes of SHA-256 of the client's name, a zero byte
/// and the key, as a share of 2⁶⁴. Capture for evaluation samples by the same number, so that an audited row is a captured one wherever
/// capture has the greater rate.
#[must_use]
pub fn place(client: &str, key: &[u8]) -> f64 {
    share(Sha256::new().chain_update(client).chain_update([0]).chain_update(key))
}

/// Where a row lies in the split of calibration data, which has nothing to do with its [`place`]: captured rows are all of low places.
#[must_use]
pub fn split_place(client: &str, key: &[u8]) -> f64 {
    share(Sha256::new().chain_update(SPLIT).chain_update(client).chain_update([0]).chain_update(key))
}

/// No client's name begins so: names have no zero byte.
const SPLIT: &[u8] = b"\0split\0";

fn share(digest: Sha256) -> f64 {
    let first = digest.finalize().first_chunk().map_or(0, |first| u64::from_be_bytes(*first));
    first as f64 / 2f64.powi(64)
}

/// Bytes as hexadecimal digits.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Expected: `hashlib.sha256(client + b'\0' + key).digest()[:8]` of Python over 2⁶⁴, as in capture's own test.
    #[test]
    fn places_are_those_of_capture() {
        for (client, key, expected) in [
            ("shop", "\"a\"", 0.339_083_764_481_308_1),
            ("", "5", 0.324_955_902_586_071_7),
            ("y", "7", 0.242_918_875_640_328_8),
        ] {
            assert!((place(client, key.as_bytes()) - expected).abs() < 1e-12);
        }
    }

    #[test]
    fn the_split_does_not_follow_the_sample() {
        let keys = (0..20_000_u32).map(|key| key.to_string());
        let captured: Vec<String> = keys.filter(|key| place("", key.as_bytes()) < 0.1).collect();
        let n_low = captured.iter().filter(|key| split_place("", key.as_bytes()) < 0.5).count();
        let share = n_low as f64 / captured.len() as f64;
        assert!((share - 0.5).abs() < 0.05, "{share}");
    }
}
