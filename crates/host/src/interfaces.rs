//! What Spin gives functions beside WASI: SQLite databases, key-value stores and variables, each by the labels and names of the
//! component's manifest; and PostgreSQL databases, at the hosts that it allows.
//!
//! A label that the manifest does not list is `access-denied`, whether or not it exists, as in Spin.

mod key_value;
mod postgres;
mod sqlite;
mod variables;

use databases::{Folder, KeyValue, postgres::Postgres};
use tokio::task;
use wasmtime::component::{HasSelf, Linker};

use crate::state::State;

mod bindings {
    //! Made from the interfaces' text.

    wasmtime::component::bindgen!({
        path: "../../wit/spin",
        world: "platform",
        imports: { default: async | trappable },
        with: {
            "fermyon:spin/sqlite.connection": super::sqlite::Open,
            "fermyon:spin/key-value.store": super::key_value::Open,
            "fermyon:spin/postgres.connection": super::postgres::Open,
        },
    });
}

/// How many connections to databases an instance may hold at once.
const MOST_CONNECTIONS: usize = 256;

/// The label that every application has.
pub(crate) const DEFAULT_LABEL: &str = "default";

/// The databases and stores of an application.
pub(crate) struct Stores {
    folder: Folder,
    key_value: Option<std::sync::Arc<KeyValue>>,
    postgres: Postgres,
}

impl Stores {
    /// Those in `folder`, of which the key-value stores are opened now if a component uses any.
    ///
    /// # Errors
    /// [`databases::Error`].
    pub(crate) fn open(folder: Folder, uses_key_value: bool) -> databases::Result<Self> {
        let key_value = uses_key_value.then(|| folder.key_value()).transpose()?;
        let key_value = key_value.map(std::sync::Arc::new);
        Ok(Self { folder, key_value, postgres: Postgres::default() })
    }
}

/// Lets components import what is here.
///
/// # Errors
/// If two interfaces have one name.
pub(crate) fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    bindings::fermyon::spin::sqlite::add_to_linker::<State, HasSelf<State>>(linker, |state| state)?;
    bindings::fermyon::spin::key_value::add_to_linker::<State, HasSelf<State>>(linker, |state| state)?;
    bindings::fermyon::spin::variables::add_to_linker::<State, HasSelf<State>>(linker, |state| state)?;
    bindings::fermyon::spin::rdbms_types::add_to_linker::<State, HasSelf<State>>(linker, |state| state)?;
    bindings::fermyon::spin::postgres::add_to_linker::<State, HasSelf<State>>(linker, |state| state)
}

/// Waits for a disk on a thread where that stops nobody else.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> wasmtime::Result<T> {
    Ok(task::spawn_blocking(work).await?)
}
