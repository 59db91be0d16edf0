//! An HTTP exchange, without a connection.

/// A request as it is sent.
#[derive(Clone, Debug)]
pub struct Question {
    /// The verb.
    pub method: String,
    /// The path and query.
    pub path: String,
    /// The body.
    pub body: Vec<u8>,
}

/// What of a response must be the same everywhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The content type.
    pub content_type: String,
    /// The body.
    pub body: Vec<u8>,
}
