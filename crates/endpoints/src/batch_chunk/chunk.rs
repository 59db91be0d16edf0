//! What is known of a chunk before its rows.

use tensor::Metadata;

use super::parameters::{Keep, Parameters};
use super::{Config, ERROR};

/// A chunk, and the model that answers it.
pub(super) struct Chunk<'c, M> {
    pub(super) model: &'c M,
    pub(super) metadata: &'c Metadata,
    pub(super) config: &'c Config,
    pub(super) parameters: &'c Parameters,
    /// The most rows that the model gets at once.
    pub(super) micro_batch: usize,
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
