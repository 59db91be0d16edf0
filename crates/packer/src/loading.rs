//! An instance of the model runtime into which a file is loaded, and which then answers.

use std::time::Instant;

use engine::{Component, Engine, Inference};
use tensor::{Metadata, Tensor};
use wasmtime::Store;
use wasmtime::component::{Instance, Linker};

use crate::bindings::Loading;
use crate::bindings::exports::plinth::model::loader;
use crate::error::{runtime_error, trapped};
use crate::{Error, Loaded, Options, Result, UnsupportedOperator};

/// The instance.
pub(crate) struct LoadingInstance {
    pub(crate) store: Store<()>,
    pub(crate) instance: Instance,
    loading: Loading,
    inference: Inference,
}

impl LoadingInstance {
    /// Instantiates the runtime, a component of world `model-runtime`.
    pub(crate) fn start(engine: &Engine, compiled: &Component) -> Result<Self> {
        let mut store = Store::new(engine.wasmtime(), ());
        store.set_epoch_deadline(u64::MAX / 2);
        // The whole memory is read back; wasmtime would stop at 128 MiB.
        store.set_hostcall_fuel(usize::MAX);
        let linker = Linker::new(engine.wasmtime());
        let instance = linker.instantiate(&mut store, compiled).map_err(runtime_error)?;
        let loading = Loading::new(&mut store, &instance).map_err(runtime_error)?;
        let inference = Inference::of(&mut store, &instance)?;
        Ok(Self { store, instance, loading, inference })
    }

    /// Loads the ONNX file; `properties` become part of the model's metadata.
    pub(crate) fn load(
        &mut self,
        onnx: &[u8],
        options: &Options,
        properties: Vec<(String, String)>,
    ) -> Result<Loaded> {
        let options = loader::Options {
            name: options.name.clone(),
            version: options.version.clone(),
            outputs: options.outputs.clone(),
            properties,
        };
        let start = Instant::now();
        let loader = self.loading.plinth_model_loader();
        let report =
            loader.call_load(&mut self.store, onnx, &options).map_err(trapped)?.map_err(load_error)?;
        Ok(Loaded {
            ir_version: report.ir_version,
            opset: report.opset,
            producer: report.producer,
            n_nodes: report.nodes,
            weights_bytes: report.weights_size,
            n_warm_ups: report.warm_ups,
            load: start.elapsed(),
        })
    }

    /// The signature of the loaded model.
    pub(crate) fn metadata(&mut self) -> Result<Metadata> {
        Ok(self.inference.metadata(&mut self.store)?)
    }

    /// The loaded model's answer.
    pub(crate) fn infer(&mut self, inputs: Vec<Tensor>, outputs: &[String]) -> engine::Result<Vec<Tensor>> {
        self.inference.infer(&mut self.store, inputs, outputs)
    }
}

fn load_error(error: loader::Error) -> Error {
    match error {
        loader::Error::NotOnnx(message) => Error::NotOnnx(message),
        loader::Error::Invalid(message) => Error::Invalid(message),
        loader::Error::Unsupported(operators) => {
            Error::Unsupported(operators.into_iter().map(unsupported_from_wit).collect())
        }
    }
}

fn unsupported_from_wit(operator: loader::UnsupportedOperator) -> UnsupportedOperator {
    UnsupportedOperator {
        operator: operator.operator,
        domain: operator.domain,
        opset: operator.opset,
        nodes: operator.nodes,
        reason: operator.reason,
    }
}
