//! `allowed_outbound_hosts`: what an entry means and which requests it allows, as in Spin.
//!
//! `scheme://host[:port]`, where the scheme is letters or `*`; the host a name, `*`, `*.domain`, an IP address or range, or
//! `self`; the port a number, a range `a..b` without its end, `*`, or left out for the scheme's own.

use std::{net::IpAddr, ops::Range};

use http::Uri;
use thiserror::Error;

/// Why an entry is not one.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are named for what the message says of them")]
pub enum HostFault {
    /// No `scheme://`.
    #[error("`{entry}` has no scheme: write `scheme://host[:port]`, such as `http://{entry}`")]
    NoScheme { entry: String },
    /// A scheme of other characters than letters.
    #[error("in `{entry}` the scheme `{scheme}` is neither letters nor `*`")]
    Scheme { entry: String, scheme: String },
    /// A wildcard inside of a name, or no name.
    #[error("in `{entry}` the host `{host}` is no name, address, `*` or `*.domain`")]
    Host { entry: String, host: String },
    /// Something after the host and port.
    #[error("`{entry}` has a path: only hosts can be allowed")]
    Path { entry: String },
    /// No port for a scheme that implies none.
    #[error("`{entry}` needs a port: the scheme `{scheme}` has none of its own")]
    NoPort { entry: String, scheme: String },
    /// A port that is no number, range or `*`.
    #[error("in `{entry}` the port `{port}` is no number, range `a..b` or `*`")]
    Port { entry: String, port: String },
}

/// The hosts that a component may send requests to. None by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AllowedHosts(Vec<AllowedHost>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct AllowedHost {
    scheme: Option<String>,
    host: Host,
    ports: Option<Range<u32>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Host {
    Any,
    Itself,
    Named(String),
    // Invariant: starts with the dot.
    Below(String),
    Network { address: IpAddr, prefix_bits: u32 },
}

impl AllowedHosts {
    /// Parses the entries, templates resolved.
    ///
    /// # Errors
    /// The first [`HostFault`].
    pub fn parse<'a>(entries: impl IntoIterator<Item = &'a str>) -> Result<Self, HostFault> {
        entries.into_iter().map(AllowedHost::parse).collect::<Result<_, _>>().map(Self)
    }

    /// The application itself and nothing else.
    pub(crate) fn itself() -> Self {
        Self(vec![AllowedHost { scheme: None, host: Host::Itself, ports: None }])
    }

    pub(crate) fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// Whether a request to `uri` is allowed. It needs a scheme and a host.
    #[must_use]
    pub fn allows(&self, uri: &Uri) -> bool {
        let (Some(scheme), Some(host)) = (uri.scheme_str(), uri.host()) else { return false };
        self.allows_host(scheme, host, uri.port_u16().or_else(|| well_known_port(scheme)))
    }

    /// Whether a connection to `host` is allowed, which is a name or an IP address with or without brackets.
    #[must_use]
    pub fn allows_host(&self, scheme: &str, host: &str, port: Option<u16>) -> bool {
        let host = host.to_ascii_lowercase();
        self.0.iter().any(|allowed| allowed.allows(scheme, &host, port))
    }

    /// Whether a request to the application itself is allowed.
    #[must_use]
    pub fn allows_itself(&self) -> bool {
        let is_web = |scheme: &Option<String>| scheme.as_ref().is_none_or(|s| s == "http" || s == "https");
        self.0
            .iter()
            .any(|allowed| is_web(&allowed.scheme) && matches!(allowed.host, Host::Any | Host::Itself))
    }
}

impl AllowedHost {
    fn parse(entry: &str) -> Result<Self, HostFault> {
        let entry = entry.trim();
        let Some((scheme, rest)) = entry.split_once("://") else {
            return Err(HostFault::NoScheme { entry: entry.to_owned() });
        };
        let (host, port) = split_port(rest.strip_suffix('/').unwrap_or(rest));
        Ok(Self {
            scheme: parse_scheme(entry, scheme)?,
            host: Host::parse(entry, host)?,
            ports: parse_ports(entry, scheme, port)?,
        })
    }

    fn allows(&self, scheme: &str, host: &str, port: Option<u16>) -> bool {
        let has_port = |range: &Range<u32>| port.is_some_and(|port| range.contains(&port.into()));
        self.scheme.as_ref().is_none_or(|allowed| allowed == scheme)
            && self.host.allows(host)
            && self.ports.as_ref().is_none_or(has_port)
    }
}

