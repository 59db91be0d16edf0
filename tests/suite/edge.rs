//! Models packed for the edge: the same bits as any packed model, and a fraction of its bytes.

use std::io::Write as _;

use engine::{Engine, PackedModel, Pool};
use flate2::{Compression, write::GzEncoder};
use packer::{Options, Packed};
use serde_json::Value;
use system_tests::{model_names, packed_model, root};
use tensor::{Datatype, Tensor};

const BATCH_SIZES: [usize; 4] = [1, 2, 7, 500];

fn engine() -> Engine {
    system_tests::engine(Pool::OnDemand)
}

fn pack(path: &str, name: &str, edge: bool) -> Packed {
    let onnx = std::fs::read(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    let options = Options { name: name.to_owned(), version: "1".to_owned(), edge, ..Options::default() };
    packer::pack(&engine(), artifacts::MODEL_RUNTIME, &onnx, &options).unwrap()
}

fn open(wasm: &[u8]) -> PackedModel {
    PackedModel::open(&engine(), wasm).unwrap()
}

/// The answers to all rows, so many at a time, or what was said instead.
fn answers(model: &PackedModel, rows: &Tensor, batch_size: usize) -> Vec<Result<Vec<Tensor>, String>> {
    let n_rows = rows.rows().unwrap();
    (0..n_rows)
        .step_by(batch_size)
        .map(|start| {
            let batch = rows.row_range(start..n_rows.min(start + batch_size as u64)).unwrap();
            model.infer(vec![batch], &[]).map_err(|error| error.to_string())
        })
        .collect()
}

/// The first input of the rows that ONNX Runtime has answered.
fn reference_rows(name: &str) -> Tensor {
    let path = root().join(format!("models/{name}/reference/inputs.json"));
    let request: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let input = &request["inputs"][0];
    assert_eq!(input["datatype"], "FP32", "{name}");
    let shape: Vec<u64> = serde_json::from_value(input["shape"].clone()).unwrap();
    let data: Vec<f32> = serde_json::from_value(input["data"].clone()).unwrap();
    fp32(input["name"].as_str().unwrap(), shape, &data)
}

fn fp32(name: &str, shape: Vec<u64>, data: &[f32]) -> Tensor {
    Tensor::new(name, Datatype::Fp32, shape, data.iter().flat_map(|value| value.to_le_bytes()).collect())
        .unwrap()
}

#[test]
fn every_demo_model_gives_the_same_bits() {
    for name in model_names() {
        let edge = open(&pack(&format!("models/{name}/model.onnx"), name, true).wasm);
        let whole = open(&packed_model(name));
        let rows = reference_rows(name);
        for batch_size in BATCH_SIZES {
            let expect = answers(&whole, &rows, batch_size);
            assert!(expect.iter().all(Result::is_ok), "{name}");
            assert_eq!(answers(&edge, &rows, batch_size), expect, "{name} by {batch_size}");
        }
    }
}

#[test]
fn held_out_rows_have_the_same_bits_in_every_batch() {
    let rows = crate::digits::Rows::read();
    let pixels = rows.pixels.concat();
    let rows = fp32("X", vec![rows.keys.len() as u64, 64], &pixels);
    let (edge, whole) =
        (pack("models/digits-edge/model.onnx", "digits-edge", true), packed_model("digits-edge"));
    let (edge, whole) = (open(&edge.wasm), open(&whole));
    for batch_size in BATCH_SIZES {
        assert_eq!(answers(&edge, &rows, batch_size), answers(&whole, &rows, batch_size), "{batch_size}");
    }
}

#[test]
fn numbers_that_are_none_have_the_same_bits() {
    let (edge, whole) = (pack("models/digits/model.onnx", "digits", true), packed_model("digits"));
    let (edge, whole) = (open(&edge.wasm), open(&whole));
    for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX, f32::MIN_POSITIVE / 2.0] {
        let rows = fp32("X", vec![3, 64], &[value; 3 * 64]);
        assert_eq!(answers(&edge, &rows, 3), answers(&whole, &rows, 3), "{value}");
    }
}

#[test]
fn bad_input_is_refused_in_the_same_words() {
    let (edge, whole) = (pack("models/digits/model.onnx", "digits", true), packed_model("digits"));
    let (edge, whole) = (open(&edge.wasm), open(&whole));
    let row = |name: &str, shape: &[u64]| {
        fp32(name, shape.to_vec(), &vec![1.0; usize::try_from(shape.iter().product::<u64>()).unwrap()])
    };
    let bytes = Tensor::new("X", Datatype::Bytes, vec![1], vec![1, 0, 0, 0, b'7']).unwrap();
    let calls = [
        (vec![], vec![]),
        (vec![row("Y", &[1, 64])], vec![]),
        (vec![row("X", &[1, 64]), row("X", &[1, 64])], vec![]),
        (vec![row("X", &[1, 63])], vec![]),
        (vec![row("X", &[64])], vec![]),
        (vec![row("X", &[1, 1, 64])], vec![]),
        (vec![bytes], vec![]),
        (vec![row("X", &[1, 64])], vec!["no such output".to_owned()]),
    ];
    for (inputs, outputs) in calls {
        let said = |model: &PackedModel| model.infer(inputs.clone(), &outputs).unwrap_err().to_string();
        assert_eq!(said(&edge), said(&whole));
    }
}

#[test]
fn models_of_every_kind_can_be_stripped() {
    for name in ["every-datatype", "image-rows", "row-mixer", "strings", "identity-bytes", "add-sub"] {
        // Packing compares the stripped model with the whole runtime, call by call.
        pack(&format!("tests/models/{name}.onnx"), name, true);
    }
}

#[test]
fn what_a_page_loads_is_small() {
    let edge = pack("models/digits-edge/model.onnx", "digits-edge", true);
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(&edge.wasm).unwrap();
    // Brotli, which pages are served with, makes it smaller still.
    let n_bytes = gzip.finish().unwrap().len();
    assert!(n_bytes <= 1_000_000, "{n_bytes} bytes");
}

#[test]
fn it_says_that_it_is_stripped_and_is_the_same_model() {
    let path = "models/digits-edge/model.onnx";
    let (edge, whole) = (pack(path, "digits-edge", true).metadata, pack(path, "digits-edge", false).metadata);
    assert_eq!((edge.property("edge"), whole.property("edge")), (Some("true"), None));
    let mut without = edge.clone();
    without.properties.retain(|(name, _)| name != "edge");
    assert_eq!(without, whole);
}

#[test]
fn the_same_file_gives_the_same_bytes() {
    let packed = || pack("models/digits-edge/model.onnx", "digits-edge", true).wasm;
    assert!(packed() == packed());
}
