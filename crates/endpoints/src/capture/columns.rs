//! The values of captured rows, tensor by tensor. Not what else is told of a row.

use base64_simd::STANDARD;
use protocol::RowWriter;
use tensor::{Datatype, Tensor};

use super::{Capture, write_json};

/// The fewest numbers of a row that are told by their bytes instead of by digits.
const FEWEST_PACKED: u64 = 4;

/// The tensors that are told and have a value for each row, which are written row by row.
pub(super) struct Columns<'t>(Vec<Column<'t>>);

enum Column<'t> {
    /// Told in JSON.
    Digits(RowWriter<'t>),
    /// Told by its bytes, as `evaluation` has it.
    Packed(Packed<'t>),
}

struct Packed<'t> {
    /// What stands before the bytes of each row.
    head: Vec<u8>,
    /// The length of a row.
    n_bytes: usize,
    /// The rows that are not yet written.
    rest: &'t [u8],
}

impl<'t> Columns<'t> {
    pub(super) fn of(tensors: &'t [Tensor], n_rows: usize, capture: &Capture) -> Self {
        let told = tensors.iter().filter(|tensor| capture.tells(tensor.name()));
        Self(told.filter_map(|tensor| Column::of(tensor, n_rows)).collect())
    }

    /// Appends the values of the next row as fields, separated by commas.
    pub(super) fn write_next(&mut self, json: &mut Vec<u8>) {
        for (place, column) in self.0.iter_mut().enumerate() {
            if place > 0 {
                json.push(b',');
            }
            match column {
                Column::Digits(writer) => writer.write_next(json),
                Column::Packed(packed) => packed.write_next(json),
            }
        }
    }
}

impl<'t> Column<'t> {
    /// None if it has no value for each row that JSON could carry.
    fn of(tensor: &'t Tensor, n_rows: usize) -> Option<Self> {
        if let Some(packed) = Packed::of(tensor, n_rows) {
            return Some(Self::Packed(packed));
        }
        RowWriter::new(std::slice::from_ref(tensor), n_rows).ok().map(Self::Digits)
    }
}

impl<'t> Packed<'t> {
    /// None if its numbers are told by digits.
    fn of(tensor: &'t Tensor, n_rows: usize) -> Option<Self> {
        let is_packed = matches!(tensor.datatype(), Datatype::Fp32 | Datatype::Fp64);
        let shape = tensor.shape().get(1..)?;
        let has_rows = tensor.rows() == Some(n_rows as u64) && n_rows > 0;
        if !is_packed || !has_rows || shape.iter().product::<u64>() < FEWEST_PACKED {
            return None;
        }
        let mut head = Vec::with_capacity(64);
        write_json(&mut head, tensor.name());
        head.extend_from_slice(b":{\"datatype\":");
        write_json(&mut head, tensor.datatype().name());
        head.extend_from_slice(b",\"shape\":");
        write_json(&mut head, shape);
        head.extend_from_slice(b",\"b64\":\"");
        Some(Self { head, n_bytes: tensor.data().len() / n_rows, rest: tensor.data() })
    }

    fn write_next(&mut self, json: &mut Vec<u8>) {
        let (row, rest) = self.rest.split_at_checked(self.n_bytes).unwrap_or_default();
        self.rest = rest;
        json.extend_from_slice(&self.head);
        STANDARD.encode_append(row, json);
        json.extend_from_slice(b"\"}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Expected: `base64.b64encode(numpy.array(…, numpy.float32))` of Python.
    #[test]
    fn longer_rows_of_numbers_are_told_by_their_bytes() {
        let tensor = |name: &str| {
            let data = [1_f32, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, f32::NAN];
            let data = data.iter().flat_map(|number| number.to_le_bytes()).collect();
            Tensor::new(name, Datatype::Fp32, vec![2, 2, 2], data).unwrap()
        };
        let tensors =
            [tensor("a"), tensor("b"), Tensor::new("n", Datatype::Uint8, vec![2], vec![8, 9]).unwrap()];
        let capture = Capture { rate: 1.0, fields: Vec::new(), withheld: vec!["b".to_owned()] };
        let mut columns = Columns::of(&tensors, 2, &capture);
        let mut row = || {
            let mut json = Vec::new();
            columns.write_next(&mut json);
            String::from_utf8(json).unwrap()
        };
        let a =
            |n: u8, b64: &str| format!(r#""a":{{"datatype":"FP32","shape":[2,2],"b64":"{b64}"}},"n":{n}"#);
        assert_eq!(row(), a(8, "AACAPwAAAEAAAEBAAACAQA=="));
        assert_eq!(row(), a(9, "AACgQAAAwEAAAOBAAADAfw=="));
    }
}
