//! An inference request, tensor by tensor.
//!
//! Source: Open Inference Protocol V2, "Inference".

mod input;
mod rows;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use tensor::{CLIENT, Client, DuplicateKeys, KEY, TensorSpec};

pub use self::input::Input;
use self::input::{Reading, read_input};
use self::rows::without_wrong_bools;
use crate::binary::{BinaryInputs, raw_tensor};
use crate::cursor::Cursor;
use crate::form::Place;
use crate::parameters::Parameters;
use crate::partition::OnRowError;
use crate::{Error, Result};

/// What an inference request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InferRequest<'a> {
    /// Comes back with the response.
    pub id: Option<Cow<'a, str>>,
    /// The inputs, in the request's order, keys and clients among them. Names may repeat.
    pub inputs: Vec<Input>,
    /// The outputs to return, in this order; empty means all. Names may repeat.
    pub outputs: Vec<RequestedOutput<'a>>,
    /// Whether outputs that the request does not list are returned in binary form.
    pub binary_outputs: bool,
    /// What becomes of a row whose key an earlier row has.
    pub duplicates: DuplicateKeys,
    /// What becomes of a bad row.
    pub on_row_error: OnRowError,
    /// Whether rows without keys get new ones.
    pub generate_keys: bool,
    /// The client of the whole request, which comes back with the response.
    pub client: Option<Client<'static>>,
}

/// An output that a request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestedOutput<'a> {
    /// Its name.
    pub name: Cow<'a, str>,
    /// Whether it is returned in binary form.
    pub is_binary: bool,
    /// How many of its best classes are returned instead of it, if not the output itself.
    pub classes: Option<u64>,
}

impl<'a> InferRequest<'a> {
    /// Reads a request in JSON for a model with these inputs, and the tensors in binary form that follow it. A row whose elements
    /// cannot be read is bad if the request asks for bad rows to be reported; no input is missed or surplus here.
    ///
    /// # Errors
    /// [`Error::MalformedJson`]; [`Error::WrongForm`], [`Error::MissingField`] or [`Error::DuplicateField`] if it is
    /// JSON, but no inference request; an error naming the input if a tensor disagrees with itself;
    /// [`Error::SurplusBytes`] if no tensor claims what follows.
    pub fn read(json: &'a [u8], binary: &'a [u8], inputs: &[TensorSpec]) -> Result<Self> {
        let by_rows = Reading::ByRows(inputs);
        let mut request = match Self::read_as(json, binary, Reading::Whole) {
            // Only a request that cannot be read as a whole is worth the look at each row.
            Err(error) if is_of_elements(&error) && reports_rows(json) => {
                Self::read_as(json, binary, by_rows)?
            }
            read => read?,
        };
        if request.on_row_error == OnRowError::Report {
            let checked = |input: Input| match by_rows.is_by_rows(input.tensor.name()) {
                true => without_wrong_bools(input),
                false => Ok(input),
            };
            request.inputs = request.inputs.into_iter().map(checked).collect::<Result<_>>()?;
        }
        Ok(request)
    }

    fn read_as(json: &'a [u8], binary: &'a [u8], reading: Reading<'_>) -> Result<Self> {
        let mut cursor = Cursor::new(json)?;
        let mut binary = BinaryInputs::new(binary);
        let (mut id, mut inputs, mut outputs, mut parameters) = (None, None, None, None);
        Place::Body.enter_object(&mut cursor)?;
        while let Some(name) = cursor.next_member()? {
            match name.as_ref() {
                "id" => id = read_id(&mut cursor)?,
                "inputs" => {
                    let read = |cursor: &mut Cursor<'a>, idx| read_input(cursor, idx, &mut binary, reading);
                    INPUTS.set(&mut inputs, INPUTS.read_list(&mut cursor, read)?)?;
                }
                "parameters" => {
                    PARAMETERS.set(&mut parameters, Parameters::read(PARAMETERS, &mut cursor)?)?
                }
                "outputs" => Place::Member("outputs").set(&mut outputs, read_outputs(&mut cursor)?)?,
                _ => _ = cursor.value(),
            }
        }
        let inputs = inputs.ok_or_else(|| INPUTS.missing())?;
        binary.check_end()?;
        let parameters = parameters.unwrap_or_default();
        check_names(&inputs, &parameters)?;
        Ok(Self {
            id,
            inputs,
            outputs: outputs.unwrap_or_default(),
            binary_outputs: parameters.binary_data_output.unwrap_or_default(),
            duplicates: parameters.on_duplicate_key.unwrap_or_default(),
            on_row_error: parameters.on_row_error.unwrap_or_default(),
            generate_keys: parameters.generate_keys.unwrap_or_default(),
            client: parameters.client,
        })
    }

