//! What a store promises, tried on a directory store with and without faults.

mod durability;
mod faults;
mod following;
mod placing;
mod sessions;
mod small;
mod support;
mod writing;
