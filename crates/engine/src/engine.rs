//! The engine: compiles components, or takes them from the cache.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use wasmtime::Engine as Wasmtime;
pub use wasmtime::component::Component;

use crate::cache::Cache;
use crate::functions_cache::FunctionsCache;
use crate::settings::configure_error;
use crate::{Error, Result, Settings};

/// Compiles and runs components. Cheap to clone; one per program.
#[derive(Clone, Debug)]
pub struct Engine {
    wasmtime: Wasmtime,
    cache: Option<Cache>,
    epoch_interruption: bool,
    compiling: Arc<Mutex<()>>,
}

impl Engine {
    /// An engine with these settings.
    ///
    /// # Errors
    /// [`Error::Configure`] if wasmtime refuses the settings here, [`Error::Cache`] if the folder cannot be made.
    pub fn new(settings: &Settings) -> Result<Self> {
        let mut config = settings.config()?;
        let functions = settings.cache_dir.as_deref().map(FunctionsCache::in_folder);
        if let Some(functions) = &functions {
            config.enable_incremental_compilation(functions.clone()).map_err(configure_error)?;
        }
        let wasmtime = Wasmtime::new(&config).map_err(configure_error)?;
        let cache = match (&settings.cache_dir, functions) {
            (Some(folder), Some(functions)) => Some(Cache::open(folder, &wasmtime, functions)?),
            _ => None,
        };
        let epoch_interruption = settings.epoch_interruption;
        Ok(Self { wasmtime, cache, epoch_interruption, compiling: Arc::default() })
    }

    /// The wasmtime engine.
    #[must_use]
    pub const fn wasmtime(&self) -> &Wasmtime {
        &self.wasmtime
    }

    /// Whether guests can be interrupted.
    #[must_use]
    pub const fn epoch_interruption(&self) -> bool {
        self.epoch_interruption
    }

    /// The compiled component: from the cache if these bytes were compiled before, by this version of wasmtime with
    /// these settings.
    ///
    /// # Errors
    /// [`Error::Compile`] if the bytes are no valid component, [`Error::Cache`] if the cache cannot be written.
    pub fn load(&self, wasm: &[u8]) -> Result<Component> {
        match &self.cache {
            Some(cache) => cache.load(wasm, &self.wasmtime, || self.compile(wasm)),
            None => {
                let _alone = self.alone();
                Component::from_binary(&self.wasmtime, wasm).map_err(compile_error)
            }
        }
    }

    fn compile(&self, wasm: &[u8]) -> Result<Vec<u8>> {
        let _alone = self.alone();
        self.wasmtime.precompile_component(wasm).map_err(compile_error)
    }

    /// Lets one component compile at a time: it takes a gigabyte and all processors, and the next one finds its functions compiled.
    fn alone(&self) -> MutexGuard<'_, ()> {
        self.compiling.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Wraps wasmtime's error as one of compilation.
pub(crate) fn compile_error(error: wasmtime::Error) -> Error {
    Error::Compile(error.into_boxed_dyn_error())
}
