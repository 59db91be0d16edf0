//! The values of all rows for one input, stacked row by row; a row that turns out bad is taken back without a trace.

use std::collections::BTreeMap;

use tensor::{Datatype, Tensor, TensorSpec};

use crate::cursor::Cursor;
use crate::elements::{BASE64, ElementReader};
use crate::{Error, Maps, Result};

/// The values of all rows for one input.
#[derive(Debug)]
pub(super) struct Column<'s> {
    spec: &'s TensorSpec,
    elements: ElementReader<'s>,
    /// The names of a row's elements, if they stand for a map.
    labels: Option<&'s [String]>,
    // Invariant: fits the declared row shape; all rows have it.
    row_shape: Option<Vec<u64>>,
    n_rows: usize,
    // Invariant: the last row's bytes are those from `last_row` to `end`; beyond `end` are those of a row half read.
    last_row: usize,
    end: usize,
}

impl<'s> Column<'s> {
    /// A column without rows.
    ///
    /// # Errors
    /// [`Error::BinaryOnlyInput`].
    pub(super) fn new(spec: &'s TensorSpec, maps: &'s Maps) -> Result<Self> {
        let elements = ElementReader::new(&spec.name, spec.datatype)?.with_base64();
        let labels = maps.labels(&spec.name);
        Ok(Self { spec, elements, labels, row_shape: None, n_rows: 0, last_row: 0, end: 0 })
    }

    /// The input's name.
    pub(super) fn name(&self) -> &'s str {
        &self.spec.name
    }

    /// How many rows there are.
    pub(super) fn n_rows(&self) -> usize {
        self.n_rows
    }

    /// What the model says of the input.
    pub(super) fn spec(&self) -> &'s TensorSpec {
        self.spec
    }

    /// Reads the next row.
    ///
    /// # Errors
    /// Those of [`ElementReader::read`]; [`Error::WrongRowShape`]. The row may then be half read.
    pub(super) fn read_row(&mut self, cursor: &mut Cursor<'_>) -> Result<()> {
        let mut row_shape = self.read_elements(cursor)?;
        if row_shape.is_empty() && self.spec.row_shape() == [1] {
            row_shape.push(1);
        }
        match &self.row_shape {
            Some(first) if *first == row_shape => {}
            None if self.spec.accepts_row_shape(&row_shape) => self.row_shape = Some(row_shape),
            _ => return Err(self.wrong_row_shape(row_shape)),
        }
        self.n_rows += 1;
        self.last_row = self.end;
        self.end = self.elements.len();
        Ok(())
    }

    /// Reads a list of elements, or an object of them if the columns have names.
    fn read_elements(&mut self, cursor: &mut Cursor<'_>) -> Result<Vec<u64>> {
        match self.labels {
            Some(labels) if cursor.enter_object() => self.read_map(labels, cursor),
            _ => self.elements.read(cursor),
        }
    }

    /// Reads the members of an object as the elements that they name. As in a `DictVectorizer`, an element that is not named is zero,
    /// and a name that is none of the labels counts for nothing.
    fn read_map(&mut self, labels: &[String], cursor: &mut Cursor<'_>) -> Result<Vec<u64>> {
        let mut values: BTreeMap<String, Cursor<'_>> = BTreeMap::new();
        while let Some(name) = cursor.next_member()? {
            let value = cursor.clone();
            cursor.value();
            if values.insert(name.to_string(), value).is_some() {
                return Err(Error::DuplicateField { path: name.into_owned() });
            }
        }
        for label in labels {
            let shape = match values.get_mut(label) {
                Some(value) => self.elements.read(value)?,
                None => self.elements.read(&mut Cursor::new(b"0")?)?,
            };
            if !shape.is_empty() {
                return Err(self.wrong_row_shape(shape));
            }
        }
        Ok(vec![labels.len() as u64])
    }

    /// Takes back what was read of the row after the first `n_rows`, all of it or half.
    pub(super) fn take_back(&mut self, n_rows: usize) {
        if self.n_rows > n_rows {
            self.n_rows = n_rows;
            self.end = self.last_row;
        }
        self.elements.truncate(self.end);
        if n_rows == 0 {
            self.row_shape = None;
        }
    }

    /// All rows but those in `removed`, which ascend.
    ///
    /// # Errors
    /// [`Error::Tensor`] if the model does not take so many.
    pub(super) fn into_tensor(self, removed: &[usize]) -> Result<Tensor> {
        let mut shape = vec![self.n_rows as u64];
        shape.extend(self.row_shape.unwrap_or_default());
        let tensor = Tensor::new(&self.spec.name, self.spec.datatype, shape, self.elements.into_data())?;
        let tensor = tensor.without_rows(removed);
        self.spec.check(&tensor)?;
        Ok(tensor)
    }

    fn wrong_row_shape(&self, found: Vec<u64>) -> Error {
        let declared = self.spec.row_shape().to_vec();
        let as_first = |first: &Vec<u64>| first.iter().map(|&dim| i64::try_from(dim).unwrap_or(-1)).collect();
        let expected = self.row_shape.as_ref().map_or(declared, as_first);
        Error::WrongRowShape { input: self.spec.name.clone(), expected, found }
    }
}

/// Whether `{"b64": "…"}` comes next and is a value of the input, not an object that names it.
///
/// Source: TensorFlow Serving, which takes such an object as a value. Here an input of that name wins.
pub(super) fn is_base64(mut cursor: Cursor<'_>, input: &TensorSpec) -> bool {
    input.datatype == Datatype::Bytes
        && input.name != BASE64
        && cursor.enter_object()
        && matches!(cursor.next_member(), Ok(Some(name)) if name == BASE64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reads(column: &mut Column<'_>, text: &str) -> bool {
        column.read_row(&mut Cursor::new(text.as_bytes()).unwrap()).is_ok()
    }

    #[test]
    fn a_column_forgets_what_it_takes_back() {
        let spec = TensorSpec { name: "x".to_owned(), datatype: Datatype::Uint8, shape: vec![-1, -1] };
        let maps = Maps::default();
        let mut column = Column::new(&spec, &maps).unwrap();
        for (text, is_good) in [("[1]", true), ("[2,\"\"]", false)] {
            assert_eq!(reads(&mut column, text), is_good);
            column.take_back(0);
        }
        for (n_rows, text) in [(0, "[1,2]"), (1, "[3,4]")] {
            for bad in ["[5,\"\"]", "[[6],7]"] {
                assert!(!reads(&mut column, bad));
                column.take_back(n_rows);
            }
            assert!(reads(&mut column, text));
        }
        assert!(reads(&mut column, "[8,9]"));
        column.take_back(2);
        let expect = Tensor::new("x", Datatype::Uint8, vec![2, 2], vec![1, 2, 3, 4]).unwrap();
        assert_eq!(column.into_tensor(&[]), Ok(expect));
    }
}
