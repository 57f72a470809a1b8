//! `pith publish`: makes a publication of a repository.

use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use serde_json::json;

use super::wait::Waiting;
use super::{Common, reference};

/// What to publish.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The repository, whose newest version is published.
    repository: String,
    /// Another version.
    #[arg(long, value_name = "NUMBER")]
    version: Option<u64>,
    /// Another setting of the publication.
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = reference::parse_pair)]
    settings: Vec<(String, String)>,
    #[command(flatten)]
    waiting: Waiting,
    #[command(flatten)]
    common: Common,
}

pub(super) async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let server = arguments.common.server()?;
    let href = reference::find_href(&server, "repositories", &arguments.repository).await?;
    let (plugin, _) = reference::plugin_and_type(&href)?;
    let kinds = server.get(&format!("publications/{plugin}/")).await;
    let kinds = kinds.with_context(|| format!("the plugin {plugin} makes no publications"))?;
    let path = kinds["sub_routes"][0]["url"]
        .as_str()
        .context("the server lists no kind of publication")?
        .to_owned();
    let mut order = match arguments.version {
        Some(number) => json!({"repository_version": format!("{href}versions/{number}/")}),
        None => json!({"repository": href}),
    };
    for (name, value) in &arguments.settings {
        order[name] = reference::value_of(value);
    }
    let accepted = server.post(&path, &order).await?;
    let output = arguments.common.output;
    arguments.waiting.follow(&server, output, &accepted).await
}
