//! Digests of several values at once, none of which can be mistaken for parts of another. Not for secrets:
//! these are in `signature`.

use sha2::{Digest, Sha256};

/// SHA-256 of the parts, each after its length in eight bytes, the most significant first.
pub(crate) fn fingerprint(parts: &[&str]) -> [u8; 32] {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part.as_bytes());
    }
    digest.finalize().into()
}

/// The first `n_bytes` of a digest in hexadecimal.
pub(crate) fn hex(digest: [u8; 32], n_bytes: usize) -> String {
    digest.iter().take(n_bytes).map(|byte| format!("{byte:02x}")).collect()
}

/// The first eight bytes of a digest as a number, the most significant first.
pub(crate) fn number(digest: [u8; 32]) -> u64 {
    digest.iter().take(8).fold(0, |number, byte| (number << 8) | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_not_mistaken_for_each_other() {
        assert_ne!(fingerprint(&["ab", "c"]), fingerprint(&["a", "bc"]));
        assert_ne!(fingerprint(&["a"]), fingerprint(&["a", ""]));
    }

    #[test]
    fn both_forms_begin_with_the_first_byte() {
        let mut digest = [0; 32];
        digest[0] = 0xab;
        assert_eq!((hex(digest, 2), number(digest)), ("ab00".to_owned(), 0xab << 56));
    }
}
