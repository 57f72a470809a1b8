//! The SQL side of the server: SQLite and PostgreSQL behind one seam.
//!
//! How to read this crate: `database`, `dialect`, `statement` and `row` are the seam;
//! every other file is one noun and holds the questions that are asked about it, as
//! SQL that runs on both. A function takes a [`Connection`]; whoever calls decides
//! whether that is a reader or a transaction.

pub mod access;
pub mod artifact;
mod budget;
pub mod candidate;
pub mod checkpoint;
pub mod column;
pub mod compare;
pub mod component;
pub mod condition;
pub mod content_type;
pub mod copy;
pub mod database;
pub mod dialect;
pub mod distribution;
pub mod entity;
pub mod error;
pub mod filter;
pub mod fragment;
pub mod greatest;
pub mod group;
pub mod hold;
mod insert;
mod json_filter;
pub mod label;
pub mod list;
pub mod membership;
pub mod migrate;
pub mod object;
pub mod order_key;
pub mod orphan;
pub mod publication;
pub mod remote;
pub mod remote_artifact;
pub mod repair;
pub mod repository;
pub mod role;
pub mod role_assignment;
pub mod row;
pub mod search;
mod sequence;
pub mod served;
pub mod setting;
pub mod signing_service;
pub mod sqlite;
mod statement;
pub mod task;
pub mod task_filter;
pub mod task_group;
pub mod task_life;
pub mod task_lock;
pub mod task_note;
pub mod task_profile;
pub mod task_purge;
pub mod task_schedule;
pub mod template;
pub mod term;
pub mod unit;
pub mod unit_filter;
pub mod unit_list;
pub mod upload;
pub mod upload_chunk;
pub mod user;
pub mod version;
pub mod worker;

pub use condition::Condition;
pub use database::{Connection, Database, Options, Transaction};
pub use dialect::Dialect;
pub use error::{Error, Result};
pub use insert::insert_many;
pub use row::Row;
pub use statement::{Value, sql};
