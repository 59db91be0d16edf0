//! The headers of one attempt to deliver an event. That it is a POST, and where to, the sender knows.

use crate::{error::Error, event::CONTENT_TYPE, secret::Secrets, signature::sign};

/// The name of the header with the event's id.
pub(crate) const ID: &str = "webhook-id";
/// The name of the header with the time of the attempt.
pub(crate) const TIMESTAMP: &str = "webhook-timestamp";
/// The name of the header with the signatures.
pub(crate) const SIGNATURE: &str = "webhook-signature";

/// A header's name, in lower case, and its value.
pub type Header = (&'static str, String);

/// All headers that an attempt at `timestamp`, in seconds since 1970, to deliver the event `id` with `body`
/// needs of us.
///
/// # Errors
/// [`Error::Id`] if the id cannot be signed or sent.
pub fn headers(secrets: &Secrets, id: &str, timestamp: i64, body: &[u8]) -> Result<Vec<Header>, Error> {
    let signature = sign(secrets, id, timestamp, body)?;
    Ok(vec![
        ("content-type", CONTENT_TYPE.to_owned()),
        (ID, id.to_owned()),
        (TIMESTAMP, timestamp.to_string()),
        (SIGNATURE, signature),
    ])
}

/// The value of the header with this name.
pub(crate) fn find<'a>(headers: &'a [(&str, String)], name: &'static str) -> Result<&'a str, Error> {
    let header = headers.iter().find(|(of_header, _)| of_header.eq_ignore_ascii_case(name));
    header.map(|(_, value)| value.as_str()).ok_or(Error::Header { name })
}
