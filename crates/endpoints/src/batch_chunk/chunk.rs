//! What is known of a chunk before its rows, and how some of them are answered.

use protocol::Maps;
use tensor::{Metadata, Tensor};

use super::answered::{Answered, answer};
use super::parameters::{Keep, Parameters};
use super::{Config, ERROR, Watch};
use crate::Model;
use crate::capture::Name;

/// A chunk, and the model that answers it.
pub(super) struct Chunk<'c, M> {
    pub(super) model: &'c M,
    pub(super) metadata: &'c Metadata,
    /// Which of its tensors are maps.
    pub(super) maps: &'c Maps,
    pub(super) config: &'c Config,
    pub(super) parameters: &'c Parameters,
    /// The most rows that the model gets at once.
    pub(super) micro_batch: usize,
    pub(super) watch: Watch<'c>,
}

impl<M> Chunk<'_, M> {
    /// Whether a field of a row comes back.
    pub(super) fn keeps_field(&self, name: &str) -> bool {
        match &self.parameters.keep {
            Keep::Names(names) => names.iter().any(|kept| kept == name),
            // A field that an output would hide is none that is kept.
            Keep::Others => {
                name != ERROR && self.metadata.input(name).is_none() && self.metadata.output(name).is_none()
            }
        }
    }
}

impl<M: Model> Chunk<'_, M> {
    /// Runs `n_rows` rows, and shows those that were answered to whoever watches. `names` gives the names of all of them.
    ///
    /// # Errors
    /// Those of [`answer`].
    pub(super) fn answer(
        &self,
        outputs: &[String],
        inputs: Vec<Tensor>,
        n_rows: usize,
        names: impl FnOnce() -> Vec<Name>,
    ) -> protocol::Result<Answered> {
        let asked = self.watch.sight.keep(self.metadata, &inputs);
        let answered = answer(self.model, outputs, inputs, n_rows)?;
        if let Some(asked) = asked.filter(|_| answered.failed.len() < n_rows) {
            let failed: Vec<usize> = answered.failed.iter().map(|(row, _)| *row).collect();
            let names = || without(names(), &failed);
            self.watch.sight.see(None, names, Some(asked.without_rows(&failed)), &answered.outputs);
            (self.watch.tell)();
        }
        Ok(answered)
    }
}

fn without(names: Vec<Name>, rows: &[usize]) -> Vec<Name> {
    let kept = names.into_iter().enumerate().filter(|(row, _)| rows.binary_search(row).is_err());
    kept.map(|(_, name)| name).collect()
}
