//! A component that is ready to answer requests: compiled, linked, and with all that its instances have in common.

use std::{collections::BTreeMap, sync::Arc};

use engine::Engine;
use tempfile::TempDir;
use wasmtime::{
    Store,
    component::{Linker, ResourceTable},
};
use wasmtime_wasi::{FsPerms, WasiCtx, filesystem::WasiFilesystemCtx};
use wasmtime_wasi_http::{WasiHttpCtx, p2::bindings::ProxyPre};

use crate::{
    application::Component,
    dependencies,
    error::{Error, Result},
    interfaces,
    limits::{InstanceMemory, Limits},
    outbound::{AllowedHosts, Outbound, TAKES},
    output::GuestOutput,
    state::State,
};

/// Where a component sees its files.
const GUEST_ROOT: &str = "/";

/// A component, ready.
pub(crate) struct Function {
    pub(crate) id: Arc<str>,
    pub(crate) description: Option<String>,
    pub(crate) allowed_hosts: AllowedHosts,
    pub(crate) pre: ProxyPre<State>,
    pub(crate) sqlite_databases: Vec<String>,
    pub(crate) key_value_stores: Vec<String>,
    pub(crate) variables: BTreeMap<String, String>,
    environment: Vec<(String, String)>,
    files: WasiFilesystemCtx,
    _folder: Option<TempDir>,
}

/// A linker with everything that components may import.
///
/// # Errors
/// If wasmtime's interfaces contradict each other.
pub(crate) fn linker(engine: &Engine) -> wasmtime::Result<Linker<State>> {
    let mut linker = Linker::new(engine.wasmtime());
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
    interfaces::add_to_linker(&mut linker)?;
    Ok(linker)
}

impl Function {
    /// Reads, plugs, compiles and links `component`, and places its files.
    ///
    /// # Errors
    /// [`Error::Read`], [`Error::Load`], [`Error::Link`], [`Error::PlaceFile`] or what is wrong with its dependencies.
    pub(crate) fn load(component: &Component, engine: &Engine, linker: &Linker<State>) -> Result<Self> {
        let wasm = dependencies::plugged(component)?;
        let load = |source| Error::Load { component: component.id.clone(), source };
        let compiled = engine.load(&wasm).map_err(load)?;
        let link = |source| Error::Link { component: component.id.clone(), source };
        let pre = linker.instantiate_pre(&compiled).and_then(ProxyPre::new).map_err(link)?;
        let (files, folder) = place_files(component)?;
        Ok(Self {
            id: Arc::from(component.id.as_str()),
            description: component.description.clone(),
            allowed_hosts: component.allowed_outbound_hosts.clone(),
            pre,
            sqlite_databases: component.sqlite_databases.clone(),
            key_value_stores: component.key_value_stores.clone(),
            variables: component.variables.clone(),
            environment: environment(component),
            files,
            _folder: folder,
        })
    }

    /// A store for one instance.
    pub(crate) fn store(&self, outbound: Outbound, limits: &Limits) -> Store<State> {
        let output = GuestOutput::new(Arc::clone(&self.id));
        let mut wasi =
            WasiCtx::builder().envs(&self.environment).stdout(output.clone()).stderr(output).build();
        *wasi.filesystem() = self.files.clone();
        let state = State {
            wasi,
            http: WasiHttpCtx::new(),
            table: ResourceTable::new(),
            memory: InstanceMemory::new(limits),
            outbound,
            connections: 0,
        };
        let mut store = Store::new(self.pre.engine(), state);
        store.limiter(|state| &mut state.memory);
        store
    }
}

/// What the component's environment says, and whether the host takes captured rows from its responses.
fn environment(component: &Component) -> Vec<(String, String)> {
    let takes = component.allowed_outbound_hosts.allows_itself().then(|| (TAKES.to_owned(), "1".to_owned()));
    component.environment.iter().cloned().chain(takes).collect()
}

/// Places the files once and opens their folder, which every instance then shares.
fn place_files(component: &Component) -> Result<(WasiFilesystemCtx, Option<TempDir>)> {
    if component.files.is_empty() {
        return Ok((WasiFilesystemCtx::default(), None));
    }
    let fail = |(path, source)| Error::PlaceFile { component: component.id.clone(), path, source };
    let folder = tempfile::Builder::new().prefix("plinth-").tempdir();
    let folder = folder.map_err(|error| fail((std::env::temp_dir(), error)))?;
    component.files.place(folder.path()).map_err(fail)?;
    let mut builder = WasiCtx::builder();
    builder
        .preopened_dir(folder.path(), GUEST_ROOT, FsPerms::ReadOnly)
        .map_err(|error| fail((folder.path().to_owned(), std::io::Error::other(error))))?;
    let files = builder.build().filesystem().clone();
    Ok((files, Some(folder)))
}
