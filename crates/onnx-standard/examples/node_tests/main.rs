//! Answers the node tests of ONNX with tract on this machine: `node_tests <cases.jsonl> plain` as tract is, `node_tests <cases.jsonl> extended`
//! with the operators of this repository. Prints a line for each case: its name, a tab, and nothing or what is wrong.

#![expect(clippy::print_stdout, clippy::disallowed_methods, reason = "a program")]
#![expect(clippy::expect_used, reason = "it ends with what is wrong")]

mod answers;

use std::panic::{AssertUnwindSafe, catch_unwind};

use answers::{check, framework, text};
use serde_json::Value;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [path, mode] = arguments.as_slice() else { panic_usage() };
    let is_extended = mode == "extended";
    let onnx = framework(is_extended);
    std::panic::set_hook(Box::new(|_| {}));
    let cases = std::fs::read_to_string(path).expect("a file that can be read");
    for line in cases.lines() {
        let case: Value = serde_json::from_str(line).expect("a case of JSON");
        let answered = catch_unwind(AssertUnwindSafe(|| check(&onnx, is_extended, &case)));
        let wrong = answered.unwrap_or_else(|_| Err("tract panics".to_owned())).err().unwrap_or_default();
        println!("{}\t{}", text(&case, "name"), wrong.replace(['\n', '\t'], " "));
    }
}

fn panic_usage() -> ! {
    println!("usage: node_tests <cases.jsonl> plain|extended");
    std::process::exit(2)
}
