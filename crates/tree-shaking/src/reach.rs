//! What the exports can reach: functions, and symbols of the initial data.
//!
//! - A function that is reached reaches the functions that it calls, and the data whose address it holds.
//! - Data that is as the linker left it reaches exactly what the linker says. Other data, the heap above all, may hold anything: a
//!   word of it that is an address within a symbol reaches the symbol, and one that is a table index refers to the function.
//! - A function whose table index is held somewhere is reached once something that is reached calls through the table with its
//!   type. If the index lies in a vtable, the call must also load it at that offset, or from where nothing is known.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::{Range, RangeInclusive};

use crate::calls::{CallSite, Calls, Origin, calls};
use crate::memory::{Memory, WORD};
use crate::module::{CoreModule, index};
use crate::relocations::{Reference, Relocations};
use crate::{Error, Result};

/// What is reached.
#[derive(Default)]
pub(crate) struct Reached {
    /// Functions, and what reached each first.
    pub(crate) functions: BTreeMap<u32, Cause>,
    /// Data symbols, by their place in [`Relocations::symbols`].
    pub(crate) symbols: BTreeMap<usize, Pointers>,
}

/// What reached a function first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// It is exported.
    Export,
    /// A function that is kept calls it.
    Call,
    /// A function that is kept holds its table index.
    Code,
    /// A vtable has it as a method that is called.
    Vtable,
    /// Other data that the linker has written holds its table index.
    Data,
    /// A word that was written later, in the heap say, is or looks like its table index.
    Memory,
}

/// The addresses by which a symbol is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Pointers {
    /// That of its first byte only.
    ToStart,
    /// Others too: an offset from such an address says nothing of the place in the symbol.
    ToWithin,
}

/// The search and what it has yet to follow.
pub(crate) struct Search<'a> {
    linked: &'a CoreModule<'a>,
    relocations: &'a Relocations,
    memory: Memory<'a>,
    /// The first type that is equal to each type.
    canonical: Vec<u32>,
    reached: Reached,
    functions: VecDeque<u32>,
    symbols: VecDeque<usize>,
    call_sites: BTreeSet<CallSite>,
    /// Functions that no call has reached yet, by their type and where their table index lies.
    candidates: BTreeMap<CallSite, Vec<(u32, Cause)>>,
}

impl<'a> Search<'a> {
    /// A search through `memory`, that of a snapshot of an instance of `linked`.
    pub(crate) fn new(linked: &'a CoreModule<'a>, relocations: &'a Relocations, memory: Memory<'a>) -> Self {
        Self {
            linked,
            relocations,
            memory,
            canonical: canonical(linked),
            reached: Reached::default(),
            functions: VecDeque::new(),
            symbols: VecDeque::new(),
            call_sites: BTreeSet::new(),
            candidates: BTreeMap::new(),
        }
    }

    /// Follows everything from these functions, and from memory outside of symbols from the address `start` on.
    ///
    /// # Errors
    /// If a body is malformed.
    pub(crate) fn run(mut self, roots: impl Iterator<Item = u32>, start: u32) -> Result<Reached> {
        for function in roots {
            self.reach_function(function, Cause::Export);
        }
        for addresses in self.memory.outside(&self.relocations.symbols, start) {
            self.scan(addresses);
        }
        loop {
            if let Some(function) = self.functions.pop_front() {
                self.follow_function(function)?;
            } else if let Some(symbol) = self.symbols.pop_front() {
                self.follow_symbol(symbol);
            } else {
                return Ok(self.reached);
            }
        }
    }

    fn reach_function(&mut self, function: u32, cause: Cause) {
        if let Entry::Vacant(entry) = self.reached.functions.entry(function) {
            entry.insert(cause);
            self.functions.push_back(function);
        }
    }

    fn reach_symbol(&mut self, symbol: usize, pointers: Pointers) {
        let known = self.reached.symbols.get(&symbol);
        if known.is_none_or(|known| *known < pointers) {
            self.reached.symbols.insert(symbol, pointers);
            self.symbols.push_back(symbol);
        }
    }

    fn reach_reference(&mut self, reference: Reference, slot: Origin, cause: Cause) {
        match reference {
            Reference::Function(function) => self.reach_table_index(function, slot, cause),
            Reference::Data { symbol, addend: 0 } => self.reach_symbol(symbol, Pointers::ToStart),
            Reference::Data { symbol, .. } => self.reach_symbol(symbol, Pointers::ToWithin),
        }
    }

