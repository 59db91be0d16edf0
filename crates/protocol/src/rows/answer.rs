//! The answer to rows: `predictions`, one per row, or `outputs`, one per output.
//!
//! A `BYTES` element is a string if it is UTF-8, and `{"b64": "…"}` if it is not.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tensor::{BytesElements, Datatype, KEY, Key, Tensor, TensorSpec};

use super::partition::{Partition, RowError};
use crate::elements::BASE64;
use crate::failure::failure;
use crate::write::{ElementWriter, write_key, write_list, write_string};
use crate::{Error, Result};

/// What is still to be said when the model has answered.
#[derive(Debug)]
pub struct Answer<'a>(Form<'a>);

#[derive(Debug)]
enum Form<'a> {
    Predictions { n_answered: usize, partition: Partition<'a> },
    Outputs { keys: Option<Vec<Key<'a>>> },
}

impl<'a> Answer<'a> {
    /// The answer to `instances`, of which the model sees `n_answered`.
    pub(super) fn predictions(n_answered: usize, partition: Partition<'a>) -> Self {
        Self(Form::Predictions { n_answered, partition })
    }

    /// The answer to `inputs`.
    pub(super) fn outputs(keys: Option<Vec<Key<'a>>>) -> Self {
        Self(Form::Outputs { keys })
    }

    /// The body, from all outputs of the model. In `predictions`, and where there are keys, the first dimension of each
    /// output must count the rows.
    ///
    /// # Errors
    /// [`Error::RowsChanged`] if it does not; [`Error::BinaryOnlyOutput`] if JSON cannot carry an output.
    pub fn write(&self, outputs: &[Tensor]) -> Result<Vec<u8>> {
        match &self.0 {
            Form::Predictions { n_answered, partition } => write_predictions(*n_answered, partition, outputs),
            Form::Outputs { keys } => write_outputs(keys.as_deref(), outputs),
        }
    }

    /// The body if there are no rows for the model, whose outputs would be these.
    ///
    /// # Errors
    /// [`Error::EmptyBatch`] if an output that is to be written has no rows; [`Error::BinaryOnlyOutput`].
    pub fn write_empty(&self, outputs: &[TensorSpec]) -> Result<Vec<u8>> {
        match &self.0 {
            Form::Predictions { .. } => self.write(&[]),
            Form::Outputs { .. } => {
                self.write(&outputs.iter().map(empty_output).collect::<Result<Vec<_>>>()?)
            }
        }
    }
}

/// An output without rows. In JSON the shape of a row does not show.
fn empty_output(spec: &TensorSpec) -> Result<Tensor> {
    if spec.is_batched() {
        return Ok(Tensor::new(&spec.name, spec.datatype, vec![0], Vec::new())?);
    }
    Err(Error::EmptyBatch { output: spec.name.clone(), shape: spec.shape.clone() })
}

fn write_predictions(n_answered: usize, partition: &Partition<'_>, outputs: &[Tensor]) -> Result<Vec<u8>> {
    let columns = outputs.iter().map(|output| OutputColumn::new(output, n_answered));
    let mut columns = columns.collect::<Result<Vec<_>>>()?;
    let mut keys = partition.keys.iter().flatten();
    let mut errors = partition.errors.iter().peekable();
    let rows = (0..partition.n_rows).filter(|row| partition.left_out.binary_search(row).is_err());
    let mut json = br#"{"predictions":"#.to_vec();
    write_list(&mut json, *b"[]", rows, |json, row| match errors.next_if(|error| error.row == row) {
        Some(error) => write_error(json, error),
        None => write_prediction(json, keys.next(), &mut columns),
    });
    json.push(b'}');
    Ok(json)
}

/// An object, unless it is one value without a key.
fn write_prediction(json: &mut Vec<u8>, key: Option<&Key<'_>>, columns: &mut [OutputColumn<'_>]) {
    match (key, columns) {
        (None, [column]) => column.write_row(json),
        (key, columns) => write_fields(json, key, columns),
    }
}

