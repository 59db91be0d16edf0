//! What of a request comes back with an answer that is an error, as far as its body can be read.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;
use tensor::CLIENT;

/// The names of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestNames {
    /// Its `id`.
    pub id: Option<String>,
    /// The client whose request it is.
    pub client: Option<String>,
}

impl RequestNames {
    /// The names of a request in tensors.
    #[must_use]
    pub fn of_tensors(body: &[u8]) -> Self {
        Self::read(body, |names, name, value| match name {
            "id" => names.id = text(&value),
            "parameters" => names.client = value.get(CLIENT).and_then(text),
            _ => {}
        })
    }

    /// The names of a request in rows, which has no `id`.
    #[must_use]
    pub fn of_rows(body: &[u8]) -> Self {
        Self::read(body, |names, name, value| {
            if name == CLIENT {
                names.client = text(&value);
            }
        })
    }

    /// Shows the members that hold names to `take`, up to where the body breaks.
    fn read(body: &[u8], take: fn(&mut Self, &str, Value)) -> Self {
        let mut names = Self::default();
        // What follows a name may be malformed.
        serde_json::Deserializer::from_slice(body).deserialize_map(Members { names: &mut names, take }).ok();
        names.client = names.client.filter(|client| !client.is_empty());
        names
    }
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

struct Members<'names> {
    names: &'names mut RequestNames,
    take: fn(&mut RequestNames, &str, Value),
}

impl<'de> Visitor<'de> for Members<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<(), M::Error> {
        while let Some(name) = map.next_key::<Cow<'_, str>>()? {
            match name.as_ref() {
                "id" | "parameters" | CLIENT => (self.take)(self.names, &name, map.next_value()?),
                _ => _ = map.next_value::<IgnoredAny>()?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(found: RequestNames, id: Option<&str>, client: Option<&str>) {
        assert_eq!((found.id.as_deref(), found.client.as_deref()), (id, client));
    }

    #[test]
    fn names_are_found_wherever_the_body_breaks() {
        check(RequestNames::of_tensors(br#"{"id":"a","inputs":[NaN]}"#), Some("a"), None);
        check(RequestNames::of_tensors(br#"{"inputs":7,"id":"a"}"#), Some("a"), None);
        check(RequestNames::of_tensors(br#"{"inputs":[NaN],"id":"a"}"#), None, None);
        check(RequestNames::of_tensors(br#"{"id":7}"#), None, None);
        check(RequestNames::of_tensors(b"["), None, None);
        let body = br#"{"parameters":{"client":"c","x":[1]},"id":"a","client":"d","inputs":["#;
        check(RequestNames::of_tensors(body), Some("a"), Some("c"));
        check(RequestNames::of_rows(br#"{"id":"a","client":"c","instances":7}"#), None, Some("c"));
    }

    #[test]
    fn what_is_no_name_does_not_come_back() {
        for client in ["7", "null", "\"\"", "[\"c\"]"] {
            check(RequestNames::of_rows(format!(r#"{{"client":{client}}}"#).as_bytes()), None, None);
            let body = format!(r#"{{"parameters":{{"client":{client}}}}}"#);
            check(RequestNames::of_tensors(body.as_bytes()), None, None);
        }
        check(RequestNames::of_tensors(br#"{"parameters":7}"#), None, None);
    }
}
