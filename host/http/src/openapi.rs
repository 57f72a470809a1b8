//! The OpenAPI document: what each route does, takes and answers, said where the route is.
//!
//! How to read this module: a route is made with an [`operation`] for each of its verbs
//! (`routes` takes nothing less). An operation names what it takes and answers: a
//! [`resource`], which is a list of [`field`]s that stands beside the code that writes
//! them, or a schema of its own. When somebody asks for the document, each path is laid
//! out for whatever the plugins in service declare (`place`), their JSON Schemas are put
//! into OpenAPI's words (`translate`), filters become parameters (`parameters`), and all
//! is written once for each set of plugins (`whole`, `serve`).

pub(crate) mod field;
pub(crate) mod operation;
pub(crate) mod parameters;
pub(crate) mod place;
pub(crate) mod refusals;
pub(crate) mod resource;
mod routed;
pub(crate) mod serve;
mod translate;
pub(crate) mod whole;

pub(crate) use field::Field;
pub(crate) use operation::Operation;
pub(crate) use parameters::{Filters, Parameter};
pub(crate) use place::Place;
pub(crate) use resource::Resource;
