//! A checked tensor.

use crate::{Datatype, Error, Result};

/// A named array whose data is known to match its datatype and shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tensor {
    name: String,
    datatype: Datatype,
    shape: Vec<u64>,
    // Invariant: row-major, little-endian, exactly the elements that `shape` counts.
    data: Vec<u8>,
}

impl Tensor {
    /// Checks that `data` holds exactly the elements of `shape`: row-major, little-endian, `BYTES` elements each
    /// preceded by a `u32` length.
    ///
    /// # Errors
    /// [`Error::ShapeOverflow`], [`Error::DataLength`] or [`Error::BytesElements`].
    pub fn new(name: impl Into<String>, datatype: Datatype, shape: Vec<u64>, data: Vec<u8>) -> Result<Self> {
        let tensor = Self { name: name.into(), datatype, shape, data };
        let n_elements = tensor.checked_len().ok_or_else(|| Error::ShapeOverflow {
            tensor: tensor.name.clone(),
            shape: tensor.shape.clone(),
        })?;
        match datatype.element_size() {
            Some(element_size) => tensor.check_data_length(n_elements, element_size)?,
            None => tensor.check_bytes_elements(n_elements)?,
        }
        Ok(tensor)
    }

    /// The tensor's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The datatype of its elements.
    #[must_use]
    pub const fn datatype(&self) -> Datatype {
        self.datatype
    }

    /// Its dimensions.
    #[must_use]
    pub fn shape(&self) -> &[u64] {
        &self.shape
    }

    /// Its elements: row-major, little-endian.
    #[must_use]
    pub fn data(&self) -> &[u8] {
        &self.data
    }

    /// The number of elements.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "no caller asks it; `len() == 0` reads as well")]
    pub fn len(&self) -> usize {
        self.checked_len().unwrap_or_default()
    }

    /// The size of the first dimension; `None` for a scalar.
    #[must_use]
    pub fn rows(&self) -> Option<u64> {
        self.shape.first().copied()
    }

    /// The elements of a `BYTES` tensor; none for any other datatype.
    #[must_use]
    pub fn bytes_elements(&self) -> BytesElements<'_> {
        BytesElements { rest: if self.datatype == Datatype::Bytes { &self.data } else { &[] } }
    }

    /// Name, datatype, shape and data.
    #[must_use]
    pub fn into_parts(self) -> (String, Datatype, Vec<u64>, Vec<u8>) {
        (self.name, self.datatype, self.shape, self.data)
    }

    fn checked_len(&self) -> Option<usize> {
        let n_elements = self.shape.iter().try_fold(1_u64, |product, &dim| product.checked_mul(dim))?;
        usize::try_from(n_elements).ok()
    }

    fn check_data_length(&self, n_elements: usize, element_size: usize) -> Result<()> {
        let expected_bytes = n_elements.checked_mul(element_size).ok_or_else(|| Error::ShapeOverflow {
            tensor: self.name.clone(),
            shape: self.shape.clone(),
        })?;
        if self.data.len() == expected_bytes {
            return Ok(());
        }
        Err(Error::DataLength {
            tensor: self.name.clone(),
            datatype: self.datatype,
            shape: self.shape.clone(),
            expected_bytes,
            found_bytes: self.data.len(),
        })
    }

    fn check_bytes_elements(&self, expected: usize) -> Result<()> {
        let mut elements = self.bytes_elements();
        let found = elements.by_ref().count();
        if found == expected && elements.rest.is_empty() {
            return Ok(());
        }
        Err(Error::BytesElements { tensor: self.name.clone(), expected, found })
    }
}

/// Iterates over the elements of a `BYTES` tensor.
#[derive(Clone, Debug)]
pub struct BytesElements<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for BytesElements<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let (length, rest) = self.rest.split_first_chunk::<4>()?;
        let (element, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
        self.rest = rest;
        Some(element)
    }
}

/// Appends one element of a `BYTES` tensor: its length as a `u32`, then its bytes.
///
/// An element of 4 GiB or more is cut to that; no tensor of this size fits the 32-bit memory of a function.
pub fn encode_bytes_element(data: &mut Vec<u8>, element: &[u8]) {
    let length = u32::try_from(element.len()).unwrap_or(u32::MAX);
    data.extend_from_slice(&length.to_le_bytes());
    data.extend_from_slice(element.get(..length as usize).unwrap_or(element));
}
