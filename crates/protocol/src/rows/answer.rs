//! The answer to rows: `predictions`, one per row, or `outputs`, one per output.
//!
//! A `BYTES` element is a string if it is UTF-8, and `{"b64": "…"}` if it is not.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tensor::{BytesElements, CLIENT, Client, Datatype, KEY, Keys, Tensor, TensorSpec};

use crate::elements::BASE64;
use crate::failure::failure;
use crate::partition::{Partition, row_error};
use crate::write::{ElementWriter, write_key, write_list, write_string};
use crate::{Error, Maps, RequestNames, Result};

/// What is still to be said when the model has answered.
#[derive(Debug)]
pub struct Answer<'a> {
    form: Form<'a>,
    client: Option<Client<'a>>,
}

#[derive(Debug)]
enum Form<'a> {
    Predictions(Partition<'a>),
    /// Outputs whose rows have names, or which need not have rows.
    Outputs(Option<Partition<'a>>),
}

impl<'a> Answer<'a> {
    /// The answer to `instances`.
    pub(super) fn predictions(partition: Partition<'a>, client: Option<Client<'a>>) -> Self {
        Self { form: Form::Predictions(partition), client }
    }

    /// The answer to `inputs`.
    pub(super) fn outputs(partition: Option<Partition<'a>>, client: Option<Client<'a>>) -> Self {
        Self { form: Form::Outputs(partition), client }
    }

    /// The client of the whole request.
    #[must_use]
    pub const fn client(&self) -> Option<&Client<'a>> {
        self.client.as_ref()
    }

    /// Which rows are answered, and their names; none if the values are not taken as rows.
    #[must_use]
    pub const fn partition(&self) -> Option<&Partition<'a>> {
        match &self.form {
            Form::Predictions(partition) => Some(partition),
            Form::Outputs(partition) => partition.as_ref(),
        }
    }

    /// The body, from all outputs of the model. In `predictions`, and where there are keys, the first dimension of each
    /// output must count the rows. A prediction has an object for each output that `maps` has labels of.
    ///
    /// # Errors
    /// [`Error::RowsChanged`] if it does not; [`Error::BinaryOnlyOutput`] if JSON cannot carry an output.
    pub fn write(&self, outputs: &[Tensor], maps: &Maps) -> Result<Vec<u8>> {
        let mut json = match &self.form {
            Form::Predictions(partition) => write_predictions(partition, outputs, maps)?,
            Form::Outputs(partition) => write_outputs(partition.as_ref(), outputs)?,
        };
        if let Some(client) = &self.client {
            json.push(b',');
            write_name(&mut json, CLIENT);
            write_string(&mut json, client.name());
        }
        json.push(b'}');
        Ok(json)
    }

    /// The body if there are no rows for the model, whose outputs would be these.
    ///
    /// # Errors
    /// [`Error::EmptyBatch`] if an output that is to be written has no rows; [`Error::BinaryOnlyOutput`].
    pub fn write_empty(&self, outputs: &[TensorSpec]) -> Result<Vec<u8>> {
        match &self.form {
            Form::Predictions(_) => self.write(&[], &Maps::default()),
            Form::Outputs(_) => {
                let outputs = outputs.iter().map(empty_output).collect::<Result<Vec<_>>>()?;
                self.write(&outputs, &Maps::default())
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

fn write_predictions(partition: &Partition<'_>, outputs: &[Tensor], maps: &Maps) -> Result<Vec<u8>> {
    let n_answered = partition.n_answered();
    let columns = outputs.iter().map(|output| Ok(OutputColumn::new(output, n_answered)?.named(maps)));
    let mut columns = columns.collect::<Result<Vec<_>>>()?;
    let mut errors = partition.reported().peekable();
    let mut json = br#"{"predictions":"#.to_vec();
    write_list(&mut json, *b"[]", partition.shown(), |json, row| {
        match errors.next_if(|(bad_row, _)| *bad_row == row) {
            Some((_, error)) => write_error(json, row, partition.keys(), error),
            None => write_prediction(json, row, partition.keys(), &mut columns),
        }
    });
    Ok(json)
}

/// An object, unless it is one value without a key.
fn write_prediction(json: &mut Vec<u8>, row: usize, keys: &Keys<'_>, columns: &mut [OutputColumn<'_>]) {
    match columns {
        [column] if !keys.is_keyed() => column.write_row(json),
        columns => write_fields(json, row, keys, columns),
    }
}

fn write_fields(json: &mut Vec<u8>, row: usize, keys: &Keys<'_>, columns: &mut [OutputColumn<'_>]) {
    json.push(b'{');
    let is_named = write_names(json, row, keys);
    for (idx, column) in columns.iter_mut().enumerate() {
        if idx > 0 || is_named {
            json.push(b',');
        }
        write_name(json, column.name);
        column.write_row(json);
    }
    json.push(b'}');
}

fn write_error(json: &mut Vec<u8>, row: usize, keys: &Keys<'_>, error: &Error) {
    json.push(b'{');
    if write_names(json, row, keys) {
        json.push(b',');
    }
    write_name(json, "error");
    // The names stand beside the error.
    json.extend(failure(&row_error(row, None, None, error.clone()), &RequestNames::default()));
    json.push(b'}');
}

/// Appends the key and the client of a row, and tells whether it has any.
fn write_names(json: &mut Vec<u8>, row: usize, keys: &Keys<'_>) -> bool {
    let (key, client) = (keys.key(row), keys.client(row));
    if let Some(key) = key {
        write_name(json, KEY);
        write_key(json, key);
    }
    if let Some(client) = client {
        if key.is_some() {
            json.push(b',');
        }
        write_name(json, CLIENT);
        write_string(json, client.name());
    }
    key.is_some() || client.is_some()
}

pub(super) fn write_name(json: &mut Vec<u8>, name: &str) {
    write_string(json, name);
    json.push(b':');
}

fn write_outputs(partition: Option<&Partition<'_>>, outputs: &[Tensor]) -> Result<Vec<u8>> {
    let mut json = br#"{"outputs":"#.to_vec();
    let whole = |output| match partition {
        None => Values::new(output),
        Some(rows) => OutputColumn::new(output, rows.n_answered()).map(|column| column.values),
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
    if let Some(partition) = partition {
        write_name_lists(&mut json, partition);
    }
    Ok(json)
}

fn write_name_lists(json: &mut Vec<u8>, partition: &Partition<'_>) {
    let keys = partition.keys();
    json.push(b',');
    write_name(json, "keys");
    write_list(json, *b"[]", partition.answered().filter_map(|row| keys.key(row)), write_key);
    if keys.has_clients() {
        json.push(b',');
        write_name(json, "clients");
        let clients = partition.answered().filter_map(|row| keys.client(row));
        write_list(json, *b"[]", clients, |json, client| write_string(json, client.name()));
    }
}

/// An output, of which each row is one prediction's.
#[derive(Debug)]
pub(super) struct OutputColumn<'a> {
    pub(super) name: &'a str,
    values: Values<'a>,
    row_shape: &'a [u64],
    /// The names of a row's elements, if they stand for a map.
    labels: Option<&'a [String]>,
}

impl<'a> OutputColumn<'a> {
    pub(super) fn new(output: &'a Tensor, n_rows: usize) -> Result<Self> {
        match output.shape() {
            [first, row_shape @ ..] if *first == n_rows as u64 => {
                Ok(Self { name: output.name(), values: Values::new(output)?, row_shape, labels: None })
            }
            shape => Err(Error::RowsChanged {
                output: output.name().to_owned(),
                expected: n_rows as u64,
                found: shape.to_vec(),
            }),
        }
    }

    /// Each row as an object, if `maps` has a label for each of its elements.
    pub(super) fn named(mut self, maps: &'a Maps) -> Self {
        self.labels = maps.labels(self.name).filter(|labels| self.row_shape == [labels.len() as u64]);
        self
    }

    pub(super) fn write_row(&mut self, json: &mut Vec<u8>) {
        match self.labels {
            None => self.values.write(json, self.row_shape),
            Some(labels) => write_list(json, *b"{}", labels, |json, label| {
                write_name(json, label);
                self.values.write(json, &[]);
            }),
        }
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
