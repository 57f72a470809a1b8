//! The HTTP face: Pulp's REST API from what plugins declare, authentication, and serving.
//!
//! How to read this crate: `router` says which path is answered by whom. A resource is a
//! file with its routes and a folder with a file for each verb; `shape` in it is how the
//! resource looks to clients, `settings` what they can set. A verb that makes a task
//! builds an order (`order`). The rest is what verbs are made of: `context` (who asks),
//! `body` and `form` (what is asked), `query` and `page` (lists), `lookup` (references),
//! `declared` and `config` (what plugins add), `document` and `error` (the answer).

mod app;
mod artifacts;
mod auth;
mod body;
mod changes;
mod chunk;
mod components;
mod config;
mod connection;
mod content;
mod context;
mod copies;
mod declared;
mod distributions;
mod docs;
mod document;
mod entities;
mod envelope;
mod error;
mod form;
mod groups;
mod header_case;
mod label;
mod last_sync;
mod login;
mod lookup;
mod objects;
mod openapi;
mod options;
mod order;
mod orphans;
mod page;
mod picture;
mod plugin_routes;
mod publications;
mod query;
mod receive;
mod related;
mod remotes;
mod repositories;
mod roles;
mod roots;
mod router;
mod routes;
mod search;
mod sent;
mod serve;
mod server;
mod signing_services;
mod status;
mod task_groups;
mod task_schedules;
mod tasks;
mod tokens;
mod transfer;
mod unread;
mod upload;
mod uploads;
mod users;
mod versions;
mod workers;

pub use app::{App, HttpSettings};
pub use auth::password;
pub use server::run;
