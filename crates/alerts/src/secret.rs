//! The secrets that sign, read from a setting. They are never printed.

use std::{fmt, str::FromStr};

use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::error::Error;

/// What a secret in base64 begins with.
const PREFIX: &str = "whsec_";

/// Padding is optional, as it is in other implementations.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// One secret, or several while they are exchanged: the new one first, the old ones until all receivers
/// have the new one.
#[derive(Clone)]
pub struct Secrets(Vec<Hmac<Sha256>>);

impl Secrets {
    /// An authenticator of each, which has seen nothing yet.
    pub(crate) fn authenticators(&self) -> impl Iterator<Item = Hmac<Sha256>> {
        self.0.iter().cloned()
    }
}

/// Reads secrets separated by spaces: `whsec_` and base64, or any other text, of which the bytes are the
/// secret. The specification recommends 24 to 64 bytes; only none at all are refused.
///
/// Source: Standard Webhooks 1.0.0, "Signature scheme".
impl FromStr for Secrets {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let secrets: Vec<_> = text.split_ascii_whitespace().map(authenticator).collect::<Result<_, _>>()?;
        if secrets.is_empty() {
            return Err(Error::Secret { reason: "there is none" });
        }
        Ok(Self(secrets))
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secrets({} hidden)", self.0.len())
    }
}

fn authenticator(text: &str) -> Result<Hmac<Sha256>, Error> {
    let secret = key(text)?;
    if secret.is_empty() {
        return Err(Error::Secret { reason: "one is empty" });
    }
    Hmac::new_from_slice(&secret)
        .map_err(|_| Error::Secret { reason: "one has a length that cannot be used" })
}

fn key(text: &str) -> Result<Vec<u8>, Error> {
    match text.strip_prefix(PREFIX) {
        Some(encoded) => BASE64
            .decode(encoded)
            .map_err(|_| Error::Secret { reason: "one is not in base64 after `whsec_`" }),
        None => Ok(text.as_bytes().to_vec()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str) -> Option<Error> {
        text.parse::<Secrets>().err()
    }

    #[test]
    fn what_cannot_sign_is_refused() {
        let reasons = ["there is none", "one is empty", "one is not in base64 after `whsec_`"];
        let faults = ["  ", "good whsec_", "whsec_&&&&"].map(fault);
        assert_eq!(faults, reasons.map(|reason| Some(Error::Secret { reason })));
    }

    #[test]
    fn padding_and_the_prefix_are_optional() {
        assert_eq!(["whsec_AAE=", "whsec_AAE", "any text"].map(fault), [None, None, None]);
    }

    #[test]
    fn secrets_are_not_printed() {
        let secrets: Secrets = "hunter2 hunter3".parse().unwrap();
        assert_eq!(format!("{secrets:?}"), "Secrets(2 hidden)");
    }
}
