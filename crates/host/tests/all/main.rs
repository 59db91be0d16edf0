//! The host, whole: servers on ports of their own, in this process, before guests made for the purpose.

#![expect(clippy::disallowed_methods, reason = "tests place files")]
#![expect(clippy::unwrap_used, reason = "the helpers of tests fail as tests do")]

mod chaining;
mod failing;
mod guest;
mod loading;
mod serving;
mod streaming;
mod support;
