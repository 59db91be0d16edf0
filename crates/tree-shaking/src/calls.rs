//! The calls in a function's body: those of a function, and those through the table.
//!
//! Of a call through the table it matters where the table index comes from. A method of a trait object is called with an index
//! that was loaded at a fixed offset from the address of a vtable; any other index may come from anywhere.

use std::collections::{BTreeMap, BTreeSet};

use wasmparser::{FunctionBody, Operator};

use crate::Result;

/// Where addresses begin. From there on, the constant part of a load may itself be an address, not an offset from one.
///
/// Source: wasm-ld, `--global-base`; whatever the linker is told, it puts nothing lower.
const LOWEST_ADDRESS: u64 = 1024;

/// What a body calls.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Calls {
    /// Functions that it calls by their index.
    pub(crate) direct: BTreeSet<u32>,
    /// Calls through the table.
    pub(crate) indirect: BTreeSet<CallSite>,
}

/// A call through the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct CallSite {
    /// The type of the function called.
    pub(crate) signature: u32,
    /// Where the table index comes from.
    pub(crate) origin: Origin,
}

/// Where a value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Origin {
    /// Loaded at this offset from an address that was itself loaded, or came from outside of the function.
    Loaded(u64),
    /// From anywhere.
    Unknown,
}

/// What the values of the locals may be, whatever the path through the body.
#[derive(Default)]
struct Locals {
    origins: BTreeMap<u32, BTreeSet<Origin>>,
    /// Locals that may hold a computed address.
    computed: BTreeSet<u32>,
}

/// Reads the calls of a body.
///
/// # Errors
/// If it is malformed.
pub(crate) fn calls(body: &FunctionBody<'_>, n_params: usize) -> Result<Calls> {
    let operators: Vec<Operator<'_>> =
        body.get_operators_reader()?.into_iter().collect::<wasmparser::Result<_>>()?;
    let locals = Locals::of(&operators, n_params);
    let mut calls = Calls::default();
    for (idx, operator) in operators.iter().enumerate() {
        match operator {
            Operator::Call { function_index } | Operator::RefFunc { function_index } => {
                calls.direct.insert(*function_index);
            }
            Operator::CallIndirect { type_index, .. } => {
                let before = operators.get(..idx).unwrap_or_default();
                calls.indirect.extend(
                    locals
                        .origins(before)
                        .into_iter()
                        .map(|origin| CallSite { signature: *type_index, origin }),
                );
            }
            _ => {}
        }
    }
    Ok(calls)
}

