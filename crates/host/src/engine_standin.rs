//! Temporary: the part of the crate `engine` that the host uses, without its pool settings and its cache.

use wasmtime::component::Component;

/// The result of preparing components.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a component cannot be prepared.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Wasmtime refused the settings or the component.
    #[error("wasmtime refused it")]
    Wasmtime(#[source] wasmtime::Error),
    /// Dependencies need the real engine.
    #[error("this stand-in does not plug components")]
    Plug,
}

/// What an engine may do.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Whether guests can be interrupted: a check per loop and call.
    pub epoch_interruption: bool,
}

/// A wasmtime engine.
#[derive(Clone)]
pub struct Engine {
    inner: wasmtime::Engine,
    epoch_interruption: bool,
}

impl Engine {
    /// An engine with `settings`.
    ///
    /// # Errors
    /// If wasmtime refuses them.
    pub fn new(settings: &Settings) -> Result<Self> {
        let mut config = wasmtime::Config::new();
        config.epoch_interruption(settings.epoch_interruption);
        config.cranelift_opt_level(wasmtime::OptLevel::None);
        let inner = wasmtime::Engine::new(&config).map_err(Error::Wasmtime)?;
        Ok(Self { inner, epoch_interruption: settings.epoch_interruption })
    }

    /// The engine itself.
    #[must_use]
    pub fn wasmtime(&self) -> &wasmtime::Engine {
        &self.inner
    }

    /// Whether guests can be interrupted.
    #[must_use]
    pub fn epoch_interruption(&self) -> bool {
        self.epoch_interruption
    }

    /// The component `wasm`, compiled.
    ///
    /// # Errors
    /// If it is not a component.
    pub fn load(&self, wasm: &[u8]) -> Result<Component> {
        Component::from_binary(&self.inner, wasm).map_err(Error::Wasmtime)
    }
}

/// `function_wasm` with `model_wasm` plugged into its imports.
///
/// # Errors
/// If they do not fit.
pub fn plug(_function_wasm: &[u8], _model_wasm: &[u8]) -> Result<Vec<u8>> {
    Err(Error::Plug)
}
