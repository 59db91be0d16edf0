//! The answer as records.

use arrow_array::cast::AsArray as _;
use arrow_array::types::{
    Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type,
    UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef, ArrowPrimitiveType, RecordBatch};
use arrow_schema::{DataType, Field, Schema};
use columns::Problem;
use serde::Serialize;

use super::super::ERROR;
use super::super::error::{Error, Result};
use super::super::table::{Predicted, Table};

/// The record of the answer's column names.
///
/// # Errors
/// [`Error::Columns`] if two columns have the same name.
pub(super) fn header(table: &Table, schema: &Schema) -> Result<Vec<u8>> {
    let given = given(table).filter_map(|place| schema.fields().get(place)).map(|field| field.name().clone());
    let outputs = table.outputs.iter().flat_map(output_names);
    let names: Vec<String> = given.chain(outputs).chain([ERROR.to_owned()]).collect();
    let mut sorted: Vec<&String> = names.iter().collect();
    sorted.sort_unstable();
    if let Some([name, _]) = sorted.array_windows().find(|[first, second]| first == second) {
        return Err(Error::column(Problem::new(name, "one column of this name in the answer", "two")));
    }
    let mut csv = Vec::new();
    write_record(&mut csv, names.iter(), |csv, name| write_field(csv, name));
    Ok(csv)
}

/// A record for each row.
pub(super) fn write_rows(table: &Table, rows: &RecordBatch, predicted: &Predicted) -> Vec<u8> {
    let mut csv = Vec::new();
    let given: Vec<&ArrayRef> = given(table).filter_map(|place| rows.columns().get(place)).collect();
    let outputs: Vec<Elements<'_>> = predicted.outputs.iter().map(Elements::new).collect();
    for row in 0..rows.num_rows() {
        for column in &given {
            write_field(&mut csv, text(column, row).unwrap_or_default());
            csv.push(b',');
        }
        for output in &outputs {
            for element in 0..output.row_len {
                if !output.is_null(row) {
                    output.write(&mut csv, row * output.row_len + element);
                }
                csv.push(b',');
            }
        }
        if let Some(fault) = predicted.faults.get(&row) {
            write_field(&mut csv, &format!("{}: {}", fault.code, fault.message));
        }
        csv.extend_from_slice(b"\r\n");
    }
    csv
}

/// The columns that come back as they are, the key's first.
fn given(table: &Table) -> impl Iterator<Item = usize> {
    table.key.iter().chain(&table.kept).copied()
}

/// The names of an output's columns.
fn output_names(output: &Field) -> Vec<String> {
    match row_len(output.data_type()) {
        None => vec![output.name().clone()],
        Some(row_len) => (0..row_len).map(|element| format!("{}_{element}", output.name())).collect(),
    }
}

/// How many elements the lists of an output have; `None` if it has no lists.
fn row_len(datatype: &DataType) -> Option<usize> {
    match datatype {
        DataType::FixedSizeList(item, size) => {
            let size = usize::try_from(*size).unwrap_or_default();
            Some(size.saturating_mul(row_len(item.data_type()).unwrap_or(1)))
        }
        _ => None,
    }
}

fn text(column: &ArrayRef, row: usize) -> Option<&str> {
    let texts = column.as_string_opt::<i32>()?;
    (row < texts.len() && texts.is_valid(row)).then(|| texts.value(row))
}

/// The elements of an output, without the lists that they are in.
struct Elements<'a> {
    output: &'a ArrayRef,
    values: &'a ArrayRef,
    row_len: usize,
}

impl<'a> Elements<'a> {
    fn new(output: &'a ArrayRef) -> Self {
        let mut values = output;
        while let Some(lists) = values.as_fixed_size_list_opt() {
            values = lists.values();
        }
        Self { output, values, row_len: row_len(output.data_type()).unwrap_or(1) }
    }

    fn is_null(&self, row: usize) -> bool {
        row >= self.output.len() || self.output.is_null(row)
    }

    fn write(&self, csv: &mut Vec<u8>, idx: usize) {
        match self.values.data_type() {
            DataType::UInt8 => self.write_number::<UInt8Type>(csv, idx),
            DataType::UInt16 => self.write_number::<UInt16Type>(csv, idx),
            DataType::UInt32 => self.write_number::<UInt32Type>(csv, idx),
            DataType::UInt64 => self.write_number::<UInt64Type>(csv, idx),
            DataType::Int8 => self.write_number::<Int8Type>(csv, idx),
            DataType::Int16 => self.write_number::<Int16Type>(csv, idx),
            DataType::Int32 => self.write_number::<Int32Type>(csv, idx),
            DataType::Int64 => self.write_number::<Int64Type>(csv, idx),
            DataType::Float16 => {
                self.write_float(csv, idx, |idx| Some(self.number::<Float16Type>(idx)?.to_f32()))
            }
            DataType::Float32 => self.write_float(csv, idx, |idx| self.number::<Float32Type>(idx)),
            DataType::Float64 => self.write_float(csv, idx, |idx| self.number::<Float64Type>(idx)),
            DataType::Boolean => {
                let truth = self
                    .values
                    .as_boolean_opt()
                    .is_some_and(|truths| idx < truths.len() && truths.value(idx));
                csv.extend_from_slice(if truth { b"true" } else { b"false" });
            }
            _ => write_field(csv, text(self.values, idx).unwrap_or_default()),
        }
    }

    fn number<P: ArrowPrimitiveType>(&self, idx: usize) -> Option<P::Native> {
        self.values.as_primitive_opt::<P>()?.values().get(idx).copied()
    }

    fn write_number<P: ArrowPrimitiveType<Native: Serialize>>(&self, csv: &mut Vec<u8>, idx: usize) {
        if let Some(number) = self.number::<P>(idx) {
            write_json(csv, &number);
        }
    }

    /// Finite numbers are written as in JSON.
    fn write_float<F: Serialize + Copy + Into<f64>>(
        &self,
        csv: &mut Vec<u8>,
        idx: usize,
        number: impl Fn(usize) -> Option<F>,
    ) {
        let Some(number) = number(idx) else { return };
        let wide: f64 = number.into();
        if wide.is_finite() {
            write_json(csv, &number);
        } else if wide.is_infinite() {
            csv.extend_from_slice(if wide > 0.0 { b"inf" } else { b"-inf" });
        }
    }
}

fn write_json(csv: &mut Vec<u8>, number: &impl Serialize) {
    // Writing to memory cannot fail.
    serde_json::to_writer(csv, number).ok();
}

fn write_record<T>(csv: &mut Vec<u8>, fields: impl Iterator<Item = T>, write: impl Fn(&mut Vec<u8>, T)) {
    for (idx, field) in fields.enumerate() {
        if idx > 0 {
            csv.push(b',');
        }
        write(csv, field);
    }
    csv.extend_from_slice(b"\r\n");
}

/// Appends a field, in quotes if it needs them.
pub(super) fn write_field(csv: &mut Vec<u8>, text: &str) {
    if !text.contains([',', '"', '\r', '\n']) {
        csv.extend_from_slice(text.as_bytes());
        return;
    }
    csv.push(b'"');
    csv.extend_from_slice(text.replace('"', "\"\"").as_bytes());
    csv.push(b'"');
}
