//! The runtimes on which golden cases run.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use endpoints::capture::Sight;
use endpoints::grpc::Unreachable;
use endpoints::{Model, ModelError, batch_chunk, edge_check, predict};
use engine::{Engine, PackedModel, Pool};
use host::{Application, Limits, Server};
use tempfile::NamedTempFile;
use tensor::{Metadata, Tensor};
use tokio::sync::oneshot;
use ureq::Agent;

use crate::answer::{Answer, Question};
use crate::{model_names, packed_model, root};

/// The longest that a request may take in a test. Nothing should come near it.
const PATIENCE: Duration = Duration::from_secs(60);

/// The endpoint called as a library; only the model is Wasm.
pub struct Native {
    model: InProcess,
}

struct InProcess(PackedModel);

impl Model for InProcess {
    fn metadata(&self) -> Metadata {
        self.0.metadata().clone()
    }

    fn infer(&self, inputs: Vec<Tensor>, outputs: &[String]) -> Result<Vec<Tensor>, ModelError> {
        self.0.infer(inputs, outputs).map_err(|error| match error {
            engine::Error::InvalidInput(message) => ModelError::InvalidInput(message),
            error => ModelError::Failed(error.to_string()),
        })
    }
}

impl Native {
    /// The endpoint over the demo model of that name.
    ///
    /// # Panics
    /// If the model is not there.
    #[must_use]
    pub fn with_model(engine: &Engine, name: &str) -> Self {
        Self::with_packed(engine, &packed_model(name))
    }

    /// The endpoint over a packed model.
    ///
    /// # Panics
    /// If it is none.
    #[must_use]
    pub fn with_packed(engine: &Engine, wasm: &[u8]) -> Self {
        Self { model: InProcess(PackedModel::open(engine, wasm).expect("the model is packed")) }
    }

    /// Answers without a connection.
    ///
    /// # Panics
    /// If the question is no HTTP request.
    #[must_use]
    pub fn ask(&self, question: &Question) -> Answer {
        let mut request = http::Request::builder().method(question.method.as_str()).uri(&question.path);
        for (name, value) in &question.headers {
            request = request.header(name, value);
        }
        let request = request.body(question.body.as_slice()).expect("the question is a request");
        let response = match question.path.split('/').nth(1) {
            Some("batch") => self.answer_chunk(request),
            Some("edge-check") => self.check(&request),
            _ => predict::handle(&self.model, &predict::Config::default(), &request),
        };
        let (head, body) = response.into_parts();
        Answer::new(&http::Response::from_parts(head, ()), body)
    }
}

impl Native {
    /// By the policy of the demo, without a cloud.
    fn check(&self, request: &http::Request<&[u8]>) -> http::Response<Vec<u8>> {
        let config =
            edge_check::Config { policy: Ok(crate::demo_policy().into_bytes()), ..Default::default() };
        let send = |_, _| Err(Unreachable("there is none".to_owned()));
        edge_check::handle(&self.model, &config, request, &Sight::default(), send)
    }

    fn answer_chunk(&self, request: http::Request<&[u8]>) -> http::Response<Vec<u8>> {
        let mut head = http::Response::default();
        let mut body = Vec::new();
        let outcome = batch_chunk::handle(&self.model, &batch_chunk::Config::default(), request, |begun| {
            head = begun;
            Ok(&mut body)
        });
        assert!(outcome.is_whole, "{:?}", outcome.failure);
        head.map(|()| body)
    }
}

/// A server to which questions go over HTTP.
pub struct Client {
    agent: Agent,
    base_url: String,
}

impl Client {
    /// A client of the server with this URL.
    #[must_use]
    pub fn new(base_url: String) -> Self {
        let config = Agent::config_builder().http_status_as_error(false).timeout_global(Some(PATIENCE));
        Self { agent: config.build().into(), base_url }
    }

    /// Sends the question and reads the whole answer.
    ///
    /// # Panics
    /// If there is no answer.
    #[must_use]
    pub fn ask(&self, question: &Question) -> Answer {
        self.try_ask(question).expect("the server answers")
    }

    /// Sends the question and reads the whole answer; none if the server ends before it is there.
    ///
    /// # Panics
    /// If the question is no request.
    #[must_use]
    pub fn try_ask(&self, question: &Question) -> Option<Answer> {
        let mut request = http::Request::builder()
            .method(question.method.as_str())
            .uri(format!("{}{}", self.base_url, question.path));
        for (name, value) in &question.headers {
            request = request.header(name, value);
        }
        let request = request.body(question.body.clone()).expect("the question is a request");
        let mut response = self.agent.run(request).ok()?;
        let body = response.body_mut().with_config().limit(1 << 30).read_to_vec().ok()?;
        Some(Answer::new(&response.map(|_| ()), body))
    }
}

