//! Every operator against ONNX Runtime, whose answers `golden/*.py` wrote.

mod common;

#[track_caller]
fn check(json: &str, at_least: usize) {
    let cases = common::cases(json);
    assert!(cases.len() >= at_least, "{} cases", cases.len());
    let differing = cases.iter().filter_map(|case| {
        let difference = common::difference(case).err()?;
        Some(format!("{}: {difference}", case["name"]))
    });
    let differing: Vec<String> = differing.collect();
    assert!(differing.is_empty(), "{} of {}\n  {}", differing.len(), cases.len(), differing.join("\n  "));
}

#[test]
fn operators_that_prepare_columns_answer_as_onnx_runtime() {
    check(include_str!("../golden/encoders.json"), 90);
}

#[test]
fn linear_operators_answer_as_onnx_runtime() {
    check(include_str!("../golden/linear.json"), 40);
}

#[test]
fn support_vector_machines_answer_as_onnx_runtime() {
    check(include_str!("../golden/svm.json"), 60);
}

#[test]
fn trees_answer_as_onnx_runtime() {
    check(include_str!("../golden/trees.json"), 200);
}

#[test]
fn what_exporters_write_answers_as_onnx_runtime() {
    check(include_str!("../golden/exports.json"), 84);
}
