//! Operators of ONNX's default domain for tract: those that it lacks, or that it refuses where exporters write them.
//!
//! ```
//! let mut onnx = tract_onnx::onnx();
//! onnx_standard::register(&mut onnx.op_register);
//! ```
//!
//! What all of them answer is in `docs/operators.md`. Specification: <https://onnx.ai/onnx/operators/>

mod divide;
mod flatten;
mod multiply;
mod recurrent;

use tract_onnx::model::OnnxOpRegister;
use tract_onnx::pb::GraphProto;

/// Registers every operator of this crate, in the place of tract's own of the same name.
pub fn register(register: &mut OnnxOpRegister) {
    register.insert(divide::NON_ZERO, divide::non_zero);
    register.insert("Flatten", flatten::flatten);
    register.insert("Mul", multiply::multiply);
}

/// Replaces what tract would answer otherwise than ONNX says by operators that it answers. Call it before the graph is parsed.
pub fn rewrite(graph: &mut GraphProto) {
    recurrent::begin_with_zeros(graph);
    recurrent::run_backwards(graph);
    divide::check_divisors(graph);
}
