//! What Spin adds to a request before a component sees it: the `spin-*` headers.
//!
//! `spin-full-url` names the authority that the client asked for. Spin takes the `Host` header alone and says `localhost`
//! where there is none (HTTP/2, service chaining); everything else is as in Spin.

use std::{borrow::Cow, net::SocketAddr};

use http::{
    HeaderName, HeaderValue,
    header::HOST,
    request::Parts,
    uri::{Authority, PathAndQuery},
};

use crate::routes::{Found, RouteHeaders};

const PATH_INFO: HeaderName = HeaderName::from_static("spin-path-info");
const FULL_URL: HeaderName = HeaderName::from_static("spin-full-url");
const MATCHED_ROUTE: HeaderName = HeaderName::from_static("spin-matched-route");
const BASE_PATH: HeaderName = HeaderName::from_static("spin-base-path");
const RAW_COMPONENT_ROUTE: HeaderName = HeaderName::from_static("spin-raw-component-route");
const COMPONENT_ROUTE: HeaderName = HeaderName::from_static("spin-component-route");
const CLIENT_ADDR: HeaderName = HeaderName::from_static("spin-client-addr");

/// The domain below which components reach each other.
pub(crate) const CHAINING_DOMAIN: &str = "spin.internal";

/// The request does not say what host it is for, or says two things.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct BadAuthority;

/// How a request was matched, as its headers will say.
pub(crate) struct Matched<'a> {
    pub(crate) route: &'a RouteHeaders,
    pub(crate) path_info: Cow<'a, str>,
    pub(crate) parameters: Vec<&'a str>,
    pub(crate) client: &'a HeaderValue,
}

impl<'a> Matched<'a> {
    /// A request from outside, matched by a route.
    pub(crate) fn found(found: &'a Found<'_, '_>, client: &'a HeaderValue) -> Self {
        Self {
            route: &found.route().headers,
            path_info: found.path_info(),
            parameters: found.parameters().collect(),
            client,
        }
    }

    /// A request from another component to `path`.
    pub(crate) fn chained(route: &'a RouteHeaders, path: &'a str, client: &'a HeaderValue) -> Self {
        Self { route, path_info: Cow::Borrowed(path), parameters: Vec::new(), client }
    }
}

/// The address of a client, as a header's value.
pub(crate) fn client_header(address: SocketAddr) -> HeaderValue {
    // An address is printable ASCII; the fallback is never taken.
    HeaderValue::from_str(&address.to_string()).unwrap_or_else(|_| HeaderValue::from_static("0.0.0.0:0"))
}

/// Adds the `spin-*` headers and removes a `Host` that only a component may use.
///
/// # Errors
/// [`BadAuthority`] if `Host` and URI name no authority, not a valid one, or two.
pub(crate) fn shape(parts: &mut Parts, matched: &Matched<'_>) -> Result<(), BadAuthority> {
    if parts.headers.get(HOST).is_some_and(is_chaining_host) {
        parts.headers.remove(HOST);
    }
    let authority = authority(parts)?;
    let path = parts.uri.path_and_query().map_or("/", PathAndQuery::as_str);
    let full_url = HeaderValue::try_from(format!("http://{authority}{path}")).map_err(|_| BadAuthority)?;
    let headers = &mut parts.headers;
    headers.insert(FULL_URL, full_url);
    headers.insert(PATH_INFO, value(&matched.path_info)?);
    headers.insert(MATCHED_ROUTE, matched.route.matched_route.clone());
    headers.insert(BASE_PATH, HeaderValue::from_static("/"));
    headers.insert(RAW_COMPONENT_ROUTE, matched.route.raw_component_route.clone());
    headers.insert(COMPONENT_ROUTE, matched.route.component_route.clone());
    headers.insert(CLIENT_ADDR, matched.client.clone());
    for (name, text) in matched.route.parameters.iter().zip(&matched.parameters) {
        headers.insert(name.clone(), value(text)?);
    }
    Ok(())
}

/// The component that `host`, such as `predict.spin.internal`, names.
pub(crate) fn chaining_target(host: &str) -> Option<&str> {
    let (component, domain) = host.split_once('.')?;
    (domain == CHAINING_DOMAIN).then_some(component)
}

fn is_chaining_host(host: &HeaderValue) -> bool {
    let authority = Authority::try_from(host.as_bytes());
    authority.is_ok_and(|authority| chaining_target(authority.host()).is_some())
}

