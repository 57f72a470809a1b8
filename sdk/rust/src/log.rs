//! Lines for the log of the task that is running, or of the load in `describe`.

use crate::bindings::imports::pith::plugin::log::{Level, write};

/// Something that only the plugin's author follows.
pub fn trace(message: &str) {
    write(Level::Trace, message);
}

/// Something that helps to find a fault.
pub fn debug(message: &str) {
    write(Level::Debug, message);
}

/// Something that an operator wants to know.
pub fn info(message: &str) {
    write(Level::Info, message);
}

/// Something that looks wrong but was dealt with.
pub fn warn(message: &str) {
    write(Level::Warn, message);
}

/// Something that went wrong.
pub fn error(message: &str) {
    write(Level::Error, message);
}