fn write_fields(json: &mut Vec<u8>, key: Option<&Key<'_>>, columns: &mut [OutputColumn<'_>]) {
    json.push(b'{');
    if let Some(key) = key {
        write_key_field(json, key);
    }
    for (idx, column) in columns.iter_mut().enumerate() {
        if idx > 0 || key.is_some() {
            json.push(b',');
        }
        write_name(json, column.name);
        column.write_row(json);
    }
    json.push(b'}');
}

fn write_error(json: &mut Vec<u8>, RowError { key, error, .. }: &RowError<'_>) {
    json.push(b'{');
    if let Some(key) = key {
        write_key_field(json, key);
        json.push(b',');
    }
    write_name(json, "error");
    json.extend(failure(error, None));
    json.push(b'}');
}

fn write_key_field(json: &mut Vec<u8>, key: &Key<'_>) {
    write_name(json, KEY);
    write_key(json, key);
}

fn write_name(json: &mut Vec<u8>, name: &str) {
    write_string(json, name);
    json.push(b':');
}

fn write_outputs(keys: Option<&[Key<'_>]>, outputs: &[Tensor]) -> Result<Vec<u8>> {
    let mut json = br#"{"outputs":"#.to_vec();
    let whole = |output| match keys {
        None => Values::new(output),
        Some(keys) => OutputColumn::new(output, keys.len()).map(|column| column.values),
    };
    let mut values = outputs.iter().map(whole).collect::<Result<Vec<_>>>()?;
    match (outputs, values.as_mut_slice()) {
        ([output], [values]) => values.write(&mut json, output.shape()),
        (outputs, values) => {
            write_list(&mut json, *b"{}", outputs.iter().zip(values), |json, (output, values)| {
                write_name(json, output.name());
                values.write(json, output.shape());
            });
        }
    }
    if let Some(keys) = keys {
        json.push(b',');
        write_name(&mut json, "keys");
        write_list(&mut json, *b"[]", keys, write_key);
    }
    json.push(b'}');
    Ok(json)
}

/// An output, of which each row is one prediction's.
#[derive(Debug)]
struct OutputColumn<'a> {
    name: &'a str,
    values: Values<'a>,
    row_shape: &'a [u64],
}

impl<'a> OutputColumn<'a> {
    fn new(output: &'a Tensor, n_rows: usize) -> Result<Self> {
        match output.shape() {
            [first, row_shape @ ..] if *first == n_rows as u64 => {
                Ok(Self { name: output.name(), values: Values::new(output)?, row_shape })
            }
            shape => Err(Error::RowsChanged {
                output: output.name().to_owned(),
                expected: n_rows as u64,
                found: shape.to_vec(),
            }),
        }
    }

    fn write_row(&mut self, json: &mut Vec<u8>) {
        self.values.write(json, self.row_shape);
    }
}

/// Writes the elements of an output, in order.
#[derive(Debug)]
enum Values<'a> {
    Bytes(BytesElements<'a>),
    Other(ElementWriter<'a>),
}

impl<'a> Values<'a> {
    fn new(output: &'a Tensor) -> Result<Self> {
        match output.datatype() {
            Datatype::Bytes => Ok(Self::Bytes(output.bytes_elements())),
            _ => ElementWriter::new(output).map(Self::Other),
        }
    }

    /// Appends the next elements as nested lists of these sizes; the next element itself if there are none.
    fn write(&mut self, json: &mut Vec<u8>, sizes: &[u64]) {
        match self {
            Self::Bytes(elements) => write_bytes(json, elements, sizes),
            Self::Other(elements) => elements.write(json, sizes),
        }
    }
}

fn write_bytes(json: &mut Vec<u8>, elements: &mut BytesElements<'_>, sizes: &[u64]) {
    match sizes.split_first() {
        None => write_bytes_element(json, elements.next().unwrap_or_default()),
        Some((&size, sizes)) => {
            write_list(json, *b"[]", 0..size, |json, _| write_bytes(json, elements, sizes));
        }
    }
}

fn write_bytes_element(json: &mut Vec<u8>, element: &[u8]) {
    match std::str::from_utf8(element) {
        Ok(text) => write_string(json, text),
        Err(_) => {
            json.push(b'{');
            write_name(json, BASE64);
            write_string(json, &STANDARD.encode(element));
            json.push(b'}');
        }
    }
}
