//! The digest by which counters know what they were counted against. Not a secret's: anybody may compute it.

use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::{baseline::Frame, error::Error};

impl Frame {
    /// The SHA-256 of the frame's JSON, as 64 hexadecimal digits. Profiles merge if their frames have the same one.
    ///
    /// Frames read from JSON keep it if the JSON was read with `serde_json`'s feature `float_roundtrip`.
    #[must_use]
    pub fn digest(&self) -> String {
        of(self)
    }

    /// Refuses counters of another baseline, whose frame's digest was `found`.
    ///
    /// # Errors
    /// [`Error::OtherBaseline`].
    pub fn check_digest(&self, what: &'static str, found: &str) -> Result<(), Error> {
        let expected = self.digest();
        if expected == found {
            return Ok(());
        }
        Err(Error::OtherBaseline { what, expected, found: found.to_owned() })
    }
}

/// The SHA-256 of a value's JSON. Only for values without maps, whose JSON cannot fail and has one order.
pub(crate) fn of(value: &impl Serialize) -> String {
    let json = serde_json::to_vec(value).unwrap_or_default();
    Sha256::digest(&json).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Expected: `printf '[1,"a"]' | sha256sum`.
    #[test]
    fn a_digest_is_that_of_the_json() {
        assert_eq!(of(&(1, "a")), "2010945388e2de98f5651051478912aa4ff38bb13a2cdb1a2c257bb97fbf98ff");
    }
}