/// The embedded host in this process, on a thread of its own; it ends when dropped.
pub struct Embedded {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Embedded {
    /// Serves the repository's spin.toml.
    ///
    /// # Panics
    /// If it cannot be served.
    #[must_use]
    pub fn demo() -> Self {
        let manifest = root().join("spin.toml");
        let application = Application::read(&manifest, &host::Overrides::default());
        let application = application.expect("the manifest is valid");
        // What tests send is not kept.
        Self::serve(Application { state_folder: None, ..application })
    }

    /// Serves packed models, as `plinth serve` does.
    ///
    /// # Panics
    /// If they cannot be served.
    #[must_use]
    pub fn models(models: Vec<(String, Vec<u8>)>) -> Self {
        let plugged = models.into_iter().map(|(name, wasm)| host::Model {
            name,
            component: plugged("predict", &wasm).into(),
            batch_chunk: plugged("batch-chunk", &wasm).into(),
        });
        let grpc = artifacts::function("grpc").expect("the function is built");
        let application = Application::of_models(plugged.collect(), grpc.into(), None);
        Self::serve(application.expect("the models can be served together"))
    }

    fn serve(application: Application) -> Self {
        let (stop, stopped) = oneshot::channel();
        let (bound, address) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            let limits = Limits::default();
            let engine = crate::engine(Pool::Slots(limits.concurrent_requests));
            let runtime = host::runtime().expect("threads are free");
            let workers = runtime.workers();
            runtime.block_on(async {
                let any_port = SocketAddr::from(([127, 0, 0, 1], 0));
                let server =
                    Server::bind(application, &engine, &limits, any_port).await.expect("it can be served");
                bound.send(server.local_addr()).expect("the test waits");
                server.run(workers, async { drop(stopped.await) }).await;
            });
        });
        let address = address.recv().expect("the server starts");
        Self { address, stop: Some(stop), thread: Some(thread) }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A client of this server.
    #[must_use]
    pub fn client(&self) -> Client {
        Client::new(format!("http://{}", self.address))
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(Err(panic)) = self.thread.take().map(JoinHandle::join)
            && !std::thread::panicking()
        {
            std::panic::resume_unwind(panic);
        }
    }
}

/// `wasmtime serve` with one model composed into the function; it is killed when dropped.
pub struct WasmtimeServe {
    child: Child,
    base_url: String,
    _component: NamedTempFile,
}

impl WasmtimeServe {
    /// Serves the demo model of that name by a function.
    ///
    /// # Panics
    /// If the program has not been built or does not start.
    #[must_use]
    pub fn with_model(function: &str, name: &str) -> Self {
        Self::start(function, name, &[])
    }

    /// Serves `edge-check` before the demo model of that name, by the policy of the demo.
    ///
    /// # Panics
    /// If the program has not been built or does not start.
    #[must_use]
    pub fn with_policy(name: &str) -> Self {
        Self::start("edge-check", name, &[format!("--env=PLINTH_POLICY={}", crate::demo_policy())])
    }

    /// `files` before a folder, on a free port.
    ///
    /// # Panics
    /// If the program has not been built or does not start.
    #[must_use]
    pub fn with_folder(folder: &Path) -> Self {
        let component = artifacts::function("files").expect("the function is built");
        Self::serve(component, &[format!("--dir={}::/", folder.display())])
    }

    fn start(function: &str, name: &str, more: &[String]) -> Self {
        Self::serve(&plugged(function, &packed_model(name)), more)
    }

    fn serve(composed: &[u8], more: &[String]) -> Self {
        let component = NamedTempFile::new().expect("there is room for a file");
        std::fs::write(component.path(), composed).expect("there is room for a file");
        let program = root().join("target/release/wasmtime-serve");
        // The model runtime's function table is larger than wasmtime's pool allows by default.
        let arguments =
            ["-Scli", "-Opooling-table-elements=100000", "-Opooling-max-core-instance-size=10485760"];
        let mut child = Command::new(&program)
            .args(arguments)
            .args(more)
            .arg("--addr=127.0.0.1:0")
            .arg(component.path())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}; run `cargo xtask test`", program.display()));
        let mut lines = BufReader::new(child.stderr.take().expect("it is piped")).lines();
        let base_url = lines
            .find_map(|line| Some(line.ok()?.split_once("http://")?.1.trim_end_matches('/').to_owned()))
            .map(|address| format!("http://{address}"))
            .expect("it says where it serves");
        // What it says later must not fill the pipe.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, base_url, _component: component }
    }

    /// A client of this server.
    #[must_use]
    pub fn client(&self) -> Client {
        Client::new(self.base_url.clone())
    }
}

impl Drop for WasmtimeServe {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn plugged(function: &str, model: &[u8]) -> Vec<u8> {
    let function = artifacts::function(function).expect("the function is built");
    engine::plug(function, model).expect("the model fits the function")
}

/// The demo models, packed, by name.
#[must_use]
pub fn demo_models() -> Vec<(String, Vec<u8>)> {
    model_names().into_iter().map(|name| (name.to_owned(), packed_model(name))).collect()
}
