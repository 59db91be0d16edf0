//! Packed models: what they import, how large they are, and what cannot be packed.

use engine::{Engine, PackedModel, Pool};
use packer::{Error, Options, Packed};
use system_tests::{model_names, packed_model, root};
use tensor::{Datatype, Tensor};

fn onnx(path: &str) -> Vec<u8> {
    std::fs::read(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn engine() -> Engine {
    system_tests::engine(Pool::OnDemand)
}

fn pack(path: &str, options: &Options) -> packer::Result<Packed> {
    packer::pack(&engine(), artifacts::MODEL_RUNTIME, &onnx(path), options)
}

fn options(name: &str) -> Options {
    Options { name: name.to_owned(), version: "1".to_owned(), ..Options::default() }
}

#[test]
fn the_same_file_gives_the_same_bytes() {
    let packed = || pack("models/digits-edge/model.onnx", &options("edge")).unwrap().wasm;
    assert!(packed() == packed());
}

#[test]
fn packed_models_import_nothing_and_are_small() {
    const MIB: u64 = 1 << 20;
    for name in model_names() {
        let wasm = packed_model(name);
        // Instantiated with an empty linker: an import would have failed here.
        PackedModel::open(&engine(), &wasm).unwrap();
        let weights = onnx(&format!("models/{name}/model.onnx")).len() as u64;
        let largest = artifacts::MODEL_RUNTIME.len() as u64 + weights * 3 / 2 + MIB;
        assert!((wasm.len() as u64) <= largest, "{name}: {} of {largest} bytes", wasm.len());
    }
}

#[test]
fn a_batch_is_answered_as_its_rows() {
    let model = PackedModel::open(&engine(), &packed_model("digits")).unwrap();
    let rows: Vec<f32> = (0..64 * 9_u16).map(|idx| f32::from(idx % 17)).collect();
    let labels = |rows: &[f32]| {
        let data = rows.iter().flat_map(|value| value.to_le_bytes()).collect();
        let input = Tensor::new("X", Datatype::Fp32, vec![rows.len() as u64 / 64, 64], data).unwrap();
        model.infer(vec![input], &["label".to_owned()]).unwrap().remove(0).into_parts().3
    };
    let one_by_one: Vec<u8> = rows.chunks(64).flat_map(labels).collect();
    assert_eq!(labels(&rows), one_by_one);
}

#[test]
fn images_are_answered_as_each_alone_bit_for_bit() {
    let packed = pack("tests/models/image-rows.onnx", &options("image-rows")).unwrap();
    let model = PackedModel::open(&engine(), &packed.wasm).unwrap();
    let images: Vec<f32> = (0..36 * 5_u16).map(|idx| f32::from(idx % 11) - 4.5).collect();
    let alone: Vec<f32> = images.chunks(36).flat_map(|image| run_images(&model, image, [1, 6, 6])).collect();
    assert_eq!(run_images(&model, &images, [1, 6, 6]), alone);
    assert!(run_images(&model, &[], [1, 6, 6]).is_empty());
}

#[test]
fn rows_that_depend_on_each_other_stay_together() {
    let packed = pack("tests/models/row-mixer.onnx", &options("row-mixer")).unwrap();
    let model = PackedModel::open(&engine(), &packed.wasm).unwrap();
    let rows: Vec<f32> = (0..12_u8).map(|idx| f32::from(idx) / 7.0).collect();
    let mixed = run_images(&model, &rows, [1, 2, 2]);
    for place in 0..4 {
        let total: f32 = mixed.iter().skip(place).step_by(4).sum();
        assert!((total - 1.0).abs() < 1e-6, "{mixed:?}");
    }
}

fn run_images(model: &PackedModel, images: &[f32], shape: [u64; 3]) -> Vec<f32> {
    let n_images = images.len() as u64 / shape.iter().product::<u64>();
    let data = images.iter().flat_map(|value| value.to_le_bytes()).collect();
    let shape: Vec<u64> = std::iter::once(n_images).chain(shape).collect();
    let input = Tensor::new("X", Datatype::Fp32, shape, data).unwrap();
    let output = model.infer(vec![input], &[]).unwrap().remove(0);
    assert_eq!(output.rows(), Some(n_images));
    output.data().chunks_exact(4).map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap())).collect()
}

#[test]
fn every_datatype_passes_through() {
    let packed = pack("tests/models/every-datatype.onnx", &options("every-datatype")).unwrap();
    let model = PackedModel::open(&engine(), &packed.wasm).unwrap();
    let inputs: Vec<Tensor> = packed.metadata.inputs.iter().map(one_row).collect();
    let outputs = model.infer(inputs.clone(), &[]).unwrap();
    assert_eq!(inputs.len(), outputs.len());
    for (input, output) in inputs.iter().zip(&outputs) {
        assert_eq!(
            (input.datatype(), input.shape(), input.data()),
            (output.datatype(), output.shape(), output.data())
        );
    }
}

fn one_row(spec: &tensor::TensorSpec) -> Tensor {
    let shape: Vec<u64> = spec.shape.iter().map(|&dim| u64::try_from(dim).unwrap_or(1)).collect();
    let n_bytes = shape.iter().product::<u64>() * spec.datatype.element_size().unwrap_or(4) as u64;
    let data = (0..n_bytes).map(|idx| u8::from(spec.datatype != Datatype::Bool || idx % 2 == 0)).collect();
    Tensor::new(spec.name.clone(), spec.datatype, shape, data).unwrap()
}

