//! A checked tensor.

use std::{iter, ops::Range};

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
            Some(element_size) => tensor.check_data_length(n_elements * element_size as u64)?,
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
        match self.datatype.element_size() {
            Some(element_size) => self.data.len() / element_size,
            None => self.bytes_elements().count(),
        }
    }

    /// The size of the first dimension; `None` for a scalar.
    #[must_use]
    pub fn rows(&self) -> Option<u64> {
        self.shape.first().copied()
    }

    /// Some of its rows under the same name; `None` if there are not so many.
    #[must_use]
    pub fn row_range(&self, rows: Range<u64>) -> Option<Self> {
        let (&n_rows, row_shape) = self.shape.split_first()?;
        if rows.start > rows.end || rows.end > n_rows {
            return None;
        }
        let n_elements = usize::try_from(row_shape.iter().product::<u64>()).ok()?;
        let offset = |row: u64| self.element_offset(usize::try_from(row).ok()?.checked_mul(n_elements)?);
        let data = self.data.get(offset(rows.start)?..offset(rows.end)?)?;
        let shape = iter::once(rows.end - rows.start).chain(row_shape.iter().copied()).collect();
        Some(Self { name: self.name.clone(), datatype: self.datatype, shape, data: data.to_vec() })
    }

    /// The tensor without some of its rows, which ascend.
    #[must_use]
    pub fn without_rows(self, removed: &[usize]) -> Self {
        let Some(n_rows) = self.rows().filter(|_| !removed.is_empty()) else { return self };
        let n_removed = removed.partition_point(|&row| (row as u64) < n_rows);
        let row_len = (self.len() as u64).checked_div(n_rows).and_then(|len| usize::try_from(len).ok());
        let data = self.kept_data(row_len.unwrap_or_default(), |row| removed.binary_search(&row).is_err());
        let mut shape = self.shape;
        shape.splice(..1, [n_rows.saturating_sub(n_removed as u64)]);
        Self { shape, data, ..self }
    }

    /// The elements of a `BYTES` tensor; none for any other datatype.
    #[must_use]
    pub fn bytes_elements(&self) -> BytesElements<'_> {
        BytesElements { rest: if self.datatype == Datatype::Bytes { &self.data } else { &[] } }
    }

    /// What `read` makes of each element of `SIZE` bytes.
    #[must_use]
    pub fn map_elements<const SIZE: usize, T>(&self, read: impl Fn([u8; SIZE]) -> T) -> Vec<T> {
        let (elements, _) = self.data.as_chunks::<SIZE>();
        elements.iter().map(|&bytes| read(bytes)).collect()
    }

    /// Name, datatype, shape and data.
    #[must_use]
    pub fn into_parts(self) -> (String, Datatype, Vec<u64>, Vec<u8>) {
        (self.name, self.datatype, self.shape, self.data)
    }

    /// The number of elements; `None` if they are more than a function's memory holds, were the empty dimensions not
    /// empty. That keeps each single dimension addressable, and native and Wasm of one opinion.
    fn checked_len(&self) -> Option<u64> {
        let element_size = self.datatype.element_size().unwrap_or(size_of::<u32>()) as u64;
        let nonzero = self.shape.iter().filter(|&&dim| dim != 0);
        let n_elements = nonzero.copied().try_fold(1_u64, u64::checked_mul)?;
        u32::try_from(n_elements.checked_mul(element_size)?).ok()?;
        Some(if self.shape.contains(&0) { 0 } else { n_elements })
    }

    /// The data of the rows, of `row_len` elements each, that are kept.
    fn kept_data(&self, row_len: usize, is_kept: impl Fn(usize) -> bool) -> Vec<u8> {
        let mut data = Vec::new();
        if row_len == 0 {
            return data;
        }
        match self.datatype.element_size() {
            Some(element_size) => {
                let rows = self.data.chunks_exact(row_len * element_size).enumerate();
                rows.filter(|&(row, _)| is_kept(row)).for_each(|(_, row)| data.extend_from_slice(row));
            }
            None => {
                let elements = self.bytes_elements().enumerate();
                let kept = elements.filter(|&(idx, _)| is_kept(idx / row_len));
                kept.for_each(|(_, element)| encode_bytes_element(&mut data, element));
            }
        }
        data
    }

    /// Where in the data an element begins; for the number of elements, where the last one ends.
    fn element_offset(&self, element_idx: usize) -> Option<usize> {
        match self.datatype.element_size() {
            Some(element_size) => element_idx.checked_mul(element_size),
            None => {
                let before = self.bytes_elements().take(element_idx);
                Some(before.map(|element| size_of::<u32>() + element.len()).sum())
            }
        }
    }

    fn check_data_length(&self, expected_bytes: u64) -> Result<()> {
        let found_bytes = self.data.len() as u64;
        if found_bytes == expected_bytes {
            return Ok(());
        }
        Err(Error::DataLength {
            tensor: self.name.clone(),
            datatype: self.datatype,
            shape: self.shape.clone(),
            expected_bytes,
            found_bytes,
        })
    }

    fn check_bytes_elements(&self, expected: u64) -> Result<()> {
        let mut elements = self.bytes_elements();
        let found = elements.by_ref().count() as u64;
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(datatype: Datatype, shape: &[u64], data: &[u8], expect: Result<usize>) {
        let tensor = Tensor::new("x", datatype, shape.to_vec(), data.to_vec());
        assert_eq!(tensor.map(|tensor| tensor.len()), expect);
    }

    fn overflow(shape: &[u64]) -> Result<usize> {
        Err(Error::ShapeOverflow { tensor: "x".to_owned(), shape: shape.to_vec() })
    }

    fn elements(expected: u64, found: u64) -> Result<usize> {
        Err(Error::BytesElements { tensor: "x".to_owned(), expected, found })
    }

    #[test]
    fn data_is_as_long_as_shape_and_datatype_say() {
        check(Datatype::Fp32, &[2, 3], &[0; 24], Ok(6));
        check(Datatype::Bool, &[], &[1], Ok(1));
        check(Datatype::Int64, &[0, 4], &[], Ok(0));
        let expect = Error::DataLength {
            tensor: "x".to_owned(),
            datatype: Datatype::Fp32,
            shape: vec![2, 3],
            expected_bytes: 24,
            found_bytes: 23,
        };
        check(Datatype::Fp32, &[2, 3], &[0; 23], Err(expect));
    }

    #[test]
    fn a_shape_beyond_memory_is_an_error_on_every_machine() {
        check(Datatype::Fp32, &[16, (1 << 60) + 2], &[], overflow(&[16, (1 << 60) + 2]));
        check(Datatype::Int8, &[u64::MAX], &[], overflow(&[u64::MAX]));
        check(Datatype::Fp32, &[1 << 30], &[], overflow(&[1 << 30]));
        check(Datatype::Bytes, &[1 << 40], &[], overflow(&[1 << 40]));
    }

    #[test]
    fn an_empty_dimension_does_not_hide_one_beyond_memory() {
        check(Datatype::Fp32, &[0, u64::MAX], &[], overflow(&[0, u64::MAX]));
        check(Datatype::Fp32, &[u64::MAX, u64::MAX, 0], &[], overflow(&[u64::MAX, u64::MAX, 0]));
    }

    #[test]
    fn bytes_elements_are_as_many_as_the_shape_says() {
        let mut data = Vec::new();
        encode_bytes_element(&mut data, b"ab");
        encode_bytes_element(&mut data, b"");
        check(Datatype::Bytes, &[2], &data, Ok(2));
        check(Datatype::Bytes, &[1], &data, elements(1, 2));
        check(Datatype::Bytes, &[3], &data, elements(3, 2));
        check(Datatype::Bytes, &[2], &data[..9], elements(2, 1));
        check(Datatype::Bytes, &[1], &[255, 255, 255, 255, 0], elements(1, 0));
    }

    #[test]
    fn only_bytes_tensors_have_bytes_elements() {
        let tensor = Tensor::new("x", Datatype::Uint8, vec![4], vec![0; 4]).unwrap();
        assert_eq!(tensor.bytes_elements().count(), 0);
    }

    #[test]
    fn the_parts_come_out_as_they_went_in() {
        let tensor = Tensor::new("x", Datatype::Int16, vec![1, 2], vec![1, 2, 3, 4]).unwrap();
        assert_eq!((tensor.name(), tensor.datatype(), tensor.rows()), ("x", Datatype::Int16, Some(1)));
        assert_eq!((tensor.shape(), tensor.data()), ([1, 2].as_slice(), [1, 2, 3, 4].as_slice()));
        assert_eq!(tensor.into_parts(), ("x".to_owned(), Datatype::Int16, vec![1, 2], vec![1, 2, 3, 4]));
    }

    fn bytes(elements: &[&[u8]]) -> Vec<u8> {
        let mut data = Vec::new();
        elements.iter().for_each(|element| encode_bytes_element(&mut data, element));
        data
    }

    #[track_caller]
    fn check_without(
        datatype: Datatype,
        (shape, data): (&[u64], &[u8]),
        removed: &[usize],
        expect: (&[u64], &[u8]),
    ) {
        let tensor = |(shape, data): (&[u64], &[u8])| {
            Tensor::new("x", datatype, shape.to_vec(), data.to_vec()).unwrap()
        };
        assert_eq!(tensor((shape, data)).without_rows(removed), tensor(expect));
    }

    #[test]
    fn rows_are_removed_whole() {
        let x: (&[u64], &[u8]) = (&[3, 2], &[1, 2, 3, 4, 5, 6]);
        check_without(Datatype::Uint8, x, &[], x);
        check_without(Datatype::Uint8, x, &[1], (&[2, 2], &[1, 2, 5, 6]));
        check_without(Datatype::Uint8, x, &[0, 1, 2], (&[0, 2], &[]));
        check_without(Datatype::Uint8, x, &[2, 3], (&[2, 2], &[1, 2, 3, 4]));
        check_without(Datatype::Uint16, (&[3], &[1, 0, 2, 0, 3, 0]), &[0, 2], (&[1], &[2, 0]));
        check_without(Datatype::Uint8, (&[3, 0], &[]), &[0], (&[2, 0], &[]));
        let texts = bytes(&[b"a", b"", b"bc", b"d", b"e", b"fgh"]);
        check_without(
            Datatype::Bytes,
            (&[3, 2], &texts),
            &[1],
            (&[2, 2], &bytes(&[b"a", b"", b"e", b"fgh"])),
        );
    }

    #[test]
    fn rows_are_cut_out_by_their_numbers() {
        let numbers = Tensor::new("x", Datatype::Int16, vec![3, 1], vec![1, 2, 3, 4, 5, 6]).unwrap();
        let last = numbers.row_range(1..3).unwrap();
        assert_eq!((last.shape(), last.data()), ([2, 1].as_slice(), [3, 4, 5, 6].as_slice()));
        assert_eq!(numbers.row_range(2..2).unwrap().shape(), [0, 1]);
        assert_eq!(numbers.row_range(2..4), None);
        let scalar = Tensor::new("x", Datatype::Int16, vec![], vec![1, 2]).unwrap();
        assert_eq!(scalar.row_range(0..1), None);
    }

    proptest! {
        #[test]
        fn rows_put_together_are_the_tensor(
            elements in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..5), 0..9),
            width in 1..4_usize,
            cut in any::<prop::sample::Index>(),
        ) {
            let n_rows = elements.len() / width;
            let mut data = Vec::new();
            for element in elements.iter().take(n_rows * width) {
                encode_bytes_element(&mut data, element);
            }
            let shape = vec![n_rows as u64, width as u64];
            let tensor = Tensor::new("x", Datatype::Bytes, shape, data).unwrap();
            let cut = cut.index(n_rows + 1) as u64;
            let (first, last) = (tensor.row_range(0..cut).unwrap(), tensor.row_range(cut..n_rows as u64).unwrap());
            prop_assert_eq!([first.data(), last.data()].concat(), tensor.data());
            prop_assert_eq!((first.rows(), last.rows()), (Some(cut), Some(n_rows as u64 - cut)));
        }

        #[test]
        fn decoding_bytes_elements_undoes_encoding(
            elements in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..9), 0..9),
        ) {
            let mut data = Vec::new();
            for element in &elements {
                encode_bytes_element(&mut data, element);
            }
            let tensor = Tensor::new("x", Datatype::Bytes, vec![elements.len() as u64], data).unwrap();
            prop_assert_eq!(tensor.len(), elements.len());
            prop_assert!(tensor.bytes_elements().eq(elements.iter().map(Vec::as_slice)));
        }

        #[test]
        fn any_parts_make_a_consistent_tensor_or_an_error(
            datatype in prop::sample::select(Datatype::ALL.as_slice()),
            shape in prop::collection::vec(prop_oneof![0..4_u64, any::<u64>()], 0..4),
            data in prop::collection::vec(any::<u8>(), 0..64),
        ) {
            if let Ok(tensor) = Tensor::new("x", datatype, shape.clone(), data) {
                prop_assert_eq!(tensor.len() as u64, shape.iter().product::<u64>());
            }
        }
    }
}
