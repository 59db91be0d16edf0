//! The elements of a tensor in JSON: from text, flat or nested, straight to little-endian bytes.
//!
//! A `BYTES` element is a string, whose bytes it is. In rows it may also be `{"b64": "…"}`: the bytes that this base64
//! stands for, in the standard alphabet, padded, without white space (RFC 4648, section 4).

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tensor::{Datatype, encode_bytes_element};

use crate::cursor::{Cursor, excerpt};
use crate::number::Number;
use crate::{Error, Result};

/// More dimensions than any tensor of good faith has.
pub(crate) const MAX_DEPTH: usize = 32;

/// The member that holds bytes as base64.
///
/// Source: TensorFlow Serving's REST API, "Encoding binary values".
pub(crate) const BASE64: &str = "b64";

/// The elements of one value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Elements {
    /// The sizes of the lists that they were nested in, outermost first.
    pub(crate) sizes: Vec<u64>,
    /// Their bytes.
    pub(crate) data: Vec<u8>,
}

/// The elements of the value that comes next, for the tensor called `input`, of about the size of `shape`.
///
/// # Errors
/// Those of [`ElementReader`].
pub(crate) fn read_elements(
    input: &str,
    datatype: Datatype,
    shape: &[u64],
    cursor: &mut Cursor<'_>,
) -> Result<Elements> {
    let mut reader = ElementReader::new(input, datatype)?;
    reader.reserve(shape, cursor.len());
    let sizes = reader.read(cursor)?;
    Ok(Elements { sizes, data: reader.into_data() })
}

/// Reads elements of one datatype, value by value, into one buffer.
#[derive(Debug)]
pub(crate) struct ElementReader<'a> {
    input: &'a str,
    datatype: Datatype,
    data: Vec<u8>,
    // Of the value that is being read.
    n_elements: usize,
    // Invariant: at most `MAX_DEPTH` sizes; `None` while a list of that depth has not ended.
    sizes: Vec<Option<u64>>,
    element_depth: Option<usize>,
    takes_base64: bool,
}

impl<'a> ElementReader<'a> {
    /// Reads elements of the tensor called `input`.
    ///
    /// # Errors
    /// [`Error::BinaryOnlyInput`] if the datatype has no JSON form.
    pub(crate) fn new(input: &'a str, datatype: Datatype) -> Result<Self> {
        match datatype {
            Datatype::Fp16 | Datatype::Bf16 => {
                Err(Error::BinaryOnlyInput { input: input.to_owned(), datatype })
            }
            _ => Ok(Self {
                input,
                datatype,
                data: Vec::new(),
                n_elements: 0,
                sizes: Vec::new(),
                element_depth: None,
                takes_base64: false,
            }),
        }
    }

    /// Takes `{"b64": "…"}` as a `BYTES` element too.
    pub(crate) fn with_base64(self) -> Self {
        Self { takes_base64: true, ..self }
    }

    /// Appends the elements of the value that comes next, and tells the sizes of its nested lists, outermost first.
    ///
    /// # Errors
    /// [`Error::WrongElement`], [`Error::InvalidBase64`], [`Error::Ragged`], [`Error::TooDeep`] or
    /// [`Error::MalformedJson`]. Elements before the wrong one stay, until they are taken back by [`Self::truncate`].
    pub(crate) fn read(&mut self, cursor: &mut Cursor<'_>) -> Result<Vec<u64>> {
        self.n_elements = 0;
        self.sizes.clear();
        self.element_depth = None;
        self.read_at(cursor, 0)?;
        Ok(self.sizes.iter().copied().map(Option::unwrap_or_default).collect())
    }

