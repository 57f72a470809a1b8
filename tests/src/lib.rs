//! The ground under the tests: a real server process, a database, and a client of the API.
//!
//! A test is a function `async fn name(test: Test) -> anyhow::Result<()>`, named in the
//! [`on_both_databases!`] list of its file. The macro makes `name::sqlite` and
//! `name::postgres` of it; a function that the list forgets is dead code, which the lints
//! refuse. Nothing is shared between tests but the PostgreSQL cluster of the run.

pub mod ansible;
mod api;
mod compiled_code;
mod content_summary;
mod database;
pub mod document;
mod failure;
mod file;
mod kept_directory;
mod multipart;
mod process;
mod reply;
pub mod rpm;
mod run;
mod server;
pub mod signer;
mod stored_artifacts;
mod task;
mod upload;

pub use api::{API_ROOTS, Api};
pub use content_summary::{added, present, removed};
pub use database::Database;
pub use failure::excerpt;
pub use file::{Mirrored, names_of};
pub use multipart::Form;
pub use pith_fixture_upstream as upstream;
pub use process::{built_plugin, run_binary};
pub use reply::{Reply, href, text};
pub use run::{Test, run};
pub use server::{ADMIN_PASSWORD, ServerBuilder, TestServer};
pub use stored_artifacts::{is_stored, stored_digests, verify_stored_artifacts};
pub use task::Task;
pub use upload::Sending;

/// Runs each named function of the enclosing module once per database.
#[macro_export]
macro_rules! on_both_databases {
    ($($name:ident),+ $(,)?) => {
        $(mod $name {
            #[test]
            fn sqlite() {
                $crate::run($crate::Database::Sqlite, module_path!(), super::$name);
            }
            #[test]
            fn postgres() {
                $crate::run($crate::Database::Postgres, module_path!(), super::$name);
            }
        })+
    };
}

/// Runs each named function of the enclosing module on PostgreSQL: for what needs a
/// database that two servers can share.
#[macro_export]
macro_rules! on_a_shared_database {
    ($($name:ident),+ $(,)?) => {
        $(mod $name {
            #[test]
            fn shared() {
                $crate::run($crate::Database::Postgres, module_path!(), super::$name);
            }
        })+
    };
}

/// Runs each named function of the enclosing module where no database matters.
#[macro_export]
macro_rules! without_a_database {
    ($($name:ident),+ $(,)?) => {
        $(mod $name {
            #[test]
            fn once() {
                $crate::run($crate::Database::Sqlite, module_path!(), super::$name);
            }
        })+
    };
}
