//! Static files over HTTP: those of a folder, as they are or precompressed beside themselves. Lists no folder and writes nothing.
//!
//! A path is taken as it comes. Its parts are of letters, digits, `.`, `_` and `-`, and begin with no dot, so that none leads out of the
//! folder and none needs decoding. `name.br` and `name.gz` beside `name` are sent in its place to those who accept them.

use http::header::{
    ACCEPT_ENCODING, ALLOW, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY,
};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use sha2::{Digest as _, Sha256};

/// Content types by ending.
const CONTENT_TYPES: [(&str, &str); 11] = [
    ("css", "text/css; charset=utf-8"),
    ("html", "text/html; charset=utf-8"),
    ("ico", "image/x-icon"),
    ("js", "text/javascript; charset=utf-8"),
    ("json", "application/json"),
    ("mjs", "text/javascript; charset=utf-8"),
    ("png", "image/png"),
    ("svg", "image/svg+xml"),
    ("txt", "text/plain; charset=utf-8"),
    ("wasm", "application/wasm"),
    ("webmanifest", "application/manifest+json"),
];

/// Content encodings, the best first: name, ending of the file.
const ENCODINGS: [(&str, &str); 2] = [("br", ".br"), ("gzip", ".gz")];

/// What a folder is answered with.
const INDEX: &str = "index.html";

/// Answers with a file. `read` gives the bytes at a path relative to the folder, if there is such a file.
pub fn handle<T>(request: &Request<T>, read: impl Fn(&str) -> Option<Vec<u8>>) -> Response<Vec<u8>> {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut response = status(StatusCode::METHOD_NOT_ALLOWED);
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return response;
    }
    let found = file_path(request.uri().path()).and_then(|path| {
        let (bytes, encoding) = variant(&path, request.headers(), read)?;
        Some(answer(request, content_type(&path), encoding, bytes))
    });
    found.unwrap_or_else(|| status(StatusCode::NOT_FOUND))
}

/// The file that a path names; none if no file can have that name.
fn file_path(path: &str) -> Option<String> {
    let path = path.strip_prefix('/').unwrap_or(path);
    let path =
        if path.is_empty() || path.ends_with('/') { format!("{path}{INDEX}") } else { path.to_owned() };
    path.split('/').all(is_name).then_some(path)
}

fn is_name(part: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    !part.is_empty() && !part.starts_with('.') && part.bytes().all(is_plain)
}

/// The best of a file's variants that the client accepts, and its encoding.
fn variant(
    path: &str,
    headers: &HeaderMap,
    read: impl Fn(&str) -> Option<Vec<u8>>,
) -> Option<(Vec<u8>, Option<&'static str>)> {
    let accepted = ENCODINGS.into_iter().filter(|(name, _)| accepts(headers, name));
    let mut encoded =
        accepted.filter_map(|(name, ending)| Some((read(&format!("{path}{ending}"))?, Some(name))));
    encoded.next().or_else(|| Some((read(path)?, None)))
}

fn accepts(headers: &HeaderMap, encoding: &str) -> bool {
    let values = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|choice| {
        let (name, weight) = choice.split_once(';').unwrap_or((choice, ""));
        let weight = weight.trim().strip_prefix("q=").and_then(|weight| weight.parse::<f32>().ok());
        name.trim().eq_ignore_ascii_case(encoding) && weight.is_none_or(|weight| weight > 0.0)
    })
}

fn content_type(path: &str) -> &'static str {
    let ending = path.rsplit_once('.').map_or("", |(_, ending)| ending);
    let known = CONTENT_TYPES.iter().find(|(of, _)| *of == ending);
    known.map_or("application/octet-stream", |(_, content_type)| content_type)
}

fn answer<T>(
    request: &Request<T>,
    content_type: &'static str,
    encoding: Option<&'static str>,
    bytes: Vec<u8>,
) -> Response<Vec<u8>> {
    let tag = entity_tag(&bytes);
    let is_known = request.headers().get_all(IF_NONE_MATCH).iter().any(|value| has_tag(value, &tag));
    let mut response = status(if is_known { StatusCode::NOT_MODIFIED } else { StatusCode::OK });
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(ETAG, tag);
    }
    if let Some(encoding) = encoding {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    if !is_known && request.method() == Method::GET {
        *response.body_mut() = bytes;
    }
    response
}

/// The beginning of the SHA-256 of what is sent: the same on every replica.
fn entity_tag(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    let digits: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("\"{digits}\"")
}

