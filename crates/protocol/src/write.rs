//! JSON text, written straight into the body: deterministic, compact, floats with the fewest digits that read back alike.

use serde_json::ser::{CompactFormatter, Formatter};
use tensor::{Datatype, Key, Tensor};

use crate::{Error, Result};

/// Appends a JSON string.
pub(crate) fn write_string(json: &mut Vec<u8>, text: &str) {
    // Writing to memory cannot fail, here and below.
    serde_json::to_writer(json, text).ok();
}

/// Appends a comma-separated list between two brackets.
pub(crate) fn write_list<T>(
    json: &mut Vec<u8>,
    [open, close]: [u8; 2],
    items: impl IntoIterator<Item = T>,
    mut write: impl FnMut(&mut Vec<u8>, T),
) {
    json.push(open);
    for (idx, item) in items.into_iter().enumerate() {
        if idx > 0 {
            json.push(b',');
        }
        write(json, item);
    }
    json.push(close);
}

/// Appends a shape.
pub(crate) fn write_shape<T: Copy + Into<i128>>(json: &mut Vec<u8>, shape: &[T]) {
    write_list(json, *b"[]", shape, |json, &dim| write_integer(json, dim));
}

/// Appends a whole number.
pub(crate) fn write_integer(json: &mut Vec<u8>, number: impl Into<i128>) {
    let number = number.into();
    match i64::try_from(number) {
        Ok(number) => CompactFormatter.write_i64(json, number).ok(),
        Err(_) => CompactFormatter.write_i128(json, number).ok(),
    };
}

/// Appends a key as it was given: a string or a whole number.
pub(crate) fn write_key(json: &mut Vec<u8>, key: &Key<'_>) {
    match key {
        Key::Integer(number) => write_integer(json, *number),
        Key::Text(text) => write_string(json, text),
    }
}

/// Writes the elements of an output, in order.
#[derive(Debug)]
pub(crate) struct ElementWriter<'a> {
    // Invariant: not `FP16` or `BF16`; the elements of `BYTES` are UTF-8.
    output: &'a Tensor,
    rest: &'a [u8],
}

impl<'a> ElementWriter<'a> {
    /// Before the first element of `output`.
    ///
    /// # Errors
    /// [`Error::BinaryOnlyOutput`] or [`Error::OutputNotUtf8`] if JSON cannot carry the elements.
    pub(crate) fn new(output: &'a Tensor) -> Result<Self> {
        let name = || output.name().to_owned();
        let datatype = output.datatype();
        if matches!(datatype, Datatype::Fp16 | Datatype::Bf16) {
            return Err(Error::BinaryOnlyOutput { output: name(), datatype });
        }
        match output.bytes_elements().position(|element| std::str::from_utf8(element).is_err()) {
            None => Ok(Self { output, rest: output.data() }),
            Some(element) => Err(Error::OutputNotUtf8 { output: name(), element }),
        }
    }

    /// The tensor whose elements are written.
    pub(crate) fn output(&self) -> &'a Tensor {
        self.output
    }

    /// Appends the next elements as nested lists of these sizes; the next element itself if there are none.
    pub(crate) fn write(&mut self, json: &mut Vec<u8>, sizes: &[u64]) {
        match sizes.split_first() {
            None => self.write_element(json),
            Some((&size, sizes)) => write_list(json, *b"[]", 0..size, |json, _| self.write(json, sizes)),
        }
    }

    fn write_element(&mut self, json: &mut Vec<u8>) {
        match self.output.datatype() {
            Datatype::Bool => json.extend_from_slice(if self.take() == [0] { b"false" } else { b"true" }),
            Datatype::Uint8 => write_integer(json, u8::from_le_bytes(self.take())),
            Datatype::Uint16 => write_integer(json, u16::from_le_bytes(self.take())),
            Datatype::Uint32 => write_integer(json, u32::from_le_bytes(self.take())),
            Datatype::Uint64 => write_integer(json, u64::from_le_bytes(self.take())),
            Datatype::Int8 => write_integer(json, i8::from_le_bytes(self.take())),
            Datatype::Int16 => write_integer(json, i16::from_le_bytes(self.take())),
            Datatype::Int32 => write_integer(json, i32::from_le_bytes(self.take())),
            Datatype::Int64 => write_integer(json, i64::from_le_bytes(self.take())),
            Datatype::Fp32 => write_f32(json, f32::from_le_bytes(self.take())),
            Datatype::Fp64 => write_f64(json, f64::from_le_bytes(self.take())),
            Datatype::Bytes => self.write_bytes_element(json),
            Datatype::Fp16 | Datatype::Bf16 => json.extend_from_slice(b"null"),
        }
    }

    fn write_bytes_element(&mut self, json: &mut Vec<u8>) {
        let length = u32::from_le_bytes(self.take()) as usize;
        let (element, rest) = self.rest.split_at_checked(length).unwrap_or_default();
        self.rest = rest;
        write_string(json, &String::from_utf8_lossy(element));
    }

    fn take<const SIZE: usize>(&mut self) -> [u8; SIZE] {
        let (bytes, rest) = self.rest.split_first_chunk().unwrap_or((&[0; SIZE], &[]));
        self.rest = rest;
        *bytes
    }
}

fn write_f32(json: &mut Vec<u8>, number: f32) {
    if number.is_finite() {
        CompactFormatter.write_f32(json, number).ok();
    } else {
        json.extend_from_slice(b"null");
    }
}

