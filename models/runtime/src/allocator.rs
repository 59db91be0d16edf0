//! The global allocator, which zeroes what is freed while a model loads.
//!
//! The packer snapshots the whole memory and keeps only what is not zero, so nothing that loading has thrown away travels
//! with the packed model. After loading it is the standard allocator, untouched.

#![expect(unsafe_code, reason = "a global allocator is unsafe by its trait")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, Ordering};

#[global_allocator]
static ALLOCATOR: SweepingAllocator = SweepingAllocator { sweeping: AtomicBool::new(false) };

struct SweepingAllocator {
    sweeping: AtomicBool,
}

/// Zeroes freed memory until dropped.
pub(crate) struct Sweeping;

/// Zeroes every allocation freed from now on, until the returned value is dropped.
pub(crate) fn zero_freed_memory() -> Sweeping {
    ALLOCATOR.sweeping.store(true, Ordering::Relaxed);
    Sweeping
}

impl Drop for Sweeping {
    fn drop(&mut self) {
        ALLOCATOR.sweeping.store(false, Ordering::Relaxed);
    }
}

// SAFETY: every request goes to `System` with the layout it came with; memory is only written while it is still owned.
unsafe impl GlobalAlloc for SweepingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: forwarded as is.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: forwarded as is.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: `pointer` owns `layout.size()` bytes until `System.dealloc` returns.
        unsafe {
            if self.sweeping.load(Ordering::Relaxed) {
                pointer.write_bytes(0, layout.size());
            }
            System.dealloc(pointer, layout);
        }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        if !self.sweeping.load(Ordering::Relaxed) {
            // SAFETY: forwarded as is.
            return unsafe { System.realloc(pointer, layout, new_size) };
        }
        // SAFETY: the caller promises that `new_size` with this alignment is a valid layout; both blocks are owned.
        unsafe {
            let new_layout = Layout::from_size_align_unchecked(new_size, layout.align());
            let moved = System.alloc(new_layout);
            if !moved.is_null() {
                moved.copy_from_nonoverlapping(pointer, layout.size().min(new_size));
                self.dealloc(pointer, layout);
            }
            moved
        }
    }
}
