//! Answers a file of cases as the tests do, and prints as JSON what is wrong with each answer: nothing, a difference, or an error.

#![expect(clippy::print_stdout, clippy::disallowed_methods, reason = "a program")]
#![expect(clippy::expect_used, reason = "it ends with what is wrong")]

#[path = "../tests/common/mod.rs"]
mod common;

fn main() {
    let path = std::env::args().nth(1).expect("a file of cases as the only argument");
    let json = std::fs::read_to_string(path).expect("a file that can be read");
    let differences: serde_json::Map<String, serde_json::Value> = common::cases(&json)
        .iter()
        .map(|case| {
            let name = case["name"].as_str().expect("a name");
            let difference = std::panic::catch_unwind(|| common::difference(case));
            let difference = difference.unwrap_or_else(|_| Err("tract panics".to_owned()));
            (name.to_owned(), difference.err().into())
        })
        .collect();
    println!("{}", serde_json::Value::Object(differences));
}