fn authority(parts: &Parts) -> Result<Cow<'_, Authority>, BadAuthority> {
    let header = match parts.headers.get(HOST) {
        Some(host) => Some(Authority::try_from(host.as_bytes()).map_err(|_| BadAuthority)?),
        None => None,
    };
    match (header, parts.uri.authority()) {
        (Some(header), Some(uri)) if header != *uri => Err(BadAuthority),
        (_, Some(uri)) => Ok(Cow::Borrowed(uri)),
        (Some(header), None) => Ok(Cow::Owned(header)),
        (None, None) => Err(BadAuthority),
    }
}

/// A part of the request's own URI, which has no characters that a header may not have.
fn value(text: &str) -> Result<HeaderValue, BadAuthority> {
    HeaderValue::from_bytes(text.as_bytes()).map_err(|_| BadAuthority)
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;
    use crate::{
        application::{Route, Target, Trigger},
        routes::Routes,
    };

    fn parts(uri: &str, headers: &[(&'static str, &'static str)]) -> Parts {
        let mut request = Request::get(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    fn shaped(route: &str, mut parts: Parts) -> Result<Parts, BadAuthority> {
        let target = Target::Component("it".to_owned());
        let trigger = Trigger { id: None, route: Route::Public(route.to_owned()), target };
        let (routes, _) = Routes::new(&[trigger]).unwrap();
        let path = parts.uri.path().to_owned();
        let found = routes.find(&path).unwrap();
        let client = client_header("127.0.0.1:8777".parse().unwrap());
        shape(&mut parts, &Matched::found(&found, &client)).map(|()| parts)
    }

    #[track_caller]
    fn check(route: &str, parts: Parts, expected: &[(&str, &str)]) {
        let parts = shaped(route, parts).unwrap();
        for (name, value) in expected {
            assert_eq!(parts.headers[*name], *value, "`{name}`");
        }
    }

    #[test]
    fn every_header_is_as_in_spin() {
        check(
            "/foo/:user_id/...",
            parts("/foo/42/bar/?key=value", &[("host", "example.com:3000"), ("spin-base-path", "/forged")]),
            &[
                ("spin-path-info", "/bar/"),
                ("spin-full-url", "http://example.com:3000/foo/42/bar/?key=value"),
                ("spin-matched-route", "/foo/:user_id/..."),
                ("spin-base-path", "/"),
                ("spin-raw-component-route", "/foo/:user_id/..."),
                ("spin-component-route", "/foo/:user_id"),
                ("spin-client-addr", "127.0.0.1:8777"),
                ("spin-path-match-user-id", "42"),
            ],
        );
    }

    #[test]
    fn an_exact_route_has_no_path_info() {
        check(
            "foo",
            parts("/foo", &[("host", "a")]),
            &[("spin-path-info", ""), ("spin-matched-route", "/foo"), ("spin-raw-component-route", "foo")],
        );
        check(
            "/",
            parts("/", &[("host", "a")]),
            &[("spin-matched-route", ""), ("spin-raw-component-route", "/")],
        );
    }

    #[test]
    fn the_authority_comes_from_the_uri_or_the_host_header() {
        let expected = [("spin-full-url", "http://a.b/")];
        check("/...", parts("/", &[("host", "a.b")]), &expected);
        check("/...", parts("http://a.b/", &[]), &expected);
        check("/...", parts("http://a.b/", &[("host", "a.b")]), &expected);
    }

    #[test]
    fn a_request_without_one_clear_authority_is_bad() {
        for parts in [
            parts("/", &[]),
            parts("http://a.b/", &[("host", "other")]),
            parts("/", &[("host", "a b")]),
            parts("/", &[("host", "it.spin.internal")]),
        ] {
            assert_eq!(shaped("/...", parts).err(), Some(BadAuthority));
        }
    }

    #[test]
    fn chaining_hosts_name_a_component() {
        assert_eq!(chaining_target("predict.spin.internal"), Some("predict"));
        for host in ["spin.internal", "a.b.spin.internal", "predict.spin.internal.com", "predict"] {
            assert_eq!(chaining_target(host), None, "`{host}`");
        }
    }

    #[test]
    fn a_chaining_host_is_removed_in_favour_of_the_uri() {
        let parts = parts("http://it.spin.internal/x", &[("host", "it.spin.internal:80")]);
        let parts = shaped("/...", parts).unwrap();
        assert!(!parts.headers.contains_key(HOST));
        assert_eq!(parts.headers["spin-full-url"], "http://it.spin.internal/x");
    }
}
