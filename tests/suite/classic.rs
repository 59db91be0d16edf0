//! What scikit-learn, XGBoost and LightGBM export, packed: the numbers that ONNX Runtime gave. The operators by themselves are tested in
//! `crates/onnx-ml`, natively and over all their attributes.

use crate::onnx_runtime::check_all;

#[test]
fn what_exporters_write_answers_packed_as_onnx_runtime() {
    check_all("crates/onnx-ml/golden/exports.json", 43);
}