impl Locals {
    fn of(operators: &[Operator<'_>], n_params: usize) -> Self {
        let mut locals = Self::default();
        locals.find_computed(operators);
        for param in (0..).take(n_params) {
            locals.origins.entry(param).or_default().insert(Origin::Unknown);
        }
        for (idx, operator) in operators.iter().enumerate() {
            if let Operator::LocalSet { local_index } | Operator::LocalTee { local_index } = operator {
                let origin = locals.loaded(operators.get(..idx).unwrap_or_default());
                locals.origins.entry(*local_index).or_default().insert(origin);
            }
        }
        locals
    }

    /// Marks the locals whose value is not simply what was in memory, or what a call has returned.
    fn find_computed(&mut self, operators: &[Operator<'_>]) {
        for pair in operators.windows(2) {
            if let [value, Operator::LocalSet { local_index } | Operator::LocalTee { local_index }] = pair {
                let is_plain = matches!(
                    value,
                    Operator::I32Load { .. } | Operator::Call { .. } | Operator::CallIndirect { .. }
                );
                if !is_plain {
                    self.computed.insert(*local_index);
                }
            }
        }
    }

    /// Where the value comes from that `before` leaves on top of the stack.
    fn origins(&self, before: &[Operator<'_>]) -> BTreeSet<Origin> {
        match before.last() {
            Some(Operator::LocalGet { local_index } | Operator::LocalTee { local_index }) => {
                self.origins.get(local_index).cloned().unwrap_or_default()
            }
            _ => BTreeSet::from([self.loaded(before)]),
        }
    }

    /// As [`Self::origins`], when it is no local's value.
    fn loaded(&self, before: &[Operator<'_>]) -> Origin {
        match before {
            [.., address, Operator::I32Load { memarg }]
                if self.is_plain(address) && memarg.offset < LOWEST_ADDRESS =>
            {
                Origin::Loaded(memarg.offset)
            }
            _ => Origin::Unknown,
        }
    }

    /// Whether the operator leaves an address that was not computed here.
    fn is_plain(&self, address: &Operator<'_>) -> bool {
        match address {
            Operator::LocalGet { local_index } | Operator::LocalTee { local_index } => {
                !self.computed.contains(local_index)
            }
            Operator::I32Load { .. } => true,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use wasm_encoder::{BlockType, Function, InstructionSink, MemArg, ValType};
    use wasmparser::BinaryReader;

    use super::*;

    /// The origins of the only call through the table in a body with one argument and two more locals.
    fn origins(write: impl FnOnce(&mut InstructionSink<'_>)) -> Vec<Origin> {
        let mut function = Function::new([(2, ValType::I32)]);
        write(&mut function.instructions());
        function.instructions().call_indirect(0, 7).end();
        let bytes = function.into_raw_body();
        let calls = calls(&FunctionBody::new(BinaryReader::new(&bytes, 0)), 1).unwrap();
        assert!(calls.direct.is_empty() && calls.indirect.iter().all(|site| site.signature == 7));
        calls.indirect.into_iter().map(|site| site.origin).collect()
    }

    fn at(offset: u64) -> MemArg {
        MemArg { offset, align: 2, memory_index: 0 }
    }

    #[test]
    fn methods_are_loaded_from_an_argument_or_a_loaded_address() {
        assert_eq!(origins(|body| _ = body.local_get(0).i32_load(at(12))), [Origin::Loaded(12)]);
        let of_loaded = origins(|body| _ = body.local_get(0).i32_load(at(4)).i32_load(at(16)));
        assert_eq!(of_loaded, [Origin::Loaded(16)]);
        let through_local =
            origins(|body| _ = body.local_get(0).i32_load(at(4)).local_tee(1).i32_load(at(16)));
        assert_eq!(through_local, [Origin::Loaded(16)]);
    }

    #[test]
    fn a_local_is_all_that_is_ever_written_to_it() {
        let one = origins(|body| _ = body.local_get(0).i32_load(at(12)).local_set(1).local_get(1));
        assert_eq!(one, [Origin::Loaded(12)]);
        let two = origins(|body| {
            body.local_get(0).i32_load(at(12)).local_set(1);
            body.local_get(0).i32_load(at(20)).local_set(1).local_get(1);
        });
        assert_eq!(two, [Origin::Loaded(12), Origin::Loaded(20)]);
        let copied = origins(|body| {
            _ = body.local_get(0).i32_load(at(12)).local_set(1).local_get(0).local_set(1).local_get(1)
        });
        assert_eq!(copied, [Origin::Loaded(12), Origin::Unknown]);
    }

    #[test]
    fn of_a_computed_address_nothing_is_known() {
        assert_eq!(
            origins(|body| _ = body.local_get(0).i32_const(4).i32_add().i32_load(at(12))),
            [Origin::Unknown]
        );
        let through_local = origins(|body| {
            body.local_get(0).i32_const(4).i32_add().local_set(1).local_get(1).i32_load(at(12));
        });
        assert_eq!(through_local, [Origin::Unknown]);
        assert_eq!(origins(|body| _ = body.i32_const(0).i32_load(at(2000))), [Origin::Unknown]);
        assert_eq!(origins(|body| _ = body.local_get(0).i32_load(at(2000))), [Origin::Unknown]);
    }

    #[test]
    fn of_a_value_from_elsewhere_nothing_is_known() {
        assert_eq!(origins(|body| _ = body.local_get(0)), [Origin::Unknown]);
        assert_eq!(origins(|body| _ = body.i32_const(3)), [Origin::Unknown]);
        let chosen = origins(|body| {
            body.block(BlockType::Result(ValType::I32)).local_get(0).i32_load(at(12)).end();
        });
        assert_eq!(chosen, [Origin::Unknown]);
    }
}
