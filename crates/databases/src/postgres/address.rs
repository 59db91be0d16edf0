//! The address of a database: `postgres://user:password@host:port/database?option=value`, or `host=… user=…`.
//! What it means is tokio-postgres' affair; here are only the servers that it leads to. Its password is in no
//! message.

use std::fmt;

use tokio_postgres::{Config, config::Host};

use crate::{Error, Result};

/// The port of a server whose address has none.
const PORT: u16 = 5432;

/// A database and how to get in.
#[derive(Clone)]
pub struct Address {
    text: String,
    config: Config,
    endpoints: Vec<Endpoint>,
}

/// A server that an address leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Its name or IP address, without brackets.
    pub host: String,
    /// Its port.
    pub port: u16,
}

impl Address {
    /// Parses an address.
    ///
    /// # Errors
    /// [`Error::PostgresAddress`], also for one that leads elsewhere than it says: to a Unix socket, or to a
    /// `hostaddr`.
    pub fn parse(text: &str) -> Result<Self> {
        let config: Config = text.parse().map_err(|error| fault(reason(&error)))?;
        let endpoints = endpoints(&config)?;
        Ok(Self { text: text.to_owned(), config, endpoints })
    }

    /// The servers that it leads to, at least one. They are tried in this order, unless the address says
    /// otherwise.
    #[must_use]
    pub fn endpoints(&self) -> &[Endpoint] {
        &self.endpoints
    }

    /// As it was written, with the password.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn config(&self) -> &Config {
        &self.config
    }

    /// The servers, for a message.
    pub(super) fn servers(&self) -> String {
        let servers: Vec<String> = self.endpoints.iter().map(Endpoint::to_string).collect();
        servers.join(", ")
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Address").field("endpoints", &self.endpoints).finish_non_exhaustive()
    }
}

/// As `allowed_outbound_hosts` names it.
impl fmt::Display for Endpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port } = self;
        if host.contains(':') {
            return write!(formatter, "postgres://[{host}]:{port}");
        }
        write!(formatter, "postgres://{host}:{port}")
    }
}

fn endpoints(config: &Config) -> Result<Vec<Endpoint>> {
    if !config.get_hostaddrs().is_empty() {
        return Err(fault("`hostaddr` is not supported: name the server by `host`".to_owned()));
    }
    let (hosts, ports) = (config.get_hosts(), config.get_ports());
    if hosts.is_empty() {
        return Err(fault("it names no host".to_owned()));
    }
    if ports.len() > 1 && ports.len() != hosts.len() {
        return Err(fault("it has neither one port nor one for each host".to_owned()));
    }
    let port = |index| ports.get(index).or_else(|| ports.first()).copied().unwrap_or(PORT);
    hosts.iter().enumerate().map(|(index, host)| endpoint(host, port(index))).collect()
}

fn endpoint(host: &Host, port: u16) -> Result<Endpoint> {
    match host {
        Host::Tcp(host) => Ok(Endpoint { host: host.clone(), port }),
        #[cfg(unix)]
        Host::Unix(_) => Err(fault("Unix sockets are not supported".to_owned())),
    }
}

/// What the parser says, if it only names one of its own options: other messages may repeat a part of the
/// password.
fn reason(error: &tokio_postgres::Error) -> String {
    let cause = std::error::Error::source(error).map(ToString::to_string);
    let cause = cause.filter(|cause| cause.starts_with("invalid value"));
    cause.unwrap_or_else(|| "write `postgres://user:password@host:port/database`".to_owned())
}

fn fault(reason: String) -> Error {
    Error::PostgresAddress { reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn servers(address: &str) -> String {
        Address::parse(address).unwrap().servers()
    }

    #[track_caller]
    fn check_fault(address: &str, expected: &str) {
        let message = Address::parse(address).unwrap_err().to_string();
        assert!(message.contains(expected), "`{address}`: {message}");
        assert!(!message.contains("secret"), "`{address}`: {message}");
    }

    #[test]
    fn an_address_leads_to_its_hosts() {
        assert_eq!(servers("postgres://u:secret@db.example.com/d"), "postgres://db.example.com:5432");
        assert_eq!(servers("postgresql://u@127.0.0.1:1/d?sslmode=disable"), "postgres://127.0.0.1:1");
        assert_eq!(servers("postgres://u@[::1]:6432"), "postgres://[::1]:6432");
        assert_eq!(servers("host=a,b port=1,2 user=u"), "postgres://a:1, postgres://b:2");
        assert_eq!(servers("host=a,b port=1 user=u"), "postgres://a:1, postgres://b:1");
    }

    #[test]
    fn an_address_that_leads_elsewhere_than_it_says_is_a_fault() {
        check_fault("host=allowed hostaddr=10.0.0.1 password=secret", "`hostaddr`");
        check_fault("host=/var/run/postgresql password=secret", "Unix sockets");
        check_fault("postgres://u:secret@%2Fvar%2Frun/d", "Unix sockets");
        check_fault("user=u password=secret", "no host");
        check_fault("host=a,b,c port=1,2 password=secret", "neither one port");
    }

    #[test]
    fn what_is_no_address_is_a_fault_without_its_password() {
        check_fault("postgres://u:secret@h/d?sslmode=verify-full", "sslmode");
        check_fault("mysql://u:secret@h/d", "write `postgres://");
        check_fault("host=h password=a secret=b", "write `postgres://");
    }

    #[test]
    fn debugging_shows_no_password() {
        let shown = format!("{:?}", Address::parse("postgres://u:secret@h").unwrap());
        assert!(shown.contains("\"h\"") && !shown.contains("secret"), "{shown}");
    }
}
