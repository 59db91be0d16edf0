//! An input in JSON row by row: a row that cannot be read is remembered as bad, and its elements are taken back, so the tensor holds
//! whole rows only.
//!
//! The rows of nested data are what it lists, some of them lists themselves. Flat data has as many elements a row as the shape says. Errors count the elements
//! of one row.

use tensor::{Datatype, Tensor};

use super::input::{Input, check_sizes};
use crate::cursor::Cursor;
use crate::elements::{ElementReader, read_elements};
use crate::partition::{BadRows, MAX_BAD_ROWS, row_error};
use crate::{Error, Result};

/// The tensor called `input` without its bad rows, and these.
///
/// # Errors
/// Those of reading it as a whole, if what is wrong cannot be told of single rows: data that is no list, or has not as many elements
/// or rows as the shape says. [`Error::Row`] if more rows are bad than are reported.
pub(super) fn read_rows(
    input: &str,
    datatype: Datatype,
    shape: Vec<u64>,
    mut cursor: Cursor<'_>,
) -> Result<(Tensor, BadRows)> {
    let Some(form) = Form::of(cursor.clone(), &shape) else {
        let elements = read_elements(input, datatype, &shape, &mut cursor)?;
        check_sizes(input, &shape, &elements.sizes)?;
        return Ok((Tensor::new(input, datatype, shape, elements.data)?, BadRows::default()));
    };
    let row_shape = shape.get(1..).unwrap_or_default();
    let mut rows =
        Rows { input, row_shape, elements: ElementReader::new(input, datatype)?, bad: BadRows::default() };
    cursor.enter_array();
    match form {
        Form::Nested => rows.read_nested(&mut cursor)?,
        Form::Flat { row_len } => rows.read_flat(&mut cursor, row_len)?,
    }
    let Rows { elements, bad, .. } = rows;
    let n_rows = shape.first().map(|&n_rows| n_rows.saturating_sub(bad.len() as u64));
    let shape = n_rows.into_iter().chain(row_shape.iter().copied()).collect();
    Ok((Tensor::new(input, datatype, shape, elements.into_data())?, bad))
}

/// An input in binary form without the rows that hold a `BOOL` that is neither 0 nor 1. No other bytes are wrong in any model.
///
/// # Errors
/// Those of [`BadRows::push`].
pub(super) fn without_wrong_bools(input: Input) -> Result<Input> {
    let tensor = &input.tensor;
    let row_len = (tensor.len() as u64).checked_div(tensor.rows().unwrap_or_default()).unwrap_or_default();
    if tensor.datatype() != Datatype::Bool || !input.is_binary || row_len == 0 {
        return Ok(input);
    }
    let mut bad = BadRows::default();
    let rows = tensor.data().chunks_exact(usize::try_from(row_len).unwrap_or(usize::MAX));
    for (row, bytes) in rows.enumerate() {
        if let Some((element, byte)) = bytes.iter().enumerate().find(|(_, byte)| **byte > 1) {
            let (input, found) = (tensor.name().to_owned(), byte.to_string());
            bad.push(row, Error::WrongElement { input, datatype: Datatype::Bool, element, found })?;
        }
    }
    Ok(Input { tensor: input.tensor.without_rows(&bad.indexes()), is_binary: true, bad })
}

/// How the rows stand in the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Nested,
    Flat { row_len: usize },
}

impl Form {
    /// The form of the list that comes next, for a tensor of this shape; `None` if it has neither as many rows nor as many elements.
    fn of(mut cursor: Cursor<'_>, shape: &[u64]) -> Option<Self> {
        let (&n_rows, row_shape) = shape.split_first()?;
        if !cursor.enter_array() {
            return None;
        }
        let is_list_first = cursor.peek() == Some(b'[');
        let (mut n_items, mut has_lists) = (0_u64, false);
        while cursor.next_element() {
            has_lists |= cursor.value().starts_with('[');
            n_items += 1;
        }
        let row_len = row_shape.iter().try_fold(1_u64, |product, &dim| product.checked_mul(dim));
        let is_flat = row_len.and_then(|row_len| row_len.checked_mul(n_rows)) == Some(n_items);
        let is_nested = !row_shape.is_empty() && n_items == n_rows && has_lists;
        match row_len.and_then(|row_len| usize::try_from(row_len).ok()) {
            Some(row_len) if is_flat && !(is_nested && is_list_first) => Some(Self::Flat { row_len }),
            _ => is_nested.then_some(Self::Nested),
        }
    }
}

