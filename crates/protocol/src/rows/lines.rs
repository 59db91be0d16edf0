//! Rows that come and go one by one, each a JSON text of its own. What a row is, and what its values are, is as in `instances`; which of
//! its other fields matter, the caller says.

use std::borrow::Cow;

use tensor::{Key, Tensor, TensorSpec};

use super::answer::{OutputColumn, write_name};
use super::names::read_key;
use super::stack::{Column, is_base64};
use crate::cursor::{Cursor, excerpt};
use crate::failure::failure;
use crate::partition::row_error;
use crate::write::write_key;
use crate::{Error, Maps, RequestNames, Result};

/// Stacks rows for a model.
#[derive(Debug)]
pub struct RowReader<'s> {
    // Invariant: all columns have `n_rows` rows.
    columns: Vec<Column<'s>>,
    n_rows: usize,
}

/// A row that was read.
#[derive(Debug, Default)]
pub struct RowRead<'a> {
    /// The fields that were wanted, each with its JSON text, in the row's order; of a bad row, as far as they can be read.
    pub fields: Vec<(Cow<'a, str>, &'a str)>,
    /// Why the row is not among those stacked.
    pub error: Option<Error>,
}

impl<'s> RowReader<'s> {
    /// A reader for a model with these inputs; one that `maps` has labels of may be an object.
    ///
    /// # Errors
    /// [`Error::BinaryOnlyInput`] if JSON has no rows for it.
    pub fn new(inputs: &'s [TensorSpec], maps: &'s Maps) -> Result<Self> {
        let columns = inputs.iter().map(|spec| Column::new(spec, maps)).collect::<Result<_>>()?;
        Ok(Self { columns, n_rows: 0 })
    }

    /// How many rows are stacked.
    #[must_use]
    pub const fn n_rows(&self) -> usize {
        self.n_rows
    }

    /// Reads a row. Fields that are neither inputs nor `is_wanted` are errors.
    pub fn read<'a>(&mut self, json: &'a [u8], is_wanted: impl Fn(&str) -> bool) -> RowRead<'a> {
        let cursor = match Cursor::new(json) {
            Ok(cursor) => cursor,
            Err(error) => return RowRead { fields: Vec::new(), error: Some(error) },
        };
        let mut fields = Vec::new();
        match self.read_fields(cursor.clone(), &is_wanted, &mut fields) {
            Ok(()) => {
                self.n_rows += 1;
                RowRead { fields, error: None }
            }
            Err(error) => {
                self.columns.iter_mut().for_each(|column| column.take_back(self.n_rows));
                RowRead { fields: find_fields(cursor, is_wanted), error: Some(error) }
            }
        }
    }

    /// Takes back the row that was read last, which must have been good.
    pub fn take_back(&mut self) {
        self.n_rows = self.n_rows.saturating_sub(1);
        self.columns.iter_mut().for_each(|column| column.take_back(self.n_rows));
    }

    /// One tensor per input, in the model's order.
    ///
    /// # Errors
    /// [`Error::Tensor`] if the model does not take so many rows.
    pub fn into_tensors(self) -> Result<Vec<Tensor>> {
        self.columns.into_iter().map(|column| column.into_tensor(&[])).collect()
    }

    fn read_fields<'a>(
        &mut self,
        mut cursor: Cursor<'a>,
        is_wanted: impl Fn(&str) -> bool,
        fields: &mut Vec<(Cow<'a, str>, &'a str)>,
    ) -> Result<()> {
        let is_value =
            matches!(self.columns.as_slice(), [column] if is_base64(cursor.clone(), column.spec()));
        if is_value || !cursor.enter_object() {
            return self.read_bare(cursor);
        }
        while let Some(name) = cursor.next_member()? {
            let mut value = cursor.clone();
            let is_input = self.read_input(&name, &mut cursor)?;
            match is_wanted(&name) {
                true if fields.iter().any(|(field, _)| *field == name) => {
                    return Err(Error::DuplicateField { path: name.into_owned() });
                }
                true => fields.push((name, value.value())),
                false if is_input => {}
                false => return Err(Error::UnknownField { field: name.into_owned() }),
            }
            if !is_input {
                cursor.value();
            }
        }
        match self.columns.iter().find(|column| column.n_rows() == self.n_rows) {
            None => Ok(()),
            Some(column) => Err(Error::MissingInput { input: column.name().to_owned() }),
        }
    }

    /// Reads the value of a member if it is an input; tells whether it is.
    fn read_input(&mut self, name: &str, cursor: &mut Cursor<'_>) -> Result<bool> {
        match self.columns.iter_mut().find(|column| column.name() == name) {
            None => Ok(false),
            Some(column) if column.n_rows() == self.n_rows => column.read_row(cursor).map(|()| true),
            Some(_) => Err(Error::DuplicateInput { input: name.to_owned() }),
        }
    }

    fn read_bare(&mut self, mut cursor: Cursor<'_>) -> Result<()> {
        match self.columns.as_mut_slice() {
            [column] => column.read_row(&mut cursor),
            _ => Err(Error::BareRow { found: excerpt(cursor.value()) }),
        }
    }
}

/// The wanted fields of a row that has an error: the first of each name.
fn find_fields<'a>(mut cursor: Cursor<'a>, is_wanted: impl Fn(&str) -> bool) -> Vec<(Cow<'a, str>, &'a str)> {
    let mut fields: Vec<(Cow<'a, str>, &'a str)> = Vec::new();
    if cursor.enter_object() {
        while let Ok(Some(name)) = cursor.next_member() {
            let value = cursor.value();
            if is_wanted(&name) && !fields.iter().any(|(field, _)| *field == name) {
                fields.push((name, value));
            }
        }
    }
    fields
}

