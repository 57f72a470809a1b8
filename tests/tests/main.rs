//! The suite: a real server process, real HTTP, plugins as WebAssembly. It mirrors the API.

mod artifacts;
mod authentication;
mod bad_upstreams;
mod bundled_sample;
mod command_line;
mod content;
mod crash_recovery;
mod disk_errors;
mod distributions;
mod fetch_through;
mod field_errors;
#[cfg(feature = "heavy")]
mod heavy;
mod hostile_plugins;
mod labels;
mod lists;
mod orphans;
mod permissions;
mod publications;
mod remotes;
mod repositories;
mod repository_versions;
mod roots;
mod rpm;
mod serving;
mod shared_queue;
mod status;
mod sync;
mod sync_policies;
mod tasks;
