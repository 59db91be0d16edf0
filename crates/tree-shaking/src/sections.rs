//! The custom sections of a linked module: what shaking needs, without what it does not; and none of it.

use wasm_encoder::{DataSymbolDefinition, LinkingSection, Module, RawSection, SymbolTable};
use wasmparser::{
    CustomSectionReader, KnownCustom, Linking, LinkingSectionReader, Parser, Payload, SymbolInfo,
};

use crate::Result;
use crate::relocations::{CODE, CONSTRUCTORS, DATA, LINKING, STACK_POINTER};

/// The sections that a component is made by.
const COMPONENT_TYPE: &str = "component-type";

/// The module without what the linker says of it, of names or for a debugger.
///
/// # Errors
/// If the bytes are not a module.
pub fn without_relocations(linked: &[u8]) -> Result<Vec<u8>> {
    filter(linked, |_, _| Ok(()))
}

/// The module with what [`shake`](crate::shake) needs, but without names and without what is there for a debugger.
///
/// # Errors
/// If the bytes are not a module, or what the linker says is malformed.
pub fn without_names(linked: &[u8]) -> Result<Vec<u8>> {
    filter(linked, |module, section| {
        match (section.name(), section.as_known()) {
            (LINKING, KnownCustom::Linking(linking)) => {
                module.section(LinkingSection::new().symbol_table(&nameless(linking)?));
            }
            (CODE | DATA, _) => {
                module.section(&wasm_encoder::CustomSection {
                    name: section.name().into(),
                    data: section.data().into(),
                });
            }
            _ => {}
        }
        Ok(())
    })
}

/// Copies a module, all but its custom sections; `custom` decides about those that make no component.
fn filter(
    bytes: &[u8],
    custom: impl Fn(&mut Module, &CustomSectionReader<'_>) -> Result<()>,
) -> Result<Vec<u8>> {
    let mut module = Module::new();
    for payload in Parser::new(0).parse_all(bytes) {
        match payload? {
            Payload::CustomSection(section) if !section.name().starts_with(COMPONENT_TYPE) => {
                custom(&mut module, &section)?;
            }
            payload => {
                if let Some((id, range)) = payload.as_section() {
                    module.section(&RawSection { id, data: bytes.get(range).unwrap_or_default() });
                }
            }
        }
    }
    Ok(module.finish())
}

/// The symbol table, with the names only of what is looked up by name. Every symbol keeps its place.
fn nameless(linking: LinkingSectionReader<'_>) -> Result<SymbolTable> {
    let mut nameless = SymbolTable::new();
    for subsection in linking {
        let Linking::SymbolTable(symbols) = subsection? else { continue };
        for symbol in symbols {
            match symbol? {
                SymbolInfo::Func { flags, index, name } => {
                    let name = name.map(|name| if name == CONSTRUCTORS { name } else { "" });
                    nameless.function(flags.bits(), index, name);
                }
                SymbolInfo::Data { flags, symbol, .. } => {
                    let definition = symbol.map(|defined| DataSymbolDefinition {
                        index: defined.index,
                        offset: defined.offset,
                        size: defined.size,
                    });
                    nameless.data(flags.bits(), "", definition);
                }
                SymbolInfo::Global { flags, index, name } => {
                    let name = name.map(|name| if name == STACK_POINTER { name } else { "" });
                    nameless.global(flags.bits(), index, name);
                }
                SymbolInfo::Table { .. } | SymbolInfo::Section { .. } | SymbolInfo::Event { .. } => {
                    nameless.data(SymbolTable::WASM_SYM_UNDEFINED, "", None);
                }
            }
        }
    }
    Ok(nameless)
}