    /// A table index is held somewhere: the function is reached if something calls it, now or later.
    fn reach_table_index(&mut self, function: u32, slot: Origin, cause: Cause) {
        let Some(signature) = self.linked.functions.get(index(function)).map(|ty| self.canonical(*ty)) else {
            return;
        };
        let place = CallSite { signature, origin: slot };
        if self.call_sites.range(of_signature(signature)).any(|site| may_be(site.origin, slot)) {
            self.reach_function(function, cause);
        } else {
            self.candidates.entry(place).or_default().push((function, cause));
        }
    }

    /// A call through the table is reached: so is every function that it may find there.
    fn reach_call_site(&mut self, site: CallSite) {
        let site = CallSite { signature: self.canonical(site.signature), ..site };
        if self.call_sites.insert(site) {
            let places = self.candidates.range(of_signature(site.signature));
            let found = places.filter(|(place, _)| may_be(site.origin, place.origin));
            let found: Vec<(u32, Cause)> = found.flat_map(|(_, candidates)| candidates).copied().collect();
            for (function, cause) in found {
                self.reach_function(function, cause);
            }
        }
    }

    fn follow_function(&mut self, function: u32) -> Result<()> {
        if Some(function) == self.relocations.constructors {
            return Ok(());
        }
        let missing = || Error::Unsupported(format!("it lacks function {function}"));
        let body = self.linked.bodies.get(index(function)).ok_or_else(missing)?;
        let Calls { direct, indirect } = calls(body, self.linked.n_params(function))?;
        for callee in direct {
            self.reach_function(callee, Cause::Call);
        }
        for site in indirect {
            self.reach_call_site(site);
        }
        let relocations = self.relocations;
        for reference in relocations.of_code(body.range()) {
            self.reach_reference(reference, Origin::Unknown, Cause::Code);
        }
        Ok(())
    }

    /// Follows what lies in the symbol.
    fn follow_symbol(&mut self, symbol: usize) {
        let (relocations, pointers) = (self.relocations, self.reached.symbols.get(&symbol));
        let Some(addresses) = relocations.symbols.get(symbol) else { return };
        if !self.memory.is_as_linked(addresses) {
            return self.scan(addresses.clone());
        }
        let is_vtable = pointers == Some(&Pointers::ToStart) && self.memory.is_vtable(addresses, relocations);
        for (address, reference) in relocations.of_data(addresses.clone()) {
            if is_vtable {
                let slot = Origin::Loaded(u64::from(address - addresses.start));
                self.reach_reference(reference, slot, Cause::Vtable);
            } else {
                self.reach_reference(reference, Origin::Unknown, Cause::Data);
            }
        }
    }

    /// Follows every word in these addresses that may be a reference.
    fn scan(&mut self, addresses: Range<u32>) {
        let relocations = self.relocations;
        for address in (addresses.start.next_multiple_of(WORD)..addresses.end).step_by(index(WORD)) {
            let word = self.memory.word(address);
            if let Some(Some(function)) = self.linked.table.get(index(word)) {
                self.reach_table_index(*function, Origin::Unknown, Cause::Memory);
            }
            for (symbol, is_start) in relocations.at(word) {
                let pointers = if is_start { Pointers::ToStart } else { Pointers::ToWithin };
                self.reach_symbol(symbol, pointers);
            }
        }
    }

    fn canonical(&self, ty: u32) -> u32 {
        self.canonical.get(index(ty)).copied().unwrap_or(ty)
    }
}

/// All places and calls of a type.
fn of_signature(signature: u32) -> RangeInclusive<CallSite> {
    CallSite { signature, origin: Origin::Loaded(0) }..=CallSite { signature, origin: Origin::Unknown }
}

/// Whether a call that takes its index from `site` may find the one that lies at `slot`.
fn may_be(site: Origin, slot: Origin) -> bool {
    site == slot || site == Origin::Unknown || slot == Origin::Unknown
}

fn canonical(module: &CoreModule<'_>) -> Vec<u32> {
    let mut first = BTreeMap::new();
    let types = module.types.iter().zip(0..);
    types.map(|(ty, idx)| *first.entry((ty.params(), ty.results())).or_insert(idx)).collect()
}
