//! The `plinth` command: exit codes, messages, and servers that start and stop.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, Output, Stdio};

use crate::jobs::plinth;

fn run(arguments: &[&str]) -> Output {
    plinth(arguments).output().expect("the command is built by `cargo xtask build`")
}

#[track_caller]
fn check_misuse(arguments: &[&str], expected: &str) {
    let output = run(arguments);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains(expected), "expected `{expected}`, found `{said}`");
}

#[test]
fn misuse_is_one_clear_line_and_exit_code_2() {
    check_misuse(&["serve", "tests/models/not-onnx.onnx"], "not an ONNX model");
    check_misuse(&["serve", "no-such-file.onnx"], "cannot read `no-such-file.onnx`");
    check_misuse(
        &["pack", "tests/models/unsupported.onnx", "-o", "/dev/null"],
        "Frobnicate (com.example opset 1)",
    );
    check_misuse(
        &["serve", "target/models/digits.wasm", "target/models/digits.wasm"],
        "two models are named `digits`",
    );
    check_misuse(&["up", "-f", "no-such-folder/spin.toml"], "no-such-folder/spin.toml");
}

#[test]
fn a_port_in_use_is_exit_code_2() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    check_misuse(&["serve", "target/models/digits.wasm", "--listen", &address], "already in use");
}

#[test]
fn inspect_tells_the_signature_of_both_kinds_of_file() {
    for file in ["models/digits/model.onnx", "target/models/digits.wasm"] {
        let output = run(&["inspect", file]);
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{said}");
        assert!(said.contains("X FP32[batch, 64]"), "{file}: {said}");
    }
}

#[test]
fn a_model_whose_rows_depend_on_each_other_is_told() {
    for model in ["target/models/digits.wasm", "models/diabetes/model.onnx", "tests/models/image-rows.onnx"] {
        let output = run(&["check", model]);
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(
            output.status.success() && said.contains("answers 32 generated rows alike"),
            "{model}: {said}"
        );
    }
    check_misuse(&["check", "tests/models/row-mixer.onnx"], "output `Y` of generated row 0 differs");
    check_misuse(
        &["check", "tests/models/row-sum-reducer.onnx"],
        "output `total` has shape [1, 4] for 2 rows",
    );
}

#[test]
fn a_server_says_where_it_serves_and_ends_on_sigterm() {
    let mut server =
        plinth(&["up", "-f", "spin.toml", "--listen", "127.0.0.1:0"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
    let url = lines.find_map(|line| line.unwrap().strip_prefix("Serving ").map(str::to_owned)).unwrap();
    let ready =
        ureq::get(format!("{url}/v2/health/ready")).call().unwrap().body_mut().read_to_string().unwrap();
    assert_eq!(ready, r#"{"live":true,"ready":true}"#);
    terminate(&server);
    assert!(server.wait().unwrap().success());
    let mut rest = String::new();
    lines.for_each(|line| rest.push_str(&line.unwrap()));
    assert!(rest.contains("/v2/models/digits (wildcard)"), "{rest}");
}

fn terminate(server: &Child) {
    let status = Command::new("kill").arg(server.id().to_string()).status().unwrap();
    assert!(status.success());
}
