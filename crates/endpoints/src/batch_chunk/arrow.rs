//! Rows as record batches: `application/vnd.apache.arrow.stream`. The answer has the key's column, those that are kept, one for each output
//! and `error`: null, or `{"error", "code", "input", "row"}` in JSON. It has a record batch for each micro-batch.
//!
//! The id of the chunk is among the schema's metadata. A stream without its end-of-stream marker is cut off; one with compressed buffers,
//! delta dictionaries or types beyond numbers, texts, binaries, times and lists of these is not read. A chunk that cannot be answered to
//! its end has no end-of-stream marker.

mod message;
mod schema;
mod stream;

use std::collections::{BTreeMap, HashMap};
use std::io::{BufRead, Write};
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, StringArray};
use arrow_ipc::writer::StreamWriter;
use arrow_schema::{ArrowError, Schema, SchemaRef};

use self::stream::Stream;
use super::CHUNK_ID;
use super::chunk::Chunk;
use super::error::{Error, Fault, Result};
use super::table::{Predicted, Table, error_field};
use crate::Model;

/// How errors call the format.
const FORMAT: &str = "Arrow stream";

/// Answers the rows of a body.
pub(super) fn answer_rows<M: Model>(
    chunk: &Chunk<'_, M>,
    input: impl BufRead,
    output: &mut impl Write,
) -> Result<()> {
    let mut stream = Stream::open(input, chunk.config.predict.max_body_bytes)?;
    let table = Table::new(chunk, stream.schema())?;
    let schema = answer_schema(chunk, &table, stream.schema());
    let mut writer = StreamWriter::try_new(output, &schema).map_err(not_written)?;
    let mut first_row = 0;
    while let Some(batch) = stream.next_batch()? {
        for start in (0..batch.num_rows()).step_by(chunk.micro_batch) {
            let rows = batch.slice(start, chunk.micro_batch.min(batch.num_rows() - start));
            let predicted = table.predict(chunk, &rows, BTreeMap::new())?;
            writer
                .write(&answer_batch(&table, &schema, &rows, predicted, first_row)?)
                .map_err(not_written)?;
            first_row += rows.num_rows() as u64;
        }
        writer.flush().map_err(not_written)?;
    }
    writer.finish().map_err(not_written)
}

/// The columns of the answer.
fn answer_schema<M>(chunk: &Chunk<'_, M>, table: &Table, rows: &Schema) -> SchemaRef {
    let given = table.key.iter().chain(&table.kept).filter_map(|&place| rows.fields().get(place).cloned());
    let outputs = table.outputs.iter().cloned().chain([error_field()]).map(Arc::new);
    let id = chunk.parameters.chunk.as_ref().and_then(|id| id.to_str().ok());
    let metadata: HashMap<String, String> =
        id.map(|id| (CHUNK_ID.as_str().to_owned(), id.to_owned())).into_iter().collect();
    Arc::new(Schema::new_with_metadata(given.chain(outputs).collect::<Vec<_>>(), metadata))
}

fn answer_batch(
    table: &Table,
    schema: &SchemaRef,
    rows: &RecordBatch,
    predicted: Predicted,
    first_row: u64,
) -> Result<RecordBatch> {
    let given = table.key.iter().chain(&table.kept).filter_map(|&place| rows.columns().get(place).cloned());
    let errors = errors(&predicted.faults, rows.num_rows(), first_row);
    let columns = given.chain(predicted.outputs).chain([errors]).collect();
    RecordBatch::try_new(schema.clone(), columns).map_err(not_written)
}

fn errors(faults: &BTreeMap<usize, Fault>, n_rows: usize, first_row: u64) -> ArrayRef {
    let error = |row| faults.get(&row).map(|fault: &Fault| fault.to_json(first_row + row as u64));
    Arc::new((0..n_rows).map(error).collect::<StringArray>())
}

fn not_written(error: ArrowError) -> Error {
    match error {
        ArrowError::IoError(_, error) => Error::Write(error),
        error => Error::Write(std::io::Error::other(error)),
    }
}

fn malformed(reason: impl Into<String>) -> Error {
    Error::Malformed { format: FORMAT, reason: reason.into() }
}
