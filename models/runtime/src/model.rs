//! A loaded model: tract's plan, its signature, and how a call runs through it.

use std::{collections::HashMap, iter};

use onnx_standard::indices::{self, OutOfRange};
use onnx_standard::{Misfit, precision, recurrence, simplify};
use tensor::{Datatype, Metadata, Tensor, TensorSpec};
use tract_onnx::Onnx;
use tract_onnx::pb::ModelProto;
use tract_onnx::prelude::{
    InferenceModel, IntoRunnable as _, IntoTValue as _, OutletId, TValue, TVec, TractError, TypedFact,
    TypedModel, TypedOp,
};
use tract_onnx::tract_core::plan::SimpleState;

use crate::batching::Batching;
use crate::bindings::exports::plinth::model::{inference, loader};
use crate::convert::{addressable, tensor_from_tract, tensor_from_wit, tensor_to_tract};
use crate::independence::independent_rows;
use crate::operators::Operators;
use crate::signature::{Port, name_open_dimensions, port};
use crate::{argmax, diagnosis, onnx, operators, pruning, softmax};

/// The protocol's name for ONNX models.
///
/// Source: Open Inference Protocol V2, "Platforms".
const PLATFORM: &str = "onnx_onnxv1";

/// Row counts of the warm-up calls: one row, and several.
const WARM_UP_ROWS: [u64; 2] = [1, 2];

/// Sizes of open dimensions that are not the rows, in the warm-up calls, if the model does not answer as many as rows: enough for the windows that
/// go over an image.
const WARM_UP_SIZES: [u64; 2] = [16, 64];

/// The most elements of an input of those sizes.
const WARM_UP_MOST: u64 = 1 << 24;

type State = SimpleState<TypedFact, Box<dyn TypedOp>>;

/// A model ready to answer.
pub(crate) struct Model {
    metadata: Metadata,
    state: State,
    batching: Batching,
}

/// Why a call was not answered.
pub(crate) enum InferError {
    InvalidInput(String),
    Failed(String),
}

impl From<InferError> for inference::Error {
    fn from(error: InferError) -> Self {
        match error {
            InferError::InvalidInput(message) => Self::InvalidInput(message),
            InferError::Failed(message) => Self::Failed(message),
        }
    }
}

impl From<tensor::Error> for InferError {
    fn from(error: tensor::Error) -> Self {
        Self::InvalidInput(error.to_string())
    }
}

impl Model {
    /// Loads, optimises and warms up the ONNX file.
    pub(crate) fn load(
        onnx: Vec<u8>,
        options: loader::Options,
    ) -> Result<(Self, loader::Report), loader::Error> {
        let mut proto = onnx::parse(onnx)?;
        if let Some(graph) = &mut proto.graph {
            onnx_ml::give_maps_columns(graph);
            onnx_standard::rewrite(graph);
        }
        let mut report = describe(&proto);
        let typed = build(proto, &options.outputs)?;
        let metadata = metadata(&typed, options, &report)?;
        let is_recurrent = recurrence::is_in(&typed);
        let (plan, batching) = plan(typed, report.weights_size).map_err(loader::Error::Invalid)?;
        let mut model = Self { metadata, state: spawn(plan)?, batching };
        let failures = model.warm_up();
        if let Some(failure) = failures.first().filter(|_| is_recurrent) {
            return Err(loader::Error::Invalid(format!("a recurrence cannot run: {failure}")));
        }
        report.warm_ups = u32::try_from(WARM_UP_ROWS.len() - failures.len()).unwrap_or_default();
        Ok((model, report))
    }

    /// The model's signature.
    pub(crate) const fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// Runs the model on tensors in any order; `outputs` as in the interface.
    pub(crate) fn infer(
        &mut self,
        inputs: Vec<inference::Tensor>,
        outputs: &[String],
    ) -> Result<Vec<inference::Tensor>, InferError> {
        let inputs = arrange(&self.metadata.inputs, inputs)?;
        let selected = select(&self.metadata.outputs, outputs)?;
        run_in_pieces(&mut self.state, self.batching, &inputs, &selected)
    }

