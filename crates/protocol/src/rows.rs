//! A request row by row: `{"instances": […]}`, answered by `{"predictions": […]}`; or column by column: `{"inputs": …}`,
//! answered by `{"outputs": …}`. Both in one request are none.
//!
//! **Rows.** An instance is an object of the model's inputs and, optionally, a `key` and a `client`; for a model with one input it
//! may be the bare value. The values of all rows are stacked into one tensor per input, `[n_rows, …]`; a scalar fits an input `[-1]`
//! or `[-1, 1]`. A prediction is an object of the model's outputs and the key; for a model with one output and no keys it is
//! the bare value.
//!
//! **Maps.** An output of a `ZipMap`, a column for each label, is in a prediction an object of label and value. An input of a
//! `DictVectorizer`, a column for each word of its vocabulary, may be an object in an instance: words that are not in it are zero,
//! and words that the vocabulary lacks count for nothing.
//!
//! **Columns.** `inputs` is an object of the model's inputs, each a whole tensor; for a model with one input it may be the
//! bare value. `outputs` is the same of the model's outputs.
//!
//! **`BYTES`** elements are strings, or `{"b64": "…"}` for bytes in base64. In answers they are base64 if they are not UTF-8.
//!
//! **Keys** are a field `key` of each instance, or a list `keys` beside `instances` or `inputs`, one per row; not both. They
//! come back as the field `key` of each prediction, or as a list `keys` beside `outputs`.
//!
//! **Clients**, whose names the keys are, stand where keys stand: as a field `client` or a list `clients`. A request of one client
//! says so once, as a member `client`, which comes back as such, keys or no keys.
//!
//! **`generate_keys`**, if true, gives every row without a key a new one, a UUID of version 7, which comes back like any other.
//!
//! **`on_duplicate_key`** says what becomes of a row whose key an earlier row of its client has, whether or not the earlier one is good:
//! `"error"`, the default; `"allow"`, both are answered; `"first"`, the later row has no place in the answer and does not
//! reach the model.
//!
//! **`on_row_error`** says what becomes of a bad row: one that cannot be read, or whose key or client is invalid, missing or an
//! erroneous duplicate. `"fail"`, the default: the request fails. `"report"`, for `instances` only: the good rows are
//! answered as if they were the whole request, and the bad row's place in `predictions` is
//! `{"key": …, "client": …, "error": {"error": …, "code": …, "input": …, "row": n}}`, as far as these are known. Without good rows the
//! model is not run. What is wrong with no single row still fails the request: malformed JSON, keys that are not as many as
//! the rows, a number of rows that the model does not take, inputs that the model itself refuses, and more than a hundred
//! thousand bad rows.
//!
//! Source: TensorFlow Serving's REST API, "Predict API", <https://www.tensorflow.org/tfx/serving/api_rest>; the members about
//! keys and errors are our own.

mod answer;
mod inputs;
mod instances;
mod lines;
mod names;
mod stack;
#[cfg(test)]
mod tests;

pub use answer::Answer;
pub use lines::{RowRead, RowReader, RowWriter, read_key_text, write_key_text, write_row_error};

use std::borrow::Cow;

use tensor::{CLIENT as CLIENT_NAME, Client, DuplicateKeys, Key, NewKeys, Tensor, TensorSpec};

use self::inputs::Inputs;
use self::instances::Instances;
use self::names::{NameList, read_client, read_key};
use crate::cursor::Cursor;
use crate::form::Place;
use crate::partition::OnRowError;
use crate::{Error, Maps, Result};

const INSTANCES: Place = Place::Member("instances");
const INPUTS: Place = Place::Member("inputs");
const KEYS: Place = Place::Member("keys");
const CLIENTS: Place = Place::Member("clients");
const CLIENT: Place = Place::Member(CLIENT_NAME);
const ON_ROW_ERROR: Place = Place::Member("on_row_error");
const GENERATE_KEYS: Place = Place::Member("generate_keys");
const ON_DUPLICATE_KEY: Place = Place::Member("on_duplicate_key");

/// The rows of a request.
#[derive(Debug)]
pub struct Rows<'a> {
    /// One tensor per input of the model, in the model's order; none if there are no rows for the model.
    pub inputs: Option<Vec<Tensor>>,
    /// Makes the answer of the model's outputs.
    pub answer: Answer<'a>,
}

