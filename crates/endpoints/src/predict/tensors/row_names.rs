//! The names of the rows: inputs `key` and `client`, which stay here while the model runs, and outputs beside the model's that say
//! which rows it answered and what is wrong with the others.

use protocol::{BadRows, Error, InferRequest, Input, OnRowError, Partition, Result, row_errors, stacked};
use tensor::{
    CLIENT, Client, Datatype, KEY, Key, Keys, Metadata, NewKeys, PerRow, ROW_ERROR, Tensor, TensorSpec,
    count_rows, encode_bytes_element, read_clients, read_keys, without_rows,
};

/// What a request has to name its rows.
pub(super) struct RowNames {
    key: Option<Input>,
    client: Option<Input>,
}

/// What is left for the model, and what is returned beside its outputs.
pub(super) struct Asked {
    /// The inputs without the rows that are not answered; `None` if all rows are bad.
    pub(super) inputs: Option<Vec<Tensor>>,
    /// How many rows the model's outputs must have, if the rows have names.
    pub(super) n_answered: Option<u64>,
    /// Keys and clients of these rows, and what is wrong with the others.
    pub(super) beside: Vec<Tensor>,
}

impl RowNames {
    /// Takes the names out of the inputs.
    ///
    /// # Errors
    /// [`Error::DuplicateInput`].
    pub(super) fn take(inputs: &mut Vec<Input>) -> Result<Self> {
        Ok(Self { key: take(inputs, KEY)?, client: take(inputs, CLIENT)? })
    }

    /// Whether the keys came in binary form.
    pub(super) fn are_binary(&self) -> bool {
        self.key.as_ref().is_some_and(|key| key.is_binary)
    }

