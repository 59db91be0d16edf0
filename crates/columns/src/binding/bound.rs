//! One input of a model, and the columns that it is made of.

use std::ops::Range;

use arrow_array::cast::AsArray as _;
use arrow_array::{Array as _, ArrayRef, RecordBatch};
use arrow_schema::DataType;
use arrow_select::take::take;
use half::{bf16, f16};
use tensor::{Datatype, Tensor, TensorSpec, encode_bytes_element};

use crate::Problem;
use crate::elements::Element;
use crate::fill::{binaries, fill};
use crate::lists::Leaves;
use crate::rows::Errors;

/// The bytes of a tensor that are filled from all columns before the next ones: little enough to stay in a processor's first cache.
const BLOCK_BYTES: usize = 8 << 10;

/// An input and where its rows come from.
#[derive(Clone, Debug)]
pub(super) struct Bound {
    // Invariant: has no rows, and all dimensions of a row.
    empty: Tensor,
    row_len: usize,
    pub(super) source: Source,
}

/// The columns of an input.
#[derive(Clone, Debug)]
pub(super) enum Source {
    /// A column for each element of a row: its place in the schema, and its name.
    Scalars(Vec<(usize, String)>),
    /// A column of lists, or of lists in lists, of these sizes.
    Lists { column: usize, name: String, sizes: Vec<usize> },
}

impl Source {
    pub(super) fn columns(&self) -> Vec<usize> {
        match self {
            Self::Scalars(columns) => columns.iter().map(|(place, _)| *place).collect(),
            Self::Lists { column, .. } => vec![*column],
        }
    }
}

/// Why no row of a batch has a value for an input.
struct Unfit {
    code: &'static str,
    message: String,
}

impl Bound {
    /// An input without columns.
    ///
    /// # Errors
    /// If its rows have no fixed shape, or its first dimension does not count them.
    pub(super) fn new(input: &TensorSpec) -> Result<Self, Problem> {
        let problem = || {
            let expected = "an input whose first dimension is `-1` and whose other dimensions are fixed";
            Problem::new(&input.name, expected, &format!("shape `{:?}`", input.shape))
        };
        let row_shape = input.row_shape().iter().map(|&dim| u64::try_from(dim).ok());
        let shape: Option<Vec<u64>> = std::iter::once(Some(0)).chain(row_shape).collect();
        let shape = shape.filter(|_| input.is_batched()).ok_or_else(problem)?;
        let row_len = shape.iter().skip(1).product::<u64>();
        let empty = Tensor::new(&input.name, input.datatype, shape, Vec::new()).map_err(|_| problem())?;
        let row_len = usize::try_from(row_len).map_err(|_| problem())?;
        Ok(Self { empty, row_len, source: Source::Scalars(Vec::new()) })
    }

    /// The input with these columns.
    pub(super) fn with(self, source: Source) -> Self {
        Self { source, ..self }
    }

    /// How many elements a row has.
    pub(super) const fn row_len(&self) -> usize {
        self.row_len
    }

    /// The rows of a batch, bad ones with anything in their place.
    pub(super) fn tensor(&self, batch: &RecordBatch, errors: &mut Errors) -> Tensor {
        let n_rows = batch.num_rows();
        let shape = || {
            let row_shape = self.empty.shape().iter().skip(1).copied();
            std::iter::once(n_rows as u64).chain(row_shape).collect()
        };
        let tensor = self.data(batch, errors).and_then(|data| {
            Tensor::new(self.empty.name(), self.empty.datatype(), shape(), data)
                .map_err(|error| too_large(&error.to_string()))
        });
        tensor.unwrap_or_else(|unfit| {
            for row in 0..n_rows {
                errors.add(row, unfit.code, self.empty.name(), || unfit.message.clone());
            }
            self.empty.clone()
        })
    }

    fn data(&self, batch: &RecordBatch, errors: &mut Errors) -> Result<Vec<u8>, Unfit> {
        match self.empty.datatype() {
            Datatype::Bool => self.numbers::<bool>(batch, errors),
            Datatype::Uint8 => self.numbers::<u8>(batch, errors),
            Datatype::Uint16 => self.numbers::<u16>(batch, errors),
            Datatype::Uint32 => self.numbers::<u32>(batch, errors),
            Datatype::Uint64 => self.numbers::<u64>(batch, errors),
            Datatype::Int8 => self.numbers::<i8>(batch, errors),
            Datatype::Int16 => self.numbers::<i16>(batch, errors),
            Datatype::Int32 => self.numbers::<i32>(batch, errors),
            Datatype::Int64 => self.numbers::<i64>(batch, errors),
            Datatype::Fp16 => self.numbers::<f16>(batch, errors),
            Datatype::Bf16 => self.numbers::<bf16>(batch, errors),
            Datatype::Fp32 => self.numbers::<f32>(batch, errors),
            Datatype::Fp64 => self.numbers::<f64>(batch, errors),
            Datatype::Bytes => self.byte_strings(batch, errors),
        }
    }