impl<'a> Rows<'a> {
    /// Reads the rows for a model with these inputs; a row may have an object for one that `maps` has labels of. `new_keys` is called only if the request asks for keys and rows lack them.
    ///
    /// # Errors
    /// [`Error::MalformedJson`]; [`Error::WrongForm`], [`Error::MissingField`], [`Error::DuplicateField`] or
    /// [`Error::BothFields`] if it is JSON, but not of this form; [`Error::Row`] if one row does not fit the model and bad
    /// rows are not reported; [`Error::Tensor`] if the keys do not name the rows, or the tensors do not fit the model. For
    /// `inputs` also [`Error::UnknownInput`] and others about one input.
    pub fn read(body: &'a [u8], inputs: &[TensorSpec], maps: &Maps, new_keys: NewKeys) -> Result<Self> {
        let mut cursor = Cursor::new(body)?;
        let mut members = Members::default();
        Place::Body.enter_object(&mut cursor)?;
        while let Some(name) = cursor.next_member()? {
            members.read(&name, &mut cursor, inputs, maps)?;
        }
        members.finish(new_keys)
    }
}

/// What the request decides about its rows.
#[derive(Clone, Copy, Debug)]
struct Policies {
    on_row_error: OnRowError,
    duplicates: DuplicateKeys,
    new_keys: Option<NewKeys>,
}

/// What names the rows from beside them.
#[derive(Debug, Default)]
struct Beside<'a> {
    keys: Option<NameList<Key<'a>>>,
    clients: Option<NameList<Client<'a>>>,
    /// The client of the whole request.
    client: Option<Client<'a>>,
}

impl Beside<'_> {
    /// Checks that there is one client for all rows or one for each, not both.
    fn check_client(&self, have_rows_clients: bool) -> Result<()> {
        match &self.client {
            Some(_) if have_rows_clients || self.clients.is_some() => Err(CLIENT.two_clients()),
            _ => Ok(()),
        }
    }
}

/// The members of the body, which come in any order.
#[derive(Debug, Default)]
struct Members<'a, 's> {
    instances: Option<Instances<'a, 's>>,
    inputs: Option<Inputs<'s>>,
    beside: Beside<'a>,
    on_row_error: Option<OnRowError>,
    on_duplicate_key: Option<DuplicateKeys>,
    generate_keys: Option<bool>,
}

impl<'a, 's> Members<'a, 's> {
    fn read(
        &mut self,
        name: &str,
        cursor: &mut Cursor<'a>,
        specs: &'s [TensorSpec],
        maps: &'s Maps,
    ) -> Result<()> {
        match name {
            "instances" if self.inputs.is_some() => Err(both_forms()),
            "inputs" if self.instances.is_some() => Err(both_forms()),
            "instances" => INSTANCES.set(&mut self.instances, Instances::read(cursor, specs, maps)?),
            "inputs" => INPUTS.set(&mut self.inputs, Inputs::read(cursor, specs)?),
            "keys" => KEYS.set(&mut self.beside.keys, NameList::read(KEYS, cursor, read_key)?),
            "clients" => CLIENTS.set(&mut self.beside.clients, NameList::read(CLIENTS, cursor, read_client)?),
            CLIENT_NAME => {
                let expected = "a string that is not empty";
                CLIENT.set(&mut self.beside.client, read_choice(cursor, CLIENT, expected, Client::new)?)
            }
            "on_row_error" => {
                let choice = read_choice(cursor, ON_ROW_ERROR, "`fail` or `report`", |name| {
                    OnRowError::from_name(&name)
                });
                ON_ROW_ERROR.set(&mut self.on_row_error, choice?)
            }
            "on_duplicate_key" => {
                let expected = "`error`, `allow` or `first`";
                let choice =
                    read_choice(cursor, ON_DUPLICATE_KEY, expected, |name| DuplicateKeys::from_name(&name));
                ON_DUPLICATE_KEY.set(&mut self.on_duplicate_key, choice?)
            }
            "generate_keys" => {
                let value = cursor.value();
                let choice = value.parse().map_err(|_| GENERATE_KEYS.wrong("true or false", value))?;
                GENERATE_KEYS.set(&mut self.generate_keys, choice)
            }
            _ => {
                cursor.value();
                Ok(())
            }
        }
    }

    fn finish(self, new_keys: NewKeys) -> Result<Rows<'a>> {
        let policies = Policies {
            on_row_error: self.on_row_error.unwrap_or_default(),
            duplicates: self.on_duplicate_key.unwrap_or_default(),
            new_keys: self.generate_keys.filter(|is_asked| *is_asked).map(|_| new_keys),
        };
        match (self.instances, self.inputs) {
            (Some(instances), _) => instances.finish(self.beside, policies),
            (None, Some(inputs)) => inputs.finish(self.beside, policies),
            (None, None) => Err(INSTANCES.missing()),
        }
    }
}

fn both_forms() -> Error {
    Error::BothFields { first: "instances", second: "inputs" }
}

/// The string that must be here, one of those `expected`.
fn read_choice<'a, T>(
    cursor: &mut Cursor<'a>,
    place: Place,
    expected: &'static str,
    from_name: impl Fn(Cow<'a, str>) -> Option<T>,
) -> Result<T> {
    let mut value = cursor.clone();
    let choice = cursor.string()?.and_then(from_name);
    choice.ok_or_else(|| place.wrong(expected, value.value()))
}
