//! The parameters that the protocol's extensions define, and ours for keys. All others are tolerated and mean nothing here.
//!
//! Source: Open Inference Protocol V2, "Binary Tensor Data Extension" and "Classification Extension".

use tensor::{CLIENT, Client, DuplicateKeys};

use crate::Result;
use crate::cursor::Cursor;
use crate::form::Place;
use crate::partition::OnRowError;

/// The known parameters of a request, an input or an output, as far as they are given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Parameters {
    /// Whether outputs that are not listed are returned in binary form.
    pub(crate) binary_data_output: Option<bool>,
    /// Whether this output is returned in binary form.
    pub(crate) binary_data: Option<bool>,
    /// The bytes of this input after the JSON.
    pub(crate) binary_data_size: Option<u64>,
    /// How many of the best classes are returned instead of this output.
    pub(crate) classification: Option<u64>,
    /// What becomes of a row whose key an earlier row has.
    pub(crate) on_duplicate_key: Option<DuplicateKeys>,
    /// What becomes of a bad row.
    pub(crate) on_row_error: Option<OnRowError>,
    /// Whether rows without keys get new ones.
    pub(crate) generate_keys: Option<bool>,
    /// The client of the whole request.
    pub(crate) client: Option<Client<'static>>,
}

impl Parameters {
    /// Reads the object, or `null`, that must be at `place`.
    pub(crate) fn read(place: Place, cursor: &mut Cursor<'_>) -> Result<Self> {
        let mut read = Self::default();
        if cursor.step_over_null() {
            return Ok(read);
        }
        place.enter_object(cursor)?;
        while let Some(name) = cursor.next_member()? {
            let value = cursor.value();
            let flag = |expected| flag(value).ok_or_else(|| place.wrong(expected, value));
            let count = |expected| value.parse().map_err(|_| place.wrong(expected, value));
            match name.as_ref() {
                "binary_data_output" => {
                    read.binary_data_output = Some(flag("`binary_data_output` to be true or false")?);
                }
                "binary_data" => read.binary_data = Some(flag("`binary_data` to be true or false")?),
                "generate_keys" => read.generate_keys = Some(flag("`generate_keys` to be true or false")?),
                "binary_data_size" => {
                    read.binary_data_size = Some(count("`binary_data_size` to be a number of bytes")?);
                }
                "classification" => {
                    read.classification = Some(count("`classification` to be a number of classes")?);
                }
                "on_duplicate_key" => {
                    let policy = text(value).and_then(|name| DuplicateKeys::from_name(&name));
                    let expected = "`on_duplicate_key` to be `error`, `allow` or `first`";
                    read.on_duplicate_key = Some(policy.ok_or_else(|| place.wrong(expected, value))?);
                }
                "on_row_error" => {
                    let policy = text(value).and_then(|name| OnRowError::from_name(&name));
                    let expected = "`on_row_error` to be `fail` or `report`";
                    read.on_row_error = Some(policy.ok_or_else(|| place.wrong(expected, value))?);
                }
                CLIENT => {
                    let client = text(value).and_then(Client::new);
                    let expected = "`client` to be a string that is not empty";
                    read.client = Some(client.ok_or_else(|| place.wrong(expected, value))?);
                }
                _ => {}
            }
        }
        Ok(read)
    }
}

fn text(value: &str) -> Option<String> {
    serde_json::from_str(value).ok()
}

fn flag(value: &str) -> Option<bool> {
    value.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Parameters> {
        Parameters::read(Place::Member("parameters"), &mut Cursor::new(json.as_bytes())?)
    }

    #[test]
    fn known_parameters_are_read_and_others_tolerated() {
        let known = r#"{"a":[1,{}],"binary_data_output":true,"binary_data":false,"binary_data_size":8,"classification":3,"on_duplicate_key":"first","generate_keys":true,"on_row_error":"report","client":"c"}"#;
        let expect = Parameters {
            binary_data_output: Some(true),
            binary_data: Some(false),
            binary_data_size: Some(8),
            classification: Some(3),
            on_duplicate_key: Some(DuplicateKeys::First),
            on_row_error: Some(OnRowError::Report),
            generate_keys: Some(true),
            client: Client::new("c"),
        };
        assert_eq!(read(known), Ok(expect));
        assert_eq!(read("null"), Ok(Parameters::default()));
    }

    #[test]
    fn a_known_parameter_has_its_type() {
        for (json, expect) in [
            (r#"{"binary_data":1}"#, "`parameters`: expected `binary_data` to be true or false, found `1`"),
            (
                r#"{"binary_data_size":-1}"#,
                "`parameters`: expected `binary_data_size` to be a number of bytes, found `-1`",
            ),
            (
                r#"{"on_duplicate_key":"last"}"#,
                "`parameters`: expected `on_duplicate_key` to be `error`, `allow` or `first`, found `\"last\"`",
            ),
            (
                r#"{"on_row_error":7}"#,
                "`parameters`: expected `on_row_error` to be `fail` or `report`, found `7`",
            ),
            (
                r#"{"client":""}"#,
                "`parameters`: expected `client` to be a string that is not empty, found `\"\"`",
            ),
            ("[]", "`parameters`: expected an object, found `[]`"),
        ] {
            assert_eq!(read(json).unwrap_err().to_string(), expect);
        }
    }
}
