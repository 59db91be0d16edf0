//! Engines for the commands: where compiled components are kept, and room for how many instances.

use std::env;
use std::path::PathBuf;

use anyhow::Result;
use engine::{Engine, Pool, Settings};

/// The environment variable that names the folder for compiled components.
const CACHE_DIR: &str = "PLINTH_CACHE_DIR";

/// An engine for models called in process.
pub(crate) fn engine_for_tools() -> Result<Engine> {
    Ok(Engine::new(&Settings { cache_dir: cache_dir(), ..Settings::default() })?)
}

/// An engine for serving, with a fresh instance for each of up to `n_requests` at once.
pub(crate) fn engine_for_serving(n_requests: u32, epoch_interruption: bool) -> Result<Engine> {
    Ok(Engine::new(&Settings { cache_dir: cache_dir(), pool: Pool::Slots(n_requests), epoch_interruption })?)
}

/// How many threads compute at once.
pub(crate) fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// `PLINTH_CACHE_DIR`, or `plinth` in the user's cache folder; none if there is no such folder.
fn cache_dir() -> Option<PathBuf> {
    let variable = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    variable(CACHE_DIR)
        .or_else(|| variable("XDG_CACHE_HOME").map(|folder| folder.join("plinth")))
        .or_else(|| variable("HOME").map(|folder| folder.join(".cache/plinth")))
}
