//! One input of an inference request.

use std::borrow::Cow;

use tensor::{CLIENT, Datatype, KEY, Tensor, TensorSpec, has_rows};

use super::rows::read_rows;
use crate::binary::BinaryInputs;
use crate::cursor::{Cursor, excerpt};
use crate::elements::{Elements, MAX_DEPTH, read_elements};
use crate::form::Place;
use crate::parameters::Parameters;
use crate::partition::BadRows;
use crate::{Error, Result};

/// How inputs in JSON are read.
#[derive(Clone, Copy, Debug)]
pub(super) enum Reading<'s> {
    /// As wholes: a wrong element is an error.
    Whole,
    /// Row by row, if they have rows in a model with these inputs: a wrong element makes its row a bad one.
    ByRows(&'s [TensorSpec]),
}

impl Reading<'_> {
    /// Whether the input of that name is read row by row.
    pub(super) fn is_by_rows(self, input: &str) -> bool {
        let Self::ByRows(specs) = self else { return false };
        let mut of_this_name = specs.iter().filter(|spec| spec.name == input);
        matches!(input, KEY | CLIENT) || of_this_name.any(|spec| has_rows(spec, specs))
    }
}

/// An input as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// The tensor, without its bad rows.
    pub tensor: Tensor,
    /// Whether it came in binary form.
    pub is_binary: bool,
    /// The rows that cannot be read.
    pub bad: BadRows,
}

impl Input {
    /// An input that came in binary form.
    pub(super) fn binary(tensor: Tensor) -> Self {
        Self { tensor, is_binary: true, bad: BadRows::default() }
    }

    /// The shape that the request gave it.
    #[must_use]
    pub fn shape(&self) -> Vec<u64> {
        let mut shape = self.tensor.shape().to_vec();
        if let Some(n_rows) = shape.first_mut() {
            *n_rows += self.bad.len() as u64;
        }
        shape
    }
}

/// The fields of an input, which come in any order.
#[derive(Debug)]
struct InputFields<'a, 's> {
    idx: usize,
    reading: Reading<'s>,
    name: Option<Cow<'a, str>>,
    datatype: Option<Cow<'a, str>>,
    shape: Option<Vec<u64>>,
    parameters: Option<Parameters>,
    data: Option<Data<'a>>,
}

#[derive(Debug)]
enum Data<'a> {
    Read(Elements),
    /// Data that stood before the name or the datatype, or is to be read by rows.
    Unread(Cursor<'a>),
}

/// The input that must be here, the one with this index.
///
/// # Errors
/// Those of [`InferRequest::read`](super::InferRequest::read).
pub(super) fn read_input(
    cursor: &mut Cursor<'_>,
    idx: usize,
    binary: &mut BinaryInputs<'_>,
    reading: Reading<'_>,
) -> Result<Input> {
    Place::Element("inputs", idx).enter_object(cursor)?;
    let mut input =
        InputFields { idx, reading, name: None, datatype: None, shape: None, parameters: None, data: None };
    while let Some(name) = cursor.next_member()? {
        input.read_field(&name, cursor)?;
    }
    input.into_input(binary)
}

impl<'a> InputFields<'a, '_> {
    fn place(&self, field: &'static str) -> Place {
        Place::Field("inputs", self.idx, field)
    }

    fn read_field(&mut self, name: &str, cursor: &mut Cursor<'a>) -> Result<()> {
        match name {
            "name" => {
                let place = self.place("name");
                place.set(&mut self.name, place.read_string(cursor)?)
            }
            "datatype" => {
                let place = self.place("datatype");
                place.set(&mut self.datatype, place.read_string(cursor)?)
            }
            "shape" => {
                let place = self.place("shape");
                place.set(&mut self.shape, read_shape(place, cursor)?)
            }
            "parameters" => {
                let place = self.place("parameters");
                place.set(&mut self.parameters, Parameters::read(place, cursor)?)
            }
            "data" => {
                let data = self.read_data(cursor)?;
                self.place("data").set(&mut self.data, data)
            }
            _ => {
                cursor.value();
                Ok(())
            }
        }
    }

    fn read_data(&self, cursor: &mut Cursor<'a>) -> Result<Data<'a>> {
        if let (Some(name), Some(datatype), Reading::Whole) = (&self.name, &self.datatype, self.reading) {
            let shape = self.shape.as_deref().unwrap_or_default();
            return read_elements(name, parse_datatype(name, datatype)?, shape, cursor).map(Data::Read);
        }
        let unread = cursor.clone();
        cursor.value();
        Ok(Data::Unread(unread))
    }

    fn into_input(self, binary: &mut BinaryInputs<'_>) -> Result<Input> {
        let missing = |field| Place::Field("inputs", self.idx, field).missing();
        let name = self.name.ok_or_else(|| missing("name"))?;
        let datatype = parse_datatype(&name, &self.datatype.ok_or_else(|| missing("datatype"))?)?;
        let shape = self.shape.ok_or_else(|| missing("shape"))?;
        let binary_size = self.parameters.unwrap_or_default().binary_data_size;
        let elements = match (self.data, binary_size) {
            (None, None) => return Err(Error::MissingData { input: name.into_owned() }),
            (Some(_), Some(_)) => return Err(Error::DataTwice { input: name.into_owned() }),
            (None, Some(n_bytes)) => {
                let data = binary.take(&name, n_bytes)?.to_vec();
                return Ok(Input::binary(Tensor::new(name, datatype, shape, data)?));
            }
            (Some(Data::Read(elements)), None) => elements,
            (Some(Data::Unread(cursor)), None) if self.reading.is_by_rows(&name) => {
                let (tensor, bad) = read_rows(&name, datatype, shape, cursor)?;
                return Ok(Input { tensor, is_binary: false, bad });
            }
            (Some(Data::Unread(mut cursor)), None) => read_elements(&name, datatype, &shape, &mut cursor)?,
        };
        check_sizes(&name, &shape, &elements.sizes)?;
        let tensor = Tensor::new(name, datatype, shape, elements.data)?;
        Ok(Input { tensor, is_binary: false, bad: BadRows::default() })
    }
}

fn parse_datatype(input: &str, datatype: &str) -> Result<Datatype> {
    Datatype::from_name(datatype)
        .ok_or_else(|| Error::UnknownDatatype { input: input.to_owned(), datatype: excerpt(datatype) })
}

fn read_shape(place: Place, cursor: &mut Cursor<'_>) -> Result<Vec<u64>> {
    place.read_list(cursor, |cursor, idx| {
        let dim = cursor.value();
        if idx == MAX_DEPTH {
            return Err(place.wrong("at most 32 sizes", "more"));
        }
        dim.parse().map_err(|_| place.wrong("a list of sizes", dim))
    })
}

/// Checks that data of these sizes is `shape`'s, flat or nested. A shape beyond memory is left to [`Tensor::new`].
pub(super) fn check_sizes(input: &str, shape: &[u64], sizes: &[u64]) -> Result<()> {
    let found: u64 = sizes.iter().product();
    let is_flat = sizes.len() <= 1
        && shape
            .iter()
            .try_fold(1_u64, |product, &dim| product.checked_mul(dim))
            .is_none_or(|len| len == found);
    if is_flat || sizes == shape {
        return Ok(());
    }
    Err(Error::WrongData { input: input.to_owned(), expected: shape.to_vec(), found: sizes.to_vec() })
}
