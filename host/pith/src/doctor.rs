//! `pith doctor`: says in plain words whether the server could run here.

use std::net::TcpListener;
use std::process::ExitCode;

use pith_db::Database;
use pith_plugin::{Allocation, Engine};
use pith_storage::{DirectoryStore, Store};

use crate::config::Config;
use crate::data_directory::DataDirectory;
use crate::open;

/// Less free space than this is trouble soon.
const LITTLE_SPACE: u64 = 1 << 30;

/// Checks one thing after the other; fails if one of them would keep the server from
/// running.
pub(crate) async fn run(config: &Config) -> anyhow::Result<ExitCode> {
    let mut report = Report::default();
    match DataDirectory::take(&config.data_dir, config.database_url.is_some()) {
        Ok(directory) => {
            report.good(format!(
                "the data directory {} can be used",
                config.data_dir.display()
            ));
            check_store(&mut report, &directory).await;
        }
        Err(error) => report.bad(format!("{error:#}")),
    }
    check_database(&mut report, config).await;
    check_engine(&mut report);
    match TcpListener::bind(config.listen) {
        Ok(_) => report.good(format!("{} is free to listen on", config.listen)),
        Err(error) => report.bad(format!("cannot listen on {}: {error}", config.listen)),
    }
    let files = rustix::process::getrlimit(rustix::process::Resource::Nofile).maximum;
    match files {
        Some(files) if files < 4096 => report.doubtful(format!(
            "only {files} files may be open at once; 4096 or more are better (ulimit -Hn)"
        )),
        _ => report.good("enough files may be open at once"),
    }
    Ok(if report.failed {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

async fn check_store(report: &mut Report, directory: &DataDirectory) {
    let store = match DirectoryStore::open(directory.store()) {
        Ok(store) => store,
        Err(error) => return report.bad(format!("the store: {error}")),
    };
    let kept = store
        .put_small(vec![bytes::Bytes::from_static(b"doctor").into()])
        .await;
    match kept.into_iter().next() {
        Some(Ok(_)) => report.good("files can be written"),
        Some(Err(error)) => report.bad(format!("files cannot be written: {error}")),
        None => {}
    }
    if let Ok(Some(space)) = store.space().await {
        let free = space.available >> 20;
        if space.available < LITTLE_SPACE {
            report.doubtful(format!("only {free} MiB are free"));
        } else {
            report.good(format!("{free} MiB are free"));
        }
    }
}

async fn check_database(report: &mut Report, config: &Config) {
    let opened = match open::options(config) {
        Ok(options) => Database::open(&options).await.map_err(anyhow::Error::from),
        Err(error) => Err(error),
    };
    match opened {
        Ok(database) => {
            report.good(format!(
                "the {} database answers",
                database.dialect().name()
            ));
            database.close().await;
        }
        Err(error) => report.bad(format!("the database: {error:#}")),
    }
}

fn check_engine(report: &mut Report) {
    match Engine::start().map(|engine| engine.allocation()) {
        Ok(Allocation::Pooling) => report.good("plugins can run"),
        Ok(Allocation::OnDemand) => report.doubtful(
            "plugins can run, but start slowly: address space cannot be reserved (ulimit -v)",
        ),
        Err(error) => report.bad(format!("plugins cannot run: {error}")),
    }
}

#[derive(Debug, Default)]
struct Report {
    failed: bool,
}

impl Report {
    #[expect(clippy::unused_self, reason = "reads like its sisters")]
    fn good(&mut self, text: impl std::fmt::Display) {
        println!("  ok    {text}");
    }

    #[expect(clippy::unused_self, reason = "reads like its sisters")]
    fn doubtful(&mut self, text: impl std::fmt::Display) {
        println!("  hm    {text}");
    }

    fn bad(&mut self, text: impl std::fmt::Display) {
        println!("  BAD   {text}");
        self.failed = true;
    }
}
