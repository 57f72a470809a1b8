//! The heap of a plugin: first a room in the memory that an instance begins with, then what the
//! host adds to it.
//!
//! Adding memory is a system call, and another when the instance is gone. A small request needs
//! none: all that it takes fits into the room. The room costs nothing where it is not used.

use std::alloc::{GlobalAlloc, Layout};
use std::arch::wasm32::memory_grow;
use std::cell::{Cell, UnsafeCell};
use std::ptr;

use dlmalloc::{Allocator, Dlmalloc};

/// Bytes of the room: twice what a search of collections takes.
const ROOM: usize = 256 << 10;

/// A page of WebAssembly's memory.
const PAGE: usize = 64 << 10;

#[repr(align(16))]
struct Room(UnsafeCell<[u8; ROOM]>);

/// Where the heap gets its memory from.
struct Memory {
    is_room_taken: Cell<bool>,
}

struct Heap(UnsafeCell<Dlmalloc<Memory>>);

static THE_ROOM: Room = Room(UnsafeCell::new([0; ROOM]));

#[global_allocator]
static HEAP: Heap = Heap(UnsafeCell::new(Dlmalloc::new_with_allocator(Memory {
    is_room_taken: Cell::new(false),
})));

#[expect(unsafe_code, reason = "an instance has one thread")]
// SAFETY: as the reason above says, nobody else is there to share it with.
unsafe impl Sync for Room {}

#[expect(unsafe_code, reason = "an instance has one thread")]
// SAFETY: as the reason above says, nobody else is there to share it with.
unsafe impl Sync for Heap {}

#[expect(unsafe_code, reason = "whoever hands out memory answers for it")]
// SAFETY: the room is handed out once, and nothing else looks at it; what is added to the memory
// is nobody else's. Both are zero, aligned to 16 bytes and stay for the instance's life.
unsafe impl Allocator for Memory {
    fn alloc(&self, size: usize) -> (*mut u8, usize, u32) {
        if size <= ROOM && !self.is_room_taken.replace(true) {
            return (THE_ROOM.0.get().cast(), ROOM, 0);
        }
        let pages = size.div_ceil(PAGE);
        let before = memory_grow(0, pages);
        // The last page of 4 GiB ends where an address cannot point to.
        if before == usize::MAX || (before + pages).checked_mul(PAGE).is_none() {
            return (ptr::null_mut(), 0, 0);
        }
        (
            ptr::with_exposed_provenance_mut(before * PAGE),
            pages * PAGE,
            0,
        )
    }

    fn remap(&self, _: *mut u8, _: usize, _: usize, _: bool) -> *mut u8 {
        ptr::null_mut()
    }

    fn free_part(&self, _: *mut u8, _: usize, _: usize) -> bool {
        false
    }

    fn free(&self, _: *mut u8, _: usize) -> bool {
        false
    }

    fn can_release_part(&self, _: u32) -> bool {
        false
    }

    fn allocates_zeros(&self) -> bool {
        true
    }

    fn page_size(&self) -> usize {
        PAGE
    }
}

#[expect(unsafe_code, reason = "allocators are asked by raw pointers")]
// SAFETY: the calls go to an allocator with the same promises; an instance has one thread, and
// the allocator never allocates itself.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        unsafe { (*self.0.get()).malloc(layout.size(), layout.align()) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        unsafe { (*self.0.get()).calloc(layout.size(), layout.align()) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        unsafe { (*self.0.get()).free(pointer, layout.size(), layout.align()) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        unsafe { (*self.0.get()).realloc(pointer, layout.size(), layout.align(), size) }
    }
}