    /// Appends the element that comes next, which an error will count as number `element`.
    ///
    /// # Errors
    /// [`Error::WrongElement`], also for a list; [`Error::MalformedJson`].
    pub(crate) fn read_one(&mut self, cursor: &mut Cursor<'_>, element: usize) -> Result<()> {
        let value = cursor.clone();
        let is_list = cursor.peek() == Some(b'[');
        // Through `read`, so that the loop over the elements of whole tensors stays one piece of machine code.
        let read = if is_list { Err(self.wrong_element(value)) } else { self.read(cursor).map(drop) };
        read.map_err(|error| match error {
            Error::WrongElement { input, datatype, found, .. } => {
                Error::WrongElement { input, datatype, element, found }
            }
            error => error,
        })
    }

    /// Makes room for the elements of `shape`, but not for more than a text of `text_len` bytes can have.
    fn reserve(&mut self, shape: &[u64], text_len: usize) {
        let n_elements = shape.iter().fold(1_u64, |product, &dim| product.saturating_mul(dim));
        let n_elements = usize::try_from(n_elements).unwrap_or(usize::MAX).min(text_len / 2 + 1);
        self.data.reserve_exact(n_elements.saturating_mul(self.datatype.element_size().unwrap_or_default()));
    }

    /// How many bytes there are.
    pub(crate) fn len(&self) -> usize {
        self.data.len()
    }

    /// Takes back all bytes but the first `len`.
    pub(crate) fn truncate(&mut self, len: usize) {
        self.data.truncate(len);
    }

    /// The bytes of all elements read.
    pub(crate) fn into_data(self) -> Vec<u8> {
        self.data
    }

    fn read_at(&mut self, cursor: &mut Cursor<'_>, depth: usize) -> Result<()> {
        if !cursor.enter_array() {
            return self.read_element(cursor, depth);
        }
        self.enter(depth)?;
        let mut size = 0;
        while cursor.next_element() {
            self.read_at(cursor, depth + 1)?;
            size += 1;
        }
        self.leave(depth, size)
    }

    fn enter(&mut self, depth: usize) -> Result<()> {
        if self.element_depth.is_some_and(|element_depth| depth >= element_depth) {
            return Err(self.ragged());
        }
        if depth == MAX_DEPTH {
            return Err(Error::TooDeep { input: self.input.to_owned(), limit: MAX_DEPTH });
        }
        if depth == self.sizes.len() {
            self.sizes.push(None);
        }
        Ok(())
    }

    fn leave(&mut self, depth: usize, size: u64) -> Result<()> {
        match self.sizes.get_mut(depth) {
            Some(first @ None) => *first = Some(size),
            Some(Some(first)) if *first == size => {}
            _ => return Err(self.ragged()),
        }
        Ok(())
    }

    fn read_element(&mut self, cursor: &mut Cursor<'_>, depth: usize) -> Result<()> {
        if *self.element_depth.get_or_insert(depth) != depth {
            return Err(self.ragged());
        }
        let value = cursor.clone();
        if self.push_element(cursor)?.is_none() {
            return Err(self.wrong_element(value));
        }
        self.n_elements += 1;
        Ok(())
    }

    /// Appends the element that comes next; `None` if the datatype has no such element.
    #[inline]
    fn push_element(&mut self, cursor: &mut Cursor<'_>) -> Result<Option<()>> {
        Ok(match self.datatype {
            Datatype::Bool => push_bool(cursor.value(), &mut self.data),
            Datatype::Bytes => self.push_bytes(cursor)?,
            datatype => match cursor.number() {
                Some(number) => push_number(datatype, number, &mut self.data),
                None => push_null(datatype, cursor, &mut self.data),
            },
        })
    }

    fn push_bytes(&mut self, cursor: &mut Cursor<'_>) -> Result<Option<()>> {
        let text = cursor.string()?;
        if text.is_none() && self.takes_base64 {
            return self.push_base64(cursor);
        }
        Ok(text.map(|text| encode_bytes_element(&mut self.data, text.as_bytes())))
    }

