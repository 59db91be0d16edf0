//! Which trigger answers at a path, as Spin decides it.
//!
//! An exact segment beats `:parameter` beats a wildcard; so the longest prefix wins. `/...` (or `/*`) at the end also matches
//! nothing and a trailing slash. Paths are compared as sent, undecoded.

use std::{borrow::Cow, fmt, mem};

use http::{HeaderName, HeaderValue};
use routefinder::{Captures, RouteSpec, Router};
use thiserror::Error;

use crate::application::{Route, Target, Trigger};

/// Paths that the host answers itself.
pub(crate) const WELL_KNOWN_PREFIX: &str = "/.well-known/spin/";

/// Why a route cannot be matched.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are named for what the message says of them")]
pub enum RouteFault {
    /// A wildcard that is not the whole last segment.
    #[error("in `{route}` a wildcard is not the last segment: only `/...` at the end is one")]
    Wildcard { route: String },
    /// A parameter that cannot become a header.
    #[error("in `{route}` the parameter `:{parameter}` cannot be part of a header name")]
    Parameter { route: String, parameter: String },
    /// The host answers there itself.
    #[error("`{route}` would never be reached: the host answers below `{WELL_KNOWN_PREFIX}` itself")]
    Reserved { route: String },
    /// Another rule of the router.
    #[error("`{route}`: {reason}")]
    Syntax { route: String, reason: String },
}

/// A route that another one replaced, because both match the same paths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Duplicate {
    /// The route that is never reached.
    pub route: String,
    /// The id of what it led to.
    pub replaced: String,
    /// The id of what answers instead.
    pub effective: String,
}

impl fmt::Display for Duplicate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { route, replaced, effective } = self;
        write!(formatter, "`{route}` leads to `{effective}`, and to `{replaced}` no more")
    }
}

/// The public routes of an application.
#[derive(Debug)]
pub struct Routes {
    router: Router<PublicRoute>,
}

/// A route and what it leads to.
#[derive(Clone, Debug)]
pub struct PublicRoute {
    /// The id of the component, or of the trigger of a static response.
    pub id: String,
    /// What answers.
    pub target: Target,
    /// The path without its wildcard and trailing slash; empty for `/`.
    pub path: String,
    /// Whether the path may continue.
    pub is_wildcard: bool,
    pub(crate) headers: RouteHeaders,
}

/// What the `spin-*` headers say of a route, whatever the request.
#[derive(Clone, Debug)]
pub(crate) struct RouteHeaders {
    pub(crate) matched_route: HeaderValue,
    pub(crate) raw_component_route: HeaderValue,
    pub(crate) component_route: HeaderValue,
    pub(crate) parameters: Vec<HeaderName>,
}

/// A route that matches a path.
#[derive(Debug)]
pub struct Found<'routes, 'path> {
    route: &'routes PublicRoute,
    captures: Captures<'routes, 'path>,
    path: &'path str,
}

impl Routes {
    /// The public routes among `triggers`. Of routes that match the same paths the last one stays; the others are returned, so
    /// that the caller decides what that means.
    ///
    /// # Errors
    /// The first [`RouteFault`].
    pub fn new(triggers: &[Trigger]) -> Result<(Self, Vec<Duplicate>), RouteFault> {
        let mut routes: Vec<(String, PublicRoute)> = Vec::new();
        let mut duplicates = Vec::new();
        for trigger in triggers {
            let Route::Public(raw) = &trigger.route else { continue };
            let route = PublicRoute::new(raw, trigger)?;
            let pattern = pattern(raw);
            match routes.iter_mut().find(|(other, _)| *other == pattern) {
                Some((_, other)) => {
                    let effective = route.id.clone();
                    let replaced = mem::replace(other, route).id;
                    duplicates.push(Duplicate { route: raw.clone(), replaced, effective });
                }
                None => routes.push((pattern, route)),
            }
        }
        let specified = routes.into_iter().map(|(_, route)| Ok((route.spec()?, route)));
        Ok((Self { router: specified.collect::<Result<_, _>>()? }, duplicates))
    }

    /// The route that answers at `path`.
    #[must_use]
    pub fn find<'routes, 'path>(&'routes self, path: &'path str) -> Option<Found<'routes, 'path>> {
        let found = self.router.best_match(path)?;
        Some(Found { route: found.handler(), captures: found.captures(), path })
    }

    /// The routes, the most specific first.
    pub fn iter(&self) -> impl Iterator<Item = &PublicRoute> {
        self.router.iter().map(|(_, route)| route)
    }
}

/// Checks one route by itself.
///
/// # Errors
/// The [`RouteFault`] that [`Routes::new`] would return for it.
pub(crate) fn check_route(raw: &str) -> Result<(), RouteFault> {
    let (path, _) = split_wildcard(raw);
    parse(raw, &path)?;
    parameter_headers(raw, &path).map(drop)
}