    /// Runs the model on zeros, so that what it sets up at its first call is part of the snapshot.
    ///
    /// A model that refuses such inputs is served cold: zeros mean nothing to it. Returns what was wrong with the calls that failed.
    fn warm_up(&mut self) -> Vec<String> {
        WARM_UP_ROWS.into_iter().filter_map(|n_rows| self.refusal_of_zeros(n_rows)).collect()
    }

    /// What is wrong with so many rows of zeros, if the model answers them in none of the sizes.
    fn refusal_of_zeros(&mut self, n_rows: u64) -> Option<String> {
        let mut first = None;
        for shapes in warm_up_shapes(&self.metadata.inputs, n_rows) {
            match self.answer_zeros(shapes) {
                Ok(()) => return None,
                Err(InferError::InvalidInput(reason) | InferError::Failed(reason)) => {
                    first.get_or_insert(reason);
                }
            }
        }
        first
    }

    /// Calls the model with zeros of these shapes.
    fn answer_zeros(&mut self, shapes: Vec<Vec<u64>>) -> Result<(), InferError> {
        let specs = self.metadata.inputs.iter().zip(shapes);
        let zeros = specs.map(|(spec, shape)| zero_tensor(&spec.name, spec.datatype, shape));
        let zeros = zeros.collect::<tensor::Result<Vec<_>>>()?;
        let outputs: Vec<_> = self.metadata.outputs.iter().enumerate().collect();
        run_in_pieces(&mut self.state, self.batching, &zeros, &outputs).map(drop)
    }
}

/// The inputs in the model's order, each checked against its spec.
fn arrange(specs: &[TensorSpec], inputs: Vec<inference::Tensor>) -> Result<Vec<Tensor>, InferError> {
    let mut slots: Vec<Option<Tensor>> = specs.iter().map(|_| None).collect();
    for input in inputs {
        let tensor = tensor_from_wit(input)?;
        let Some((spec, slot)) = specs.iter().zip(&mut slots).find(|(spec, _)| spec.name == tensor.name())
        else {
            return Err(InferError::InvalidInput(format!("the model has no input `{}`", tensor.name())));
        };
        spec.check(&tensor)?;
        if slot.replace(tensor).is_some() {
            return Err(InferError::InvalidInput(format!("input `{}` is given twice", spec.name)));
        }
    }
    let missing = |spec: &TensorSpec| InferError::InvalidInput(format!("input `{}` is missing", spec.name));
    slots.into_iter().zip(specs).map(|(slot, spec)| slot.ok_or_else(|| missing(spec))).collect()
}

/// The indices and specs of the outputs asked for; all if none is named.
fn select<'a>(
    specs: &'a [TensorSpec],
    outputs: &[String],
) -> Result<Vec<(usize, &'a TensorSpec)>, InferError> {
    if outputs.is_empty() {
        return Ok(specs.iter().enumerate().collect());
    }
    let find = |name: &String| {
        let found = specs.iter().enumerate().find(|(_, spec)| spec.name == *name);
        found.ok_or_else(|| InferError::InvalidInput(format!("the model has no output `{name}`")))
    };
    outputs.iter().map(find).collect()
}

/// Runs the plan as often as `batching` says and puts the rows of the outputs together again.
fn run_in_pieces(
    state: &mut State,
    batching: Batching,
    inputs: &[Tensor],
    selected: &[(usize, &TensorSpec)],
) -> Result<Vec<inference::Tensor>, InferError> {
    let n_rows = inputs.first().and_then(Tensor::rows);
    let n_rows = n_rows.filter(|_| inputs.iter().all(|input| input.rows() == n_rows));
    let runs: Vec<u64> = n_rows.map_or_else(Vec::new, |n_rows| batching.runs(n_rows).collect());
    match runs.as_slice() {
        [0] if batching == Batching::RowByRow => run_no_rows(state, inputs, selected),
        [] | [_] => outputs(&run(state, inputs)?, selected),
        _ => run_each(state, &runs, inputs, selected),
    }
}

