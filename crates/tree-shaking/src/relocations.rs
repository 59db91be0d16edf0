//! What the linker says of a module: where data symbols lie, and which bytes of code and data refer to which symbol.
//!
//! Source: WebAssembly tool conventions, "Linking", sections `linking` and `reloc.*`.

use std::collections::BTreeMap;
use std::ops::Range;

use wasmparser::{
    DefinedDataSymbol, KnownCustom, Linking, LinkingSectionReader, RelocSectionReader, RelocationEntry,
    RelocationType, SymbolFlags, SymbolInfo,
};

use crate::module::{CoreModule, Segment, index};
use crate::{Error, Result};

/// The section of symbols.
pub(crate) const LINKING: &str = "linking";

/// The section of references from code.
pub(crate) const CODE: &str = "reloc.CODE";

/// The section of references from data.
pub(crate) const DATA: &str = "reloc.DATA";

/// The name of the global that holds the end of the unused part of the stack.
pub(crate) const STACK_POINTER: &str = "__stack_pointer";

/// The name of the function that calls what must run before all else.
pub(crate) const CONSTRUCTORS: &str = "__wasm_call_ctors";

/// What refers to what.
pub(crate) struct Relocations {
    /// The addresses of the data symbols, in order; none is empty, and some may overlap.
    pub(crate) symbols: Vec<Range<u32>>,
    /// For each symbol, the furthest end of it and those before it.
    furthest_ends: Vec<u32>,
    /// References from code, by the place in the module.
    code: BTreeMap<usize, Reference>,
    /// References from data, by address.
    data: BTreeMap<u32, Reference>,
    /// The global that points into the stack.
    pub(crate) stack_pointer: Option<u32>,
    /// The function that an instance calls before any other.
    pub(crate) constructors: Option<u32>,
}

/// A place that holds a table index or an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reference {
    /// The table index of this function.
    Function(u32),
    /// An address: that of this symbol, or so many bytes off.
    Data {
        /// Its place in [`Relocations::symbols`].
        symbol: usize,
        /// What is added to the symbol's address.
        addend: i64,
    },
}

/// A symbol of the linker's table, as far as references go.
enum Symbol {
    Function(u32),
    Data(Range<u32>),
    Other,
}

impl Relocations {
    /// Reads the linker's sections.
    ///
    /// # Errors
    /// [`Error::NotRelocatable`] if one is missing.
    pub(crate) fn read(module: &CoreModule<'_>) -> Result<Self> {
        let (mut linking, mut code, mut data) = (None, None, None);
        for section in &module.custom {
            match (section.name(), section.as_known()) {
                (_, KnownCustom::Linking(reader)) => linking = Some(reader),
                (CODE, KnownCustom::Reloc(reader)) => code = Some(reader),
                (DATA, KnownCustom::Reloc(reader)) => data = Some(reader),
                _ => {}
            }
        }
        let SymbolTable { symbols: table, stack_pointer, constructors } =
            SymbolTable::read(module, linking.ok_or(Error::NotRelocatable(LINKING))?)?;
        let mut symbols: Vec<Range<u32>> = table.iter().filter_map(Symbol::data).collect();
        symbols.sort_by_key(|symbol| (symbol.start, symbol.end));
        symbols.dedup();
        let resolver = Resolver { table, symbols: &symbols };
        let code = resolver.references(code.ok_or(Error::NotRelocatable(CODE))?, |offset| {
            Some(module.code.start + offset)
        })?;
        let data = resolver.references(data.ok_or(Error::NotRelocatable(DATA))?, |offset| {
            address(&module.segments, module.data_start + offset)
        })?;
        Ok(Self { furthest_ends: furthest_ends(&symbols), symbols, code, data, stack_pointer, constructors })
    }

    /// The references from code, and their places in the module.
    pub(crate) fn in_code(&self) -> impl Iterator<Item = (usize, Reference)> {
        self.code.iter().map(|(place, reference)| (*place, *reference))
    }

    /// The references from data, and their addresses.
    pub(crate) fn in_data(&self) -> impl Iterator<Item = (u32, Reference)> {
        self.data.iter().map(|(address, reference)| (*address, *reference))
    }

    /// The references of a function whose body lies there.
    pub(crate) fn of_code(&self, body: Range<usize>) -> impl Iterator<Item = Reference> {
        self.code.range(body).map(|(_, reference)| *reference)
    }

    /// The references within these addresses, and their addresses.
    pub(crate) fn of_data(&self, addresses: Range<u32>) -> impl Iterator<Item = (u32, Reference)> {
        self.data.range(addresses).map(|(address, reference)| (*address, *reference))
    }

    /// The symbols that this address belongs to, and whether it is their first.
    pub(crate) fn at(&self, address: u32) -> impl Iterator<Item = (usize, bool)> {
        let after = self.symbols.partition_point(|symbol| symbol.start <= address);
        let before = self.symbols.iter().zip(&self.furthest_ends).enumerate().take(after).rev();
        before
            .take_while(move |(_, (_, furthest_end))| **furthest_end > address)
            .filter(move |(_, (symbol, _))| symbol.contains(&address))
            .map(move |(idx, (symbol, _))| (idx, symbol.start == address))
    }
}

