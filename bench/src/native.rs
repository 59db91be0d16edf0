//! tract as native code in this process: the version inside the packed models, and the same steps from file to plan as in
//! `models/runtime`. What differs is the machine code.

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use tensor::{Datatype, Tensor, TensorSpec};
use tract_onnx::prelude::{
    DatumType, Framework as _, InferenceFact, InferenceModel, IntoRunnable as _, IntoTValue as _, TValue,
    TVec, Tensor as TractTensor, TypedFact, TypedOp,
};
use tract_onnx::tract_core::internal::{TDim, ToDim as _};
use tract_onnx::tract_core::plan::SimpleState;
use tract_onnx::tract_hir::infer::{Factoid as _, GenericFactoid, InferenceModelExt as _};

use crate::models;
use crate::runner::{Question, Runner};

/// As pinned in `Cargo.toml`, here and in the main workspace.
pub(crate) const VERSION: &str = "0.23.9";

type State = SimpleState<TypedFact, Box<dyn TypedOp>>;

/// A plan, and the state that it keeps between calls.
pub(crate) struct Plan {
    state: State,
}

impl Plan {
    /// From bytes to a plan; an open leading dimension becomes a symbol.
    pub(crate) fn load(onnx: &[u8]) -> Result<Self> {
        let framework = tract_onnx::onnx();
        let proto = framework.proto_model_for_read(&mut &*onnx)?;
        let mut model = framework.parse(&proto, None)?.model;
        drop(proto);
        name_open_batches(&mut model)?;
        let state = model.into_typed()?.into_decluttered()?.into_optimized()?.into_runnable()?.spawn()?;
        Ok(Self { state })
    }

    /// The outputs, under the names of `specs`.
    fn infer(&mut self, inputs: &[Tensor], specs: &[TensorSpec]) -> Result<Vec<Tensor>> {
        let inputs = inputs.iter().map(|input| Ok(to_tract(input)?.into_tvalue()));
        let outputs = self.state.run(inputs.collect::<Result<TVec<TValue>>>()?)?;
        specs.iter().zip(&outputs).map(|(spec, output)| from_tract(output, spec)).collect()
    }
}

/// A plan answering one question. As in a packed model, copying in and out of tract's tensors counts.
pub(crate) struct Native<'a> {
    plan: Plan,
    outputs: &'a [TensorSpec],
    question: &'a Question,
}

impl<'a> Native<'a> {
    pub(crate) fn new(onnx: &Path, outputs: &'a [TensorSpec], question: &'a Question) -> Result<Self> {
        Ok(Self { plan: Plan::load(&models::read(onnx)?)?, outputs, question })
    }
}

impl Runner for Native<'_> {
    fn slice(&mut self, n_calls: usize) -> Result<Vec<f64>> {
        let mut call = || self.question.ask(|inputs| self.plan.infer(&inputs, self.outputs));
        (0..n_calls).map(|_| call()).collect()
    }
}

fn name_open_batches(model: &mut InferenceModel) -> Result<()> {
    for (input_idx, outlet) in model.input_outlets()?.to_vec().into_iter().enumerate() {
        let declared = model.outlet_fact(outlet)?;
        let datum_type = declared.datum_type.concretize().context("an input declares no datatype")?;
        let dims: Vec<TDim> = declared
            .shape
            .dims()
            .map(|dim| match dim {
                GenericFactoid::Only(dim) => dim.clone(),
                GenericFactoid::Any => model.symbols.sym("batch").to_dim(),
            })
            .collect();
        model.set_input_fact(input_idx, InferenceFact::dt_shape(datum_type, dims))?;
    }
    Ok(())
}

fn to_tract(tensor: &Tensor) -> Result<TractTensor> {
    let shape: Vec<usize> = tensor.shape().iter().map(|&dim| dim as usize).collect();
    let mut converted = TractTensor::zero_dt(DatumType::F32, &shape)?;
    converted.as_bytes_mut().copy_from_slice(tensor.data());
    Ok(converted)
}

fn from_tract(tensor: &TractTensor, spec: &TensorSpec) -> Result<Tensor> {
    let shape = tensor.shape().iter().map(|&dim| dim as u64).collect();
    let data = match (tensor.datum_type(), spec.datatype) {
        (DatumType::TDim, Datatype::Int64) => tensor.cast_to::<i64>()?.as_bytes().to_vec(),
        (DatumType::I64, Datatype::Int64) | (DatumType::F32, Datatype::Fp32) => tensor.as_bytes().to_vec(),
        (found, expected) => bail!("output `{}` is {found:?}, not {expected}", spec.name),
    };
    Ok(Tensor::new(spec.name.clone(), spec.datatype, shape, data)?)
}
