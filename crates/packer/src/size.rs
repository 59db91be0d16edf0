//! Where the bytes of a packed model went.

use wasmparser::{Parser, Payload};

use crate::Result;
use crate::error::runtime_error;
use crate::module::core_module;

/// Sizes in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// The whole component.
    pub packed: u64,
    /// Machine-independent code: the same for every model.
    pub code: u64,
    /// Data: the runtime's constants, the model's weights and its plan.
    pub data: u64,
    /// Types, names, tables and the component's wrapping.
    pub other: u64,
    /// The memory that an instance starts with; most of it is zero and takes no room until used.
    pub initial_memory: u64,
}

impl Sizes {
    /// The sizes of a component as made by [`pack`](crate::pack).
    ///
    /// # Errors
    /// [`Error::Runtime`](crate::Error::Runtime) if the bytes are no such component.
    pub fn of(component: &[u8]) -> Result<Self> {
        let packed = component.len() as u64;
        let mut sizes = Self { packed, code: 0, data: 0, other: 0, initial_memory: 0 };
        for payload in Parser::new(0).parse_all(core_module(component)?) {
            match payload.map_err(runtime_error)? {
                Payload::CodeSectionStart { size, .. } => sizes.code = u64::from(size),
                Payload::DataSection(data) => sizes.data = data.range().len() as u64,
                Payload::MemorySection(memories) => {
                    let pages = memories.into_iter().flatten().map(|memory| memory.initial).sum::<u64>();
                    sizes.initial_memory = pages << 16;
                }
                _ => {}
            }
        }
        sizes.other = packed - sizes.code - sizes.data;
        Ok(sizes)
    }
}
