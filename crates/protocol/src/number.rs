//! Numbers of JSON, exactly: integers keep every digit, floats are rounded once, to the nearest.

/// A number as it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Number<'a> {
    text: &'a str,
    is_negative: bool,
    // Invariant: `text` is these digits over ten to the power of `n_decimals`, unless it is `None`.
    digits: Option<u64>,
    n_decimals: usize,
}

/// The powers of ten that `f64` holds exactly.
const POWERS_OF_TEN: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18,
    1e19, 1e20, 1e21, 1e22,
];

impl<'a> Number<'a> {
    /// The number at the beginning of a JSON text; `None` if another value is.
    #[inline]
    pub(crate) fn at_start_of(text: &'a str) -> Option<Self> {
        let is_negative = text.starts_with('-');
        let mut digits = Some(0_u64);
        let mut point = None;
        let mut length = usize::from(is_negative);
        for byte in text.bytes().skip(length) {
            match byte {
                b'0'..=b'9' => digits = push_digit(digits, byte),
                b'.' => point = Some(length),
                b'e' | b'E' | b'+' | b'-' => digits = None,
                _ => break,
            }
            length += 1;
        }
        let n_decimals = point.map_or(0, |point| length - point - 1);
        let text = text.get(..length).filter(|text| text.len() > usize::from(is_negative))?;
        Some(Self { text, is_negative, digits, n_decimals })
    }

    /// The number as it was written.
    pub(crate) fn text(&self) -> &'a str {
        self.text
    }

    /// The integer; `None` if it was written otherwise or is out of range.
    #[inline]
    pub(crate) fn to_integer<T: TryFrom<i128>>(self) -> Option<T> {
        let magnitude = i128::from(self.digits.filter(|_| !self.text.contains('.'))?);
        T::try_from(if self.is_negative { -magnitude } else { magnitude }).ok()
    }

    /// The nearest `f64`; `None` if it is out of range.
    #[inline]
    pub(crate) fn to_f64(self) -> Option<f64> {
        self.quotient().or_else(|| self.text.parse().ok().filter(|number: &f64| number.is_finite()))
    }

    /// The nearest `f32`; `None` if it is out of range.
    #[inline]
    pub(crate) fn to_f32(self) -> Option<f32> {
        self.quotient()
            .and_then(round_once)
            .or_else(|| self.text.parse().ok().filter(|number: &f32| number.is_finite()))
    }

    /// The nearest `f64`, if one division of exact numbers gives it.
    ///
    /// Source: W. D. Clinger, "How to Read Floating Point Numbers Accurately", 1990, section 4.
    #[inline]
    fn quotient(self) -> Option<f64> {
        const MAX_EXACT: u64 = 1 << f64::MANTISSA_DIGITS;
        let digits = self.digits.filter(|&digits| digits <= MAX_EXACT)?;
        let magnitude = digits as f64 / POWERS_OF_TEN.get(self.n_decimals)?;
        Some(if self.is_negative { -magnitude } else { magnitude })
    }
}

#[inline]
fn push_digit(digits: Option<u64>, byte: u8) -> Option<u64> {
    digits?.checked_mul(10)?.checked_add(u64::from(byte - b'0'))
}

/// The nearest `f32` to a number of which `nearest` is the nearest `f64`, unless the second rounding could err.
///
/// It errs only where `nearest` is half-way between two numbers of `f32`: on which side the number was is lost. Where these
/// are not evenly spaced, below the normal range, it is not tried.
#[inline]
fn round_once(nearest: f64) -> Option<f32> {
    const DROPPED_BITS: u64 = (1 << (f64::MANTISSA_DIGITS - f32::MANTISSA_DIGITS)) - 1;
    const HALF_WAY: u64 = DROPPED_BITS / 2 + 1;
    let is_normal = (f64::from(f32::MIN_POSITIVE)..=f64::from(f32::MAX)).contains(&nearest.abs());
    let is_safe = nearest == 0.0 || is_normal && nearest.to_bits() & DROPPED_BITS != HALF_WAY;
    #[expect(clippy::cast_possible_truncation, reason = "in range, and rounding is the purpose")]
    is_safe.then_some(nearest as f32)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn number(text: &str) -> Number<'_> {
        Number::at_start_of(text).unwrap()
    }

    #[track_caller]
    fn check_floats(text: &str) {
        let bits_64 = number(text).to_f64().map(f64::to_bits);
        assert_eq!(
            bits_64,
            text.parse().ok().filter(|number: &f64| number.is_finite()).map(f64::to_bits),
            "{text}"
        );
        let bits_32 = number(text).to_f32().map(f32::to_bits);
        assert_eq!(
            bits_32,
            text.parse().ok().filter(|number: &f32| number.is_finite()).map(f32::to_bits),
            "{text}"
        );
    }

    #[test]
    fn a_number_ends_where_another_byte_stands() {
        assert_eq!(number("-1.50,2").text(), "-1.50");
        assert_eq!(number("7]").text(), "7");
        assert_eq!(number("1E+5 ").text(), "1E+5");
        for text in ["", "null", "\"1\"", "[1]", "-"] {
            assert_eq!(Number::at_start_of(text), None);
        }
    }

    #[test]
    fn integers_are_written_without_point_and_exponent() {
        assert_eq!(number("18446744073709551615").to_integer(), Some(u64::MAX));
        assert_eq!(number("18446744073709551616").to_integer::<i128>(), None);
        assert_eq!(number("-9223372036854775808").to_integer(), Some(i64::MIN));
        assert_eq!(number("-0").to_integer(), Some(0_u8));
        assert_eq!(number("256").to_integer::<u8>(), None);
        for text in ["1.0", "1e0", "-1"] {
            assert_eq!(number(text).to_integer::<u8>(), None);
        }
    }

    #[test]
    fn half_way_between_two_floats_every_digit_counts() {
        for text in [
            "16777217",
            "16777217.0000000000000001",
            "16777216.9999999999999999",
            "1.000000059604644775390625",
        ] {
            check_floats(text);
            check_floats(&format!("-{text}"));
        }
    }

    #[test]
    fn the_ends_of_the_range_are_exact() {
        for text in [
            "0",
            "-0",
            "-0.0",
            "1e-45",
            "7e-46",
            "1.1754943508e-38",
            "0.0000000000000000000001",
            "3.4028235677973366e38",
            "340282356779733661637539395458142568447",
            "340282356779733661637539395458142568448",
            "1e39",
            "1e400",
            "9007199254740993",
            "0.00000000000000000000001",
            "123456789012345678901234567890",
        ] {
            check_floats(text);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn floats_are_those_of_the_standard_library(text in "-?(0|[1-9][0-9]{0,17})(\\.[0-9]{1,24})?([eE][+-]?[0-9]{1,2})?") {
            check_floats(&text);
        }

        #[test]
        fn floats_survive_their_own_text(float: f32) {
            prop_assume!(float.is_finite());
            for text in [float.to_string(), f64::from(float).to_string()] {
                prop_assert_eq!(number(&text).to_f32().map(f32::to_bits), Some(float.to_bits()));
            }
        }

        #[test]
        fn midpoints_are_rounded_as_by_the_standard_library(bits in 1_u32 << 23..255 << 23) {
            let float = f32::from_bits(bits);
            check_floats(&f64::midpoint(float.into(), float.next_up().into()).to_string());
        }
    }
}
