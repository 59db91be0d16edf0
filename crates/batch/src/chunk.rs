//! One chunk: its plan, its rows as they come, and what becomes of each: a row of the part, or a line among the errors.

use std::sync::Arc;

use datafusion::arrow::array::{
    Array as _, ArrayRef, AsArray as _, BooleanArray, RecordBatch, StringArray, StructArray, UInt64Array,
};
use datafusion::arrow::compute::filter_record_batch;
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::common::{Column, ScalarValue};
use datafusion::execution::context::SessionContext;
use datafusion::logical_expr::{Expr, ScalarUDF};
use datafusion::prelude::{DataFrame, SessionConfig, cast, lit};
use serde_json::{Value, json};

use crate::function::{Models, function};
use crate::job::{Job, Rows};
use crate::predict::{ERROR, Predictor};
use crate::query;
use crate::scan::{ChunkTable, ROW, Source, Unreadable, kept_type};
use crate::{Error, Result};

/// The table that queries read.
pub(crate) const INPUT: &str = "input";

const PREDICTION: &str = "__prediction";

/// The beginning of the names of columns with inputs, where they are read to be sent elsewhere.
const INPUT_COLUMN: &str = "__input_";

/// The name of the column with one of the inputs, by its place among them.
pub(crate) fn input_column(place: usize) -> String {
    format!("{INPUT_COLUMN}{place}")
}

/// The rows of a chunk as they are before their prediction: the key, what is kept, the inputs, the rows' numbers.
///
/// # Errors
/// [`Error::Query`], [`Error::NotRowByRow`].
pub(crate) async fn unpredicted(source: Source, rows: &Rows) -> Result<DataFrame> {
    let context = context(rows.micro_batch as usize);
    let frame = read(&context, source, rows.sql.as_deref()).await?;
    let columns = carried(&frame, rows);
    let inputs = rows.features.iter().enumerate();
    let inputs = inputs.map(|(place, feature)| column(feature).alias(input_column(place)));
    Ok(frame.select(columns.into_iter().chain(inputs).chain([column(ROW)]).collect::<Vec<_>>())?)
}

/// The predictions of a chunk, not yet computed.
///
/// # Errors
/// [`Error::Query`], [`Error::NotRowByRow`].
pub(crate) async fn predictions(
    source: Source,
    rows: &Rows,
    model: &str,
    predictor: &Arc<Predictor>,
) -> Result<DataFrame> {
    let context = context(rows.micro_batch as usize);
    let predict = function(Arc::new(Models::one(model, Arc::clone(predictor))));
    let frame = read(&context, source, rows.sql.as_deref()).await?;
    let columns = carried(&frame, rows);
    let called = [call(&predict, model, &rows.features).alias(PREDICTION), column(ROW)];
    Ok(frame.select(columns.into_iter().chain(called).collect::<Vec<_>>())?)
}

/// The chunk as a table, after the query if there is one.
///
/// # Errors
/// [`Error::Query`], [`Error::NotRowByRow`].
pub(crate) async fn read(context: &SessionContext, source: Source, sql: Option<&str>) -> Result<DataFrame> {
    context.register_table(INPUT, Arc::new(ChunkTable::new(source)))?;
    match sql {
        None => Ok(context.table(INPUT).await?),
        Some(sql) => query::row_by_row(context, sql).await,
    }
}

/// One thread's work, in the order of the file.
pub(crate) fn context(batch_rows: usize) -> SessionContext {
    let config = SessionConfig::new().with_target_partitions(1).with_batch_size(batch_rows.max(1));
    SessionContext::new_with_config(config)
}

fn call(predict: &ScalarUDF, model: &str, features: &[String]) -> Expr {
    let model = lit(ScalarValue::Utf8(Some(model.to_owned())));
    predict.call(std::iter::once(model).chain(features.iter().map(column)).collect())
}

/// The key and what is kept, numbers as numbers even where inputs are read as the text that they are.
fn carried(frame: &DataFrame, rows: &Rows) -> Vec<Expr> {
    let kept = |name: &String| {
        let field = frame.schema().field_with_unqualified_name(name).ok();
        match field.and_then(|field| kept_type(field)) {
            Some(datatype) => cast(column(name), datatype).alias(name),
            None => column(name),
        }
    };
    std::iter::once(column(&rows.key)).chain(rows.keep.iter().map(kept)).collect()
}

/// The column of exactly this name, dots and capitals included.
fn column(name: impl AsRef<str>) -> Expr {
    Expr::Column(Column::new_unqualified(name.as_ref()))
}

/// The schema of a part: the key, what is kept, the outputs.
pub(crate) fn part_schema(read: &Schema, predictor: &Predictor) -> SchemaRef {
    let is_ours = |field: &&Arc<Field>| {
        field.name() != PREDICTION && field.name() != ROW && !field.name().starts_with(INPUT_COLUMN)
    };
    let read = read.fields().iter().filter(is_ours).cloned();
    let outputs = predictor.fields().iter().filter(|field| field.name() != ERROR).cloned();
    Arc::new(Schema::new(read.chain(outputs).collect::<Vec<_>>()))
}

