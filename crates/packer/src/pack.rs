//! The packer's two operations.

use engine::{Engine, PackedModel};
use tensor::{Metadata, RESERVED_NAMES};
use tree_shaking::{with_table_at, without_relocations};

use crate::error::runtime_error;
use crate::module::{loadable_component, packed_component};
use crate::runtime::Runtime;
use crate::samples::Kind;
use crate::{Error, Loaded, Options, Result, Sizes, Timings, verify};

/// Where the function table of an edge model begins: a number that memory seldom holds by chance, so that it keeps few functions
/// that nobody calls. The engine's limit of a table leaves room for it.
const FIRST_TABLE_INDEX: u32 = 80_000;

/// A packed model and what is known of it.
#[derive(Clone, Debug)]
pub struct Packed {
    /// The component.
    pub wasm: Vec<u8>,
    /// The model's signature.
    pub metadata: Metadata,
    /// What the ONNX file said.
    pub loaded: Loaded,
    /// Where the bytes went.
    pub sizes: Sizes,
    /// How fast it is here.
    pub timings: Timings,
}

/// Packs `onnx` into `runtime`, the model runtime as a core module. The same arguments give the same bytes.
///
/// # Errors
/// [`Error`](crate::Error) says whether the file, the options or this program is at fault.
pub fn pack(engine: &Engine, runtime: &[u8], onnx: &[u8], options: &Options) -> Result<Packed> {
    let properties = properties(runtime, onnx, options)?;
    let linked = options.edge.then(|| with_table_at(runtime, FIRST_TABLE_INDEX)).transpose();
    let linked = linked.map_err(runtime_error)?;
    let component = loadable_component(linked.as_deref().unwrap_or(runtime))?;
    let mut runtime = Runtime::start(engine, &component)?;
    let loaded = runtime.load(onnx, options, properties)?;
    check_names_are_free(&runtime.metadata()?)?;
    let snapshot = runtime.snapshot()?;
    let kind = answered_kind(&mut runtime, options)?;
    let wasm = packed_component(&snapshot, linked.as_deref())?;
    let model = PackedModel::open(engine, &wasm)?;
    verify::compare(&mut runtime, &model, kind)?;
    if options.edge {
        verify::compare_stripped(&mut runtime, &model, kind)?;
    }
    Ok(Packed {
        metadata: model.metadata().clone(),
        loaded,
        sizes: Sizes::of(&wasm)?,
        timings: verify::time_calls(&model, kind)?,
        wasm,
    })
}

/// Loads `onnx` without packing it: its signature and facts.
///
/// # Errors
/// As [`pack`].
pub fn examine(
    engine: &Engine,
    runtime: &[u8],
    onnx: &[u8],
    options: &Options,
) -> Result<(Metadata, Loaded)> {
    let properties = properties(runtime, onnx, options)?;
    let component = loadable_component(runtime)?;
    let mut runtime = Runtime::start(engine, &component)?;
    let loaded = runtime.load(onnx, options, properties)?;
    answered_kind(&mut runtime, options)?;
    Ok((runtime.metadata()?, loaded))
}

/// Inputs that the model answers: one that answers none is refused here and not at its first request, unless the user knows better.
fn answered_kind(runtime: &mut Runtime<'_>, options: &Options) -> Result<Kind> {
    let metadata = runtime.metadata()?;
    match Kind::answered(&metadata, |inputs| runtime.infer(inputs, &[]))? {
        Ok(kind) => Ok(kind),
        Err(_) if options.untried => Ok(Kind::default()),
        Err(refusal) => Err(Error::Unanswering(refusal)),
    }
}

/// What names rows, and what is said of bad ones, travels beside the model's tensors, under names that none of these may have.
pub(crate) fn check_names_are_free(metadata: &Metadata) -> Result<()> {
    let mut specs = metadata.inputs.iter().chain(&metadata.outputs);
    let meaning = |name: &str| RESERVED_NAMES.into_iter().find(|(reserved, _)| *reserved == name);
    match specs.find_map(|spec| meaning(&spec.name)) {
        None => Ok(()),
        Some((name, meaning)) => Err(Error::Invalid(format!(
            "it has a tensor named `{name}`, the name of {meaning}; rename it before packing"
        ))),
    }
}

/// What the packer adds to the metadata: the digests of the file and of the runtime that computes, the class labels, one a line, and
/// whether the runtime is stripped. That changes no answer, so the digest is that of the whole runtime.
fn properties(runtime: &[u8], onnx: &[u8], options: &Options) -> Result<Vec<(String, String)>> {
    let runtime = without_relocations(runtime).map_err(runtime_error)?;
    let mut properties = vec![
        ("onnx_sha256".to_owned(), engine::digest(onnx)),
        ("runtime_sha256".to_owned(), engine::digest(&runtime)),
    ];
    if !options.labels.is_empty() {
        properties.push(("labels".to_owned(), options.labels.join("\n")));
    }
    if options.edge {
        properties.push(("edge".to_owned(), "true".to_owned()));
    }
    Ok(properties)
}
