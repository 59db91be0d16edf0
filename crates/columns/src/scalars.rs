//! What the elements of a column are as numbers: whole, of single or double precision, or true and false.

use std::fmt::Display;

use half::f16;

/// An element of a column; each function is `None` if the input cannot take it.
pub(crate) trait Scalar: Copy + Display {
    /// The whole number.
    fn integer(self) -> Option<i128> {
        None
    }

    /// The nearest number of single precision.
    fn single(self) -> Option<f32> {
        None
    }

    /// The nearest number of double precision.
    fn double(self) -> Option<f64> {
        None
    }

    /// A number of single precision that rounds to the same number of any precision at most 2 bits below it: exact, or its last bit is set.
    fn single_to_odd(self) -> Option<f32> {
        None
    }

    /// The truth value.
    fn truth(self) -> Option<bool> {
        None
    }
}

macro_rules! integers {
    ($($integer:ty)*) => {
        $(impl Scalar for $integer {
            #[inline]
            fn integer(self) -> Option<i128> {
                Some(i128::from(self))
            }

            #[inline]
            #[allow(clippy::cast_lossless, reason = "of some types only")]
            fn single(self) -> Option<f32> {
                Some(self as f32)
            }

            #[inline]
            #[allow(clippy::cast_lossless, reason = "of some types only")]
            fn double(self) -> Option<f64> {
                Some(self as f64)
            }

            fn single_to_odd(self) -> Option<f32> {
                Some(integer_to_odd(i128::from(self)))
            }
        })*
    };
}

integers!(u8 u16 u32 u64 i8 i16 i32 i64);

impl Scalar for f16 {
    fn single(self) -> Option<f32> {
        Some(self.to_f32())
    }

    fn double(self) -> Option<f64> {
        Some(self.to_f64())
    }

    fn single_to_odd(self) -> Option<f32> {
        Some(self.to_f32())
    }
}

impl Scalar for f32 {
    #[inline]
    fn single(self) -> Option<f32> {
        Some(self)
    }

    #[inline]
    fn double(self) -> Option<f64> {
        Some(if self.is_nan() { f64::NAN } else { f64::from(self) })
    }

    fn single_to_odd(self) -> Option<f32> {
        Some(self)
    }
}

impl Scalar for f64 {
    #[inline]
    fn single(self) -> Option<f32> {
        #[expect(clippy::cast_possible_truncation, reason = "rounding is the purpose")]
        let rounded = self as f32;
        if self.is_nan() {
            // Which NaN a conversion gives differs between machines.
            return Some(f32::NAN);
        }
        (rounded.is_finite() || self.is_infinite()).then_some(rounded)
    }

    #[inline]
    fn double(self) -> Option<f64> {
        Some(self)
    }

    fn single_to_odd(self) -> Option<f32> {
        let nearest = self.single()?;
        Some(to_odd(nearest, f64::from(nearest).total_cmp(&self)))
    }
}

impl Scalar for bool {
    fn truth(self) -> Option<bool> {
        Some(self)
    }
}

/// The whole number, or the neighbour of single precision whose last bit is set.
fn integer_to_odd(integer: i128) -> f32 {
    let nearest = integer as f32;
    #[expect(clippy::cast_possible_truncation, reason = "integers of 64 bits are far below the range of 128")]
    let order = (nearest as i128).cmp(&integer);
    to_odd(nearest, order)
}

/// Of the two neighbours of a number that is not `nearest`, the one whose last bit is set. `order` is that of `nearest` to the number.
///
/// Source: S. Boldo, G. Melquiond, "Emulation of a FMA and correctly rounded sums: proved algorithms using rounding to odd", 2008.
fn to_odd(nearest: f32, order: std::cmp::Ordering) -> f32 {
    if nearest.is_nan() || order.is_eq() || nearest.to_bits() & 1 == 1 {
        return nearest;
    }
    if order.is_lt() { nearest.next_up() } else { nearest.next_down() }
}
