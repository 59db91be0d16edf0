//! Bad rows in an answer of tensors: an output beside the model's, with an element for each bad row.
//!
//! A tensor of the answer has a row for each row that is answered, so a bad row has no place in it. It is found by its key, which
//! stands in its element with the error: one place, whether or not the key could be read.

use tensor::{Datatype, ROW_ERROR, Tensor, encode_bytes_element};

use crate::failure::failure;
use crate::partition::{Partition, row_error};
use crate::{RequestNames, Result};

/// The reported rows, ascending: `BYTES` of shape `[n_reported]`, each the JSON that would answer a request that the row fails.
///
/// # Errors
/// [`Error::Tensor`](crate::Error::Tensor) if they are more than a tensor holds.
pub fn row_errors(partition: &Partition<'_>) -> Result<Tensor> {
    let (keys, reported) = (partition.keys(), partition.reported());
    let n_reported = reported.len() as u64;
    let mut data = Vec::new();
    for (row, error) in reported {
        let error = row_error(row, keys.client(row), keys.key(row), error.clone());
        encode_bytes_element(&mut data, &failure(&error, &RequestNames::default()));
    }
    Ok(Tensor::new(ROW_ERROR, Datatype::Bytes, vec![n_reported], data)?)
}
