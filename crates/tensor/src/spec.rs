//! What a model's signature says of one input or output.

use crate::{Datatype, Error, Result, Tensor};

/// The declared name, datatype and shape of an input or output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorSpec {
    /// The tensor's name.
    pub name: String,
    /// The datatype of its elements.
    pub datatype: Datatype,
    /// Its dimensions; -1 takes any size.
    pub shape: Vec<i64>,
}

impl TensorSpec {
    /// Checks that `tensor` has this datatype and a shape that fits.
    ///
    /// # Errors
    /// [`Error::WrongDatatype`] or [`Error::WrongShape`].
    pub fn check(&self, tensor: &Tensor) -> Result<()> {
        self.check_parts(tensor.datatype(), tensor.shape())
    }

    /// Checks that a tensor of that datatype and shape fits.
    ///
    /// # Errors
    /// [`Error::WrongDatatype`] or [`Error::WrongShape`].
    pub fn check_parts(&self, datatype: Datatype, shape: &[u64]) -> Result<()> {
        let tensor = || self.name.clone();
        if datatype != self.datatype {
            return Err(Error::WrongDatatype { tensor: tensor(), expected: self.datatype, found: datatype });
        }
        if !self.accepts_shape(shape) {
            let expected = self.shape.clone();
            return Err(Error::WrongShape { tensor: tensor(), expected, found: shape.to_vec() });
        }
        Ok(())
    }

    /// Whether a tensor of that shape fits.
    #[must_use]
    pub fn accepts_shape(&self, shape: &[u64]) -> bool {
        fits(&self.shape, shape)
    }

    /// The declared shape of one row: all dimensions but the first.
    #[must_use]
    pub fn row_shape(&self) -> &[i64] {
        self.shape.get(1..).unwrap_or_default()
    }

    /// Whether one row of that shape fits.
    #[must_use]
    pub fn accepts_row_shape(&self, row_shape: &[u64]) -> bool {
        fits(self.row_shape(), row_shape)
    }

    /// Whether the first dimension counts rows, that is, takes any size.
    #[must_use]
    pub fn is_batched(&self) -> bool {
        self.shape.first() == Some(&-1)
    }
}

fn fits(declared: &[i64], found: &[u64]) -> bool {
    let dim_fits = |(&declared, &found): (&i64, &u64)| declared == -1 || u64::try_from(declared) == Ok(found);
    declared.len() == found.len() && declared.iter().zip(found).all(dim_fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(shape: &[i64]) -> TensorSpec {
        TensorSpec { name: "x".to_owned(), datatype: Datatype::Uint8, shape: shape.to_vec() }
    }

    #[track_caller]
    fn check_shape(declared: &[i64], found: &[u64], expect: bool) {
        assert_eq!(spec(declared).accepts_shape(found), expect);
    }

    #[test]
    fn minus_one_takes_any_size() {
        check_shape(&[-1, 2], &[0, 2], true);
        check_shape(&[-1, 2], &[u64::MAX, 2], true);
        check_shape(&[-1, -1], &[3, 4], true);
    }

    #[test]
    fn other_dimensions_are_exact() {
        check_shape(&[-1, 2], &[1, 3], false);
        check_shape(&[-2], &[1], false);
        check_shape(&[0], &[0], true);
        check_shape(&[], &[], true);
    }

    #[test]
    fn ranks_agree() {
        check_shape(&[-1], &[], false);
        check_shape(&[-1], &[1, 1], false);
        check_shape(&[], &[1], false);
    }

    #[test]
    fn a_row_has_all_dimensions_but_the_first() {
        assert!(spec(&[-1, 2, -1]).accepts_row_shape(&[2, 5]));
        assert!(!spec(&[-1, 2]).accepts_row_shape(&[]));
        assert!(spec(&[-1]).accepts_row_shape(&[]));
        assert!(spec(&[]).accepts_row_shape(&[]));
    }

    #[test]
    fn the_first_dimension_counts_rows_if_it_takes_any_size() {
        assert!(spec(&[-1, 2]).is_batched());
        assert!(!spec(&[1, -1]).is_batched());
        assert!(!spec(&[]).is_batched());
    }

    #[test]
    fn datatype_is_checked_before_shape() {
        let tensor = Tensor::new("x", Datatype::Int8, vec![1], vec![0]).unwrap();
        let expect =
            Error::WrongDatatype { tensor: "x".to_owned(), expected: Datatype::Uint8, found: Datatype::Int8 };
        assert_eq!(spec(&[2]).check(&tensor), Err(expect));
    }

    #[test]
    fn a_wrong_shape_names_both() {
        let tensor = Tensor::new("x", Datatype::Uint8, vec![1], vec![0]).unwrap();
        let expect = Error::WrongShape { tensor: "x".to_owned(), expected: vec![-1, 2], found: vec![1] };
        assert_eq!(spec(&[-1, 2]).check(&tensor), Err(expect.clone()));
        assert_eq!(expect.to_string(), "tensor `x`: expected shape `[-1, 2]`, found `[1]`");
    }
}
