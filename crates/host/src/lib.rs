//! Runs Spin applications in process: reads a `spin.toml` of manifest version 2 as Spin 4.1 does, and serves its
//! `wasi:http/incoming-handler@0.2` components with a fresh instance for every request.
//!
//! The way through: [`Application::read`] (or [`Application::of_models`]) → [`Server::bind`] → [`Server::run`].
//!
//! What this crate does not do: it knows nothing of models, tensors or protocols, keeps no state between requests, and
//! prints nothing on standard output. Language models, remote sources, other triggers and TLS for clients are not
//! supported yet; a manifest that asks for them is refused with the key that does.
//!
//! | what happens | what the client sees |
//! |---|---|
//! | no route | 404 |
//! | no single authority in `Host` and URI, or a body cut short | 400 |
//! | the guest traps, or ends without a response | 500; the cause on standard error |
//! | too many requests, or no room for an instance | 503 with `Retry-After` |
//! | the guest runs into the deadline | 504 |
//!
//! All of them without a body. A guest that fails while its response is on its way breaks the connection.

#![expect(clippy::disallowed_methods, reason = "a host does I/O by design")]

mod application;
mod files;
mod ids;
mod manifest;
mod models;
mod variables;

mod error;

mod headers;
mod limits;
mod outbound;
mod routes;

mod admission;
mod body;
mod connection;
mod deadline;
mod dependencies;
mod function;
mod interfaces;
mod invoke;
mod output;
mod runtime;
mod server;
mod service;
mod state;

pub use application::{
    Application, Build, Component, Dependency, Overrides, Route, Source, StaticResponse, Target, Trigger,
};
pub use error::{Error, Fault, Problem, Result};
pub use files::{Files, Mount};
pub use ids::NameFault;
pub use limits::Limits;
pub use models::{EdgeCheck, Evaluation, Model};
pub use outbound::{AllowedHosts, HostFault};
pub use routes::{Duplicate, Found, PublicRoute, RouteFault, Routes};
pub use runtime::{Runtime, runtime, termination};
pub use server::Server;
pub use variables::TemplateFault;
