//! A core module, read once: what the analysis and the encoding need of it.

use std::ops::Range;

use wasmparser::{
    CustomSectionReader, DataKind, ElementItems, ElementKind, Export, ExternalKind, FuncType, FunctionBody,
    GlobalType, MemoryType, Operator, Parser, Payload, TableType,
};

use crate::{Error, Result};

/// A module of one memory and at most one table, which imports nothing.
#[derive(Default)]
pub(crate) struct CoreModule<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) types: Vec<FuncType>,
    /// The type of each function.
    pub(crate) functions: Vec<u32>,
    pub(crate) bodies: Vec<FunctionBody<'a>>,
    pub(crate) code: Range<usize>,
    pub(crate) tables: Vec<TableType>,
    /// The function at each index of the table.
    pub(crate) table: Vec<Option<u32>>,
    pub(crate) memory: Option<MemoryType>,
    pub(crate) globals: Vec<(GlobalType, wasmparser::ConstExpr<'a>)>,
    pub(crate) exports: Vec<Export<'a>>,
    pub(crate) data_start: usize,
    pub(crate) segments: Vec<Segment<'a>>,
    pub(crate) custom: Vec<CustomSectionReader<'a>>,
}

/// An active data segment.
pub(crate) struct Segment<'a> {
    /// Where its bytes are in the module.
    pub(crate) position: usize,
    pub(crate) address: u32,
    pub(crate) bytes: &'a [u8],
}

impl Segment<'_> {
    /// Where in the module the byte of that address is, if it belongs to the segment.
    pub(crate) fn position_of(&self, address: u32) -> Option<usize> {
        let offset = index(address.checked_sub(self.address)?);
        (offset < self.bytes.len()).then(|| self.position + offset)
    }
}

impl<'a> CoreModule<'a> {
    /// Reads a module.
    ///
    /// # Errors
    /// If it is none, imports something, or initialises memory or table otherwise than at constant places.
    pub(crate) fn read(bytes: &'a [u8]) -> Result<Self> {
        let mut module = Self { bytes, ..Self::default() };
        for payload in Parser::new(0).parse_all(bytes) {
            module.read_section(payload?)?;
        }
        if module.functions.len() != module.bodies.len() {
            return Err(unsupported("functions without bodies"));
        }
        Ok(module)
    }

    fn read_section(&mut self, payload: Payload<'a>) -> Result<()> {
        match payload {
            Payload::TypeSection(types) => {
                self.types = types.into_iter_err_on_gc_types().collect::<wasmparser::Result<_>>()?;
            }
            Payload::ImportSection(imports) if imports.count() > 0 => return Err(unsupported("imports")),
            Payload::FunctionSection(functions) => {
                self.functions = functions.into_iter().collect::<wasmparser::Result<_>>()?;
            }
            Payload::TableSection(tables) => {
                self.tables = tables.into_iter().map(|table| Ok(table?.ty)).collect::<Result<_>>()?;
            }
            Payload::MemorySection(memories) => {
                self.memory = memories.into_iter().next().transpose()?;
            }
            Payload::GlobalSection(globals) => {
                for global in globals {
                    let global = global?;
                    self.globals.push((global.ty, global.init_expr));
                }
            }
            Payload::ExportSection(exports) => {
                self.exports = exports.into_iter().collect::<wasmparser::Result<_>>()?;
            }
            Payload::StartSection { .. } => return Err(unsupported("a start function")),
            Payload::ElementSection(elements) => self.read_elements(elements)?,
            Payload::CodeSectionStart { range, .. } => self.code = range,
            Payload::CodeSectionEntry(body) => self.bodies.push(body),
            Payload::DataSection(segments) => self.read_data(segments)?,
            Payload::CustomSection(section) => self.custom.push(section),
            _ => {}
        }
        Ok(())
    }

    fn read_elements(&mut self, elements: wasmparser::ElementSectionReader<'a>) -> Result<()> {
        for element in elements {
            let element = element?;
            let ElementKind::Active { table_index: None | Some(0), offset_expr } = element.kind else {
                return Err(unsupported("a table that is not initialised at a constant place"));
            };
            let ElementItems::Functions(functions) = element.items else {
                return Err(unsupported("a table that is not initialised with functions"));
            };
            let start = index(constant(&offset_expr)?);
            for (slot, function) in functions.into_iter().enumerate() {
                let slot = start + slot;
                self.table.resize(self.table.len().max(slot + 1), None);
                if let Some(entry) = self.table.get_mut(slot) {
                    *entry = Some(function?);
                }
            }
        }
        Ok(())
    }

    fn read_data(&mut self, segments: wasmparser::DataSectionReader<'a>) -> Result<()> {
        self.data_start = segments.range().start;
        for segment in segments {
            let segment = segment?;
            let offset_expr = match segment.kind {
                DataKind::Active { memory_index: 0, offset_expr } => offset_expr,
                // What a snapshot leaves of the segments that it has replaced.
                DataKind::Passive if segment.data.is_empty() => continue,
                _ => return Err(unsupported("data that is not written at a constant place")),
            };
            let address = constant(&offset_expr)?;
            let position = segment.range.end - segment.data.len();
            self.segments.push(Segment { position, address, bytes: segment.data });
        }
        Ok(())
    }

    /// The functions that are called from outside.
    pub(crate) fn exported_functions(&self) -> impl Iterator<Item = u32> {
        self.exports.iter().filter(|export| export.kind == ExternalKind::Func).map(|export| export.index)
    }

    /// The bytes of the code section.
    pub(crate) fn code_bytes(&self) -> &'a [u8] {
        self.bytes.get(self.code.clone()).unwrap_or_default()
    }

    /// The memory as it is initialised, up to its last byte that is not zero.
    pub(crate) fn initial_memory(&self) -> Vec<u8> {
        let ends = self.segments.iter().map(|segment| index(segment.address) + segment.bytes.len());
        let mut memory = vec![0; ends.max().unwrap_or(0)];
        for segment in &self.segments {
            let start = index(segment.address);
            if let Some(target) = memory.get_mut(start..start + segment.bytes.len()) {
                target.copy_from_slice(segment.bytes);
            }
        }
        memory
    }

    /// How many arguments a function takes.
    pub(crate) fn n_params(&self, function: u32) -> usize {
        let ty = self.functions.get(index(function)).and_then(|ty| self.types.get(index(*ty)));
        ty.map_or(0, |ty| ty.params().len())
    }

    /// The first value of a global of 32 bits.
    pub(crate) fn global(&self, global: u32) -> Option<u32> {
        constant(&self.globals.get(index(global))?.1).ok()
    }
}

/// An index or address as a place in a slice. Wasm's are of 32 bits, which every host of this code can address.
pub(crate) const fn index(number: u32) -> usize {
    number as usize
}

fn constant(expression: &wasmparser::ConstExpr<'_>) -> Result<u32> {
    match expression.get_operators_reader().read()? {
        Operator::I32Const { value } => Ok(value.cast_unsigned()),
        _ => Err(unsupported("a place that is no constant")),
    }
}

fn unsupported(what: &str) -> Error {
    Error::Unsupported(format!("it has {what}"))
}
