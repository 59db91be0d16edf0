//! A cursor over JSON text. `serde_json` decides once what is JSON; from then on the cursor reads what it knows to be
//! JSON, without building values, so numbers keep every digit and large arrays cost one pass.

use std::borrow::Cow;

use serde_json::value::RawValue;

use crate::number::Number;
use crate::{Error, Result};

/// A place in a JSON text: before a value, or inside an array or object.
#[derive(Clone, Debug)]
pub(crate) struct Cursor<'a> {
    // Invariant: the rest of a text that is JSON.
    rest: &'a str,
}

impl<'a> Cursor<'a> {
    /// Before the one value of `body`.
    ///
    /// # Errors
    /// [`Error::MalformedJson`] if `body` is not one JSON value in UTF-8.
    pub(crate) fn new(body: &'a [u8]) -> Result<Self> {
        let text =
            std::str::from_utf8(body).map_err(|error| Error::MalformedJson { reason: error.to_string() })?;
        let value: &RawValue =
            serde_json::from_str(text).map_err(|error| Error::MalformedJson { reason: error.to_string() })?;
        Ok(Self { rest: value.get() })
    }

    /// The bytes of text left.
    pub(crate) fn len(&self) -> usize {
        self.rest.len()
    }

    /// The first byte of what comes next: a value, `,`, `]` or `}`; `None` at the end.
    #[inline]
    pub(crate) fn peek(&mut self) -> Option<u8> {
        let first = self.rest.as_bytes().first().copied();
        if !first.is_some_and(|byte| byte.is_ascii_whitespace()) {
            return first;
        }
        self.rest = self.rest.trim_ascii_start();
        self.rest.as_bytes().first().copied()
    }

    /// Steps into the array that comes next, if one does.
    pub(crate) fn enter_array(&mut self) -> bool {
        self.step_over(b'[')
    }

    /// Steps into the object that comes next, if one does.
    pub(crate) fn enter_object(&mut self) -> bool {
        self.step_over(b'{')
    }

    /// Steps over the `null` that comes next, if one does.
    pub(crate) fn step_over_null(&mut self) -> bool {
        let is_null = self.peek() == Some(b'n');
        if is_null {
            self.scalar();
        }
        is_null
    }

    /// Steps to the next element of the array that the cursor is in; `false`, and out of the array, after the last.
    #[inline]
    pub(crate) fn next_element(&mut self) -> bool {
        match self.peek() {
            Some(b',') => {
                self.advance(1);
                true
            }
            Some(b']') => {
                self.advance(1);
                false
            }
            next => next.is_some(),
        }
    }

    /// Steps to the value of the next member of the object that the cursor is in, and tells its name; `None`, and out of
    /// the object, after the last.
    ///
    /// # Errors
    /// [`Error::MalformedJson`] if the name holds half of a surrogate pair.
    pub(crate) fn next_member(&mut self) -> Result<Option<Cow<'a, str>>> {
        self.step_over(b',');
        if self.step_over(b'}') {
            return Ok(None);
        }
        let name = self.string()?;
        self.step_over(b':');
        Ok(name)
    }

    /// The string that comes next, if one does.
    ///
    /// # Errors
    /// [`Error::MalformedJson`] if it holds half of a surrogate pair.
    pub(crate) fn string(&mut self) -> Result<Option<Cow<'a, str>>> {
        if self.peek() != Some(b'"') {
            return Ok(None);
        }
        let token = self.string_token();
        match token.get(1..token.len() - 1) {
            Some(text) if !text.contains('\\') => Ok(Some(Cow::Borrowed(text))),
            _ => match serde_json::from_str(token) {
                Ok(text) => Ok(Some(Cow::Owned(text))),
                Err(_) => Err(Error::MalformedJson {
                    reason: format!("half of a surrogate pair in `{}`", excerpt(token)),
                }),
            },
        }
    }

    /// The number that comes next, if one does.
    #[inline]
    pub(crate) fn number(&mut self) -> Option<Number<'a>> {
        self.peek();
        let number = Number::at_start_of(self.rest)?;
        self.advance(number.text().len());
        Some(number)
    }

    /// The text of the value that comes next, which the cursor steps over.
    pub(crate) fn value(&mut self) -> &'a str {
        match self.peek() {
            Some(b'"') => self.string_token(),
            Some(b'[' | b'{') => self.nested(),
            _ => self.scalar(),
        }
    }

    fn nested(&mut self) -> &'a str {
        let text = self.rest;
        let mut depth = 0_usize;
        while let Some(next) = self.peek() {
            match next {
                b'[' | b'{' => depth += 1,
                b']' | b'}' => depth = depth.saturating_sub(1),
                _ => {}
            }
            match next {
                b'"' => _ = self.string_token(),
                b'[' | b'{' | b']' | b'}' | b',' | b':' => self.advance(1),
                _ => _ = self.scalar(),
            }
            if depth == 0 {
                break;
            }
        }
        text.get(..text.len() - self.rest.len()).unwrap_or_default()
    }

    fn scalar(&mut self) -> &'a str {
        let ends = |byte: &u8| matches!(byte, b',' | b']' | b'}' | b' ' | b'\n' | b'\r' | b'\t');
        self.take(self.rest.bytes().position(|byte| ends(&byte)).unwrap_or(self.rest.len()))
    }

    fn string_token(&mut self) -> &'a str {
        let mut bytes = self.rest.bytes().enumerate().skip(1);
        while let Some((idx, byte)) = bytes.next() {
            match byte {
                b'"' => return self.take(idx + 1),
                b'\\' => _ = bytes.next(),
                _ => {}
            }
        }
        self.take(self.rest.len())
    }

    fn take(&mut self, length: usize) -> &'a str {
        let (token, rest) = self.rest.split_at_checked(length).unwrap_or((self.rest, ""));
        self.rest = rest;
        token
    }

    #[inline]
    fn step_over(&mut self, byte: u8) -> bool {
        let steps = self.peek() == Some(byte);
        if steps {
            self.advance(1);
        }
        steps
    }

    #[inline]
    fn advance(&mut self, length: usize) {
        self.rest = self.rest.get(length..).unwrap_or_default();
    }
}