/// The schema of [`unpredicted`] rows with their predictions.
pub(crate) fn predicted_schema(unpredicted: &Schema, predictor: &Predictor) -> SchemaRef {
    let read = unpredicted.fields().iter().filter(|field| !field.name().starts_with(INPUT_COLUMN)).cloned();
    let prediction = Field::new(PREDICTION, DataType::Struct(predictor.fields().clone()), true);
    Arc::new(Schema::new(read.chain([Arc::new(prediction)]).collect::<Vec<_>>()))
}

/// The rows with their predictions, as [`predictions`] has them.
///
/// # Errors
/// [`Error::Query`].
pub(crate) fn with_predictions(
    unpredicted: &RecordBatch,
    predictions: StructArray,
    schema: &SchemaRef,
) -> Result<RecordBatch> {
    let predictions: ArrayRef = Arc::new(predictions);
    let column = |field: &Arc<Field>| match unpredicted.column_by_name(field.name()) {
        Some(column) => Arc::clone(column),
        None => Arc::clone(&predictions),
    };
    Ok(RecordBatch::try_new(Arc::clone(schema), schema.fields().iter().map(column).collect())?)
}

/// What becomes of a batch of predictions.
pub(crate) struct Sorted {
    /// The rows of the part.
    pub(crate) good: RecordBatch,
    /// A JSON object for each other row.
    pub(crate) bad: Vec<Value>,
}

/// Parts a batch of [`predictions`]: a row is bad if it has an error or no key.
///
/// # Errors
/// [`Error::Query`].
pub(crate) fn sort(batch: &RecordBatch, schema: &SchemaRef, job: &Job, uri: &str) -> Result<Sorted> {
    let key = batch.column_by_name(&job.rows.key).ok_or_else(|| Error::internal("the key is gone"))?;
    let prediction = struct_column(batch, PREDICTION)?;
    let numbers: &UInt64Array = batch
        .column_by_name(ROW)
        .and_then(|rows| rows.as_primitive_opt())
        .ok_or_else(|| Error::internal("the rows' numbers are gone"))?;
    let errors: &StringArray = prediction
        .column_by_name(ERROR)
        .and_then(|errors| errors.as_string_opt())
        .ok_or_else(|| Error::internal("the rows' errors are gone"))?;
    let mut bad = Vec::new();
    if key.null_count() > 0 || errors.null_count() < errors.len() {
        for row in (0..batch.num_rows()).filter(|&row| key.is_null(row) || errors.is_valid(row)) {
            let error = if key.is_null(row) { no_key(&job.rows.key) } else { errors.value(row).to_owned() };
            bad.push(bad_row(key_json(key, row), uri, numbers.value(row), &error));
        }
    }
    let good = assembled(batch, prediction, schema)?;
    let good = if bad.is_empty() {
        good
    } else {
        let is_good = |row| Some(key.is_valid(row) && errors.is_null(row));
        filter_record_batch(&good, &(0..batch.num_rows()).map(is_good).collect::<BooleanArray>())?
    };
    Ok(Sorted { good, bad })
}

/// What is reported of a row that could not be read.
pub(crate) fn unreadable_row(row: &Unreadable, uri: &str) -> Value {
    json!({"key": null, "file": uri, "row": row.row, "code": "malformed_row", "error": row.message})
}

fn bad_row(key: Value, uri: &str, row: u64, error: &str) -> Value {
    let mut reported = json!({"key": key, "file": uri, "row": row});
    if let (Some(reported), Ok(Value::Object(error))) =
        (reported.as_object_mut(), serde_json::from_str(error))
    {
        reported.extend(error);
    }
    reported
}

fn no_key(key: &str) -> String {
    json!({"code": "missing_key", "input": key, "error": format!("`{key}`: expected a key, found null")})
        .to_string()
}

fn key_json(key: &dyn datafusion::arrow::array::Array, row: usize) -> Value {
    if key.is_null(row) {
        return Value::Null;
    }
    let text = datafusion::arrow::util::display::array_value_to_string(key, row).unwrap_or_default();
    match key.data_type() {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Value::String(text),
        _ => serde_json::from_str(&text).unwrap_or(Value::String(text)),
    }
}

fn assembled(batch: &RecordBatch, prediction: &StructArray, schema: &SchemaRef) -> Result<RecordBatch> {
    let column = |field: &Arc<Field>| {
        let found = prediction.column_by_name(field.name()).or_else(|| batch.column_by_name(field.name()));
        found.cloned().ok_or_else(|| Error::internal("a column is gone"))
    };
    let columns = schema.fields().iter().map(column).collect::<Result<_>>()?;
    Ok(RecordBatch::try_new(Arc::clone(schema), columns)?)
}

fn struct_column<'b>(batch: &'b RecordBatch, name: &str) -> Result<&'b StructArray> {
    let column = batch.column_by_name(name).and_then(|column| column.as_struct_opt());
    column.ok_or_else(|| Error::internal("the predictions are gone"))
}
