//! What cannot be sent, and what a receiver does not believe.

/// Why not. No variant holds a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A secret that cannot sign.
    #[error("expected secrets such as `whsec_` and base64, separated by spaces: {reason}")]
    Secret {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// An event's id that a signature would not bind, or a header not carry.
    #[error("expected an id of visible ASCII without a full stop, found `{found}`")]
    Id {
        /// What was found.
        found: String,
    },
    /// A source that is no reference to anything.
    #[error("expected a URI or a path as the source of events, found `{found}`")]
    Source {
        /// What was found.
        found: String,
    },
    /// A time that RFC 3339 cannot write.
    #[error("expected a time of the years 0 to 9999, found {seconds} seconds since 1970")]
    Time {
        /// What was found.
        seconds: i64,
    },
    /// An event that cannot be written as JSON.
    #[error("cannot write the event as JSON: {reason}")]
    Json {
        /// Why not.
        reason: String,
    },
    /// A request without one of the headers that a signature needs.
    #[error("the header `{name}` is missing")]
    Header {
        /// Which.
        name: &'static str,
    },
    /// A request of another time: replayed, or one of the clocks is wrong.
    #[error("expected a `webhook-timestamp` within {tolerance} seconds of {now}, found `{found}`")]
    Timestamp {
        /// What was found.
        found: String,
        /// The receiver's time, in seconds since 1970.
        now: i64,
        /// How many seconds may lie between them.
        tolerance: u64,
    },
    /// A request that none of the secrets has signed.
    #[error("no signature of `webhook-signature` is by a known secret and of this body")]
    Signature,
}
