//! `SpaceToDepth` in both orders: tract knows one, and answers in that whatever is asked for.

use tract_onnx::model::ParsingContext;
use tract_onnx::pb::NodeProto;
use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_hir::infer::{InferenceOp, InferenceResult, Solver, TensorProxy};
use tract_onnx::tract_hir::ops::expandable::{Expansion, expand};

use crate::kernel::input;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct SpaceToDepth {
    /// The side of a block.
    size: usize,
    /// Whether the places in a block vary faster than the channels.
    is_channel_first: bool,
}

/// Reads the operator from its node.
///
/// Source: ONNX, operator `SpaceToDepth`, version 28.
pub(crate) fn space_to_depth(
    _context: &ParsingContext<'_>,
    node: &NodeProto,
) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    let size = usize::try_from(node.get_attr::<i64>("blocksize")?)?;
    ensure!(size > 0, "SpaceToDepth: a block of {size}");
    let is_channel_first = match node.get_attr_opt::<&str>("mode")? {
        None | Some("DCR") => false,
        Some("CRD") => true,
        Some(other) => bail!("SpaceToDepth: the mode `{other}` is neither DCR nor CRD"),
    };
    Ok((expand(SpaceToDepth { size, is_channel_first }), Vec::new()))
}

fn image(shape: &[TDim]) -> TractResult<[TDim; 4]> {
    let shape: Result<[TDim; 4], _> = shape.to_vec().try_into();
    shape.map_err(|shape| format_err!("SpaceToDepth of a value with {} axes, not four", shape.len()))
}

impl Expansion for SpaceToDepth {
    fn name(&self) -> StaticName {
        "SpaceToDepth".into()
    }

    fn rules<'r, 'p: 'r, 's: 'r>(
        &'s self,
        solver: &mut Solver<'r>,
        inputs: &'p [TensorProxy],
        outputs: &'p [TensorProxy],
    ) -> InferenceResult {
        let (given, output) = (input(inputs, 0)?, input(outputs, 0)?);
        solver.equals(&output.datum_type, &given.datum_type)?;
        solver.given(&given.shape, move |solver, shape| {
            let [rows, channels, height, width] = image(&shape)?;
            let size = self.size;
            let shape: TVec<TDim> = tvec![rows, channels * (size * size), height / size, width / size];
            solver.equals(&output.shape, shape)
        })
    }

    fn wire(&self, prefix: &str, model: &mut TypedModel, inputs: &[OutletId]) -> TractResult<TVec<OutletId>> {
        let given = *input(inputs, 0)?;
        let [_, channels, height, width] = image(&model.outlet_fact(given)?.shape)?;
        let size = self.size.to_dim();
        let cut: TVec<TDim> =
            tvec![height.clone() / self.size, size.clone(), width.clone() / self.size, size.clone()];
        let n_channels = channels.clone() * (self.size * self.size);
        // From rows, channels, height, block's height, width, block's width.
        let mut steps = vec![AxisOp::Reshape(2, tvec![height, width], cut)];
        if self.is_channel_first {
            steps.extend([AxisOp::Move(3, 2), AxisOp::Move(5, 3)]);
            steps.push(AxisOp::Reshape(1, tvec![channels, size.clone(), size], tvec![n_channels]));
        } else {
            steps.extend([AxisOp::Move(3, 1), AxisOp::Move(5, 2)]);
            steps.push(AxisOp::Reshape(1, tvec![size.clone(), size, channels], tvec![n_channels]));
        }
        let mut wire = tvec![given];
        for (idx, step) in steps.into_iter().enumerate() {
            wire = model.wire_node(format!("{prefix}.{idx}"), step, &wire)?;
        }
        Ok(wire)
    }
}
