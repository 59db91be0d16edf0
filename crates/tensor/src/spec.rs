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
        if tensor.datatype() != self.datatype {
            return Err(Error::WrongDatatype {
                tensor: self.name.clone(),
                expected: self.datatype,
                found: tensor.datatype(),
            });
        }
        if !self.accepts_shape(tensor.shape()) {
            return Err(Error::WrongShape {
                tensor: self.name.clone(),
                expected: self.shape.clone(),
                found: tensor.shape().to_vec(),
            });
        }
        Ok(())
    }

    /// Whether a tensor of that shape fits.
    #[must_use]
    pub fn accepts_shape(&self, shape: &[u64]) -> bool {
        self.shape.len() == shape.len()
            && self.shape.iter().zip(shape).all(|(&declared, &found)| {
                u64::try_from(declared).map_or(declared == -1, |declared| declared == found)
            })
    }

    /// Whether the first dimension counts rows, that is, takes any size.
    #[must_use]
    pub fn is_batched(&self) -> bool {
        self.shape.first() == Some(&-1)
    }
}