impl PublicRoute {
    fn new(raw: &str, trigger: &Trigger) -> Result<Self, RouteFault> {
        check_route(raw)?;
        let (path, is_wildcard) = split_wildcard(raw);
        let id = match (&trigger.target, &trigger.id) {
            (Target::Component(component), _) => component.clone(),
            (Target::Static(_), Some(id)) => id.clone(),
            (Target::Static(_), None) => "static".to_owned(),
        };
        let headers = RouteHeaders::new(raw, &path)?;
        Ok(Self { id, target: trigger.target.clone(), path, is_wildcard, headers })
    }

    fn spec(&self) -> Result<RouteSpec, RouteFault> {
        let wildcard = if self.is_wildcard { "/*" } else { "" };
        parse(&self.path, &format!("{}{wildcard}", self.path))
    }
}

impl RouteHeaders {
    /// Those of a request from one component to another, which no route matches.
    pub(crate) fn chained() -> Self {
        Self {
            matched_route: HeaderValue::from_static("/..."),
            raw_component_route: HeaderValue::from_static("/..."),
            component_route: HeaderValue::from_static(""),
            parameters: Vec::new(),
        }
    }

    fn new(raw: &str, path: &str) -> Result<Self, RouteFault> {
        let value = |text: &str| {
            HeaderValue::from_str(text)
                .map_err(|error| RouteFault::Syntax { route: raw.to_owned(), reason: error.to_string() })
        };
        Ok(Self {
            matched_route: value(&absolute(raw))?,
            raw_component_route: value(raw)?,
            component_route: value(raw.strip_suffix("/...").unwrap_or(raw))?,
            parameters: parameter_headers(raw, path)?,
        })
    }
}

impl<'routes> Found<'routes, '_> {
    /// The route.
    #[must_use]
    pub fn route(&self) -> &'routes PublicRoute {
        self.route
    }

    /// What the trailing wildcard stands for, with its leading slash and, if the path has one, its trailing slash.
    #[must_use]
    pub fn path_info(&self) -> Cow<'_, str> {
        let Some(rest) = self.captures.wildcard() else { return Cow::Borrowed("") };
        match (rest.is_empty(), self.path.ends_with('/')) {
            (true, false) => Cow::Borrowed(""),
            (true, true) => Cow::Borrowed("/"),
            (false, false) => Cow::Owned(format!("/{rest}")),
            (false, true) => Cow::Owned(format!("/{rest}/")),
        }
    }

    /// The parameters' values, in the order of [`RouteHeaders::parameters`].
    pub(crate) fn parameters(&self) -> impl Iterator<Item = &str> {
        self.captures.params().iter().map(|capture| capture.value())
    }
}

/// The path with a leading and without a trailing slash, its wildcard kept.
fn absolute(raw: &str) -> String {
    let path = raw.trim_end_matches('/');
    let is_absolute = path.is_empty() || path.starts_with('/');
    if is_absolute { path.to_owned() } else { format!("/{path}") }
}

/// The path without its trailing wildcard, and whether it had one.
fn split_wildcard(raw: &str) -> (String, bool) {
    let mut path = absolute(raw);
    let prefix = path.strip_suffix("/...").or_else(|| path.strip_suffix("/*")).map(str::len);
    if let Some(length) = prefix {
        path.truncate(length);
    }
    (path, prefix.is_some())
}

/// What two routes have in common exactly if they match the same paths.
fn pattern(raw: &str) -> String {
    let (path, is_wildcard) = split_wildcard(raw);
    let erase = |segment: &str| if segment.starts_with(':') { ":".to_owned() } else { segment.to_owned() };
    let segments: Vec<String> = path.split('/').filter(|segment| !segment.is_empty()).map(erase).collect();
    format!("{}{}", segments.join("/"), if is_wildcard { "/*" } else { "" })
}

/// `path` for the router, which panics on a wildcard that is not at the end.
fn parse(raw: &str, path: &str) -> Result<RouteSpec, RouteFault> {
    let route = || raw.to_owned();
    let fixed = path.strip_suffix("/*").unwrap_or(path);
    if fixed.split('/').any(|segment| segment.contains('*') || segment == "...") {
        return Err(RouteFault::Wildcard { route: route() });
    }
    if format!("{fixed}/").starts_with(WELL_KNOWN_PREFIX) && format!("{fixed}/") != WELL_KNOWN_PREFIX {
        return Err(RouteFault::Reserved { route: route() });
    }
    path.parse().map_err(|reason| RouteFault::Syntax { route: route(), reason })
}

fn parameter_headers(raw: &str, path: &str) -> Result<Vec<HeaderName>, RouteFault> {
    let spec = parse(raw, path)?;
    let header = |segment: &routefinder::Segment| match segment {
        routefinder::Segment::Param(name) => Some(parameter_header(raw, name)),
        _ => None,
    };
    spec.segments().iter().filter_map(header).collect()
}

fn parameter_header(raw: &str, name: &str) -> Result<HeaderName, RouteFault> {
    let header = format!("spin-path-match-{}", name.replace('_', "-").to_ascii_lowercase());
    HeaderName::try_from(header)
        .map_err(|_| RouteFault::Parameter { route: raw.to_owned(), parameter: name.to_owned() })
}

#[cfg(test)]
mod tests;
