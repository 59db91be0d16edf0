//! Answers of `batch-chunk` as values that can be compared.

use arrow_array::cast::AsArray as _;
use arrow_array::types::{Float32Type, Int64Type};
use arrow_array::{Array as _, ArrayRef, RecordBatch};
use arrow_ipc::reader::StreamReader;
use arrow_schema::DataType;
use serde_json::{Map, Value, json};

/// The form of a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// One JSON value, as every other answer has.
    Json,
    /// A JSON value in each line.
    Lines,
    /// Comma-separated values.
    Csv,
    /// An Arrow stream.
    Arrow,
}

impl Form {
    /// Every form.
    pub const ALL: [Self; 4] = [Self::Json, Self::Lines, Self::Csv, Self::Arrow];

    /// The ending of a file of this form.
    #[must_use]
    pub const fn ending(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Lines => "ndjson",
            Self::Csv => "csv",
            Self::Arrow => "arrow",
        }
    }

    /// The content type of a request.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Lines => "application/x-ndjson",
            Self::Csv => "text/csv",
            Self::Arrow => "application/vnd.apache.arrow.stream",
        }
    }

    /// The form of an answer of this content type.
    #[must_use]
    pub fn of(content_type: &str) -> Option<Self> {
        let essence = content_type.split(';').next();
        Self::ALL.into_iter().find(|form| essence == Some(form.content_type()))
    }

    /// What a body of this form says.
    ///
    /// # Panics
    /// If the body is of another form.
    #[must_use]
    pub fn read(self, body: &[u8]) -> Value {
        match self {
            Self::Json => serde_json::from_slice(body).expect("the body is JSON"),
            Self::Lines => {
                let lines = std::str::from_utf8(body).expect("lines are UTF-8").lines();
                lines.map(|line| serde_json::from_str::<Value>(line).expect("a line is JSON")).collect()
            }
            Self::Csv => read_csv(body),
            Self::Arrow => {
                let batches = StreamReader::try_new(body, None).expect("the body is an Arrow stream");
                batches.flat_map(|batch| rows(&batch.expect("the stream is whole"))).collect()
            }
        }
    }
}

/// Records of numbers, where they are such, and texts.
fn read_csv(body: &[u8]) -> Value {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(body);
    let field = |text: &str| text.parse::<f64>().map_or_else(|_| json!(text), |number| json!(number));
    let records = reader.records().map(|record| record.expect("records have as many fields as the first"));
    records.map(|record| record.iter().map(field).collect::<Value>()).collect()
}

fn rows(batch: &RecordBatch) -> Vec<Value> {
    let schema = batch.schema();
    let row = |row: usize| {
        let columns = schema.fields().iter().zip(batch.columns());
        Value::Object(
            columns.map(|(field, column)| (field.name().clone(), value(column, row))).collect::<Map<_, _>>(),
        )
    };
    (0..batch.num_rows()).map(row).collect()
}

fn value(column: &ArrayRef, row: usize) -> Value {
    if column.is_null(row) {
        return Value::Null;
    }
    match column.data_type() {
        DataType::Int64 => json!(column.as_primitive::<Int64Type>().value(row)),
        DataType::Float32 => json!(column.as_primitive::<Float32Type>().value(row)),
        DataType::Utf8 => json!(column.as_string::<i32>().value(row)),
        DataType::FixedSizeList(..) => {
            let list = column.as_fixed_size_list().value(row);
            (0..list.len()).map(|element| value(&list, element)).collect()
        }
        other => panic!("expected a type of the demo models, found `{other}`"),
    }
}