    fn numbers<E: Element>(&self, batch: &RecordBatch, errors: &mut Errors) -> Result<Vec<u8>, Unfit> {
        let row_bytes = size_of::<E::Bytes>() * self.row_len;
        let n_bytes =
            batch.num_rows().checked_mul(row_bytes).filter(|&n_bytes| u32::try_from(n_bytes).is_ok());
        let mut data = vec![0; n_bytes.ok_or_else(|| too_large("too many rows at once"))?];
        match &self.source {
            Source::Scalars(columns) => {
                let columns = self.unpacked(batch, columns)?;
                self.fill_scalars::<E>(&columns, &mut data, errors)?;
            }
            Source::Lists { column, name, sizes } => {
                let leaves = self.leaves(batch, *column, name, sizes)?;
                self.fill_lists::<E>(name, &leaves, &mut data, errors)?;
            }
        }
        Ok(data)
    }

    /// Fills a tensor from a column per element, block by block.
    fn fill_scalars<E: Element>(
        &self,
        columns: &[(ArrayRef, &str)],
        data: &mut [u8],
        errors: &mut Errors,
    ) -> Result<(), Unfit> {
        let size = size_of::<E::Bytes>();
        let row_bytes = size * self.row_len;
        if row_bytes == 0 {
            return Ok(());
        }
        let block_rows = (BLOCK_BYTES / row_bytes).max(1);
        for (block_idx, block) in data.chunks_mut(block_rows * row_bytes).enumerate() {
            let first_row = block_idx * block_rows;
            let rows = first_row..first_row + block.len() / row_bytes;
            for (element_idx, (column, name)) in columns.iter().enumerate() {
                let block = block.get_mut(element_idx * size..).unwrap_or_default();
                let mut on_bad = |idx: usize, found: &dyn std::fmt::Display| {
                    errors.add(first_row + idx, "wrong_element", self.empty.name(), || {
                        self.wrong_element(name, None, found)
                    });
                };
                fill::<E>(column, rows.clone(), block, self.row_len, &mut on_bad)
                    .ok_or_else(|| changed(name))?;
            }
        }
        Ok(())
    }

    fn fill_lists<E: Element>(
        &self,
        name: &str,
        leaves: &Leaves,
        data: &mut [u8],
        errors: &mut Errors,
    ) -> Result<(), Unfit> {
        let row_len = self.row_len;
        if row_len == 0 {
            return Ok(());
        }
        let fill_rows = |first_row: usize, range: Range<usize>, data: &mut [u8], errors: &mut Errors| {
            let mut on_bad = |idx: usize, found: &dyn std::fmt::Display| {
                let message = || self.wrong_element(name, Some(idx % row_len), found);
                errors.add(first_row + idx / row_len, "wrong_element", self.empty.name(), message);
            };
            fill::<E>(&leaves.values, range, data, 1, &mut on_bad).ok_or_else(|| changed(name))
        };
        if let Some(start) = leaves.contiguous(row_len) {
            return fill_rows(0, start..start + leaves.starts.len() * row_len, data, errors);
        }
        let rows = data.chunks_mut(row_len * size_of::<E::Bytes>()).zip(&leaves.starts).enumerate();
        for (row, (data, start)) in rows {
            match start {
                Ok(start) => fill_rows(row, *start..start + row_len, data, errors)?,
                Err(found) => self.add_wrong_shape(row, name, found, errors),
            }
        }
        Ok(())
    }

    fn byte_strings(&self, batch: &RecordBatch, errors: &mut Errors) -> Result<Vec<u8>, Unfit> {
        match &self.source {
            Source::Scalars(columns) => {
                let columns = self.unpacked(batch, columns)?;
                self.byte_strings_of_scalars(&columns, batch.num_rows(), errors)
            }
            Source::Lists { column, name, sizes } => {
                let leaves = self.leaves(batch, *column, name, sizes)?;
                self.byte_strings_of_lists(name, &leaves, errors)
            }
        }
    }

