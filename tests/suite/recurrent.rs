//! Models that carry something from step to step: `Scan`, and `LSTM`, `GRU` and `RNN`, which tract builds on it. A packed model has
//! been called before, by the packer, and nothing of that may be left.

use engine::Pool;
use packer::Error;

use crate::onnx_runtime::{check_all, pack, read};

#[test]
fn recurrent_models_answer_packed_as_onnx_runtime_and_answer_again() {
    check_all("models/runtime/golden/recurrent.json", 30);
}

#[test]
fn what_a_recurrent_node_asks_for_in_vain_is_told() {
    let engine = system_tests::engine(Pool::OnDemand);
    let expected = ["the activation `Relu` is not supported", "clipping is not supported"];
    for (case, expected) in read("models/runtime/golden/refused.json").iter().zip(expected) {
        let said = match pack(&engine, case) {
            Ok(_) => panic!("{} is packed", case["name"]),
            Err(Error::Unsupported(operators)) => operators.into_iter().map(|it| it.reason).collect(),
            Err(error) => error.to_string(),
        };
        assert!(said.contains(expected), "{}: {said}", case["name"]);
    }
}