fn has_tag(value: &HeaderValue, tag: &str) -> bool {
    let tags = value.to_str().unwrap_or_default().split(',').map(str::trim);
    tags.map(|found| found.strip_prefix("W/").unwrap_or(found)).any(|found| found == "*" || found == tag)
}

fn status(status: StatusCode) -> Response<Vec<u8>> {
    let mut response = Response::new(Vec::new());
    *response.status_mut() = status;
    response
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FILES: [(&str, &str); 5] = [
        ("index.html", "<p>"),
        ("edge/model.js", "model"),
        ("edge/model.js.br", "brotli"),
        ("edge/model.js.gz", "gzip"),
        ("edge/model.core.wasm.gz", "wasm"),
    ];

    fn ask(method: &str, path: &str, headers: &[(&str, &str)]) -> Response<Vec<u8>> {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let read = |path: &str| {
            FILES.iter().find(|(name, _)| *name == path).map(|(_, text)| text.as_bytes().to_vec())
        };
        handle(&request.body(()).unwrap(), read)
    }

    #[track_caller]
    fn check(path: &str, accept: &str, body: &str, content_type: &str, encoding: Option<&str>) {
        let response = ask("GET", path, &[("accept-encoding", accept)]);
        assert_eq!(response.status(), 200, "{path}");
        assert_eq!(response.body(), body.as_bytes());
        assert_eq!(response.headers()["content-type"], content_type);
        assert_eq!(response.headers()["vary"], "accept-encoding");
        let found = response.headers().get("content-encoding").map(|value| value.to_str().unwrap());
        assert_eq!(found, encoding);
    }

    #[test]
    fn files_come_in_the_best_encoding_that_is_accepted() {
        let script = "text/javascript; charset=utf-8";
        check("/", "br", "<p>", "text/html; charset=utf-8", None);
        check("/edge/model.js", "gzip, deflate, br", "brotli", script, Some("br"));
        check("/edge/model.js?v=1", "GZIP", "gzip", script, Some("gzip"));
        check("/edge/model.js", "br;q=0, gzip;q=0.5", "gzip", script, Some("gzip"));
        check("/edge/model.js", "", "model", script, None);
        check("/edge/model.core.wasm", "br, gzip", "wasm", "application/wasm", Some("gzip"));
    }

    #[test]
    fn what_is_no_file_is_not_found() {
        for path in
            ["/none", "/edge", "/edge/", "/edge/model.core.wasm", "//index.html", "/./index.html", "/.hidden"]
        {
            let response = ask("GET", path, &[]);
            assert_eq!((response.status().as_u16(), response.body().len()), (404, 0), "{path}");
        }
    }

    #[test]
    fn other_methods_are_refused_and_head_has_no_body() {
        let refused = ask("POST", "/", &[]);
        assert_eq!(
            (refused.status().as_u16(), &refused.headers()["allow"]),
            (405, &HeaderValue::from_static("GET, HEAD"))
        );
        let head = ask("HEAD", "/", &[]);
        assert_eq!((head.status().as_u16(), head.body().len()), (200, 0));
        assert_eq!(head.headers()["etag"], ask("GET", "/", &[]).headers()["etag"]);
    }

    /// Expected: `hashlib.sha256(b'<p>').hexdigest()[:16]` of Python.
    #[test]
    fn a_file_that_the_client_has_is_not_sent_again() {
        let tag = "\"33f2799467177287\"";
        assert_eq!(ask("GET", "/", &[]).headers()["etag"], tag);
        for known in [tag.to_owned(), format!("W/{tag}"), format!("\"other\", {tag}"), "*".to_owned()] {
            let response = ask("GET", "/", &[("if-none-match", &known)]);
            assert_eq!((response.status().as_u16(), response.body().len()), (304, 0), "{known}");
        }
        assert_eq!(ask("GET", "/", &[("if-none-match", "\"other\"")]).status(), 200);
        let other = ask("GET", "/edge/model.js", &[("accept-encoding", "br")]);
        assert_ne!(other.headers()["etag"], ask("GET", "/edge/model.js", &[]).headers()["etag"]);
    }

    proptest! {
        #[test]
        fn no_path_leads_out_of_the_folder(path in r"(/|\.|%2e|%2f|\\|[a-z]|\.\.){0,12}") {
            if let Some(path) = file_path(&path) {
                prop_assert!(path.split('/').all(|part| !part.is_empty() && !part.starts_with('.')), "{}", path);
                prop_assert!(!path.contains(['\\', '%']) && !path.starts_with('/'));
            }
        }
    }
}
