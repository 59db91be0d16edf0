//! Where components may send requests, and how such requests travel.
//!
//! Nothing is allowed that `allowed_outbound_hosts` does not name; a denied request is the guest's
//! `HTTP-request-denied`. Requests to `<id>.spin.internal` and to `self.alt` never leave the process; others go over
//! HTTP/1.1, with TLS for `https`. Raw sockets are always denied.
//!
//! A request without an authority, which Spin takes as one to the application itself, is refused by wasmtime before it gets
//! here: write `http://self.alt/…`, which means the same on both.

mod allowed_hosts;
mod hooks;
mod postbox;

pub use allowed_hosts::{AllowedHosts, HostFault};
pub(crate) use hooks::Outbound;
pub(crate) use postbox::{Postbox, TAKES, take_captured};
