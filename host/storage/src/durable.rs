//! Files that have their names, and the proof that they are on the disk.
//!
//! The order that keeps a store honest is in the types: bytes become [`Incoming`], which becomes
//! [`Placed`], which becomes [`Durable`]; and a function that inserts rows asks for a [`Durable`],
//! which nothing but a finished sync can make.

use crate::hold::Hold;
use crate::incoming::{Incoming, Stored};

/// Files that have their names in the store, but which a power loss could still take.
///
/// Nothing may refer to them yet: [`Store::make_durable`](crate::Store::make_durable) comes first.
/// Dropping it leaves the files without anything that refers to them, for a clean-up to find.
#[derive(Debug)]
#[must_use = "placed files are not durable until `make_durable` has returned"]
pub struct Placed {
    pub(crate) files: Vec<Stored>,
    /// Each different file, once. One whose name was taken waits to replace it until it is synced.
    pub(crate) arrivals: Vec<Incoming>,
    pub(crate) hold: Hold,
}

impl Placed {
    /// The files, in the order in which they were handed in.
    pub fn files(&self) -> &[Stored] {
        &self.files
    }
}

/// The proof that files are stored, and survive a power loss.
///
/// Keep it until the rows that name the files are committed: as long as it lives, no clean-up of
/// this process removes the files.
#[derive(Debug)]
#[must_use = "pass the proof to the function that inserts the rows"]
pub struct Durable {
    files: Vec<Stored>,
    holds: Vec<Hold>,
}

impl Durable {
    /// The proof for no files at all.
    pub fn nothing() -> Self {
        Self {
            files: Vec::new(),
            holds: Vec::new(),
        }
    }

    /// Only for a store, and only after its sync returned.
    pub(crate) fn proven(files: Vec<Stored>, hold: Hold) -> Self {
        Self {
            files,
            holds: vec![hold],
        }
    }

    /// The files, in the order in which they were handed in.
    pub fn files(&self) -> &[Stored] {
        &self.files
    }

    /// One proof for the files of both, these first.
    pub fn and(mut self, mut other: Self) -> Self {
        self.files.append(&mut other.files);
        self.holds.append(&mut other.holds);
        self
    }
}
