//! What is served: components, and the routes that lead to them. Plain data, already checked; nothing is loaded yet.
//!
//! An application comes from a `spin.toml` ([`Application::read`]) or from models ([`Application::of_models`]).

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use crate::{files::Files, outbound::AllowedHosts};

/// An application, checked.
#[derive(Clone, Debug)]
pub struct Application {
    /// Its name, which `/.well-known/spin/info` reports.
    pub name: String,
    /// Its version, reported likewise.
    pub version: Option<String>,
    /// The components, in the order of their ids. Only those that a trigger names are ever loaded.
    pub components: Vec<Component>,
    /// Where the databases of its components are; in memory if there is none.
    pub state_folder: Option<PathBuf>,
    /// What leads to the components, in the manifest's order. Every component named here exists.
    pub triggers: Vec<Trigger>,
}

/// A component and what it may use.
#[derive(Clone, Debug)]
pub struct Component {
    /// Its id: a key of `[component.<id>]`, or a model's name.
    pub id: String,
    /// One line about it, printed with its routes.
    pub description: Option<String>,
    /// The component itself.
    pub source: Source,
    /// Components to plug into its imports.
    pub dependencies: Vec<Dependency>,
    /// Whether those may use what this component may use. If not, they must import nothing.
    pub dependencies_inherit_configuration: bool,
    /// Its environment variables. It sees no others.
    pub environment: Vec<(String, String)>,
    /// Its configuration variables, resolved.
    pub variables: BTreeMap<String, String>,
    /// The labels of the SQLite databases that it may open. There is one, `default`.
    pub sqlite_databases: Vec<String>,
    /// The labels of the key-value stores that it may open, likewise.
    pub key_value_stores: Vec<String>,
    /// The files that it may read.
    pub files: Files,
    /// Where it may send requests.
    pub allowed_outbound_hosts: AllowedHosts,
    /// How to build it.
    pub build: Option<Build>,
}

/// Where a component's bytes are.
#[derive(Clone, Debug)]
pub enum Source {
    /// A file.
    File(PathBuf),
    /// Memory.
    Bytes(Arc<[u8]>),
}

/// A component to plug into another's imports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dependency {
    /// The import to satisfy: an interface such as `plinth:model/inference@0.1.0`, or a package for all of its interfaces.
    pub name: String,
    /// The component that exports it.
    pub path: PathBuf,
}

/// How to build a component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Build {
    /// Shell commands, one after the other.
    pub commands: Vec<String>,
    /// The folder to run them in.
    pub folder: PathBuf,
}

/// A route and what answers there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trigger {
    /// The trigger's `id`, if it has one.
    pub id: Option<String>,
    /// Where requests come from.
    pub route: Route,
    /// What answers them.
    pub target: Target,
}

/// Where a component is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// At a path, as the manifest writes it.
    Public(String),
    /// Only from other components, at `http://<id>.spin.internal`.
    Private,
}

/// What answers at a route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// The component with that id.
    Component(String),
    /// The same response for every request.
    Static(StaticResponse),
}

/// A response that needs no component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StaticResponse {
    /// The status.
    pub status: http::StatusCode,
    /// The headers.
    pub headers: http::HeaderMap,
    /// The body, as text.
    pub body: String,
}

/// What the command line and the process add to a manifest.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// Values of application variables: `--variable NAME=VALUE`.
    pub variables: BTreeMap<String, String>,
    /// Environment variables of every component, in place of the manifest's: `--env NAME=VALUE`.
    pub environment: Vec<(String, String)>,
    /// The environment of this process, of which `SPIN_VARIABLE_<NAME>` gives application variables their values.
    pub process: BTreeMap<String, String>,
}
