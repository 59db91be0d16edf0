//! The best classes of an output instead of the output: `"<value>:<index>[:<label>]"`, best first.
//!
//! Equal values stand in the order of their indices, the lowest first; NaN stands after every number.
//!
//! Source: Open Inference Protocol V2, "Classification Extension"; values have six decimals, as Triton writes them.

use std::cmp::Ordering;

use protocol::{Error, Result};
use tensor::{Datatype, Metadata, Tensor, encode_bytes_element};

/// The metadata property that holds the class labels, one a line.
const LABELS: &str = "labels";

/// The `n_classes` best of every row of `output`, `[n_rows, …]` with the classes as the last dimension of two at most.
///
/// # Errors
/// [`Error::Classification`] if there are no numbers to rank.
pub(super) fn classify(output: &Tensor, n_classes: u64, metadata: &Metadata) -> Result<Tensor> {
    let refuse =
        |expected, found| Error::Classification { output: output.name().to_owned(), expected, found };
    if n_classes == 0 {
        return Err(refuse("at least one class", "`0`".to_owned()));
    }
    let (mut shape, width) = match *output.shape() {
        [n_rows, width] => (vec![n_rows], width),
        [n_rows] => (vec![n_rows], 1),
        _ => return Err(refuse("an output of at most two dimensions", format!("`{:?}`", output.shape()))),
    };
    let values =
        numbers(output).ok_or_else(|| refuse("an output of numbers", format!("`{}`", output.datatype())))?;
    let n_best = n_classes.min(width);
    shape.push(n_best);
    let labels: Vec<&str> =
        metadata.property(LABELS).map(|labels| labels.lines().collect()).unwrap_or_default();
    let mut data = Vec::new();
    for row in values.chunks(usize::try_from(width).unwrap_or(usize::MAX).max(1)) {
        for (class, value) in best(row).take(usize::try_from(n_best).unwrap_or(usize::MAX)) {
            let label = labels.get(class).map(|label| format!(":{label}")).unwrap_or_default();
            encode_bytes_element(&mut data, format!("{value:.6}:{class}{label}").as_bytes());
        }
    }
    Ok(Tensor::new(output.name(), Datatype::Bytes, shape, data)?)
}

/// Classes and their values, best first.
fn best(row: &[f64]) -> impl Iterator<Item = (usize, f64)> {
    let mut ranked: Vec<(usize, f64)> = row.iter().copied().enumerate().collect();
    // A stable sort keeps the order of equal values.
    ranked.sort_by(|(_, value), (_, other)| descending(*value, *other));
    ranked.into_iter()
}

fn descending(value: f64, other: f64) -> Ordering {
    match other.partial_cmp(&value) {
        Some(order) => order,
        None => value.is_nan().cmp(&other.is_nan()),
    }
}

/// The elements; `None` of datatypes without an order of numbers, and of those that have no 64-bit float.
fn numbers(output: &Tensor) -> Option<Vec<f64>> {
    Some(match output.datatype() {
        Datatype::Fp32 => output.map_elements(|bytes| f32::from_le_bytes(bytes).into()),
        Datatype::Fp64 => output.map_elements(f64::from_le_bytes),
        Datatype::Int8 => output.map_elements(|bytes| i8::from_le_bytes(bytes).into()),
        Datatype::Int16 => output.map_elements(|bytes| i16::from_le_bytes(bytes).into()),
        Datatype::Int32 => output.map_elements(|bytes| i32::from_le_bytes(bytes).into()),
        Datatype::Uint8 => output.map_elements(|bytes| u8::from_le_bytes(bytes).into()),
        Datatype::Uint16 => output.map_elements(|bytes| u16::from_le_bytes(bytes).into()),
        Datatype::Uint32 => output.map_elements(|bytes| u32::from_le_bytes(bytes).into()),
        Datatype::Bool
        | Datatype::Int64
        | Datatype::Uint64
        | Datatype::Fp16
        | Datatype::Bf16
        | Datatype::Bytes => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scores(shape: &[u64], values: &[f32]) -> Tensor {
        let data = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        Tensor::new("y", Datatype::Fp32, shape.to_vec(), data).unwrap()
    }

    #[track_caller]
    fn check(output: &Tensor, n_classes: u64, labels: &str, shape: &[u64], expect: &[&str]) {
        let metadata =
            Metadata { properties: vec![("labels".to_owned(), labels.to_owned())], ..Metadata::default() };
        let found = classify(output, n_classes, &metadata).unwrap();
        assert_eq!(found.shape(), shape);
        let elements: Vec<&[u8]> = found.bytes_elements().collect();
        assert_eq!(elements, expect.iter().map(|element| element.as_bytes()).collect::<Vec<_>>());
    }

    #[test]
    fn the_best_classes_of_every_row_come_first() {
        let output = scores(&[2, 3], &[0.25, 0.5, 0.125, -1.0, 2.0, 3.0]);
        check(&output, 2, "", &[2, 2], &["0.500000:1", "0.250000:0", "3.000000:2", "2.000000:1"]);
        check(
            &output,
            9,
            "a\nb",
            &[2, 3],
            &["0.500000:1:b", "0.250000:0:a", "0.125000:2", "3.000000:2", "2.000000:1:b", "-1.000000:0:a"],
        );
    }

    #[test]
    fn equal_values_stand_by_index_and_nan_stands_last() {
        let output = scores(&[1, 4], &[f32::NAN, 0.5, 0.5, f32::INFINITY]);
        check(&output, 4, "", &[1, 4], &["inf:3", "0.500000:1", "0.500000:2", "NaN:0"]);
    }

    #[test]
    fn one_dimension_is_a_class_a_row() {
        check(&scores(&[2], &[1.0, 2.0]), 3, "", &[2, 1], &["1.000000:0", "2.000000:0"]);
        check(&scores(&[0, 3], &[]), 3, "", &[0, 3], &[]);
    }

    #[test]
    fn what_has_no_classes_is_refused() {
        let refuse = |output: &Tensor, n_classes| {
            classify(output, n_classes, &Metadata::default()).unwrap_err().to_string()
        };
        assert_eq!(
            refuse(&scores(&[1], &[1.0]), 0),
            "output `y`: expected at least one class for a classification, found `0`"
        );
        assert_eq!(
            refuse(&scores(&[1, 1, 1], &[1.0]), 1),
            "output `y`: expected an output of at most two dimensions for a classification, found `[1, 1, 1]`"
        );
        let text = Tensor::new("y", Datatype::Bytes, vec![0], vec![]).unwrap();
        assert_eq!(
            refuse(&text, 1),
            "output `y`: expected an output of numbers for a classification, found `BYTES`"
        );
    }
}
