//! `pith copy`: content from one repository to another.

use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::wait::Waiting;
use super::{Common, reference};

/// What to copy.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The repository to copy from.
    source: String,
    /// The repository to copy to.
    destination: String,
    /// The version to copy from, if not the newest.
    #[arg(long, value_name = "NUMBER")]
    version: Option<u64>,
    /// A content type; all, if none is given.
    #[arg(long = "type", value_name = "TYPE")]
    content_type: Option<String>,
    /// Which units: `name='walrus', version>'1.1.0'`; wants a type.
    #[arg(long, value_name = "EXPRESSION", requires = "content_type")]
    filter: Option<String>,
    /// Bring what the units need, too; or say `false` for not.
    #[arg(long, value_name = "BOOLEAN", num_args = 0..=1, default_missing_value = "true")]
    dependency_solving: Option<bool>,
    /// Say what would be copied and change nothing.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    waiting: Waiting,
    #[command(flatten)]
    common: Common,
}

pub(super) async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let server = arguments.common.server()?;
    let source = reference::find_href(&server, "repositories", &arguments.source).await?;
    let destination = reference::find_href(&server, "repositories", &arguments.destination).await?;
    let (plugin, _) = reference::plugin_and_type(&source)?;
    let mut order = match arguments.version {
        None => json!({"source_repository": source, "destination_repository": destination}),
        Some(number) => json!({"config": [{
            "source_repo_version": format!("{source}versions/{number}/"),
            "dest_repo": destination,
        }]}),
    };
    if let Some(content_type) = &arguments.content_type {
        order["type"] = content_type.as_str().into();
    }
    if let Some(filter) = &arguments.filter {
        order["filter"] = filter.as_str().into();
    }
    if let Some(solve) = arguments.dependency_solving {
        order["dependency_solving"] = solve.into();
    }
    if arguments.dry_run {
        order["dry_run"] = true.into();
    }
    let accepted = server.post(&format!("{plugin}/copy/"), &order).await?;
    let output = arguments.common.output;
    arguments.waiting.follow(&server, output, &accepted).await
}