/// The beginning of a value's text, short enough to be part of an error message.
pub(crate) fn excerpt(text: &str) -> String {
    shorten(text, 40).into_owned()
}

/// The first `max_chars` characters of a text, and `…` if there are more.
pub(crate) fn shorten(text: &str, max_chars: usize) -> Cow<'_, str> {
    match text.char_indices().nth(max_chars) {
        None => Cow::Borrowed(text),
        Some((end, _)) => Cow::Owned(format!("{}…", text.get(..end).unwrap_or_default())),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    /// Reads a value through the cursor alone, except that numbers go to `serde_json`.
    fn read(cursor: &mut Cursor<'_>) -> Value {
        if cursor.enter_array() {
            let mut array = Vec::new();
            while cursor.next_element() {
                array.push(read(cursor));
            }
            return Value::Array(array);
        }
        if cursor.enter_object() {
            let mut object = serde_json::Map::new();
            while let Some(name) = cursor.next_member().unwrap() {
                object.insert(name.into_owned(), read(cursor));
            }
            return Value::Object(object);
        }
        match cursor.string().unwrap() {
            Some(text) => Value::String(text.into_owned()),
            None => serde_json::from_str(cursor.value()).unwrap(),
        }
    }

    fn json() -> impl Strategy<Value = Value> {
        let scalar = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            ".{0,8}".prop_map(Value::from),
        ];
        scalar.prop_recursive(4, 32, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::btree_map(".{0,4}", inner, 0..5)
                    .prop_map(|object| Value::Object(object.into_iter().collect())),
            ]
        })
    }

    #[track_caller]
    fn check_malformed(body: &[u8], expect: &str) {
        let reason = match Cursor::new(body) {
            Err(Error::MalformedJson { reason }) => reason,
            other => panic!("{other:?}"),
        };
        assert_eq!(reason, expect);
    }

    #[test]
    fn tells_where_the_text_stops_being_json() {
        check_malformed(b"", "EOF while parsing a value at line 1 column 0");
        check_malformed(b"{\"a\": NaN}", "expected value at line 1 column 7");
        check_malformed(b"[1] 2", "trailing characters at line 1 column 5");
        check_malformed(b"[01]", "invalid number at line 1 column 3");
        check_malformed(b"\"\xff\"", "invalid utf-8 sequence of 1 bytes from index 1");
    }

    #[test]
    fn half_of_a_surrogate_pair_is_malformed() {
        let mut cursor = Cursor::new(br#"["\ud800"]"#).unwrap();
        assert!(cursor.enter_array() && cursor.next_element());
        assert!(matches!(cursor.string(), Err(Error::MalformedJson { .. })));
    }

    #[test]
    fn escapes_are_undone() {
        let mut cursor = Cursor::new(br#""a\"\\\u00e9\ud83d\ude00""#).unwrap();
        assert_eq!(cursor.string().unwrap().as_deref(), Some("a\"\\é😀"));
    }

    #[test]
    fn a_value_is_its_text() {
        for text in [r#"{"a": [1, "]}", {}], "b": "\\\""}"#, "-1.5e3", "null", "[]"] {
            let mut cursor = Cursor::new(text.as_bytes()).unwrap();
            assert_eq!(cursor.value(), text);
            assert_eq!(cursor.peek(), None);
        }
    }

    #[test]
    fn nesting_costs_no_stack() {
        let text = [vec![b'['; 1_000_000], vec![b']'; 1_000_000]].concat();
        assert_eq!(Cursor::new(&text).unwrap().value().len(), text.len());
    }

    #[test]
    fn excerpts_are_short() {
        assert_eq!(excerpt("abc"), "abc");
        assert_eq!(excerpt(&"é".repeat(50)), format!("{}…", "é".repeat(40)));
    }

    proptest! {
        #[test]
        fn reads_what_serde_json_reads(value in json(), pretty: bool) {
            let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
            let mut cursor = Cursor::new(text.as_bytes()).unwrap();
            prop_assert_eq!(cursor.clone().value(), &text);
            let expect: Value = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(read(&mut cursor), expect);
            prop_assert_eq!(cursor.peek(), None);
        }
    }
}