    fn byte_strings_of_scalars(
        &self,
        columns: &[(ArrayRef, &str)],
        n_rows: usize,
        errors: &mut Errors,
    ) -> Result<Vec<u8>, Unfit> {
        let elements =
            columns.iter().map(|(column, name)| Ok((binaries(column).ok_or_else(|| changed(name))?, *name)));
        let mut elements = elements.collect::<Result<Vec<_>, _>>()?;
        let mut data = Vec::new();
        for row in 0..n_rows {
            for (elements, name) in &mut elements {
                let element = elements.next().flatten();
                encode_bytes_element(&mut data, element.unwrap_or_default());
                if element.is_none() {
                    errors.add(row, "wrong_element", self.empty.name(), || {
                        self.wrong_element(name, None, &"null")
                    });
                }
            }
        }
        Ok(data)
    }

    fn byte_strings_of_lists(
        &self,
        name: &str,
        leaves: &Leaves,
        errors: &mut Errors,
    ) -> Result<Vec<u8>, Unfit> {
        let mut data = Vec::new();
        for (row, start) in leaves.starts.iter().enumerate() {
            let range = match start {
                Ok(start) if start + self.row_len <= leaves.values.len() => *start..start + self.row_len,
                Ok(_) => return Err(changed(name)),
                Err(found) => {
                    self.add_wrong_shape(row, name, found, errors);
                    (0..self.row_len).for_each(|_| encode_bytes_element(&mut data, b""));
                    continue;
                }
            };
            let row_values = leaves.values.slice(range.start, range.len());
            for (idx, element) in binaries(&row_values).ok_or_else(|| changed(name))?.enumerate() {
                encode_bytes_element(&mut data, element.unwrap_or_default());
                if element.is_none() {
                    let message = || self.wrong_element(name, Some(idx), &"null");
                    errors.add(row, "wrong_element", self.empty.name(), message);
                }
            }
        }
        Ok(data)
    }

    fn unpacked<'a>(
        &self,
        batch: &RecordBatch,
        columns: &'a [(usize, String)],
    ) -> Result<Vec<(ArrayRef, &'a str)>, Unfit> {
        let column = |(place, name): &'a (usize, String)| {
            let column = batch.columns().get(*place).and_then(unpacked);
            column.map(|column| (column, name.as_str())).ok_or_else(|| changed(name))
        };
        columns.iter().map(column).collect()
    }

    fn leaves(
        &self,
        batch: &RecordBatch,
        column: usize,
        name: &str,
        sizes: &[usize],
    ) -> Result<Leaves, Unfit> {
        let leaves = || {
            let leaves = Leaves::new(batch.columns().get(column)?, sizes)?;
            Some(Leaves { values: unpacked(&leaves.values)?, ..leaves })
        };
        leaves().ok_or_else(|| changed(name))
    }

    fn add_wrong_shape(&self, row: usize, name: &str, found: &str, errors: &mut Errors) {
        let message = || {
            let row_shape = self.empty.shape().get(1..).unwrap_or_default();
            format!("column `{name}`: expected a row of shape `{row_shape:?}`, found {found}")
        };
        errors.add(row, "wrong_shape", self.empty.name(), message);
    }

    fn wrong_element(&self, column: &str, element: Option<usize>, found: &dyn std::fmt::Display) -> String {
        let datatype = self.empty.datatype();
        match element {
            None => format!("column `{column}`: expected `{datatype}`, found `{found}`"),
            Some(element) => {
                format!("column `{column}`: expected `{datatype}` at element `{element}`, found `{found}`")
            }
        }
    }
}

/// The values that a dictionary's keys stand for; any other array itself.
fn unpacked(column: &ArrayRef) -> Option<ArrayRef> {
    if !matches!(column.data_type(), DataType::Dictionary(..)) {
        return Some(column.clone());
    }
    let dictionary = column.as_any_dictionary_opt()?;
    take(dictionary.values(), dictionary.keys(), None).ok()
}

fn changed(column: &str) -> Unfit {
    Unfit {
        code: "wrong_datatype",
        message: format!("column `{column}`: expected the column that was bound, found another"),
    }
}

fn too_large(reason: &str) -> Unfit {
    Unfit { code: "shape_overflow", message: reason.to_owned() }
}
