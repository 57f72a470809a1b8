//! Compiles components on threads that give way to those that serve, and, where whoever
//! asks has a program for it, in a process of its own: the compiler takes some hundred
//! megabytes for a moment, and whatever a hostile component makes of it, the server lives.

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;

use rayon::ThreadPoolBuilder;
use rustix::process::{Resource, Rlimit};
use wasmtime::CodeBuilder;

use crate::engine::{Allocation, Engine};

/// How far a compiling thread steps back. At 10 it has about a tenth of a core that others
/// want too, and all of one that nobody wants.
const NICE: i32 = 10;

/// Where the system looks for the libraries of a program that brings its own.
const LIBRARIES: &str = "LD_LIBRARY_PATH";

/// What a process that compiles may take of the processor, on all its threads together, in
/// seconds: many times what the largest component takes on a slow machine.
const MOST_SECONDS: u64 = 30 * 60;

/// Where components are compiled; cheap to clone.
#[derive(Clone, Debug, Default)]
pub enum Compiler {
    /// In this process.
    #[default]
    Here,
    /// In one that is started for it: a program with its first arguments, to which the engine's
    /// [`Allocation`] is added, and which does [`answer`].
    Apart(Arc<[OsString]>),
}

impl Compiler {
    /// Compiles a component to what `Component::deserialize` of the same engine takes.
    pub(crate) fn compile(&self, engine: &Engine, bytes: &[u8]) -> wasmtime::Result<Vec<u8>> {
        let Self::Apart(words) = self else {
            return compile(engine, bytes);
        };
        let Some((program, arguments)) = words.split_first() else {
            return compile(engine, bytes);
        };
        let mut command = Command::new(program);
        command
            .args(arguments)
            .arg(engine.allocation().as_str())
            // It needs none of the server's secrets, only what the program may need to start.
            .env_clear()
            .envs(std::env::var_os(LIBRARIES).map(|folders| (LIBRARIES, folders)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        match converse(&mut command, bytes) {
            Ok(compiled) => compiled.map_err(wasmtime::Error::msg),
            Err(error) => {
                tracing::warn!(
                    %error,
                    "no process can be started to compile in ({error}); the server itself does it"
                );
                compile(engine, bytes)
            }
        }
    }
}

/// Hands a component to the process and takes its code, or what it says is wrong.
///
/// # Errors
/// When the process does not start.
fn converse(command: &mut Command, bytes: &[u8]) -> io::Result<Result<Vec<u8>, String>> {
    let mut child = command.spawn()?;
    // All of it is read before anything is said. One that ends earlier breaks the pipe, and its
    // status tells more than that does.
    let handed = child.stdin.take().map(|mut input| input.write_all(bytes));
    let output = child.wait_with_output()?;
    if output.status.success() && matches!(handed, Some(Ok(()))) {
        return Ok(Ok(output.stdout));
    }
    Ok(Err(match output.status.code() {
        Some(REFUSED) => String::from_utf8_lossy(&output.stdout).into_owned(),
        _ => format!("the compiler broke off ({})", output.status),
    }))
}

/// What the process ends with when the component is to blame; what it said is the reason.
const REFUSED: i32 = 65;

/// Limits this process before it does [`answer`]: it ends after half an hour of work, and before
/// the server where memory runs out. Where the system knows no such limits there are none.
pub fn confine() {
    let limit = |most| Rlimit {
        current: Some(most),
        maximum: Some(most),
    };
    let _ = rustix::process::setrlimit(Resource::Cpu, limit(MOST_SECONDS));
    // What such an end would leave on the disk is as large as the process.
    let _ = rustix::process::setrlimit(Resource::Core, limit(0));
    let _ = std::fs::write("/proc/self/oom_score_adj", "1000");
}

/// Compiles what can be read to what is written: the other side of [`Compiler::Apart`].
///
/// # Errors
/// When there is no such engine on this machine, or the server does not listen any more.
pub fn answer(
    allocation: Allocation,
    mut input: impl Read,
    mut output: impl Write,
) -> anyhow::Result<ExitCode> {
    let engine = Engine::of(allocation)?;
    let mut bytes = Vec::new();
    input.read_to_end(&mut bytes)?;
    let code = match compile(&engine, &bytes) {
        Ok(code) => {
            output.write_all(&code)?;
            ExitCode::SUCCESS
        }
        Err(error) => {
            write!(output, "{error:#}")?;
            ExitCode::from(u8::try_from(REFUSED).unwrap_or(1))
        }
    };
    output.flush()?;
    Ok(code)
}

/// Compiles a component on all cores, in the background. The threads end with it, and their
/// memory with them.
fn compile(engine: &Engine, bytes: &[u8]) -> wasmtime::Result<Vec<u8>> {
    let pool = ThreadPoolBuilder::new()
        .thread_name(|number| format!("compile-{number}"))
        // On Linux a thread has a niceness of its own, and "none" means the calling thread.
        .start_handler(|_| {
            // Without it the server is only slower meanwhile.
            let _ = rustix::process::setpriority_process(None, NICE);
        })
        .build()
        .map_err(|error| wasmtime::Error::msg(format!("no threads to compile on: {error}")))?;
    pool.install(|| {
        CodeBuilder::new(engine.wasmtime())
            .wasm_binary(bytes, None)?
            .compile_component_serialized()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The smallest component: a header and nothing in it.
    const EMPTY: &[u8] = b"\0asm\x0d\0\x01\0";

    fn shell(script: &str) -> Compiler {
        let words = ["/bin/sh", "-c", script].map(OsString::from);
        Compiler::Apart(words.into())
    }

    fn said(compiler: &Compiler) -> String {
        let engine = Engine::on_demand().expect("an engine");
        let compiled = compiler.compile(&engine, EMPTY);
        format!("{:#}", compiled.expect_err("nothing is compiled"))
    }

    #[test]
    fn what_the_other_process_says_is_told() {
        assert_eq!(
            said(&shell("cat >/dev/null; printf 'a bad %s' $0; exit 65")),
            "a bad on-demand"
        );
        assert!(said(&shell("kill -9 $$")).contains("broke off (signal: 9"));
        assert!(said(&shell("exit 1")).contains("broke off (exit status: 1"));
        let engine = Engine::on_demand().expect("an engine");
        let echo = shell("cat").compile(&engine, EMPTY).expect("its words");
        assert_eq!(echo, EMPTY);
    }

    #[test]
    fn who_compiles_has_limits() {
        confine();
        let of = |resource| rustix::process::getrlimit(resource).maximum;
        assert_eq!(of(Resource::Cpu), Some(MOST_SECONDS));
        assert_eq!(of(Resource::Core), Some(0));
        let adjusted = std::fs::read_to_string("/proc/self/oom_score_adj").expect("a file");
        assert_eq!(adjusted.trim(), "1000");
    }

    #[test]
    fn without_the_program_the_server_compiles() {
        let engine = Engine::on_demand().expect("an engine");
        let missing = Compiler::Apart(["/nowhere/to/be/found".into()].into());
        assert!(missing.compile(&engine, EMPTY).is_ok());
    }

    #[test]
    fn the_answer_is_code_or_a_reason() {
        let mut code = Vec::new();
        answer(Allocation::OnDemand, EMPTY, &mut code).expect("an answer");
        let engine = Engine::on_demand().expect("an engine");
        assert_eq!(code, compile(&engine, EMPTY).expect("compiled"));
        let mut reason = Vec::new();
        answer(Allocation::OnDemand, &b"no component"[..], &mut reason).expect("an answer");
        assert!(!reason.is_empty());
    }
}
