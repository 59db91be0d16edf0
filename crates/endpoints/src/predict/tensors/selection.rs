//! The outputs that a request asks for, and their order.

use protocol::{Error, RequestedOutput, Result};
use tensor::{CLIENT, KEY, Metadata, Tensor};

/// The outputs that are asked for.
pub(super) struct Selection<'r> {
    /// The names of those that are the model's.
    pub(super) outputs: Vec<String>,
    requested: &'r [RequestedOutput<'r>],
}

impl<'r> Selection<'r> {
    /// The outputs that are `requested`, all if there are none. Those `beside` the model's are returned in any case.
    ///
    /// # Errors
    /// [`Error::UnknownOutput`] or [`Error::DuplicateOutput`]; [`Error::MissingInput`] for keys or clients of rows that have none.
    pub(super) fn new(
        metadata: &Metadata,
        requested: &'r [RequestedOutput<'r>],
        beside: &[&str],
    ) -> Result<Self> {
        if requested.is_empty() {
            let outputs = metadata.outputs.iter().map(|spec| spec.name.clone()).collect();
            return Ok(Self { outputs, requested });
        }
        let mut outputs = Vec::new();
        for (idx, RequestedOutput { name, .. }) in requested.iter().enumerate() {
            if requested.iter().take(idx).any(|earlier| earlier.name == *name) {
                return Err(Error::DuplicateOutput { output: name.to_string() });
            }
            match name.as_ref() {
                name if beside.contains(&name) => {}
                name @ (KEY | CLIENT) => return Err(Error::MissingInput { input: name.to_owned() }),
                name if metadata.output(name).is_none() => {
                    return Err(Error::UnknownOutput { output: name.to_owned() });
                }
                name => outputs.push(name.to_owned()),
            }
        }
        Ok(Self { outputs, requested })
    }

    /// The outputs where the request lists them, those that it does not list last.
    pub(super) fn in_order(&self, mut outputs: Vec<Tensor>) -> Vec<Tensor> {
        let place = |name: &str| self.requested.iter().position(|output| output.name == name);
        // A stable sort keeps the order of those that are not listed.
        outputs.sort_by_key(|output| place(output.name()).unwrap_or(usize::MAX));
        outputs
    }
}
