//! `MurmurHash3` of the domain `com.microsoft`: a hash of each element. skl2onnx writes it for `FeatureHasher`.
//!
//! Specification: <https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#com.microsoft.MurmurHash3>

use crate::data::{Slice, each};
use crate::{Attributes, Data, Error, Result};

const BLOCK: usize = 4;

/// The operator with its attributes.
#[derive(Clone, Copy, Debug)]
pub struct MurmurHash {
    seed: u32,
}

/// The bytes of an element that are hashed.
trait Hashed {
    fn hash(&self, seed: u32) -> u32;
}

macro_rules! numbers {
    ($($number:ty),*) => {
        $(impl Hashed for $number {
            fn hash(&self, seed: u32) -> u32 {
                murmur_hash_3(&self.to_le_bytes(), seed)
            }
        })*
    };
}
numbers!(f32, f64, i16, i32, i64);

impl Hashed for String {
    fn hash(&self, seed: u32) -> u32 {
        murmur_hash_3(self.as_bytes(), seed)
    }
}

impl MurmurHash {
    /// # Errors
    /// If the hashes are to be without a sign, which no type of the domain is.
    pub fn from_attributes(attributes: &Attributes<'_>) -> Result<Self> {
        if attributes.int("positive")?.unwrap_or(1) != 0 {
            return Err(Error::attribute("positive", "0, for hashes with a sign", "1".to_owned()));
        }
        let seed = attributes.int("seed")?.unwrap_or(0);
        let of_bits = u32::try_from(seed);
        let seed = of_bits.map_err(|_| Error::attribute("seed", "32 bits", seed.to_string()))?;
        Ok(Self { seed })
    }

    /// The hash of each element.
    pub fn eval(&self, x: Slice<'_>) -> Data {
        let hash = |hash: u32| i32::from_le_bytes(hash.to_le_bytes());
        Data::I32(each!(Slice, x, elements => {
            elements.iter().map(|element| hash(element.hash(self.seed))).collect()
        }))
    }
}

/// Source: Appleby, `MurmurHash3_x86_32`, <https://github.com/aappleby/smhasher>.
fn murmur_hash_3(bytes: &[u8], seed: u32) -> u32 {
    let mix = |block: u32| block.wrapping_mul(0xcc9e_2d51).rotate_left(15).wrapping_mul(0x1b87_3593);
    let (blocks, rest) = bytes.as_chunks::<BLOCK>();
    let mut hash = blocks.iter().fold(seed, |hash, block| {
        let mixed = (hash ^ mix(u32::from_le_bytes(*block))).rotate_left(13);
        mixed.wrapping_mul(5).wrapping_add(0xe654_6b64)
    });
    let tail = rest.iter().rev().fold(0, |tail, byte| (tail << 8) | u32::from(*byte));
    hash ^= mix(tail);
    #[expect(clippy::cast_possible_truncation, reason = "the hash has 32 bits of the length")]
    let len = bytes.len() as u32;
    hash ^= len;
    hash = (hash ^ (hash >> 16)).wrapping_mul(0x85eb_ca6b);
    hash = (hash ^ (hash >> 13)).wrapping_mul(0xc2b2_ae35);
    hash ^ (hash >> 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_those_of_scikit_learn() {
        // sklearn.utils.murmurhash3_32, of the words in UTF-8.
        for (word, seed, expected) in HASHES {
            let hashes = MurmurHash { seed }.eval(Slice::Strings(&[word.to_owned()]));
            assert_eq!(hashes, Data::I32(vec![expected]), "{word} {seed}");
        }
    }

    const HASHES: [(&str, u32, i32); 6] = [
        ("", 0, 0),
        ("a", 0, 1009084850),
        ("row", 7, 1273648004),
        ("keys", 0, -1746703391),
        ("Kyōto", 0, 379522572),
        ("a model and its key", 42, -130099595),
    ];
}
