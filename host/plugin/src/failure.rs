//! Says what became of a call that did not end well, to people and to programs.

use std::collections::BTreeSet;
use std::sync::Arc;

use pith_content::error::{Code, Error};
use pith_model::task::TaskError;
use rustc_demangle::demangle;
use wasmtime::{FrameInfo, Trap, WasmBacktrace};

use crate::bridge::from_contract;
use crate::engine::FRAMES;
use crate::generation::Generation;
use crate::limits::{LimitExceeded, Limits, in_bytes};
use crate::program::Ending;

/// The error of a task whose call of `export` ended like that.
pub(crate) fn task_error(ending: &Ending, generation: &Generation, export: &str) -> TaskError {
    TaskError {
        code: code(ending).to_owned(),
        description: in_words(ending, &generation.name, &generation.limits),
        plugin: Some(generation.name().to_owned()),
        version: Some(generation.version().to_owned()),
        export: Some(export.to_owned()),
        frames: frames(ending),
    }
}

/// What is said where a plugin has as many instances as it may.
pub(crate) fn busy(generation: &Generation) -> TaskError {
    let name = generation.name();
    TaskError::new(
        Code::Unavailable.as_str(),
        format!("plugin {name} answers as many requests as it may; try again in a moment"),
    )
}

fn code(ending: &Ending) -> &'static str {
    match ending {
        Ending::Answered(error) => from_contract(error.code).as_str(),
        Ending::TimeUp(_) => Code::Limit.as_str(),
        Ending::Cancelled => Code::Cancelled.as_str(),
        Ending::Trapped { error, .. } => {
            if let Some(refusal) = error.downcast_ref::<Error>() {
                refusal.code.as_str()
            } else if error.is::<LimitExceeded>() || passed_too_much(error) {
                Code::Limit.as_str()
            } else if error.is::<Trap>() || error.is::<WasmBacktrace>() {
                "trap"
            } else {
                Code::Internal.as_str()
            }
        }
    }
}

/// A sentence: what happened, to which plugin.
pub(crate) fn in_words(ending: &Ending, plugin: &Arc<str>, limits: &Limits) -> String {
    match ending {
        Ending::Answered(error) if error.message.is_empty() => {
            let code = from_contract(error.code).as_str();
            format!("plugin {plugin} failed with `{code}` and did not say why")
        }
        Ending::Answered(error) => error.message.clone(),
        Ending::TimeUp(limit) => limit.to_string(),
        Ending::Cancelled => "it was cancelled".into(),
        Ending::Trapped { error, last_words } => {
            if let Some(refusal) = error.downcast_ref::<Error>() {
                refusal.message.to_string()
            } else if let Some(limit) = error.downcast_ref::<LimitExceeded>() {
                limit.to_string()
            } else if passed_too_much(error) {
                let most = in_bytes(limits.passed_bytes);
                format!(
                    "plugin {plugin} passed more than {most} to the host at once, which is its limit"
                )
            } else {
                trapped(error, last_words.as_deref(), plugin)
            }
        }
    }
}

/// wasmtime keeps this error's type to itself; its words are all there is to know it by.
fn passed_too_much(error: &wasmtime::Error) -> bool {
    error
        .root_cause()
        .to_string()
        .contains("fuel allocated for hostcalls")
}

fn trapped(error: &wasmtime::Error, last_words: Option<&str>, plugin: &str) -> String {
    let trap = error.downcast_ref::<Trap>();
    match (trap, last_words) {
        // A panic, `abort` and a failed allocation all end in the same bare instruction;
        // what was said before is the news.
        (Some(Trap::UnreachableCodeReached), Some(said)) => {
            format!("plugin {plugin} ended: {said}")
        }
        (Some(Trap::UnreachableCodeReached), None) => {
            format!(
                "plugin {plugin} ended without a word at an `unreachable` instruction: it panicked or aborted"
            )
        }
        (Some(trap), said) => {
            let reason = trap.to_string();
            let reason = reason.strip_prefix("wasm trap: ").unwrap_or(&reason);
            let recursion = if recurses(error) {
                " (endless recursion, by its frames)"
            } else {
                ""
            };
            format!(
                "plugin {plugin} trapped: {reason}{recursion}{}",
                said_before(said)
            )
        }
        (None, said) => {
            let reason = error.root_cause();
            format!("plugin {plugin} was ended: {reason}{}", said_before(said))
        }
    }
}

