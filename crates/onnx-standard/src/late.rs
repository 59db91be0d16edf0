//! Arguments that come while the model runs. Where tract wants an axis, a shape or a window while it loads the model, and finds an input of the
//! model or a number that another node computes, the node waits: tract's operator is asked again with every call, which then has all its
//! arguments. The number of axes must be known all the same. It is slower than what is known from the file.

use std::sync::Arc;

use tract_onnx::model::{OnnxOpRegister, ParsingContext};
use tract_onnx::pb::NodeProto;
use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_core::{as_op, not_a_typed_op, op_as_typed_op};
use tract_onnx::tract_hir::infer::{Factoid as _, InferenceFact, InferenceModel, InferenceNode, InferenceOp};
use tract_onnx::tract_hir::ops::expandable::Expansion;

use crate::arguments::Arguments;
use crate::bodies;
use crate::kernel::{input, numbers, plain};
use crate::slices::Slice;

const LAYER: &str = "early";

/// How many axes an output has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Rank {
    /// Those of the first input, of the same sizes.
    Like,
    /// As many as the first input.
    Same,
    /// This many.
    Of(usize),
    /// As many as the elements of that input.
    Elements(usize),
    /// As many as the first input or the elements of the second, whichever are more.
    Broadcast,
    /// One more than the first input.
    One,
    /// The first input's without those that the second names, or without all if there is none.
    Without,
    /// The first input's and those that the second names.
    With,
}

/// Operators, whether they may have the arguments from the first input on or from the second on, and the number of axes.
const OPERATORS: [(&str, usize, Rank); 35] = [
    ("BatchNormalization", 1, Rank::Like),
    ("BlackmanWindow", 0, Rank::Of(1)),
    ("ConstantOfShape", 0, Rank::Elements(0)),
    ("CumSum", 1, Rank::Like),
    ("DFT", 1, Rank::Same),
    ("DequantizeLinear", 1, Rank::Like),
    ("Expand", 1, Rank::Broadcast),
    ("HammingWindow", 0, Rank::Of(1)),
    ("HannWindow", 0, Rank::Of(1)),
    ("MelWeightMatrix", 0, Rank::Of(2)),
    ("NonMaxSuppression", 2, Rank::Of(2)),
    ("OneHot", 1, Rank::One),
    ("Pad", 1, Rank::Same),
    ("Range", 0, Rank::Of(1)),
    ("ReduceL1", 1, Rank::Without),
    ("ReduceL2", 1, Rank::Without),
    ("ReduceLogSum", 1, Rank::Without),
    ("ReduceLogSumExp", 1, Rank::Without),
    ("ReduceMax", 1, Rank::Without),
    ("ReduceMean", 1, Rank::Without),
    ("ReduceMin", 1, Rank::Without),
    ("ReduceProd", 1, Rank::Without),
    ("ReduceSum", 1, Rank::Without),
    ("ReduceSumSquare", 1, Rank::Without),
    ("Reshape", 1, Rank::Elements(1)),
    ("Resize", 1, Rank::Same),
    ("STFT", 1, Rank::Of(4)),
    ("Slice", 1, Rank::Same),
    ("SpaceToDepth", 1, Rank::Same),
    ("Split", 1, Rank::Same),
    ("Squeeze", 1, Rank::Without),
    ("Tile", 1, Rank::Same),
    ("TopK", 1, Rank::Same),
    ("Trilu", 1, Rank::Like),
    ("Unsqueeze", 1, Rank::With),
];

/// Operators for which a symbol is no argument.
const WITHOUT_SYMBOLS: [&str; 2] = ["Resize", "TopK"];

/// Operators for which exporters write one number as a list of one, or the other way round; tract minds while it infers shapes only.
const LENIENT: [&str; 3] = ["CumSum", "NonMaxSuppression", "Pad"];

/// Operators that tract runs with arguments that it does not know, and refuses some that it then gets.
const STRICT: [&str; 3] = ["Range", "Slice", "TopK"];

/// What tract makes of a node, and what it may not know yet.
#[derive(Debug, Clone)]
struct Late {
    operator: Box<dyn InferenceOp>,
    arguments: usize,
    takes_symbols: bool,
    is_lenient: bool,
    is_strict: bool,
    rank: Rank,
    checked: Arguments,
}

/// The node, when it has to wait.
#[derive(Debug, Clone)]
struct Waiting {
    operator: Arc<dyn InferenceOp>,
    outputs: TVec<TypedFact>,
    checked: Arguments,
}

/// Has the operators that want arguments early wait for them.
pub(crate) fn register(register: &mut OnnxOpRegister) {
    for (name, ..) in OPERATORS {
        crate::replace(register, LAYER, name, build);
    }
}

/// Has every `Slice` of the graph take its axes to be long enough: what follows may need to know how long the part is.
pub(crate) fn trust_slices(model: &mut InferenceModel) {
    for node in model.nodes_mut() {
        let Some(late) = node.op.as_op_mut().downcast_mut::<Late>() else { continue };
        if let Some(slice) = crate::expansion_mut::<Slice>(late.operator.as_mut()) {
            slice.trust();
        }
    }
}

