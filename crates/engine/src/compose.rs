//! A function and the model it imports, made one component.

use wac_graph::types::Package;
use wac_graph::{CompositionGraph, EncodeOptions};

use crate::{Error, Result};

/// The interface through which functions call models.
pub const MODEL_INTERFACE: &str = "plinth:model/inference@0.1.0";

/// Plugs `model`'s exports into `function`'s imports: a component with the function's exports that needs no model.
///
/// # Errors
/// [`Error::Plug`] if either is no component, or if the function imports nothing that the model exports.
pub fn plug(function: &[u8], model: &[u8]) -> Result<Vec<u8>> {
    let mut graph = CompositionGraph::new();
    let model = register(&mut graph, "plinth:plugged-model", model)?;
    let function = register(&mut graph, "plinth:function", function)?;
    wac_graph::plug(&mut graph, vec![model], function).map_err(plug_error)?;
    graph.encode(EncodeOptions { validate: false, ..EncodeOptions::default() }).map_err(plug_error)
}

fn register(graph: &mut CompositionGraph, name: &str, wasm: &[u8]) -> Result<wac_graph::PackageId> {
    let package = Package::from_bytes(name, None, wasm, graph.types_mut()).map_err(plug_error)?;
    graph.register_package(package).map_err(plug_error)
}

fn plug_error(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    let error = error.into();
    let mut message = error.to_string();
    let mut cause = error.source();
    while let Some(source) = cause {
        message = format!("{message}: {source}");
        cause = source.source();
    }
    Error::Plug(message)
}
