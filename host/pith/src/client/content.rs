//! `pith content …`: looks at content.

use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use serde_json::Value;

use super::connection::Server;
use super::{Common, reference};

/// What to do with content.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    verb: Verb,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List units of content of one type.
    List {
        /// The type, such as `file/files`, or a plugin that has only one.
        content_type: String,
        /// Only what is in the newest version of this repository.
        #[arg(long, value_name = "REPOSITORY")]
        repository: Option<String>,
        /// A filter of the API, such as `relative_path__startswith=a`.
        #[arg(long = "filter", value_name = "NAME=VALUE", value_parser = reference::parse_pair)]
        filters: Vec<(String, String)>,
        /// At most so many.
        #[arg(long, default_value_t = 100)]
        limit: usize,
    },
    /// Show a unit of content.
    Show {
        /// Its href.
        href: String,
    },
}

pub(super) async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let server = arguments.common.server()?;
    let output = arguments.common.output;
    match arguments.verb {
        Verb::List {
            content_type,
            repository,
            mut filters,
            limit,
        } => {
            let path = path_of(&server, &content_type).await?;
            if let Some(repository) = repository {
                let found = reference::find(&server, "repositories", &repository).await?;
                let version = found["latest_version_href"].as_str().unwrap_or_default();
                filters.push(("repository_version".to_owned(), version.to_owned()));
            }
            let (rows, count) = server.list(&path, &filters, limit.max(1)).await?;
            let names = columns_of(rows.first());
            let columns: Vec<(&str, &str)> = names
                .iter()
                .map(|(title, name)| (title.as_str(), name.as_str()))
                .collect();
            output.rows(&rows, count, &columns);
        }
        Verb::Show { href } => output.resource(&server.get(&href).await?),
    }
    Ok(ExitCode::SUCCESS)
}

/// The path of a content type that a user means.
pub(super) async fn path_of(server: &Server, content_type: &str) -> anyhow::Result<String> {
    let (plugin, name) = match content_type.split_once(['/', '.']) {
        Some((plugin, name)) => (plugin, Some(name)),
        None => (content_type, None),
    };
    let root = server.get(&format!("content/{plugin}/")).await;
    let root = root.with_context(|| format!("there is no plugin {plugin:?} on the server"))?;
    let routes = root["sub_routes"].as_array().into_iter().flatten();
    let urls: Vec<&str> = routes.filter_map(|route| route["url"].as_str()).collect();
    let last = |url: &str| {
        let word = url.trim_end_matches('/').rsplit('/').next();
        word.unwrap_or_default().to_owned()
    };
    let chosen: Vec<&&str> = urls
        .iter()
        .filter(|url| {
            name.is_none_or(|name| {
                let plural = last(url);
                plural == name || plural.trim_end_matches('s') == name
            })
        })
        .collect();
    match chosen.as_slice() {
        [one] => Ok((**one).to_owned()),
        _ => {
            let names: Vec<String> = urls
                .iter()
                .map(|url| format!("{plugin}/{}", last(url)))
                .collect();
            bail!("say which content type: {}", names.join(", "))
        }
    }
}

/// The first few fields of the type's own, and where the unit is.
fn columns_of(unit: Option<&Value>) -> Vec<(String, String)> {
    const OF_ALL: &[&str] = &[
        "pulp_href",
        "prn",
        "pulp_created",
        "pulp_last_updated",
        "pulp_labels",
        "vuln_report",
        "artifact",
        "artifacts",
    ];
    const MOST: usize = 5;
    let fields = unit.and_then(Value::as_object).into_iter().flatten();
    let own = fields
        .filter(|(name, value)| {
            !OF_ALL.contains(&name.as_str()) && !value.is_object() && !value.is_array()
        })
        .map(|(name, _)| (name.to_uppercase(), name.clone()))
        .take(MOST);
    own.chain([("HREF".to_owned(), "pulp_href".to_owned())])
        .collect()
}
