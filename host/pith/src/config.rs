//! Settings: defaults, then a file, then the environment (`PITH_…`), then flags.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use figment::Figment;
use figment::providers::{Env, Format as _, Serialized, Toml};
use pith_content::upload::Limits;
use serde::{Deserialize, Serialize};

/// What can be given on the command line.
#[derive(Debug, Args, Serialize)]
pub(crate) struct Flags {
    /// Read settings from this TOML file.
    #[arg(long, global = true, value_name = "FILE", env = "PITH_CONFIG")]
    #[serde(skip)]
    config: Option<PathBuf>,
    /// Listen on this address; port 0 takes a free one.
    #[arg(long, global = true, value_name = "ADDRESS:PORT")]
    #[serde(skip_serializing_if = "Option::is_none")]
    listen: Option<SocketAddr>,
    /// Keep everything in this directory.
    #[arg(long, global = true, value_name = "DIRECTORY")]
    #[serde(skip_serializing_if = "Option::is_none")]
    data_dir: Option<PathBuf>,
    /// Use this PostgreSQL database instead of the file in the data directory.
    #[arg(long, global = true, value_name = "URL")]
    #[serde(skip_serializing_if = "Option::is_none")]
    database_url: Option<String>,
    /// Load plugins from this directory too.
    #[arg(long, global = true, value_name = "DIRECTORY")]
    #[serde(skip_serializing_if = "Option::is_none")]
    plugin_dir: Option<PathBuf>,
    /// What to log: `info`, `debug`, or `pith_tasks=debug,info`.
    #[arg(long, global = true, value_name = "FILTER")]
    #[serde(skip_serializing_if = "Option::is_none")]
    log: Option<String>,
}

/// All settings.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// The address to listen on.
    pub(crate) listen: SocketAddr,
    /// Where everything is kept.
    pub(crate) data_dir: PathBuf,
    /// `postgres://…`; none for `SQLite` in the data directory.
    pub(crate) database_url: Option<String>,
    /// More plugins, `*.wasm`.
    pub(crate) plugin_dir: Option<PathBuf>,
    /// Scheme and host under which clients reach the content.
    pub(crate) content_origin: Option<String>,
    /// How many tasks run at once in this process.
    pub(crate) task_slots: usize,
    /// Seconds of computing that one call of a plugin may take.
    pub(crate) plugin_cpu_seconds: u64,
    /// Memory that one call of a plugin may take, in MiB.
    pub(crate) plugin_memory_mib: usize,
    /// What users may upload in chunks.
    pub(crate) uploads: Uploads,
    /// Do not fetch from addresses of private networks.
    pub(crate) deny_private_addresses: bool,
    /// What to log.
    pub(crate) log: Log,
    /// Of the user `admin`, at the first start only.
    #[serde(skip_serializing)]
    pub(crate) admin_password: Option<String>,
    /// Faults of the disk, for tests of this program (`enospc-after=…`).
    pub(crate) disk_faults: Option<String>,
}

/// Uploads in chunks.
#[derive(Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Uploads {
    /// How long after its start an upload is kept, as in `48h` or `2 days`.
    expire_after: String,
    /// How many one user may have open.
    most_open: u64,
    /// How many bytes the open uploads of one user may have.
    most_bytes: u64,
}

impl Default for Uploads {
    fn default() -> Self {
        let limits = Limits::default();
        Self {
            expire_after: format!("{}h", limits.expire_after.as_secs() / 3600),
            most_open: limits.most_open,
            most_bytes: limits.most_bytes,
        }
    }
}

impl Uploads {
    /// The checked limits.
    pub(crate) fn limits(&self) -> anyhow::Result<Limits> {
        let text = &self.expire_after;
        let expire_after = text
            .parse::<jiff::SignedDuration>()
            .ok()
            .and_then(|duration| Duration::try_from(duration).ok())
            .filter(|duration| (SHORTEST_EXPIRY..=LONGEST_EXPIRY).contains(duration));
        Ok(Limits {
            expire_after: expire_after.with_context(|| {
                format!(
                    "uploads.expire_after is {text:?}; a duration such as 48h was expected, \
                     of a second at least and a year at most"
                )
            })?,
            most_open: self.most_open,
            most_bytes: self.most_bytes,
        })
    }
}

/// Below it nothing could be sent in time.
const SHORTEST_EXPIRY: Duration = Duration::from_secs(1);

/// Above it an upload is as good as kept.
const LONGEST_EXPIRY: Duration = Duration::from_hours(366 * 24);

/// What to log: a filter, with `+json` at its end as one JSON object a line.
pub(crate) type Log = String;

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 24_817)),
            data_dir: PathBuf::from("pith-data"),
            database_url: None,
            plugin_dir: None,
            content_origin: None,
            // Most wait for an upstream or the disk; the database has one writer anyway.
            task_slots: 8,
            plugin_cpu_seconds: 600,
            plugin_memory_mib: 256,
            uploads: Uploads::default(),
            deny_private_addresses: false,
            log: "info".to_owned(),
            admin_password: None,
            disk_faults: None,
        }
    }
}

/// Variables of the environment that begin like settings and are none: the first names the
/// file, the others are the client's.
const NOT_OURS: &[&str] = &[
    "config",
    "url",
    "username",
    "password",
    "token",
    "client_config",
];

/// Gathers the settings.
pub(crate) fn load(flags: &Flags) -> anyhow::Result<Config> {
    let mut figment = Figment::from(Serialized::defaults(Config::default()));
    if let Some(file) = &flags.config {
        anyhow::ensure!(
            file.is_file(),
            "there is no settings file {}",
            file.display()
        );
        figment = figment.merge(Toml::file_exact(file));
    }
    figment
        .merge(Env::prefixed("PITH_").ignore(NOT_OURS).split("__"))
        .merge(Serialized::defaults(flags))
        .extract()
        .context("the settings are wrong")
}
