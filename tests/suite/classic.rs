//! What scikit-learn, XGBoost, LightGBM and CatBoost export, and networks of PyTorch: the numbers that ONNX Runtime gave. The operators by
//! themselves are tested in `crates/onnx-ml`, natively and over all their attributes.

use crate::onnx_runtime::check_all;

#[test]
fn what_exporters_write_answers_as_onnx_runtime() {
    check_all("crates/onnx-ml/golden/exports.json", 84);
}

#[test]
fn what_needs_operators_of_the_default_domain_answers_as_onnx_runtime() {
    check_all("crates/onnx-ml/golden/packed.json", 5);
}

#[test]
fn networks_of_pytorch_answer_as_onnx_runtime() {
    check_all("tests/torch/cases.json", 20);
}
