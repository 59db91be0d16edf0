//! The model runtime while a file is loaded into it.

use std::time::Instant;

use engine::{Engine, Inference};
use tensor::{Metadata, Tensor};
use wasmtime::Store;
use wasmtime::component::{Instance, Linker};
use wasmtime_wizer::{ComponentContext, Wizer};

use crate::bindings::Loading;
use crate::bindings::exports::plinth::model::loader;
use crate::error::{runtime_error, trapped};
use crate::memory::Reader;
use crate::{Error, Loaded, Options, Result, UnsupportedOperator};

/// An instance of the runtime, instrumented so that its memory can be read back.
pub(crate) struct Runtime<'a> {
    wizer: Wizer,
    context: ComponentContext<'a>,
    store: Store<()>,
    instance: Instance,
    loading: Loading,
    inference: Inference,
}

impl<'a> Runtime<'a> {
    /// Instantiates `component`, the runtime as a component of world `model-runtime`.
    pub(crate) fn start(engine: &Engine, component: &'a [u8]) -> Result<Self> {
        let mut wizer = Wizer::new();
        wizer.keep_init_func(true);
        let (context, instrumented) = wizer.instrument_component(component).map_err(runtime_error)?;
        let compiled = engine.load(&instrumented)?;
        let mut store = Store::new(engine.wasmtime(), ());
        store.set_epoch_deadline(u64::MAX / 2);
        let linker = Linker::new(engine.wasmtime());
        let instance = linker.instantiate(&mut store, &compiled).map_err(runtime_error)?;
        let loading = Loading::new(&mut store, &instance).map_err(runtime_error)?;
        let inference = Inference::of(&mut store, &instance)?;
        Ok(Self { wizer, context, store, instance, loading, inference })
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

    /// The component with the memory as it is now.
    pub(crate) fn snapshot(&mut self) -> Result<Vec<u8>> {
        let mut reader = Reader { store: &mut self.store, instance: self.instance, failure: None };
        let snapshot = self.wizer.snapshot_component(&self.context, &mut reader);
        let snapshot = futures::executor::block_on(snapshot).map_err(runtime_error)?;
        reader.failure.map_or(Ok(snapshot), |error| Err(runtime_error(error)))
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