    fn push_base64(&mut self, cursor: &mut Cursor<'_>) -> Result<Option<()>> {
        let Some(text) = read_base64(cursor)? else { return Ok(None) };
        let bytes = STANDARD.decode(text.as_bytes()).map_err(|_| Error::InvalidBase64 {
            input: self.input.to_owned(),
            element: self.n_elements,
            found: excerpt(&text),
        })?;
        encode_bytes_element(&mut self.data, &bytes);
        Ok(Some(()))
    }

    fn wrong_element(&self, mut cursor: Cursor<'_>) -> Error {
        Error::WrongElement {
            input: self.input.to_owned(),
            datatype: self.datatype,
            element: self.n_elements,
            found: excerpt(cursor.value()),
        }
    }

    fn ragged(&self) -> Error {
        Error::Ragged { input: self.input.to_owned(), element: self.n_elements }
    }
}

/// The text of the `{"b64": "…"}` that comes next, if one does.
fn read_base64<'a>(cursor: &mut Cursor<'a>) -> Result<Option<Cow<'a, str>>> {
    if !cursor.enter_object() || cursor.next_member()?.as_deref() != Some(BASE64) {
        return Ok(None);
    }
    let text = cursor.string()?;
    Ok(if cursor.next_member()?.is_none() { text } else { None })
}

fn push_bool(text: &str, data: &mut Vec<u8>) -> Option<()> {
    text.parse().ok().map(|bit: bool| data.push(u8::from(bit)))
}

fn push_null(datatype: Datatype, cursor: &mut Cursor<'_>, data: &mut Vec<u8>) -> Option<()> {
    match datatype {
        Datatype::Fp32 if cursor.step_over_null() => data.extend_from_slice(&f32::NAN.to_le_bytes()),
        Datatype::Fp64 if cursor.step_over_null() => data.extend_from_slice(&f64::NAN.to_le_bytes()),
        _ => return None,
    }
    Some(())
}

