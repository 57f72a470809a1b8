//! The allocator, and how soon it gives memory back to the system.

use std::ffi::{c_int, c_long};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The place of `mi_option_purge_delay` among mimalloc's options. The crate has no name for it.
const PURGE_DELAY: c_int = 15;

/// Milliseconds until memory that nobody uses goes back. Mimalloc's own choice is a second,
/// and as it only looks when memory is asked for, what it took to compile the plugins would
/// stay with a server that rests.
const SOON: c_long = 10;

/// Gives memory back soon, unless `MIMALLOC_PURGE_DELAY` says otherwise.
#[expect(unsafe_code, reason = "mimalloc's options are set by a function of C")]
pub(crate) fn give_back_soon() {
    // SAFETY: it stores a number, and mimalloc lets that be done at any time.
    unsafe { libmimalloc_sys::mi_option_set_default(PURGE_DELAY, SOON) }
}

/// Keeps to small pages. Of a page of 2 MiB nothing goes back while anything in it is used: a
/// server that had compiled its plugins kept 60 MiB for that, and nothing was any faster.
#[expect(unsafe_code, reason = "processes are set up by a function of C")]
pub(crate) fn keep_to_small_pages() {
    // SAFETY: it changes how memory is mapped, not what is in it. Where the system does not know
    // the word, all stays as it is.
    unsafe { libc::prctl(libc::PR_SET_THP_DISABLE, 1, 0, 0, 0) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(unsafe_code, reason = "as above")]
    fn delay() -> c_long {
        // SAFETY: it reads a number.
        unsafe { libmimalloc_sys::mi_option_get(PURGE_DELAY) }
    }

    #[test]
    fn the_option_is_the_one_that_is_meant() {
        assert_eq!(delay(), 1000, "mimalloc's own choice");
        give_back_soon();
        assert_eq!(delay(), SOON);
    }

    #[test]
    fn pages_are_small() {
        keep_to_small_pages();
        let status = std::fs::read_to_string("/proc/self/status").expect("the status");
        let line = status.lines().find(|line| line.starts_with("THP_enabled:"));
        // Systems before Linux 5.0 do not say.
        assert!(line.is_none_or(|line| line.ends_with('0')), "{line:?}");
    }
}
