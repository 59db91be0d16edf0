//! `fermyon:spin/key-value@2.0.0`.

use std::sync::Arc;

use databases::KeyValue;
use wasmtime::{Result, component::Resource};

use super::{
    bindings::fermyon::spin::key_value::{Error, Host, HostStore},
    blocking,
};
use crate::state::State;

/// A store that a guest holds.
#[expect(unreachable_pub, reason = "the generated bindings name it in public items")]
pub struct Open {
    stores: Arc<KeyValue>,
    label: Arc<str>,
}

impl Host for State {}

impl HostStore for State {
    async fn open(&mut self, label: String) -> Result<Result<Resource<Open>, Error>> {
        if !self.outbound.function.key_value_stores.contains(&label) {
            return Ok(Err(Error::AccessDenied));
        }
        let Some(stores) = &self.outbound.service.stores.key_value else {
            return Ok(Err(Error::NoSuchStore));
        };
        let open = Open { stores: Arc::clone(stores), label: label.into() };
        Ok(Ok(self.table.push(open)?))
    }

    async fn get(&mut self, store: Resource<Open>, key: String) -> Result<Result<Option<Vec<u8>>, Error>> {
        self.in_store(&store, move |stores, label| stores.get(label, &key)).await
    }

    async fn set(&mut self, store: Resource<Open>, key: String, value: Vec<u8>) -> Result<Result<(), Error>> {
        self.in_store(&store, move |stores, label| stores.set(label, &key, value)).await
    }

    async fn delete(&mut self, store: Resource<Open>, key: String) -> Result<Result<(), Error>> {
        self.in_store(&store, move |stores, label| stores.delete(label, &key)).await
    }

    async fn exists(&mut self, store: Resource<Open>, key: String) -> Result<Result<bool, Error>> {
        self.in_store(&store, move |stores, label| Ok(stores.get(label, &key)?.is_some())).await
    }

    async fn get_keys(&mut self, store: Resource<Open>) -> Result<Result<Vec<String>, Error>> {
        self.in_store(&store, |stores, label| stores.keys(label)).await
    }

    async fn drop(&mut self, store: Resource<Open>) -> Result<()> {
        self.table.delete(store)?;
        Ok(())
    }
}

impl State {
    async fn in_store<T: Send + 'static>(
        &mut self,
        store: &Resource<Open>,
        work: impl FnOnce(&KeyValue, &str) -> databases::Result<T> + Send + 'static,
    ) -> Result<Result<T, Error>> {
        let open = self.table.get(store)?;
        let (stores, label) = (Arc::clone(&open.stores), Arc::clone(&open.label));
        let done = blocking(move || work(&stores, &label)).await?;
        Ok(done.map_err(|error| Error::Other(error.to_string())))
    }
}
