//! Rows predicted by a packed model: columns in, a struct of the model's outputs and each row's error out.
//!
//! Every micro-batch meets a fresh instance. If the model refuses one, fails, traps, or exceeds its memory or its time, the halves of
//! the micro-batch are tried, and so on down to the rows that are at fault; the others are answered.

use std::sync::Arc;

use columns::{Binding, output_columns, output_fields};
use datafusion::arrow::array::{
    Array, ArrayRef, AsArray as _, RecordBatch, StringArray, StructArray, UInt64Array, new_null_array,
};
use datafusion::arrow::compute::{concat, take};
use datafusion::arrow::datatypes::{DataType, Field, Fields};
use engine::{InstanceLimits, PackedModel};
use serde_json::json;
use tensor::{Metadata, Tensor};

use crate::{Error, Result};

/// The field with what is wrong with a row, beside the outputs.
pub(crate) const ERROR: &str = "error";

/// A model that predicts columns.
pub struct Predictor {
    model: PackedModel,
    limits: InstanceLimits,
    fields: Fields,
}

/// Why a micro-batch has no answer.
enum Fault {
    /// Its rows, or some of them.
    Rows { code: &'static str, message: String },
    /// Something else: no row is to blame.
    Other(Box<Error>),
}

impl Predictor {
    /// A predictor whose model gets so much memory and time for each micro-batch.
    ///
    /// # Errors
    /// [`Error::Problems`] if the outputs cannot be columns.
    pub fn new(model: PackedModel, limits: InstanceLimits) -> Result<Self> {
        let outputs = output_fields(&model.metadata().outputs).map_err(Error::problems)?;
        let nullable = outputs.into_iter().map(|field| field.with_nullable(true));
        let fields = nullable.chain([Field::new(ERROR, DataType::Utf8, true)]).collect();
        Ok(Self { model, limits, fields })
    }

    /// The model's signature.
    #[must_use]
    pub fn metadata(&self) -> &Metadata {
        self.model.metadata()
    }

    /// The fields of a prediction: the model's outputs, and `error`: null, or a JSON object of `code`, `input` and `error`.
    #[must_use]
    pub const fn fields(&self) -> &Fields {
        &self.fields
    }

    /// The predictions of the rows of `batch`, in their order. The model gets all of them at once, if no row is bad.
    ///
    /// # Errors
    /// [`Error::Model`] if no row is to blame.
    pub fn predict(&self, binding: &Binding, batch: &RecordBatch) -> Result<StructArray> {
        let mut pieces = Vec::new();
        self.predict_rows(binding, batch, &mut pieces)?;
        if let [whole] = pieces.as_slice() {
            return Ok(whole.clone());
        }
        let pieces: Vec<&dyn Array> = pieces.iter().map(|piece| piece as _).collect();
        Ok(concat(&pieces)?.as_struct().clone())
    }

    fn predict_rows(
        &self,
        binding: &Binding,
        batch: &RecordBatch,
        pieces: &mut Vec<StructArray>,
    ) -> Result<()> {
        let rows = binding.tensors(batch);
        let mut errors = vec![None; batch.num_rows()];
        for error in rows.errors {
            let row_error = json!({"code": error.code, "input": error.input, "error": error.message});
            if let Some(slot) = errors.get_mut(error.row) {
                *slot = Some(row_error.to_string());
            }
        }
        let n_good = rows.good.as_ref().map_or(batch.num_rows(), Vec::len);
        let outputs = if n_good == 0 { Ok(None) } else { self.infer(rows.tensors, n_good).map(Some) };
        match outputs {
            Ok(outputs) => pieces.push(self.assemble(outputs, rows.good.as_deref(), errors)?),
            Err(Fault::Other(error)) => return Err(*error),
            Err(Fault::Rows { code, message }) if batch.num_rows() == 1 => {
                let error = json!({"code": code, "error": message}).to_string();
                pieces.push(self.assemble(None, Some(&[]), vec![Some(error)])?);
            }
            Err(Fault::Rows { .. }) => {
                let n_first = batch.num_rows() / 2;
                self.predict_rows(binding, &batch.slice(0, n_first), pieces)?;
                self.predict_rows(binding, &batch.slice(n_first, batch.num_rows() - n_first), pieces)?;
            }
        }
        Ok(())
    }

    /// The outputs of rows that are all good, as columns.
    fn infer(&self, inputs: Vec<Tensor>, n_rows: usize) -> Result<Vec<ArrayRef>, Fault> {
        let outputs =
            self.model.instantiate_within(self.limits).and_then(|mut session| session.infer(inputs, &[]));
        let outputs = outputs.map_err(|error| match error {
            engine::Error::InvalidInput(message) => Fault::Rows { code: "invalid_input", message },
            engine::Error::Model(message) => Fault::Rows { code: "model_failed", message },
            engine::Error::Trap(ref source) => Fault::Rows {
                code: "model_failed",
                message: format!("the model stopped: {}", root_cause(source.as_ref())),
            },
            error => other(Error::Model(Box::new(error))),
        })?;
        if let Some(output) = outputs.iter().find(|output| output.rows() != Some(n_rows as u64)) {
            let (output, found) = (output.name().to_owned(), output.rows());
            return Err(other(Error::RowsChanged { output, expected: n_rows as u64, found }));
        }
        output_columns(outputs, n_rows).map_err(|problem| other(Error::problems(vec![problem])))
    }

    /// The struct of all rows. `good` says which rows the outputs are of, if not of all.
    fn assemble(
        &self,
        outputs: Option<Vec<ArrayRef>>,
        good: Option<&[usize]>,
        errors: Vec<Option<String>>,
    ) -> Result<StructArray> {
        let n_rows = errors.len();
        let mut children: Vec<ArrayRef> = match (outputs, good) {
            (Some(outputs), None) => outputs,
            (Some(outputs), Some(good)) => {
                let places = places(good, n_rows);
                outputs.iter().map(|output| take(output, &places, None)).collect::<Result<_, _>>()?
            }
            (None, _) => self
                .fields
                .iter()
                .filter(|field| field.name() != ERROR)
                .map(|field| new_null_array(field.data_type(), n_rows))
                .collect(),
        };
        children.push(Arc::new(StringArray::from(errors)));
        Ok(StructArray::try_new(self.fields.clone(), children, None)?)
    }
}

impl std::fmt::Debug for Predictor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Predictor").field("model", &self.metadata().name).finish_non_exhaustive()
    }
}

fn other(error: Error) -> Fault {
    Fault::Other(Box::new(error))
}

/// Where each row's answer is, among those of the good rows; null for the others.
fn places(good: &[usize], n_rows: usize) -> UInt64Array {
    let mut places = vec![None; n_rows];
    for (place, &row) in good.iter().enumerate() {
        if let Some(slot) = places.get_mut(row) {
            *slot = Some(place as u64);
        }
    }
    UInt64Array::from(places)
}

fn root_cause(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}