#[test]
fn elements_that_the_runtime_cannot_hold_are_the_callers_fault() {
    let packed = pack("tests/models/strings.onnx", &options("strings")).unwrap();
    let model = PackedModel::open(&engine(), &packed.wasm).unwrap();
    let data = b"\x01\0\0\0\xff\0\0\0\0".to_vec();
    let error = model.infer(vec![Tensor::new("text", Datatype::Bytes, vec![1, 2], data).unwrap()], &[]);
    let expect = "tensor `text`: a string element is not UTF-8";
    assert!(matches!(error, Err(engine::Error::InvalidInput(message)) if message == expect));
}

#[test]
fn strings_pass_through() {
    let packed = pack("tests/models/strings.onnx", &options("strings")).unwrap();
    let model = PackedModel::open(&engine(), &packed.wasm).unwrap();
    let spec = &packed.metadata.inputs[0];
    let shape: Vec<u64> = spec.shape.iter().map(|&dim| u64::try_from(dim).unwrap_or(3)).collect();
    let n_elements = usize::try_from(shape.iter().product::<u64>()).unwrap();
    let mut data = Vec::new();
    for text in ["", "plinth", "Sträußchen"].iter().cycle().take(n_elements) {
        tensor::encode_bytes_element(&mut data, text.as_bytes());
    }
    let input = Tensor::new(spec.name.clone(), Datatype::Bytes, shape, data.clone()).unwrap();
    assert_eq!(model.infer(vec![input], &[]).unwrap()[0].data(), data);
}

#[test]
fn outputs_can_be_dropped() {
    let only_sum = Options { outputs: vec!["sum".to_owned()], ..options("add") };
    let packed = pack("tests/models/add-sub.onnx", &only_sum).unwrap();
    let names: Vec<&str> = packed.metadata.outputs.iter().map(|spec| spec.name.as_str()).collect();
    assert_eq!(names, ["sum"]);
}

#[test]
fn unsupported_operators_are_told_all_at_once() {
    let Err(Error::Unsupported(operators)) = pack("tests/models/unsupported.onnx", &options("x")) else {
        panic!("it was packed");
    };
    let found: Vec<(&str, &str, usize)> =
        operators.iter().map(|it| (it.operator.as_str(), it.domain.as_str(), it.nodes.len())).collect();
    let expected =
        [("Bernoulli", "ai.onnx", 1), ("Frobnicate", "com.example", 1), ("MaxRoiPool", "ai.onnx", 1)];
    assert_eq!(found, expected);
    let said = Error::Unsupported(operators).to_string();
    assert!(said.contains("docs/operators.md") && said.contains("docs/coverage.md"), "{said}");
}

#[test]
fn all_reasons_against_a_model_are_told_at_once() {
    for (name, expected) in [
        (
            "nodes",
            &[
                "BatchNormalization (ai.onnx opset 17) at `normalise`: ",
                "LSTM (ai.onnx opset 17) at `read`: ",
            ][..],
        ),
        (
            "everything",
            &[
                "input `X`: the datatype BFLOAT16 is not supported",
                "weights `small`: the datatype INT4 is not supported",
                "Frobnicate (com.example opset 1) at `frobnicate`: its domain is not supported",
                "BatchNormalization (ai.onnx opset 17) at `normalise`: ",
            ],
        ),
    ] {
        let refusal = pack(&format!("tests/models/refused-{name}.onnx"), &options("x")).unwrap_err();
        assert!(refusal.is_input_at_fault());
        let said = refusal.to_string();
        assert!(
            said.starts_with(&format!("the model cannot run, for {} reasons:", expected.len())),
            "{said}"
        );
        assert!(expected.iter().all(|expected| said.contains(expected)), "{said}");
    }
}

#[test]
fn an_input_that_only_says_how_long_something_is_is_asked_for() {
    let packed = pack("tests/models/size-of.onnx", &options("x")).unwrap();
    let model = PackedModel::open(&engine(), &packed.wasm).unwrap();
    let rows = Tensor::new("X", Datatype::Fp32, vec![2, 3], vec![7; 24]).unwrap();
    let found = model.infer(vec![rows], &[]).unwrap();
    assert_eq!((found[0].shape(), found[0].data()), (&[2, 3][..], &[0; 24][..]));
}

#[test]
fn a_model_that_answers_nothing_it_is_tried_with_is_only_packed_on_request() {
    let refusal = pack("tests/models/wide-rows.onnx", &options("x")).unwrap_err();
    assert!(
        matches!(&refusal, Error::Unanswering(said) if said.contains("node `pick`: the index 999")),
        "{refusal}"
    );
    let untried = Options { untried: true, ..options("x") };
    let packed = pack("tests/models/wide-rows.onnx", &untried).unwrap();
    let model = PackedModel::open(&engine(), &packed.wasm).unwrap();
    let row = (0..1000_u16).flat_map(|number| f32::from(number).to_le_bytes()).collect();
    let row = Tensor::new("X", Datatype::Fp32, vec![1, 1000], row).unwrap();
    assert_eq!(model.infer(vec![row], &[]).unwrap()[0].data(), 999_f32.to_le_bytes());
}

#[test]
fn the_names_of_keys_clients_and_errors_are_not_for_tensors() {
    for name in ["key", "client", "row_error"] {
        let path = format!("tests/models/{}-tensor.onnx", name.replace('_', "-"));
        let result = pack(&path, &options("x"));
        let quoted = format!("`{name}`");
        assert!(matches!(&result, Err(Error::Invalid(message)) if message.contains(&quoted)), "{result:?}");
    }
}

#[test]
fn what_is_not_onnx_is_said_to_be_so() {
    for bytes in [&b"not an ONNX file"[..], b"", b"\0asm\x01\0\0\0"] {
        let result = packer::pack(&engine(), artifacts::MODEL_RUNTIME, bytes, &options("x"));
        assert!(matches!(result, Err(Error::NotOnnx(_))), "{bytes:?}: {result:?}");
    }
}
