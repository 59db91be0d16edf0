//! The domain `ai.onnx.ml` for tract: the operators that scikit-learn, XGBoost, LightGBM and CatBoost export, with strings, missing
//! values, shape inference, and batches of trees that are fast.
//!
//! Each operator is a module named after it: attributes are parsed once into a checked struct, and `eval` works on slices. None knows
//! tract but `tract`, which makes them its operators. Where the specification leaves something open, they do as ONNX Runtime does.
//! Sums have a fixed order and no fused multiply-add, and transcendental functions are libm's, so that a row has the same bits on every
//! machine and wherever it stands in a batch. Of `com.microsoft` there is `MurmurHash3`, which scikit-learn's models need. Not here: training operators and `CastMap`, which no exporter writes.
//!
//! ```
//! let mut onnx = tract_onnx::onnx();
//! onnx_ml::register(&mut onnx.op_register);
//! ```
//!
//! Specification: <https://onnx.ai/onnx/operators/index.html#ai-onnx-ml>

pub mod array_feature_extractor;
pub mod attributes;
pub mod binarizer;
pub mod category_mapper;
pub mod data;
pub mod dict_vectorizer;
mod dot;
pub mod error;
pub mod feature_vectorizer;
pub mod imputer;
pub mod label_encoder;
pub mod labels;
mod linear;
pub mod linear_classifier;
pub mod linear_regressor;
mod lookup;
pub mod murmur_hash;
pub mod normalizer;
pub mod one_hot_encoder;
pub mod post_transform;
pub mod scaler;
mod svm;
pub mod svm_classifier;
pub mod svm_regressor;
mod tract;
pub mod tree_ensemble;
pub mod tree_ensemble_classifier;
pub mod tree_ensemble_regressor;
mod trees;
pub mod zip_map;

pub use attributes::{Attributes, Value};
pub use data::{Data, ElementType, Matrix, Slice};
pub use error::{Error, Result};
pub use post_transform::PostTransform;
pub use tract::{MlOp, give_maps_columns, register};