    /// Reads a raw request for a model with these inputs. All outputs are returned in binary form.
    ///
    /// # Errors
    /// [`Error::RawRequest`] or [`Error::Tensor`].
    pub fn read_raw(bytes: &[u8], inputs: &[TensorSpec]) -> Result<Self> {
        Ok(Self {
            id: None,
            inputs: vec![Input::binary(raw_tensor(bytes, inputs)?)],
            outputs: Vec::new(),
            binary_outputs: true,
            duplicates: DuplicateKeys::default(),
            on_row_error: OnRowError::default(),
            generate_keys: false,
            client: None,
        })
    }
}

const INPUTS: Place = Place::Member("inputs");
const PARAMETERS: Place = Place::Member("parameters");

/// Checks that reported rows can be told apart, and that there is one client for all rows or one for each.
fn check_names(inputs: &[Input], parameters: &Parameters) -> Result<()> {
    let has = |name| inputs.iter().any(|input| input.tensor.name() == name);
    let is_keyed = has(KEY) || parameters.generate_keys == Some(true);
    if parameters.on_row_error == Some(OnRowError::Report) && !is_keyed {
        return Err(PARAMETERS.wrong("`on_row_error` to be `fail` in a request without keys", "report"));
    }
    if parameters.client.is_some() && has(CLIENT) {
        return Err(PARAMETERS.two_clients());
    }
    Ok(())
}

/// Whether one row may have the error, not the whole request.
fn is_of_elements(error: &Error) -> bool {
    matches!(
        error,
        Error::WrongElement { .. } | Error::Ragged { .. } | Error::TooDeep { .. } | Error::WrongData { .. }
    )
}

/// Whether the JSON of a request that cannot be read asks for bad rows to be reported.
fn reports_rows(json: &[u8]) -> bool {
    let find = || -> Result<Option<OnRowError>> {
        let mut cursor = Cursor::new(json)?;
        Place::Body.enter_object(&mut cursor)?;
        while let Some(name) = cursor.next_member()? {
            if name == "parameters" {
                return Ok(Parameters::read(PARAMETERS, &mut cursor)?.on_row_error);
            }
            cursor.value();
        }
        Ok(None)
    };
    matches!(find(), Ok(Some(OnRowError::Report)))
}

fn read_id<'a>(cursor: &mut Cursor<'a>) -> Result<Option<Cow<'a, str>>> {
    if cursor.step_over_null() { Ok(None) } else { Place::Member("id").read_string(cursor).map(Some) }
}

fn read_outputs<'a>(cursor: &mut Cursor<'a>) -> Result<Vec<RequestedOutput<'a>>> {
    if cursor.step_over_null() {
        return Ok(Vec::new());
    }
    Place::Member("outputs").read_list(cursor, read_output)
}

fn read_output<'a>(cursor: &mut Cursor<'a>, idx: usize) -> Result<RequestedOutput<'a>> {
    Place::Element("outputs", idx).enter_object(cursor)?;
    let place = |field| Place::Field("outputs", idx, field);
    let (mut output, mut parameters) = (None, None);
    while let Some(name) = cursor.next_member()? {
        match name.as_ref() {
            "name" => place("name").set(&mut output, place("name").read_string(cursor)?)?,
            "parameters" => {
                place("parameters").set(&mut parameters, Parameters::read(place("parameters"), cursor)?)?;
            }
            _ => _ = cursor.value(),
        }
    }
    let parameters = parameters.unwrap_or_default();
    Ok(RequestedOutput {
        name: output.ok_or_else(|| place("name").missing())?,
        is_binary: parameters.binary_data.unwrap_or_default(),
        classes: parameters.classification,
    })
}
