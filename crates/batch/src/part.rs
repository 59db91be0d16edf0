//! A part of the output: rows encoded as they come, sent on in pieces, there as a whole or not at all.

use std::io::{self, Write};
use std::mem;
use std::sync::{Arc, Mutex, PoisonError};

use datafusion::arrow::array::{Array as _, ArrayRef, AsArray as _, RecordBatch, UInt64Array};
use datafusion::arrow::csv::{Writer as CsvWriter, WriterBuilder as CsvWriterBuilder};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::arrow::ipc::writer::FileWriter as ArrowWriter;
use datafusion::arrow::json::LineDelimitedWriter;
use datafusion::parquet::arrow::ArrowWriter as ParquetWriter;
use datafusion::parquet::basic::{Compression, ZstdLevel};
use datafusion::parquet::file::properties::WriterProperties;

use crate::Result;
use crate::job::Format;

/// Encodes rows of one schema. What has been encoded waits in memory until it is taken.
pub(crate) struct Encoder {
    writer: Writer,
    encoded: Encoded,
}

enum Writer {
    Parquet(ParquetWriter<Encoded>),
    Csv { writer: CsvWriter<Encoded>, schema: SchemaRef },
    Jsonl(LineDelimitedWriter<Encoded>),
    Arrow(ArrowWriter<Encoded>),
}

/// Bytes that a writer has written and nobody has taken yet.
#[derive(Clone, Default)]
struct Encoded(Arc<Mutex<Vec<u8>>>);

impl Write for Encoded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Encoded {
    fn take(&self) -> Vec<u8> {
        mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Encoder {
    /// An encoder of rows with this schema. CSV has no lists: each element is a column of its own.
    ///
    /// # Errors
    /// [`crate::Error::Query`] if the format has no form for a column.
    pub(crate) fn new(format: Format, schema: &SchemaRef) -> Result<Self> {
        let encoded = Encoded::default();
        let to = encoded.clone();
        let writer = match format {
            Format::Parquet => {
                let properties =
                    WriterProperties::builder().set_compression(Compression::ZSTD(ZstdLevel::default()));
                Writer::Parquet(ParquetWriter::try_new(to, Arc::clone(schema), Some(properties.build()))?)
            }
            Format::Csv => {
                let mut writer = CsvWriterBuilder::new().with_header(true).build(to);
                let schema = Arc::new(flat_schema(schema));
                // A part without rows has its header too.
                writer.write(&RecordBatch::new_empty(Arc::clone(&schema)))?;
                Writer::Csv { writer, schema }
            }
            Format::Jsonl => Writer::Jsonl(LineDelimitedWriter::new(to)),
            Format::Arrow => Writer::Arrow(ArrowWriter::try_new(to, schema)?),
        };
        Ok(Self { writer, encoded })
    }

    /// Encodes the rows of `batch`; gives the bytes that are ready.
    ///
    /// # Errors
    /// [`crate::Error::Query`] if they cannot be encoded.
    pub(crate) fn write(&mut self, batch: &RecordBatch) -> Result<Vec<u8>> {
        match &mut self.writer {
            Writer::Parquet(writer) => writer.write(batch)?,
            Writer::Csv { writer, schema } => writer.write(&flat(batch, schema)?)?,
            Writer::Jsonl(writer) => writer.write(batch)?,
            Writer::Arrow(writer) => writer.write(batch)?,
        }
        Ok(self.encoded.take())
    }

    /// The rest of the bytes.
    ///
    /// # Errors
    /// As [`Encoder::write`].
    pub(crate) fn finish(self) -> Result<Vec<u8>> {
        match self.writer {
            Writer::Parquet(writer) => drop(writer.close()?),
            Writer::Csv { writer, .. } => drop(writer),
            Writer::Jsonl(mut writer) => writer.finish()?,
            Writer::Arrow(mut writer) => writer.finish()?,
        }
        Ok(self.encoded.take())
    }
}

/// The columns with lists of a fixed size taken apart: `probabilities` becomes `probabilities_0`, `probabilities_1` and so on.
fn flat_schema(schema: &Schema) -> Schema {
    let mut fields = Vec::new();
    schema.fields().iter().for_each(|field| flatten_field(field.name(), field, &mut fields));
    Schema::new(fields)
}

fn flatten_field(name: &str, field: &Field, fields: &mut Vec<Field>) {
    match field.data_type() {
        DataType::FixedSizeList(item, size) => {
            (0..*size).for_each(|idx| flatten_field(&format!("{name}_{idx}"), item, fields));
        }
        datatype => fields.push(Field::new(name, datatype.clone(), true)),
    }
}

fn flat(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    let mut columns = Vec::new();
    batch.columns().iter().for_each(|column| flatten(column, &mut columns));
    Ok(RecordBatch::try_new(Arc::clone(schema), columns)?)
}

fn flatten(column: &ArrayRef, columns: &mut Vec<ArrayRef>) {
    let Some(list) = column.as_fixed_size_list_opt() else {
        columns.push(Arc::clone(column));
        return;
    };
    let size = usize::try_from(list.value_length()).unwrap_or_default();
    for element in 0..size {
        let places = (0..list.len()).map(|row| (row + list.offset()) * size + element);
        let places: UInt64Array = places.map(|place| place as u64).collect();
        if let Ok(elements) = datafusion::arrow::compute::take(list.values(), &places, None) {
            flatten(&elements, columns);
        }
    }
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::array::{FixedSizeListArray, Float32Array, Int64Array, StringArray};

    use super::*;

    fn rows() -> RecordBatch {
        let item = Arc::new(Field::new_list_field(DataType::Float32, true));
        let scores = Float32Array::from(vec![0.1, f32::NAN, 3.0, -1.5]);
        let scores = FixedSizeListArray::new(item, 2, Arc::new(scores), None);
        RecordBatch::try_from_iter([
            ("key", Arc::new(Int64Array::from(vec![7, 9_007_199_254_740_993])) as ArrayRef),
            ("name", Arc::new(StringArray::from(vec![Some("a,\"b\""), None]))),
            ("scores", Arc::new(scores)),
        ])
        .unwrap()
    }

    fn encoded(format: Format) -> Vec<u8> {
        let batch = rows();
        let mut encoder = Encoder::new(format, &batch.schema()).unwrap();
        let mut bytes = encoder.write(&batch).unwrap();
        bytes.extend(encoder.finish().unwrap());
        bytes
    }

    #[test]
    fn csv_has_a_column_for_each_element() {
        let expect = "key,name,scores_0,scores_1\n7,\"a,\"\"b\"\"\",0.1,NaN\n9007199254740993,,3.0,-1.5\n";
        assert_eq!(String::from_utf8(encoded(Format::Csv)).unwrap(), expect);
    }

    #[test]
    fn json_has_the_shortest_digits_and_no_nan() {
        let expect = "{\"key\":7,\"name\":\"a,\\\"b\\\"\",\"scores\":[0.1,null]}\n{\"key\":9007199254740993,\"scores\":[3.0,-1.5]}\n";
        assert_eq!(String::from_utf8(encoded(Format::Jsonl)).unwrap(), expect);
    }

    #[test]
    fn a_csv_part_without_rows_has_its_header() {
        let encoder = Encoder::new(Format::Csv, &rows().schema()).unwrap();
        assert_eq!(encoder.finish().unwrap(), b"key,name,scores_0,scores_1\n");
    }
}
