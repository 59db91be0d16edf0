//! Packed models as subjects. The engine is set as for serving: slots in a pool, no interruption.

use std::path::Path;

use anyhow::Result;
use engine::{Engine, PackedModel, Pool, Session, Settings};

use crate::runner::{Question, Runner};

/// Live instances that the pool has room for.
const SLOTS: u32 = 16;

/// An engine as `plinth serve` has it.
pub(crate) fn serving_engine(cache: &Path) -> Result<Engine> {
    let cache_dir = Some(cache.to_path_buf());
    Ok(Engine::new(&Settings { cache_dir, pool: Pool::Slots(SLOTS), ..Settings::default() })?)
}

/// An engine as `plinth pack` has it.
pub(crate) fn packing_engine(cache: &Path) -> Result<Engine> {
    Ok(Engine::new(&Settings { cache_dir: Some(cache.to_path_buf()), ..Settings::default() })?)
}

/// A fresh instance for each call, its making and end included.
pub(crate) struct Isolated<'a> {
    pub(crate) model: &'a PackedModel,
    pub(crate) question: &'a Question,
}

impl Runner for Isolated<'_> {
    fn slice(&mut self, n_calls: usize) -> Result<Vec<f64>> {
        let call = |_| self.question.ask(|inputs| Ok(self.model.infer(inputs, &[])?));
        (0..n_calls).map(call).collect()
    }
}

/// The first call in each of many fresh instances.
pub(crate) struct First<'a> {
    pub(crate) model: &'a PackedModel,
    pub(crate) question: &'a Question,
}

impl Runner for First<'_> {
    fn slice(&mut self, n_calls: usize) -> Result<Vec<f64>> {
        let call = |_| {
            let mut session = self.model.instantiate()?;
            self.question.ask(|inputs| Ok(session.infer(inputs, &[])?))
        };
        (0..n_calls).map(call).collect()
    }
}

/// Later calls in one instance.
pub(crate) struct Warm<'a> {
    session: Session,
    question: &'a Question,
}

impl<'a> Warm<'a> {
    pub(crate) fn new(model: &PackedModel, question: &'a Question) -> Result<Self> {
        Ok(Self { session: model.instantiate()?, question })
    }
}

impl Runner for Warm<'_> {
    fn slice(&mut self, n_calls: usize) -> Result<Vec<f64>> {
        let mut call = || self.question.ask(|inputs| Ok(self.session.infer(inputs, &[])?));
        (0..n_calls).map(|_| call()).collect()
    }
}
