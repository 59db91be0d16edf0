//! Recurrence that begins anew with every call, as ONNX has it. tract is made for streams: what `Scan` and the operators built on it
//! (`LSTM`, `GRU`, `RNN`) carry from step to step is carried on from call to call, and an initial state counts for the first call only.
//! Here the first call is the warm-up, so a model would go on from zeros, and from the rows of another request.

use tract_onnx::prelude::TypedModel;
use tract_onnx::tract_core::ops::gru_seq::GruSeq;
use tract_onnx::tract_core::ops::logic::IfThenElse;
use tract_onnx::tract_core::ops::scan::Scan;

/// Makes every recurrence of a model, and of the models inside it, take its initial state whenever it runs: in a body that is itself run
/// step by step, at each step. Call it before the model is decluttered, which unrolls a loop of one step only if it carries nothing on.
pub(crate) fn begin_anew(model: &mut TypedModel) {
    for node in &mut model.nodes {
        if let Some(scan) = node.op_as_mut::<Scan>() {
            scan.reset_every_turn = true;
            begin_anew(&mut scan.body);
        } else if let Some(gru) = node.op_as_mut::<GruSeq>() {
            gru.reset_every_turn = true;
        } else if let Some(choice) = node.op_as_mut::<IfThenElse>() {
            begin_anew(&mut choice.then_body);
            begin_anew(&mut choice.else_body);
        }
    }
}
