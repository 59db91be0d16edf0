//! The elements of a tensor: which numbers each datatype has, and their bytes.

use half::{bf16, f16};

use crate::scalars::Scalar;

/// An element of a tensor.
pub(crate) trait Element: Copy {
    /// Its bytes, little-endian.
    type Bytes: Copy;

    /// What stands for null, if anything does.
    const NULL: Option<Self>;

    /// The element that a number stands for, if the datatype has it.
    fn of<N: Scalar>(number: N) -> Option<Self>;

    /// Its bytes.
    fn bytes(self) -> Self::Bytes;

    /// The places of elements in the bytes of a tensor.
    fn places(data: &mut [u8]) -> &mut [Self::Bytes];
}

macro_rules! elements {
    ($($element:ty: $size:literal, $null:expr, $of:expr, $bytes:expr;)*) => {
        $(impl Element for $element {
            type Bytes = [u8; $size];
            const NULL: Option<Self> = $null;

            #[inline]
            fn of<N: Scalar>(number: N) -> Option<Self> {
                let of: fn(N) -> Option<Self> = $of;
                of(number)
            }

            #[inline]
            fn bytes(self) -> Self::Bytes {
                let bytes: fn(Self) -> Self::Bytes = $bytes;
                bytes(self)
            }

            #[inline]
            fn places(data: &mut [u8]) -> &mut [Self::Bytes] {
                data.as_chunks_mut().0
            }
        })*
    };
}

elements! {
    u8: 1, None, integer, Self::to_le_bytes;
    u16: 2, None, integer, Self::to_le_bytes;
    u32: 4, None, integer, Self::to_le_bytes;
    u64: 8, None, integer, Self::to_le_bytes;
    i8: 1, None, integer, Self::to_le_bytes;
    i16: 2, None, integer, Self::to_le_bytes;
    i32: 4, None, integer, Self::to_le_bytes;
    i64: 8, None, integer, Self::to_le_bytes;
    f32: 4, Some(Self::NAN), Scalar::single, Self::to_le_bytes;
    f64: 8, Some(Self::NAN), Scalar::double, Self::to_le_bytes;
    f16: 2, Some(Self::NAN), half, Self::to_le_bytes;
    bf16: 2, Some(Self::NAN), brain, Self::to_le_bytes;
    bool: 1, None, Scalar::truth, |truth| [u8::from(truth)];
}

#[inline]
fn integer<N: Scalar, I: TryFrom<i128>>(number: N) -> Option<I> {
    I::try_from(number.integer()?).ok()
}

fn half<N: Scalar>(number: N) -> Option<f16> {
    let odd = number.single_to_odd()?;
    let half = if odd.is_nan() { f16::NAN } else { f16::from_f32(odd) };
    (half.is_finite() || !odd.is_finite()).then_some(half)
}

fn brain<N: Scalar>(number: N) -> Option<bf16> {
    let odd = number.single_to_odd()?;
    let brain = if odd.is_nan() { bf16::NAN } else { bf16::from_f32(odd) };
    (brain.is_finite() || !odd.is_finite()).then_some(brain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check<E: Element<Bytes = B>, B: PartialEq + std::fmt::Debug>(number: impl Scalar, expect: Option<E>) {
        assert_eq!(E::of(number).map(E::bytes), expect.map(E::bytes), "{number}");
    }

    #[test]
    fn integers_are_in_range_or_not_there() {
        check(255_u64, Some(255_u8));
        check(256_u64, None::<u8>);
        check(-1_i8, None::<u64>);
        check(u64::MAX, Some(u64::MAX));
        check(u64::MAX, None::<i64>);
        check(1.0_f32, None::<i64>);
        check(true, None::<u8>);
    }

    // Expected bits of FP16: numpy 2.4.6, `np.float64(x).astype(np.float16).view(np.uint16)`. Of BF16: by hand, for others round twice.
    #[test]
    fn floats_are_rounded_once() {
        check(16_777_217_i64, Some(16_777_216_f32));
        check(i64::MAX, Some(9_223_372_036_854_775_808_f32));
        check(0.1_f64, Some(0.1_f32));
        check(0.1_f32, Some(0.100_000_001_490_116_12_f64));
        check(1e39_f64, None::<f32>);
        check(f64::NEG_INFINITY, Some(f32::NEG_INFINITY));
        // Half-way between two numbers of FP16, and a little more: FP32 in between would lose it.
        check(1.000_488_281_25_f64, Some(f16::from_bits(0x3c00)));
        check(1.000_488_281_250_000_2_f64, Some(f16::from_bits(0x3c01)));
        check(65_519_i32, Some(f16::from_bits(0x7bff)));
        check(65_520_i32, None::<f16>);
        check(5e-324_f64, Some(f16::from_bits(0)));
        check(f32::INFINITY, Some(f16::INFINITY));
        check(1.003_906_25_f64, Some(bf16::from_bits(0x3f80)));
        check(1.003_906_250_000_000_2_f64, Some(bf16::from_bits(0x3f81)));
        check(u64::MAX, Some(bf16::from_bits(0x5f80)));
        check(f32::MAX, None::<bf16>);
        check(f64::NAN, Some(bf16::NAN));
    }

    #[test]
    fn only_floats_have_null() {
        assert!(u8::NULL.is_none() && bool::NULL.is_none());
        assert!(f32::NULL.is_some_and(f32::is_nan) && f64::NULL.is_some_and(f64::is_nan));
        assert!(f16::NULL.is_some_and(f16::is_nan) && bf16::NULL.is_some_and(bf16::is_nan));
    }
}
