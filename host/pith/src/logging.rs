//! Where the log goes: to standard error, for people or, with `+json`, for programs.

use std::io::IsTerminal as _;

use anyhow::Context as _;
use tracing_subscriber::EnvFilter;

/// Starts logging; `filter` may end in `+json`.
pub(crate) fn start(filter: &str) -> anyhow::Result<()> {
    let (filter, json) = match filter.strip_suffix("+json") {
        Some(filter) => (filter, true),
        None => (filter, false),
    };
    let filter = EnvFilter::try_new(filter)
        .with_context(|| format!("the log filter {filter:?} is wrong"))?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    if json {
        builder.json().flatten_event(true).init();
    } else {
        builder.with_ansi(std::io::stderr().is_terminal()).init();
    }
    Ok(())
}
