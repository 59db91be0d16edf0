//! How wasmtime is configured, each setting with its reason.

use std::path::PathBuf;

use wasmtime::{Config, Enabled, InstanceAllocationStrategy, PoolingAllocationConfig};

use crate::{Error, Result};

const MIB: usize = 1 << 20;

/// A packed model is one data image as large as its weights. wasmtime maps an image copy-on-write only up to this span
/// unless it is dense; beyond it every instantiation would copy the weights.
const LARGEST_MAPPED_IMAGE: u64 = 4 << 30;

/// How an engine is set up.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The folder for compiled components; none compiles anew each time.
    pub cache_dir: Option<PathBuf>,
    /// Where instances live.
    pub pool: Pool,
    /// Whether guests can be interrupted: they then check in every loop and call, which costs a few per cent of compute.
    pub epoch_interruption: bool,
}

/// Where instances live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pool {
    /// Memory is mapped for each instance: for few, long-lived instances.
    OnDemand,
    /// Slots for that many live components are reserved and reused: for an instance per request.
    Slots(u32),
}

impl Default for Settings {
    /// No cache, instances on demand, no interruption.
    fn default() -> Self {
        Self { cache_dir: None, pool: Pool::OnDemand, epoch_interruption: false }
    }
}

impl Settings {
    /// wasmtime's configuration.
    ///
    /// # Errors
    /// [`Error::Configure`] if wasmtime refuses it.
    pub(crate) fn config(&self) -> Result<Config> {
        let mut config = Config::new();
        config
            .wasm_component_model(true)
            .relaxed_simd_deterministic(true)
            // For components of WASI 0.3 and of languages with a garbage collector: what a store would set up for them costs every request.
            .concurrency_support(false)
            .gc_support(false)
            .epoch_interruption(self.epoch_interruption)
            .memory_guaranteed_dense_image_size(LARGEST_MAPPED_IMAGE);
        if let Pool::Slots(n_components) = self.pool {
            config.allocation_strategy(InstanceAllocationStrategy::Pooling(pooling(n_components)));
        }
        Ok(config)
    }
}

/// The pool of an engine that makes an instance per request.
fn pooling(n_components: u32) -> PoolingAllocationConfig {
    let mut pool = PoolingAllocationConfig::new();
    // A composed function is some core instances (function, model, shims of each), two memories and a few tables.
    pool.total_component_instances(n_components)
        .total_core_instances(n_components.saturating_mul(12))
        .total_memories(n_components.saturating_mul(2))
        .total_tables(n_components.saturating_mul(6))
        .total_stacks(n_components)
        .max_core_instances_per_component(64)
        .max_memories_per_component(8)
        .max_tables_per_component(32)
        .max_tables_per_module(4);
    // The model runtime's function table and instance state are far above wasmtime's limits.
    pool.table_elements(100_000).max_core_instance_size(10 * MIB).max_component_instance_size(10 * MIB);
    // What a request dirtied is written back in place: giving pages back to the kernel and faulting them in again costs four
    // times the whole request, for memory and for the table alike. With the page-map scan (Linux 6.7) only dirtied pages are
    // visited, which is a fifth. Warm slots and kept stacks are left as wasmtime has them: no difference (BENCHMARKS.md).
    pool.linear_memory_keep_resident(8 * MIB).table_keep_resident(MIB).pagemap_scan(Enabled::Auto);
    pool
}

/// Wraps wasmtime's error as one of configuration.
pub(crate) fn configure_error(error: wasmtime::Error) -> Error {
    Error::Configure(error.into_boxed_dyn_error())
}
