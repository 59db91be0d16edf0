//! The model runtime: a component that loads one ONNX model with tract and then answers `plinth:model/inference`.
//!
//! The packer calls `loader` once and snapshots the memory; what it ships exports `inference` only. Nothing here reads a
//! clock, a file or randomness: the component imports nothing.

mod allocator;
mod argmax;
mod batching;
mod bindings;
mod convert;
mod diagnosis;
mod independence;
mod model;
mod onnx;
mod operators;
mod pruning;
mod recurrent_nodes;
mod signature;
mod softmax;

use std::cell::RefCell;

use bindings::exports::plinth::model::{inference, loader};

use crate::model::Model;

thread_local! {
    /// The loaded model: set once by the packer, part of the snapshot from then on.
    static MODEL: RefCell<Option<Model>> = const { RefCell::new(None) };
}

struct Runtime;

impl loader::Guest for Runtime {
    fn load(onnx: Vec<u8>, options: loader::Options) -> Result<loader::Report, loader::Error> {
        let _sweeping = allocator::zero_freed_memory();
        let (model, report) = Model::load(onnx, options)?;
        MODEL.set(Some(model));
        Ok(report)
    }
}

impl inference::Guest for Runtime {
    fn metadata() -> inference::ModelMetadata {
        MODEL.with_borrow(|model| {
            model.as_ref().map_or_else(empty_metadata, |model| convert::metadata_to_wit(model.metadata()))
        })
    }

    fn infer(
        inputs: Vec<inference::Tensor>,
        outputs: Vec<String>,
    ) -> Result<Vec<inference::Tensor>, inference::Error> {
        MODEL.with_borrow_mut(|model| match model {
            Some(model) => model.infer(inputs, &outputs).map_err(Into::into),
            None => Err(inference::Error::Failed("no model is loaded".to_owned())),
        })
    }
}

fn empty_metadata() -> inference::ModelMetadata {
    convert::metadata_to_wit(&tensor::Metadata::default())
}

#[expect(unsafe_code, unreachable_pub, reason = "generated code")]
mod exported {
    use crate::{Runtime, bindings};

    bindings::export!(Runtime with_types_in bindings);
}