fn said_before(last_words: Option<&str>) -> String {
    last_words
        .map(|said| format!("; it said before: {said}"))
        .unwrap_or_default()
}

/// Compilers keep most of a stack in linear memory, so that a stack which has run out looks
/// like any wrong address. Nothing else has all frames of a trap in the same few functions.
fn recurses(error: &wasmtime::Error) -> bool {
    let Some(backtrace) = error.downcast_ref::<WasmBacktrace>() else {
        return false;
    };
    let frames = backtrace.frames();
    let functions: BTreeSet<u32> = frames.iter().map(FrameInfo::func_index).collect();
    frames.len() >= FRAMES.get() && functions.len() <= 3
}

/// Where a trap happened, innermost first.
fn frames(ending: &Ending) -> Vec<String> {
    let Ending::Trapped { error, .. } = ending else {
        return Vec::new();
    };
    let Some(backtrace) = error.downcast_ref::<WasmBacktrace>() else {
        return Vec::new();
    };
    backtrace.frames().iter().map(frame).collect()
}

fn frame(frame: &FrameInfo) -> String {
    let symbol = frame.symbols().first();
    let name = symbol
        .and_then(|symbol| symbol.name())
        .or(frame.func_name());
    let function = match name {
        // `#` leaves out the hash that the compiler puts behind a name.
        Some(name) => format!("{:#}", demangle(name)),
        None => format!("function {}", frame.func_index()),
    };
    let line = symbol.and_then(|symbol| Some((symbol.file()?, symbol.line()?)));
    match (line, frame.module_offset()) {
        (Some((file, line)), _) => format!("{function} at {file}:{line}"),
        (None, Some(offset)) => format!("{function} at {offset:#x}"),
        (None, None) => function,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bridge::contract::pith::plugin::types;

    fn words(ending: &Ending) -> String {
        in_words(ending, &"file".into(), &Limits::default())
    }

    fn trap(error: impl Into<wasmtime::Error>, last_words: Option<&str>) -> Ending {
        Ending::Trapped {
            error: error.into(),
            last_words: last_words.map(ToOwned::to_owned),
        }
    }

    #[test]
    fn a_panic_is_told_in_its_own_words() {
        let said = "panicked at src/lib.rs:70: index out of bounds";
        let ending = trap(Trap::UnreachableCodeReached, Some(said));
        assert_eq!(words(&ending), format!("plugin file ended: {said}"));
        assert_eq!(code(&ending), "trap");
    }

    #[test]
    fn a_trap_says_what_it_is() {
        let ending = trap(Trap::StackOverflow, None);
        assert_eq!(words(&ending), "plugin file trapped: call stack exhausted");
        assert_eq!(code(&ending), "trap");
    }

    #[test]
    fn limits_and_refusals_keep_their_codes() {
        let limit = LimitExceeded::Memory {
            plugin: "file".into(),
            wanted: 300 << 20,
            limit: 256 << 20,
        };
        let error = wasmtime::Error::from(limit).context("while growing");
        let ending = trap(error, None);
        assert_eq!(code(&ending), "limit");
        assert_eq!(
            words(&ending),
            "plugin file wanted 300 MiB of memory, its limit is 256 MiB"
        );
        let ending = trap(Error::invalid("no JSON"), None);
        assert_eq!(
            (code(&ending), words(&ending).as_str()),
            ("invalid", "no JSON")
        );
    }

    #[test]
    fn what_a_plugin_answers_is_passed_on() {
        let answered = |message: &str| {
            Ending::Answered(types::Error {
                code: types::ErrorCode::NotFound,
                message: message.into(),
            })
        };
        assert_eq!(code(&answered("gone")), "not-found");
        assert_eq!(words(&answered("gone")), "gone");
        assert_eq!(
            words(&answered("")),
            "plugin file failed with `not-found` and did not say why"
        );
    }
}
