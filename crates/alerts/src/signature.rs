//! Signatures of Standard Webhooks, symmetric ones only: made by who sends, verified by who receives.
//!
//! Source: Standard Webhooks 1.0.0, "Signature scheme", "Webhook headers" and "Verifying signatures".

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::{
    error::Error,
    header::{ID, SIGNATURE, TIMESTAMP, find},
    secret::Secrets,
};

/// By how many seconds a receiver's clock may differ from the sender's, as other implementations have it.
pub const TOLERANCE: u64 = 5 * 60;

/// What a symmetric signature begins with.
const VERSION: &str = "v1,";

/// The value of `webhook-signature`: a signature by each secret of `id`, `timestamp` (of this attempt, in
/// seconds since 1970) and `body`.
///
/// # Errors
/// [`Error::Id`] if the id is empty, has a full stop, which separates what is signed, or what no header may
/// have.
pub fn sign(secrets: &Secrets, id: &str, timestamp: i64, body: &[u8]) -> Result<String, Error> {
    if !is_id(id) {
        return Err(Error::Id { found: id.to_owned() });
    }
    let signatures: Vec<String> = fed(secrets, id, timestamp, body)
        .map(|mac| encoded(mac.finalize().into_bytes().as_slice()))
        .collect();
    Ok(signatures.join(" "))
}

/// Whether one of `secrets` signed the request of which these are headers and body, less than `tolerance`
/// seconds from `now`. Names of headers are compared without regard to case; signatures in a time that does
/// not depend on where they differ.
///
/// A request may come twice: that its id is new is for the receiver to see to.
///
/// # Errors
/// [`Error::Header`], [`Error::Timestamp`] or [`Error::Signature`].
pub fn verify(
    secrets: &Secrets,
    headers: &[(&str, String)],
    body: &[u8],
    now: i64,
    tolerance: u64,
) -> Result<(), Error> {
    let (id, signatures) = (find(headers, ID)?, find(headers, SIGNATURE)?);
    let timestamp = timestamp(find(headers, TIMESTAMP)?, now, tolerance)?;
    let signatures: Vec<Vec<u8>> = signatures.split(' ').filter_map(decoded).collect();
    let is_signed =
        |mac: &Hmac<Sha256>| signatures.iter().any(|signature| mac.clone().verify_slice(signature).is_ok());
    let is_genuine = is_id(id) && fed(secrets, id, timestamp, body).any(|mac| is_signed(&mac));
    if is_genuine { Ok(()) } else { Err(Error::Signature) }
}

/// An authenticator by each secret, which has seen all that is signed.
fn fed(secrets: &Secrets, id: &str, timestamp: i64, body: &[u8]) -> impl Iterator<Item = Hmac<Sha256>> {
    let head = format!("{id}.{timestamp}.");
    secrets.authenticators().map(move |mac| mac.chain_update(&head).chain_update(body))
}

fn is_id(id: &str) -> bool {
    !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'.')
}

fn encoded(signature: &[u8]) -> String {
    format!("{VERSION}{}", STANDARD.encode(signature))
}

/// The bytes of a signature, if it is a symmetric one.
fn decoded(signature: &str) -> Option<Vec<u8>> {
    STANDARD.decode(signature.strip_prefix(VERSION)?).ok()
}

fn timestamp(text: &str, now: i64, tolerance: u64) -> Result<i64, Error> {
    let timestamp = text.parse::<i64>().ok().filter(|timestamp| now.abs_diff(*timestamp) <= tolerance);
    timestamp.ok_or_else(|| Error::Timestamp { found: text.to_owned(), now, tolerance })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::header::headers;

    const NOW: i64 = 1_795_773_600;

    fn secrets(text: &str) -> Secrets {
        text.parse().unwrap()
    }

    fn request(secret: &str) -> Vec<(&'static str, String)> {
        headers(&secrets(secret), "alarm_1", NOW, b"{}").unwrap()
    }

    fn check(headers: &[(&str, String)], now: i64) -> Result<(), Error> {
        verify(&secrets("new"), headers, b"{}", now, TOLERANCE)
    }

    #[test]
    fn ids_that_a_signature_would_not_bind_are_refused() {
        let is_refused = |id| sign(&secrets("new"), id, NOW, b"").is_err();
        assert_eq!(
            ["alarm_1", "", "a.b", "a b", "a\n", "\u{e9}"].map(is_refused),
            [false, true, true, true, true, true]
        );
    }

    #[test]
    fn while_secrets_are_exchanged_either_is_enough() {
        let results = ["new", "new old", "old new", "old"].map(|secret| check(&request(secret), NOW));
        assert_eq!(results, [Ok(()), Ok(()), Ok(()), Err(Error::Signature)]);
    }

    #[test]
    fn a_request_of_another_time_is_refused() {
        let is_taken = |seconds| check(&request("new"), NOW + seconds).is_ok();
        assert_eq!([-301, -300, 300, 301].map(is_taken), [false, true, true, false]);
    }

    #[test]
    fn a_request_without_a_header_is_refused() {
        for name in [ID, TIMESTAMP, SIGNATURE] {
            let mut headers = request("new");
            headers.retain(|(of_header, _)| *of_header != name);
            assert_eq!(check(&headers, NOW), Err(Error::Header { name }));
        }
    }

    #[test]
    fn names_of_headers_have_no_case_and_other_signatures_are_passed_over() {
        let [_, id, timestamp, signature] = <[_; 4]>::try_from(request("new")).unwrap();
        let signatures = format!("v1a,AAAA v2 v1,*  {}", signature.1);
        let headers = [("Webhook-Id", id.1), ("WEBHOOK-TIMESTAMP", timestamp.1), (SIGNATURE, signatures)];
        assert_eq!(check(&headers, NOW), Ok(()));
    }
}
