//! What keeps the host from starting: the caller's files and flags, the manifest, the address, the components.
//!
//! What goes wrong while serving is not here: a request is always answered (see the crate's front page).

use std::{fmt, io, net::SocketAddr, path::PathBuf};

use crate::{ids::NameFault, outbound::HostFault, routes::RouteFault, variables::TemplateFault};

/// The result of starting to serve.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why nothing can be served.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the fields are named for what the message says of them")]
pub enum Error {
    /// A file or folder cannot be read.
    #[error("cannot read `{}`", path.display())]
    Read { path: PathBuf, source: io::Error },
    /// The manifest has problems; all that could be found.
    #[error("`{}` cannot be served:{}", path.display(), List(problems))]
    Manifest { path: PathBuf, problems: Vec<Problem> },
    /// Files for a component cannot be put where it sees them.
    #[error("`component.{component}.files`: cannot place `{}`", path.display())]
    PlaceFile { component: String, path: PathBuf, source: io::Error },
    /// A component or its dependency is not a component that this host can run.
    #[error("component `{component}` cannot be loaded")]
    Load { component: String, source: engine::Error },
    /// A component imports what this host does not have, or exports no HTTP handler. The cause names the interface.
    #[error("component `{component}` cannot be linked")]
    Link { component: String, source: wasmtime::Error },
    /// A dependency is for an import that the component does not have.
    #[error("`component.{component}.dependencies`: `{component}` does not import `{dependency}`")]
    UnusedDependency { component: String, dependency: String },
    /// A dependency would need permissions that the manifest does not give it.
    #[error(
        "`component.{component}.dependencies`: `{dependency}` imports `{import}`; \
         set `dependencies_inherit_configuration = true` to let it have what `{component}` has"
    )]
    DependencyImport { component: String, dependency: String, import: String },
    /// A model's name cannot be part of a route.
    #[error("`{name}` cannot name a model: use letters, digits, `.`, `_`, `~` and `-`")]
    ModelName { name: String },
    /// Two models would have the same routes.
    #[error("two models are named `{name}`: both would be served at `/v2/models/{name}`")]
    SameModelName { name: String },
    /// The databases of the application cannot be opened.
    #[error("cannot open the key-value stores")]
    Stores(#[from] databases::Error),
    /// A route of an application made by hand cannot be matched. Those of a manifest are among its problems.
    #[error(transparent)]
    Route(#[from] RouteFault),
    /// There is nothing to serve.
    #[error("no model to serve")]
    NoModel,
    /// Another process listens there.
    #[error("{address} is already in use")]
    AddressInUse { address: SocketAddr },
    /// Listening failed for another reason.
    #[error("cannot listen on {address}")]
    Listen { address: SocketAddr, source: io::Error },
    /// A deadline needs an engine that can interrupt guests.
    #[error("a deadline needs an engine with epoch interruption")]
    DeadlineWithoutEpochs,
    /// The operating system refused a thread, a runtime or a signal handler.
    #[error("cannot start {what}")]
    Start { what: &'static str, source: io::Error },
}

impl Error {
    /// Whether the caller gave something that cannot be served, as opposed to the machine failing: exit code 2.
    #[must_use]
    pub fn is_usage(&self) -> bool {
        !matches!(self, Self::Start { .. } | Self::Listen { .. })
    }
}

/// One thing wrong with a manifest, and where.
#[derive(Debug, PartialEq, Eq)]
pub struct Problem {
    /// The path of the key, such as `component.predict.sqlite_databases`.
    pub key: String,
    /// What is wrong with it.
    pub fault: Fault,
}

impl Problem {
    pub(crate) fn new(key: impl Into<String>, fault: impl Into<Fault>) -> Self {
        Self { key: key.into(), fault: fault.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "`{}`: {}", self.key, self.fault)
    }
}

/// What is wrong with one key.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are named for what the message says of them")]
pub enum Fault {
    /// The key is misspelt, missing or of the wrong type.
    #[error("{0}")]
    Malformed(String),
    /// A label of a database or store that nothing defines.
    #[error("`{label}` is not defined: there is only `default`")]
    UndefinedLabel { label: String },
    /// Spin has it, this host does not.
    #[error("not supported yet")]
    Unsupported,
    /// Spin has this form of it, this host does not.
    #[error("{form} is not supported yet: {instead}")]
    UnsupportedForm { form: &'static str, instead: &'static str },
    /// A manifest of another version.
    #[error("expected 2, found {found}")]
    Version { found: String },
    /// A component id or variable name that is not one.
    #[error(transparent)]
    Name(#[from] NameFault),
    /// A trigger names a component that is not in the manifest.
    #[error("there is no `[component.{id}]`")]
    UnknownComponent { id: String },
    /// A trigger with both a component and a static response, or neither.
    #[error("give either `component` or `static_response`")]
    Target,
    /// A route that cannot be matched.
    #[error(transparent)]
    Route(#[from] RouteFault),
    /// A status code or header that HTTP does not have.
    #[error("{0}")]
    StaticResponse(String),
    /// A variable with both a default and `required = true`, or neither.
    #[error("give either `default` or `required = true`")]
    Declaration,
    /// A required variable without a value.
    #[error("no value: give `--variable {name}=…` or set `{environment}`")]
    MissingVariable { name: String, environment: String },
    /// A value for a variable that the manifest does not declare.
    #[error("not declared in `[variables]`")]
    UndeclaredVariable,
    /// A `{{ … }}` template that cannot be resolved.
    #[error(transparent)]
    Template(#[from] TemplateFault),
    /// An entry of `allowed_outbound_hosts` that is not one.
    #[error(transparent)]
    Host(#[from] HostFault),
    /// An entry of `files` or `exclude_files` that is not one.
    #[error("{0}")]
    Files(String),
}

struct List<'a>(&'a [Problem]);

impl fmt::Display for List<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|problem| write!(formatter, "\n  {problem}"))
    }
}