fn run_each(
    state: &mut State,
    runs: &[u64],
    inputs: &[Tensor],
    selected: &[(usize, &TensorSpec)],
) -> Result<Vec<inference::Tensor>, InferError> {
    let mut first_row = 0;
    let mut whole: Vec<inference::Tensor> = Vec::new();
    for n_rows in runs {
        let rows = first_row..first_row + n_rows;
        let missing = || InferError::Failed("a row is missing".to_owned());
        let cut = |input: &Tensor| input.row_range(rows.clone()).ok_or_else(missing);
        let piece = inputs.iter().map(cut).collect::<Result<Vec<_>, _>>()?;
        append_rows(&mut whole, outputs(&run(state, &piece)?, selected)?, *n_rows)?;
        first_row = rows.end;
    }
    Ok(whole)
}

/// Answers no rows with a plan for one: with what it says to zeros, without the row.
fn run_no_rows(
    state: &mut State,
    inputs: &[Tensor],
    selected: &[(usize, &TensorSpec)],
) -> Result<Vec<inference::Tensor>, InferError> {
    let one_row = |input: &Tensor| {
        let shape = iter::once(1).chain(input.shape().iter().skip(1).copied()).collect();
        zero_tensor(input.name(), input.datatype(), shape)
    };
    let inputs = inputs.iter().map(one_row).collect::<tensor::Result<Vec<_>>>()?;
    let mut answer = outputs(&run(state, &inputs)?, selected)?;
    for output in &mut answer {
        output.data.clear();
        output.shape.first_mut().into_iter().for_each(|n_rows| *n_rows = 0);
    }
    Ok(answer)
}

/// The tensors asked for, out of all values of the plan.
fn outputs(
    values: &TVec<TValue>,
    selected: &[(usize, &TensorSpec)],
) -> Result<Vec<inference::Tensor>, InferError> {
    let output = |&(output_idx, spec): &(usize, &TensorSpec)| {
        let value = values.get(output_idx).ok_or_else(|| format!("no value for output `{}`", spec.name))?;
        tensor_from_tract(value, spec)
    };
    selected.iter().map(output).collect::<Result<_, String>>().map_err(InferError::Failed)
}

/// Adds the outputs of `n_rows` more rows.
fn append_rows(
    whole: &mut Vec<inference::Tensor>,
    piece: Vec<inference::Tensor>,
    n_rows: u64,
) -> Result<(), InferError> {
    if let Some(wrong) = piece.iter().find(|output| output.shape.first() != Some(&n_rows)) {
        let message = format!("output `{}` has shape {:?} for {n_rows} rows", wrong.name, wrong.shape);
        return Err(InferError::Failed(message));
    }
    if whole.is_empty() {
        *whole = piece;
        return Ok(());
    }
    for (whole, piece) in whole.iter_mut().zip(piece) {
        if let Some(rows) = whole.shape.first_mut() {
            *rows += n_rows;
        }
        whole.data.extend_from_slice(&piece.data);
    }
    Ok(())
}

/// Runs the plan; after a failure it starts from a fresh state, so the instance stays usable. Elements that tract cannot hold are
/// the caller's fault.
fn run(state: &mut State, inputs: &[Tensor]) -> Result<TVec<TValue>, InferError> {
    let values = inputs
        .iter()
        .map(|input| tensor_to_tract(input).map(|tensor| tensor.into_tvalue()))
        .collect::<Result<TVec<_>, _>>()
        .map_err(InferError::InvalidInput)?;
    let result = state.run(values);
    if result.is_err() {
        *state = state.plan().spawn().map_err(failure)?;
    }
    result.map_err(failure)
}

