//! The model runtime as bytes: core module to component, and back.

use tree_shaking::{shake, without_relocations};
use wasm_encoder::{Module, RawSection};
use wasmparser::{Encoding, Parser, Payload};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

use crate::error::runtime_error;
use crate::{Error, Result};

const WIT: &str = include_str!("../../../wit/model.wit");

/// What the names of the loader's core exports contain.
const LOADER: &str = "plinth:model/loader@";

/// Encodes the runtime as a component of world `model-runtime`.
pub(crate) fn loadable_component(runtime: &[u8]) -> Result<Vec<u8>> {
    encode(&without_relocations(runtime).map_err(runtime_error)?)
}

/// Encodes a loaded runtime as a component of world `model`: the loader is gone, and so is, if `linked` says what refers to what in the
/// runtime, all that nothing else uses.
pub(crate) fn packed_component(snapshot: &[u8], linked: Option<&[u8]>) -> Result<Vec<u8>> {
    let mut module = without_loader(core_module(snapshot)?)?;
    if let Some(linked) = linked {
        module = shake(linked, &module).map_err(runtime_error)?.module;
    }
    let mut resolve = Resolve::default();
    let package = resolve.push_str("model.wit", WIT).map_err(runtime_error)?;
    let world = resolve.select_world(&[package], Some("model")).map_err(runtime_error)?;
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).map_err(runtime_error)?;
    encode(&module)
}

/// The core module within a component: its largest, the others being shims.
///
/// # Errors
/// [`Error::Runtime`] if the bytes hold none.
pub(crate) fn core_module(component: &[u8]) -> Result<&[u8]> {
    let mut largest: &[u8] = &[];
    for payload in Parser::new(0).parse_all(component) {
        if let Payload::ModuleSection { unchecked_range, .. } = payload.map_err(runtime_error)? {
            let module = component.get(unchecked_range).unwrap_or_default();
            if module.len() > largest.len() {
                largest = module;
            }
        }
    }
    if largest.is_empty() { Err(Error::Runtime("it holds no module".to_owned())) } else { Ok(largest) }
}

fn encode(module: &[u8]) -> Result<Vec<u8>> {
    ComponentEncoder::default().module(module).and_then(|mut encoder| encoder.encode()).map_err(runtime_error)
}

/// The module without the loader's exports.
fn without_loader(module: &[u8]) -> Result<Vec<u8>> {
    let mut kept = Module::new();
    for payload in Parser::new(0).parse_all(module) {
        match payload.map_err(runtime_error)? {
            Payload::Version { encoding: Encoding::Component, .. } => {
                return Err(Error::Runtime("expected a module, found a component".to_owned()));
            }
            Payload::ExportSection(exports) => {
                kept.section(&other_exports(exports)?);
            }
            payload => {
                if let Some((id, range)) = payload.as_section() {
                    kept.section(&RawSection { id, data: module.get(range).unwrap_or_default() });
                }
            }
        }
    }
    Ok(kept.finish())
}

fn other_exports(exports: wasmparser::ExportSectionReader<'_>) -> Result<wasm_encoder::ExportSection> {
    let mut kept = wasm_encoder::ExportSection::new();
    for export in exports {
        let export = export.map_err(runtime_error)?;
        if !export.name.contains(LOADER) {
            kept.export(export.name, export.kind.into(), export.index);
        }
    }
    Ok(kept)
}
