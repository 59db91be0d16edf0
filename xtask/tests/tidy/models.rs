//! The demo models are the files that their descriptions speak of.

use std::fs;

use sha2::{Digest as _, Sha256};
use toml::Table;

use crate::{
    expect_none,
    repository::{read, root},
};

#[test]
fn models_have_the_digests_that_they_state() {
    let wrong = models().into_iter().filter_map(|model| {
        let onnx = fs::read(root().join("models").join(&model.name).join("model.onnx"));
        let found = hex(&Sha256::digest(onnx.unwrap_or_default()));
        (found != model.sha256).then(|| format!("models/{}/model.onnx has sha256 {found}", model.name))
    });
    expect_none(
        wrong,
        "Run the model's train.py again, which writes `model.onnx` and `model.toml` together.",
    );
}

#[test]
fn models_stand_in_the_table() {
    let table = read("models/README.md");
    let missing = models().into_iter().filter(|model| {
        !table
            .lines()
            .any(|line| line.starts_with('|') && names(line, &model.name) && line.contains(&model.sha256))
    });
    expect_none(
        missing.map(|model| format!("`{}` with sha256 {}", model.name, model.sha256)),
        "Give models/README.md one row with this name, in backticks or as a link, and this digest.",
    );
}

struct Model {
    name: String,
    sha256: String,
}

fn models() -> Vec<Model> {
    let folders = fs::read_dir(root().join("models")).expect("models/ can be read");
    let names = folders.filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned()));
    let with_description = names.filter(|name| root().join("models").join(name).join("model.toml").is_file());
    with_description.map(model).collect()
}

fn model(name: String) -> Model {
    let table: Table = read(&format!("models/{name}/model.toml")).parse().expect("model.toml is TOML");
    let sha256 = table.get("sha256").and_then(toml::Value::as_str).unwrap_or_default().to_owned();
    Model { name, sha256 }
}

/// Whether the row has a cell that is the name alone, quoted or linked.
fn names(row: &str, name: &str) -> bool {
    row.split('|').any(|cell| {
        let cell = cell.trim().trim_start_matches(['[', '`']);
        let end = cell.find([']', '`', '(']).unwrap_or(cell.len());
        cell.get(..end) == Some(name)
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