/// Whose fault it is that the plan failed: an index that a table does not have comes from an input, and so do sizes that do not fit.
fn failure(error: TractError) -> InferError {
    let of_index = error.downcast_ref::<OutOfRange>().map(ToString::to_string);
    let of_input = of_index.or_else(|| error.downcast_ref::<Misfit>().map(ToString::to_string));
    of_input.map_or_else(|| InferError::Failed(format!("{error:#}")), InferError::InvalidInput)
}

/// Shapes of the inputs with so many rows: with as many elsewhere, and other sizes if those are open too and there is room for them.
fn warm_up_shapes(specs: &[TensorSpec], n_rows: u64) -> Vec<Vec<Vec<u64>>> {
    let of_size = |size| specs.iter().map(|spec| warm_up_shape(spec, n_rows, size)).collect();
    let n_elements = |shape: &Vec<u64>| shape.iter().try_fold(1_u64, |n, &dim| n.checked_mul(dim));
    let has_room = |shape: &Vec<u64>| n_elements(shape).is_some_and(|n| n <= WARM_UP_MOST);
    let mut shapes: Vec<Vec<Vec<u64>>> = vec![of_size(n_rows)];
    for size in WARM_UP_SIZES {
        let larger: Vec<Vec<u64>> = of_size(size);
        if larger.iter().all(has_room) && !shapes.contains(&larger) {
            shapes.push(larger);
        }
    }
    shapes
}

/// The shape of an input with `n_rows` for the first dimension if it is open, and `size` for others.
fn warm_up_shape(spec: &TensorSpec, n_rows: u64, size: u64) -> Vec<u64> {
    let open = |axis: usize| if axis == 0 { n_rows } else { size };
    let dims = spec.shape.iter().enumerate();
    dims.map(|(axis, &dim)| u64::try_from(dim).unwrap_or_else(|_| open(axis))).collect()
}

/// Zeros (empty strings).
fn zero_tensor(name: &str, datatype: Datatype, shape: Vec<u64>) -> tensor::Result<Tensor> {
    let n_elements: u64 = shape.iter().product();
    let element_size = datatype.element_size().unwrap_or(size_of::<u32>());
    Tensor::new(name, datatype, shape, vec![0; addressable(n_elements) * element_size])
}

fn describe(proto: &ModelProto) -> loader::Report {
    let graph = proto.graph.as_ref();
    loader::Report {
        ir_version: proto.ir_version,
        opset: onnx::opset(proto),
        producer: onnx::producer(proto),
        nodes: graph.map_or(0, |graph| u32::try_from(graph.node.len()).unwrap_or(u32::MAX)),
        weights_size: graph.map_or(0, onnx::weights_size),
        warm_ups: 0,
    }
}

/// tract's decluttered model, pruned to `outputs` (all if empty).
fn build(proto: ModelProto, outputs: &[String]) -> Result<TypedModel, loader::Error> {
    let framework = operators::framework();
    let operators = proto.graph.as_ref().map(|graph| Operators::of(&framework, &proto, graph));
    let operators = operators.unwrap_or_default();
    if !operators.can_run() {
        return Err(diagnosis::of_file(&framework, proto, operators));
    }
    let is_classic = precision::is_classic(&proto);
    let model = inferred(&framework, proto, outputs).map_err(loader::Error::Invalid)?;
    let parsed = model.clone();
    let typed = onnx_standard::typed(model);
    let typed = typed.map_err(|error| diagnosis::of_model(parsed, format!("{error:#}"), operators))?;
    declutter(typed, is_classic).map_err(loader::Error::Invalid)
}

