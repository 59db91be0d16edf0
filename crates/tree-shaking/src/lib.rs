//! Shakes a module: of a snapshot of an instance, keeps what the exports can reach. Pure; it runs nothing.
//!
//! There is no compiler at hand, so this works on what the linker knows (`--emit-relocs`): which bytes of code and data are a table index,
//! and which an address. What the exports reach by these is kept as it is; see `reach.rs` for the rules. All else is gone: the
//! function, its entry in the table, the bytes of data. Table indices and addresses stay what they are, for memory holds them in
//! places that nobody knows. A function that is called although it was dropped is a trap, because its entry in the table is empty.

mod calls;
mod encode;
mod error;
mod memory;
mod module;
mod reach;
mod relocations;
mod sections;
mod table;

use std::collections::BTreeMap;
use std::ops::Range;

pub use error::{Error, Result};
pub use reach::Cause;
pub use sections::{without_names, without_relocations};
pub use table::with_table_at;

use crate::encode::encode;
use crate::memory::Memory;
use crate::module::{CoreModule, index};
use crate::reach::{Reached, Search};
use crate::relocations::Relocations;

/// A module that was shaken, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shaken {
    /// The core module.
    pub module: Vec<u8>,
    /// How many functions there were.
    pub n_functions: usize,
    /// How many are kept, by what reached each first.
    pub n_kept: BTreeMap<Cause, usize>,
}

/// Keeps of `snapshot` what its exports can reach. It is a snapshot of an instance of `linked`, taken between calls, so that what lies
/// below the stack pointer is of no use any more, and after the first call, so that what runs before all else has run.
///
/// # Errors
/// [`Error`] if the two do not belong together, or hold what the analysis does not know.
pub fn shake(linked: &[u8], snapshot: &[u8]) -> Result<Shaken> {
    let linked = CoreModule::read(linked)?;
    let snapshot = CoreModule::read(snapshot)?;
    check_same(&linked, &snapshot)?;
    let relocations = Relocations::read(&linked)?;
    let mut memory = snapshot.initial_memory();
    let stack_end = unused_stack(&linked, &snapshot, &relocations);
    let search = Search::new(&linked, &relocations, Memory::new(&memory, &linked));
    let reached = search.run(snapshot.exported_functions(), stack_end)?;
    clear(&mut memory, stack_end, &relocations, &reached);
    let functions: Vec<u32> = reached.functions.keys().copied().collect();
    let mut n_kept = BTreeMap::new();
    for cause in reached.functions.into_values() {
        *n_kept.entry(cause).or_insert(0) += 1;
    }
    let module = encode(&snapshot, &functions, relocations.constructors, &memory)?;
    Ok(Shaken { module, n_functions: snapshot.functions.len(), n_kept })
}

fn check_same(linked: &CoreModule<'_>, snapshot: &CoreModule<'_>) -> Result<()> {
    match () {
        () if linked.code_bytes() != snapshot.code_bytes() => Err(Error::Foreign("functions")),
        () if linked.types != snapshot.types || linked.functions != snapshot.functions => {
            Err(Error::Foreign("types"))
        }
        () if linked.table != snapshot.table => Err(Error::Foreign("tables")),
        () => Ok(()),
    }
}

/// The end of what lies below the stack pointer, if the stack is the first thing in memory.
fn unused_stack(linked: &CoreModule<'_>, snapshot: &CoreModule<'_>, relocations: &Relocations) -> u32 {
    let stack_pointer = relocations.stack_pointer.and_then(|global| snapshot.global(global)).unwrap_or(0);
    let first_data = linked.segments.iter().map(|segment| segment.address).min().unwrap_or(0);
    if stack_pointer <= first_data { stack_pointer } else { 0 }
}

/// Zeroes the unused stack and what belongs to symbols that nothing reaches.
fn clear(memory: &mut [u8], stack_end: u32, relocations: &Relocations, reached: &Reached) {
    let mut is_kept = vec![true; memory.len()];
    fill(&mut is_kept, &(0..stack_end), false);
    for symbol in &relocations.symbols {
        fill(&mut is_kept, symbol, false);
    }
    for symbol in reached.symbols.keys().filter_map(|symbol| relocations.symbols.get(*symbol)) {
        fill(&mut is_kept, symbol, true);
    }
    for (byte, _) in memory.iter_mut().zip(is_kept).filter(|(_, is_kept)| !is_kept) {
        *byte = 0;
    }
}

fn fill(flags: &mut [bool], addresses: &Range<u32>, value: bool) {
    let end = index(addresses.end).min(flags.len());
    if let Some(flags) = flags.get_mut(index(addresses.start)..end) {
        flags.fill(value);
    }
}
