//! The server: an application, loaded, at an address.

use std::{
    collections::{BTreeMap, BTreeSet},
    future::Future,
    io,
    net::SocketAddr,
    panic,
    pin::pin,
    sync::Arc,
    thread::{self, ScopedJoinHandle},
    time::Duration,
};

use bytes::Bytes;
use databases::Folder;
use engine::Engine;
use http::uri::Authority;
use tokio::{
    net::{TcpListener, TcpStream},
    runtime::Handle,
    sync::watch,
    task::JoinSet,
    time,
};

use crate::{
    admission::Admission,
    application::{Application, Component, Target},
    connection::Connections,
    deadline,
    error::{Error, Result},
    function::{self, Function},
    interfaces::Stores,
    limits::Limits,
    outbound::Postbox,
    output,
    routes::{Duplicate, PublicRoute, RouteHeaders, Routes},
    service::Service,
};

/// How long to wait after a failure to accept, such as too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// An application at an address, ready to run.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    service: Arc<Service>,
    duplicates: Vec<Duplicate>,
}

impl Server {
    /// Takes the address, then loads all components that a trigger names. Clients may connect from here on, and wait.
    ///
    /// # Errors
    /// [`Error::AddressInUse`] or [`Error::Listen`] before anything is loaded; then what is wrong with a component.
    pub async fn bind(
        application: Application,
        engine: &Engine,
        limits: &Limits,
        listen: SocketAddr,
    ) -> Result<Self> {
        let ticker = deadline::start_ticker(engine, limits)?;
        let listener = TcpListener::bind(listen).await.map_err(|source| listen_error(listen, source))?;
        let address = listener.local_addr().map_err(|source| listen_error(listen, source))?;
        let (routes, duplicates) = Routes::new(&application.triggers)?;
        let service = Arc::new(Service {
            info: info(&application),
            routes,
            functions: load(&application, engine)?,
            chained_route: RouteHeaders::chained(),
            authority: authority(address)?,
            stores: stores(&application)?,
            limits: limits.clone(),
            admission: Admission::new(limits),
            postbox: Postbox::default(),
            _ticker: ticker,
        });
        Ok(Self { listener, address, service, duplicates })
    }

    /// Where it listens. The port is the real one, also if it was asked to take any.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// The routes, the most specific first.
    pub fn routes(&self) -> impl Iterator<Item = &PublicRoute> {
        self.service.routes.iter()
    }

    /// Routes that are never reached because another one matches the same paths.
    #[must_use]
    pub fn duplicate_routes(&self) -> &[Duplicate] {
        &self.duplicates
    }

    /// What Spin prints when it starts: a blank line, `Serving http://…`, and the routes.
    #[must_use]
    pub fn banner(&self) -> String {
        let base = format!("http://{}", self.address);
        let mut banner = format!("\nServing {base}\nAvailable Routes:\n");
        for route in self.routes() {
            let wildcard = if route.is_wildcard { " (wildcard)" } else { "" };
            banner += &format!("  {}: {base}{}{wildcard}\n", route.id, route.path);
            let function = self.service.functions.get(&route.id);
            if let Some(description) = function.and_then(|function| function.description.as_ref()) {
                banner += &format!("    {description}\n");
            }
        }
        banner
    }

    /// Serves until `shutdown` resolves; then accepts nothing more and waits for what is in flight, up to the limit. Guests run on
    /// `workers`; connections are accepted, and `/.well-known/spin/health` is answered, where this future is polled.
    pub async fn run(self, workers: Handle, shutdown: impl Future<Output = ()>) {
        let (close, closing) = watch::channel(());
        let served = Connections { service: Arc::clone(&self.service), workers, closing };
        let mut connections = JoinSet::new();
        let mut shutdown = pin!(shutdown);
        loop {
            tokio::select! {
                biased;
                () = &mut shutdown => break,
                Some(_) = connections.join_next() => {}
                accepted = self.listener.accept() => {
                    if let Some((stream, client)) = usable(accepted).await {
                        connections.spawn(served.clone().serve(stream, client));
                    }
                }
            }
        }
        drop((self.listener, close));
        let drained = async {
            while connections.join_next().await.is_some() {}
            self.service.admission.drained().await;
        };
        if time::timeout(self.service.limits.drain, drained).await.is_err() {
            output::say(format_args!("stopped with requests in flight"));
        }
    }
}

async fn usable(accepted: io::Result<(TcpStream, SocketAddr)>) -> Option<(TcpStream, SocketAddr)> {
    match accepted {
        Ok(connection) => Some(connection),
        Err(error) => {
            output::say(format_args!("cannot accept a connection: {error}"));
            time::sleep(ACCEPT_PAUSE).await;
            None
        }
    }
}

/// Loads the components that a trigger names, all at once: they compile one by one, each on as many threads as there are processors, but
/// reading, plugging and linking take one.
fn load(application: &Application, engine: &Engine) -> Result<BTreeMap<String, Arc<Function>>> {
    let component_id = |target: &Target| match target {
        Target::Component(id) => Some(id.clone()),
        Target::Static(_) => None,
    };
    let named: BTreeSet<String> =
        application.triggers.iter().filter_map(|trigger| component_id(&trigger.target)).collect();
    let components: Vec<&Component> =
        application.components.iter().filter(|component| named.contains(&component.id)).collect();
    let link = |source| Error::Link { component: application.name.clone(), source };
    let linker = function::linker(engine).map_err(link)?;
    thread::scope(|scope| {
        let linker = &linker;
        let load = |component| scope.spawn(move || Function::load(component, engine, linker));
        let threads: Vec<_> = components.into_iter().map(load).collect();
        let join = |thread: ScopedJoinHandle<'_, Result<Function>>| match thread.join() {
            Ok(function) => function.map(|function| (function.id.to_string(), Arc::new(function))),
            Err(panic) => panic::resume_unwind(panic),
        };
        threads.into_iter().map(join).collect()
    })
}

fn stores(application: &Application) -> Result<Stores> {
    let folder = application.state_folder.clone().map_or_else(Folder::in_memory, Folder::at);
    let uses_key_value =
        application.components.iter().any(|component| !component.key_value_stores.is_empty());
    Ok(Stores::open(folder, uses_key_value)?)
}

/// The answer of `/.well-known/spin/info`.
fn info(application: &Application) -> Bytes {
    let mut info = serde_json::Map::new();
    info.insert("name".to_owned(), application.name.as_str().into());
    if let Some(version) = &application.version {
        info.insert("version".to_owned(), version.as_str().into());
    }
    Bytes::from(serde_json::Value::Object(info).to_string())
}

fn authority(address: SocketAddr) -> Result<Authority> {
    let invalid = |error| Error::Listen { address, source: io::Error::other(error) };
    Authority::try_from(address.to_string()).map_err(invalid)
}

fn listen_error(address: SocketAddr, source: io::Error) -> Error {
    if source.kind() == io::ErrorKind::AddrInUse {
        return Error::AddressInUse { address };
    }
    Error::Listen { address, source }
}