#[inline]
fn push_number(datatype: Datatype, number: Number<'_>, data: &mut Vec<u8>) -> Option<()> {
    match datatype {
        Datatype::Uint8 => data.extend_from_slice(&number.to_integer::<u8>()?.to_le_bytes()),
        Datatype::Uint16 => data.extend_from_slice(&number.to_integer::<u16>()?.to_le_bytes()),
        Datatype::Uint32 => data.extend_from_slice(&number.to_integer::<u32>()?.to_le_bytes()),
        Datatype::Uint64 => data.extend_from_slice(&number.to_integer::<u64>()?.to_le_bytes()),
        Datatype::Int8 => data.extend_from_slice(&number.to_integer::<i8>()?.to_le_bytes()),
        Datatype::Int16 => data.extend_from_slice(&number.to_integer::<i16>()?.to_le_bytes()),
        Datatype::Int32 => data.extend_from_slice(&number.to_integer::<i32>()?.to_le_bytes()),
        Datatype::Int64 => data.extend_from_slice(&number.to_integer::<i64>()?.to_le_bytes()),
        Datatype::Fp32 => data.extend_from_slice(&number.to_f32()?.to_le_bytes()),
        Datatype::Fp64 => data.extend_from_slice(&number.to_f64()?.to_le_bytes()),
        Datatype::Bool | Datatype::Fp16 | Datatype::Bf16 | Datatype::Bytes => return None,
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(datatype: Datatype, text: &str) -> Result<Elements> {
        read_elements("x", datatype, &[], &mut Cursor::new(text.as_bytes())?)
    }

    #[track_caller]
    fn check(datatype: Datatype, text: &str, sizes: &[u64], data: &[u8]) {
        assert_eq!(read(datatype, text), Ok(Elements { sizes: sizes.to_vec(), data: data.to_vec() }));
    }

    #[track_caller]
    fn check_wrong(datatype: Datatype, text: &str, element: usize, found: &str) {
        let expect =
            Error::WrongElement { input: "x".to_owned(), datatype, element, found: found.to_owned() };
        assert_eq!(read(datatype, text), Err(expect));
    }

    #[track_caller]
    fn check_ragged(text: &str, element: usize) {
        assert_eq!(read(Datatype::Uint8, text), Err(Error::Ragged { input: "x".to_owned(), element }));
    }

    #[test]
    fn sizes_are_those_of_the_lists() {
        check(Datatype::Uint8, "7", &[], &[7]);
        check(Datatype::Uint8, "[1, 2, 3]", &[3], &[1, 2, 3]);
        check(Datatype::Uint8, "[[1,2],[3,4],[5,6]]", &[3, 2], &[1, 2, 3, 4, 5, 6]);
        check(Datatype::Uint8, "[]", &[0], &[]);
        check(Datatype::Uint8, "[[],[]]", &[2, 0], &[]);
    }

    #[test]
    fn lists_of_one_depth_are_of_one_length() {
        check_ragged("[[1,2],[3]]", 3);
        check_ragged("[1,[2]]", 1);
        check_ragged("[[1],2]", 1);
        check_ragged("[[],[1]]", 1);
        check_ragged("[[[1]],[]]", 1);
    }

    #[test]
    fn nesting_is_limited() {
        let nested = |depth| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(read(Datatype::Bool, &nested(32)).is_ok());
        let expect = Err(Error::TooDeep { input: "x".to_owned(), limit: 32 });
        assert_eq!(read(Datatype::Bool, &nested(33)), expect);
        assert_eq!(read(Datatype::Bool, &nested(1_000_000)), expect);
    }

    #[test]
    fn integers_are_exact_and_in_range() {
        check(Datatype::Int64, "9007199254740993", &[], &9_007_199_254_740_993_i64.to_le_bytes());
        check(Datatype::Uint64, "18446744073709551615", &[], &u64::MAX.to_le_bytes());
        check(Datatype::Int64, "-9223372036854775808", &[], &i64::MIN.to_le_bytes());
        check(Datatype::Int8, "[-128, 127]", &[2], &[0x80, 0x7f]);
        check_wrong(Datatype::Int8, "[1, 128]", 1, "128");
        check_wrong(Datatype::Uint8, "-1", 0, "-1");
        check_wrong(Datatype::Uint64, "18446744073709551616", 0, "18446744073709551616");
        check_wrong(Datatype::Int32, "1.0", 0, "1.0");
        check_wrong(Datatype::Int32, "1e3", 0, "1e3");
        check_wrong(Datatype::Int32, "null", 0, "null");
    }

    #[test]
    fn floats_are_rounded_once() {
        check(Datatype::Fp32, "[0.1, 1, -2e-1]", &[3], &[0.1_f32, 1.0, -0.2].map(f32::to_le_bytes).concat());
        check(Datatype::Fp64, "1.7976931348623157e308", &[], &f64::MAX.to_le_bytes());
        let above_midpoint = "1.00000005960464477540";
        check(Datatype::Fp32, above_midpoint, &[], &1.000_000_1_f32.to_le_bytes());
    }

    #[test]
    fn null_is_nan_and_infinities_do_not_exist() {
        check(Datatype::Fp32, "[null]", &[1], &[0, 0, 0xc0, 0x7f]);
        check(Datatype::Fp64, "null", &[], &[0, 0, 0, 0, 0, 0, 0xf8, 0x7f]);
        check_wrong(Datatype::Fp32, "[3.5e38]", 0, "3.5e38");
        check_wrong(Datatype::Fp64, "[-1e999]", 0, "-1e999");
        check_wrong(Datatype::Fp32, "\"NaN\"", 0, "\"NaN\"");
        check_wrong(Datatype::Fp32, "[\"inf\"]", 0, "\"inf\"");
    }

    #[test]
    fn booleans_are_not_numbers() {
        check(Datatype::Bool, "[true,false]", &[2], &[1, 0]);
        check_wrong(Datatype::Bool, "[1]", 0, "1");
        check_wrong(Datatype::Uint8, "true", 0, "true");
    }

    #[test]
    fn strings_are_bytes() {
        check(Datatype::Bytes, r#"["a","\u00e9"]"#, &[2], b"\x01\0\0\0a\x02\0\0\0\xc3\xa9");
        check_wrong(Datatype::Bytes, r#"["a",1]"#, 1, "1");
        check_wrong(Datatype::Bytes, r#"{"b64":"YQ=="}"#, 0, r#"{"b64":"YQ=="}"#);
    }

    #[track_caller]
    fn check_base64(text: &str, expect: Result<&[u8]>) {
        let mut reader = ElementReader::new("x", Datatype::Bytes).unwrap().with_base64();
        let read = reader.read(&mut Cursor::new(text.as_bytes()).unwrap());
        let mut data = Vec::new();
        let expect = expect.map(|element| encode_bytes_element(&mut data, element));
        assert_eq!(read.map(|_| ()), expect);
        assert_eq!(reader.into_data(), data);
    }

    /// Source: RFC 4648, section 10, "Test Vectors".
    #[test]
    fn base64_is_bytes_in_rows() {
        let vectors: [(&str, &[u8]); 7] = [
            ("", b""),
            ("Zg==", b"f"),
            ("Zm8=", b"fo"),
            ("Zm9v", b"foo"),
            ("Zm9vYg==", b"foob"),
            ("Zm9vYmE=", b"fooba"),
            ("Zm9vYmFy", b"foobar"),
        ];
        for (text, bytes) in vectors {
            check_base64(&format!(r#"{{"b64":"{text}"}}"#), Ok(bytes));
        }
        check_base64(r#" { "b64" : "+/8\u003d" } "#, Ok(&[0xfb, 0xff]));
    }

    #[test]
    fn base64_is_strict() {
        for text in ["Z", "Zg", "Zg=", "Zh==", "Zg===", "Zg==Zg==", "Zm9 v", "-_8=", "é"] {
            let expect = Error::InvalidBase64 { input: "x".to_owned(), element: 0, found: text.to_owned() };
            check_base64(&format!(r#"{{"b64":"{text}"}}"#), Err(expect));
        }
    }

    #[test]
    fn other_objects_are_no_bytes() {
        for text in [
            "{}",
            r#"{"b64":1}"#,
            r#"{"b64":null}"#,
            r#"{"a":"Zg=="}"#,
            r#"{"b64":"","b64":""}"#,
            "{\"b64\":{}}",
        ] {
            let (input, found) = ("x".to_owned(), text.to_owned());
            let expect = Error::WrongElement { input, datatype: Datatype::Bytes, element: 0, found };
            check_base64(text, Err(expect));
        }
    }

    #[test]
    fn half_precision_is_binary_only() {
        for datatype in [Datatype::Fp16, Datatype::Bf16] {
            let expect = Error::BinaryOnlyInput { input: "x".to_owned(), datatype };
            assert_eq!(read(datatype, "[1]"), Err(expect));
        }
    }

    proptest! {
        #[test]
        fn base64_carries_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            check_base64(&format!(r#"{{"b64":"{}"}}"#, STANDARD.encode(&bytes)), Ok(&bytes));
        }

        #[test]
        fn flat_and_nested_data_are_the_same_bytes(rows in 1..4_usize, columns in 1..4_usize) {
            let row = format!("[{}]", vec!["1.5"; columns].join(","));
            let nested = format!("[{}]", vec![row.as_str(); rows].join(","));
            let flat = format!("[{}]", vec!["1.5"; rows * columns].join(","));
            let elements = read(Datatype::Fp32, &nested).unwrap();
            prop_assert_eq!(elements.sizes, [rows as u64, columns as u64]);
            prop_assert_eq!(elements.data, read(Datatype::Fp32, &flat).unwrap().data);
        }
    }
}