fn build(context: &ParsingContext<'_>, node: &NodeProto) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    let (operator, closures) = crate::before(LAYER, context, node)?;
    let found = OPERATORS.iter().find(|(name, ..)| *name == node.op_type);
    let (_, arguments, rank) = *found.context("an operator that can wait")?;
    let rank = rank_of(node, rank)?;
    let is_strict = STRICT.contains(&node.op_type.as_str());
    let is_lenient = LENIENT.contains(&node.op_type.as_str());
    let takes_symbols = !WITHOUT_SYMBOLS.contains(&node.op_type.as_str());
    Ok((
        Box::new(Late {
            operator,
            arguments,
            takes_symbols,
            is_lenient,
            is_strict,
            rank,
            checked: Arguments::of(node)?,
        }),
        closures,
    ))
}

/// The rank that the attributes decide, otherwise the operator's.
fn rank_of(node: &NodeProto, rank: Rank) -> TractResult<Rank> {
    let keeps_axes = node.op_type.starts_with("Reduce") && node.get_attr_opt::<i64>("keepdims")? != Some(0);
    Ok(if keeps_axes { Rank::Same } else { rank })
}

impl Rank {
    fn of(self, inputs: &[TypedFact]) -> TractResult<usize> {
        let rank = |place| input(inputs, place).map(|fact| fact.rank());
        let n_elements = |place| {
            let fact = input(inputs, place)?;
            fact.shape.volume().to_usize().context("it is not known how many axes the output has")
        };
        Ok(match self {
            Self::Like | Self::Same => rank(0)?,
            Self::Of(rank) => rank,
            Self::Elements(place) => n_elements(place)?,
            Self::Broadcast => rank(0)?.max(n_elements(1)?),
            Self::One => rank(0)? + 1,
            Self::Without if inputs.len() < 2 => 0,
            Self::Without => rank(0)?.saturating_sub(n_elements(1)?),
            Self::With => rank(0)? + n_elements(1)?,
        })
    }
}

/// A model with these inputs and nothing else.
pub(crate) fn trial(
    inputs: &[TypedFact],
    symbols: &SymbolScope,
) -> TractResult<(TypedModel, TVec<OutletId>)> {
    let mut trial = TypedModel { symbols: symbols.clone(), ..TypedModel::default() };
    let mut source =
        |(idx, fact): (usize, &TypedFact)| trial.add_source(format!("input_{idx}"), fact.clone());
    let outlets = inputs.iter().enumerate().map(&mut source).collect::<TractResult<_>>()?;
    Ok((trial, outlets))
}

impl Late {
    /// Whether tract's operator does with what is known of its inputs.
    fn is_in_time(
        &self,
        source: &InferenceModel,
        node: &InferenceNode,
        inputs: &[TypedFact],
        symbols: &SymbolScope,
    ) -> TractResult<bool> {
        let arguments = inputs.get(self.arguments..).unwrap_or_default();
        let is_known = arguments.iter().all(|fact| fact.konst.is_some());
        if (!self.takes_symbols && arguments.iter().any(has_symbols)) || (self.is_strict && !is_known) {
            return Ok(false);
        }
        let (mut trial, outlets) = trial(inputs, symbols)?;
        let mapping = node.inputs.iter().copied().zip(outlets).collect();
        Ok(self.operator.to_typed(source, node, &mut trial, &mapping).is_ok())
    }

    /// The sizes of the outputs as tract's operator has them, if it has. They may be under other names than those that were inferred.
    fn sizes(&self, inputs: &[TypedFact], symbols: &SymbolScope) -> Option<TVec<TVec<TDim>>> {
        let (mut trial, outlets) = trial(inputs, symbols).ok()?;
        let operator = self.operator.clone().into_any().downcast::<Box<dyn Expansion>>().ok()?;
        let outlets = operator.wire("trial", &mut trial, &outlets).ok()?;
        outlets.into_iter().map(|outlet| Some(trial.outlet_fact(outlet).ok()?.shape.to_tvec())).collect()
    }

    /// What is known of the outputs before the model runs.
    fn outputs(
        &self,
        node: &InferenceNode,
        inputs: &[TypedFact],
        symbols: &SymbolScope,
    ) -> TractResult<TVec<TypedFact>> {
        let sizes = self.sizes(inputs, symbols).unwrap_or_default();
        let of = |(place, fact): (usize, &InferenceFact)| {
            let datum_type = fact.datum_type.concretize();
            let datum_type = datum_type.map_or_else(|| Ok(input(inputs, 0)?.datum_type), TractResult::Ok)?;
            let rank = match fact.shape.rank().concretize() {
                Some(rank) => usize::try_from(rank)?,
                None => self.rank.of(inputs)?,
            };
            let mut known: TVec<Option<TDim>> = fact.shape.dims().map(|dim| dim.concretize()).collect();
            if self.rank == Rank::Like {
                known = input(inputs, 0)?.shape.iter().cloned().map(Some).collect();
            }
            let sizes = sizes.get(place).filter(|sizes| sizes.len() == rank);
            let dims = (0..rank).map(|axis| {
                let inferred = known.get(axis).cloned().flatten();
                let wired = || sizes.and_then(|sizes| sizes.get(axis).cloned());
                inferred.or_else(wired).unwrap_or_else(|| symbols.new_with_prefix("late").into())
            });
            Ok(plain(datum_type).fact(dims.collect::<TVec<TDim>>()))
        };
        node.outputs.iter().map(|output| &output.fact).enumerate().map(of).collect()
    }
}

