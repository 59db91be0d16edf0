//! Content encodings: undone in requests, applied to answers that are worth it.
//!
//! Source: RFC 9110, sections 8.4 and 12.5.3. `deflate` is the zlib format.

use std::borrow::Cow;
use std::io::{self, Read, Write as _};

use flate2::Compression;
use flate2::read::{GzDecoder, ZlibDecoder};
use flate2::write::{GzEncoder, ZlibEncoder};
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING};
use http::{HeaderMap, HeaderValue, Response};
use protocol::{Error, Result};

/// Shorter answers gain nothing.
const WORTH_BYTES: usize = 1024;

/// A content encoding known here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    Gzip,
    Deflate,
}

impl Encoding {
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        match name.trim().to_ascii_lowercase().as_str() {
            "gzip" | "x-gzip" => Some(Self::Gzip),
            "deflate" => Some(Self::Deflate),
            _ => None,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Deflate => "deflate",
        }
    }

    /// The body without the encoding, or the first `limit` bytes of it.
    pub(crate) fn decode(self, body: &[u8], limit: u64) -> io::Result<Vec<u8>> {
        let mut decoded = Vec::new();
        match self {
            Self::Gzip => GzDecoder::new(body).take(limit).read_to_end(&mut decoded)?,
            Self::Deflate => ZlibDecoder::new(body).take(limit).read_to_end(&mut decoded)?,
        };
        Ok(decoded)
    }

    fn encode(self, body: &[u8]) -> io::Result<Vec<u8>> {
        match self {
            Self::Gzip => {
                let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
                encoder.write_all(body)?;
                encoder.finish()
            }
            Self::Deflate => {
                let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
                encoder.write_all(body)?;
                encoder.finish()
            }
        }
    }
}

/// The body that the request's content encoding stands for, of at most `max_bytes`.
///
/// # Errors
/// [`Error::ContentEncoding`], [`Error::MalformedEncoding`] or [`Error::BodyTooLarge`].
pub(crate) fn decoded<'a>(headers: &HeaderMap, body: &'a [u8], max_bytes: usize) -> Result<Cow<'a, [u8]>> {
    let too_large = |found| Error::BodyTooLarge { limit: max_bytes, found };
    if body.len() > max_bytes {
        return Err(too_large(body.len()));
    }
    let name = headers.get(CONTENT_ENCODING).map(HeaderValue::as_bytes).unwrap_or_default();
    let name = String::from_utf8_lossy(name);
    if name.trim().is_empty() || name.trim().eq_ignore_ascii_case("identity") {
        return Ok(Cow::Borrowed(body));
    }
    let encoding = Encoding::from_name(&name)
        .ok_or_else(|| Error::ContentEncoding { found: name.chars().take(40).collect() })?;
    let malformed =
        |error: io::Error| Error::MalformedEncoding { encoding: encoding.name(), reason: error.to_string() };
    let decoded = encoding.decode(body, max_bytes as u64 + 1).map_err(malformed)?;
    if decoded.len() > max_bytes {
        return Err(too_large(decoded.len()));
    }
    Ok(Cow::Owned(decoded))
}

/// The answer in the first encoding known here that the client accepts, if it is long enough.
pub(crate) fn encoded(response: Response<Vec<u8>>, headers: &HeaderMap) -> Response<Vec<u8>> {
    let Some(encoding) = accepted(headers).filter(|_| response.body().len() >= WORTH_BYTES) else {
        return response;
    };
    let Ok(body) = encoding.encode(response.body()) else { return response };
    let (mut parts, _) = response.into_parts();
    parts.headers.insert(CONTENT_ENCODING, HeaderValue::from_static(encoding.name()));
    Response::from_parts(parts, body)
}

fn accepted(headers: &HeaderMap) -> Option<Encoding> {
    let values = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).find_map(|choice| {
        let (name, weight) = choice.split_once(';').unwrap_or((choice, ""));
        let is_refused = weight
            .trim()
            .strip_prefix("q=")
            .is_some_and(|weight| weight.parse::<f32>().is_ok_and(|weight| weight <= 0.0));
        Encoding::from_name(name).filter(|_| !is_refused)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn headers(name: http::HeaderName, value: &str) -> HeaderMap {
        [(name, HeaderValue::from_str(value).unwrap())].into_iter().collect()
    }

    #[test]
    fn the_first_known_encoding_that_is_not_refused_is_taken() {
        for (value, expect) in [
            ("gzip, deflate, br", Some(Encoding::Gzip)),
            ("br, deflate;q=0.5, gzip", Some(Encoding::Deflate)),
            ("gzip;q=0, DEFLATE", Some(Encoding::Deflate)),
            ("br", None),
            ("", None),
        ] {
            assert_eq!(accepted(&headers(ACCEPT_ENCODING, value)), expect, "{value}");
        }
    }

    #[test]
    fn short_answers_stay_as_they_are() {
        let accept = headers(ACCEPT_ENCODING, "gzip");
        let short = encoded(Response::new(vec![0; WORTH_BYTES - 1]), &accept);
        assert!(!short.headers().contains_key(CONTENT_ENCODING));
        let long = encoded(Response::new(vec![0; WORTH_BYTES]), &accept);
        assert_eq!(long.headers()[CONTENT_ENCODING], "gzip");
        assert_eq!(Encoding::Gzip.decode(long.body(), 1 << 20).unwrap(), vec![0; WORTH_BYTES]);
    }

    #[test]
    fn what_cannot_be_decoded_is_the_callers_fault() {
        let check = |encoding: &str, body: &[u8], expect: (u16, &str)| {
            let error = decoded(&headers(CONTENT_ENCODING, encoding), body, 100).unwrap_err();
            assert_eq!((error.status().as_u16(), error.code()), expect);
        };
        check("br", b"", (415, "unsupported_content_encoding"));
        check("gzip, gzip", b"", (415, "unsupported_content_encoding"));
        check("gzip", b"no gzip", (400, "malformed_content_encoding"));
        check("deflate", b"", (400, "malformed_content_encoding"));
        let bomb = Encoding::Deflate.encode(&[0; 101]).unwrap();
        check("deflate", &bomb, (413, "body_too_large"));
        check("identity", &[0; 101], (413, "body_too_large"));
    }

    proptest! {
        #[test]
        fn decoding_undoes_encoding(body in prop::collection::vec(any::<u8>(), 0..300), is_gzip: bool) {
            let encoding = if is_gzip { Encoding::Gzip } else { Encoding::Deflate };
            let coded = encoding.encode(&body).unwrap();
            let found = decoded(&headers(CONTENT_ENCODING, encoding.name()), &coded, 1000).unwrap();
            prop_assert_eq!(found.as_ref(), body.as_slice());
        }

        #[test]
        fn any_bytes_decode_or_are_an_error(body in prop::collection::vec(any::<u8>(), 0..300), is_gzip: bool) {
            let name = if is_gzip { "gzip" } else { "deflate" };
            drop(decoded(&headers(CONTENT_ENCODING, name), &body, 1000));
        }
    }
}