/// The model as tract reads it, its open dimensions named.
fn inferred(framework: &Onnx, proto: ModelProto, outputs: &[String]) -> Result<InferenceModel, String> {
    let parsed = framework.parse(&proto, None).map_err(|error| format!("{error:#}"))?;
    if !parsed.unresolved_inputs.is_empty() {
        return Err(format!("no node produces {}", parsed.unresolved_inputs.join(", ")));
    }
    drop(proto);
    let mut model = parsed.model;
    name_open_dimensions(&mut model)?;
    if !outputs.is_empty() {
        model.select_outputs_by_name(outputs).map_err(|error| format!("{error:#}"))?;
    }
    Ok(model)
}

/// The simplified model. One that tract's simplifications cannot digest stays as it is, and is slower. A small classic one computes in FP64.
fn declutter(mut typed: TypedModel, is_classic: bool) -> Result<TypedModel, String> {
    recurrence::begin_anew(&mut typed).map_err(|error| format!("{error:#}"))?;
    if is_classic {
        typed = precision::widen(&typed).unwrap_or(typed);
    }
    pruning::prune_inputs(simplify::declutter(typed.clone()).unwrap_or(typed))
}

/// The optimised model, for one row at a time if that is how its batches run.
fn plan(model: TypedModel, weights_bytes: u64) -> Result<(TypedModel, Batching), String> {
    let batch = independent_rows(&model);
    let batching = batch.as_ref().map_or(Batching::Whole, |_| Batching::of(&model, weights_bytes));
    let model = match (batch, batching) {
        (Some(batch), Batching::RowByRow) => {
            let one_row = model.set_symbols(&HashMap::from([(batch, 1.into())]));
            one_row.and_then(simplify::declutter)
        }
        _ => Ok(model),
    };
    let model = model.map_err(|error| format!("{error:#}"))?;
    let plan = simplify::optimise(model)
        .and_then(|plan| indices::check(argmax::replace(softmax::replace(plan))))
        .map_err(|error| format!("{error:#}"))?;
    Ok((plan, batching))
}

fn spawn(model: TypedModel) -> Result<State, loader::Error> {
    model
        .into_runnable()
        .and_then(|plan| plan.spawn())
        .map_err(|error| loader::Error::Invalid(format!("{error:#}")))
}

fn metadata(
    model: &TypedModel,
    options: loader::Options,
    report: &loader::Report,
) -> Result<Metadata, loader::Error> {
    let (inputs, outputs) = ports(model).map_err(loader::Error::Invalid)?;
    let mut properties = options.properties;
    properties.push(("opset".to_owned(), report.opset.to_string()));
    properties.push(("producer".to_owned(), report.producer.clone()));
    properties.extend(inputs.iter().chain(&outputs).filter_map(symbolic_dims));
    properties.extend(inputs.iter().chain(&outputs).filter_map(labels));
    properties.sort();
    Ok(Metadata {
        name: options.name,
        version: options.version,
        platform: PLATFORM.to_owned(),
        inputs: inputs.into_iter().map(|port| port.spec).collect(),
        outputs: outputs.into_iter().map(|port| port.spec).collect(),
        properties,
    })
}

fn ports(model: &TypedModel) -> Result<(Vec<Port>, Vec<Port>), String> {
    let inputs = model.inputs.iter().map(|&outlet| port(model, outlet, &model.node(outlet.node).name));
    let output_name = |outlet: OutletId| match model.outlet_label(outlet) {
        Some(label) => label.to_owned(),
        None => model.node(outlet.node).name.clone(),
    };
    let outputs = model.outputs.iter().map(|&outlet| port(model, outlet, &output_name(outlet)));
    Ok((inputs.collect::<Result<_, _>>()?, outputs.collect::<Result<_, _>>()?))
}

/// The property that names a tensor's columns, if they stand for a map.
fn labels(port: &Port) -> Option<(String, String)> {
    port.labels.clone().map(|labels| (format!("labels.{}", port.spec.name), labels))
}

/// The property that names a tensor's dimensions, if one is symbolic.
fn symbolic_dims(port: &Port) -> Option<(String, String)> {
    port.spec.shape.contains(&-1).then(|| (format!("dims.{}", port.spec.name), port.dims.join(",")))
}