struct Rows<'a> {
    input: &'a str,
    row_shape: &'a [u64],
    elements: ElementReader<'a>,
    bad: BadRows,
}

impl Rows<'_> {
    fn read_nested(&mut self, cursor: &mut Cursor<'_>) -> Result<()> {
        let mut row = 0;
        while cursor.next_element() {
            let (start, end) = (cursor.clone(), self.elements.len());
            if let Err(error) = self.read_row(cursor) {
                self.take_back(row, end, error)?;
                *cursor = start;
                cursor.value();
            }
            row += 1;
        }
        Ok(())
    }

    fn read_row(&mut self, cursor: &mut Cursor<'_>) -> Result<()> {
        let found = self.elements.read(cursor)?;
        if found == self.row_shape {
            return Ok(());
        }
        let expected = self.row_shape.iter().map(|&dim| i64::try_from(dim).unwrap_or(i64::MAX)).collect();
        Err(Error::WrongRowShape { input: self.input.to_owned(), expected, found })
    }

    fn read_flat(&mut self, cursor: &mut Cursor<'_>, row_len: usize) -> Result<()> {
        let (mut row, mut element, mut end, mut is_bad) = (0, 0, 0, false);
        while cursor.next_element() {
            let start = cursor.clone();
            let read = if is_bad { Ok(()) } else { self.elements.read_one(cursor, element) };
            if let Err(error) = read {
                self.take_back(row, end, error)?;
                is_bad = true;
            }
            if is_bad {
                *cursor = start;
                cursor.value();
            }
            element += 1;
            if element == row_len {
                (row, element, end, is_bad) = (row + 1, 0, self.elements.len(), false);
            }
        }
        Ok(())
    }

    /// Takes back what was read of a bad row after the first `end` bytes.
    fn take_back(&mut self, row: usize, end: usize, error: Error) -> Result<()> {
        self.elements.truncate(end);
        self.bad.push(row, error)?;
        match self.bad.first() {
            Some((row, error)) if self.bad.len() > MAX_BAD_ROWS => {
                Err(row_error(row, None, None, error.clone()))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(datatype: Datatype, shape: &[u64], data: &str) -> Result<(Tensor, Vec<(usize, String)>)> {
        let (tensor, bad) = read_rows("x", datatype, shape.to_vec(), Cursor::new(data.as_bytes())?)?;
        Ok((tensor, bad.into_iter().map(|(row, error)| (row, error.to_string())).collect()))
    }

    #[track_caller]
    fn check(shape: &[u64], data: &str, expect_shape: &[u64], expect: &[u8], bad: &[(usize, &str)]) {
        let (tensor, found) = read(Datatype::Uint8, shape, data).unwrap();
        assert_eq!((tensor.shape(), tensor.data()), (expect_shape, expect));
        assert!(found.iter().map(|(row, error)| (*row, error.as_str())).eq(bad.iter().copied()), "{found:?}");
    }

    const WRONG_SECOND: &str = "tensor `x`: expected `UINT8` at element `1`, found `\"a\"`";
    const WRONG_LIST: &str = "tensor `x`: expected `UINT8` at element `0`, found `[2]`";

    #[test]
    fn rows_of_flat_data_are_as_long_as_the_shape_says() {
        check(&[3, 2], r#"[1,"a",3,4,-5,"b"]"#, &[1, 2], &[3, 4], &[(0, WRONG_SECOND), (2, WRONG_NEGATIVE)]);
        check(&[3], "[1,[2],3]", &[2], &[1, 3], &[(1, WRONG_LIST)]);
        check(&[2, 2], "[1,2,[2],4]", &[1, 2], &[1, 2], &[(1, WRONG_LIST)]);
        check(&[2, 1], "[1,[2]]", &[1, 1], &[1], &[(1, WRONG_LIST)]);
    }

    const WRONG_NEGATIVE: &str = "tensor `x`: expected `UINT8` at element `0`, found `-5`";

    #[test]
    fn rows_of_nested_data_are_its_lists() {
        let short = "tensor `x`: expected a row of shape `[2]`, found `[1]`";
        let bare = "tensor `x`: expected a row of shape `[2]`, found `[]`";
        let ragged = "tensor `x`: expected nested lists of equal lengths, found a difference at element `1`";
        check(&[3, 2], r#"[[1,"a"],[3,4],[5]]"#, &[1, 2], &[3, 4], &[(0, WRONG_SECOND), (2, short)]);
        check(&[3, 2], "[7,[3,4],[5,[6]]]", &[1, 2], &[3, 4], &[(0, bare), (2, ragged)]);
        check(
            &[2, 1],
            "[[1],2]",
            &[1, 1],
            &[1],
            &[(1, "tensor `x`: expected a row of shape `[1]`, found `[]`")],
        );
        check(
            &[2, 0],
            "[[],[1]]",
            &[1, 0],
            &[],
            &[(1, "tensor `x`: expected a row of shape `[0]`, found `[1]`")],
        );
    }

    #[test]
    fn a_short_row_costs_no_room_for_a_long_one() {
        let huge = [3, 1 << 20, 1 << 10];
        let (tensor, bad) = read(Datatype::Uint8, &huge, "[0,[],\"\"]").unwrap();
        assert_eq!((tensor.shape(), bad.len()), ([0, 1 << 20, 1 << 10].as_slice(), 3));
    }

    #[test]
    fn what_no_row_has_is_the_whole_datas() {
        let error = |shape: &[u64], data: &str| read(Datatype::Uint8, shape, data).unwrap_err().to_string();
        let sizes = "tensor `x`: expected data for shape `[2, 2]`, flat or nested, found sizes `[3]`";
        assert_eq!(error(&[2, 2], "[1,2,3]"), sizes);
        assert_eq!(error(&[1], "\"a\""), "tensor `x`: expected `UINT8` at element `0`, found `\"a\"`");
        let malformed = read(Datatype::Bytes, &[2], r#"["\ud800",1]"#).unwrap_err();
        assert_eq!(malformed.code(), "malformed_json");
    }

    #[test]
    fn a_row_with_a_byte_that_is_no_truth_value_is_bad() {
        let bools = |shape: &[u64], bytes: &[u8]| {
            let tensor = Tensor::new("x", Datatype::Bool, shape.to_vec(), bytes.to_vec()).unwrap();
            without_wrong_bools(Input { tensor, is_binary: true, bad: BadRows::default() }).unwrap()
        };
        let found = bools(&[3, 2], &[0, 1, 1, 2, 255, 3]);
        assert_eq!((found.tensor.data(), found.shape()), ([0, 1].as_slice(), vec![3, 2]));
        let errors: Vec<_> = found.bad.into_iter().map(|(row, error)| (row, error.to_string())).collect();
        let error =
            |element, found| format!("tensor `x`: expected `BOOL` at element `{element}`, found `{found}`");
        assert_eq!(errors, [(1, error(1, "2")), (2, error(0, "255"))]);
        assert_eq!(bools(&[0, 2], &[]).bad, BadRows::default());
        assert_eq!(bools(&[2, 0], &[]).shape(), [2, 0]);
        assert_eq!(bools(&[], &[2]).bad, BadRows::default());
    }

    #[test]
    fn too_many_bad_rows_are_the_error_of_the_first() {
        let n_rows = MAX_BAD_ROWS + 1;
        let data = format!("[{}\"a\"]", "0,\"a\",".repeat(n_rows - 1) + "0,");
        let error = read(Datatype::Uint8, &[n_rows as u64, 2], &data).unwrap_err();
        assert_eq!(error.to_string(), format!("row `0`: {WRONG_SECOND}"));
    }
}