impl Host {
    fn parse(entry: &str, host: &str) -> Result<Self, HostFault> {
        let host = host.to_ascii_lowercase();
        if let Some(network) = parse_network(&host) {
            return Ok(network);
        }
        if host.contains('/') {
            return Err(HostFault::Path { entry: entry.to_owned() });
        }
        let domain = host.strip_prefix("*.");
        if domain.unwrap_or(&host).contains(['*', '{', '}']) && host != "*" || host.is_empty() {
            return Err(HostFault::Host { entry: entry.to_owned(), host });
        }
        Ok(match (host.as_str(), domain) {
            ("*", _) => Self::Any,
            ("self" | "self.alt", _) => Self::Itself,
            (_, Some(domain)) => Self::Below(format!(".{domain}")),
            _ => Self::Named(host),
        })
    }

    fn allows(&self, host: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Itself => false,
            Self::Named(name) => name == host,
            Self::Below(domain) => host.ends_with(domain.as_str()),
            Self::Network { address, prefix_bits } => {
                parse_address(host).is_some_and(|other| shares_prefix(*address, other, *prefix_bits))
            }
        }
    }
}

/// Splits at the last colon, unless that is part of an IPv6 address in brackets.
fn split_port(authority: &str) -> (&str, &str) {
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, port),
        _ => (authority, ""),
    }
}

fn parse_scheme(entry: &str, scheme: &str) -> Result<Option<String>, HostFault> {
    if scheme == "*" {
        return Ok(None);
    }
    if scheme.is_empty() || !scheme.chars().all(char::is_alphabetic) {
        return Err(HostFault::Scheme { entry: entry.to_owned(), scheme: scheme.to_owned() });
    }
    Ok(Some(scheme.to_ascii_lowercase()))
}

/// The ports as a range without its end; `None` for all.
fn parse_ports(entry: &str, scheme: &str, port: &str) -> Result<Option<Range<u32>>, HostFault> {
    let single = |port: u16| u32::from(port)..u32::from(port) + 1;
    if port == "*" {
        return Ok(None);
    }
    if port.is_empty() {
        let no_port = || HostFault::NoPort { entry: entry.to_owned(), scheme: scheme.to_owned() };
        return well_known_port(scheme).map(|port| Some(single(port))).ok_or_else(no_port);
    }
    let range = match port.split_once("..") {
        Some((start, end)) => start.parse::<u16>().ok().zip(end.parse::<u16>().ok()),
        None => port.parse::<u16>().ok().map(|port| (port, port)),
    };
    match range {
        Some((start, end)) if port.contains("..") => Ok(Some(start.into()..end.into())),
        Some((port, _)) => Ok(Some(single(port))),
        None if port.contains('/') => Err(HostFault::Path { entry: entry.to_owned() }),
        None => Err(HostFault::Port { entry: entry.to_owned(), port: port.to_owned() }),
    }
}

fn parse_network(host: &str) -> Option<Host> {
    let (address, bits) = match host.split_once('/') {
        Some((address, bits)) => (parse_address(address)?, Some(bits.parse().ok()?)),
        None => (parse_address(host)?, None),
    };
    let width = if address.is_ipv4() { 32 } else { 128 };
    let prefix_bits = bits.unwrap_or(width);
    (prefix_bits <= width).then_some(Host::Network { address, prefix_bits })
}

fn parse_address(host: &str) -> Option<IpAddr> {
    let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    bare.parse().ok()
}

fn shares_prefix(one: IpAddr, other: IpAddr, prefix_bits: u32) -> bool {
    let differing = match (one, other) {
        (IpAddr::V4(one), IpAddr::V4(other)) => (one.to_bits() ^ other.to_bits()).leading_zeros(),
        (IpAddr::V6(one), IpAddr::V6(other)) => (one.to_bits() ^ other.to_bits()).leading_zeros(),
        _ => return false,
    };
    differing >= prefix_bits
}

