//! Rows as records: `text/csv` as RFC 4180 has it, the first record the columns' names. The answer has the key's column, those that are
//! kept, the outputs, and `error`: empty, or a code and a sentence. An output of several elements has a column for each,
//! `<output>_0`, `<output>_1` and so on, row-major.
//!
//! Fields are read as [`columns`] reads texts: numbers as JSON writes them, and nothing for null. A key that is nothing is missing. NaN is
//! written as nothing, an infinity as `inf` or `-inf`.
//!
//! A chunk that cannot be answered to its end has a last record of one field: the code and the sentence.
//!
//! Source: RFC 4180, <https://www.rfc-editor.org/rfc/rfc4180>.

mod records;
mod write;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{BufRead, Write};
use std::sync::Arc;

use arrow_array::builder::StringBuilder;
use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};

use self::records::{Fields, Record, Records};
use self::write::{header, write_field, write_rows};
use super::chunk::Chunk;
use super::error::{Error, Fault, Result};
use super::table::Table;
use crate::Model;

/// How errors call the format.
const FORMAT: &str = "CSV";

/// What some programs put before a text.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// Answers the rows of a body.
pub(super) fn answer_rows<M: Model>(
    chunk: &Chunk<'_, M>,
    input: impl BufRead,
    output: &mut impl Write,
) -> Result<()> {
    let mut records = Records::new(input, chunk.config.row_bytes);
    let schema = read_header(&mut records)?;
    let table = Table::new(chunk, &schema)?;
    let mut csv = header(&table, &schema)?;
    loop {
        output.write_all(&csv).map_err(Error::Write)?;
        let (batch, faults) = read_batch(chunk, &table, &schema, &mut records)?;
        if batch.num_rows() == 0 {
            return Ok(());
        }
        let predicted = table.predict(chunk, &batch, faults)?;
        csv = write_rows(&table, &batch, &predicted);
    }
}

/// The last record of a chunk that could not be answered to its end.
pub(super) fn write_failure(error: &Error, output: &mut impl Write) -> std::io::Result<()> {
    let mut csv = Vec::new();
    write_field(&mut csv, &format!("{}: {error}", error.code()));
    csv.extend_from_slice(b"\r\n");
    output.write_all(&csv)
}

fn read_header(records: &mut Records<impl BufRead>) -> Result<SchemaRef> {
    let malformed = |reason: &str| Error::Malformed { format: FORMAT, reason: reason.to_owned() };
    let fields = match records.next_record()? {
        None => return Err(malformed("expected a record of column names, found nothing")),
        Some(Record::TooLong { .. }) => return Err(malformed("the record of column names is too long")),
        Some(Record::Fields(fields)) => fields,
    };
    let mut columns = Vec::new();
    for name in fields {
        let name = std::str::from_utf8(name).map_err(|_| malformed("the column names are not UTF-8"))?;
        let name = if columns.is_empty() { name.trim_start_matches(BYTE_ORDER_MARK) } else { name };
        columns.push(Field::new(name, DataType::Utf8, true));
    }
    Ok(Arc::new(Schema::new(columns)))
}

fn read_batch<M: Model>(
    chunk: &Chunk<'_, M>,
    table: &Table,
    schema: &SchemaRef,
    records: &mut Records<impl BufRead>,
) -> Result<(RecordBatch, BTreeMap<usize, Fault>)> {
    let mut columns: Vec<StringBuilder> =
        schema.fields().iter().map(|_| StringBuilder::with_capacity(0, 0)).collect();
    let mut faults = BTreeMap::new();
    let (mut n_rows, mut n_bytes) = (0, 0);
    while n_rows < chunk.micro_batch && n_bytes < chunk.config.micro_batch_bytes {
        let Some(record) = records.next_record()? else { break };
        let fault = match record {
            Record::Fields(fields) => {
                n_bytes += fields.n_bytes();
                add_fields(&mut columns, fields, table.key)
            }
            Record::TooLong { limit } => {
                columns.iter_mut().for_each(StringBuilder::append_null);
                let expected = format!("expected a record of at most `{limit}` bytes, found more");
                Some(Fault::new("body_too_large", expected))
            }
        };
        faults.extend(fault.map(|fault| (n_rows, fault)));
        n_rows += 1;
    }
    let columns = columns.into_iter().map(|mut column| Arc::new(column.finish()) as ArrayRef).collect();
    let options = RecordBatchOptions::new().with_row_count(Some(n_rows));
    let batch = RecordBatch::try_new_with_options(schema.clone(), columns, &options);
    let malformed = |error: ArrowError| Error::Malformed { format: FORMAT, reason: error.to_string() };
    Ok((batch.map_err(malformed)?, faults))
}

/// Adds a row to all columns, and tells what is wrong with it as a record.
fn add_fields(columns: &mut [StringBuilder], mut fields: Fields<'_>, key: Option<usize>) -> Option<Fault> {
    let (expected, found) = (columns.len(), fields.len());
    let mut is_text = true;
    for (place, column) in columns.iter_mut().enumerate() {
        let field = fields.next().filter(|field| !(field.is_empty() && Some(place) == key));
        let text = field.map(String::from_utf8_lossy);
        is_text &= !matches!(text, Some(Cow::Owned(_)));
        column.append_option(text);
    }
    if expected != found {
        let message = format!("expected `{expected}` fields, as many as there are columns, found `{found}`");
        return Some(Fault::new("wrong_data", message));
    }
    (!is_text).then(|| Fault::new("wrong_data", "expected a record in UTF-8, found other bytes"))
}