fn write_f64(json: &mut Vec<u8>, number: f64) {
    if number.is_finite() {
        CompactFormatter.write_f64(json, number).ok();
    } else {
        json.extend_from_slice(b"null");
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use proptest::prelude::*;
    use tensor::encode_bytes_element;

    use super::*;
    use crate::cursor::Cursor;
    use crate::elements::ElementReader;

    fn write(tensor: &Tensor, sizes: &[u64]) -> Result<String> {
        let mut json = Vec::new();
        ElementWriter::new(tensor)?.write(&mut json, sizes);
        Ok(String::from_utf8(json).unwrap())
    }

    #[track_caller]
    fn check(datatype: Datatype, data: &[u8], expect: &str) {
        let n_elements = datatype.element_size().map_or(1, |size| data.len() / size) as u64;
        let tensor = Tensor::new("y", datatype, vec![n_elements], data.to_vec()).unwrap();
        assert_eq!(write(&tensor, tensor.shape()).as_deref(), Ok(expect));
    }

    #[test]
    fn integers_have_every_digit() {
        check(Datatype::Uint64, &u64::MAX.to_le_bytes(), "[18446744073709551615]");
        check(Datatype::Int64, &i64::MIN.to_le_bytes(), "[-9223372036854775808]");
        check(Datatype::Int8, &[0x80, 0x7f], "[-128,127]");
        check(Datatype::Bool, &[0, 1], "[false,true]");
    }

    #[test]
    fn floats_have_the_fewest_digits() {
        let numbers = [0.1_f32, 1.0, -0.0, 1e20, 1.5e-7, f32::MAX];
        check(
            Datatype::Fp32,
            &numbers.map(f32::to_le_bytes).concat(),
            "[0.1,1.0,-0.0,1e+20,1.5e-7,3.4028235e+38]",
        );
        check(Datatype::Fp64, &0.1_f64.to_le_bytes(), "[0.1]");
    }

    #[test]
    fn what_json_cannot_say_of_floats_is_null() {
        let numbers = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY];
        check(Datatype::Fp32, &numbers.map(f32::to_le_bytes).concat(), "[null,null,null]");
        check(Datatype::Fp64, &f64::NAN.to_le_bytes(), "[null]");
    }

    #[test]
    fn elements_nest_as_asked() {
        let tensor = Tensor::new("y", Datatype::Uint8, vec![2, 2, 1], vec![1, 2, 3, 4]).unwrap();
        assert_eq!(write(&tensor, &[4]).as_deref(), Ok("[1,2,3,4]"));
        assert_eq!(write(&tensor, &[2, 2, 1]).as_deref(), Ok("[[[1],[2]],[[3],[4]]]"));
        assert_eq!(write(&tensor, &[]).as_deref(), Ok("1"));
    }

    #[test]
    fn bytes_are_strings_if_they_are_utf8() {
        check(Datatype::Bytes, b"\x03\0\0\0a\"\n", r#"["a\"\n"]"#);
        let tensor = Tensor::new("y", Datatype::Bytes, vec![1], b"\x01\0\0\0\xff".to_vec()).unwrap();
        assert_eq!(write(&tensor, &[1]), Err(Error::OutputNotUtf8 { output: "y".to_owned(), element: 0 }));
    }

    #[test]
    fn half_precision_is_binary_only() {
        let tensor = Tensor::new("y", Datatype::Fp16, vec![1], vec![0; 2]).unwrap();
        let expect = Error::BinaryOnlyOutput { output: "y".to_owned(), datatype: Datatype::Fp16 };
        assert_eq!(write(&tensor, &[1]), Err(expect));
    }

    #[test]
    fn keys_are_written_as_given() {
        let mut json = Vec::new();
        write_key(&mut json, &Key::Text(Cow::Borrowed("5\"")));
        write_key(&mut json, &Key::Integer(u64::MAX.into()));
        assert_eq!(json, br#""5\""18446744073709551615"#);
    }

    fn tensor() -> impl Strategy<Value = Tensor> {
        let json_datatype = |datatype: &Datatype| !matches!(datatype, Datatype::Fp16 | Datatype::Bf16);
        let datatypes: Vec<_> = Datatype::ALL.into_iter().filter(json_datatype).collect();
        (prop::sample::select(datatypes), prop::collection::vec(0..4_u64, 1..4)).prop_flat_map(
            |(datatype, shape)| {
                let n_elements = usize::try_from(shape.iter().product::<u64>()).unwrap();
                data(datatype, n_elements)
                    .prop_map(move |data| Tensor::new("x", datatype, shape.clone(), data).unwrap())
            },
        )
    }

    fn data(datatype: Datatype, n_elements: usize) -> BoxedStrategy<Vec<u8>> {
        let elements = match datatype {
            Datatype::Bool => any::<bool>().prop_map(|bit| vec![u8::from(bit)]).boxed(),
            Datatype::Bytes => ".{0,5}"
                .prop_map(|text| {
                    let mut data = Vec::new();
                    encode_bytes_element(&mut data, text.as_bytes());
                    data
                })
                .boxed(),
            Datatype::Fp32 => prop::num::f32::NORMAL.prop_map(|number| number.to_le_bytes().to_vec()).boxed(),
            Datatype::Fp64 => prop::num::f64::NORMAL.prop_map(|number| number.to_le_bytes().to_vec()).boxed(),
            _ => prop::collection::vec(any::<u8>(), datatype.element_size().unwrap()).boxed(),
        };
        prop::collection::vec(elements, n_elements).prop_map(|elements| elements.concat()).boxed()
    }

    proptest! {
        #[test]
        fn reading_undoes_writing(tensor in tensor()) {
            let sizes = [tensor.len() as u64];
            for sizes in [tensor.shape(), &sizes] {
                let json = write(&tensor, sizes).unwrap();
                let mut reader = ElementReader::new("x", tensor.datatype()).unwrap();
                reader.read(&mut Cursor::new(json.as_bytes()).unwrap()).unwrap();
                prop_assert_eq!(reader.into_data(), tensor.data());
            }
        }
    }
}
