//! The memory of a snapshot, beside what the linker had put there.

use std::ops::Range;

use crate::module::{CoreModule, index};
use crate::relocations::{Reference, Relocations};

/// Bytes of a table index or an address in memory.
pub(crate) const WORD: u32 = 4;

/// Words of a vtable before its methods: the function that drops a value, the value's size, its alignment.
///
/// Source: rustc, `COMMON_VTABLE_ENTRIES`; not promised by the language, so what does not look like it is no vtable here.
const N_COMMON_ENTRIES: u32 = 3;

/// The memory of a snapshot.
pub(crate) struct Memory<'a> {
    now: &'a [u8],
    linked: Vec<u8>,
}

impl<'a> Memory<'a> {
    /// `now` is the memory of an instance of `linked`.
    pub(crate) fn new(now: &'a [u8], linked: &CoreModule<'_>) -> Self {
        Self { now, linked: linked.initial_memory() }
    }

    /// The word at an address; zero beyond what is initialised.
    pub(crate) fn word(&self, address: u32) -> u32 {
        let bytes = self.now.get(index(address)..).and_then(|bytes| bytes.first_chunk());
        bytes.map_or(0, |bytes| u32::from_le_bytes(*bytes))
    }

    /// Whether nothing has been written there.
    pub(crate) fn is_as_linked(&self, addresses: &Range<u32>) -> bool {
        let byte = |memory: &[u8], address: usize| memory.get(address).copied().unwrap_or(0);
        let mut addresses = index(addresses.start)..index(addresses.end);
        addresses.all(|address| byte(self.now, address) == byte(&self.linked, address))
    }

    /// What belongs to none of these symbols, from `start` on: the heap, and what the linker does not tell of.
    pub(crate) fn outside(&self, symbols: &[Range<u32>], start: u32) -> Vec<Range<u32>> {
        let end = u32::try_from(self.now.len()).unwrap_or(u32::MAX);
        let (mut outside, mut next) = (Vec::new(), start);
        for symbol in symbols {
            outside.push(next..symbol.start);
            next = next.max(symbol.end);
        }
        outside.push(next..end);
        outside.retain(|addresses| !addresses.is_empty());
        outside
    }

    /// Whether a symbol has the shape of a vtable: function or zero, size, alignment, then methods, other vtables or zeros.
    pub(crate) fn is_vtable(&self, addresses: &Range<u32>, relocations: &Relocations) -> bool {
        let n_words = addresses.len() / index(WORD);
        let is_whole = addresses.start.is_multiple_of(WORD) && addresses.len().is_multiple_of(index(WORD));
        let mut words = (addresses.start..addresses.end).step_by(index(WORD)).zip(0..);
        is_whole
            && n_words >= index(N_COMMON_ENTRIES)
            && words.all(|(address, slot)| {
                match (slot, relocations.of_data(address..address + WORD).next()) {
                    (1 | 2, Some(_)) | (0, Some((_, Reference::Data { .. }))) => false,
                    (1, None) => true,
                    (2, None) => self.is_size_and_alignment(addresses.start),
                    (_, None) => self.word(address) == 0,
                    (_, Some((place, Reference::Function(_) | Reference::Data { addend: 0, .. }))) => {
                        place == address
                    }
                    (_, Some(_)) => false,
                }
            })
    }

    fn is_size_and_alignment(&self, vtable: u32) -> bool {
        let (size, alignment) = (self.word(vtable + WORD), self.word(vtable + 2 * WORD));
        alignment.is_power_of_two() && size.is_multiple_of(alignment)
    }
}
