//! Runs plugins: engine, generations, limits, and the host side of the contract.
//!
//! A component is [loaded](Loader) through the gates into a [`Generation`], taken into
//! service by [`Plugins::install`], and run by [`call`] in a fresh instance each time.

mod bridge;
mod cache;
pub mod call;
pub mod compile;
pub mod components;
pub mod derive;
mod descriptor;
mod engine;
mod failure;
mod gate;
mod generation;
mod imports;
mod limits;
mod load;
mod meter;
pub mod order;
mod program;
mod registry;
mod routing;
pub mod serve;
mod ticker;
mod usage;

pub use cache::Cache;
pub use engine::{Allocation, Engine, EngineError};
pub use gate::{Gate, Refused};
pub use generation::{Abilities, Generation};
pub use imports::CONTRACT;
pub use limits::Limits;
pub use load::Loader;
pub use pith_model::descriptor::ResourceType;
pub use registry::{Plugins, Snapshot};
pub use usage::Used;