impl Op for Late {
    fn name(&self) -> StaticName {
        self.operator.name()
    }

    not_a_typed_op!();
}

impl EvalOp for Late {
    fn eval_out_of_plan(&self, inputs: TVec<TValue>) -> TractResult<Option<TVec<TValue>>> {
        let has_symbols = inputs.iter().any(|input| has_symbol(input));
        match self.operator.eval_out_of_plan(inputs) {
            Err(_) if has_symbols => Ok(None),
            found => found,
        }
    }
}

impl PartialEq for Late {
    fn eq(&self, _other: &Self) -> bool {
        false
    }
}

impl Eq for Late {}

impl InferenceOp for Late {
    fn infer_facts(
        &mut self,
        inputs: TVec<&InferenceFact>,
        outputs: TVec<&InferenceFact>,
        observed: TVec<&InferenceFact>,
    ) -> TractResult<(TVec<InferenceFact>, TVec<InferenceFact>, TVec<InferenceFact>)> {
        let cloned = |facts: &TVec<&InferenceFact>| facts.iter().map(|&fact| fact.clone()).collect();
        let known: [TVec<InferenceFact>; 3] = [cloned(&inputs), cloned(&outputs), cloned(&observed)];
        let is_known =
            |fact: &&InferenceFact| fact.value.concretize().is_some_and(|value| !has_symbol(&value));
        let is_open = self.is_lenient || !inputs.iter().all(is_known);
        match self.operator.infer_facts(inputs, outputs, observed) {
            // What it cannot tell of sizes that are open is asked again when they are known.
            Err(_) if is_open => {
                let [inputs, outputs, observed] = known;
                Ok((inputs, outputs, observed))
            }
            found => found,
        }
    }

    fn observe_outlets(&self, model: &InferenceModel, node: &InferenceNode) -> TractResult<Vec<OutletId>> {
        self.operator.observe_outlets(model, node)
    }

    fn nboutputs(&self) -> TractResult<usize> {
        self.operator.nboutputs()
    }

    fn as_op(&self) -> &dyn Op {
        self
    }

    fn as_op_mut(&mut self) -> &mut dyn Op {
        self
    }

    fn to_typed(
        &self,
        source: &InferenceModel,
        node: &InferenceNode,
        target: &mut TypedModel,
        mapping: &HashMap<OutletId, OutletId>,
    ) -> TractResult<TVec<OutletId>> {
        let (outlets, inputs) = bodies::translated(node, target, mapping)?;
        let symbols = target.symbols.clone();
        if self.is_in_time(source, node, &inputs, &symbols)? {
            return self.operator.to_typed(source, node, target, mapping);
        }
        let outputs = self.outputs(node, &inputs, &symbols)?;
        let operator = Arc::from(self.operator.clone());
        target.wire_node(&node.name, Waiting { operator, outputs, checked: self.checked.clone() }, &outlets)
    }
}

impl Op for Waiting {
    fn name(&self) -> StaticName {
        self.operator.name()
    }

    fn validation(&self) -> Validation {
        Validation::Rounding
    }

    op_as_typed_op!();
}

impl PartialEq for Waiting {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.operator, &other.operator)
    }
}

impl Eq for Waiting {}

impl EvalOp for Waiting {
    fn eval_out_of_plan(&self, inputs: TVec<TValue>) -> TractResult<Option<TVec<TValue>>> {
        if inputs.iter().any(|input| has_symbol(input)) {
            return Ok(None);
        }
        self.eval(&EvalContext::out_of_plan(), inputs).map(Some)
    }

    fn eval(&self, context: &EvalContext, inputs: TVec<TValue>) -> TractResult<TVec<TValue>> {
        let numbers = |input: TValue| numbers(input, context.symbols);
        let inputs = inputs.into_iter().map(numbers).collect::<TractResult<TVec<TValue>>>()?;
        let n_bytes = self.outputs.first().map_or(1, |fact| fact.datum_type.size_of());
        self.checked.check(&inputs, n_bytes)?;
        let found = self.operator.eval_out_of_plan(inputs)?;
        found.with_context(|| format!("{} cannot wait for its arguments", self.operator.name()))
    }
}

/// Whether a value known from the file depends on sizes that are not.
fn has_symbols(fact: &TypedFact) -> bool {
    fact.konst.as_ref().is_some_and(|konst| has_symbol(konst))
}

fn has_symbol(value: &Tensor) -> bool {
    value.datum_type().is_tdim() && value.cast_to::<i64>().is_err()
}

impl TypedOp for Waiting {
    fn output_facts(&self, _inputs: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        Ok(self.outputs.clone())
    }

    as_op!();
}
