//! Rows (`:predict`): stacked for the model, answered one by one.

use protocol::{Result, Rows};
use tensor::Metadata;

use crate::Model;
use crate::model::run;

/// Answers `{"instances": […]}`. Without rows there is nothing to ask the model.
pub(super) fn predict(model: &impl Model, metadata: &Metadata, body: &[u8]) -> Result<Vec<u8>> {
    let Rows { n_rows, keys, inputs } = Rows::read(body, &metadata.inputs)?;
    if n_rows == 0 {
        return protocol::predictions(0, None, &[]);
    }
    let names: Vec<String> = metadata.outputs.iter().map(|spec| spec.name.clone()).collect();
    let outputs = run(model, inputs, &names)?;
    protocol::predictions(n_rows, keys.as_ref(), &outputs)
}
