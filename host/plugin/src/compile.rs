//! Compiles components on threads that give way to those that serve.

use rayon::ThreadPoolBuilder;
use wasmtime::component::Component;

use crate::engine::Engine;

/// How far a compiling thread steps back. At 10 it has about a tenth of a core that others
/// want too, and all of one that nobody wants.
const NICE: i32 = 10;

/// Compiles a component on all cores, in the background. The threads end with it, and their
/// memory with them.
pub(crate) fn compile(engine: &Engine, bytes: &[u8]) -> wasmtime::Result<Component> {
    let pool = ThreadPoolBuilder::new()
        .thread_name(|number| format!("compile-{number}"))
        // On Linux a thread has a niceness of its own, and "none" means the calling thread.
        .start_handler(|_| {
            // Without it the server is only slower meanwhile.
            let _ = rustix::process::setpriority_process(None, NICE);
        })
        .build()
        .map_err(|error| wasmtime::Error::msg(format!("no threads to compile on: {error}")))?;
    pool.install(|| Component::from_binary(engine.wasmtime(), bytes))
}
