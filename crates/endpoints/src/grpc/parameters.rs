//! Parameters, which are scalars in both forms.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::error::{Error, Result};
use super::messages::InferParameter;
use super::messages::infer_parameter::Choice;

/// The parameters of a message by their names.
pub(crate) type Parameters = BTreeMap<String, InferParameter>;

/// Parameters as an object.
///
/// # Errors
/// [`Error::NoValue`] if one has none, or a float that is no number.
pub(crate) fn to_json(parameters: Parameters) -> Result<Map<String, Value>> {
    parameters
        .into_iter()
        .map(|(name, parameter)| value(&name, parameter).map(|value| (name, value)))
        .collect()
}

/// The members that gRPC can carry: texts, numbers, true and false.
pub(crate) fn from_json(members: Map<String, Value>) -> Parameters {
    let parameter = |value| Some(InferParameter { choice: Some(choice(value)?) });
    members.into_iter().filter_map(|(name, value)| parameter(value).map(|value| (name, value))).collect()
}

fn value(name: &str, parameter: InferParameter) -> Result<Value> {
    let value = match parameter.choice {
        Some(Choice::Bool(value)) => Value::Bool(value),
        Some(Choice::Int64(value)) => value.into(),
        Some(Choice::String(value)) => value.into(),
        // JSON has no NaN and no infinity; such a value is `null` and refused like a missing one.
        Some(Choice::Double(value)) => value.into(),
        Some(Choice::Uint64(value)) => value.into(),
        None => Value::Null,
    };
    if value.is_null() { Err(Error::NoValue { name: name.to_owned() }) } else { Ok(value) }
}

fn choice(value: Value) -> Option<Choice> {
    match value {
        Value::Bool(value) => Some(Choice::Bool(value)),
        Value::String(value) => Some(Choice::String(value)),
        Value::Number(number) => {
            let whole = number.as_i64().map(Choice::Int64);
            whole
                .or_else(|| number.as_u64().map(Choice::Uint64))
                .or_else(|| number.as_f64().map(Choice::Double))
        }
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn scalars_come_back() {
        let json = json!({"a": true, "b": -1, "c": u64::MAX, "d": 1.5, "e": "x"});
        let Value::Object(members) = json else { panic!("an object") };
        assert_eq!(to_json(from_json(members.clone())), Ok(members));
    }

    #[test]
    fn a_parameter_without_a_value_is_an_error() {
        for choice in [None, Some(Choice::Double(f64::NAN))] {
            let parameters = Parameters::from([("a".to_owned(), InferParameter { choice })]);
            assert_eq!(to_json(parameters), Err(Error::NoValue { name: "a".to_owned() }));
        }
    }
}
