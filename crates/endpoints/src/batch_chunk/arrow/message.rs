//! The columns of a record batch: cut out of the body of a message, and checked before anything relies on them.
//!
//! Source: Arrow columnar format, "RecordBatch message", <https://arrow.apache.org/docs/format/Columnar.html#recordbatch-message>.

use std::collections::{HashMap, VecDeque};

use arrow_array::{Array as _, ArrayRef, RecordBatch, RecordBatchOptions, make_array, new_empty_array};
use arrow_buffer::Buffer;
use arrow_data::{ArrayData, ArrayDataBuilder, BufferSpec, layout};
use arrow_ipc::{DictionaryBatch, FieldNode};
use arrow_schema::{ArrowError, DataType, Field, SchemaRef};

use super::super::error::Result;
use super::malformed;
use super::schema::dictionary_id;

/// More rows than bits are rows of nothing.
const BITS: usize = 8;

/// What is left of a record batch.
pub(super) struct Columns<'m> {
    n_rows: usize,
    nodes: VecDeque<&'m FieldNode>,
    buffers: VecDeque<&'m arrow_ipc::Buffer>,
    /// How many buffers of data each column of views has.
    n_view_buffers: VecDeque<i64>,
    body: Buffer,
    dictionaries: &'m HashMap<i64, ArrayRef>,
}

impl<'m> Columns<'m> {
    /// All columns.
    pub(super) fn new(
        batch: arrow_ipc::RecordBatch<'m>,
        body: Buffer,
        dictionaries: &'m HashMap<i64, ArrayRef>,
    ) -> Result<Self> {
        if batch.compression().is_some() {
            return Err(malformed("expected buffers as they are, found compressed ones"));
        }
        let n_rows = usize::try_from(batch.length()).ok().filter(|&n_rows| n_rows / BITS <= body.len());
        Ok(Self {
            n_rows: n_rows.ok_or_else(|| malformed("more rows than there is data"))?,
            nodes: batch.nodes().into_iter().flatten().collect(),
            buffers: batch.buffers().into_iter().flatten().collect(),
            n_view_buffers: batch.variadicBufferCounts().into_iter().flatten().collect(),
            body,
            dictionaries,
        })
    }

    /// The record batch of these columns.
    pub(super) fn record_batch(mut self, schema: &SchemaRef) -> Result<RecordBatch> {
        let columns = schema.fields().iter().map(|field| Ok(make_array(self.column(field)?)));
        let columns = columns.collect::<Result<Vec<_>>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(self.n_rows));
        RecordBatch::try_new_with_options(schema.clone(), columns, &options).map_err(wrong)
    }

    fn column(&mut self, field: &Field) -> Result<ArrayData> {
        let node = self.nodes.pop_front().ok_or_else(|| malformed("fewer columns than the schema has"))?;
        // No column is longer than the body has bits, were it a list's.
        let length = usize::try_from(node.length()).ok().filter(|&length| length / BITS <= self.body.len());
        let length = length.ok_or_else(|| malformed("a column longer than its data"))?;
        let mut builder = ArrayData::builder(field.data_type().clone()).len(length).align_buffers(true);
        if *field.data_type() != DataType::Null {
            builder = self.with_nulls(builder, length, node.null_count() != 0)?;
        }
        self.with_data(builder, field)?.build().map_err(wrong)
    }

    fn with_nulls(
        &mut self,
        builder: ArrayDataBuilder,
        length: usize,
        has_nulls: bool,
    ) -> Result<ArrayDataBuilder> {
        let nulls = self.buffer()?;
        if !has_nulls {
            return Ok(builder);
        }
        if nulls.len() < length.div_ceil(BITS) {
            return Err(malformed("a column whose nulls are cut off"));
        }
        Ok(builder.null_bit_buffer(Some(nulls)))
    }

    fn with_data(&mut self, mut builder: ArrayDataBuilder, field: &Field) -> Result<ArrayDataBuilder> {
        let layout = layout(field.data_type());
        for spec in &layout.buffers {
            builder = builder.add_buffer(whole_elements(self.buffer()?, spec));
        }
        if layout.variadic {
            let n_buffers =
                self.n_view_buffers.pop_front().and_then(|n_buffers| usize::try_from(n_buffers).ok());
            for _ in 0..n_buffers.ok_or_else(|| malformed("a column of views without data"))? {
                builder = builder.add_buffer(self.buffer()?);
            }
        }
        match field.data_type() {
            DataType::List(child) | DataType::LargeList(child) | DataType::FixedSizeList(child, _) => {
                Ok(builder.add_child_data(self.column(child)?))
            }
            DataType::Struct(children) => children
                .iter()
                .try_fold(builder, |builder, child| Ok(builder.add_child_data(self.column(child)?))),
            DataType::Dictionary(_, values) => {
                let dictionary = dictionary_id(field).and_then(|id| self.dictionaries.get(&id));
                // A column of nulls alone may have no dictionary.
                let values =
                    dictionary.map_or_else(|| new_empty_array(values).to_data(), |values| values.to_data());
                Ok(builder.add_child_data(values))
            }
            _ => Ok(builder),
        }
    }

    fn buffer(&mut self) -> Result<Buffer> {
        let place =
            self.buffers.pop_front().ok_or_else(|| malformed("fewer buffers than the columns have"))?;
        let (offset, length) = (usize::try_from(place.offset()), usize::try_from(place.length()));
        match (offset, length) {
            (Ok(offset), Ok(length))
                if offset.checked_add(length).is_some_and(|end| end <= self.body.len()) =>
            {
                Ok(self.body.slice_with_length(offset, length))
            }
            _ => Err(malformed("a buffer outside of its message")),
        }
    }
}

/// A buffer without the bytes after its last whole element, which nothing that reads elements expects.
fn whole_elements(buffer: Buffer, spec: &BufferSpec) -> Buffer {
    match spec {
        BufferSpec::FixedWidth { byte_width, .. } => {
            let surplus = buffer.len().checked_rem(*byte_width).unwrap_or_default();
            buffer.slice_with_length(0, buffer.len() - surplus)
        }
        _ => buffer,
    }
}

/// The values of a dictionary.
pub(super) fn dictionary(
    batch: DictionaryBatch<'_>,
    body: Buffer,
    values: &Field,
    dictionaries: &HashMap<i64, ArrayRef>,
) -> Result<ArrayRef> {
    if batch.isDelta() {
        return Err(malformed("expected whole dictionaries, found a delta"));
    }
    let columns = batch.data().ok_or_else(|| malformed("a dictionary without values"))?;
    let array = Columns::new(columns, body, dictionaries)?.column(values)?;
    Ok(make_array(array))
}

fn wrong(error: ArrowError) -> super::Error {
    malformed(error.to_string())
}