fn well_known_port(scheme: &str) -> Option<u16> {
    Some(match scheme {
        "http" => 80,
        "https" => 443,
        "mqtt" => 1883,
        "mysql" => 3306,
        "postgres" => 5432,
        "redis" => 6379,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(entry: &str, allowed: &[&str], denied: &[&str]) {
        let hosts = AllowedHosts::parse([entry]).unwrap();
        for (uris, expected) in [(allowed, true), (denied, false)] {
            for uri in uris {
                assert_eq!(hosts.allows(&uri.parse().unwrap()), expected, "`{uri}` under `{entry}`");
            }
        }
    }

    #[track_caller]
    fn check_faults(entries: &[&str], is_expected: fn(&HostFault) -> bool) {
        for entry in entries {
            let fault = AllowedHosts::parse([*entry]).unwrap_err();
            assert!(is_expected(&fault), "`{entry}`: {fault:?}");
        }
    }

    #[test]
    fn nothing_is_allowed_by_default() {
        assert!(!AllowedHosts::default().allows(&"http://example.com/".parse().unwrap()));
        assert!(!AllowedHosts::default().allows_itself());
    }

    #[test]
    fn a_name_is_allowed_at_the_scheme_and_port_it_names() {
        let entries = ["http://api.example.com", "http://API.example.com:80", " http://api.example.com/ "];
        for entry in entries {
            check(
                entry,
                &["http://api.example.com/a?b", "http://api.example.com:80/", "http://API.EXAMPLE.COM/"],
                &["https://api.example.com/", "http://api.example.com:81/", "http://example.com/"],
            );
        }
        check("https://a.b:8443", &["https://a.b:8443/"], &["https://a.b/", "http://a.b:8443/"]);
    }

    #[test]
    fn wildcards_stand_for_any_scheme_port_host_or_subdomain() {
        check("*://a.b:443", &["https://a.b/", "http://a.b:443/"], &["http://a.b/"]);
        check("http://a.b:*", &["http://a.b/", "http://a.b:1/"], &["https://a.b:1/"]);
        check("*://*:*", &["https://x/", "http://127.0.0.1:9/"], &[]);
        check(
            "http://*.example.com",
            &["http://a.example.com/", "http://a.b.example.com/"],
            &["http://example.com/", "http://myexample.com/"],
        );
    }

    #[test]
    fn port_ranges_end_before_their_end() {
        check("http://a:80..82", &["http://a/", "http://a:81/"], &["http://a:82/", "http://a:79/"]);
    }

    #[test]
    fn addresses_and_ranges_of_them() {
        check("http://127.0.0.1:8080", &["http://127.0.0.1:8080/"], &["http://127.0.0.2:8080/"]);
        check("http://[::1]:8080", &["http://[::1]:8080/"], &["http://[::2]:8080/"]);
        check("http://[::1]", &["http://[::1]/"], &["http://localhost/"]);
        check("*://10.1.0.0/16:80", &["http://10.1.2.3/"], &["http://10.2.0.1/", "http://ten/"]);
        check("*://ff00::/8:80", &["http://[ff12::1]/"], &["http://[fe00::1]/", "http://1.2.3.4/"]);
        check("http://0.0.0.0/0", &["http://8.8.8.8/"], &["http://[::1]/"]);
    }

    #[test]
    fn itself_is_a_host_of_its_own() {
        let allows_itself = |entry| AllowedHosts::parse([entry]).unwrap().allows_itself();
        for entry in ["http://self", "https://self.alt", "*://*:*", "http://*"] {
            assert!(allows_itself(entry), "`{entry}`");
        }
        for entry in ["http://localhost", "redis://self"] {
            assert!(!allows_itself(entry), "`{entry}`");
        }
        check("http://self", &[], &["http://self/"]);
    }

    #[test]
    fn entries_that_name_no_host_are_faults() {
        check_faults(&["", "*", "example.com", "localhost:80", "insecure:allow-all"], |fault| {
            matches!(fault, HostFault::NoScheme { .. })
        });
        check_faults(&["h2://a", "://a", "{http,https}://a"], |fault| {
            matches!(fault, HostFault::Scheme { .. })
        });
        check_faults(&["http://", "http://a.*", "http://*.*.com", "http://{a,b}"], |fault| {
            matches!(fault, HostFault::Host { .. })
        });
        check_faults(&["http://a/b", "http://a:80/b", "http://*.a/b"], |fault| {
            matches!(fault, HostFault::Path { .. })
        });
        check_faults(&["*://a", "tcp://a", "*://127.0.0.0/24"], |fault| {
            matches!(fault, HostFault::NoPort { .. })
        });
        check_faults(&["http://a:b", "http://a:1..b", "http://a:65536"], |fault| {
            matches!(fault, HostFault::Port { .. })
        });
    }
}
