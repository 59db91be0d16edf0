//! Messages between their prefixes: whether compressed, and how long.
//!
//! Source: gRPC over HTTP/2, "Length-Prefixed-Message".

use std::borrow::Cow;

use http::{HeaderMap, HeaderName};

use super::error::{Error, Result};
use crate::encoding::Encoding;

/// How a client's messages are compressed.
const ENCODING: HeaderName = HeaderName::from_static("grpc-encoding");

/// One byte that says whether the message is compressed, four that say how long it is.
const PREFIX_BYTES: usize = 5;

/// The one message of a call's body, its compression undone.
///
/// # Errors
/// [`Error::Frame`], [`Error::TooLong`] or [`Error::Encoding`].
pub(crate) fn read<'a>(headers: &HeaderMap, body: &'a [u8], max_bytes: usize) -> Result<Cow<'a, [u8]>> {
    if body.len() > max_bytes.saturating_add(PREFIX_BYTES) {
        return Err(Error::TooLong { max_bytes });
    }
    let wrong = |expected, found| Error::Frame { expected, found };
    let Some((&[is_compressed, a, b, c, d], message)) = body.split_first_chunk() else {
        return Err(wrong("a prefix of 5 bytes", format!("{} bytes", body.len())));
    };
    let length = u32::from_be_bytes([a, b, c, d]);
    if u32::try_from(message.len()) != Ok(length) {
        return Err(wrong("one message as long as it says", format!("{length} and {} bytes", message.len())));
    }
    match is_compressed {
        0 => Ok(Cow::Borrowed(message)),
        1 => decompressed(headers, message, max_bytes).map(Cow::Owned),
        flag => Err(wrong("0 or 1 for whether it is compressed", flag.to_string())),
    }
}

/// The message after its prefix, as it is.
pub(crate) fn write(message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap_or(u32::MAX);
    let mut framed = Vec::with_capacity(PREFIX_BYTES + message.len());
    framed.push(0);
    framed.extend_from_slice(&length.to_be_bytes());
    framed.extend_from_slice(message);
    framed
}

fn decompressed(headers: &HeaderMap, message: &[u8], max_bytes: usize) -> Result<Vec<u8>> {
    let name = headers.get(ENCODING).map(|value| value.as_bytes()).unwrap_or_default();
    let name = String::from_utf8_lossy(name);
    let encoding = Encoding::from_name(&name).ok_or_else(|| Error::Encoding { found: name.into_owned() })?;
    // One byte more than may be there tells that there is too much.
    let read = encoding.decode(message, max_bytes as u64 + 1).map_err(|error| Error::Frame {
        expected: "compression as `grpc-encoding` says",
        found: error.to_string(),
    })?;
    if read.len() > max_bytes { Err(Error::TooLong { max_bytes }) } else { Ok(read) }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::{Compression, write::GzEncoder, write::ZlibEncoder};
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    const MAX: usize = 100;

    fn headers(encoding: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(ENCODING, HeaderValue::from_static(encoding))])
    }

    fn compressed(message: &[u8]) -> Vec<u8> {
        let mut framed = write(message);
        framed[0] = 1;
        framed
    }

    #[track_caller]
    fn check_error(encoding: &'static str, body: &[u8], expect: &str) {
        assert_eq!(read(&headers(encoding), body, MAX).unwrap_err().to_string(), expect);
    }

    #[test]
    fn compressed_messages_are_read() {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        gzip.write_all(b"hello").unwrap();
        let body = compressed(&gzip.finish().unwrap());
        assert_eq!(read(&headers("gzip"), &body, MAX).unwrap().as_ref(), b"hello");
        check_error(
            "br",
            &body,
            "unknown `grpc-encoding`: expected `identity`, `gzip` or `deflate`, found `br`",
        );

        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::fast());
        zlib.write_all(&[0; MAX + 1]).unwrap();
        let body = compressed(&zlib.finish().unwrap());
        check_error("deflate", &body, "the message is too long: expected at most 100 bytes");
    }

    #[test]
    fn a_body_that_is_not_one_message_is_an_error() {
        check_error("", b"", "malformed message: expected a prefix of 5 bytes, found 0 bytes");
        let two = [write(b"a"), write(b"b")].concat();
        check_error(
            "",
            &two,
            "malformed message: expected one message as long as it says, found 1 and 7 bytes",
        );
        check_error(
            "",
            b"\x02\0\0\0\0",
            "malformed message: expected 0 or 1 for whether it is compressed, found 2",
        );
        check_error("", &[0; MAX + 6], "the message is too long: expected at most 100 bytes");
    }

    proptest! {
        #[test]
        fn a_message_comes_back(message: Vec<u8>) {
            let body = write(&message);
            prop_assert_eq!(read(&HeaderMap::new(), &body, body.len()).unwrap().into_owned(), message);
        }

        #[test]
        fn any_bytes_are_a_message_or_an_error(body: Vec<u8>) {
            let _ = read(&headers("gzip"), &body, MAX);
        }
    }
}