/// The key that a JSON text is.
///
/// # Errors
/// [`Error::InvalidKey`] or [`Error::MalformedJson`].
pub fn read_key_text(json: &str) -> Result<Key<'_>> {
    read_key(&mut Cursor::new(json.as_bytes())?)
}

/// Appends a key as JSON.
pub fn write_key_text(json: &mut Vec<u8>, key: &Key<'_>) {
    write_key(json, key);
}

/// Appends `"error":{…}`, the field that a row has instead of outputs.
pub fn write_row_error(json: &mut Vec<u8>, row: usize, error: Error) {
    write_name(json, "error");
    json.extend(failure(&row_error(row, None, None, error), &RequestNames::default()));
}

/// Writes the outputs of a model row by row.
#[derive(Debug)]
pub struct RowWriter<'a> {
    columns: Vec<OutputColumn<'a>>,
}

impl<'a> RowWriter<'a> {
    /// Before the first of so many rows.
    ///
    /// # Errors
    /// [`Error::RowsChanged`] if an output does not have so many; [`Error::BinaryOnlyOutput`] if JSON cannot carry it.
    pub fn new(outputs: &'a [Tensor], n_rows: usize) -> Result<Self> {
        let columns =
            outputs.iter().map(|output| OutputColumn::new(output, n_rows)).collect::<Result<_>>()?;
        Ok(Self { columns })
    }

    /// Writes an output that `maps` has labels of as objects.
    #[must_use]
    pub fn named(self, maps: &'a Maps) -> Self {
        Self { columns: self.columns.into_iter().map(|column| column.named(maps)).collect() }
    }

    /// Appends the outputs of the next row as fields, separated by commas.
    pub fn write_next(&mut self, json: &mut Vec<u8>) {
        for (idx, column) in self.columns.iter_mut().enumerate() {
            if idx > 0 {
                json.push(b',');
            }
            write_name(json, column.name);
            column.write_row(json);
        }
    }
}

#[cfg(test)]
mod tests {
    use tensor::Datatype;

    use super::*;

    fn specs() -> Vec<TensorSpec> {
        let spec = |name: &str, shape: &[i64]| TensorSpec {
            name: name.to_owned(),
            datatype: Datatype::Uint8,
            shape: shape.to_vec(),
        };
        vec![spec("x", &[-1, 2]), spec("y", &[-1])]
    }

    #[test]
    fn rows_are_stacked_and_bad_ones_are_not() {
        let specs = specs();
        let maps = Maps::default();
        let mut reader = RowReader::new(&specs, &maps).unwrap();
        let is_wanted = |name: &str| ["id", "y"].contains(&name);
        let good = reader.read(br#"{"id":"a","x":[1,2],"y":3}"#, is_wanted);
        assert_eq!((good.fields, good.error), (vec![("id".into(), "\"a\""), ("y".into(), "3")], None));
        for (line, code) in [
            (r#"{"id":"b","x":[1,2,3],"y":3}"#, "wrong_shape"),
            (r#"{"x":[1,2],"id":"b","y":3,"z":0}"#, "unknown_field"),
            (r#"{"x":[1,2],"id":"b"}"#, "missing_input"),
            (r#"{"x":[1,2],"id":"b","id":"c","y":3}"#, "malformed_request"),
            (r#"{"x":[1,2],"id":"b","x":[1,2],"y":3}"#, "duplicate_input"),
        ] {
            let bad = reader.read(line.as_bytes(), is_wanted);
            assert_eq!(bad.error.unwrap().code(), code, "{line}");
            assert!(bad.fields.contains(&("id".into(), "\"b\"")), "{line}");
        }
        assert_eq!(reader.read(b"{\"x\":", is_wanted).error.unwrap().code(), "malformed_json");
        assert_eq!(reader.read(b"[1,2]", is_wanted).error.unwrap().code(), "bare_row");
        for row in [br#"{"y":0,"x":[0,0]}"#, br#"{"y":6,"x":[4,5]}"#] {
            assert!(reader.read(row, is_wanted).error.is_none());
            if reader.n_rows() == 2 && row.ends_with(b"[0,0]}") {
                reader.take_back();
            }
        }
        assert_eq!(reader.n_rows(), 2);
        let tensors = reader.into_tensors().unwrap();
        assert_eq!((tensors[0].data(), tensors[1].data()), (&[1, 2, 4, 5][..], &[3, 6][..]));
    }

    #[test]
    fn outputs_are_written_row_by_row() {
        let output =
            |name, shape, data: &[u8]| Tensor::new(name, Datatype::Uint8, shape, data.to_vec()).unwrap();
        let outputs = [output("a", vec![2, 2], &[1, 2, 3, 4]), output("b", vec![2], &[5, 6])];
        let mut writer = RowWriter::new(&outputs, 2).unwrap();
        let mut json = Vec::new();
        writer.write_next(&mut json);
        json.push(b' ');
        writer.write_next(&mut json);
        assert_eq!(json, br#""a":[1,2],"b":5 "a":[3,4],"b":6"#);
        assert!(matches!(RowWriter::new(&outputs, 3), Err(Error::RowsChanged { .. })));
    }

    #[test]
    fn a_key_is_a_string_or_a_whole_number() {
        let mut json = Vec::new();
        for text in ["\"a\\u00e9\"", "-7"] {
            write_key_text(&mut json, &read_key_text(text).unwrap());
        }
        assert_eq!(json, "\"aé\"-7".as_bytes());
        assert!(read_key_text("1.5").is_err() && read_key_text("null").is_err());
    }
}
