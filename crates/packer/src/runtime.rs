//! The model runtime while a file is loaded into it, instrumented for a snapshot.

use engine::Engine;
use tensor::{Metadata, Tensor};
use wasmtime_wizer::{ComponentContext, Wizer};

use crate::error::runtime_error;
use crate::loading::LoadingInstance;
use crate::memory::Reader;
use crate::{Loaded, Options, Result};

/// An instance of the runtime, instrumented so that its memory can be read back.
pub(crate) struct Runtime<'a> {
    wizer: Wizer,
    context: ComponentContext<'a>,
    loading: LoadingInstance,
}

impl<'a> Runtime<'a> {
    /// Instantiates `component`, the runtime as a component of world `model-runtime`.
    pub(crate) fn start(engine: &Engine, component: &'a [u8]) -> Result<Self> {
        let mut wizer = Wizer::new();
        wizer.keep_init_func(true);
        let (context, instrumented) = wizer.instrument_component(component).map_err(runtime_error)?;
        let loading = LoadingInstance::start(engine, &engine.load(&instrumented)?)?;
        Ok(Self { wizer, context, loading })
    }

    /// Loads the ONNX file; `properties` become part of the model's metadata.
    pub(crate) fn load(
        &mut self,
        onnx: &[u8],
        options: &Options,
        properties: Vec<(String, String)>,
    ) -> Result<Loaded> {
        self.loading.load(onnx, options, properties)
    }

    /// The component with the memory as it is now.
    pub(crate) fn snapshot(&mut self) -> Result<Vec<u8>> {
        let LoadingInstance { store, instance, .. } = &mut self.loading;
        let mut reader = Reader { store, instance: *instance, failure: None };
        let snapshot = self.wizer.snapshot_component(&self.context, &mut reader);
        let snapshot = futures::executor::block_on(snapshot).map_err(runtime_error)?;
        reader.failure.map_or(Ok(snapshot), |error| Err(runtime_error(error)))
    }

    /// The signature of the loaded model.
    pub(crate) fn metadata(&mut self) -> Result<Metadata> {
        self.loading.metadata()
    }

    /// The loaded model's answer.
    pub(crate) fn infer(&mut self, inputs: Vec<Tensor>, outputs: &[String]) -> engine::Result<Vec<Tensor>> {
        self.loading.infer(inputs, outputs)
    }
}
