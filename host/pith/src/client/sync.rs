//! `pith sync`: reads a remote into a repository.

use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::wait::Waiting;
use super::{Common, reference};

/// What to sync.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The repository.
    repository: String,
    /// The remote, if not the repository's own.
    #[arg(long, value_name = "REMOTE")]
    remote: Option<String>,
    /// Also remove what the remote does not have.
    #[arg(long)]
    mirror: bool,
    /// Another parameter of the plugin's; `GET tasks/<plugin>/` lists them.
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = reference::parse_pair)]
    parameters: Vec<(String, String)>,
    #[command(flatten)]
    waiting: Waiting,
    #[command(flatten)]
    common: Common,
}

pub(super) async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let server = arguments.common.server()?;
    let href = reference::find_href(&server, "repositories", &arguments.repository).await?;
    let mut order = json!({});
    if let Some(remote) = &arguments.remote {
        order["remote"] = reference::find_href(&server, "remotes", remote)
            .await?
            .into();
    }
    if arguments.mirror {
        order["mirror"] = true.into();
    }
    for (name, value) in &arguments.parameters {
        order[name] = reference::value_of(value);
    }
    let accepted = server.post(&format!("{href}sync/"), &order).await?;
    let output = arguments.common.output;
    arguments.waiting.follow(&server, output, &accepted).await
}
