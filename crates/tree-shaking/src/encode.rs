//! The module of what is reached: the other functions are gone, the table has holes where they were, and their data is zero.

use std::collections::BTreeMap;
use std::convert::Infallible;

use wasm_encoder::reencode::{self, Reencode};
use wasm_encoder::{
    CodeSection, ConstExpr, DataSection, ElementSection, Elements, ExportSection, Function, FunctionSection,
    GlobalSection, MemorySection, Module, TableSection, TypeSection,
};

use crate::Result;
use crate::module::{CoreModule, index};

/// Zeros that take less room in a data segment than the header of another.
const LONGEST_ZEROS: usize = 8;

/// Encodes `module` with these functions only, in ascending order, of which `trap` does nothing but that, and with this memory.
///
/// # Errors
/// If the module has what Wasm of one memory and one table has not.
pub(crate) fn encode(
    module: &CoreModule<'_>,
    functions: &[u32],
    trap: Option<u32>,
    memory: &[u8],
) -> Result<Vec<u8>> {
    let mut renumbering = Renumbering::of(functions);
    let (declarations, code) = code(module, functions, trap, &mut renumbering)?;
    let globals = globals(module, &mut renumbering)?;
    let exports = exports(module, &mut renumbering)?;
    let mut encoded = Module::new();
    encoded.section(&types(module, &renumbering)?).section(&declarations);
    encoded.section(&tables(module, &mut renumbering)?).section(&memories(module, &mut renumbering)?);
    encoded.section(&globals).section(&exports).section(&elements(module, &renumbering));
    encoded.section(&code).section(&data(memory));
    Ok(encoded.finish())
}

/// The new indices of functions and types. Types get theirs as they are met.
#[derive(Default)]
struct Renumbering {
    functions: BTreeMap<u32, u32>,
    types: BTreeMap<u32, u32>,
}

impl Renumbering {
    fn of(functions: &[u32]) -> Self {
        Self { functions: functions.iter().copied().zip(0..).collect(), types: BTreeMap::new() }
    }
}

impl Reencode for Renumbering {
    type Error = Infallible;

    fn function_index(&mut self, function: u32) -> Result<u32, reencode::Error<Infallible>> {
        // Whatever is named has been reached; an index that no module has would be refused by whoever reads the module.
        Ok(self.functions.get(&function).copied().unwrap_or(u32::MAX))
    }

    fn type_index(&mut self, ty: u32) -> Result<u32, reencode::Error<Infallible>> {
        let next = u32::try_from(self.types.len()).unwrap_or(u32::MAX);
        Ok(*self.types.entry(ty).or_insert(next))
    }
}

fn code(
    module: &CoreModule<'_>,
    functions: &[u32],
    trap: Option<u32>,
    renumbering: &mut Renumbering,
) -> Result<(FunctionSection, CodeSection)> {
    let (mut declarations, mut code) = (FunctionSection::new(), CodeSection::new());
    for &function in functions {
        let place = index(function);
        if let (Some(ty), Some(body)) = (module.functions.get(place), module.bodies.get(place)) {
            declarations.function(renumbering.type_index(*ty)?);
            if trap == Some(function) {
                code.function(&unreachable());
            } else {
                renumbering.parse_function_body(&mut code, body.clone())?;
            }
        }
    }
    Ok((declarations, code))
}

fn unreachable() -> Function {
    let mut function = Function::new([]);
    function.instructions().unreachable().end();
    function
}

fn types(module: &CoreModule<'_>, renumbering: &Renumbering) -> Result<TypeSection> {
    let by_new_index: BTreeMap<u32, u32> = renumbering.types.iter().map(|(old, new)| (*new, *old)).collect();
    let mut types = TypeSection::new();
    for ty in by_new_index.values().filter_map(|old| module.types.get(index(*old))) {
        types.ty().func_type(&Renumbering::default().func_type(ty.clone())?);
    }
    Ok(types)
}

fn tables(module: &CoreModule<'_>, renumbering: &mut Renumbering) -> Result<TableSection> {
    let mut tables = TableSection::new();
    for table in &module.tables {
        tables.table(renumbering.table_type(*table)?);
    }
    Ok(tables)
}

fn memories(module: &CoreModule<'_>, renumbering: &mut Renumbering) -> Result<MemorySection> {
    let mut memories = MemorySection::new();
    if let Some(memory) = module.memory {
        memories.memory(renumbering.memory_type(memory)?);
    }
    Ok(memories)
}

fn globals(module: &CoreModule<'_>, renumbering: &mut Renumbering) -> Result<GlobalSection> {
    let mut globals = GlobalSection::new();
    for (ty, value) in &module.globals {
        globals.global(renumbering.global_type(*ty)?, &renumbering.const_expr(value.clone())?);
    }
    Ok(globals)
}

fn exports(module: &CoreModule<'_>, renumbering: &mut Renumbering) -> Result<ExportSection> {
    let mut exports = ExportSection::new();
    for export in &module.exports {
        renumbering.parse_export(&mut exports, *export)?;
    }
    Ok(exports)
}

/// The table, in runs of functions that are still there. A call of another index traps.
fn elements(module: &CoreModule<'_>, renumbering: &Renumbering) -> ElementSection {
    let mut elements = ElementSection::new();
    let kept = module.table.iter().map(|entry| renumbering.functions.get(&(*entry)?).copied());
    let kept: Vec<Option<u32>> = kept.collect();
    let mut start = 0;
    for run in kept.chunk_by(|left, right| left.is_some() == right.is_some()) {
        let functions: Vec<u32> = run.iter().flatten().copied().collect();
        if !functions.is_empty() {
            elements.active(None, &ConstExpr::i32_const(start), Elements::Functions(functions.into()));
        }
        start = start.saturating_add_unsigned(u32::try_from(run.len()).unwrap_or(u32::MAX));
    }
    elements
}

/// The memory, without what is zero.
fn data(memory: &[u8]) -> DataSection {
    let mut data = DataSection::new();
    let mut rest = 0;
    while let Some(length) = memory.get(rest..).and_then(|rest| rest.iter().position(|byte| *byte != 0)) {
        let start = rest + length;
        let bytes = memory.get(start..).map_or(&[][..], until_zeros);
        rest = start + bytes.len();
        let address = u32::try_from(start).unwrap_or(u32::MAX).cast_signed();
        data.active(0, &ConstExpr::i32_const(address), bytes.iter().copied());
    }
    data
}

/// The bytes up to where more than a few zeros follow.
fn until_zeros(bytes: &[u8]) -> &[u8] {
    let mut end = 0;
    for (idx, byte) in bytes.iter().enumerate() {
        if *byte != 0 {
            end = idx + 1;
        } else if idx - end >= LONGEST_ZEROS {
            break;
        }
    }
    bytes.get(..end).unwrap_or_default()
}
