//! `fermyon:spin/variables@2.0.0`. All values were known before anything was served.

use wasmtime::Result;

use super::bindings::fermyon::spin::variables::{Error, Host};
use crate::{ids, state::State};

impl Host for State {
    async fn get(&mut self, name: String) -> Result<Result<String, Error>> {
        if let Err(fault) = ids::check_variable_name(&name) {
            return Ok(Err(Error::InvalidName(fault.to_string())));
        }
        let value = self.outbound.function.variables.get(&name).cloned();
        Ok(value.ok_or_else(|| Error::Undefined(format!("no variable `{name}`"))))
    }
}
