//! Comma-separated values after a header (RFC 4180). Every column is text; an empty field is null.

use std::io::BufRead;
use std::sync::Arc;

use ::csv::{ByteRecord, ReaderBuilder};
use datafusion::arrow::array::{ArrayRef, RecordBatch, StringBuilder, UInt64Array};
use datafusion::arrow::datatypes::{DataType, Field, Schema};
use datafusion::common::{DataFusionError, Result};

use super::text::Compression;
use super::{Emitter, Source};

/// The names in a header.
///
/// # Errors
/// If it is not UTF-8, or names a column twice or not at all.
pub(crate) fn read_header(line: &[u8]) -> std::result::Result<Schema, String> {
    let mut record = ByteRecord::new();
    let mut reader = ReaderBuilder::new().has_headers(false).from_reader(line);
    if !reader.read_byte_record(&mut record).map_err(|error| error.to_string())? {
        return Err("it has no header".to_owned());
    }
    let mut fields: Vec<Field> = Vec::new();
    for (idx, name) in record.iter().enumerate() {
        let name = std::str::from_utf8(name).map_err(|_| format!("the name of column {idx} is not UTF-8"))?;
        let name = name.trim_start_matches('\u{feff}').trim();
        if name.is_empty() {
            return Err(format!("column {idx} has no name"));
        }
        if fields.iter().any(|field| field.name() == name) {
            return Err(format!("the header names `{name}` twice"));
        }
        fields.push(Field::new(name, DataType::Utf8, true));
    }
    Ok(Schema::new(fields))
}

pub(super) fn read(
    source: &Source,
    columns: &[String],
    lines: &mut dyn BufRead,
    emit: &Emitter,
) -> Result<()> {
    let mut records = ReaderBuilder::new().has_headers(false).flexible(true).from_reader(lines);
    let mut record = ByteRecord::new();
    if Compression::of(&source.file.uri) != Compression::None {
        // A compressed file is read from its beginning, header and all.
        records.read_byte_record(&mut record).map_err(external)?;
    }
    let mut batch = Rows::new(source, columns)?;
    let mut row = source.chunk.first_row;
    while records.read_byte_record(&mut record).map_err(external)? {
        if let Err(message) = batch.push(row, &record) {
            source.unreadable.push(row, message);
        }
        row += 1;
        if batch.numbers.len() == source.batch_rows && !batch.emit(emit)? {
            return Ok(());
        }
    }
    batch.emit(emit)?;
    Ok(())
}

fn external(error: ::csv::Error) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}

/// The rows of the next batch.
struct Rows {
    /// Each column's place in a record.
    places: Vec<usize>,
    schema: Arc<Schema>,
    n_fields: usize,
    columns: Vec<StringBuilder>,
    numbers: Vec<u64>,
}

impl Rows {
    fn new(source: &Source, columns: &[String]) -> Result<Self> {
        let places =
            columns.iter().map(|name| source.schema.index_of(name)).collect::<Result<Vec<_>, _>>()?;
        let schema = Arc::new(source.schema.project(&places)?);
        let columns = places.iter().map(|_| StringBuilder::new()).collect();
        Ok(Self { places, schema, n_fields: source.schema.fields().len(), columns, numbers: Vec::new() })
    }

    /// Adds a row, or says why it is none.
    fn push(&mut self, row: u64, record: &ByteRecord) -> std::result::Result<(), String> {
        if record.len() != self.n_fields {
            return Err(format!("expected {} fields, found {}", self.n_fields, record.len()));
        }
        let text = |&place: &usize| std::str::from_utf8(record.get(place).unwrap_or_default());
        let fields: std::result::Result<Vec<&str>, _> = self.places.iter().map(text).collect();
        let fields = fields.map_err(|_| "expected UTF-8, found other bytes".to_owned())?;
        for (column, field) in self.columns.iter_mut().zip(fields) {
            column.append_option(Some(field).filter(|field| !field.is_empty()));
        }
        self.numbers.push(row);
        Ok(())
    }

    fn emit(&mut self, emit: &Emitter) -> Result<bool> {
        if self.numbers.is_empty() {
            return Ok(true);
        }
        let columns = self.columns.iter_mut().map(|column| Arc::new(column.finish()) as ArrayRef).collect();
        let options =
            datafusion::arrow::array::RecordBatchOptions::new().with_row_count(Some(self.numbers.len()));
        let batch = RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)?;
        emit.emit_blocking(&batch, UInt64Array::from(std::mem::take(&mut self.numbers)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_names_columns_once() {
        let schema = read_header("\u{feff}key, x ,\"a,b\"\r\n".as_bytes()).unwrap();
        let names: Vec<_> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        assert_eq!(names, ["key", "x", "a,b"]);
        assert_eq!(read_header(b"a,b,a\n"), Err("the header names `a` twice".to_owned()));
        assert_eq!(read_header(b"a,,b\n"), Err("column 1 has no name".to_owned()));
        assert_eq!(read_header(b""), Err("it has no header".to_owned()));
    }
}
