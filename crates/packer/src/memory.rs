//! How the snapshot reads an instrumented instance: through the functions that instrumenting has added.
//!
//! wizer brings such a reader with its `wasmtime` feature, which turns on a dozen features of wasmtime that nothing else
//! here needs.

use wasmtime::Store;
use wasmtime::component::{ComponentNamedList, Instance, Lift, WasmList};
use wasmtime_wizer::ComponentInstanceState;

/// An instrumented instance.
pub(crate) struct Reader<'a> {
    pub(crate) store: &'a mut Store<()>,
    pub(crate) instance: Instance,
    /// What went wrong while reading, since the snapshot cannot be told.
    pub(crate) failure: Option<wasmtime::Error>,
}

impl Reader<'_> {
    /// The result of a function; after a failure the default, for a snapshot that is thrown away.
    fn read<T: Lift + Default + 'static>(&mut self, instance: &str, function: &str) -> T {
        match self.try_call::<(T,)>(instance, function) {
            Ok((value,)) => value,
            Err(error) => {
                self.failure.get_or_insert(error);
                T::default()
            }
        }
    }

    fn try_call<R: Lift + ComponentNamedList + 'static>(
        &mut self,
        instance: &str,
        function: &str,
    ) -> wasmtime::Result<R> {
        let missing = || wasmtime::format_err!("the instrumented component lacks `{instance}#{function}`");
        let (_, parent) = self.instance.get_export(&mut *self.store, None, instance).ok_or_else(missing)?;
        let (_, export) =
            self.instance.get_export(&mut *self.store, Some(&parent), function).ok_or_else(missing)?;
        self.instance.get_typed_func::<(), R>(&mut *self.store, export)?.call(&mut *self.store, ())
    }
}

impl ComponentInstanceState for Reader<'_> {
    async fn call_func_ret_list_u8(
        &mut self,
        instance: &str,
        func: &str,
        contents: impl FnOnce(&[u8]) + Send,
    ) {
        match self.try_call::<(WasmList<u8>,)>(instance, func) {
            Ok((list,)) => contents(list.as_le_slice(&*self.store)),
            Err(error) => {
                self.failure.get_or_insert(error);
                // The snapshot counts the memories that it has seen.
                contents(&[]);
            }
        }
    }

    async fn call_func_ret_s32(&mut self, instance: &str, func: &str) -> i32 {
        self.read(instance, func)
    }

    async fn call_func_ret_s64(&mut self, instance: &str, func: &str) -> i64 {
        self.read(instance, func)
    }

    async fn call_func_ret_f32(&mut self, instance: &str, func: &str) -> u32 {
        self.read::<f32>(instance, func).to_bits()
    }

    async fn call_func_ret_f64(&mut self, instance: &str, func: &str) -> u64 {
        self.read::<f64>(instance, func).to_bits()
    }
}
