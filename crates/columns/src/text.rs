//! Numbers and booleans as texts: those of JSON, and no others.
//!
//! Source: RFC 8259, section 6.

use std::fmt;

use crate::scalars::Scalar;

/// The longest text that an error repeats, in characters.
const MAX_CHARS: usize = 40;

/// A text without white space around it, not empty.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Text<'a>(&'a str);

impl<'a> Text<'a> {
    /// The text; `None` if nothing but white space is there.
    pub(crate) fn new(text: &'a str) -> Option<Self> {
        Some(text.trim_matches([' ', '\t', '\n', '\r'])).filter(|text| !text.is_empty()).map(Self)
    }

    /// The text if it is a number of JSON.
    fn number(self) -> Option<&'a str> {
        is_number(self.0.as_bytes()).then_some(self.0)
    }
}

impl Scalar for Text<'_> {
    fn integer(self) -> Option<i128> {
        // A leading `+` and other forms that the standard library takes are no JSON.
        self.number()?.parse().ok()
    }

    fn single(self) -> Option<f32> {
        self.number()?.parse().ok().filter(|number: &f32| number.is_finite())
    }

    fn double(self) -> Option<f64> {
        self.number()?.parse().ok().filter(|number: &f64| number.is_finite())
    }

    fn truth(self) -> Option<bool> {
        self.0.parse().ok()
    }
}

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.char_indices().nth(MAX_CHARS) {
            None => f.write_str(self.0),
            Some((end, _)) => write!(f, "{}…", self.0.get(..end).unwrap_or_default()),
        }
    }
}

fn is_number(text: &[u8]) -> bool {
    let text = text.strip_prefix(b"-").unwrap_or(text);
    let (whole, rest) = split_digits(text);
    let is_whole = matches!(whole, [b'0'] | [b'1'..=b'9', ..]);
    is_whole && is_exponent(rest.strip_prefix(b".").map_or(Some(rest), after_digits))
}

/// Whether nothing or an exponent is left; `None` is another mistake.
fn is_exponent(rest: Option<&[u8]>) -> bool {
    match rest {
        Some([]) => true,
        Some([b'e' | b'E', exponent @ ..]) => {
            let exponent = exponent.strip_prefix(b"+").or(exponent.strip_prefix(b"-")).unwrap_or(exponent);
            after_digits(exponent) == Some(&[])
        }
        _ => false,
    }
}

/// What follows the digits, of which there must be some.
fn after_digits(text: &[u8]) -> Option<&[u8]> {
    let (digits, rest) = split_digits(text);
    (!digits.is_empty()).then_some(rest)
}

fn split_digits(text: &[u8]) -> (&[u8], &[u8]) {
    let n_digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    text.split_at(n_digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_double(text: &str, expect: Option<f64>) {
        assert_eq!(
            Text::new(text).and_then(Scalar::double).map(f64::to_bits),
            expect.map(f64::to_bits),
            "{text}"
        );
    }

    #[test]
    fn numbers_are_those_of_json() {
        for (text, number) in [
            ("0", 0.0),
            ("-0", -0.0),
            (" 1.50\t", 1.5),
            ("1e3", 1000.0),
            ("12E-1", 1.2),
            ("-7.0e+2\r\n", -700.0),
        ] {
            check_double(text, Some(number));
        }
        for text in [
            "+1", ".5", "1.", "007", "-", "", " ", "1e", "1e+", "0x1", "1_0", "NaN", "inf", "Infinity",
            "1 2", "1e999", "١",
        ] {
            check_double(text, None);
        }
    }

    #[test]
    fn integers_have_no_point_and_no_exponent() {
        let integer = |text| Text::new(text).and_then(Scalar::integer);
        assert_eq!(integer("18446744073709551615"), Some(u64::MAX.into()));
        assert_eq!(integer("-0"), Some(0));
        for text in ["1.0", "1e0", "01", "+1"] {
            assert_eq!(integer(text), None, "{text}");
        }
    }

    #[test]
    fn a_text_is_rounded_once() {
        let single = |text| Text::new(text).and_then(Scalar::single).map(f32::to_bits);
        // As FP64 it is half-way between two numbers of FP32.
        assert_eq!(single("16777217.0000000000000001"), Some(16_777_218_f32.to_bits()));
        assert_eq!(single("3.5e38"), None);
    }

    #[test]
    fn truth_is_spelled_out() {
        let truth = |text| Text::new(text).and_then(Scalar::truth);
        assert_eq!(
            [truth(" true"), truth("false"), truth("True"), truth("1")],
            [Some(true), Some(false), None, None]
        );
    }
}
