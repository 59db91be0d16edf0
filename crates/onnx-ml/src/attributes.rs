//! A node's attributes by name, and getters that check their types. Not their meaning: each operator checks that.

use std::collections::BTreeMap;

use crate::{Data, Error, Result};

/// The value of an attribute.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "each is what it is called")]
pub enum Value<'a> {
    Float(f32),
    Int(i64),
    Text(&'a str),
    Floats(&'a [f32]),
    Ints(&'a [i64]),
    Texts(Vec<&'a str>),
    Tensor(Data),
    /// Something that no operator of the domain has, by the name of its type.
    Other(&'static str),
}

/// The attributes of a node.
#[derive(Clone, Debug, Default)]
pub struct Attributes<'a>(BTreeMap<&'a str, Value<'a>>);

impl<'a> FromIterator<(&'a str, Value<'a>)> for Attributes<'a> {
    fn from_iter<I: IntoIterator<Item = (&'a str, Value<'a>)>>(attributes: I) -> Self {
        Self(attributes.into_iter().collect())
    }
}

impl<'a> Attributes<'a> {
    /// Whether the node has the attribute.
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// An integer, if there is one.
    ///
    /// # Errors
    /// If the attribute has another type.
    pub fn int(&self, name: &str) -> Result<Option<i64>> {
        match self.0.get(name) {
            None => Ok(None),
            Some(Value::Int(value)) => Ok(Some(*value)),
            Some(other) => Err(wrong_type(name, "an integer", other)),
        }
    }

    /// A number, if there is one.
    ///
    /// # Errors
    /// If the attribute has another type.
    pub fn float(&self, name: &str) -> Result<Option<f32>> {
        match self.0.get(name) {
            None => Ok(None),
            Some(Value::Float(value)) => Ok(Some(*value)),
            Some(other) => Err(wrong_type(name, "a number", other)),
        }
    }

    /// A string, if there is one.
    ///
    /// # Errors
    /// If the attribute has another type.
    pub fn text(&self, name: &str) -> Result<Option<&'a str>> {
        match self.0.get(name) {
            None => Ok(None),
            Some(Value::Text(value)) => Ok(Some(value)),
            Some(other) => Err(wrong_type(name, "a string", other)),
        }
    }

    /// Integers; none if there is no such attribute.
    ///
    /// # Errors
    /// If the attribute has another type.
    pub fn ints(&self, name: &str) -> Result<&'a [i64]> {
        match self.0.get(name) {
            None => Ok(&[]),
            Some(Value::Ints(values)) => Ok(values),
            Some(other) => Err(wrong_type(name, "integers", other)),
        }
    }

    /// Numbers; none if there is no such attribute.
    ///
    /// # Errors
    /// If the attribute has another type.
    pub fn floats(&self, name: &str) -> Result<&'a [f32]> {
        match self.0.get(name) {
            None => Ok(&[]),
            Some(Value::Floats(values)) => Ok(values),
            Some(other) => Err(wrong_type(name, "numbers", other)),
        }
    }

    /// Strings; none if there is no such attribute.
    ///
    /// # Errors
    /// If the attribute has another type.
    pub fn texts(&self, name: &str) -> Result<&[&'a str]> {
        match self.0.get(name) {
            None => Ok(&[]),
            Some(Value::Texts(values)) => Ok(values),
            Some(other) => Err(wrong_type(name, "strings", other)),
        }
    }

    /// A tensor's elements, if there is one.
    ///
    /// # Errors
    /// If the attribute has another type.
    pub fn tensor(&self, name: &str) -> Result<Option<&Data>> {
        match self.0.get(name) {
            None => Ok(None),
            Some(Value::Tensor(value)) => Ok(Some(value)),
            Some(other) => Err(wrong_type(name, "a tensor", other)),
        }
    }

    /// One of the named choices; the first if there is no such attribute.
    ///
    /// # Errors
    /// If the attribute has another type or is none of them.
    pub fn choice<T: Copy>(&self, name: &str, choices: &[(&str, T)]) -> Result<T> {
        let wanted = self.text(name)?;
        let found = choices.iter().find(|(choice, _)| wanted.is_none_or(|wanted| wanted == *choice));
        found.map(|(_, value)| *value).ok_or_else(|| {
            let names: Vec<&str> = choices.iter().map(|(choice, _)| *choice).collect();
            Error::attribute(name, format!("one of {}", names.join(", ")), wanted.unwrap_or_default())
        })
    }

    /// A size; `default` if there is no such attribute.
    ///
    /// # Errors
    /// If the attribute has another type or is negative.
    pub fn size(&self, name: &str, default: usize) -> Result<usize> {
        let Some(value) = self.int(name)? else { return Ok(default) };
        size(name, value)
    }
}

/// An integer attribute's value as a size or an index.
pub(crate) fn size(name: &str, value: i64) -> Result<usize> {
    usize::try_from(value).map_err(|_| Error::attribute(name, "no negative number", value.to_string()))
}

fn wrong_type(name: &str, expected: &str, found: &Value<'_>) -> Error {
    let found = match found {
        Value::Float(_) => "a number",
        Value::Int(_) => "an integer",
        Value::Text(_) => "a string",
        Value::Floats(_) => "numbers",
        Value::Ints(_) => "integers",
        Value::Texts(_) => "strings",
        Value::Tensor(_) => "a tensor",
        Value::Other(name) => name,
    };
    Error::attribute(name, expected, found)
}
