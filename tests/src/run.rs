//! Runs one test function: a runtime, a folder and a database of its own, then the broom.

use std::future::Future;
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Result;

use crate::database::{Database, Databases};
use crate::failure::{as_panic_text, report_kept_directory};
use crate::kept_directory::KeptDirectory;
use crate::server::{ServerBuilder, TestServer};

/// What a test is given: where it may write, and which database it is for.
#[derive(Clone, Debug)]
pub struct Test {
    directory: Arc<KeptDirectory>,
    databases: Arc<Databases>,
}

impl Test {
    /// A folder that is the test's alone, removed if the test succeeds.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Which database the test is run on.
    pub fn database(&self) -> Database {
        self.databases.kind()
    }

    /// A server with settings of its own, on a database of its own.
    pub fn server(&self) -> ServerBuilder {
        ServerBuilder::new(self.clone())
    }

    /// A server with the usual settings.
    pub async fn start(&self) -> Result<TestServer> {
        self.server().start().await
    }

    /// The URL of a new, empty, migrated database; none means SQLite below the data folder.
    pub async fn new_database(&self) -> Result<Option<String>> {
        self.databases.create().await
    }

    /// A place inside the test's folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory().join(name)
    }
}

/// Runs a test function and panics if it fails; then its folder and its logs are kept.
///
/// # Panics
/// If the test fails.
pub fn run<F>(database: Database, module: &str, test_function: impl FnOnce(Test) -> F)
where
    F: Future<Output = Result<()>>,
{
    // Plain HTTP needs no TLS, but the client library wants to know whom to ask.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime can be built");
    let name = format!("{module}::{database}");
    let directory = Arc::new(KeptDirectory::create(&name).expect("the test's folder can be made"));
    let databases = Arc::new(Databases::new(database));
    let test = Test {
        directory: Arc::clone(&directory),
        databases: Arc::clone(&databases),
    };

    let outcome = panic::catch_unwind(AssertUnwindSafe(|| runtime.block_on(test_function(test))));
    match outcome {
        Ok(Ok(())) => {
            if let Err(error) = runtime.block_on(databases.drop_all()) {
                eprintln!("the databases of {name} stay until the end of the run: {error:#}");
            }
            directory.remove();
        }
        Ok(Err(error)) => {
            report_kept_directory(directory.path());
            panic!("{name}: {error:?}");
        }
        Err(panicked) => {
            report_kept_directory(directory.path());
            eprintln!("{name} panicked: {}", as_panic_text(panicked.as_ref()));
            panic::resume_unwind(panicked);
        }
    }
}
