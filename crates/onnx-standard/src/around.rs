//! tract's operators with something before or after them: `CumSum`, `Equal` and `Shape`, where what tract knows of symbols leads it astray or
//! it lacks a datatype.

use std::collections::HashSet;

use tract_onnx::model::ParsingContext;
use tract_onnx::pb::NodeProto;
use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_core::ops::cast::wire_cast;
use tract_onnx::tract_hir::infer::{InferenceOp, InferenceResult, Solver, TensorProxy};
use tract_onnx::tract_hir::ops::expandable::{Expansion, expand};

use crate::kernel::{Kernel, Port, input, wire_computed};

/// What is done beside tract's operator.
#[derive(Debug, Clone)]
enum Beside {
    /// Make bytes of truth values before, which it does not compare.
    Bytes,
    /// Make numbers of symbols before, which it does not add up.
    Number,
    /// Read sizes that an operator decides while it runs from the value: tract may ask for them before.
    Read { start: i64, end: Option<i64> },
}

#[derive(Debug, Clone)]
struct Around {
    tract: Box<dyn Expansion>,
    beside: Beside,
}

/// The sizes of a value.
#[derive(Debug)]
struct Sizes(std::ops::Range<usize>);

/// `CumSum`, `Equal` and `Shape`, by name.
///
/// Source: ONNX, operators of these names, versions 14, 19 and 25.
pub(crate) fn around(
    context: &ParsingContext<'_>,
    node: &NodeProto,
) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    let beside = match node.op_type.as_str() {
        "CumSum" => Beside::Number,
        "Equal" => Beside::Bytes,
        _ => Beside::Read {
            start: node.get_attr_opt::<i64>("start")?.unwrap_or(0),
            end: node.get_attr_opt("end")?,
        },
    };
    Ok((expand(Around { tract: crate::tracts(context, node)?, beside }), Vec::new()))
}

impl Around {
    fn of_bytes(
        &self,
        prefix: &str,
        model: &mut TypedModel,
        inputs: &[OutletId],
    ) -> TractResult<TVec<OutletId>> {
        if model.outlet_fact(*input(inputs, 0)?)?.datum_type != DatumType::Bool {
            return self.tract.wire(prefix, model, inputs);
        }
        let bytes = wire_cast(format!("{prefix}.bytes"), model, inputs, DatumType::U8)?;
        self.tract.wire(prefix, model, &bytes)
    }

    fn numbered(
        &self,
        prefix: &str,
        model: &mut TypedModel,
        inputs: &[OutletId],
    ) -> TractResult<TVec<OutletId>> {
        let (values, axis) = (*input(inputs, 0)?, *input(inputs, 1)?);
        if !model.outlet_fact(values)?.datum_type.is_tdim() {
            return self.tract.wire(prefix, model, inputs);
        }
        let values = wire_cast(format!("{prefix}.numbers"), model, &[values], DatumType::I64)?;
        let sums = self.tract.wire(prefix, model, &[*input(&values, 0)?, axis])?;
        wire_cast(format!("{prefix}.symbols"), model, &sums, DatumType::TDim)
    }

    fn read(
        &self,
        (start, end): (i64, Option<i64>),
        prefix: &str,
        model: &mut TypedModel,
        inputs: &[OutletId],
    ) -> TractResult<TVec<OutletId>> {
        let shape = model.outlet_fact(*input(inputs, 0)?)?.shape.clone();
        let mut known = HashSet::new();
        for outlet in &model.inputs {
            known.extend(model.outlet_fact(*outlet)?.shape.iter().flat_map(TDim::symbols));
        }
        if shape.iter().flat_map(TDim::symbols).all(|symbol| known.contains(&symbol)) {
            return self.tract.wire(prefix, model, inputs);
        }
        let rank = i64::try_from(shape.rank())?;
        let place = |axis: i64| usize::try_from((if axis < 0 { axis + rank } else { axis }).clamp(0, rank));
        let (start, end) = (place(start)?, end.map_or(Ok(shape.rank()), place)?);
        let sizes = wire_computed(Sizes(start..end.max(start)), &format!("{prefix}.sizes"), model, inputs)?;
        wire_cast(prefix, model, &sizes, DatumType::TDim)
    }
}

impl Expansion for Around {
    fn name(&self) -> StaticName {
        self.tract.name()
    }

    fn rules<'r, 'p: 'r, 's: 'r>(
        &'s self,
        solver: &mut Solver<'r>,
        inputs: &'p [TensorProxy],
        outputs: &'p [TensorProxy],
    ) -> InferenceResult {
        self.tract.rules(solver, inputs, outputs)
    }

    fn wire(&self, prefix: &str, model: &mut TypedModel, inputs: &[OutletId]) -> TractResult<TVec<OutletId>> {
        match self.beside {
            Beside::Bytes => self.of_bytes(prefix, model, inputs),
            Beside::Number => self.numbered(prefix, model, inputs),
            Beside::Read { start, end } => self.read((start, end), prefix, model, inputs),
        }
    }
}

impl Kernel for Sizes {
    fn name(&self) -> &'static str {
        "Shape"
    }

    fn outputs(&self, _inputs: &[Port]) -> TractResult<TVec<Port>> {
        Ok(tvec![(DatumType::I64, tvec![self.0.len().to_dim()])])
    }

    fn eval(&self, inputs: &[TValue]) -> TractResult<TVec<Tensor>> {
        let sizes = input(inputs, 0)?.shape().get(self.0.clone()).context("Shape: axes of the value")?;
        let sizes = sizes.iter().map(|&size| Ok(i64::try_from(size)?));
        Ok(tvec![tensor1(&sizes.collect::<TractResult<Vec<i64>>>()?)])
    }
}
