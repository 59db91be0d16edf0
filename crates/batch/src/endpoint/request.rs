//! Requests to an endpoint: which columns are sent, under which names, and their bytes. How they are sent is in `client`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use datafusion::arrow::array::{Array as _, ArrayRef, RecordBatch, new_empty_array};
use datafusion::arrow::compute::{cast, concat};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::arrow::ipc::writer::StreamWriter;

use crate::chunk::input_column;
use crate::function::argument_names;
use crate::job::Rows;
use crate::{Error, Predictor, Result};

/// The name under which the key is sent: no column of the model has it.
pub(super) const KEY: &str = "__key";

/// The columns that are sent of a chunk's rows.
pub(super) struct Columns {
    /// Where they are among those that were read.
    places: Vec<usize>,
    schema: SchemaRef,
    chunk: String,
    n_requests: AtomicU64,
}

/// A request.
pub(super) struct Request {
    /// What tells it from all others of the job.
    pub(super) id: String,
    pub(super) body: Bytes,
    /// The keys of all rows.
    pub(super) keys: ArrayRef,
    batches: Vec<RecordBatch>,
}

impl Columns {
    /// The key, and the inputs under the names that they have in process, so that errors speak of the same.
    ///
    /// # Errors
    /// [`Error::Internal`] if a column was not read.
    pub(super) fn new(read: &Schema, rows: &Rows, predictor: &Predictor, chunk: String) -> Result<Self> {
        let inputs = argument_names(&predictor.metadata().inputs, &rows.features);
        let names = std::iter::once(KEY.to_owned()).chain(inputs);
        let columns = std::iter::once(rows.key.clone()).chain((0..rows.features.len()).map(input_column));
        let (mut places, mut fields) = (Vec::new(), Vec::new());
        for (name, column) in names.zip(columns) {
            let (place, field) =
                read.column_with_name(&column).ok_or_else(|| Error::internal("an input was not read"))?;
            places.push(place);
            fields.push(Field::new(name, plain(field.data_type()), true));
        }
        let schema = Arc::new(Schema::new(fields));
        Ok(Self { places, schema, chunk, n_requests: AtomicU64::new(0) })
    }

    /// What is sent of these rows.
    ///
    /// # Errors
    /// [`Error::Query`] if the columns are not those that were announced.
    pub(super) fn of(&self, read: &RecordBatch) -> Result<RecordBatch> {
        let columns = read.project(&self.places)?;
        let columns = columns.columns().iter().zip(self.schema.fields());
        let columns = columns.map(|(column, field)| match column.data_type() {
            datatype if datatype == field.data_type() => Ok(Arc::clone(column)),
            _ => cast(column, field.data_type()),
        });
        Ok(RecordBatch::try_new(Arc::clone(&self.schema), columns.collect::<Result<_, _>>()?)?)
    }

    /// A request with these rows; without any, it asks for nothing but an answer.
    ///
    /// # Errors
    /// [`Error::Query`] if they cannot be encoded.
    pub(super) fn request(&self, batches: Vec<RecordBatch>) -> Result<Request> {
        let n_bytes = batches.iter().map(size).sum::<usize>();
        let mut writer = StreamWriter::try_new(Vec::with_capacity(n_bytes + n_bytes / 8), &self.schema)?;
        batches.iter().try_for_each(|batch| writer.write(batch))?;
        writer.finish()?;
        let body = Bytes::from(writer.into_inner()?);
        let number = self.n_requests.fetch_add(1, Ordering::Relaxed);
        Ok(Request { id: format!("{}-{number}", self.chunk), body, keys: self.keys(&batches)?, batches })
    }

    fn keys(&self, batches: &[RecordBatch]) -> Result<ArrayRef> {
        let keys: Vec<_> =
            batches.iter().filter_map(|batch| Some(batch.columns().first()?.as_ref())).collect();
        match (keys.is_empty(), self.schema.fields().first()) {
            (true, Some(key)) => Ok(new_empty_array(key.data_type())),
            _ => Ok(concat(&keys)?),
        }
    }
}

impl Request {
    /// How many rows it has.
    pub(super) fn n_rows(&self) -> usize {
        self.keys.len()
    }

    /// How many rows each micro-batch has.
    pub(super) fn lengths(&self) -> Vec<usize> {
        self.batches.iter().map(RecordBatch::num_rows).collect()
    }

    /// The rows of its two halves: whole micro-batches, if it has several.
    pub(super) fn halves(&self) -> (Vec<RecordBatch>, Vec<RecordBatch>) {
        if let [batch] = self.batches.as_slice() {
            let n_first = batch.num_rows() / 2;
            let second = batch.slice(n_first, batch.num_rows() - n_first);
            return (vec![batch.slice(0, n_first)], vec![second]);
        }
        let (first, second) = self.batches.split_at(self.batches.len() / 2);
        (first.to_vec(), second.to_vec())
    }
}

/// The bytes of the rows, about.
pub(super) fn size(batch: &RecordBatch) -> usize {
    let size = |column: &ArrayRef| column.to_data().get_slice_memory_size();
    batch.columns().iter().map(|column| size(column).unwrap_or_default()).sum()
}

/// The type in which a column is sent: a slice of views or of a dictionary would bring along all that it looks into.
fn plain(datatype: &DataType) -> DataType {
    match datatype {
        DataType::Utf8View => DataType::Utf8,
        DataType::BinaryView => DataType::Binary,
        DataType::Dictionary(_, values) => plain(values),
        datatype => datatype.clone(),
    }
}
