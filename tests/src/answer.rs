//! An HTTP exchange, without a connection.

/// A request as it is sent.
#[derive(Clone, Debug)]
pub struct Question {
    /// The verb.
    pub method: String,
    /// The path and query.
    pub path: String,
    /// Headers.
    pub headers: Vec<(String, String)>,
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
    /// Which model it says answers; empty if it does not say.
    pub model: String,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// The answer with this head and body.
    ///
    /// # Panics
    /// If a header is no text.
    #[must_use]
    pub fn new(head: &http::Response<()>, body: Vec<u8>) -> Self {
        let header = |name: &str| {
            let value = head.headers().get(name).map(|value| value.to_str().expect("headers are texts"));
            value.unwrap_or_default().to_owned()
        };
        let (content_type, model) = (header("content-type"), header("plinth-model"));
        Self { status: head.status().as_u16(), content_type, model, body }
    }

    /// The answer with `<key 0>`, `<key 1>`, … in the place of generated keys, each key under its own number. Two of them are
    /// different in two answers, and must be different in one.
    #[must_use]
    pub fn with_numbered_keys(self) -> Self {
        let mut rest = self.body.as_slice();
        let (mut body, mut keys): (Vec<u8>, Vec<&[u8]>) = (Vec::new(), Vec::new());
        while let Some(&byte) = rest.first() {
            match rest.split_at_checked(UUID_BYTES).filter(|(text, _)| is_uuid_7(text)) {
                None => {
                    body.push(byte);
                    rest = rest.get(1..).unwrap_or_default();
                }
                Some((key, after)) => {
                    let number = keys.iter().position(|known| *known == key).unwrap_or(keys.len());
                    if number == keys.len() {
                        keys.push(key);
                    }
                    body.extend_from_slice(format!("<key {number}>").as_bytes());
                    rest = after;
                }
            }
        }
        Self { body, ..self }
    }
}

const UUID_BYTES: usize = 36;

/// Whether the text is a UUID of version 7 in its usual form.
///
/// Source: RFC 9562, sections 4 and 5.7.
fn is_uuid_7(text: &[u8]) -> bool {
    text.iter().enumerate().all(|(idx, byte)| match idx {
        8 | 13 | 18 | 23 => *byte == b'-',
        14 => *byte == b'7',
        19 => matches!(byte, b'8' | b'9' | b'a' | b'b'),
        _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generated_keys_are_numbered() {
        let (first, second) =
            ("018f3c2e-7a10-7abc-8def-0123456789ab", "018f3c2e-7a10-7abc-9def-0123456789ab");
        let other = "018f3c2e-7a10-4abc-8def-0123456789ab";
        let body = format!(r#"["{first}","{first}","{other}","{second}"]"#).into_bytes();
        let answer = Answer::new(&http::Response::new(()), body).with_numbered_keys();
        let expect = format!(r#"["<key 0>","<key 0>","{other}","<key 1>"]"#);
        assert_eq!(String::from_utf8(answer.body).unwrap(), expect);
    }
}
