//! `predict(model, columns…)` as a function of SQL: one column for each input of the model or, for a model with one input, one for
//! each element of its row. It gives a struct of the model's outputs and `error`.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};

use columns::Binding;
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Schema};
use datafusion::common::{DataFusionError, Result, ScalarValue, exec_err, plan_err};
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use tensor::TensorSpec;

use crate::predict::Predictor;

/// The function's name.
pub(crate) const PREDICT: &str = "predict";

/// Finds the model of a name.
type Load = Box<dyn Fn(&str) -> crate::Result<Predictor> + Send + Sync>;

/// The models that queries name, each loaded when it is first named.
pub struct Models {
    load: Load,
    loaded: Mutex<HashMap<String, Arc<Predictor>>>,
}

impl Models {
    /// Models found by `load`.
    pub fn new(load: impl Fn(&str) -> crate::Result<Predictor> + Send + Sync + 'static) -> Self {
        Self { load: Box::new(load), loaded: Mutex::default() }
    }

    /// One model under one name.
    #[must_use]
    pub fn one(name: &str, predictor: Arc<Predictor>) -> Self {
        let unknown = |name: &str| Err(crate::Error::UnknownModel { model: name.to_owned() });
        Self { load: Box::new(unknown), loaded: Mutex::new([(name.to_owned(), predictor)].into()) }
    }

    fn get(&self, name: &str) -> crate::Result<Arc<Predictor>> {
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(predictor) = loaded.get(name) {
            return Ok(Arc::clone(predictor));
        }
        let predictor = Arc::new((self.load)(name)?);
        loaded.insert(name.to_owned(), Arc::clone(&predictor));
        Ok(predictor)
    }
}

/// The function over these models.
#[must_use]
pub fn function(models: Arc<Models>) -> ScalarUDF {
    ScalarUDF::new_from_impl(Predict { models, signature: Signature::variadic_any(Volatility::Immutable) })
}

struct Predict {
    models: Arc<Models>,
    signature: Signature,
}

impl Predict {
    fn predictor(&self, model: Option<&ScalarValue>) -> Result<Arc<Predictor>> {
        let name = match model {
            Some(
                ScalarValue::Utf8(Some(name))
                | ScalarValue::Utf8View(Some(name))
                | ScalarValue::LargeUtf8(Some(name)),
            ) => name,
            _ => return plan_err!("predict: expected the model's file as a text in single quotes, first"),
        };
        self.models.get(name).map_err(|error| DataFusionError::External(Box::new(error)))
    }
}

impl fmt::Debug for Predict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(PREDICT)
    }
}

impl PartialEq for Predict {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.models, &other.models)
    }
}

impl Eq for Predict {}

impl Hash for Predict {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.models).hash(state);
    }
}

impl ScalarUDFImpl for Predict {
    fn name(&self) -> &str {
        PREDICT
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        exec_err!("predict: its type depends on the model")
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let predictor = self.predictor(args.scalar_arguments.first().copied().flatten())?;
        bind(&predictor, args.arg_fields.get(1..).unwrap_or_default())?;
        Ok(Arc::new(Field::new(PREDICT, DataType::Struct(predictor.fields().clone()), true)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let (model, columns) = args.args.split_first().ok_or_else(no_arguments)?;
        let model = match model {
            ColumnarValue::Scalar(name) => Some(name),
            ColumnarValue::Array(_) => None,
        };
        let predictor = self.predictor(model)?;
        let (binding, schema) = bind(&predictor, args.arg_fields.get(1..).unwrap_or_default())?;
        let arrays = columns.iter().map(|column| column.to_array(args.number_rows)).collect::<Result<_>>()?;
        let batch = RecordBatch::try_new(schema, arrays)?;
        let predictions = predictor.predict(&binding, &batch);
        let predictions = predictions.map_err(|error| DataFusionError::External(Box::new(error)))?;
        Ok(ColumnarValue::Array(Arc::new(predictions)))
    }
}

fn no_arguments() -> DataFusionError {
    DataFusionError::Plan("predict: expected a model and columns, found nothing".to_owned())
}

/// How columns become tensors, and the names under which they do.
fn bind(predictor: &Predictor, columns: &[FieldRef]) -> Result<(Binding, Arc<Schema>)> {
    let inputs = &predictor.metadata().inputs;
    let names: Vec<String> = columns.iter().map(|column| column.name().clone()).collect();
    let names = argument_names(inputs, &names);
    let fields = columns.iter().zip(names).map(|(column, name)| column.as_ref().clone().with_name(name));
    let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    let features: Vec<String> = schema.fields().iter().map(|field| field.name().clone()).collect();
    let binding = Binding::new(inputs, &schema, &features)
        .map_err(|problems| DataFusionError::External(Box::new(crate::Error::problems(problems))))?;
    Ok((binding, schema))
}

/// The names of the function's columns: those of the inputs that they are; for elements of a row their own, if no two are alike.
pub(crate) fn argument_names(inputs: &[TensorSpec], columns: &[String]) -> Vec<String> {
    if inputs.len() == columns.len() {
        return inputs.iter().map(|input| input.name.clone()).collect();
    }
    let is_taken = |name: &String| inputs.iter().any(|input| input.name == *name);
    let mut seen = HashSet::new();
    if columns.iter().all(|name| !is_taken(name) && seen.insert(name)) {
        return columns.to_vec();
    }
    (1..=columns.len()).map(|number| format!("column {number}")).collect()
}

#[cfg(test)]
mod tests {
    use tensor::Datatype;

    use super::*;

    #[track_caller]
    fn check(inputs: &[&str], columns: &[&str], expect: &[&str]) {
        let input =
            |name: &&str| TensorSpec { name: (*name).to_owned(), datatype: Datatype::Fp32, shape: vec![-1] };
        let inputs: Vec<TensorSpec> = inputs.iter().map(input).collect();
        let columns: Vec<String> = columns.iter().map(|&name| name.to_owned()).collect();
        assert_eq!(argument_names(&inputs, &columns), expect);
    }

    #[test]
    fn columns_are_called_as_inputs_or_by_their_own_names() {
        check(&["a", "b"], &["x", "a"], &["a", "b"]);
        check(&["x"], &["age", "sex"], &["age", "sex"]);
        check(&["x"], &["age", "age"], &["column 1", "column 2"]);
        check(&["x"], &["x", "y"], &["column 1", "column 2"]);
    }
}
