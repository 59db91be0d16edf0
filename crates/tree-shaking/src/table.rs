//! Moves a linked module's functions to other indices of its table.
//!
//! A linker numbers them from one. In memory such an index looks like any small number, and every small number like an index.

use wasm_encoder::{ConstExpr, ElementSection, Elements, Module, RawSection, TableSection, TableType};
use wasmparser::{Parser, Payload, RefType};

use crate::module::CoreModule;
use crate::relocations::{Reference, Relocations};
use crate::{Error, Result};

/// The linked module with the first function of its table at `first`, in a table that has room for it. It still says what refers to what.
///
/// # Errors
/// [`Error::NotRelocatable`] if it does not say what refers to what, [`Error::Unsupported`] if its table is not one of functions,
/// or too large at that place.
pub fn with_table_at(linked: &[u8], first: u32) -> Result<Vec<u8>> {
    let module = CoreModule::read(linked)?;
    let relocations = Relocations::read(&module)?;
    let functions: Vec<u32> = module.table.iter().copied().skip_while(Option::is_none).flatten().collect();
    let start = module.table.iter().take_while(|entry| entry.is_none()).count();
    let (Some(old_first), true) = (u32::try_from(start).ok(), start + functions.len() == module.table.len())
    else {
        return Err(Error::Unsupported("its table has holes".to_owned()));
    };
    let shift = i64::from(first) - i64::from(old_first);
    let mut bytes = linked.to_vec();
    for (place, _) in relocations.in_code().filter(is_table_index) {
        shift_leb128(bytes.get_mut(place..).and_then(<[u8]>::first_chunk_mut), shift)?;
    }
    for (address, _) in relocations.in_data().filter(is_table_index) {
        let place = module.segments.iter().find_map(|segment| segment.position_of(address));
        shift_word(place.and_then(|place| bytes.get_mut(place..)?.first_chunk_mut()), shift)?;
    }
    let size = first.checked_add(u32::try_from(functions.len()).unwrap_or(u32::MAX));
    let size = size.ok_or_else(|| Error::Unsupported("its table would be too large".to_owned()))?;
    rewrite(&bytes, size, &elements(first, functions))
}

fn is_table_index<P>((_, reference): &(P, Reference)) -> bool {
    matches!(reference, Reference::Function(_))
}

fn elements(first: u32, functions: Vec<u32>) -> ElementSection {
    let mut elements = ElementSection::new();
    elements.active(None, &ConstExpr::i32_const(first.cast_signed()), Elements::Functions(functions.into()));
    elements
}

/// The module with another size of its table and other functions in it.
fn rewrite(bytes: &[u8], size: u32, elements: &ElementSection) -> Result<Vec<u8>> {
    let mut table = TableSection::new();
    let (minimum, maximum) = (u64::from(size), Some(u64::from(size)));
    let element_type = wasm_encoder::RefType::FUNCREF;
    table.table(TableType { element_type, table64: false, minimum, maximum, shared: false });
    let mut module = Module::new();
    for payload in Parser::new(0).parse_all(bytes) {
        let payload = payload?;
        match &payload {
            Payload::TableSection(tables) => {
                for ty in tables.clone() {
                    if ty?.ty.element_type != RefType::FUNCREF || tables.count() > 1 {
                        return Err(Error::Unsupported("its table is not one of functions".to_owned()));
                    }
                }
                module.section(&table);
            }
            Payload::ElementSection(_) => {
                module.section(elements);
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

/// Adds to a number that the linker has written as LEB128 of full length.
///
/// Source: WebAssembly Core Specification, 5.2.2.
fn shift_leb128(bytes: Option<&mut [u8; 5]>, shift: i64) -> Result<()> {
    let bytes = bytes.ok_or_else(beyond)?;
    let groups = bytes.iter().rev();
    let number = groups.fold(0_u64, |number, byte| (number << 7) | u64::from(byte & 0x7F));
    // 35 bits, of which the uppermost is the sign.
    let number = ((number << 29).cast_signed() >> 29) + shift;
    let number = i32::try_from(number).map_err(|_| beyond())?;
    for (group, byte) in bytes.iter_mut().enumerate() {
        let [low, ..] = (number >> (7 * group)).to_le_bytes();
        *byte = if group == 4 { low & 0x7F } else { low | 0x80 };
    }
    Ok(())
}

fn shift_word(bytes: Option<&mut [u8; 4]>, shift: i64) -> Result<()> {
    let bytes = bytes.ok_or_else(beyond)?;
    let word = i64::from(u32::from_le_bytes(*bytes)) + shift;
    *bytes = u32::try_from(word).map_err(|_| beyond())?.to_le_bytes();
    Ok(())
}

fn beyond() -> Error {
    Error::Unsupported("it has a table index that cannot be moved".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_padded_leb128_is_moved() {
        let mut bytes = [0x81, 0x80, 0x80, 0x80, 0x00];
        shift_leb128(Some(&mut bytes), 79_999).unwrap();
        assert_eq!(bytes, [0x80, 0xF1, 0x84, 0x80, 0x00]);
        shift_leb128(Some(&mut bytes), -80_001).unwrap();
        assert_eq!(bytes, [0xFF, 0xFF, 0xFF, 0xFF, 0x7F]);
    }
}
