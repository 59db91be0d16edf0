//! Operators of ONNX's default domain for tract: those that it lacks, or that it refuses where exporters write them; and in which precision a
//! small model computes.
//!
//! ```
//! let mut onnx = tract_onnx::onnx();
//! onnx_standard::register(&mut onnx.op_register);
//! ```
//!
//! What all of them answer is in `docs/operators.md`. Specification: <https://onnx.ai/onnx/operators/>

mod activations;
mod arguments;
mod around;
mod attention;
mod bodies;
mod cache;
mod casts;
mod classes;
mod col2im;
mod compress;
mod conditions;
mod cumulative;
mod determinant;
mod extremes;
mod flatten;
mod fused;
mod grids;
mod half;
pub mod indices;
mod joins;
mod kernel;
mod late;
mod lenient;
mod log_sums;
mod loops;
mod misfits;
mod multiply;
mod ngrams;
mod not_a_number;
mod one_hot;
mod pads;
mod pools;
pub mod precision;
mod products;
mod quantize;
mod quantized;
mod quantized_lstm;
pub mod recurrence;
mod recurrent;
mod renamed;
mod replacement;
mod roi_align;
mod rounding;
mod sequence_outputs;
mod sequences;
pub mod simplify;
mod slices;
mod space_to_depth;
mod sums;
mod text;
mod tokens;
mod unique;
mod versions;
mod whole_numbers;

pub use kernel::Computed;
pub use lenient::typed;
pub use misfits::{Misfit, checks_other_axes};
use tract_onnx::model::{OnnxOpRegister, ParsingContext};
use tract_onnx::pb::{GraphProto, NodeProto};
use tract_onnx::tract_core::internal::{TractErrorContext as _, TractResult, format_err};
use tract_onnx::tract_hir::infer::InferenceOp;
use tract_onnx::tract_hir::ops::expandable::Expansion;

/// Makes tract's operator of a node.
type Builder = fn(&ParsingContext<'_>, &NodeProto) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)>;

/// The layer of `CORRECTIONS`.
const CORRECTED: &str = "tract";

/// Operators of this crate by name, which need none of tract's.
const OPERATORS: [(&str, Builder); 41] = [
    ("AffineGrid", grids::affine_grid),
    ("BitCast", casts::bit_cast),
    ("BitShift", whole_numbers::bit_shift),
    ("Celu", activations::celu),
    ("CenterCropPad", grids::center_crop_pad),
    ("Col2Im", col2im::col2im),
    ("Compress", compress::compress),
    ("CumProd", cumulative::products),
    ("Det", determinant::determinant),
    ("Div", whole_numbers::divide),
    ("Flatten", flatten::flatten),
    ("FusedMatMul", products::fused),
    ("GlobalLpPool", pools::global_lp_pool),
    ("If", conditions::read),
    ("IsInf", classes::is_inf),
    ("IsNaN", classes::is_nan),
    ("LogSoftmax", activations::log_softmax),
    ("Loop", loops::read),
    ("LpPool", pools::lp_pool),
    ("MaxUnpool", pools::max_unpool),
    ("Mul", multiply::multiply),
    ("Pad", pads::pad),
    ("QuantizeLinear", quantize::quantize),
    ("RegexFullMatch", tokens::full_match),
    ("ReverseSequence", sequences::reverse),
    ("RoiAlign", roi_align::roi_align),
    ("Round", rounding::round),
    ("Sigmoid", activations::sigmoid),
    ("Slice", slices::slice),
    ("Softplus", activations::softplus),
    ("SpaceToDepth", space_to_depth::space_to_depth),
    ("StringConcat", text::concatenation),
    ("StringNormalizer", text::normalizer),
    ("SwiGLU", activations::swiglu),
    ("Swish", activations::swish),
    ("TensorScatter", cache::tensor_scatter),
    ("TfIdfVectorizer", ngrams::vectorizer),
    ("Tokenizer", tokens::tokenizer),
    ("Unique", unique::unique),
    ("Upsample", renamed::upsample),
    (versions::VERSIONED, versions::build),
];

/// Operators that go on from tract's of the same name.
const CORRECTIONS: [(&str, Builder); 15] = [
    ("Attention", attention::attention),
    ("Concat", joins::concat),
    ("ConstantOfShape", renamed::constant_of_shape),
    ("CumSum", around::around),
    ("Equal", around::around),
    ("Gemm", products::gemm),
    ("MatMul", products::matrix_product),
    ("Mod", whole_numbers::modulus),
    ("NonMaxSuppression", misfits::checked),
    ("OneHot", one_hot::one_hot),
    ("ReduceLogSumExp", log_sums::reduce),
    ("ReduceMax", extremes::reduce),
    ("ReduceMin", extremes::reduce),
    ("Shape", around::around),
    ("Split", misfits::checked),
];

/// Registers every operator of this crate, in the place of tract's own of the same name.
pub fn register(register: &mut OnnxOpRegister) {
    for (name, builder) in OPERATORS {
        register.0.insert(name.to_owned(), builder);
    }
    for (name, builder) in CORRECTIONS {
        replace(register, CORRECTED, name, builder);
    }
    late::register(register);
}

/// Replaces what tract would answer otherwise than ONNX says by operators that it answers, and takes apart what ONNX Runtime's tools have fused or
/// quantised, in the graphs inside it too. Call it before the graph is parsed.
pub fn rewrite(graph: &mut GraphProto) {
    half::widen(graph);
    rewrite_nodes(graph);
}

fn rewrite_nodes(graph: &mut GraphProto) {
    for attribute in graph.node.iter_mut().flat_map(|node| &mut node.attribute) {
        attribute.g.iter_mut().for_each(rewrite_nodes);
    }
    fused::take_apart(graph);
    quantized::take_apart(graph);
    quantized_lstm::dequantise(graph);
    recurrent::begin_with_zeros(graph);
    recurrent::run_backwards(graph);
    sequence_outputs::take_apart(graph);
}

/// Registers an operator that goes on from the one that has its name until now, if there is one. The latter keeps a name in that layer.
fn replace(register: &mut OnnxOpRegister, layer: &str, name: &str, builder: Builder) {
    if let Some(before) = register.0.get(name).copied() {
        register.0.insert(format!("{layer} {name}"), before);
        register.0.insert(name.to_owned(), builder);
    }
}

/// What was made of a node before that layer replaced its operator.
fn before(
    layer: &str,
    context: &ParsingContext<'_>,
    node: &NodeProto,
) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    let name = format!("{layer} {}", node.op_type);
    let builder = context.framework.op_register.0.get(&name);
    builder.with_context(|| format!("`{name}` is not registered"))?(context, node)
}

/// The operator of a node, if it is that one of this crate.
fn expansion_mut<T: Expansion>(operator: &mut dyn InferenceOp) -> Option<&mut T> {
    let expansion = operator.as_op_mut().downcast_mut::<Box<dyn Expansion>>()?;
    expansion.as_mut().as_any_mut().downcast_mut()
}

/// tract's operator of a node that has no sub-graph.
fn tracts(context: &ParsingContext<'_>, node: &NodeProto) -> TractResult<Box<dyn Expansion>> {
    let (operator, _) = before(CORRECTED, context, node)?;
    let expansion = operator.into_any().downcast::<Box<dyn Expansion>>();
    expansion.map(|expansion| *expansion).map_err(|_| format_err!("`{}` is no expansion", node.op_type))
}
