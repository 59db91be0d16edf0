//! Operators on text, as ONNX Runtime answers them: those of the node tests are asked as packed models.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

#[path = "../examples/node_tests/answers.rs"]
mod answers;

#[test]
fn text_is_answered_as_by_onnx_runtime() {
    let onnx = answers::framework(true);
    let lines = include_str!("../golden/text.jsonl").lines();
    let cases: Vec<serde_json::Value> =
        lines.map(|line| serde_json::from_str(line).expect("a case")).collect();
    assert!(cases.len() > 10);
    for case in cases {
        if let Err(wrong) = answers::check(&onnx, true, &case) {
            panic!("{}: {wrong}", answers::text(&case, "name"));
        }
    }
}
