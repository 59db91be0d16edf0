//! Models that look something up by indices from the caller: counted from the end as ONNX has it, and refused where the table has nothing.

use engine::Pool;
use packer::Rehearsal;
use tensor::{Datatype, Tensor};

use crate::onnx_runtime::{check_all, onnx, options, read};

const CASES: &str = "models/runtime/golden/indices.json";

#[test]
fn indices_are_counted_from_the_end_as_by_onnx_runtime() {
    check_all(CASES, 7);
}

#[test]
fn an_index_that_a_table_does_not_have_is_told_and_the_instance_answers_on() {
    let engine = system_tests::engine(Pool::OnDemand);
    let rehearsal = Rehearsal::new(&engine, artifacts::MODEL_RUNTIME).unwrap();
    for case in &read(CASES) {
        let mut model = rehearsal.load(&onnx(case), &options()).unwrap();
        let shape: Vec<u64> = serde_json::from_value(case["inputs"][0]["shape"].clone()).unwrap();
        let indices = |index: i64| {
            let n_indices: u64 = shape.iter().product();
            let data = (0..n_indices).flat_map(|_| index.to_le_bytes()).collect();
            vec![Tensor::new("indices", Datatype::Int64, shape.clone(), data).unwrap()]
        };
        for wrong in [4, -5, i64::MAX, i64::MIN] {
            let said = model.infer(indices(wrong)).unwrap_err().to_string();
            assert!(said.contains(&format!("input `indices`: the index {wrong} is not in [-")), "{said}");
        }
        assert!(model.infer(indices(-1)).is_ok(), "{}", case["name"]);
    }
}
