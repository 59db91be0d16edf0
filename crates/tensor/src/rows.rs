//! The rows of a request as tensors: the first dimension of those inputs whose first dimension takes any size, or of all inputs if
//! there are none such.
//!
//! Everywhere here, inputs are in the order of their specs and fit them.

use crate::{Error, Result, Tensor, TensorSpec};

/// Whether the first dimension of one of the inputs `specs` counts rows.
#[must_use]
pub fn has_rows(spec: &TensorSpec, specs: &[TensorSpec]) -> bool {
    spec.is_batched() || !specs.iter().any(TensorSpec::is_batched)
}

/// How many rows inputs of these first dimensions have. A scalar, which has none, is one row, and so are no inputs.
///
/// # Errors
/// [`Error::RowCounts`] if they do not agree.
pub fn count_rows(specs: &[TensorSpec], rows: impl IntoIterator<Item = Option<u64>>) -> Result<u64> {
    let mut counts = specs.iter().zip(rows).filter(|(spec, _)| has_rows(spec, specs));
    let expected = counts.next().map_or(1, |(_, rows)| rows.unwrap_or(1));
    match counts.map(|(spec, rows)| (spec, rows.unwrap_or(1))).find(|(_, found)| *found != expected) {
        None => Ok(expected),
        Some((spec, found)) => Err(Error::RowCounts { tensor: spec.name.clone(), expected, found }),
    }
}

/// Whether there is nothing to ask the model: inputs take any number of rows, and have none.
#[must_use]
pub fn is_empty_batch(specs: &[TensorSpec], inputs: &[Tensor]) -> bool {
    let mut batched = specs.iter().zip(inputs).filter(|(spec, _)| spec.is_batched()).peekable();
    batched.peek().is_some() && batched.all(|(_, input)| input.rows() == Some(0))
}

/// One of the inputs without some rows, which ascend.
///
/// # Errors
/// [`Error::WrongShape`] if the model does not take so many.
pub fn without_rows(
    spec: &TensorSpec,
    specs: &[TensorSpec],
    input: Tensor,
    removed: &[usize],
) -> Result<Tensor> {
    if !has_rows(spec, specs) {
        return Ok(input);
    }
    let input = input.without_rows(removed);
    spec.check(&input)?;
    Ok(input)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Datatype;

    fn spec(name: &str, shape: &[i64]) -> TensorSpec {
        TensorSpec { name: name.to_owned(), datatype: Datatype::Uint8, shape: shape.to_vec() }
    }

    fn input(name: &str, shape: &[u64]) -> Tensor {
        let n_elements = usize::try_from(shape.iter().product::<u64>()).unwrap();
        Tensor::new(name, Datatype::Uint8, shape.to_vec(), vec![0; n_elements]).unwrap()
    }

    #[test]
    fn rows_are_counted_where_any_number_of_them_fits() {
        let specs = [spec("x", &[-1, 2]), spec("t", &[1])];
        assert_eq!(count_rows(&specs, [Some(3), Some(1)]), Ok(3));
        assert_eq!(count_rows(&[spec("x", &[4])], [Some(4)]), Ok(4));
        assert_eq!(count_rows(&[spec("x", &[])], [None]), Ok(1));
        let expect = Error::RowCounts { tensor: "y".to_owned(), expected: 3, found: 2 };
        assert_eq!(count_rows(&[spec("x", &[-1]), spec("y", &[-1])], [Some(3), Some(2)]), Err(expect));
    }

    #[test]
    fn a_batch_is_empty_if_rows_could_be_there() {
        assert!(is_empty_batch(&[spec("x", &[-1, 2])], &[input("x", &[0, 2])]));
        assert!(!is_empty_batch(&[spec("x", &[-1, 2])], &[input("x", &[1, 2])]));
        assert!(!is_empty_batch(&[spec("x", &[0])], &[input("x", &[0])]));
        assert!(!is_empty_batch(&[], &[]));
    }

    #[test]
    fn rows_are_removed_where_they_are_counted() {
        let specs = [spec("x", &[-1, 2]), spec("t", &[1])];
        let without = |spec, input| without_rows(spec, &specs, input, &[0, 2]);
        assert_eq!(without(&specs[0], input("x", &[3, 2])), Ok(input("x", &[1, 2])));
        assert_eq!(without(&specs[1], input("t", &[1])), Ok(input("t", &[1])));
        let fixed = spec("x", &[2]);
        let found = without_rows(&fixed, std::slice::from_ref(&fixed), input("x", &[2]), &[0]);
        assert!(matches!(found, Err(Error::WrongShape { .. })));
    }
}