    /// The outputs beside the model's, in their order.
    pub(super) fn outputs(&self, request: &InferRequest<'_>) -> Vec<&'static str> {
        let has = [
            (KEY, self.key.is_some() || request.generate_keys),
            (CLIENT, self.client.is_some()),
            (ROW_ERROR, request.on_row_error == OnRowError::Report),
        ];
        has.into_iter().filter(|(_, has)| *has).map(|(name, _)| name).collect()
    }

    /// Parts the rows of the inputs, which are in the model's order, into those for the model and others.
    ///
    /// # Errors
    /// [`Error::Tensor`] if the names do not name the rows, or the model does not take the rows that are left; [`Error::WrongForm`]
    /// if there are rows to generate keys for that hold nothing; those of [`Partition::new`].
    pub(super) fn set_aside(
        mut self,
        inputs: Vec<Input>,
        metadata: &Metadata,
        request: &InferRequest<'_>,
        new_keys: NewKeys,
    ) -> Result<Asked> {
        if self.key.is_none() && self.client.is_none() && !request.generate_keys {
            let inputs = inputs.into_iter().map(|input| input.tensor).collect();
            return Ok(Asked { inputs: Some(inputs), n_answered: None, beside: Vec::new() });
        }
        let n_rows = count_rows(&metadata.inputs, inputs.iter().map(|input| input.shape().first().copied()))?;
        if self.key.is_none() && request.generate_keys {
            self.key = Some(generated(n_rows, &inputs, new_keys)?);
        }
        let partition = self.partition(&inputs, n_rows, request)?;
        let removed = partition.unanswered();
        let n_answered = partition.n_answered();
        let errors = match request.on_row_error {
            OnRowError::Fail => None,
            OnRowError::Report => Some(row_errors(&partition)?),
        };
        let is_all_bad = n_answered == 0 && n_rows > 0;
        let inputs = match is_all_bad {
            true => None,
            false => Some(answered(inputs, &metadata.inputs, &removed)?),
        };
        let names = self.key.into_iter().chain(self.client);
        let names =
            names.map(|Input { tensor, bad, .. }| tensor.without_rows(&stacked(&removed, &bad.indexes())));
        Ok(Asked { inputs, n_answered: Some(n_answered as u64), beside: names.chain(errors).collect() })
    }

    fn partition(&self, inputs: &[Input], n_rows: u64, request: &InferRequest<'_>) -> Result<Partition<'_>> {
        let mut bad = BadRows::default();
        inputs.iter().for_each(|input| bad.merge(input.bad.clone()));
        let (keys, clients) =
            (self.keys(n_rows, request, &mut bad)?, self.clients(n_rows, request, &mut bad)?);
        let keys = Keys::new(keys, clients, n_rows)?;
        Partition::new(keys, bad, request.on_row_error, request.duplicates)
    }

    fn keys(&self, n_rows: u64, request: &InferRequest<'_>, bad: &mut BadRows) -> Result<PerRow<Key<'_>>> {
        let Some(input) = &self.key else { return Ok(none(n_rows)) };
        let (keys, errors) = read_keys(&input.tensor, &input.bad.indexes())?;
        merge(input, errors, request, bad).map(|()| keys)
    }

    fn clients(
        &self,
        n_rows: u64,
        request: &InferRequest<'_>,
        bad: &mut BadRows,
    ) -> Result<PerRow<Client<'_>>> {
        let Some(input) = &self.client else { return Ok(none(n_rows)) };
        let (clients, errors) = read_clients(&input.tensor, &input.bad.indexes())?;
        merge(input, errors, request, bad).map(|()| clients)
    }
}

fn none<T>(n_rows: u64) -> PerRow<T> {
    PerRow::none(usize::try_from(n_rows).unwrap_or(usize::MAX))
}

/// Adds the rows whose names cannot be read to the bad ones, or fails with the first.
fn merge(
    input: &Input,
    errors: Vec<(usize, tensor::Error)>,
    request: &InferRequest<'_>,
    bad: &mut BadRows,
) -> Result<()> {
    bad.merge(input.bad.clone());
    let errors = errors.into_iter().map(|(row, error)| (row, Error::from(error)));
    match request.on_row_error {
        OnRowError::Fail => errors.map(|(_, error)| error).next().map_or(Ok(()), Err),
        OnRowError::Report => {
            bad.merge(errors);
            Ok(())
        }
    }
}

fn take(inputs: &mut Vec<Input>, name: &str) -> Result<Option<Input>> {
    let position = |inputs: &[Input]| inputs.iter().position(|input| input.tensor.name() == name);
    let Some(idx) = position(inputs) else { return Ok(None) };
    let input = inputs.remove(idx);
    match position(inputs) {
        None => Ok(Some(input)),
        Some(_) => Err(Error::DuplicateInput { input: name.to_owned() }),
    }
}

/// The inputs without the rows that are not answered.
fn answered(inputs: Vec<Input>, specs: &[TensorSpec], removed: &[usize]) -> Result<Vec<Tensor>> {
    let kept = |(spec, Input { tensor, bad, .. }): (&TensorSpec, Input)| {
        Ok(without_rows(spec, specs, tensor, &stacked(removed, &bad.indexes()))?)
    };
    specs.iter().zip(inputs).map(kept).collect()
}

/// New keys, as if they had come as a tensor. Rows that hold no element can be of any number in a small request: they get none.
fn generated(n_rows: u64, inputs: &[Input], new_keys: NewKeys) -> Result<Input> {
    let is_empty = |input: &Input| input.tensor.data().is_empty() && input.bad.len() == 0;
    if n_rows > 0 && inputs.iter().all(is_empty) {
        let expected = "`generate_keys` to be false for rows without elements";
        return Err(Error::WrongForm { path: "parameters".to_owned(), expected, found: "true".to_owned() });
    }
    let mut data = Vec::new();
    for key in new_keys(usize::try_from(n_rows).unwrap_or(usize::MAX)) {
        encode_bytes_element(&mut data, key.as_bytes());
    }
    let tensor = Tensor::new(KEY, Datatype::Bytes, vec![n_rows], data)?;
    Ok(Input { tensor, is_binary: false, bad: BadRows::default() })
}
