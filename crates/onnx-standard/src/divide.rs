//! `Div` and `Mod` of whole numbers by what the caller sends: tract panics if that is zero, which ends the instance, and the zeros of the
//! warm-up would do so while packing. A node before the divisor makes it an error.

use tract_onnx::model::ParsingContext;
use tract_onnx::pb::{GraphProto, NodeProto};
use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_core::{args_1, as_op, op_as_typed_op, op_out_of_plan};
use tract_onnx::tract_hir::infer::{InferenceOp, InferenceResult, Solver, TensorProxy};
use tract_onnx::tract_hir::ops::expandable::{Expansion, expand};

/// The name of the node's operator, which no ONNX file has.
pub(crate) const NON_ZERO: &str = "PlinthNonZero";

const OPERATORS: [&str; 2] = ["Div", "Mod"];

/// Hands on what it gets, unless it is a whole number that is zero.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct NonZero;

/// Puts a node before each divisor that is no weight.
pub(crate) fn check_divisors(graph: &mut GraphProto) {
    let nodes = std::mem::take(&mut graph.node);
    for (idx, mut node) in nodes.into_iter().enumerate() {
        let is_weight = |name: &str| graph.initializer.iter().any(|initializer| initializer.name == name);
        let divides = OPERATORS.contains(&node.op_type.as_str());
        if let Some(divisor) = node.input.get_mut(1).filter(|divisor| divides && !is_weight(divisor)) {
            let checked = format!("plinth_divisor_{idx}");
            let input = vec![std::mem::replace(divisor, checked.clone())];
            let op_type = NON_ZERO.to_owned();
            let name = checked.clone();
            graph.node.push(NodeProto {
                name,
                op_type,
                input,
                output: vec![checked],
                ..NodeProto::default()
            });
        }
        graph.node.push(node);
    }
}

/// The operator of such a node.
pub(crate) fn non_zero(
    _context: &ParsingContext<'_>,
    _node: &NodeProto,
) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    Ok((expand(NonZero), Vec::new()))
}

impl Expansion for NonZero {
    fn name(&self) -> StaticName {
        "NonZero".into()
    }

    fn rules<'r, 'p: 'r, 's: 'r>(
        &'s self,
        solver: &mut Solver<'r>,
        inputs: &'p [TensorProxy],
        outputs: &'p [TensorProxy],
    ) -> InferenceResult {
        let ([input], [output]) = (inputs, outputs) else { bail!("it has one input and one output") };
        solver.equals(&output.datum_type, &input.datum_type)?;
        solver.equals(&output.shape, &input.shape)
    }

    fn wire(&self, prefix: &str, model: &mut TypedModel, inputs: &[OutletId]) -> TractResult<TVec<OutletId>> {
        let input = inputs.first().context("it has one input")?;
        let fact = model.outlet_fact(*input)?;
        if fact.datum_type.is_integer() && !fact.datum_type.is_tdim() && fact.konst.is_none() {
            return model.wire_node(prefix, Self, inputs);
        }
        Ok(tvec![*input])
    }
}

impl Op for NonZero {
    fn name(&self) -> StaticName {
        "NonZero".into()
    }

    op_as_typed_op!();
}

impl EvalOp for NonZero {
    op_out_of_plan!();

    fn eval(&self, _context: &EvalContext, inputs: TVec<TValue>) -> TractResult<TVec<TValue>> {
        let divisors = args_1!(inputs);
        let bytes_each = divisors.datum_type().size_of();
        if divisors.as_bytes().chunks(bytes_each).any(|bytes| bytes.iter().all(|&byte| byte == 0)) {
            bail!("division of a whole number by zero");
        }
        Ok(tvec![divisors])
    }
}

impl TypedOp for NonZero {
    fn output_facts(&self, inputs: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        let input = inputs.first().context("it has one input")?;
        Ok(tvec![input.datum_type.fact(input.shape.clone())])
    }

    as_op!();
}
