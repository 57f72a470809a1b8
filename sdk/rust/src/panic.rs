//! Says where and why a plugin panicked, before the trap that says neither.

use std::panic::PanicHookInfo;
use std::sync::Once;

use crate::log;

/// Called on entry to every export: an instance begins with whichever the host calls.
pub(crate) fn install_hook() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| std::panic::set_hook(Box::new(|info| log::error(&describe(info)))));
}

fn describe(info: &PanicHookInfo<'_>) -> String {
    let reason = info.payload_as_str().unwrap_or("no reason given");
    match info.location() {
        Some(place) => format!("panicked at {}:{}: {reason}", place.file(), place.line()),
        None => format!("panicked: {reason}"),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[test]
    fn a_panic_is_described_with_its_place_and_reason() {
        let seen = Arc::new(Mutex::new(String::new()));
        let hook = Arc::clone(&seen);
        let previous = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            *hook.lock().expect("no holder panics") = describe(info);
        }));
        let line = line!() + 1;
        let result = std::panic::catch_unwind(|| panic!("{} is odd", 3));
        std::panic::set_hook(previous);

        assert!(result.is_err());
        let seen = seen.lock().expect("no holder panics");
        assert_eq!(*seen, format!("panicked at src/panic.rs:{line}: 3 is odd"));
    }
}