/// The symbol table, and where its data symbols went.
struct Resolver<'a> {
    table: Vec<Symbol>,
    symbols: &'a [Range<u32>],
}

impl Resolver<'_> {
    /// The references of one section; `place` says where an offset into it is.
    fn references<P: Ord>(
        &self,
        section: RelocSectionReader<'_>,
        place: impl Fn(usize) -> Option<P>,
    ) -> Result<BTreeMap<P, Reference>> {
        let mut references = BTreeMap::new();
        for entry in section.entries() {
            let entry = entry?;
            if let (Some(reference), Some(place)) = (self.reference(&entry)?, place(index(entry.offset))) {
                references.insert(place, reference);
            }
        }
        Ok(references)
    }

    /// What an entry refers to, if that is a table index or a data symbol. Calls are read from the code itself.
    fn reference(&self, entry: &RelocationEntry) -> Result<Option<Reference>> {
        let symbol = self.table.get(index(entry.index));
        match entry.ty {
            RelocationType::TableIndexSleb | RelocationType::TableIndexI32 => match symbol {
                Some(Symbol::Function(function)) => Ok(Some(Reference::Function(*function))),
                _ => Err(Error::Unsupported("it has a table index of what is no function".to_owned())),
            },
            RelocationType::MemoryAddrLeb
            | RelocationType::MemoryAddrSleb
            | RelocationType::MemoryAddrI32 => {
                Ok(symbol.and_then(Symbol::data).and_then(|symbol| self.data(&symbol, entry.addend)))
            }
            RelocationType::FunctionIndexLeb
            | RelocationType::TypeIndexLeb
            | RelocationType::GlobalIndexLeb
            | RelocationType::TableNumberLeb => Ok(None),
            other => Err(Error::Unsupported(format!("it has a relocation {other:?}"))),
        }
    }

    fn data(&self, symbol: &Range<u32>, addend: i64) -> Option<Reference> {
        let place = self
            .symbols
            .binary_search_by_key(&(symbol.start, symbol.end), |symbol| (symbol.start, symbol.end));
        place.ok().map(|symbol| Reference::Data { symbol, addend })
    }
}

impl Symbol {
    fn data(&self) -> Option<Range<u32>> {
        match self {
            Self::Data(range) => Some(range.clone()),
            _ => None,
        }
    }
}

/// The linker's symbols in their order, and those that are known by name.
#[derive(Default)]
struct SymbolTable {
    symbols: Vec<Symbol>,
    stack_pointer: Option<u32>,
    constructors: Option<u32>,
}

impl SymbolTable {
    fn read(module: &CoreModule<'_>, linking: LinkingSectionReader<'_>) -> Result<Self> {
        let mut table = Self::default();
        for subsection in linking {
            if let Linking::SymbolTable(symbols) = subsection? {
                for symbol in symbols {
                    table.push(module, &symbol?);
                }
            }
        }
        Ok(table)
    }

    fn push(&mut self, module: &CoreModule<'_>, symbol: &SymbolInfo<'_>) {
        match symbol {
            SymbolInfo::Func { index, name: Some(CONSTRUCTORS), .. } => self.constructors = Some(*index),
            SymbolInfo::Global { index, name: Some(STACK_POINTER), .. } => self.stack_pointer = Some(*index),
            _ => {}
        }
        self.symbols.push(match symbol {
            SymbolInfo::Func { index, .. } => Symbol::Function(*index),
            SymbolInfo::Data { symbol: Some(defined), flags, .. }
                if !flags.contains(SymbolFlags::ABSOLUTE) =>
            {
                data_symbol(module, defined).map_or(Symbol::Other, Symbol::Data)
            }
            _ => Symbol::Other,
        });
    }
}

/// Where the symbol lies, if it is not empty and the module initialises it.
fn data_symbol(module: &CoreModule<'_>, defined: &DefinedDataSymbol) -> Option<Range<u32>> {
    let segment = module.segments.get(index(defined.index))?;
    let start = segment.address.checked_add(defined.offset)?;
    let range = start..start.checked_add(defined.size)?;
    (!range.is_empty()).then_some(range)
}

/// The address of what is at that place in the module, if it is data.
fn address(segments: &[Segment<'_>], position: usize) -> Option<u32> {
    segments.iter().find_map(|segment| {
        let offset = position.checked_sub(segment.position).filter(|offset| *offset < segment.bytes.len())?;
        Some(segment.address + u32::try_from(offset).ok()?)
    })
}

/// For each range, the furthest end of it and those before it.
fn furthest_ends(symbols: &[Range<u32>]) -> Vec<u32> {
    let furthest = symbols.iter().scan(0, |furthest, symbol| {
        *furthest = symbol.end.max(*furthest);
        Some(*furthest)
    });
    furthest.collect()
}
